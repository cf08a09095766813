{{- /* What the pods of every workload have in common. The dict: as in _container.tpl, and priority. */ -}}
{{- define "nth.pod" -}}
{{- $values := .root.Values -}}
{{- with $values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
serviceAccountName: {{ include "nth.serviceAccount" .root }}
{{- if .windows }}
os:
  name: windows
{{- else }}
{{- $confined := dict "seccompProfile" (dict "type" "RuntimeDefault") }}
securityContext:
  {{- mergeOverwrite $confined (deepCopy ($values.podSecurityContext | default dict)) | toYaml | nindent 2 }}
{{- end }}
{{- with .priority }}
priorityClassName: {{ . }}
{{- end }}
{{- $fitting := add (int64 $values.nodeTerminationGracePeriod | default 120) 30 }}
terminationGracePeriodSeconds: {{ include "nth.whole" $values.terminationGracePeriodSeconds | default $fitting }}
{{- with $values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - {{ include "nth.container" . | indent 4 | trim }}
{{- if include "nth.mounts" . }}
volumes:
{{- if include "nth.uptimeMounted" . }}
  - name: uptime
    hostPath:
      path: {{ $values.procUptimeFile }}
{{- end }}
{{- if include "nth.templateFile" .root }}
  - name: webhook-template
    configMap:
      name: {{ $values.webhookTemplateConfigMapName }}
{{- end }}
{{- if $values.webhookTargetsSecretName }}
  - name: webhook-targets
    secret:
      secretName: {{ $values.webhookTargetsSecretName }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Where it may run; the dict: selector, affinity, tolerations, os. */ -}}
{{- define "nth.placement" -}}
nodeSelector:
  {{- include "nth.merged" (list (dict "kubernetes.io/os" .os) .selector) | nindent 2 }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
