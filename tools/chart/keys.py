"""Maps each setting to the chart's value and to its workload, and lists the settings that have no value."""

from typing import Final

from nth.core.notices.kinds import KINDS
from nth.settings.rows import AWS, METADATA, QUEUE, Row
from nth.settings.table import TABLE

# All others are the setting's name in camel case.
_KEYS: Final = {
    "metadata_url": "instanceMetadataURL",
    "uptime_from_file": "procUptimeFile",
    "enable_asg_lifecycle_draining": "enableASGLifecycleDraining",
    "check_asg_tag_before_draining": "checkASGTagBeforeDraining",
    "queue_url": "queueURL",
    "webhook_url": "webhookURL",
}
ELSEWHERE: Final = {
    "node_name": "the pod's own, by the downward API",
    "pod_name": "the pod's own, by the downward API",
    "pod_namespace": "the pod's own, by the downward API",
    "kubeconfig": "a pod has its service account",
    "webhook_template_file": "webhookTemplateConfigMapName, webhookTemplateConfigMapKey",
    "webhook_targets_file": "webhookTargetsSecretName",
    "probes_server_port": "probes.httpGet.port",
    "probes_server_endpoint": "probes.httpGet.path",
    "use_leases": "replicas",
    "grace_period": "podTerminationGracePeriod, its successor",
}
"""Settings without a value of their own: their source instead."""
_METADATA_ONLY: Final = frozenset(
    {
        *(switch for kind in KINDS for switch in kind.switches),
        "uptime_from_file",
    }
)
BOTH: Final = "both"
DAEMON_SET: Final = "DaemonSet"
DEPLOYMENT: Final = "Deployment"


def key_of(row: Row) -> str:
    """Returns the value's name: `KUBE_API_QPS` is `kubeApiQps`."""
    first, *others = row.name.split("_")
    return _KEYS.get(row.name, first + "".join(map(str.capitalize, others)))


def workload_of(row: Row) -> str:
    """Returns the pods that have its variable."""
    if row.group == METADATA or row.name in _METADATA_ONLY:
        return DAEMON_SET
    # The delay and the heartbeats are about hooks, which only queue mode completes.
    return DEPLOYMENT if row.group in (QUEUE, AWS) else BOTH


CHARTED: Final = tuple(row for row in TABLE if row.name not in ELSEWHERE)
"""The settings that are values of the chart, in the order of the table."""
KEY_BY_VARIABLE: Final = {row.variable: key_of(row) for row in CHARTED}
