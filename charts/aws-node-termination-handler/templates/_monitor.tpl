{{- /* A monitor of the Prometheus operator. The dict: root, kind, endpoints (the field's name), values. */ -}}
{{- define "nth.monitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: {{ .kind }}
metadata:
  name: {{ include "nth.fullname" .root }}
  namespace: {{ .values.namespace | default .root.Release.Namespace }}
  labels:
    {{- include "nth.merged" (list (include "nth.labels" .root | fromYaml) .values.labels) | nindent 4 }}
spec:
  jobLabel: app.kubernetes.io/name
  namespaceSelector:
    matchNames:
      - {{ .root.Release.Namespace }}
  {{ .endpoints }}:
    - port: http-metrics
      path: /metrics
      # Our own labels stay, such as the service of AWS that was asked; and an alert can name the node.
      honorLabels: true
      relabelings:
        - sourceLabels: [__meta_kubernetes_pod_node_name]
          targetLabel: node
      {{- with .values.interval }}
      interval: {{ . }}
      {{- end }}
  {{- with .values.sampleLimit }}
  sampleLimit: {{ int64 . }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "nth.selector" .root | nindent 6 }}
{{- end }}
