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
app.kubernetes.io/name: {{ include "nth.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ include "nth.component" . }}
{{- end }}

{{- define "nth.labels" -}}
app.kubernetes.io/name: {{ include "nth.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.customLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "nth.labels.workload" -}}
{{ include "nth.labels" . }}
app.kubernetes.io/component: {{ include "nth.component" . }}
{{- end }}

{{- /* The start of every object; takes a list: the root, the name, whether it belongs to the workload. */ -}}
{{- define "nth.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include (ternary "nth.labels.workload" "nth.labels" (index . 2)) $root | nindent 2 }}
{{- end }}
