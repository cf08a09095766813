"""Drains one node: it decides which pod is asked when, how politely, and when it is forced.

Polite first: the Eviction API, which respects PodDisruptionBudgets. Forced last: when a pod's
latest moment has come (deadline - reserve - its grace) and its eviction has been refused, it is
deleted with the grace that really is left: better a SIGTERM past a refusal than a power cut.
Without a deadline nothing is ever forced.

A session feeds this with pods and answers, and carries out the requests that `step` returns.
https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from nth.core.decisions import Decision, DeletePod, EvictPod, Tell
from nth.core.drain.disruption import EVICTED, REASON, Disruption
from nth.core.drain.grace import GraceTimes
from nth.core.drain.pod_eviction import NEVER_AT, PodEviction, Step, as_asked
from nth.core.drain.pod_filter import Fate, PodRules, Verdict, judge, may_be_forced, tier
from nth.core.drain.returns import ASKED_AGAIN, Returns
from nth.core.facts import Pod, PodRef
from nth.core.reports import (
    EvictionAccepted,
    EvictionRefused,
    ForceForbidden,
    GraceShortened,
    LeftBehind,
    PodCameBack,
    PodForced,
    PodLeft,
    PodsOnNode,
)
from nth.core.trouble import FORBIDDEN_SECONDS, MAX_REASONS
from nth.errors import ClusterError, Conflict, Forbidden, Missing, Throttled, Unreachable

POLITE_LEAD_SECONDS = 5.0
"""A later tier is asked politely so long before its latest moment, if the tier before is stuck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainRules:
    """The settings about a drain."""

    pods: PodRules = field(default_factory=PodRules)
    pod_grace_seconds: int | None = None
    """POD_TERMINATION_GRACE_PERIOD; None = each pod's own."""
    reserve_seconds: float = 5
    force: bool = True


PASSING = (Unreachable, Throttled, Conflict)
"""Answers that say nothing about the pod, but of the API server, or of another client's write."""

RETURNED = Verdict(Fate.IN_THE_WAY, "it came after the drain had begun, because the node is not cordoned")
"""An evicted pod would only come back, again and again."""
CAME_BACK = Verdict(
    Fate.IN_THE_WAY,
    f"it came back to the cordoned node, and those before it were asked to go {ASKED_AGAIN} times since",
)
KEPT = (RETURNED, CAME_BACK)


class Drain:
    """The pods of one node on their way out."""

    def __init__(self, rules: DrainRules, started_at: float, returns: Returns | None = None) -> None:
        """Take `returns`, the counts of the node's earlier drains."""
        self._returns = Returns() if returns is None else returns
        self._returns.look_anew()
        self._rules = rules
        self._started_at = started_at
        self._evictions: dict[str, PodEviction] = {}
        self._unanswered: dict[str, PodEviction] = {}
        """Pods that were gone before the answer to their request came."""
        self._others: dict[str, tuple[Pod, Verdict]] = {}
        self._listed = False
        self._disruption = Disruption()
        self._delete_forbidden = False
        self._delete_refused_at: float | None = None
        self.begun = False
        """True when pods are asked to go: one that comes from now on is a newcomer."""
        self.cordoned = True
        """True while only pods that tolerate a cordon are put on the node."""
        self.spares_all = False
        """True if every pod found on the node came after an earlier drain, and is left alone."""
        self.asked_since_at = NEVER_AT
        """The process before this one may have asked pods from then on."""
        self.evicted = 0
        self.forced = 0

    # Pods

    def listed(self, pods: Iterable[Pod], now: float) -> list[Decision]:
        """Take all the node's pods."""
        pods = tuple(pods)
        told: list[Decision] = []
        present = {pod.ref.uid for pod in pods}
        for uid in [uid for uid in (*self._evictions, *self._others) if uid not in present]:
            told += self.gone(uid, now)
        for pod in pods:
            told += self.changed(pod, now)
        if not self._listed:
            self._listed = True
            told.append(Tell(self._survey()))
        return told

    def changed(self, pod: Pod, now: float) -> list[Decision]:
        """Take a pod that was added or modified."""
        eviction = self._evictions.get(pod.ref.uid)
        if eviction is None:
            _, verdict = self._others.pop(pod.ref.uid, (pod, None))
            if verdict is not None and (verdict.fate is Fate.STAY or verdict in KEPT):
                self._others[pod.ref.uid] = (pod, verdict)
                return []
            return self._add(pod, first_seen=verdict is None)
        eviction.see(pod)
        if pod.deleting_until_at is not None:
            self._returns.left(pod)
        if pod.deleting_until_at is not None and eviction.step in (Step.WAITING, Step.REFUSED):
            eviction.step = Step.GOING
        self.stirred(pod.ref.namespace, now)
        return []

    def gone(self, uid: str, now: float) -> list[Decision]:
        """Take the news that a pod's object is gone."""
        pod, verdict = self._others.pop(uid, (None, None))
        if pod is not None and verdict is CAME_BACK:
            self._returns.left(pod)
            return [Tell(PodLeft(pod=pod, how="by itself", seconds=now - self._started_at))]
        eviction = self._evictions.pop(uid, None)
        if eviction is None:
            return []
        self._disruption.forget(uid)
        self._returns.left(eviction.pod)
        if eviction.step is Step.ASKED:
            self._unanswered[uid] = eviction
        self.stirred(eviction.pod.ref.namespace, now)
        asked_at = eviction.first_asked_at
        seconds = now - (self._started_at if asked_at is None else asked_at)
        return [Tell(PodLeft(pod=eviction.pod, how=eviction.how_it_left, seconds=seconds))]

    def stirred(self, namespace: str, now: float) -> None:
        """Take the news that something changed in that namespace: a budget may allow now what it refused."""
        for eviction in self._evictions.values():
            if eviction.pod.ref.namespace == namespace:
                eviction.stirred_at = now
                eviction.hasten()

    @property
    def _spares_newcomers(self) -> bool:
        """True if a pod first seen now came after the drain had begun. The first list may come late."""
        return self.spares_all or (self._listed and self.begun and not self.cordoned)

    def _add(self, pod: Pod, *, first_seen: bool) -> list[Decision]:
        pod = as_asked(pod)
        verdict, told = judge(pod, self._rules.pods), list[Decision]()
        if verdict.fate is Fate.GO and first_seen and pod.deleting_until_at is None and not pod.finished:
            verdict, told = self._judge_newcomer(pod, verdict)
        if verdict.fate is not Fate.GO:
            self._others[pod.ref.uid] = (pod, verdict)
        else:
            step = Step.WAITING if pod.deleting_until_at is None else Step.GOING
            self._evictions[pod.ref.uid] = PodEviction(pod, step)
            self._resume(self._evictions[pod.ref.uid])
        return told

    def _resume(self, eviction: PodEviction) -> None:
        """Take the request of the process before this one, if the pod shows that it is going by one."""
        pod = eviction.pod
        # The API server cuts a deletion's time to the second.
        if pod.deleted_at is None or pod.deleted_at + 1 <= self.asked_since_at:
            return
        if pod.disrupted_by in (EVICTED, REASON):
            eviction.resume(max(pod.deleted_at, self.asked_since_at), forced=pod.disrupted_by == REASON)
            self.evicted += eviction.evicted
            self.forced += eviction.forced

    def _judge_newcomer(self, pod: Pod, verdict: Verdict) -> tuple[Verdict, list[Decision]]:
        """Returns a new pod's verdict and a report; a pod that was there at the begin is only counted."""
        if self._spares_newcomers:
            return RETURNED, []
        back = self._returns.came_back(pod)
        goes = self._returns.may_go(pod, newcomer=self._listed)
        told: list[Decision] = [Tell(PodCameBack(pod=pod, goes=goes))] if back or not goes else []
        return (verdict if goes else CAME_BACK), told

    def cordon(self) -> list[Decision]:
        """Take the news that the node is cordoned after all: pods that came back meanwhile go, too."""
        self.cordoned = True
        self._returns.clear()
        kept = [pod for pod, verdict in self._others.values() if verdict in KEPT]
        for pod in kept:
            del self._others[pod.ref.uid]
            self._returns.may_go(pod, newcomer=False)
        return [told for pod in kept for told in self._add(pod, first_seen=True)]

    def _survey(self) -> PodsOnNode:
        return PodsOnNode(
            going=tuple(eviction.pod for eviction in self._evictions.values()),
            staying=tuple((pod, verdict.reason) for pod, verdict in self._others.values()),
            asked=tuple((at, self._granted(t)) for t in self._evictions.values() if (at := t.first_asked_at)),
        )

    # Answers

    def answered(
        self, ref: PodRef, error: ClusterError | None, now: float, deadline_at: float | None
    ) -> list[Decision]:
        """Take the API server's answer to the request under way for this pod; None = accepted."""
        left = self._unanswered.pop(ref.uid, None)
        eviction = self._evictions.get(ref.uid) or left
        if eviction is None:
            return []
        if error is None:
            return [Tell(self._accepted(eviction))]
        if eviction is left:
            return []
        if isinstance(error, Missing):
            # Another client's deletion, unless it went by a request that was never answered.
            eviction.unclear &= eviction.pod.deleting_until_at is not None
            told = self.gone(ref.uid, now)
            self._unanswered.pop(ref.uid, None)
            return told
        return self._refused(eviction, error, now, self._times(deadline_at))

    def marked(self, ref: PodRef, error: ClusterError | None, now: float) -> list[Decision]:
        """Take the API server's answer to a condition for this pod; None = it is set."""
        return self._disruption.answered(ref, error, now)

    def _accepted(self, eviction: PodEviction) -> EvictionAccepted | PodForced | GraceShortened:
        pod = eviction.pod
        self._returns.left(pod)
        eviction.step, eviction.unclear = Step.GOING, False
        if eviction.shortened:
            return GraceShortened(pod=pod, grace_seconds=eviction.grace_seconds)
        if eviction.deleting:
            eviction.forced = True
            self.forced += 1
        else:
            eviction.evicted = True
            self.evicted += 1
        return self._granted(eviction)

    def _granted(self, eviction: PodEviction) -> EvictionAccepted | PodForced:
        pod, grace_seconds = eviction.pod, eviction.grace_seconds
        if eviction.forced:
            return PodForced(pod=pod, grace_seconds=grace_seconds, reason=eviction.refusal)
        cut = grace_seconds < self._times(None).wanted_seconds(pod)
        return EvictionAccepted(pod=pod, grace_seconds=grace_seconds, cut=cut)

    def _refused(
        self, eviction: PodEviction, error: ClusterError, now: float, times: GraceTimes
    ) -> list[Decision]:
        told: list[Decision] = []
        eviction.pause(error, now)
        if eviction.deleting and isinstance(error, Forbidden):
            told += self._delete_refused(error, now)
        if eviction.shortened:
            # Forbidden for good; anything else is tried again after the pause.
            eviction.step, eviction.shortened = Step.GOING, self._delete_forbidden
            return told
        if eviction.pod.deleting_until_at is not None:
            # It was granted, though the answer was lost; or another client deleted the pod.
            eviction.step = Step.GOING
            return told
        eviction.step = Step.REFUSED
        eviction.hasten()
        passing = eviction.deleting and isinstance(error, Forbidden) and not self._delete_forbidden
        if str(error) != eviction.refusal and not (passing or isinstance(error, PASSING)):
            eviction.refusal = str(error)
            eviction.refusals += 1
            told += self._report_refusal(eviction, times)
        return told

    def _report_refusal(self, eviction: PodEviction, times: GraceTimes) -> list[Decision]:
        """Returns the report; none of a reason that is new each time (it holds an id or a time)."""
        if eviction.refusals > MAX_REASONS:
            return []
        force_at = eviction.force_at(times) if self._may_force(eviction.pod) else NEVER_AT
        forced_at = None if force_at == NEVER_AT else force_at
        return [Tell(EvictionRefused(pod=eviction.pod, reason=eviction.refusal, forced_at=forced_at))]

    def _delete_refused(self, error: Forbidden, now: float) -> list[Decision]:
        self._delete_refused_at = since_at = self._delete_refused_at or now
        if self._delete_forbidden or now < since_at + FORBIDDEN_SECONDS:
            return []
        self._delete_forbidden = True
        return [Tell(ForceForbidden(reason=str(error)))]

    # Requests

    def step(self, now: float, deadline_at: float | None) -> list[Decision]:
        """Returns all requests that are due, longest grace first."""
        times, lowest = self._times(deadline_at), self._lowest_tier()
        decisions: list[Decision] = []
        for eviction in sorted(self._evictions.values(), key=lambda t: (tier(t.pod), -t.pod.grace_seconds)):
            if now >= self._mark_at(eviction, times):
                decisions.append(self._disruption.ask(eviction.pod, now, times.deadline_at))
            if self._delete_is_due(eviction, now, times):
                decisions.append(self._delete(eviction, now, times))
            elif self._eviction_is_due(eviction, lowest, now, times):
                decisions.append(self._evict(eviction, now, times))
        return decisions

    def _eviction_is_due(self, eviction: PodEviction, lowest: int, now: float, times: GraceTimes) -> bool:
        if eviction.step is Step.WAITING:
            return now >= self._turn_at(eviction, lowest, times)
        return eviction.step is Step.REFUSED and now >= eviction.retry_at

    def _turn_at(self, eviction: PodEviction, lowest: int, times: GraceTimes) -> float:
        """Returns the begin for the first tier; a later one waits, but no longer than its time allows."""
        if tier(eviction.pod) == lowest:
            return self._started_at
        latest_at = times.latest_at(eviction.pod)
        return NEVER_AT if latest_at is None else latest_at - POLITE_LEAD_SECONDS

    def _delete_is_due(self, eviction: PodEviction, now: float, times: GraceTimes) -> bool:
        if not self._may_force(eviction.pod):
            return False
        if eviction.step is Step.REFUSED:
            return now >= eviction.force_at(times)
        return eviction.step is Step.GOING and now >= eviction.end_at(times)

    def _mark_at(self, eviction: PodEviction, times: GraceTimes) -> float:
        """Returns when a pod that is to be deleted past a refusal, or has been, is marked as disrupted."""
        if not self._may_force(eviction.pod) or not (eviction.step is Step.REFUSED or eviction.passes_budget):
            return NEVER_AT
        return self._disruption.due_at(eviction.pod, eviction.force_at(times))

    def _evict(self, eviction: PodEviction, now: float, times: GraceTimes) -> Decision:
        eviction.ask(now, times, deleting=False)
        own = eviction.grace_seconds == eviction.pod.grace_seconds
        return EvictPod(eviction.pod, None if own else eviction.grace_seconds, times.deadline_at)

    def _delete(self, eviction: PodEviction, now: float, times: GraceTimes) -> Decision:
        eviction.ask(now, times, deleting=True)
        return DeletePod(eviction.pod, eviction.grace_seconds, times.deadline_at)

    def wake_at(self, deadline_at: float | None) -> float | None:
        """Returns when `step` has something to do, if nothing else happens before."""
        times, lowest = self._times(deadline_at), self._lowest_tier()
        moments = (
            min(self._moment(eviction, lowest, times), self._mark_at(eviction, times))
            for eviction in self._evictions.values()
        )
        at = min(moments, default=NEVER_AT)
        return None if at == NEVER_AT else at

    def _moment(self, eviction: PodEviction, lowest: int, times: GraceTimes) -> float:
        if eviction.step is Step.WAITING:
            return self._turn_at(eviction, lowest, times)
        may_force = self._may_force(eviction.pod)
        if eviction.step is Step.GOING and may_force:
            return eviction.end_at(times)
        if eviction.step is not Step.REFUSED:
            return NEVER_AT
        return min(eviction.retry_at, eviction.force_at(times) if may_force else NEVER_AT)

    def _may_force(self, pod: Pod) -> bool:
        return self._rules.force and not self._delete_forbidden and may_be_forced(pod)

    def _lowest_tier(self) -> int:
        return min((tier(eviction.pod) for eviction in self._evictions.values()), default=0)

    def _times(self, deadline_at: float | None) -> GraceTimes:
        return GraceTimes(deadline_at, self._rules.reserve_seconds, self._rules.pod_grace_seconds)

    # Results

    @property
    def done(self) -> bool:
        """True if the pods have been listed, and none that has to go is left."""
        return self._listed and not self._evictions

    @property
    def asking(self) -> bool:
        """True if a request has no answer yet."""
        asked = any(eviction.step is Step.ASKED for eviction in self._evictions.values())
        return asked or bool(self._unanswered)

    def left(self) -> tuple[LeftBehind, ...]:
        """Returns every pod that keeps the node from being drained, with the reason."""
        tracked = [LeftBehind(ref=t.pod.ref, reason=t.why_there()) for t in self._evictions.values()]
        kept = [
            LeftBehind(ref=pod.ref, reason=verdict.reason)
            for pod, verdict in self._others.values()
            if verdict.fate is Fate.IN_THE_WAY
        ]
        return (*tracked, *kept)

    def present(self) -> tuple[Pod, ...]:
        """Returns all pods on the node, also those that stay."""
        return (*(t.pod for t in self._evictions.values()), *(pod for pod, _ in self._others.values()))

    def going(self) -> tuple[Pod, ...]:
        """Returns the pods that have to go and are still there."""
        return tuple(eviction.pod for eviction in self._evictions.values())
