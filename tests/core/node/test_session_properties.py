"""What holds of every session, whatever happens: situations are made up by hypothesis.

Each property is stated in its test's docstring. All of them are played in `world`, so a two-minute
drain takes milliseconds.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.decisions import DeletePod, EvictPod, ListPods, PatchNode, ReadNode, Tell, Woken
from nth.core.drain.drain import DrainRules
from nth.core.drain.pod_filter import FORCE_ANNOTATION, PodRules, judge, may_be_forced
from nth.core.dry_run.merge_patch import patched
from nth.core.dry_run.preview import Situation, preview
from nth.core.facts import Node, Pod, Taint
from nth.core.node.event_ledger import MarkRules
from nth.core.node.node_annotation import RECORD_ANNOTATION, Marks, NodeRecord, record_of
from nth.core.node.node_marks import Wanted, mark, marks_for, undo
from nth.core.node.phases import Phase
from nth.core.node.session import SessionRules
from nth.core.notices.events import Noticed, RebalanceRecommendation, Withdrawn
from nth.core.policy import Level, Policy, demand_of
from nth.core.reports import DrainEnded, NoticeReceived, NoticeWithdrawn
from nth.errors import ClusterError, Conflict, Forbidden, Rejected, Throttled, Unreachable
from tests.core.samples import T0, a_node, a_pod, asg, owned_by, rebalance, scheduled, spot
from tests.core.world import Fault, Faults, Request, World

few = settings(max_examples=40)

NOTICES = (spot(), rebalance(), scheduled(90), scheduled(4000, "instance-event-2", "instance-stop"), asg())
KINDS = ("ReplicaSet", "StatefulSet", "DaemonSet", "Job", "")
TIERS = ("", "", "", "system-cluster-critical", "system-node-critical")


@dataclass(frozen=True)
class Plot:
    """All that is made up about one story; instants are seconds after its begin."""

    pods: tuple[Pod, ...]
    stops: dict[str, float]
    blocked_until: dict[str, float]
    rules: SessionRules
    notices: tuple[tuple[float, Noticed], ...]
    withdrawals: tuple[tuple[float, str], ...]
    faults: tuple[tuple[float, float, type[Request], Fault], ...]
    deaf: tuple[tuple[float, float], ...]

    def world(self, faults: Faults | None = None) -> World:
        world = World(
            self.pods,
            rules=self.rules,
            stop_seconds=lambda pod: self.stops[pod.ref.uid.removesuffix("-new")],
            blocked=lambda pod, now: now < self.blocked_until.get(pod.ref.uid, 0),
            faults=self.fault if faults is None else faults,
        )
        for seconds, notice in self.notices:
            world.notice(notice, seconds=seconds)
        for seconds, event_id in self.withdrawals:
            world.notice(Withdrawn(event_id=event_id, reason="cancelled"), seconds=seconds)
        for seconds, length in self.deaf:
            world.at(seconds, lambda length=length: world.lose_watches(length))  # type: ignore[misc]
        return world

    def fault(self, request: Request, now: float) -> Fault | None:
        for begin, end, kind, fault in self.faults:
            if begin <= now - T0 < end and isinstance(request, kind):
                return fault
        return None


def pods(*, deleting: bool = True) -> st.SearchStrategy[tuple[Pod, ...]]:
    return st.integers(0, 6).flatmap(
        lambda count: st.tuples(*(one_pod(f"pod-{number}", deleting=deleting) for number in range(count)))
    )


@st.composite
def one_pod(draw: st.DrawFn, name: str, *, deleting: bool) -> Pod:
    kind = draw(st.sampled_from(KINDS))
    pod = a_pod(
        name,
        namespace=draw(st.sampled_from(["shop", "kube-system"])),
        phase=draw(st.sampled_from(["Running", "Running", "Pending", "Succeeded"])),
        ready=draw(st.booleans()),
        grace_seconds=draw(st.sampled_from([0, 1, 5, 30, 60, 300])),
        priority_class=draw(st.sampled_from(TIERS)),
        controller=owned_by(kind) if kind else None,
        annotations=draw(st.sampled_from([{}, {}, {FORCE_ANNOTATION: "never"}])),
        local_storage=draw(st.booleans()),
        finalizers=draw(st.sampled_from([(), (), (), ("held",)])),
    )
    if deleting and draw(st.integers(0, 4)) == 0:
        grace_seconds = draw(st.sampled_from([1, 30, 600]))
        pod = replace(pod, deleting_until_at=T0 + grace_seconds, deletion_grace_seconds=grace_seconds)
    return pod


def rules() -> st.SearchStrategy[SessionRules]:
    return st.builds(
        lambda policy, marks, drain: SessionRules(policy=policy, marks=marks, drain=drain),
        st.builds(Policy, levels=st.sampled_from([{}, {RebalanceRecommendation: Level.DRAIN}])),
        st.builds(
            MarkRules,
            taint_node=st.booleans(),
            exclude_from_load_balancers=st.booleans(),
            out_of_service_taint=st.booleans(),
        ),
        st.builds(
            DrainRules,
            pods=st.builds(PodRules, ignore_daemon_sets=st.booleans(), delete_local_data=st.booleans()),
            pod_grace_seconds=st.sampled_from([None, None, 0, 10, 200]),
            reserve_seconds=st.sampled_from([0, 5, 20]),
            force=st.sampled_from([True, True, False]),
        ),
    )


ERRORS: tuple[ClusterError, ...] = (
    Conflict("conflict"),
    Rejected("rejected"),
    Forbidden("forbidden"),
    Throttled("throttled"),
    Throttled("throttled", retry_after_seconds=3),
    Unreachable("unreachable"),
)
REQUESTS: tuple[type[Request], ...] = (ReadNode, PatchNode, ListPods, EvictPod, DeletePod)


@st.composite
def fault_spans(draw: st.DrawFn) -> tuple[tuple[float, float, type[Request], Fault], ...]:
    spans = []
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.sampled_from([0.0, 0.005, 1.0, 10.0, 60.0]))
        length = draw(st.sampled_from([0.015, 1.0, 20.0, 40.0]))
        error = draw(st.sampled_from(ERRORS))
        applied = isinstance(error, Unreachable) and draw(st.booleans())
        spans.append((begin, begin + length, draw(st.sampled_from(REQUESTS)), Fault(error, applied=applied)))
    return tuple(spans)


@st.composite
def plots(draw: st.DrawFn, *, faults: bool = True, withdrawals: bool = True, deleting: bool = True) -> Plot:
    on_node = draw(pods(deleting=deleting))
    times = st.sampled_from([0.0, 0.02, 1.0, 30.0])
    events = draw(st.lists(st.sampled_from(NOTICES), min_size=1, max_size=3, unique_by=_event_id))
    begins = [draw(times) for _ in events]
    ends: list[tuple[float, str]] = []
    if withdrawals:
        for begin, event in zip(begins, events, strict=True):
            length = draw(st.sampled_from([None, None, 0.015, 2.0, 40.0]))
            if length is not None:
                ends.append((begin + length, event.event.event_id))
    return Plot(
        pods=on_node,
        stops={pod.ref.uid: draw(st.sampled_from([0.0, 1.0, 4.0, 25.0])) for pod in on_node},
        blocked_until={pod.ref.uid: draw(st.sampled_from([0.0, 0.0, 3.0, 50.0, 1e9])) for pod in on_node},
        rules=draw(rules()),
        notices=tuple(zip(begins, events, strict=True)),
        withdrawals=tuple(ends),
        faults=draw(fault_spans()) if faults else (),
        deaf=((draw(times), draw(st.sampled_from([0.4, 5.0, 20.0]))),) if draw(st.booleans()) else (),
    )


def _event_id(notice: Noticed) -> str:
    return notice.event.event_id


def pod_requests(world: World) -> Iterator[tuple[float, EvictPod | DeletePod, float | None]]:
    """(instant, request, deadline as it was known then) of all that pods were asked."""
    deadlines: dict[str, float | None] = {}
    for at, decision in world.log:
        match decision:
            case Tell(NoticeReceived(event=event, deadline_at=deadline_at)):
                deadlines[event.event_id] = deadline_at
            case Tell(NoticeWithdrawn(event_id=event_id)):
                deadlines.pop(event_id, None)
            case EvictPod() | DeletePod():
                known = [each for each in deadlines.values() if each is not None]
                yield at, decision, min(known, default=None)
            case _:
                pass


# (a)


@few
@given(plots())
def test_needs_W13_nobody_is_forced_before_his_time(plot: Plot) -> None:
    """A pod that is not terminating is deleted only with force on, with a deadline, from its latest
    moment on, and never if its owner opted out. A pod that is terminating is only ever cut short."""
    world = plot.world().run(150)
    drain = plot.rules.drain
    for at, request, due_at in pod_requests(world):
        if isinstance(request, EvictPod):
            continue
        pod = request.pod
        assert drain.force
        assert may_be_forced(pod)
        assert due_at is not None
        if pod.deleting_until_at is None:
            wanted = pod.grace_seconds if drain.pod_grace_seconds is None else drain.pod_grace_seconds
            assert at >= due_at - drain.reserve_seconds - wanted
        else:
            assert pod.deletion_grace_seconds is not None
            assert request.grace_seconds < pod.deletion_grace_seconds


@few
@given(plots())
def test_A12_needs_W13_grace_is_never_longer_than_the_time_left_nor_zero(plot: Plot) -> None:
    """The grace that is asked for fits into the time until the deadline minus the reserve (but is
    at least 1 s), and is 0 only if the pod's own or the configured grace is 0."""
    world = plot.world().run(150)
    drain = plot.rules.drain
    for at, request, due_at in pod_requests(world):
        own = request.pod.grace_seconds
        grace_seconds = own if request.grace_seconds is None else request.grace_seconds
        wanted = own if drain.pod_grace_seconds is None else drain.pod_grace_seconds
        assert (grace_seconds == 0) == (wanted == 0)
        assert grace_seconds <= wanted
        if due_at is not None:
            assert grace_seconds <= max(1, due_at - drain.reserve_seconds - at)


@few
@given(plots())
def test_A12_only_pods_that_have_to_go_are_asked(plot: Plot) -> None:
    """A pod that a filter keeps is never evicted or deleted."""
    world = plot.world().run(150)
    for _, request, _ in pod_requests(world):
        assert judge(request.pod, plot.rules.drain.pods).fate.value == "go"


# (b)


@few
@given(plots(), st.lists(st.sampled_from(NOTICES), max_size=2))
def test_nothing_is_decided_after_the_end(plot: Plot, more: list[Noticed]) -> None:
    """Once a session has ended it decides nothing, whatever comes, and wants no waking."""
    world = plot.world()
    for event_id in [event.event.event_id for _, event in plot.notices]:
        world.notice(Withdrawn(event_id=event_id, reason="over"), seconds=60)
    world.run(400)
    assert world.session.phase is Phase.ENDED
    for notice in more:
        assert world.session.handle(notice, world.now) == []
    assert world.session.handle(Woken(), world.now) == []
    assert world.session.wake_at is None
    assert not world.session.busy


# (c)


def _end_state(world: World) -> tuple[object, ...]:
    assert world.node is not None
    record = record_of(world.node)
    assert record is not None
    return (
        world.session.phase,
        sorted(world.pods),
        world.node.unschedulable,
        {taint.key for taint in world.node.taints},
        set(world.node.labels),
        {seen.event.event_id for seen in record.events},
        record.drained,
        record.deadline_at,
        max(demand_of(seen.event, seen.seen_at, Policy()).level for seen in record.events),
    )


@few
@given(
    st.lists(st.sampled_from(NOTICES), min_size=2, max_size=4, unique_by=_event_id),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_needs_W10_events_in_any_order_and_repeated_give_the_same_end(
    events: list[Noticed], random: object, know_node: bool
) -> None:
    """Events that come at the same moment give the same end in any order, however often they are
    repeated: marks on the node, pods, phase, level and deadline."""
    marks = MarkRules(taint_node=True, exclude_from_load_balancers=True, out_of_service_taint=True)
    ends = []
    for order in itertools.islice(itertools.permutations(events), 4):
        world = World(
            [a_pod("a"), a_pod("b", priority_class="system-cluster-critical")],
            rules=SessionRules(marks=marks),
            know_node=know_node,
        )
        world.notice(*order, *order[:2])
        world.notice(*order, seconds=20)
        ends.append(_end_state(world.run(100)))
    assert all(end == ends[0] for end in ends)


# (d)


KEYS = ("a", "b", "ours-1", "ours-2")
KEYED = st.sampled_from(KEYS)
WANTED = st.builds(
    lambda taints, labels: Wanted(
        cordon=True,
        taints=tuple(Taint(key, "NoSchedule", "us") for key in taints),
        labels=dict.fromkeys(labels, "us"),
    ),
    st.lists(KEYED, unique=True),
    st.lists(KEYED, unique=True),
)
FOREIGN = st.sampled_from([*(("taint", key) for key in KEYS), *(("label", key) for key in KEYS)])


def _foreign_edit(node: Node, what: str, key: str) -> Node:
    """Somebody sets a taint or label to a value of his own, whatever was there."""
    if what == "label":
        return replace(node, labels={**node.labels, key: "them"})
    others = tuple(taint for taint in node.taints if taint.key != key)
    return replace(node, taints=(*others, Taint(key, "NoExecute", "them", "2026-11-22T08:30:00Z")))


@settings(max_examples=200)
@given(st.booleans(), st.lists(FOREIGN), st.lists(st.one_of(WANTED, FOREIGN)))
def test_A19_needs_W21_needs_W24_undo_of_any_sequence_restores_the_first_state_plus_what_others_did(
    cordoned: bool, before: list[tuple[str, str]], story: list[Wanted | tuple[str, str]]
) -> None:
    """Whatever we marked and others changed in between, the undo leaves what would be there if we
    had never come: the first state plus the others' edits."""
    node = a_node(unschedulable=cordoned, labels={"kept": "yes"}, annotations={"kept": "yes"})
    for edit in before:
        node = _foreign_edit(node, *edit)
    without_us, marks = node, Marks()
    for step in story:
        if isinstance(step, Wanted):
            marks = marks_for(node, step, marks)
            patch = mark(node, step, NodeRecord(session_id="s", marked_at=1, marks=marks))
            node = node if patch is None else patched(node, patch)
            assert mark(node, step, NodeRecord(session_id="s", marked_at=1, marks=marks)) is None
        else:
            node, without_us = _foreign_edit(node, *step), _foreign_edit(without_us, *step)
    patch = undo(node, NodeRecord(session_id="s", marks=marks))
    node = node if patch is None else patched(node, patch)
    assert node.unschedulable == without_us.unschedulable
    assert set(node.taints) == set(without_us.taints)
    assert node.labels == without_us.labels
    assert node.annotations == without_us.annotations
    assert undo(node, NodeRecord(session_id="s", marks=marks)) is None


# (e)


@few
@given(st.lists(st.integers(0, 110), max_size=6), st.sampled_from([0, 5, 10]))
def test_needs_W13_plan_that_fits_ends_before_the_deadline_minus_the_reserve(
    graces: list[int], reserve_seconds: int
) -> None:
    """If each pod's grace fits between the notice and the deadline minus the reserve, the predicted
    drain leaves nothing behind and ends before that, although every pod takes its whole grace."""
    pods_on_node = tuple(
        a_pod(f"pod-{number}", grace_seconds=min(grace, 119 - reserve_seconds))
        for number, grace in enumerate(graces)
    )
    plan_rules = SessionRules(drain=DrainRules(reserve_seconds=reserve_seconds))
    told = preview(Situation(node=a_node(), pods=pods_on_node), [spot()], plan_rules, T0)
    ends = [each for each in told if isinstance(each.report, DrainEnded)]
    assert len(ends) == 1
    assert isinstance(ends[0].report, DrainEnded)
    assert ends[0].report.drained
    assert ends[0].at <= T0 + 120 - reserve_seconds


# (f)


@few
@given(plots())
def test_no_busy_loop(plot: Plot) -> None:
    """Waking is asked for in the future only, or leads on: two minutes need a bounded number."""
    world = plot.world().run(150)
    assert world.woken < 500


@few
@given(plots())
def test_right_after_waking_it_wants_to_sleep(plot: Plot) -> None:
    """Woken twice at the same moment, a session has nothing left to do, and nothing to wake up for."""
    world = plot.world()
    for seconds in range(0, 150, 10):
        world.run(seconds)
        world.give(Woken())
        assert world.session.handle(Woken(), world.now) == []
        assert world.session.wake_at is None or world.session.wake_at > world.now


# (g)


@few
@given(plots(withdrawals=False, deleting=False), st.sampled_from([spot(), asg()]))
def test_drained_after_any_failures_if_the_pods_can_go(plot: Plot, doom: Noticed) -> None:
    """Whatever the server answered for a while: once it is well again, and budgets and finalizers
    let the pods go, the node is drained and marked."""
    free = replace(
        plot,
        pods=tuple(replace(pod, finalizers=()) for pod in plot.pods),
        blocked_until={uid: min(until, 50) for uid, until in plot.blocked_until.items()},
        notices=((0.0, doom),),
    )
    world = free.world().run(400)
    kept = [pod for pod in free.pods if judge(pod, plot.rules.drain.pods).fate.value != "go"]
    assert world.session.phase is Phase.DRAINED
    assert {pod.ref.uid for pod in world.pods.values() if pod.node_name == "node-1"} <= {
        pod.ref.uid for pod in kept
    }
    assert world.node is not None
    assert world.node.unschedulable
    assert not world.session.busy


# (h)


@few
@given(plots(faults=False, withdrawals=False), st.integers(1, 40))
def test_killed_after_any_request_the_successor_ends_in_the_same_state(plot: Plot, cut: int) -> None:
    """Killed after any request and begun anew from the node's record: the same end, and no pod's
    eviction is accepted twice."""
    plot = replace(plot, deaf=())
    whole = plot.world().run(300)
    killed = plot.world()
    killed.kill_after = cut
    killed.run(300)
    assert _without_times(killed) == _without_times(whole)
    assert all(count == 1 for count in killed.accepted.values())


@few
@given(plots(faults=False, withdrawals=False), st.integers(1, 40))
def test_killed_after_any_request_undo_still_restores_the_node(plot: Plot, cut: int) -> None:
    """Killed after any request, and all events withdrawn later: the node is as it was before us."""
    world = plot.world()
    world.kill_after = cut
    for _, event in plot.notices:
        world.notice(Withdrawn(event_id=event.event.event_id, reason="cancelled"), seconds=80)
    world.run(300)
    assert world.node is not None
    assert replace(world.node, resource_version="1") == a_node()


@few
@given(plots())
def test_whatever_happens_undo_restores_the_node(plot: Plot) -> None:
    """After lost answers, conflicts and refusals: when all events are over, nothing of us is left
    (unless the server refused our record and then lost an answer, so that nobody can know)."""
    patches_fail = any(
        kind is PatchNode and isinstance(f.error, Rejected | Forbidden) for *_, kind, f in plot.faults
    )
    faults = [span for span in plot.faults if not (patches_fail and span[3].applied)]
    plot = replace(plot, faults=tuple(faults))
    world = plot.world()
    for _, event in plot.notices:
        world.notice(Withdrawn(event_id=event.event.event_id, reason="cancelled"), seconds=120)
    world.run(2000)
    assert world.node is not None
    assert replace(world.node, resource_version="1") == a_node()


def _without_times(world: World) -> tuple[object, ...]:
    """The end state, without what depends on when an event was first seen."""
    assert world.node is not None
    node = replace(
        world.node, resource_version="", annotations={}, labels=dict.fromkeys(world.node.labels, "")
    )
    record = record_of(world.node)
    assert record is not None
    assert RECORD_ANNOTATION in world.node.annotations
    return (
        world.session.phase,
        {pod.ref.uid for pod in world.pods.values() if pod.node_name == "node-1"},
        node,
        record.drained,
        [seen.event for seen in record.events],
        record.marks.cordoned,
    )
