"""The 108 values of the original's chart 0.27.6, as its users know them: name and default [contract 1.3]."""

from collections.abc import Mapping
from typing import Any, Final

ORIGINAL: Final[Mapping[str, Any]] = {
    "image.repository": "public.ecr.aws/aws-ec2/aws-node-termination-handler",
    "image.tag": "",
    "image.pullPolicy": "IfNotPresent",
    "image.pullSecrets": [],
    "nameOverride": "",
    "fullnameOverride": "",
    "serviceAccount.create": True,
    "serviceAccount.name": "",
    "serviceAccount.annotations": {},
    "rbac.create": True,
    "rbac.pspEnabled": True,
    "customLabels": {},
    "podLabels": {},
    "podAnnotations": {},
    "podSecurityContext": {"fsGroup": 1000},
    "securityContext": {
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "runAsUser": 1000,
        "runAsGroup": 1000,
    },
    "terminationGracePeriodSeconds": "",
    "resources": {},
    "nodeSelector": {},
    "affinity": {},
    "tolerations": [],
    "topologySpreadConstraints": [],
    "extraEnv": [],
    "probes": {"httpGet": {"path": "/healthz", "port": 8080}, "initialDelaySeconds": 5, "periodSeconds": 5},
    "logLevel": "info",
    "logFormatVersion": 1,
    "jsonLogging": False,
    "enablePrometheusServer": False,
    "prometheusServerPort": 9092,
    "dryRun": False,
    "cordonOnly": False,
    "taintNode": False,
    "enableOutOfServiceTaint": False,
    "excludeFromLoadBalancers": False,
    "deleteLocalData": True,
    "ignoreDaemonSets": True,
    "podTerminationGracePeriod": -1,
    "nodeTerminationGracePeriod": 120,
    "emitKubernetesEvents": False,
    "completeLifecycleActionDelaySeconds": -1,
    "kubernetesEventsExtraAnnotations": "",
    "webhookURL": "",
    "webhookURLSecretName": "",
    "webhookHeaders": "",
    "webhookProxy": "",
    "webhookTemplate": "",
    "webhookTemplateConfigMapName": "",
    "webhookTemplateConfigMapKey": "",
    "enableSqsTerminationDraining": False,
    "replicas": 1,
    "strategy": {},
    "podDisruptionBudget": {},
    "serviceMonitor.create": False,
    "serviceMonitor.namespace": "",
    "serviceMonitor.labels": {},
    "serviceMonitor.interval": "30s",
    "serviceMonitor.sampleLimit": 5000,
    "priorityClassName": "system-cluster-critical",
    "awsRegion": "",
    "queueURL": "",
    "workers": 10,
    "checkASGTagBeforeDraining": True,
    "checkTagBeforeDraining": True,
    "managedAsgTag": "aws-node-termination-handler/managed",
    "managedTag": "aws-node-termination-handler/managed",
    "useProviderId": False,
    "targetNodeOs": "linux",
    "linuxPodLabels": {},
    "windowsPodLabels": {},
    "linuxPodAnnotations": {},
    "windowsPodAnnotations": {},
    "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}},
    "daemonsetPriorityClassName": "system-node-critical",
    "podMonitor.create": False,
    "podMonitor.namespace": "",
    "podMonitor.labels": {},
    "podMonitor.interval": "30s",
    "podMonitor.sampleLimit": 5000,
    "useHostNetwork": True,
    "dnsPolicy": "",
    "dnsConfig": {},
    "linuxDnsPolicy": "ClusterFirstWithHostNet",
    "windowsDnsPolicy": "ClusterFirst",
    "daemonsetNodeSelector": {},
    "linuxNodeSelector": {},
    "windowsNodeSelector": {},
    "daemonsetAffinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [
                            {
                                "key": "eks.amazonaws.com/compute-type",
                                "operator": "NotIn",
                                "values": ["fargate"],
                            }
                        ]
                    }
                ]
            }
        }
    },
    "linuxAffinity": {},
    "windowsAffinity": {},
    "daemonsetTolerations": [{"operator": "Exists"}],
    "linuxTolerations": [],
    "windowsTolerations": [],
    "enableProbesServer": False,
    "metadataTries": 3,
    "enableSpotInterruptionDraining": True,
    "enableASGLifecycleDraining": True,
    "enableScheduledEventDraining": True,
    "enableRebalanceMonitoring": False,
    "enableRebalanceDraining": False,
    "deleteSqsMsgIfNodeNotFound": False,
    "heartbeatInterval": -1,
    "heartbeatUntil": -1,
    "sqsMsgVisibilityTimeoutSec": 20,
    "awsEndpoint": "",
    "awsAccessKeyID": "",
    "awsSecretAccessKey": "",
    "instanceMetadataURL": "",
    "procUptimeFile": "/proc/uptime",
}
"""In the contract's order. Where the original's own file has null, an empty text."""


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """As helm has them: a dot leads into a map."""
    found: dict[str, Any] = {}
    for key, value in flat.items():
        *above, name = key.split(".")
        holder = found
        for each in above:
            holder = holder.setdefault(each, {})
        holder[name] = value
    return found
