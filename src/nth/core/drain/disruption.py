"""Sets the condition DisruptionTarget on pods that are deleted past a refusal, a moment before.

The Eviction API sets it by itself, a delete does not; and a Job whose `podFailurePolicy` ignores it would
count the pod as failed. The delete never waits for it: on a pod that is terminating already it still counts.
https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
"""

from dataclasses import dataclass

from nth.core.decisions import Decision, MarkPod, Tell
from nth.core.drain.pod_eviction import NEVER_AT
from nth.core.facts import Pod, PodCondition, PodRef
from nth.core.reports import MarkForbidden
from nth.errors import ClusterError, Forbidden, Missing

MARK_SECONDS = 1.0
"""A pod is marked so long before its delete, and the answer is waited for no longer."""
ATTEMPTS = 3
RETRY_SECONDS = 0.3
STALE_SECONDS = 60.0
"""Kubernetes drops the condition of a pod that is not deleted within two minutes: it is set anew before."""

DISRUPTION_TARGET = "DisruptionTarget"
REASON = "DeletionByNodeTerminationHandler"
EVICTED = "EvictionByEvictionAPI"
"""The API server's own reason for a pod whose eviction it granted."""


@dataclass(slots=True)
class _Mark:
    asked_at: float
    attempts: int = 0
    retry_at: float = NEVER_AT
    """NEVER_AT: a request is under way, or no more is needed."""


class Disruption:
    """The conditions of one node's pods."""

    def __init__(self) -> None:
        self._marks: dict[str, _Mark] = {}
        self._forbidden = False

    def due_at(self, pod: Pod, delete_at: float) -> float:
        """Returns when a pod that is deleted at that moment is to be marked; NEVER_AT: it need not be."""
        if self._forbidden or (pod.disrupted_by and pod.deleting_until_at is not None):
            return NEVER_AT
        mark, before_at = self._marks.get(pod.ref.uid), delete_at - MARK_SECONDS
        fresh = mark is not None and before_at <= mark.asked_at + STALE_SECONDS
        return mark.retry_at if mark is not None and fresh else before_at

    def ask(self, pod: Pod, now: float, deadline_at: float | None) -> Decision:
        """Returns the request that marks the pod."""
        mark = self._marks.get(pod.ref.uid)
        if mark is None or now > mark.asked_at + STALE_SECONDS:
            mark = self._marks[pod.ref.uid] = _Mark(now)
        mark.attempts += 1
        mark.retry_at = NEVER_AT
        return MarkPod(pod, condition_of(pod, now), deadline_at)

    def answered(self, ref: PodRef, error: ClusterError | None, now: float) -> list[Decision]:
        """Take the API server's answer; None = it is set."""
        mark = self._marks.get(ref.uid)
        if isinstance(error, Forbidden):
            told = [] if self._forbidden else [Tell(MarkForbidden(reason=str(error)))]
            self._forbidden = True
            return [*told]
        if mark is not None and error is not None and not isinstance(error, Missing):
            mark.retry_at = now + RETRY_SECONDS if mark.attempts < ATTEMPTS else NEVER_AT
        return []

    def forget(self, uid: str) -> None:
        """Forget a pod that is gone."""
        self._marks.pop(uid, None)


def condition_of(pod: Pod, now: float) -> PodCondition:
    """Returns the condition in our words."""
    return PodCondition(
        kind=DISRUPTION_TARGET,
        reason=REASON,
        message=f"the machine of node {pod.node_name} goes away, and the pod could not be evicted in time",
        changed_at=now,
    )
