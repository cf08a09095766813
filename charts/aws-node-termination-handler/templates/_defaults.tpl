{{- /* Made by `make docs`; do not edit. `helm upgrade --reuse-values` brings none of a new chart's defaults.
       nth.complete adds those that the original's lacks; each template that needs one begins with it. */ -}}
{{- define "nth.complete" }}
{{- include "nth.fill" (list .Values (include "nth.added" . | fromYaml)) }}
{{- include "nth.typed" . }}
{{- end }}

{{- define "nth.fill" }}
{{- $values := index . 0 }}
{{- range $key, $default := index . 1 }}
{{- if not (hasKey $values $key) }}{{ $_ := set $values $key $default }}
{{- else if and (kindIs "map" $default) (kindIs "map" (get $values $key)) }}
{{- include "nth.fill" (list (get $values $key) $default) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nth.added" }}
scheduledEventDrainAt: notice
actionSpotInterruption: default
actionScheduledEvent: default
actionRebalanceRecommendation: default
actionAsgLifecycle: default
actionStateChange: default
rebalanceUncordonAfter: -1
taintEffect: NoSchedule
deadlineReserveSeconds: 5
forcePolicy: deadline
shutdownGracePeriod: -1
workersPerGroup: 0
groupLabel: ''
notForUsMessages: delete
unreadableMessages: leave
lifecycleActionResult: CONTINUE
heartbeatAuto: false
metadataPollInterval: 0.75
kubernetesServiceHost: ''
kubernetesServicePort: ''
kubeApiQps: 200
kubeApiBurst: 400
useApiserverCache: false
webhookPhases: ''
webhookTries: 1
webhookHeadersSecretName: ''
webhookTargetsSecretName: ''
enableNodeCondition: false
enablePerNodeMetrics: false
prometheusServerAddress: ''
probesServerAddress: ''
enableInterruptionReport: true
tracingEndpoint: ''
readinessProbe:
  periodSeconds: 5
admissionPolicy:
  create: false
windowsImage:
  repository: ''
  tag: ''
prometheusRule:
  create: false
  namespace: ''
  labels: {}
  job: ''
  runbookURL: ''
  forcedPods: 0
  marginSeconds: 10
  sourceSilentSeconds: 60
  queueAgeSeconds: 1800
dashboard:
  create: false
  namespace: ''
  labels:
    grafana_dashboard: '1'
networkPolicy:
  create: false
  apiServerPort: 6443
  extraEgress: []
  extraIngress: []
{{- end }}
