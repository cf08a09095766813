"""Decides which pods of a node have to go: kubectl drain's filters as one pure function. Finds our own pod.

https://kubernetes.io/docs/reference/kubectl/generated/kubectl_drain/
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from nth.core.facts import Pod
from nth.core.policy import PREFIX

FORCE_ANNOTATION = f"{PREFIX}/force"
"""On a pod: `never` = it is not deleted past its budget, whatever the deadline."""

_OURS = f"{PREFIX}/"

TIERS = {"system-cluster-critical": 1, "system-node-critical": 2}

DEFAULT_GRACE_SECONDS = 30.0
"""Kubernetes' default for terminationGracePeriodSeconds."""


class Fate(Enum):
    """The decision about a pod in a drain."""

    GO = "go"
    STAY = "stay"
    """It is meant to stay; the node counts as drained."""
    IN_THE_WAY = "in the way"
    """A setting forbids to evict it; the node does not count as drained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRules:
    """The settings about pods."""

    ignore_daemon_sets: bool = True
    delete_local_data: bool = True
    own_pod: tuple[str, str] | None = None
    """(namespace, name) of the handler itself."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A pod's fate and the reason."""

    fate: Fate
    reason: str


def is_ours(annotation: str) -> bool:
    """Returns whether a pod's annotation is for us. Others are not kept: a pod may have 256 KiB of them."""
    return annotation.startswith(_OURS)


def judge(pod: Pod, rules: PodRules) -> Verdict:
    """Returns the verdict of the first rule that applies; the order is kubectl's.

    An orphaned DaemonSet pod counts as its DaemonSet's: nothing would replace it elsewhere, and
    telling the two apart would cost a request and an RBAC rule for each.
    """
    if (pod.ref.namespace, pod.ref.name) == rules.own_pod:
        return Verdict(Fate.STAY, "it is this handler")
    if pod.controller is not None and pod.controller.kind == "DaemonSet" and not pod.finished:
        if rules.ignore_daemon_sets:
            return Verdict(Fate.STAY, "a DaemonSet would only put it back")
        return Verdict(Fate.IN_THE_WAY, "it belongs to a DaemonSet, and IGNORE_DAEMON_SETS is false")
    if pod.mirror:
        return Verdict(Fate.STAY, "a static pod can only be stopped on its machine")
    if pod.local_storage and not pod.finished and not rules.delete_local_data:
        return Verdict(Fate.IN_THE_WAY, "it has an emptyDir volume, and DELETE_LOCAL_DATA is false")
    if pod.controller is None and not pod.finished:
        return Verdict(Fate.GO, "no controller will replace it, but the machine goes")
    return Verdict(Fate.GO, "the machine goes")


def tier(pod: Pod) -> int:
    """Returns 0 for ordinary, 1 for cluster-critical, 2 for node-critical pods: the order of the tiers."""
    return TIERS.get(pod.priority_class, 0)


def may_be_forced(pod: Pod) -> bool:
    """Returns False if the pod's owner has opted out of being deleted past its budget."""
    return pod.annotations.get(FORCE_ANNOTATION) != "never"


def own_pod_in(pods: Iterable[Pod], own_pod: tuple[str, str]) -> Pod | None:
    """Returns the handler's own pod, by (namespace, name)."""
    return next((pod for pod in pods if (pod.ref.namespace, pod.ref.name) == own_pod), None)


def grace_left_seconds(pod: Pod | None, now: float) -> float:
    """Returns the time until that pod is killed, if it is asked to end now or has been; None: a default."""
    if pod is None:
        return DEFAULT_GRACE_SECONDS
    return float(pod.grace_seconds) if pod.deleting_until_at is None else pod.deleting_until_at - now
