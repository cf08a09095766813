{{- /* Names and labels. A release of the original's chart has the same, so it can be taken over in place. */ -}}
{{- define "nth.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "nth.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- .Values.fullnameOverride | default $full | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "nth.fullname.windows" -}}
{{- include "nth.fullname" . | trunc 59 | trimSuffix "-" }}-win
{{- end }}

{{- define "nth.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "nth.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "nth.component" -}}
{{- ternary "deployment" "daemonset" .Values.enableSqsTerminationDraining }}
{{- end }}

{{- /* What a selector matches: it must never change. */ -}}
{{- define "nth.selector" -}}
app.kubernetes.io/name: {{ include "nth.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: {{ include "nth.component" . }}
{{- end }}

{{- /* One map of a list of maps: a name may stand only once, and the last map that has it wins. */ -}}
{{- define "nth.merged" -}}
{{- $merged := dict }}
{{- range . }}{{ range $name, $value := . }}{{ $_ := set $merged $name $value }}{{ end }}{{ end }}
{{- toYaml $merged }}
{{- end }}

{{- define "nth.labels.own" -}}
app.kubernetes.io/name: {{ include "nth.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "nth.labels" -}}
{{- include "nth.merged" (list (include "nth.labels.own" . | fromYaml) .Values.customLabels) }}
{{- end }}

{{- define "nth.labels.workload" -}}
{{- $component := dict "app.kubernetes.io/component" (include "nth.component" .) }}
{{- include "nth.merged" (list (include "nth.labels" . | fromYaml) $component) }}
{{- end }}

{{- /* A pod's labels. The list: the root, what the selector has besides, maps of the user's. */ -}}
{{- define "nth.podLabels" -}}
{{- $selected := include "nth.selector" (index . 0) | fromYaml }}
{{- $ours := dict "k8s-app" "aws-node-termination-handler" }}
{{- include "nth.merged" (concat (list $ours) (slice . 2) (list $selected (index . 1))) }}
{{- end }}

{{- /* The start of every object; takes a list: the root, the name, whether it belongs to the workload. */ -}}
{{- define "nth.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include (ternary "nth.labels.workload" "nth.labels" (index . 2)) $root | nindent 2 }}
{{- end }}
