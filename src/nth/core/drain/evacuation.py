"""The pods' side of a session: their drain, the proof that they are gone, and their replacements.

Follows the node's pods with one list and one watch, and the pods that replace them (`FollowUp`) with one
more per namespace and kind of controller.
"""

from nth.core.backoff import Refusals
from nth.core.decisions import (
    Decision,
    FollowPods,
    ListPods,
    PodAnswered,
    PodChanged,
    PodMarked,
    PodsChanged,
    PodsListed,
    StopFollowing,
    Tell,
    WantedRead,
)
from nth.core.drain.drain import Drain, DrainRules
from nth.core.drain.follow_up import FOLLOW_SECONDS, FollowUp
from nth.core.drain.pod_eviction import NEVER_AT
from nth.core.drain.returns import Returns
from nth.core.facts import PodScope, PodSeen
from nth.core.reports import DrainEnded, EvictionAccepted, PodForced
from nth.core.times import soonest
from nth.errors import ClusterError

PROOF_RETRY_SECONDS = 1.0
OFTEN, LONGEST_SECONDS = 30, 60.0
"""A list that is refused so often is asked for ever less often, but each minute at least."""


class Evacuation:
    """Follows the pods of one node, from the first list to the proof that none is left."""

    def __init__(
        self,
        node_name: str,
        rules: DrainRules,
        returns: Returns | None = None,
        follow_up: FollowUp | None = None,
    ) -> None:
        """Take the counts (`returns`) and the replacements (`follow_up`) of earlier evacuations."""
        self.proven = False
        """True if the pods were read again after the last one had gone, and none was left."""
        self._node_scope = PodScope(node_name=node_name)
        self._rules = rules
        self._noticed_at = 0.0
        self._returns = Returns() if returns is None else returns
        self._drain = Drain(rules, 0.0, self._returns)
        self._follow_up = FollowUp(node_name) if follow_up is None else follow_up
        self._following = False
        self._surveyed = False
        """True if the pods that have to go were handed to the follow-up."""
        self._evicting = False
        self._proof_asked = False
        self._proof_at = 0.0
        self._proof_refusals = Refusals(OFTEN, LONGEST_SECONDS)
        self._look_until_at = 0.0
        """The node is followed until then after the drain."""
        self._lateness_told: tuple[float | None] | None = None
        """The deadline of the last report of lateness."""

    def begin(
        self, noticed_at: float, now: float, *, spares_all: bool = False, resumed: bool = False
    ) -> list[Decision]:
        """Follow the node's pods; evictions come with `evict`. `resumed`: some may have been asked before."""
        if self._following:
            return []
        self._noticed_at = noticed_at
        self._drain = Drain(self._rules, now, self._returns)
        self._drain.asked_since_at = noticed_at if resumed else NEVER_AT
        self._drain.spares_all, self._drain.cordoned = spares_all, not spares_all
        self._following = True
        return [FollowPods(self._node_scope)]

    def evict(self, *, cordoned: bool = True) -> None:
        """Ask pods to go from now on; each only once, where the node is not cordoned."""
        self._evicting, self.proven = True, False
        self._drain.cordoned = cordoned
        self._drain.begun = True

    @property
    def cordoned(self) -> bool:
        """True if the drain counts the node as cordoned."""
        return self._drain.cordoned

    def cordon(self) -> list[Decision]:
        """Take the news that the node is cordoned after all."""
        self.proven = False
        return self._drain.cordon()

    def uncordon(self) -> None:
        """Take the news that the cordon was taken off."""
        self._drain.cordoned = False

    # Inputs

    def pods_listed(self, given: PodsListed, now: float) -> list[Decision]:
        """Take a list of the node's pods, or of those that replace them."""
        if given.scope != self._node_scope:
            return self._news_of_replacements(given, now)
        if not self._following:
            return []
        if isinstance(given.answer, ClusterError):
            self._list_failed(given.answer, now)
            return []
        decisions = self._drain.listed(given.answer, now)
        if given.fresh and self._evicting:
            self.proven, self._proof_asked = self._proof_asked and self._drain.done, False
        if not self._surveyed:
            self._surveyed = True
            decisions += self._follow_up.begin(self._drain.going(), self._noticed_at, now)
        return decisions

    def _list_failed(self, error: ClusterError, now: float) -> None:
        if self._proof_asked:
            self._proof_refusals.heard(error)
            self._proof_asked = False
            self._proof_at = now + self._proof_refusals.pause_seconds(PROOF_RETRY_SECONDS)

    def pod_changed(self, given: PodChanged | PodsChanged, now: float) -> list[Decision]:
        """Take changes from a watch."""
        if given.scope != self._node_scope:
            return self._news_of_replacements(given, now)
        if not self._following:
            return []
        decisions: list[Decision] = []
        for change in given.changes:
            if isinstance(change, PodSeen):
                decisions += self._drain.changed(change.pod, now)
            else:
                decisions += self._drain.gone(change.ref.uid, now)
        return decisions

    def pod_answered(self, given: PodAnswered, now: float, deadline_at: float | None) -> list[Decision]:
        """Take the API server's answer to an eviction or a deletion."""
        decisions = self._drain.answered(given.ref, given.error, now, deadline_at)
        told = [decision.report for decision in decisions if isinstance(decision, Tell)]
        asked = [report.pod for report in told if isinstance(report, EvictionAccepted | PodForced)]
        return [*decisions, *(each for pod in asked for each in self._follow_up.asked(pod, now))]

    def pod_marked(self, given: PodMarked, now: float) -> list[Decision]:
        """Take the API server's answer to a condition."""
        return self._drain.marked(given.ref, given.error, now)

    def wanted_read(self, given: WantedRead) -> list[Decision]:
        """Take the number of pods that a controller wants."""
        self._follow_up.wanted_read(given)
        return []

    def _news_of_replacements(
        self, given: PodsListed | PodChanged | PodsChanged, now: float
    ) -> list[Decision]:
        if not self._follow_up.follows(given.scope):
            return []
        # A budget may have waited for a pod that became Ready elsewhere.
        self._drain.stirred(given.scope.namespace, now)
        return self._follow_up.heard(given, now)

    # Requests and reports

    def step(self, now: float, deadline_at: float | None, late_at: float) -> list[Decision]:
        """Returns all requests that are due, and from `late_at` on the reports of what is missing."""
        decisions: list[Decision] = []
        if self._evicting:
            decisions += self._drain.step(now, deadline_at)
            decisions += self._ask_for_proof(now)
            if now >= late_at and self._is_late(deadline_at):
                self._lateness_told = (deadline_at,)
                decisions.append(Tell(self._drain_ended(now, deadline_at)))
        elif self.proven and now >= self._look_until_at:
            decisions += self.stop()
        return [*decisions, *self._follow_up.step(now, late_at, proven=self.proven)]

    def _is_late(self, deadline_at: float | None) -> bool:
        """Returns whether pods are left late. An empty node is not drained before the proof, nor late."""
        return self._lateness_told != (deadline_at,) and bool(self._drain.going())

    def _ask_for_proof(self, now: float) -> list[Decision]:
        if self.proven or self._proof_asked or not self._drain.done or now < self._proof_at:
            return []
        self._proof_asked = True
        return [ListPods(self._node_scope)]

    def drained(self, now: float, deadline_at: float | None, *, tell: bool) -> list[Decision]:
        """End the drain: stop following the node, at its deadline at the latest."""
        self._evicting = False
        told: list[Decision] = [Tell(self._drain_ended(now, deadline_at))] if tell else []
        if deadline_at is None or now >= deadline_at:
            return [*told, *self.stop()]
        # A pod that comes until then would be lost with the machine.
        self._look_until_at = min(deadline_at, now + FOLLOW_SECONDS)
        return told

    @property
    def asking(self) -> bool:
        """True if an eviction or a deletion has no answer yet."""
        return self._drain.asking

    @property
    def any_to_go(self) -> bool:
        """True if pods that have to go are there."""
        return bool(self._drain.going())

    @property
    def refilled(self) -> bool:
        """True if the node was empty, and a pod has come that has to go."""
        return self.proven and not self._evicting and not self._drain.done

    def _drain_ended(self, now: float, deadline_at: float | None) -> DrainEnded:
        return DrainEnded(
            left=self._drain.left(),
            evicted=self._drain.evicted,
            forced=self._drain.forced,
            seconds=now - self._noticed_at,
            margin_seconds=None if deadline_at is None else deadline_at - now,
        )

    def stop(self) -> list[Decision]:
        """Follow the node's pods no more."""
        stopped, self._following = self._following, False
        return [StopFollowing(self._node_scope)] if stopped else []

    @property
    def moved_anything(self) -> bool:
        """True if a pod was asked to go, or is in the way."""
        return bool(self._drain.evicted or self._drain.forced or self._drain.left())

    @property
    def volumes_in_use(self) -> bool:
        """True if a pod with an attached volume is left on the node, or the node was not drained."""
        return bool(self._drain.left()) or any(pod.attached_storage for pod in self._drain.present())

    def wake_at(self, deadline_at: float | None, late_at: float) -> float | None:
        """Returns when `step` has something to do, if nothing else happens before."""
        moments: list[float | None] = []
        if not self._evicting and self.proven and self._following:
            moments.append(self._look_until_at)
        if self._evicting:
            moments.append(self._drain.wake_at(deadline_at))
            if self._drain.done and not self._proof_asked and not self.proven:
                moments.append(self._proof_at)
            if self._is_late(deadline_at):
                moments.append(late_at)
        moments.append(self._follow_up.wake_at(late_at))
        return soonest(*moments)
