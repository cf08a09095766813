"""Puts together the reports in Kubernetes itself: events and node conditions. Imported only if one is on."""

from nth.adapters.kubernetes import KubernetesCluster
from nth.adapters.kubernetes_reporting import KubernetesEventWriter, KubernetesNodeStatus
from nth.errors import SettingError
from nth.ports import Clock
from nth.report.kubernetes_event_objects import extra_annotations
from nth.report.machine import Known
from nth.reporters.kubernetes_events import KubernetesEvents
from nth.reporters.node_condition import NodeConditions
from nth.settings import Settings
from nth.settings.table import BY_NAME


def new_events(
    settings: Settings, cluster: KubernetesCluster, clock: Clock, known: Known
) -> KubernetesEvents:
    """Returns the listener. SettingError: the extra annotations are not valid."""
    text = settings.kubernetes_events_extra_annotations
    try:
        extra = extra_annotations(text)
    except ValueError as error:
        raise SettingError(
            f"{BY_NAME['kubernetes_events_extra_annotations']} is '{text}', but {error}; "
            "allowed: key=value with a key like example.com/team, or several with commas between them"
        ) from None
    writer = KubernetesEventWriter(cluster.server)
    return KubernetesEvents(writer, clock, known=known, extra=extra, host=settings.node_name)


def new_conditions(cluster: KubernetesCluster, clock: Clock) -> NodeConditions:
    """Returns the listener."""
    return NodeConditions(KubernetesNodeStatus(cluster.server), clock)
