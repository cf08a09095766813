"""Predicts what a session would do: the real session, fed with predicted answers.

The prediction is cautious: every pod takes its whole grace to stop, and a budget that allows
nothing now never will. But it assumes that a drain need not wait for others.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace

from nth.core.decisions import (
    Decision,
    DeletePod,
    EvictPod,
    FollowPods,
    Input,
    ListPods,
    NodePatched,
    NodeRead,
    PatchNode,
    PodAnswered,
    PodChanged,
    PodsListed,
    ReadNode,
    SlotGranted,
    Tell,
    WantSlot,
    Woken,
)
from nth.core.dry_run.merge_patch import patched
from nth.core.facts import Budget, Node, Pod, PodGone, PodScope
from nth.core.node.phases import Phase
from nth.core.node.session import Session, SessionRules
from nth.core.notices.events import Noticed
from nth.core.reports import DrainEnded, Told
from nth.errors import Blocked

HORIZON_SECONDS = 7 * 24 * 3600.0
"""Nothing is predicted further ahead."""
END_STEPS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The begin of a prediction."""

    node: Node
    pods: tuple[Pod, ...]
    budgets: tuple[Budget, ...] = ()


def preview(situation: Situation, notices: Iterable[Noticed], rules: SessionRules, now: float) -> list[Told]:
    """Returns every report of the session that these notices would begin, with its predicted instant."""
    return _Prediction(situation, rules, now).run(notices, now)


class _Prediction:
    """A session and the little world that answers it."""

    def __init__(self, situation: Situation, rules: SessionRules, now: float) -> None:
        self._node = situation.node
        self._pods = {pod.ref.uid: pod for pod in situation.pods}
        self._budgets = list(situation.budgets)
        self._scope = PodScope(node_name=situation.node.name)
        self._session = Session(situation.node.name, "preview", rules, now, node=situation.node)
        self._coming: list[tuple[float, int, Input]] = []
        self._count = 0
        self._told: list[Told] = []

    def run(self, notices: Iterable[Noticed], now: float) -> list[Told]:
        for notice in notices:
            self._expect(now, notice)
        for pod in tuple(self._pods.values()):
            if pod.deleting_until_at is not None:
                self._expect(pod.deleting_until_at, PodChanged(self._scope, PodGone(pod.ref)))
        until_at = now + HORIZON_SECONDS
        while not self._is_over():
            at, given = self._next(now)
            if at > until_at:
                break
            now = max(now, at)
            if isinstance(given, PodChanged) and isinstance(given.change, PodGone):
                self._pods.pop(given.change.ref.uid, None)
            for decision in self._session.handle(given, now):
                self._answer(decision, now)
        return self._told

    def _is_over(self) -> bool:
        if self._session.phase in (Phase.DRAINED, Phase.ENDED) or self._count >= END_STEPS:
            return True
        # The pods that are left have been reported, and no other is going to leave.
        return not self._coming and any(isinstance(each.report, DrainEnded) for each in self._told)

    def _next(self, now: float) -> tuple[float, Input]:
        wake_at = self._session.wake_at
        if self._coming and (wake_at is None or self._coming[0][0] <= wake_at):
            at, _, given = heapq.heappop(self._coming)
            return at, given
        self._count += 1
        return (float("inf") if wake_at is None else max(wake_at, now)), Woken()

    def _expect(self, at: float, given: Input) -> None:
        self._count += 1
        heapq.heappush(self._coming, (at, self._count, given))

    def _answer(self, decision: Decision, now: float) -> None:
        match decision:
            case Tell(report):
                node_name, session_id = self._session.node_name, self._session.session_id
                self._told.append(Told(at=now, session_id=session_id, node_name=node_name, report=report))
            case ReadNode():
                self._expect(now, NodeRead(self._node))
            case PatchNode(patch):
                self._node = patched(self._node, patch)
                self._expect(now, NodePatched(self._node))
            case FollowPods(scope) | ListPods(scope):
                pods = tuple(self._pods.values()) if scope == self._scope else ()
                self._expect(now, PodsListed(scope, pods))
            case EvictPod(pod, grace_seconds):
                self._evict(pod, pod.grace_seconds if grace_seconds is None else grace_seconds, now)
            case WantSlot():
                self._expect(now, SlotGranted())
            case DeletePod(pod, grace_seconds):
                self._expect(now, PodAnswered(pod.ref, None))
                self._leave(pod, now + grace_seconds)
            case _:
                pass

    def _evict(self, pod: Pod, grace_seconds: int, now: float) -> None:
        budget = blocking_budget(pod, self._budgets)
        if budget is not None:
            reason = f"the disruption budget {budget.name} allows no disruption"
            self._expect(now, PodAnswered(pod.ref, Blocked(reason)))
            return
        self._budgets = [_spent(budget, pod) for budget in self._budgets]
        self._expect(now, PodAnswered(pod.ref, None))
        self._leave(pod, now + grace_seconds)

    def _leave(self, pod: Pod, at: float) -> None:
        self._pods.pop(pod.ref.uid, None)
        self._expect(at, PodChanged(self._scope, PodGone(pod.ref)))


def covers(budget: Budget, pod: Pod) -> bool:
    """Returns whether the budget's selector matches the pod; an empty selector matches all (policy/v1)."""
    if budget.namespace != pod.ref.namespace:
        return False
    if any(pod.labels.get(key) != value for key, value in budget.match_labels.items()):
        return False
    return all(_matches(pod, key, operator, values) for key, operator, values in budget.match_expressions)


def _matches(pod: Pod, key: str, operator: str, values: tuple[str, ...]) -> bool:
    match operator:
        case "In":
            return pod.labels.get(key) in values
        case "NotIn":
            return pod.labels.get(key) not in values
        case "Exists":
            return key in pod.labels
        case _:
            return key not in pod.labels


def blocking_budget(pod: Pod, budgets: Iterable[Budget]) -> Budget | None:
    """Returns the first budget that refuses an eviction of this pod now.

    Pods that are finished, pending or not Ready do not count towards a budget's health.
    https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-budgets
    """
    if pod.finished or pod.phase == "Pending" or not pod.ready:
        return None
    return next((b for b in budgets if b.disruptions_allowed <= 0 and covers(b, pod)), None)


def _spent(budget: Budget, pod: Pod) -> Budget:
    if not pod.ready or not covers(budget, pod):
        return budget
    return replace(budget, disruptions_allowed=budget.disruptions_allowed - 1)
