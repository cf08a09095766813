"""Finds out whether the pods that left are running elsewhere: counted pod by pod, not by a status field.

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
    elsewhere: dict[str, Pod] = field(default_factory=dict)
    """Its pods on other nodes that are not on their way out."""
    ready_elsewhere: set[str] = field(default_factory=set)
    came_back: set[str] = field(default_factory=set)
    """UIDs of its pods that were put on the node once more."""
    asked_at: float | None = None
    """The time when its first pod here was asked to go."""
    replaced: bool = False

    @property
    def short(self) -> bool:
        """True if a pod of it was asked to go, and it does not have as many elsewhere yet."""
        return self.asked_at is not None and not self.replaced

    def see(self, pod: Pod) -> None:
        """Count a pod of it that is elsewhere."""
        uid = pod.ref.uid
        self.elsewhere[uid] = pod
        if pod.ready or pod.phase == "Succeeded":
            self.ready_elsewhere.add(uid)
        else:
            self.ready_elsewhere.discard(uid)

    def forget(self, uid: str) -> None:
        """Forget a pod that is gone, or on its way out."""
        self.elsewhere.pop(uid, None)
        self.ready_elsewhere.discard(uid)
        self.came_back.discard(uid)


class Replacement:
    """Follows the controllers of the pods that one node loses."""

    def __init__(self, node_name: str, going: Iterable[Pod]) -> None:
        self._node_name = node_name
        self._owners: dict[str, _Owner] = {}
        self._owner_of: dict[str, _Owner] = {}
        """The owner with whom each pod counts, by the pod's UID."""
        going = tuple(going)
        self._here = {pod.ref.uid for pod in going}
        """UIDs of the pods that were on the node."""
        self._read: set[PodScope] = set()
        """Scopes whose pods are known."""
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
        """The scopes to follow, so that the pods can be counted."""
        return tuple(dict.fromkeys(owner.scope for owner in self._owners.values()))

    def asked(self, pod: Pod, now: float) -> None:
        """Note that a pod of the node is on its way out."""
        owner = self._owners.get(pod.controller.uid) if pod.controller is not None else None
        if owner is not None and owner.asked_at is None:
            owner.asked_at = now

    def listed(self, scope: PodScope, pods: Iterable[Pod], now: float) -> list[Replaced]:
        """Take all pods of a scope; returns the controllers that have their pods back."""
        first = scope not in self._read
        self._read.add(scope)
        owners = [owner for owner in self._owners.values() if owner.scope == scope]
        for owner in owners:
            for uid in (*owner.elsewhere, *owner.came_back):
                owner.forget(uid)
                del self._owner_of[uid]
        for pod in pods:
            self._place(scope, pod)
        if first:
            for owner in owners:
                owner.ready_before |= owner.ready_elsewhere
        return [told for owner in owners for told in self._judge(owner, now)]

    def changed(self, scope: PodScope, change: PodChange, now: float) -> list[Replaced]:
        """Take one pod's change in a scope; returns the controllers that have their pods back."""
        self._read.add(scope)
        uid = change.pod.ref.uid if isinstance(change, PodSeen) else change.ref.uid
        if (counted := self._owner_of.pop(uid, None)) is not None:
            counted.forget(uid)
        owner = self._place(scope, change.pod) if isinstance(change, PodSeen) else None
        return [] if owner is None else self._judge(owner, now)

    def _place(self, scope: PodScope, pod: Pod) -> _Owner | None:
        """Count the pod where it belongs; returns its owner, if it has one that is followed in this scope."""
        owner = self._owners.get(pod.controller.uid) if pod.controller is not None else None
        if owner is None or owner.scope != scope:
            return None
        if pod.node_name != self._node_name and pod.deleting_until_at is None:
            owner.see(pod)
            self._owner_of[pod.ref.uid] = owner
        elif pod.deleting_until_at is None and pod.ref.uid not in self._here:
            owner.came_back.add(pod.ref.uid)
            self._owner_of[pod.ref.uid] = owner
        return owner

    def _judge(self, owner: _Owner, now: float) -> list[Replaced]:
        ready = len(owner.ready_elsewhere)
        if owner.replaced or owner.asked_at is None or ready < len(owner.ready_before):
            return []
        owner.replaced = True
        seconds = now - owner.asked_at
        namespace = owner.scope.namespace
        return [Replaced(namespace=namespace, controller=owner.controller, ready=ready, seconds=seconds)]

    @property
    def controllers(self) -> int:
        """The number of controllers that had a pod asked to go."""
        return sum(owner.asked_at is not None for owner in self._owners.values())

    @property
    def any_missing(self) -> bool:
        """True if `missing` names any."""
        return any(owner.short for owner in self._owners.values())

    def missing(self) -> tuple[NotReplaced, ...]:
        """Returns every controller that is still short of Ready pods, and why."""
        return tuple(
            NotReplaced(
                namespace=owner.scope.namespace,
                controller=owner.controller,
                ready=len(owner.ready_elsewhere),
                before=len(owner.ready_before),
                reason=self._why_missing(owner),
            )
            for owner in self._owners.values()
            if owner.short
        )

    def _why_missing(self, owner: _Owner) -> str:
        if owner.scope not in self._read:
            return "its pods could not be read"
        unready = [pod for pod in owner.elsewhere.values() if not pod.ready]
        reasons = sorted({pod.pending_reason for pod in unready if pod.pending_reason})
        if reasons:
            return f"Pending: {'; '.join(reasons)}"
        if owner.came_back:
            return f"{len(owner.came_back)} of its pods came back to the node that goes away"
        if unready:
            return f"{len(unready)} of its pods not Ready yet"
        return "its controller has made no new pod"


def _scope(namespace: str, key: str, pods: list[Pod]) -> PodScope:
    if not key:
        return PodScope(namespace=namespace)
    values = ",".join(sorted({pod.labels[key] for pod in pods}))
    return PodScope(namespace=namespace, label_selector=f"{key} in ({values})")
