{{- /* Made by `make docs`; do not edit. Gives values the types of values.yaml, whatever users write. */ -}}
{{- define "nth.typed" }}
{{- $values := .Values }}
{{- range include "nth.types" . | fromYamlArray }}
{{- $holder := $values }}{{ if .in }}{{ $holder = get $values .in }}{{ end }}
{{- if and (kindIs "map" $holder) (or (hasKey $holder .key) (eq .is "condition")) }}
{{- include "nth.typedOne" (dict "holder" $holder "type" . "value" (get $holder .key)) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nth.typedOne" }}
{{- $type := .type }}
{{- if or (eq $type.is "switch") (eq $type.is "condition") }}
{{- if not (kindIs "bool" .value) }}{{ include "nth.typedSwitch" . }}{{ end }}
{{- else if and (kindIs "string" .value) (eq (toString .value) "") }}
{{- if hasKey $type "default" }}{{ $_ := set .holder $type.key $type.default }}
{{- else }}{{ $_ := unset .holder $type.key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nth.typedSwitch" }}
{{- $type := .type }}
{{- $text := ternary "" (toString .value) (kindIs "invalid" .value) }}
{{- if has $text (list "true" "True" "TRUE" "t" "T" "1") }}{{ $_ := set .holder $type.key true }}
{{- else if and $text (eq $type.is "condition") (kindIs "string" .value) }}
{{- $words := "%s is the text %q, which Go's templates take for true: write false without quotes" }}
{{- fail (printf $words $type.name $text) }}
{{- else if or $text (eq $type.is "condition") (not $type.variable) }}{{ $_ := set .holder $type.key false }}
{{- else }}{{ $_ := unset .holder $type.key }}
{{- end }}
{{- end }}

{{- define "nth.types" }}
- name: image.pullSecrets
  in: image
  key: pullSecrets
  is: other
  default: []
- name: customLabels
  in: ''
  key: customLabels
  is: other
  default: {}
- name: enableSqsTerminationDraining
  in: ''
  key: enableSqsTerminationDraining
  is: condition
  variable: true
- name: dryRun
  in: ''
  key: dryRun
  is: switch
  variable: true
- name: serviceAccount.create
  in: serviceAccount
  key: create
  is: condition
  variable: false
- name: serviceAccount.annotations
  in: serviceAccount
  key: annotations
  is: other
  default: {}
- name: rbac.create
  in: rbac
  key: create
  is: condition
  variable: false
- name: rbac.readControllers
  in: rbac
  key: readControllers
  is: switch
  variable: false
- name: rbac.pspEnabled
  in: rbac
  key: pspEnabled
  is: switch
  variable: false
- name: admissionPolicy.create
  in: admissionPolicy
  key: create
  is: switch
  variable: false
- name: enableSpotInterruptionDraining
  in: ''
  key: enableSpotInterruptionDraining
  is: switch
  variable: true
- name: enableScheduledEventDraining
  in: ''
  key: enableScheduledEventDraining
  is: switch
  variable: true
- name: enableRebalanceMonitoring
  in: ''
  key: enableRebalanceMonitoring
  is: switch
  variable: true
- name: enableRebalanceDraining
  in: ''
  key: enableRebalanceDraining
  is: switch
  variable: true
- name: enableASGLifecycleDraining
  in: ''
  key: enableASGLifecycleDraining
  is: switch
  variable: true
- name: rebalanceUncordonAfter
  in: ''
  key: rebalanceUncordonAfter
  is: other
  default: -1
- name: cordonOnly
  in: ''
  key: cordonOnly
  is: switch
  variable: true
- name: taintNode
  in: ''
  key: taintNode
  is: switch
  variable: true
- name: excludeFromLoadBalancers
  in: ''
  key: excludeFromLoadBalancers
  is: switch
  variable: true
- name: enableOutOfServiceTaint
  in: ''
  key: enableOutOfServiceTaint
  is: switch
  variable: true
- name: ignoreDaemonSets
  in: ''
  key: ignoreDaemonSets
  is: switch
  variable: true
- name: deleteLocalData
  in: ''
  key: deleteLocalData
  is: switch
  variable: true
- name: podTerminationGracePeriod
  in: ''
  key: podTerminationGracePeriod
  is: other
  default: -1
- name: nodeTerminationGracePeriod
  in: ''
  key: nodeTerminationGracePeriod
  is: other
  default: 120
- name: deadlineReserveSeconds
  in: ''
  key: deadlineReserveSeconds
  is: other
  default: 5
- name: shutdownGracePeriod
  in: ''
  key: shutdownGracePeriod
  is: other
  default: -1
- name: workers
  in: ''
  key: workers
  is: other
  default: 10
- name: workersPerGroup
  in: ''
  key: workersPerGroup
  is: other
  default: 0
- name: checkTagBeforeDraining
  in: ''
  key: checkTagBeforeDraining
  is: switch
  variable: true
- name: checkASGTagBeforeDraining
  in: ''
  key: checkASGTagBeforeDraining
  is: switch
  variable: true
- name: useProviderId
  in: ''
  key: useProviderId
  is: switch
  variable: true
- name: deleteSqsMsgIfNodeNotFound
  in: ''
  key: deleteSqsMsgIfNodeNotFound
  is: switch
  variable: true
- name: completeLifecycleActionDelaySeconds
  in: ''
  key: completeLifecycleActionDelaySeconds
  is: other
  default: -1
- name: heartbeatAuto
  in: ''
  key: heartbeatAuto
  is: switch
  variable: true
- name: heartbeatInterval
  in: ''
  key: heartbeatInterval
  is: other
  default: -1
- name: heartbeatUntil
  in: ''
  key: heartbeatUntil
  is: other
  default: -1
- name: sqsMsgVisibilityTimeoutSec
  in: ''
  key: sqsMsgVisibilityTimeoutSec
  is: other
  default: 20
- name: metadataTries
  in: ''
  key: metadataTries
  is: other
  default: 3
- name: metadataPollInterval
  in: ''
  key: metadataPollInterval
  is: other
  default: 0.75
- name: kubeApiQps
  in: ''
  key: kubeApiQps
  is: other
  default: 200
- name: kubeApiBurst
  in: ''
  key: kubeApiBurst
  is: other
  default: 400
- name: useApiserverCache
  in: ''
  key: useApiserverCache
  is: switch
  variable: true
- name: webhookTries
  in: ''
  key: webhookTries
  is: other
  default: 1
- name: emitKubernetesEvents
  in: ''
  key: emitKubernetesEvents
  is: condition
  variable: true
- name: enableNodeCondition
  in: ''
  key: enableNodeCondition
  is: switch
  variable: true
- name: jsonLogging
  in: ''
  key: jsonLogging
  is: switch
  variable: true
- name: logFormatVersion
  in: ''
  key: logFormatVersion
  is: other
  default: 1
- name: enableInterruptionReport
  in: ''
  key: enableInterruptionReport
  is: switch
  variable: true
- name: enablePrometheusServer
  in: ''
  key: enablePrometheusServer
  is: condition
  variable: true
- name: prometheusServerPort
  in: ''
  key: prometheusServerPort
  is: other
  default: 9092
- name: enablePerNodeMetrics
  in: ''
  key: enablePerNodeMetrics
  is: switch
  variable: true
- name: enableProbesServer
  in: ''
  key: enableProbesServer
  is: condition
  variable: true
- name: readinessProbe
  in: ''
  key: readinessProbe
  is: other
  default: {}
- name: podLabels
  in: ''
  key: podLabels
  is: other
  default: {}
- name: podAnnotations
  in: ''
  key: podAnnotations
  is: other
  default: {}
- name: podSecurityContext
  in: ''
  key: podSecurityContext
  is: other
  default: {}
- name: securityContext
  in: ''
  key: securityContext
  is: other
  default: {}
- name: resources
  in: ''
  key: resources
  is: other
  default: {}
- name: nodeSelector
  in: ''
  key: nodeSelector
  is: other
  default: {}
- name: affinity
  in: ''
  key: affinity
  is: other
  default: {}
- name: tolerations
  in: ''
  key: tolerations
  is: other
  default: []
- name: dnsConfig
  in: ''
  key: dnsConfig
  is: other
  default: {}
- name: extraEnv
  in: ''
  key: extraEnv
  is: other
  default: []
- name: updateStrategy
  in: ''
  key: updateStrategy
  is: other
  default: {}
- name: useHostNetwork
  in: ''
  key: useHostNetwork
  is: switch
  variable: false
- name: linuxPodLabels
  in: ''
  key: linuxPodLabels
  is: other
  default: {}
- name: linuxPodAnnotations
  in: ''
  key: linuxPodAnnotations
  is: other
  default: {}
- name: daemonsetNodeSelector
  in: ''
  key: daemonsetNodeSelector
  is: other
  default: {}
- name: linuxNodeSelector
  in: ''
  key: linuxNodeSelector
  is: other
  default: {}
- name: daemonsetAffinity
  in: ''
  key: daemonsetAffinity
  is: other
  default: {}
- name: linuxAffinity
  in: ''
  key: linuxAffinity
  is: other
  default: {}
- name: daemonsetTolerations
  in: ''
  key: daemonsetTolerations
  is: other
  default: []
- name: linuxTolerations
  in: ''
  key: linuxTolerations
  is: other
  default: []
- name: windowsPodLabels
  in: ''
  key: windowsPodLabels
  is: other
  default: {}
- name: windowsPodAnnotations
  in: ''
  key: windowsPodAnnotations
  is: other
  default: {}
- name: windowsNodeSelector
  in: ''
  key: windowsNodeSelector
  is: other
  default: {}
- name: windowsAffinity
  in: ''
  key: windowsAffinity
  is: other
  default: {}
- name: windowsTolerations
  in: ''
  key: windowsTolerations
  is: other
  default: []
- name: replicas
  in: ''
  key: replicas
  is: other
  default: 1
- name: strategy
  in: ''
  key: strategy
  is: other
  default: {}
- name: podDisruptionBudget
  in: ''
  key: podDisruptionBudget
  is: other
  default: {}
- name: topologySpreadConstraints
  in: ''
  key: topologySpreadConstraints
  is: other
  default: []
- name: serviceMonitor.create
  in: serviceMonitor
  key: create
  is: condition
  variable: false
- name: serviceMonitor.labels
  in: serviceMonitor
  key: labels
  is: other
  default: {}
- name: serviceMonitor.sampleLimit
  in: serviceMonitor
  key: sampleLimit
  is: other
- name: podMonitor.create
  in: podMonitor
  key: create
  is: condition
  variable: false
- name: podMonitor.labels
  in: podMonitor
  key: labels
  is: other
  default: {}
- name: podMonitor.sampleLimit
  in: podMonitor
  key: sampleLimit
  is: other
- name: prometheusRule.create
  in: prometheusRule
  key: create
  is: switch
  variable: false
- name: prometheusRule.labels
  in: prometheusRule
  key: labels
  is: other
  default: {}
- name: prometheusRule.forcedPods
  in: prometheusRule
  key: forcedPods
  is: other
  default: 0
- name: prometheusRule.marginSeconds
  in: prometheusRule
  key: marginSeconds
  is: other
  default: 10
- name: prometheusRule.sourceSilentSeconds
  in: prometheusRule
  key: sourceSilentSeconds
  is: other
  default: 60
- name: prometheusRule.queueAgeSeconds
  in: prometheusRule
  key: queueAgeSeconds
  is: other
  default: 1800
- name: dashboard.create
  in: dashboard
  key: create
  is: switch
  variable: false
- name: dashboard.labels
  in: dashboard
  key: labels
  is: other
  default: {}
- name: networkPolicy.create
  in: networkPolicy
  key: create
  is: switch
  variable: false
- name: networkPolicy.apiServerPort
  in: networkPolicy
  key: apiServerPort
  is: other
  default: 6443
- name: networkPolicy.extraEgress
  in: networkPolicy
  key: extraEgress
  is: other
  default: []
- name: networkPolicy.extraIngress
  in: networkPolicy
  key: extraIngress
  is: other
  default: []
{{- end }}
