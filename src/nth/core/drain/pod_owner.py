"""One controller that had Ready pods on the node: how many it had, has and wants."""

from dataclasses import dataclass, field

from nth.core.facts import Controller, Pod, PodScope, Wanted
from nth.core.reports import Replaced

MAX_REASONS = 3
"""So many pods' reasons are given: pods of one controller mostly have the same, or each its own."""


@dataclass(slots=True)
class PodOwner:
    """The pods of one controller, here and elsewhere."""

    controller: Controller
    scope: PodScope
    here: dict[str, str] = field(default_factory=dict)
    """Its pods that have to go and were Ready before that, if their work is not done: names by UID."""
    before_elsewhere: set[str] | None = None
    """UIDs of its pods that were Ready on other nodes before; None = not known yet."""
    starting: set[str] = field(default_factory=set)
    """UIDs of its pods that were elsewhere before, and not Ready: they replace none."""
    leaving_since_at: list[float] = field(default_factory=list)
    """When its pods on other nodes were deleted that had been Ready, and were going before all was known."""
    others_left: int = 0
    """The number of them in whose place no pod had come yet: such a pod is not for one of those here."""
    elsewhere: dict[str, Pod] = field(default_factory=dict)
    """Its pods on other nodes that are not on their way out."""
    came_back: set[str] = field(default_factory=set)
    """UIDs of its pods that were put on the node once more."""
    began_at: float | None = None
    """The earliest deletion of its pods here that is known."""
    left_at: float | None = None
    """The time when its first pod here was asked to go, or went."""
    replaced: bool = False
    """True if it was reported to have its pods back, and has not been reported as short since."""
    wanted: Wanted | None = None
    """The number of pods that it wants; None = not known."""
    deleted: bool = False

    def add(self, pod: Pod) -> None:
        """Take a pod on the node that was Ready before it had to go."""
        if pod.done:
            return
        if pod.ref.uid not in self.here:
            self.replaced = False
        self.here[pod.ref.uid] = pod.ref.name
        self._deleted(pod)

    def _deleted(self, pod: Pod) -> None:
        if pod.deleted_at is not None:
            self.began_at = pod.deleted_at if self.began_at is None else min(self.began_at, pod.deleted_at)

    def leave(self, now: float) -> None:
        """Note that a pod of it leaves the node, or has left."""
        if self.left_at is None:
            self.left_at = now

    def see_here(self, pod: Pod, now: float) -> None:
        """Take news of a pod that has to go."""
        if pod.done:
            self.here.pop(pod.ref.uid, None)
        elif pod.deleting_until_at is not None and pod.ref.uid in self.here:
            self._deleted(pod)
            self.leave(now)

    def counts_with(self, pod: Pod) -> bool:
        """Returns whether a pod of it is counted; of a StatefulSet only those in place of pods from here."""
        return not self.controller.by_name or pod.ref.name in self.here.values()

    def see(self, pod: Pod, *, here: bool) -> None:
        """Take a pod on another node, or one that came back to this one."""
        if here:
            self.came_back.add(pod.ref.uid)
            return
        self.elsewhere[pod.ref.uid] = pod
        if self.before_elsewhere is not None and pod.ref.uid in self.starting and _counts(pod):
            self.before_elsewhere.add(pod.ref.uid)

    def see_leaving(self, pod: Pod) -> None:
        """Take a pod on another node that is on its way out: that node may go away, too."""
        if self.before_elsewhere is None and pod.deleted_at is not None and pod.was_ready:
            self.leaving_since_at.append(pod.deleted_at)

    def forget(self, uid: str) -> None:
        """Forget a pod that is gone, or on its way out."""
        self.elsewhere.pop(uid, None)
        self.came_back.discard(uid)

    def forget_elsewhere(self) -> None:
        """Forget all pods but those that have to go: a new list comes."""
        self.elsewhere.clear()
        self.came_back.clear()

    def take_first_list(self) -> None:
        """Note, once, the pods that were Ready on other nodes before. Pods made since replace others."""
        if not self.is_read:
            begins = [at for at in (self.began_at, self.left_at) if at is not None]
            older = [pod for pod in self.elsewhere.values() if not _made_since(pod, begins)]
            self.before_elsewhere = {pod.ref.uid for pod in older if _counts(pod)}
            self.starting = {pod.ref.uid for pod in older} - self.before_elsewhere
            in_their_place = sum(_made_since(pod, self.leaving_since_at) for pod in older)
            self.others_left = max(0, len(self.leaving_since_at) - in_their_place)

    @property
    def is_read(self) -> bool:
        """True if its pods have been listed."""
        return self.before_elsewhere is not None

    @property
    def ready(self) -> int:
        """The number of its pods on other nodes that are Ready, or have done their work."""
        return sum(_counts(pod) for pod in self.elsewhere.values())

    @property
    def before(self) -> int:
        """The number of its pods, here and elsewhere, that were Ready before."""
        return len(self.here) + len(self.before_elsewhere or ()) + self.others_left

    @property
    def ended_elsewhere(self) -> int:
        """The number of its pods on other nodes that have done their work: no longer Ready, nor missed."""
        return sum(pod.phase == "Succeeded" for pod in self.elsewhere.values())

    @property
    def followed(self) -> bool:
        """True if a pod of it has gone or goes, and its work is not done."""
        return self.left_at is not None and bool(self.here)

    @property
    def short(self) -> bool:
        """True if it does not have as many pods elsewhere as before: not yet, or no longer."""
        return self.followed and not (self.replaced and self.ready >= self.before)

    @property
    def failed(self) -> bool:
        """True if it is a Job that has failed."""
        return self.wanted is not None and bool(self.wanted.failure)

    @property
    def released(self) -> bool:
        """True if it is known that it wants no more pods than it has."""
        if self.deleted or self.wanted is None:
            return self.deleted
        if self.controller.by_name:
            return not any(self._wants(name) for name in self._missing_names())
        return sum(pod.ready for pod in self.elsewhere.values()) >= self.wanted.pods

    @property
    def wanted_pods(self) -> int | None:
        """The number of pods that it wants, of a StatefulSet those that were here; None = not known."""
        if self.wanted is None:
            return None
        if self.controller.by_name:
            return sum(self._wants(name) for name in set(self.here.values()))
        return self.wanted.pods

    def _missing_names(self) -> set[str]:
        return set(self.here.values()) - {pod.ref.name for pod in self.elsewhere.values() if pod.ready}

    def _wants(self, name: str) -> bool:
        """Returns whether a StatefulSet wants the pod of this name.

        https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#ordinal-index
        """
        assert self.wanted is not None
        ordinal = name.rpartition("-")[2]
        first = self.wanted.first_ordinal
        return not ordinal.isdecimal() or first <= int(ordinal) < first + self.wanted.pods

    def judge(self, now: float) -> list[Replaced]:
        """Returns the report that it has its pods back, once."""
        ready = self.ready
        if not self.short or not self.is_read or ready < self.before:
            return []
        assert self.left_at is not None
        self.replaced = True
        seconds = now - self.left_at
        namespace = self.scope.namespace
        return [Replaced(namespace=namespace, controller=self.controller, ready=ready, seconds=seconds)]

    def why_short(self) -> str:
        """Returns the cause that was seen; empty if none was."""
        if self.wanted is not None and self.wanted.failure:
            return self.wanted.failure
        unready = [pod for pod in self.elsewhere.values() if not _counts(pod)]
        reasons = sorted({pod.pending_reason for pod in unready if pod.pending_reason})
        if reasons:
            more = f"; and {len(reasons) - MAX_REASONS} more reasons" if len(reasons) > MAX_REASONS else ""
            return f"Pending: {'; '.join(reasons[:MAX_REASONS])}{more}"
        if self.came_back:
            return f"{len(self.came_back)} of its pods came back to the node that goes away"
        return f"{len(unready)} of its pods not Ready yet" if unready else ""


def _made_since(pod: Pod, begins: list[float]) -> bool:
    """Returns whether the pod was made after the first of these instants. The API counts whole seconds."""
    return bool(begins) and pod.created_at is not None and pod.created_at >= int(min(begins))


def _counts(pod: Pod) -> bool:
    return pod.ready or pod.phase == "Succeeded"
