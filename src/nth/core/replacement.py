"""Whether the pods that left are running elsewhere: counted pod by pod, not by a status field.

A controller's status lags behind, so it is not believed: a controller has its pods back when as
many of its pods are Ready on other nodes as were Ready anywhere before the drain.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from nth.core.facts import Controller, Pod, PodChange, PodScope, PodSeen
from nth.core.reports import NotReplaced, Replaced

# Labels that controllers put on their pods, unique to the controller within the namespace.
# https://kubernetes.io/docs/reference/labels-annotations-taints/
NAMING_LABELS = {
    "ReplicaSet": "pod-template-hash",
    "StatefulSet": "controller-revision-hash",
    "Job": "batch.kubernetes.io/job-name",
}


@dataclass(slots=True)
class _Owner:
    """A controller that had Ready pods on the node."""

    controller: Controller
    scope: PodScope
    ready_before: set[str] = field(default_factory=set)
    """UIDs of all its Ready pods, here and elsewhere, before the drain."""
    asked_at: float | None = None
    """When its first pod here was asked to go."""
    replaced: bool = False


class Replacement:
    """Follows the controllers of the pods that one node loses."""

    def __init__(self, node_name: str, going: Iterable[Pod]) -> None:
        self._node_name = node_name
        self._owners: dict[str, _Owner] = {}
        self._pods: dict[PodScope, dict[str, Pod]] = {}
        groups: dict[tuple[str, str], list[Pod]] = defaultdict(list)
        for pod in going:
            if pod.ready and pod.controller is not None:
                key = NAMING_LABELS.get(pod.controller.kind, "")
                groups[pod.ref.namespace, key if key in pod.labels else ""].append(pod)
        for (namespace, key), pods in groups.items():
            self._add_group(_scope(namespace, key, pods), pods)

    def _add_group(self, scope: PodScope, pods: list[Pod]) -> None:
        for pod in pods:
            assert pod.controller is not None
            owner = self._owners.setdefault(pod.controller.uid, _Owner(pod.controller, scope))
            owner.ready_before.add(pod.ref.uid)

    @property
    def scopes(self) -> tuple[PodScope, ...]:
        """What has to be followed to count the pods."""
        return tuple(dict.fromkeys(owner.scope for owner in self._owners.values()))

    def asked(self, pod: Pod, now: float) -> None:
        """A pod of the node is on its way out."""
        owner = self._owners.get(pod.controller.uid) if pod.controller is not None else None
        if owner is not None and owner.asked_at is None:
            owner.asked_at = now

    def listed(self, scope: PodScope, pods: Iterable[Pod], now: float) -> list[Replaced]:
        """All pods of a scope."""
        first = scope not in self._pods
        self._pods[scope] = {pod.ref.uid: pod for pod in pods}
        owners = [owner for owner in self._owners.values() if owner.scope == scope]
        if first:
            for owner in owners:
                owner.ready_before |= self._ready_elsewhere(owner)
        return [told for owner in owners for told in self._judge(owner, now)]

    def changed(self, scope: PodScope, change: PodChange, now: float) -> list[Replaced]:
        """One pod of a scope."""
        pods = self._pods.setdefault(scope, {})
        if not isinstance(change, PodSeen):
            pods.pop(change.ref.uid, None)
            return []
        pods[change.pod.ref.uid] = change.pod
        controller = change.pod.controller
        owner = self._owners.get(controller.uid) if controller is not None else None
        return [] if owner is None else self._judge(owner, now)

    def _judge(self, owner: _Owner, now: float) -> list[Replaced]:
        ready = len(self._ready_elsewhere(owner))
        if owner.replaced or owner.asked_at is None or ready < len(owner.ready_before):
            return []
        owner.replaced = True
        seconds = now - owner.asked_at
        namespace = owner.scope.namespace
        return [Replaced(namespace=namespace, controller=owner.controller, ready=ready, seconds=seconds)]

    def _ready_elsewhere(self, owner: _Owner) -> set[str]:
        return {pod.ref.uid for pod in self._elsewhere(owner) if pod.ready or pod.phase == "Succeeded"}

    def _elsewhere(self, owner: _Owner) -> list[Pod]:
        return [
            pod
            for pod in self._pods.get(owner.scope, {}).values()
            if pod.controller is not None
            and pod.controller.uid == owner.controller.uid
            and pod.node_name != self._node_name
            and pod.deleting_until_at is None
        ]

    @property
    def controllers(self) -> int:
        """How many controllers had a pod asked to go."""
        return sum(owner.asked_at is not None for owner in self._owners.values())

    def missing(self) -> tuple[NotReplaced, ...]:
        """Every controller that is still short of Ready pods, and why."""
        return tuple(
            NotReplaced(
                namespace=owner.scope.namespace,
                controller=owner.controller,
                ready=len(self._ready_elsewhere(owner)),
                wanted=len(owner.ready_before),
                reason=self._why_missing(owner),
            )
            for owner in self._owners.values()
            if owner.asked_at is not None and not owner.replaced
        )

    def _why_missing(self, owner: _Owner) -> str:
        if owner.scope not in self._pods:
            return "its pods could not be read"
        unready = [pod for pod in self._elsewhere(owner) if not pod.ready]
        reasons = sorted({pod.pending_reason for pod in unready if pod.pending_reason})
        if reasons:
            return f"Pending: {'; '.join(reasons)}"
        if unready:
            return f"{len(unready)} of its pods not Ready yet"
        return "its controller has made no new pod"


def _scope(namespace: str, key: str, pods: list[Pod]) -> PodScope:
    if not key:
        return PodScope(namespace=namespace)
    values = ",".join(sorted({pod.labels[key] for pod in pods}))
    return PodScope(namespace=namespace, label_selector=f"{key} in ({values})")
