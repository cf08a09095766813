"""A scripted world that answers a session's decisions in virtual time: a fake, not a mock.

One node, its pods and an API server with resource versions, budgets, watches that can be lost and
answers that can get lost. Two minutes of it take milliseconds. What a session told and asked is
kept in `log`; `kill` drops the session between any two requests and begins it anew from what
stands on the Node, as the engine does.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from nth.core.decisions import (
    Decision,
    DeletePod,
    Engage,
    EvictPod,
    FollowPods,
    Input,
    ListPods,
    MarkPod,
    NodePatched,
    NodeRead,
    PatchNode,
    PodAnswered,
    PodChanged,
    PodMarked,
    PodsListed,
    ReadNode,
    ReadWanted,
    ReleaseSlot,
    Settle,
    SlotGranted,
    StopFollowing,
    Tell,
    WantedRead,
    WantSlot,
    WatchNode,
    Woken,
)
from nth.core.dry_run.merge_patch import patched
from nth.core.facts import (
    Controller,
    Node,
    NodePatch,
    Pod,
    PodChange,
    PodCondition,
    PodGone,
    PodRef,
    PodScope,
    PodSeen,
    Wanted,
)
from nth.core.node.node_annotation import record_of
from nth.core.node.phases import Phase
from nth.core.node.session import Session, SessionRules
from nth.core.notices.events import Noticed, Withdrawn
from nth.core.reports import Report
from nth.errors import Blocked, ClusterError, Conflict, Missing, Unreachable
from tests.core.samples import NODE, T0, a_node

LATENCY_SECONDS = 0.01
NEWS_SECONDS = 0.03
FINAL_SECONDS = 0.1
REPLACED_SECONDS = 2.0
RELIST_SECONDS = 0.5
MAX_INPUTS = 50_000
"""More than any story needs: one that never ends fails, and does not hang."""

Request = ReadNode | PatchNode | ListPods | EvictPod | DeletePod | MarkPod | ReadWanted


@dataclass(frozen=True, slots=True)
class Fault:
    """The server answers with an error; `applied`: it did what was asked, and the answer was lost."""

    error: ClusterError
    applied: bool = False


Faults = Callable[[Request, float], Fault | None]
R = type[Report]


def no_faults(request: Request, now: float) -> Fault | None:
    return None


class World:
    """One node and a session about it. Instants given to `at` are seconds after T0."""

    def __init__(
        self,
        pods: Iterable[Pod] = (),
        *,
        node: Node | None = None,
        rules: SessionRules | None = None,
        stop_seconds: Callable[[Pod], float] = lambda _: 3.0,
        blocked: Callable[[Pod, float], bool] = lambda pod, now: False,
        faults: Faults = no_faults,
        know_node: bool = False,
        put_on: Callable[[Pod], str] = lambda _: "node-2",
        slow_seconds: Callable[[Request], float] = lambda _: 0.0,
    ) -> None:
        """`put_on`: the node that the pod in the place of this one is put on.

        `slow_seconds`: the API server carries the request out so late, also when its client is gone.
        """
        self.now = T0
        self._slow_seconds = slow_seconds
        self._put_on = put_on
        self.node: Node | None = node or a_node()
        self.pods = {pod.ref.uid: pod for pod in pods}
        self.log: list[tuple[float, Decision]] = []
        self.wanted: dict[str, Wanted | ClusterError | None] = {}
        """How many pods each controller says it wants, by its UID; else it is not known."""
        self.marked: dict[str, str] = {}
        """Pods' conditions of ours, by UID."""
        self.final_phase = "Succeeded"
        """The phase in which pods end that have been told to stop."""
        self.accepted: Counter[str] = Counter()
        """How often an eviction of that UID was accepted."""
        self.woken = 0
        self.requests = 0
        self.kill_after: int | None = None
        """The session is killed once that many requests have been carried out."""
        self.phases: list[Phase] = []
        self._rules = rules or SessionRules()
        self._stop_seconds = stop_seconds
        self._blocked = blocked
        self._faults = faults
        self._deaf_until_at = T0
        self._following: dict[PodScope, None] = {}
        self._coming: list[tuple[float, int, Callable[[], None]]] = []
        self._ids = itertools.count()
        self._life = 0
        self._notices: dict[str, Noticed] = {}
        for pod in self.pods.values():
            if pod.deleting_until_at is not None:
                self._go(pod, pod.deleting_until_at)
        known = self.node if know_node else None
        self.session = Session(NODE, "session-0", self._rules, T0, node=known)

    # The story

    def at(self, seconds: float, happening: Callable[[], None]) -> None:
        """Something happens then."""
        heapq.heappush(self._coming, (T0 + seconds, next(self._ids), happening))

    def notice(self, *notices: Noticed | Withdrawn, seconds: float = 0) -> None:
        """The metadata service says so then."""
        for notice in notices:
            self.at(seconds, lambda notice=notice: self._hear(notice))  # type: ignore[misc]

    def _hear(self, notice: Noticed | Withdrawn) -> None:
        if isinstance(notice, Noticed):
            self._notices[notice.event.event_id] = notice
        else:
            self._notices.pop(notice.event_id, None)
        self.give(notice)

    def edit_node(self, change: Callable[[Node], Node]) -> None:
        """Somebody else changes the node, now."""
        if self.node is not None:
            version = str(int(self.node.resource_version) + 1)
            self.node = replace(change(self.node), resource_version=version)

    def add_pod(self, pod: Pod) -> None:
        """A pod appears on the node, now."""
        self.pods[pod.ref.uid] = pod
        self._news(PodSeen(pod), pod)

    def lose_watches(self, seconds: float) -> None:
        """From now on, for that long, watches are silent and lists fail."""
        self._deaf_until_at = self.now + seconds
        for scope in self._following:
            self._relist(scope)

    def kill(self, booted_at: float | None = None) -> None:
        """The process dies and its successor begins, now."""
        self._life += 1
        self._following = {}
        node = self.node
        record = record_of(node) if node is not None else None
        name = f"session-{self._life}"
        self.session = Session(
            NODE, name, self._rules, self.now, node=node, record=record, booted_at=booted_at
        )
        # As the engine does: woken if there is something to go on with, and all that is still listed.
        if record is not None and (record.events or record.finished or booted_at is not None):
            self.give(Woken())
        for event_id in [seen.event.event_id for seen in record.events] if record else []:
            if event_id not in self._notices and booted_at is None:
                self.give(Withdrawn(event_id=event_id, reason="not listed any more"))
        for notice in self._notices.values():
            self.give(notice)

    def run(self, seconds: float, *, until: Callable[["World"], bool] = lambda world: False) -> "World":
        """Play until that many seconds after T0, or until the condition holds."""
        end_at = T0 + seconds
        for _ in range(MAX_INPUTS):
            if until(self):
                return self
            wake_at = self.session.wake_at
            assert wake_at is None or wake_at >= self.now, "wake_at is in the past"
            next_at = self._coming[0][0] if self._coming else None
            if wake_at is not None and wake_at <= end_at and (next_at is None or wake_at < next_at):
                self.now = max(self.now, wake_at)
                self.woken += 1
                assert self.woken < 5_000, "the session keeps itself busy"
                self.give(Woken())
            elif next_at is not None and next_at <= end_at:
                self.now = max(self.now, next_at)
                heapq.heappop(self._coming)[2]()
            else:
                self.now = end_at
                return self
        raise AssertionError("the story never ends")

    def give(self, given: Input) -> list[Decision]:
        """Hand one input in and carry out what is decided."""
        before = self.session.phase
        decisions = self.session.handle(given, self.now)
        if not self.phases:
            self.phases.append(before)
        if self.session.phase is not self.phases[-1]:
            self.phases.append(self.session.phase)
        life = self._life
        for decision in decisions:
            if self._life == life:
                self._carry_out(decision)
        return decisions

    # The API server

    def _carry_out(self, decision: Decision) -> None:
        self.log.append((self.now, decision))
        match decision:
            case Tell() | Engage() | Settle() | ReleaseSlot() | WatchNode():
                pass
            case WantSlot():
                self._answer(0, SlotGranted())
            case FollowPods(scope):
                assert scope not in self._following, "it is followed already"
                self._following[scope] = None
                self._relist(scope)
            case StopFollowing(scope):
                assert scope in self._following, "it is not followed"
                del self._following[scope]
            case _:
                self._request(decision)

    def _request(self, request: Request) -> None:
        seconds, life = self._slow_seconds(request), self._life
        if seconds:
            self.at(self.now - T0 + seconds, lambda: self._serve(request, life))
        else:
            self._serve(request, life)
        self.requests += 1
        if self.kill_after is not None and self.requests >= self.kill_after:
            self.kill_after = None
            self.kill()

    def _serve(self, request: Request, life: int) -> None:
        fault = self._faults(request, self.now)
        if fault is None:
            answer = self.apply(request)
        else:
            if fault.applied:
                self.apply(request)
            answer = _error_answer(request, fault.error)
        self._answer(LATENCY_SECONDS, answer, life)

    def _answer(self, seconds: float, given: Input, life: int | None = None) -> None:
        life = self._life if life is None else life

        def arrive() -> None:
            if life == self._life:
                self.give(given)

        heapq.heappush(self._coming, (self.now + seconds, next(self._ids), arrive))

    def apply(self, request: Request) -> Input:
        """The server does what is asked."""
        match request:
            case ReadNode():
                return NodeRead(self.node or Missing("no such node"))
            case PatchNode(patch):
                return NodePatched(self._patch(patch))
            case ListPods(scope):
                return PodsListed(scope, self._list(scope))
            case EvictPod(pod, grace_seconds):
                return PodAnswered(pod.ref, self._evict(pod.ref, grace_seconds))
            case DeletePod(pod, grace_seconds):
                return PodAnswered(pod.ref, self._delete(pod.ref, grace_seconds))
            case MarkPod(pod, condition):
                return PodMarked(pod.ref, self._mark(pod.ref, condition))
            case ReadWanted(_, controller):
                return WantedRead(controller, self.wanted.get(controller.uid))

    def _patch(self, patch: NodePatch) -> Node | ClusterError:
        metadata = patch.body["metadata"]
        assert isinstance(metadata, dict)
        if self.node is None:
            return Missing("no such node")
        if metadata["resourceVersion"] != self.node.resource_version:
            return Conflict("somebody else wrote first")
        self.edit_node(lambda node: patched(node, patch))
        return self.node

    def _list(self, scope: PodScope) -> tuple[Pod, ...]:
        return tuple(pod for pod in self.pods.values() if _in_scope(pod, scope))

    def _mark(self, ref: PodRef, condition: PodCondition) -> ClusterError | None:
        if ref.uid not in self.pods:
            return Missing("no such pod")
        self.marked[ref.uid] = condition.kind
        return None

    def _evict(self, ref: PodRef, grace_seconds: int | None) -> ClusterError | None:
        pod = self.pods.get(ref.uid)
        if pod is None:
            return Missing("no such pod")
        if self._blocked(pod, self.now - T0):
            return Blocked("Cannot evict pod as it would violate the pod's disruption budget.")
        self.accepted[ref.uid] += 1
        return self._delete(ref, pod.grace_seconds if grace_seconds is None else grace_seconds)

    def _delete(self, ref: PodRef, grace_seconds: int) -> ClusterError | None:
        pod = self.pods.get(ref.uid)
        if pod is None:
            return Missing("no such pod")
        until_at = self.now + grace_seconds
        if pod.deleting_until_at is None or until_at < pod.deleting_until_at:
            pod = replace(pod, deleting_until_at=until_at, deletion_grace_seconds=grace_seconds)
            self.pods[ref.uid] = pod
            self._news(PodSeen(pod), pod)
            self._go(pod, self.now + min(grace_seconds, self._stop_seconds(pod)))
        return None

    def _go(self, pod: Pod, at: float) -> None:
        """As kubelets do it since 1.27, its final phase is shown before its object goes."""
        if not pod.finalizers:
            heapq.heappush(
                self._coming, (max(self.now, at - FINAL_SECONDS), next(self._ids), lambda: self._stop(pod))
            )
            heapq.heappush(self._coming, (at, next(self._ids), lambda: self._gone(pod)))

    def _stop(self, pod: Pod) -> None:
        last = self.pods.get(pod.ref.uid)
        if last is not None and not last.finished:
            stopped = replace(
                last, phase=self.final_phase, ready=False, unready_since_at=float(int(self.now))
            )
            self.pods[pod.ref.uid] = stopped
            self._news(PodSeen(stopped), stopped)

    def _gone(self, pod: Pod) -> None:
        if self.pods.pop(pod.ref.uid, None) is None:
            return
        self._news(PodGone(pod.ref), pod)
        if self._is_replaced(pod.controller):
            self.at(
                self.now - T0 + REPLACED_SECONDS, lambda: self.add_pod(_successor(pod, self._put_on(pod)))
            )

    def _is_replaced(self, controller: Controller | None) -> bool:
        """One whose answer is set makes no pod; the test does."""
        made = controller is not None and controller.kind in ("ReplicaSet", "StatefulSet")
        return made and controller is not None and controller.uid not in self.wanted

    # Watches

    def _relist(self, scope: PodScope) -> None:
        life = self._life

        def arrive() -> None:
            if life != self._life or scope not in self._following:
                return
            if self.now < self._deaf_until_at:
                self.give(PodsListed(scope, Unreachable("connection refused")))
                self.at(self.now - T0 + RELIST_SECONDS, arrive)
            else:
                self.give(PodsListed(scope, self._list(scope)))

        heapq.heappush(self._coming, (self.now + LATENCY_SECONDS, next(self._ids), arrive))

    def _news(self, change: PodChange, pod: Pod) -> None:
        life = self._life
        for scope in self._following:
            if _in_scope(pod, scope) and self.now >= self._deaf_until_at:

                def arrive(scope: PodScope = scope) -> None:
                    if life == self._life and scope in self._following:
                        self.give(PodChanged(scope, change))

                heapq.heappush(self._coming, (self.now + NEWS_SECONDS, next(self._ids), arrive))

    # What happened

    def told(self, *kinds: R) -> list[Report]:
        """Every report of these kinds, in order."""
        return [each.report for _, each in self.log if isinstance(each, Tell) and type(each.report) in kinds]

    def asked(self, *kinds: type[Request]) -> list[tuple[float, Decision]]:
        """(seconds after T0, request) of these kinds."""
        return [(at - T0, each) for at, each in self.log if isinstance(each, kinds)]

    def reports(self) -> list[tuple[float, Report]]:
        """(instant, report), in order."""
        return [(at, each.report) for at, each in self.log if isinstance(each, Tell)]


def drained(world: World) -> bool:
    return world.session.phase is Phase.DRAINED


def ended(world: World) -> bool:
    return world.session.phase is Phase.ENDED


def _in_scope(pod: Pod, scope: PodScope) -> bool:
    if scope.node_name:
        return pod.node_name == scope.node_name
    if pod.ref.namespace != scope.namespace:
        return False
    key, _, values = scope.label_selector.partition(" in ")
    return not key or pod.labels.get(key) in values.strip("()").split(",")


def _successor(pod: Pod, node_name: str) -> Pod:
    # Only a StatefulSet gives the next pod the name of the last one.
    same = pod.controller is not None and pod.controller.by_name
    name = pod.ref.name if same else f"{pod.ref.name}-new"
    ref = replace(pod.ref, name=name, uid=f"{pod.ref.uid}-new")
    return replace(
        pod, ref=ref, node_name=node_name, ready=True, deleting_until_at=None, deletion_grace_seconds=None
    )


def _error_answer(request: Request, error: ClusterError) -> Input:
    match request:
        case ReadNode():
            return NodeRead(error)
        case PatchNode():
            return NodePatched(error)
        case ListPods(scope):
            return PodsListed(scope, error)
        case EvictPod(pod, _) | DeletePod(pod, _):
            return PodAnswered(pod.ref, error)
        case MarkPod(pod, _):
            return PodMarked(pod.ref, error)
        case ReadWanted(_, controller):
            return WantedRead(controller, error)
