{{- /* The one container, for every workload. The dict: root, windows (bool), image (with repository and tag). */ -}}
{{- define "nth.image" -}}
{{ .image.repository }}:{{ .image.tag | default (printf "v%s" .root.Chart.AppVersion) }}
{{- end }}

{{- /* Whether the probes' server runs: always in queue mode. */ -}}
{{- define "nth.probed" -}}
{{- if or .Values.enableSqsTerminationDraining .Values.enableProbesServer }}true{{ end }}
{{- end }}

{{- /* Whether probes and metrics share a port, which is then named after the metrics: a pod may have each port once. */ -}}
{{- define "nth.onePort" -}}
{{- $same := eq (toString .Values.probes.httpGet.port) (include "nth.whole" .Values.prometheusServerPort) }}
{{- if and .Values.enablePrometheusServer $same }}true{{ end }}
{{- end }}

{{- /* The host that the kubelet has to ask if the probes' server does not listen on the pod's address, as a map. */ -}}
{{- define "nth.probeHost" -}}
{{- $address := .root.Values.probesServerAddress }}
{{- if and $address (not (has $address (list "0.0.0.0" "::"))) }}
{{- if not .hostNetwork }}
{{- fail (printf "probesServerAddress is %s, which the kubelet reaches in the host's network alone: leave it empty in queue mode, on Windows and with useHostNetwork=false" $address) }}
{{- end -}}
host: {{ $address | quote }}
{{- end }}
{{- end }}

{{- define "nth.templateFile" -}}
{{- if and .Values.webhookTemplateConfigMapName .Values.webhookTemplateConfigMapKey }}true{{ end }}
{{- end }}

{{- /* A file of tests stands in for the uptime. The real one is seen in a container without being mounted. */ -}}
{{- define "nth.uptimeMounted" -}}
{{- if not (or .windows .root.Values.enableSqsTerminationDraining (has .root.Values.procUptimeFile (list "" "/proc/uptime"))) }}true{{ end }}
{{- end }}

{{- define "nth.mounts" -}}
{{- if or (include "nth.uptimeMounted" .) (include "nth.templateFile" .root) .root.Values.webhookTargetsSecretName }}true{{ end }}
{{- end }}

{{- /* A whole number as its digits: those of files are floats, and a million would be 1e+06. */ -}}
{{- define "nth.whole" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else if not (kindIs "invalid" .) }}{{ . }}{{ end }}
{{- end }}

{{- define "nth.variables" -}}
{{- $values := .root.Values -}}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: ENABLE_SQS_TERMINATION_DRAINING
  value: {{ $values.enableSqsTerminationDraining | quote }}
{{- if or $values.webhookURL $values.webhookURLSecretName }}
- name: WEBHOOK_URL
{{- if $values.webhookURLSecretName }}
  valueFrom:
    secretKeyRef:
      name: {{ $values.webhookURLSecretName }}
      key: webhookurl
{{- else }}
  value: {{ $values.webhookURL | quote }}
{{- end }}
{{- end }}
- name: WEBHOOK_HEADERS
{{- if $values.webhookHeadersSecretName }}
  valueFrom:
    secretKeyRef:
      name: {{ $values.webhookHeadersSecretName }}
      key: webhookheaders
{{- else }}
  value: {{ $values.webhookHeaders | quote }}
{{- end }}
{{- if include "nth.templateFile" .root }}
- name: WEBHOOK_TEMPLATE_FILE
  value: {{ printf "/config/%s" $values.webhookTemplateConfigMapKey | quote }}
{{- else if $values.webhookTemplate }}
- name: WEBHOOK_TEMPLATE
  value: {{ $values.webhookTemplate | quote }}
{{- end }}
{{- if $values.webhookTargetsSecretName }}
- name: WEBHOOK_TARGETS_FILE
  value: /webhook-targets/targets.yaml
{{- end }}
- name: ENABLE_PROBES_SERVER
  value: {{ include "nth.probed" .root | default "false" | quote }}
- name: PROBES_SERVER_PORT
  value: {{ $values.probes.httpGet.port | quote }}
- name: PROBES_SERVER_ENDPOINT
  value: {{ $values.probes.httpGet.path | quote }}
{{- include "nth.settings.both" .root }}
{{- if $values.enableSqsTerminationDraining }}
- name: USE_LEASES
  value: {{ gt (int $values.replicas) 1 | quote }}
{{- if and $values.awsAccessKeyID $values.awsSecretAccessKey }}
- name: AWS_ACCESS_KEY_ID
  value: {{ $values.awsAccessKeyID | quote }}
- name: AWS_SECRET_ACCESS_KEY
  value: {{ $values.awsSecretAccessKey | quote }}
{{- end }}
{{- include "nth.settings.deployment" .root }}
{{- else }}
{{- include "nth.settings.daemonset" .root }}
{{- end }}
{{- end }}

{{- /* Each name occurs only once, and extraEnv overrides the chart. An empty variable is left out. */ -}}
{{- define "nth.env" -}}
{{- $named := list }}
{{- range .root.Values.extraEnv }}{{ $named = append $named .name }}{{ end }}
{{- $env := list }}
{{- range include "nth.variables" . | fromYamlArray }}
{{- if and (or .value .valueFrom) (not (has .name $named)) }}{{ $env = append $env . }}{{ end }}
{{- end }}
{{- concat $env (.root.Values.extraEnv | default list) | toYaml }}
{{- end }}

{{- define "nth.container" -}}
{{- $values := .root.Values -}}
{{- $dropped := dict "capabilities" (dict "drop" (list "ALL")) -}}
{{- $context := mergeOverwrite $dropped (deepCopy ($values.securityContext | default dict)) -}}
name: aws-node-termination-handler
image: {{ include "nth.image" . }}
imagePullPolicy: {{ $values.image.pullPolicy }}
securityContext:
  {{- ternary (dict "runAsNonRoot" true) $context .windows | toYaml | nindent 2 }}
env:
  {{- include "nth.env" . | nindent 2 }}
{{- if or (include "nth.probed" .root) $values.enablePrometheusServer }}
ports:
{{- if and (include "nth.probed" .root) (not (include "nth.onePort" .root)) }}
  - name: liveness-probe
    protocol: TCP
    containerPort: {{ $values.probes.httpGet.port }}
    {{- if .windows }}
    hostPort: {{ $values.probes.httpGet.port }}
    {{- end }}
{{- end }}
{{- if $values.enablePrometheusServer }}
  - name: http-metrics
    protocol: TCP
    containerPort: {{ $values.prometheusServerPort }}
    {{- if .windows }}
    hostPort: {{ $values.prometheusServerPort }}
    {{- end }}
{{- end }}
{{- end }}
{{- if include "nth.probed" .root }}
{{- $host := include "nth.probeHost" . | fromYaml }}
livenessProbe:
  {{- mergeOverwrite (dict "httpGet" $host) (deepCopy $values.probes) | toYaml | nindent 2 }}
readinessProbe:
  {{- $asked := dict "httpGet" (merge (dict "path" "/readyz" "port" $values.probes.httpGet.port) $host) }}
  {{- mergeOverwrite $asked (deepCopy ($values.readinessProbe | default dict)) | toYaml | nindent 2 }}
{{- end }}
{{- with $values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if include "nth.mounts" . }}
volumeMounts:
{{- if include "nth.uptimeMounted" . }}
  - name: uptime
    mountPath: {{ $values.procUptimeFile }}
    readOnly: true
{{- end }}
{{- if include "nth.templateFile" .root }}
  - name: webhook-template
    mountPath: /config/
    readOnly: true
{{- end }}
{{- if $values.webhookTargetsSecretName }}
  - name: webhook-targets
    mountPath: /webhook-targets/
    readOnly: true
{{- end }}
{{- end }}
{{- end }}
