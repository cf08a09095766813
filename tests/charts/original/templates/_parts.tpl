{{- define "old.name" }}{{ .Values.fullnameOverride | default .Release.Name }}{{ end }}

{{- define "old.component" }}{{ ternary "deployment" "daemonset" .Values.enableSqsTerminationDraining }}{{ end }}

{{- define "old.selector" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "old.labels" -}}
{{ include "old.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion }}
app.kubernetes.io/part-of: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "old.metadata" -}}
name: {{ include "old.name" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "old.labels" . | nindent 2 }}
{{- end }}

{{- /* Takes a dict: root, os (empty for the Deployment), priority. */ -}}
{{- define "old.pod" -}}
{{- $v := .root.Values }}
{{- $file := and $v.webhookTemplateConfigMapName $v.webhookTemplateConfigMapKey }}
{{- $uptime := eq .os "linux" }}
serviceAccountName: {{ include "old.name" .root }}
priorityClassName: {{ .priority }}
securityContext:
  {{- toYaml $v.podSecurityContext | nindent 2 }}
{{- with $v.terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ . }}
{{- end }}
{{- if .os }}
hostNetwork: {{ and $v.useHostNetwork (eq .os "linux") }}
dnsPolicy: {{ ternary $v.linuxDnsPolicy $v.windowsDnsPolicy (eq .os "linux") }}
{{- end }}
containers:
  - name: aws-node-termination-handler
    image: {{ $v.image.repository }}:{{ $v.image.tag | default (printf "v%s" .root.Chart.AppVersion) }}
    imagePullPolicy: {{ $v.image.pullPolicy }}
    securityContext:
      {{- toYaml $v.securityContext | nindent 6 }}
    env:
      - {name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
      - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
      - {name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
      - {name: ENABLE_SQS_TERMINATION_DRAINING, value: {{ not .os | quote }}}
      - {name: NODE_TERMINATION_GRACE_PERIOD, value: {{ $v.nodeTerminationGracePeriod | quote }}}
      - {name: TAINT_NODE, value: {{ $v.taintNode | quote }}}
      {{- if $v.webhookURLSecretName }}
      - {name: WEBHOOK_URL, valueFrom: {secretKeyRef: {name: {{ $v.webhookURLSecretName }}, key: webhookurl}}}
      {{- end }}
      {{- if $file }}
      - {name: WEBHOOK_TEMPLATE_FILE, value: /config/{{ $v.webhookTemplateConfigMapKey }}}
      {{- end }}
      {{- if $uptime }}
      - {name: UPTIME_FROM_FILE, value: {{ $v.procUptimeFile }}}
      {{- end }}
      {{- if not .os }}
      - {name: QUEUE_URL, value: {{ $v.queueURL | quote }}}
      - {name: CHECK_ASG_TAG_BEFORE_DRAINING, value: {{ $v.checkASGTagBeforeDraining | quote }}}
      {{- end }}
      {{- with $v.extraEnv }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    ports:
      {{- if or (not .os) $v.enableProbesServer }}
      - {name: liveness-probe, protocol: TCP, containerPort: {{ $v.probes.httpGet.port }}}
      {{- end }}
      {{- if $v.enablePrometheusServer }}
      - {name: http-metrics, protocol: TCP, containerPort: {{ $v.prometheusServerPort }}}
      {{- end }}
    {{- if or (not .os) $v.enableProbesServer }}
    livenessProbe:
      {{- toYaml $v.probes | nindent 6 }}
    {{- end }}
    volumeMounts:
      {{- if $uptime }}
      - {name: uptime, mountPath: {{ $v.procUptimeFile }}, readOnly: true}
      {{- end }}
      {{- if $file }}
      - {name: webhook-template, mountPath: /config/}
      {{- end }}
volumes:
  {{- if $uptime }}
  - {name: uptime, hostPath: {path: {{ $v.procUptimeFile }}}}
  {{- end }}
  {{- if $file }}
  - {name: webhook-template, configMap: {name: {{ $v.webhookTemplateConfigMapName }}}}
  {{- end }}
nodeSelector:
  kubernetes.io/os: {{ .os | default "linux" }}
  {{- with $v.nodeSelector }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- if .os }}
affinity:
  {{- toYaml $v.daemonsetAffinity | nindent 2 }}
tolerations:
  {{- toYaml $v.daemonsetTolerations | nindent 2 }}
{{- end }}
{{- end }}
