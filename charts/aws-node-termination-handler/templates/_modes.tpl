{{- /* Made by `make docs`; do not edit. The values that matter in one mode only, with their defaults. */ -}}
{{- define "nth.oneModeOnly" }}
- name: enableSpotInterruptionDraining
  in: ''
  key: enableSpotInterruptionDraining
  mode: metadata
  default: true
- name: enableScheduledEventDraining
  in: ''
  key: enableScheduledEventDraining
  mode: metadata
  default: true
- name: enableRebalanceMonitoring
  in: ''
  key: enableRebalanceMonitoring
  mode: metadata
  default: false
- name: enableRebalanceDraining
  in: ''
  key: enableRebalanceDraining
  mode: metadata
  default: false
- name: enableASGLifecycleDraining
  in: ''
  key: enableASGLifecycleDraining
  mode: metadata
  default: true
- name: procUptimeFile
  in: ''
  key: procUptimeFile
  mode: metadata
  default: /proc/uptime
- name: queueURL
  in: ''
  key: queueURL
  mode: queue
  default: ''
- name: workers
  in: ''
  key: workers
  mode: queue
  default: 10
- name: workersPerGroup
  in: ''
  key: workersPerGroup
  mode: queue
  default: 0
- name: groupLabel
  in: ''
  key: groupLabel
  mode: queue
  default: ''
- name: checkTagBeforeDraining
  in: ''
  key: checkTagBeforeDraining
  mode: queue
  default: true
- name: managedTag
  in: ''
  key: managedTag
  mode: queue
  default: aws-node-termination-handler/managed
- name: useProviderId
  in: ''
  key: useProviderId
  mode: queue
  default: false
- name: deleteSqsMsgIfNodeNotFound
  in: ''
  key: deleteSqsMsgIfNodeNotFound
  mode: queue
  default: false
- name: notForUsMessages
  in: ''
  key: notForUsMessages
  mode: queue
  default: delete
- name: unreadableMessages
  in: ''
  key: unreadableMessages
  mode: queue
  default: leave
- name: lifecycleActionResult
  in: ''
  key: lifecycleActionResult
  mode: queue
  default: CONTINUE
- name: completeLifecycleActionDelaySeconds
  in: ''
  key: completeLifecycleActionDelaySeconds
  mode: queue
  default: -1
- name: heartbeatAuto
  in: ''
  key: heartbeatAuto
  mode: queue
  default: false
- name: heartbeatInterval
  in: ''
  key: heartbeatInterval
  mode: queue
  default: -1
- name: heartbeatUntil
  in: ''
  key: heartbeatUntil
  mode: queue
  default: -1
- name: sqsMsgVisibilityTimeoutSec
  in: ''
  key: sqsMsgVisibilityTimeoutSec
  mode: queue
  default: 20
- name: awsRegion
  in: ''
  key: awsRegion
  mode: queue
  default: ''
- name: awsEndpoint
  in: ''
  key: awsEndpoint
  mode: queue
  default: ''
- name: awsAccessKeyID
  in: ''
  key: awsAccessKeyID
  mode: queue
  default: ''
- name: awsSecretAccessKey
  in: ''
  key: awsSecretAccessKey
  mode: queue
  default: ''
- name: instanceMetadataURL
  in: ''
  key: instanceMetadataURL
  mode: metadata
  default: ''
- name: metadataTries
  in: ''
  key: metadataTries
  mode: metadata
  default: 3
- name: metadataPollInterval
  in: ''
  key: metadataPollInterval
  mode: metadata
  default: 0.75
- name: targetNodeOs
  in: ''
  key: targetNodeOs
  mode: metadata
  default: linux
- name: updateStrategy
  in: ''
  key: updateStrategy
  mode: metadata
  default:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 25%
- name: daemonsetPriorityClassName
  in: ''
  key: daemonsetPriorityClassName
  mode: metadata
  default: system-node-critical
- name: useHostNetwork
  in: ''
  key: useHostNetwork
  mode: metadata
  default: true
- name: dnsPolicy
  in: ''
  key: dnsPolicy
  mode: metadata
  default: ''
- name: linuxDnsPolicy
  in: ''
  key: linuxDnsPolicy
  mode: metadata
  default: ClusterFirstWithHostNet
- name: linuxPodLabels
  in: ''
  key: linuxPodLabels
  mode: metadata
  default: {}
- name: linuxPodAnnotations
  in: ''
  key: linuxPodAnnotations
  mode: metadata
  default: {}
- name: daemonsetNodeSelector
  in: ''
  key: daemonsetNodeSelector
  mode: metadata
  default: {}
- name: linuxNodeSelector
  in: ''
  key: linuxNodeSelector
  mode: metadata
  default: {}
- name: daemonsetAffinity
  in: ''
  key: daemonsetAffinity
  mode: metadata
  default:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions:
          - key: eks.amazonaws.com/compute-type
            operator: NotIn
            values:
            - fargate
- name: linuxAffinity
  in: ''
  key: linuxAffinity
  mode: metadata
  default: {}
- name: daemonsetTolerations
  in: ''
  key: daemonsetTolerations
  mode: metadata
  default:
  - operator: Exists
- name: linuxTolerations
  in: ''
  key: linuxTolerations
  mode: metadata
  default: []
- name: windowsImage.repository
  in: windowsImage
  key: repository
  mode: metadata
  default: ''
- name: windowsImage.tag
  in: windowsImage
  key: tag
  mode: metadata
  default: ''
- name: windowsDnsPolicy
  in: ''
  key: windowsDnsPolicy
  mode: metadata
  default: ClusterFirst
- name: windowsPodLabels
  in: ''
  key: windowsPodLabels
  mode: metadata
  default: {}
- name: windowsPodAnnotations
  in: ''
  key: windowsPodAnnotations
  mode: metadata
  default: {}
- name: windowsNodeSelector
  in: ''
  key: windowsNodeSelector
  mode: metadata
  default: {}
- name: windowsAffinity
  in: ''
  key: windowsAffinity
  mode: metadata
  default: {}
- name: windowsTolerations
  in: ''
  key: windowsTolerations
  mode: metadata
  default: []
- name: replicas
  in: ''
  key: replicas
  mode: queue
  default: 1
- name: strategy
  in: ''
  key: strategy
  mode: queue
  default: {}
- name: podDisruptionBudget
  in: ''
  key: podDisruptionBudget
  mode: queue
  default: {}
- name: priorityClassName
  in: ''
  key: priorityClassName
  mode: queue
  default: system-cluster-critical
- name: topologySpreadConstraints
  in: ''
  key: topologySpreadConstraints
  mode: queue
  default: []
{{- end }}
