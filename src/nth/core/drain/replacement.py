"""Finds out whether the pods that left are running elsewhere: counted pod by pod, not by a status field.

A controller's status lags behind, so it is not believed: a controller has its pods back when as
many of its pods are Ready on other nodes as were Ready anywhere before the drain. A pod that was there before
and gets Ready only now replaces none, nor does one in the place of a pod that leaves another node.
"""

from collections.abc import Iterable

from nth.core.drain.pod_owner import PodOwner
from nth.core.facts import Controller, Pod, PodChange, PodScope, PodSeen, Wanted
from nth.core.reports import NotReplaced, Replaced
from nth.errors import ClusterError, Missing

NAMING_LABELS = {
    "ReplicaSet": "pod-template-hash",
    "StatefulSet": "statefulset.kubernetes.io/pod-name",
    "Job": "batch.kubernetes.io/job-name",
}
"""Labels by which the pods in the place of these are found, whatever a rollout changes.

A new pod of a StatefulSet has the name of the old one, but may have another revision. Other kinds have no
such label: all pods of the namespace are followed, and those of this owner are counted.
https://kubernetes.io/docs/reference/labels-annotations-taints/
"""


class Replacement:
    """Counts the pods of the controllers that one node takes pods from."""

    def __init__(self, node_name: str) -> None:
        self._node_name = node_name
        self._owners: dict[str, PodOwner] = {}
        self._owner_of: dict[str, PodOwner] = {}
        """The owner with whom each pod on another node, and each that came back, counts, by the pod's UID."""
        self._known: set[str] = set()
        """UIDs of the pods that were on the node before any was asked to go."""

    def add(self, pods: Iterable[Pod]) -> tuple[PodScope, ...]:
        """Take pods that have to go; returns scopes whose pods have to be known, to count replacements."""
        groups: dict[tuple[str, str], list[Pod]] = {}
        every = list(pods)
        for pod in every:
            self._known.add(pod.ref.uid)
            if not pod.was_ready or pod.controller is None:
                continue
            if pod.controller.uid in self._owners:
                self._owners[pod.controller.uid].add(pod)
                continue
            key = NAMING_LABELS.get(pod.controller.kind, "")
            groups.setdefault((pod.ref.namespace, key if key in pod.labels else ""), []).append(pod)
        scopes = {_scope(namespace, key, group, every): group for (namespace, key), group in groups.items()}
        for scope, group in scopes.items():
            for pod in group:
                assert pod.controller is not None
                uid = pod.controller.uid
                self._owners.setdefault(uid, PodOwner(pod.controller, scope)).add(pod)
        return tuple(scopes)

    @property
    def scopes(self) -> tuple[PodScope, ...]:
        """All scopes of pods that are counted."""
        return tuple(dict.fromkeys(owner.scope for owner in self._owners.values()))

    def asked(self, pod: Pod, now: float) -> tuple[PodScope, ...]:
        """Take a pod that was asked to go; returns further scopes to follow. It may be Ready only since."""
        owner = self._owner(pod)
        late = owner is None or pod.ref.uid in self._known
        scopes = self.add((pod,)) if late else ()
        owner = self._owner(pod)
        if owner is not None and (pod.ref.uid in owner.here or pod.ref.uid in owner.came_back):
            owner.leave(now)
        return scopes

    def _owner(self, pod: Pod) -> PodOwner | None:
        return self._owners.get(pod.controller.uid) if pod.controller is not None else None

    def listed(self, scope: PodScope, pods: Iterable[Pod], now: float) -> list[Replaced]:
        """Take all pods of a scope; returns the controllers that have their pods back."""
        owners = [owner for owner in self._owners.values() if owner.scope == scope]
        for owner in owners:
            for uid in (*owner.elsewhere, *owner.came_back):
                self._owner_of.pop(uid, None)
            owner.forget_elsewhere()
        present = set[str]()
        for pod in pods:
            present.add(pod.ref.uid)
            self._place(scope, pod, now)
        for owner in owners:
            owner.take_first_list()
            if owner.here.keys() - present:
                owner.leave(now)
        return [told for owner in owners for told in owner.judge(now)]

    def changed(self, scope: PodScope, change: PodChange, now: float) -> list[Replaced]:
        """Take one pod's change in a scope; returns the controllers that have their pods back."""
        uid = change.pod.ref.uid if isinstance(change, PodSeen) else change.ref.uid
        counted = self._owner_of.get(uid)
        # Two scopes may bring the same pod; the other one's news would not count it again.
        if counted is not None and counted.scope == scope:
            del self._owner_of[uid]
            counted.forget(uid)
        if isinstance(change, PodSeen):
            owner = self._place(scope, change.pod, now)
        else:
            owner = next((each for each in self._owners.values() if uid in each.here), None)
            if owner is not None:
                owner.leave(now)
        return [] if owner is None else owner.judge(now)

    def _place(self, scope: PodScope, pod: Pod, now: float) -> PodOwner | None:
        """Count the pod where it belongs; returns its owner, if it has one that is followed in this scope."""
        owner = self._owner(pod)
        if owner is None or owner.scope != scope:
            return None
        if pod.node_name == self._node_name and pod.ref.uid in self._known:
            owner.see_here(pod, now)
        elif not owner.counts_with(pod):
            return None
        elif pod.deleting_until_at is None:
            owner.see(pod, here=pod.node_name == self._node_name)
            self._owner_of[pod.ref.uid] = owner
        elif pod.node_name != self._node_name:
            owner.see_leaving(pod)
        return owner

    @property
    def controllers(self) -> int:
        """The number of controllers that had a pod asked to go, and have to make another one."""
        return sum(owner.followed for owner in self._owners.values())

    @property
    def any_missing(self) -> bool:
        """True if a controller is short of pods, and it is not known that it wants no more."""
        return any(owner.short and not owner.released for owner in self._owners.values())

    def short(self) -> tuple[tuple[str, Controller], ...]:
        """Returns (namespace, controller) of each that is short of pods, and not known to be released."""
        owners = self._owners.values()
        return tuple((o.scope.namespace, o.controller) for o in owners if o.short and not o.released)

    def unread(self) -> tuple[PodScope, ...]:
        """Returns the scopes that have not been listed since one of their controllers is counted."""
        owners = self._owners.values()
        return tuple(dict.fromkeys(o.scope for o in owners if o.short and not o.is_read))

    def wanted_read(self, controller: Controller, answer: Wanted | ClusterError | None) -> None:
        """Take the number of pods that a controller wants; an error leaves it unknown, if it is not gone."""
        owner = self._owners[controller.uid]
        owner.deleted = isinstance(answer, Missing)
        owner.wanted = answer if isinstance(answer, Wanted) else None

    def reported_short(self) -> None:
        """Note that all that are short were reported so; if one has its pods back, that is reported again."""
        for owner in self._owners.values():
            owner.replaced &= not owner.short

    def missing(self) -> tuple[NotReplaced, ...]:
        """Returns every controller that is still short of Ready pods, and why, if that was seen.

        So is a Job that has failed, for good: its work is not done, and no pod of it will come.
        """
        owners = (owner for owner in self._owners.values() if owner.short)
        return tuple(self._tell(owner) for owner in owners if owner.failed or not owner.released)

    def released(self) -> tuple[NotReplaced, ...]:
        """Returns every controller that has fewer pods than before, and wants no more."""
        owners = (owner for owner in self._owners.values() if owner.short)
        return tuple(self._tell(owner) for owner in owners if owner.released and not owner.failed)

    def _tell(self, owner: PodOwner) -> NotReplaced:
        ended = owner.ended_elsewhere
        return NotReplaced(
            namespace=owner.scope.namespace,
            controller=owner.controller,
            ready=owner.ready - ended,
            before=owner.before - ended,
            wanted=owner.wanted_pods,
            deleted=owner.deleted,
            failed=owner.failed,
            reason=owner.why_short() if owner.is_read else "its pods could not be read",
        )


def _scope(namespace: str, key: str, pods: list[Pod], every: list[Pod]) -> PodScope:
    """Returns the scope of these pods and their siblings, which may get Ready before they are asked to go."""
    if not key:
        return PodScope(namespace=namespace)
    owners = {pod.controller for pod in pods}
    values = ",".join(sorted({p.labels[key] for p in every if p.controller in owners and key in p.labels}))
    return PodScope(namespace=namespace, label_selector=f"{key} in ({values})")
