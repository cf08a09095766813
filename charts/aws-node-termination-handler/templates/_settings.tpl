{{- /* Made by `make docs`; do not edit. The variables of the settings, as a list of names and values. */ -}}
{{- define "nth.settings.both" }}
- name: DRY_RUN
  value: {{ .Values.dryRun | quote }}
- name: SCHEDULED_EVENT_DRAIN_AT
  value: {{ .Values.scheduledEventDrainAt | quote }}
- name: ACTION_SPOT_INTERRUPTION
  value: {{ .Values.actionSpotInterruption | quote }}
- name: ACTION_SCHEDULED_EVENT
  value: {{ .Values.actionScheduledEvent | quote }}
- name: ACTION_REBALANCE_RECOMMENDATION
  value: {{ .Values.actionRebalanceRecommendation | quote }}
- name: ACTION_ASG_LIFECYCLE
  value: {{ .Values.actionAsgLifecycle | quote }}
- name: ACTION_STATE_CHANGE
  value: {{ .Values.actionStateChange | quote }}
- name: REBALANCE_UNCORDON_AFTER
  value: {{ include "nth.whole" .Values.rebalanceUncordonAfter | quote }}
- name: CORDON_ONLY
  value: {{ .Values.cordonOnly | quote }}
- name: TAINT_NODE
  value: {{ .Values.taintNode | quote }}
- name: TAINT_EFFECT
  value: {{ .Values.taintEffect | quote }}
- name: EXCLUDE_FROM_LOAD_BALANCERS
  value: {{ .Values.excludeFromLoadBalancers | quote }}
- name: ENABLE_OUT_OF_SERVICE_TAINT
  value: {{ .Values.enableOutOfServiceTaint | quote }}
- name: IGNORE_DAEMON_SETS
  value: {{ .Values.ignoreDaemonSets | quote }}
- name: DELETE_LOCAL_DATA
  value: {{ .Values.deleteLocalData | quote }}
- name: POD_TERMINATION_GRACE_PERIOD
  value: {{ include "nth.whole" .Values.podTerminationGracePeriod | quote }}
- name: NODE_TERMINATION_GRACE_PERIOD
  value: {{ include "nth.whole" .Values.nodeTerminationGracePeriod | quote }}
- name: DEADLINE_RESERVE_SECONDS
  value: {{ include "nth.whole" .Values.deadlineReserveSeconds | quote }}
- name: FORCE_POLICY
  value: {{ .Values.forcePolicy | quote }}
- name: SHUTDOWN_GRACE_PERIOD
  value: {{ include "nth.whole" .Values.shutdownGracePeriod | quote }}
- name: KUBERNETES_SERVICE_HOST
  value: {{ .Values.kubernetesServiceHost | quote }}
- name: KUBERNETES_SERVICE_PORT
  value: {{ .Values.kubernetesServicePort | quote }}
- name: KUBE_API_QPS
  value: {{ include "nth.whole" .Values.kubeApiQps | quote }}
- name: KUBE_API_BURST
  value: {{ include "nth.whole" .Values.kubeApiBurst | quote }}
- name: USE_APISERVER_CACHE
  value: {{ .Values.useApiserverCache | quote }}
- name: WEBHOOK_PROXY
  value: {{ .Values.webhookProxy | quote }}
- name: WEBHOOK_PHASES
  value: {{ .Values.webhookPhases | quote }}
- name: WEBHOOK_TRIES
  value: {{ include "nth.whole" .Values.webhookTries | quote }}
- name: EMIT_KUBERNETES_EVENTS
  value: {{ .Values.emitKubernetesEvents | quote }}
- name: KUBERNETES_EVENTS_EXTRA_ANNOTATIONS
  value: {{ .Values.kubernetesEventsExtraAnnotations | quote }}
- name: ENABLE_NODE_CONDITION
  value: {{ .Values.enableNodeCondition | quote }}
- name: ENABLE_PROMETHEUS_SERVER
  value: {{ .Values.enablePrometheusServer | quote }}
- name: PROMETHEUS_SERVER_PORT
  value: {{ include "nth.whole" .Values.prometheusServerPort | quote }}
- name: PROMETHEUS_SERVER_ADDRESS
  value: {{ .Values.prometheusServerAddress | quote }}
- name: ENABLE_PER_NODE_METRICS
  value: {{ .Values.enablePerNodeMetrics | quote }}
- name: PROBES_SERVER_ADDRESS
  value: {{ .Values.probesServerAddress | quote }}
- name: LOG_LEVEL
  value: {{ .Values.logLevel | quote }}
- name: JSON_LOGGING
  value: {{ .Values.jsonLogging | quote }}
- name: LOG_FORMAT_VERSION
  value: {{ include "nth.whole" .Values.logFormatVersion | quote }}
- name: ENABLE_INTERRUPTION_REPORT
  value: {{ .Values.enableInterruptionReport | quote }}
- name: TRACING_ENDPOINT
  value: {{ .Values.tracingEndpoint | quote }}
{{- end }}

{{- define "nth.settings.daemonset" }}
- name: ENABLE_SPOT_INTERRUPTION_DRAINING
  value: {{ .Values.enableSpotInterruptionDraining | quote }}
- name: ENABLE_SCHEDULED_EVENT_DRAINING
  value: {{ .Values.enableScheduledEventDraining | quote }}
- name: ENABLE_REBALANCE_MONITORING
  value: {{ .Values.enableRebalanceMonitoring | quote }}
- name: ENABLE_REBALANCE_DRAINING
  value: {{ .Values.enableRebalanceDraining | quote }}
- name: ENABLE_ASG_LIFECYCLE_DRAINING
  value: {{ .Values.enableASGLifecycleDraining | quote }}
- name: UPTIME_FROM_FILE
  value: {{ .Values.procUptimeFile | quote }}
- name: INSTANCE_METADATA_URL
  value: {{ .Values.instanceMetadataURL | quote }}
- name: METADATA_TRIES
  value: {{ include "nth.whole" .Values.metadataTries | quote }}
- name: METADATA_POLL_INTERVAL
  value: {{ .Values.metadataPollInterval | quote }}
{{- end }}

{{- define "nth.settings.deployment" }}
- name: QUEUE_URL
  value: {{ .Values.queueURL | quote }}
- name: WORKERS
  value: {{ include "nth.whole" .Values.workers | quote }}
- name: WORKERS_PER_GROUP
  value: {{ include "nth.whole" .Values.workersPerGroup | quote }}
- name: GROUP_LABEL
  value: {{ .Values.groupLabel | quote }}
- name: CHECK_TAG_BEFORE_DRAINING
  value: {{ .Values.checkTagBeforeDraining | quote }}
- name: MANAGED_TAG
  value: {{ .Values.managedTag | quote }}
- name: USE_PROVIDER_ID
  value: {{ .Values.useProviderId | quote }}
- name: DELETE_SQS_MSG_IF_NODE_NOT_FOUND
  value: {{ .Values.deleteSqsMsgIfNodeNotFound | quote }}
- name: NOT_FOR_US_MESSAGES
  value: {{ .Values.notForUsMessages | quote }}
- name: UNREADABLE_MESSAGES
  value: {{ .Values.unreadableMessages | quote }}
- name: LIFECYCLE_ACTION_RESULT
  value: {{ .Values.lifecycleActionResult | quote }}
- name: COMPLETE_LIFECYCLE_ACTION_DELAY_SECONDS
  value: {{ include "nth.whole" .Values.completeLifecycleActionDelaySeconds | quote }}
- name: HEARTBEAT_AUTO
  value: {{ .Values.heartbeatAuto | quote }}
- name: HEARTBEAT_INTERVAL
  value: {{ include "nth.whole" .Values.heartbeatInterval | quote }}
- name: HEARTBEAT_UNTIL
  value: {{ include "nth.whole" .Values.heartbeatUntil | quote }}
- name: SQS_MSG_VISIBILITY_TIMEOUT_SEC
  value: {{ include "nth.whole" .Values.sqsMsgVisibilityTimeoutSec | quote }}
- name: AWS_REGION
  value: {{ .Values.awsRegion | quote }}
- name: AWS_ENDPOINT
  value: {{ .Values.awsEndpoint | quote }}
{{- end }}
