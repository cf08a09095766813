"""The value sets that the chart is tried with; between them, every value that is not its default."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from tests.chart.original import ORIGINAL, nested
from tests.chart.rendering import QUEUE, QUEUE_URL, Values
from tools.chart.write import CHART

EXAMPLES: Final = CHART / "examples"
SECOND_URL: Final = "https://sqs.eu-west-1.amazonaws.com/111122223333/second"

_TOLERATION: Final = {"key": "dedicated", "operator": "Equal", "value": "nth", "effect": "NoSchedule"}
_RESOURCES: Final = {
    "requests": {"cpu": "10m", "memory": "64Mi"},
    "limits": {"memory": "128Mi"},
}
_DNS: Final = {"options": [{"name": "ndots", "value": "1"}], "nameservers": ["169.254.20.10"]}
_STRICT: Final = {"runAsUser": 65532, "runAsGroup": 65532, "readOnlyRootFilesystem": True}


def _node_affinity(key: str, value: str) -> dict[str, Any]:
    found = {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}
    return {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [found]}}
    }


def _queue(**values: Any) -> Values:
    return {**QUEUE, **values}


_NAMES: Final[Mapping[str, Values]] = {
    "defaults": {},
    "the original's defaults": nested(ORIGINAL),
    "a name": {"nameOverride": "handler"},
    "a full name": {"fullnameOverride": "a-handler", "customLabels": {"team": "nodes", "cost/centre": "7"}},
    "the longest name": {"fullnameOverride": "n" * 80, **QUEUE},
    "an image": {
        "image": {
            "repository": "registry.example/nth",
            "tag": "v9",
            "pullPolicy": "Always",
            "pullSecrets": [{"name": "registry"}],
        }
    },
    "an image by digest": {"image": {"repository": "registry.example/nth@sha256", "tag": "0" * 64}},
    "a named account": {
        "serviceAccount": {
            "name": "handler",
            "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/nth"},
        }
    },
    "an account of somebody else's": _queue(
        serviceAccount={"create": False, "name": "handler"},
        rbac={"create": False, "pspEnabled": False, "readControllers": False},
    ),
    "an admission policy": {"admissionPolicy": {"create": True}, "customLabels": {"team": "nodes"}},
    "an admission policy for a named account": {
        "admissionPolicy": {"create": True},
        "serviceAccount": {"create": False, "name": "handler"},
        "fullnameOverride": "n" * 80,
        "enableNodeCondition": True,
    },
    "the default account": {"serviceAccount": {"create": False}},
    "an umbrella chart": {"global": {"region": "eu-central-1"}, "enabled": True},
}
_METADATA: Final[Mapping[str, Values]] = {
    "Spot only": {"enableScheduledEventDraining": False, "enableASGLifecycleDraining": False},
    "all notices": {
        "enableRebalanceMonitoring": True,
        "enableRebalanceDraining": True,
        "rebalanceUncordonAfter": 1800,
        "scheduledEventDrainAt": "start",
    },
    "no notices": {
        "enableSpotInterruptionDraining": False,
        "enableScheduledEventDraining": False,
        "enableASGLifecycleDraining": False,
    },
    "its own actions": {
        "actionSpotInterruption": "cordon",
        "actionScheduledEvent": "notify",
        "actionRebalanceRecommendation": "ignore",
        "actionAsgLifecycle": "drain",
        "actionStateChange": "ignore",
    },
    "another metadata service": {
        "instanceMetadataURL": "http://[fd00:ec2::254]",
        "metadataTries": 5,
        "metadataPollInterval": 0.5,
    },
    "a file for the uptime": {"procUptimeFile": "/var/lib/nth/uptime"},
    "probes": {
        "enableProbesServer": True,
        "probes": {"httpGet": {"path": "/alive", "port": 18080}, "failureThreshold": 5},
        "readinessProbe": {"periodSeconds": 7},
    },
    "probes of the node alone": {
        "enableProbesServer": True,
        "enablePrometheusServer": True,
        "probesServerAddress": "127.0.0.1",
        "prometheusServerAddress": "fd00::1",
    },
    "its own network": {"useHostNetwork": False, "linuxDnsPolicy": "Default", "dnsConfig": _DNS},
    "a DNS policy": {"dnsPolicy": "ClusterFirst"},
    "an update strategy": {
        "updateStrategy": {"type": "OnDelete", "rollingUpdate": None},
        "daemonsetPriorityClassName": "system-cluster-critical",
    },
    "all nodes' placement": {
        "nodeSelector": {"lifecycle": "Ec2Spot"},
        "affinity": _node_affinity("zone", "a"),
        "tolerations": [_TOLERATION],
    },
    "the daemon sets' placement": {
        "daemonsetNodeSelector": {"lifecycle": "Ec2Spot"},
        "daemonsetAffinity": _node_affinity("zone", "b"),
        "daemonsetTolerations": [_TOLERATION],
    },
    "Linux nodes' placement": {
        "linuxNodeSelector": {"kubernetes.io/os": "linux", "node-role.kubernetes.io/spot": ""},
        "linuxAffinity": _node_affinity("zone", "c"),
        "linuxTolerations": [_TOLERATION],
    },
    "labels and annotations": {
        "podLabels": {"team": "nodes", "k8s-app": "handler"},
        "podAnnotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
        "linuxPodLabels": {"team": "linux"},
        "linuxPodAnnotations": {"prometheus.io/scrape": "true"},
        "customLabels": {"app.kubernetes.io/part-of": "platform"},
    },
    "Windows without an image": {"targetNodeOs": "windows"},
    "Linux and Windows": {
        "targetNodeOs": "linux windows",
        "windowsImage": {"repository": "registry.example/nth-windows", "tag": "v9"},
        "enableProbesServer": True,
        "enablePrometheusServer": True,
    },
    "Windows": {
        "targetNodeOs": "Windows",
        "windowsImage": {"repository": "registry.example/nth-windows"},
        "windowsDnsPolicy": "Default",
        "windowsPodLabels": {"team": "windows"},
        "windowsPodAnnotations": {"note": "windows"},
        "windowsNodeSelector": {"node.kubernetes.io/windows-build": "10.0.20348"},
        "windowsAffinity": _node_affinity("zone", "w"),
        "windowsTolerations": [_TOLERATION],
    },
}
_PODS: Final[Mapping[str, Values]] = {
    "resources": {"resources": _RESOURCES},
    "security contexts": {
        "podSecurityContext": {"fsGroup": 65532, "supplementalGroups": [2000]},
        "securityContext": _STRICT,
    },
    "its own profile": _queue(
        podSecurityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "nth.json"}}
    ),
    "no time to end": {"terminationGracePeriodSeconds": 0},
    "much time to end": _queue(terminationGracePeriodSeconds=3_000_000, nodeTerminationGracePeriod=2_000_000),
    "time in quotes": {"terminationGracePeriodSeconds": "90", "nodeTerminationGracePeriod": "60"},
    "more variables": {
        "extraEnv": [
            {"name": "AWS_STS_REGIONAL_ENDPOINTS", "value": "regional"},
            {"name": "HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
        ]
    },
    "a variable instead of the chart's": {"extraEnv": [{"name": "LOG_LEVEL", "value": "debug"}]},
}
_ACTIONS: Final[Mapping[str, Values]] = {
    "dry run": {"dryRun": True, "jsonLogging": True, "logLevel": "DEBUG", "logFormatVersion": 2},
    "dry run in queue mode": _queue(dryRun=True, replicas=2),
    "cordon only": {"cordonOnly": True, "taintNode": True, "taintEffect": "PreferNoSchedule"},
    "all that nodes get": {
        "taintNode": True,
        "enableOutOfServiceTaint": True,
        "excludeFromLoadBalancers": True,
    },
    "a careful drain": {
        "deleteLocalData": False,
        "ignoreDaemonSets": False,
        "podTerminationGracePeriod": 30,
        "deadlineReserveSeconds": 15,
        "forcePolicy": "never",
        "shutdownGracePeriod": 60,
    },
    "another API server": {
        "kubernetesServiceHost": "api.example",
        "kubernetesServicePort": 6443,
        "kubeApiQps": 5,
        "kubeApiBurst": 10,
        "useApiserverCache": True,
    },
    "a webhook": {
        "webhookURL": "https://hooks.example/T0/B0?x=1&y=2",
        "webhookProxy": "http://proxy.example:3128",
        "webhookHeaders": '{"Content-type":"application/json","X-Tag":"a \\"b\\""}',
        "webhookTemplate": '{"text":"{{ .NodeName }}: {{ .Description }}\n"}',
    },
    "a webhook from a Secret": _queue(
        webhookURLSecretName="webhook",
        webhookTemplateConfigMapName="templates",
        webhookTemplateConfigMapKey="body.json",
    ),
    "webhook headers from a Secret": {
        "webhookURLSecretName": "webhook",
        "webhookHeaders": '{"X-Tag":"not this"}',
        "webhookHeadersSecretName": "webhook",
    },
    "a template from a ConfigMap": {
        "webhookURL": "https://hooks.example/T0",
        "webhookTemplate": "not this",
        "webhookTemplateConfigMapName": "templates",
        "webhookTemplateConfigMapKey": "body.json",
    },
    "events": {
        "emitKubernetesEvents": True,
        "kubernetesEventsExtraAnnotations": "first=one,sample.example/second=two",
    },
}
_QUEUE_MODE: Final[Mapping[str, Values]] = {
    "queue mode": QUEUE,
    "queue mode without a queue": {"enableSqsTerminationDraining": True},
    "two queues": _queue(queueURL=f"{QUEUE_URL}, {SECOND_URL}", awsRegion="eu-central-1"),
    "numbers in quotes": _queue(
        workers="25", replicas="2", heartbeatInterval="60", sqsMsgVisibilityTimeoutSec="30"
    ),
    "big numbers": _queue(
        workers=3_000_000, kubeApiQps=1_000_000, heartbeatInterval=30, heartbeatUntil=172800
    ),
    "groups": _queue(workersPerGroup=3, groupLabel="eks.amazonaws.com/nodegroup"),
    "messages": _queue(
        notForUsMessages="leave",
        unreadableMessages="delete",
        deleteSqsMsgIfNodeNotFound=True,
        sqsMsgVisibilityTimeoutSec=119,
    ),
    "hooks": _queue(
        lifecycleActionResult="ABANDON",
        completeLifecycleActionDelaySeconds=15,
        heartbeatAuto=True,
        heartbeatUntil=3600,
    ),
    "tags": _queue(checkTagBeforeDraining=False, managedTag="nth=yes", useProviderId=True),
    "old names of tags": _queue(checkASGTagBeforeDraining=False, managedAsgTag="old"),
    "several replicas": _queue(
        replicas=3,
        strategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
        podDisruptionBudget={"maxUnavailable": 1},
        priorityClassName="system-node-critical",
    ),
    "no replica": _queue(replicas=0),
    "a spread": _queue(
        replicas=2,
        topologySpreadConstraints=[
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"k8s-app": "aws-node-termination-handler"}},
            }
        ],
    ),
    "a deployment's placement": _queue(
        nodeSelector={"kubernetes.io/os": "linux", "lifecycle": "OnDemand"},
        affinity=_node_affinity("eks.amazonaws.com/capacityType", "ON_DEMAND"),
        tolerations=[_TOLERATION],
        dnsConfig=_DNS,
        resources=_RESOURCES,
        podLabels={"team": "nodes"},
        podAnnotations={"note": "queue"},
    ),
    "an AWS of tests": _queue(
        awsEndpoint="http://localstack.example:4566", awsAccessKeyID="test", awsSecretAccessKey="test"
    ),
}
_BESIDE: Final[Mapping[str, Values]] = {
    "metrics of queue mode": _queue(
        enablePrometheusServer=True,
        prometheusServerPort=19092,
        serviceMonitor={
            "create": True,
            "namespace": "default",
            "labels": {"release": "prometheus"},
            "interval": "1m",
            "sampleLimit": 2_000_000,
        },
    ),
    "metrics of metadata mode": {
        "enablePrometheusServer": True,
        "customLabels": {"release": "mine"},
        "podMonitor": {
            "create": True,
            "namespace": "default",
            "labels": {"release": "prometheus"},
            "interval": "15s",
            "sampleLimit": 0,
        },
    },
    "monitors without metrics": _queue(serviceMonitor={"create": True}, podMonitor={"create": True}),
    "alerts and a dashboard of queue mode": _queue(
        enablePrometheusServer=True,
        prometheusRule={
            "create": True,
            "namespace": "default",
            "labels": {"release": "prometheus"},
            "job": "kubernetes-pods",
            "runbookURL": "https://wiki.example/nth",
            "forcedPods": 5,
            "marginSeconds": "15",
            "sourceSilentSeconds": 120,
            "queueAgeSeconds": 3600,
        },
        dashboard={"create": True, "namespace": "default", "labels": {"team": "nodes"}},
    ),
    "alerts and a dashboard of metadata mode": {
        "enablePrometheusServer": True,
        "fullnameOverride": "n" * 80,
        "prometheusRule": {"create": True},
        "dashboard": {"create": True},
    },
    "a network policy": _queue(
        enablePrometheusServer=True,
        networkPolicy={
            "create": True,
            "apiServerPort": 8443,
            "extraEgress": [{"ports": [{"port": 8080}]}],
            "extraIngress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080}]}],
        },
    ),
    "everything that can be told": {
        "enableNodeCondition": True,
        "emitKubernetesEvents": True,
        "enablePerNodeMetrics": True,
        "enableInterruptionReport": False,
        "tracingEndpoint": "http://collector.example:4318/v1/traces",
        "webhookTargetsSecretName": "targets",
        "webhookPhases": "received,drained,failed",
        "webhookTries": 3,
    },
    "a network policy of metadata mode": {"useHostNetwork": False, "networkPolicy": {"create": True}},
}
SETS: Final[Mapping[str, Values]] = {
    **_NAMES,
    **_METADATA,
    **_PODS,
    **_ACTIONS,
    **_QUEUE_MODE,
    **_BESIDE,
}
"""By what is special."""


def examples() -> dict[str, Values]:
    """The example values of the docs, by file name."""
    return {path.name: yaml.safe_load(path.read_text()) for path in sorted(EXAMPLES.glob("*.yaml"))}
