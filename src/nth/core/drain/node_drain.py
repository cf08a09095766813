"""The pods' side of a session: one drain after another of the same node, and when each is late.

A session says from when and until when its pods are followed and asked to go; this keeps state that outlives
a single `Evacuation`.
"""

from nth.core.decisions import (
    Decision,
    PodAnswered,
    PodChanged,
    PodMarked,
    PodsChanged,
    PodsListed,
    WantedRead,
)
from nth.core.drain.drain import DrainRules
from nth.core.drain.evacuation import Evacuation
from nth.core.drain.follow_up import FollowUp
from nth.core.drain.returns import Returns

LATE_SECONDS = 10.0
"""Pods of a late notice are not reported as missed before they had this time to stop."""

PodInput = PodsListed | PodAnswered | PodMarked | PodChanged | PodsChanged | WantedRead


class NodeDrain:
    """The drains of one node. `grace_seconds`: a drain without a deadline is late after that."""

    def __init__(
        self,
        node_name: str,
        rules: DrainRules,
        *,
        grace_seconds: float,
        was_drained: bool,
        resumed: bool,
        now: float,
    ) -> None:
        self.was_drained = was_drained
        """True if the node has been drained, by this process or by one before it."""
        self.again = False
        """True if one more drain is wanted."""
        self.out_of_service = False
        """True if it was drained, and no pod with an attached volume is left on it."""
        self.heeded = False
        """True if the cordon was taken off by a person who wants the node to be used."""
        self._returns = Returns()
        self.follow_up = FollowUp(node_name)
        self.pods = Evacuation(node_name, rules, self._returns, self.follow_up)
        self._node_name = node_name
        self._rules = rules
        self._grace_seconds = grace_seconds
        self._resumed = resumed
        """True if a process before this one may have asked pods."""
        self._began_at = now

    def heard(self, given: PodInput, now: float, deadline_at: float | None) -> list[Decision]:
        """Take news of pods."""
        match given:
            case PodsListed():
                return self.pods.pods_listed(given, now)
            case PodAnswered():
                return self.pods.pod_answered(given, now, deadline_at)
            case PodMarked():
                return self.pods.pod_marked(given, now)
            case WantedRead():
                return self.pods.wanted_read(given)
            case PodChanged() | PodsChanged():
                return self.pods.pod_changed(given, now)

    def prepare(self, noticed_at: float | None, now: float) -> list[Decision]:
        """Read the pods for the drain that was noticed then; None = it is not due yet."""
        stopped = self.forget() if self.again else []
        self.again = False
        if noticed_at is None:
            return stopped
        spares_all = self.heeded and self.was_drained
        return [*stopped, *self.pods.begin(noticed_at, now, spares_all=spares_all, resumed=self._resumed)]

    def begin(self, noticed_at: float | None, now: float, *, cordoned: bool) -> list[Decision]:
        """Ask pods to go from now on."""
        decisions = self.prepare(noticed_at, now)
        self._began_at = now
        self.pods.evict(cordoned=cordoned)
        return decisions

    def cordon(self, *, drained: bool) -> list[Decision]:
        """Take the news of a cordon; if that comes late, pods that landed meanwhile have to go, too."""
        if self.pods.cordoned:
            return []
        self.again = drained
        return self.pods.cordon()

    def uncordon(self, *, heeded: bool) -> None:
        """Take the news that the cordon was taken off: pods that land now stay unless it is set again."""
        self.heeded = heeded
        self._returns.clear()
        self.pods.uncordon()

    def end(self, now: float, deadline_at: float | None) -> list[Decision]:
        """End the drain: no pod is left that has to go."""
        # No report is repeated: not after a restart, not for an event that found the node empty.
        tell = self.pods.moved_anything or not self.was_drained
        self.was_drained = True
        self.out_of_service = not self.pods.volumes_in_use
        return self.pods.drained(now, deadline_at, tell=tell)

    def undo(self) -> list[Decision]:
        """Forget all drains: none is asked for any more."""
        self.was_drained = self.out_of_service = False
        self._returns.clear()
        return self.forget()

    def forget(self) -> list[Decision]:
        """Forget the pods of the node; what replaces those that have left is followed on."""
        stopped = self.pods.stop()
        self.pods = Evacuation(self._node_name, self._rules, self._returns, self.follow_up)
        return stopped

    def stop(self) -> list[Decision]:
        """Follow no pod any more."""
        return [*self.pods.stop(), *self.follow_up.pause()]

    def late_at(self, deadline_at: float | None) -> float:
        """Returns when pods that are left are reported as late: while there still is time to report."""
        if deadline_at is None:
            return self._began_at + self._grace_seconds
        # In the middle of the reserve: a pod that ends at its limit has its last seconds to be seen gone.
        return max(self._began_at + LATE_SECONDS, deadline_at - self._rules.reserve_seconds / 2)

    def step(self, now: float, deadline_at: float | None) -> list[Decision]:
        """Returns the requests and reports that are due."""
        return self.pods.step(now, deadline_at, self.late_at(deadline_at))

    def wake_at(self, deadline_at: float | None) -> float | None:
        """Returns when `step` has something to do, if nothing else happens before."""
        return self.pods.wake_at(deadline_at, self.late_at(deadline_at))
