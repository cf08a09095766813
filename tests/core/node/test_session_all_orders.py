"""Spot + rebalance + lifecycle hook + state change of one instance, in every order and any timing.

However they come: one drain, one set of notifications, and each event is settled once, after the proof.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nth.core.decisions import DeletePod, EvictPod, PatchNode, ReleaseSlot, WantSlot
from nth.core.node.event_ledger import MarkRules
from nth.core.node.phases import Phase
from nth.core.node.session import SessionRules
from nth.core.notices.events import Noticed
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    NodeMarked,
    NoticeReceived,
    NoticeWithdrawn,
    PodForced,
    ReplacementEnded,
    SessionEnded,
    Trouble,
)
from nth.errors import Conflict, Throttled, Unreachable
from tests.core.fleet_samples import OTHER, going_down, hook, risk, spot_warning
from tests.core.queue_scenes import CORDON_FOR_RISK
from tests.core.queue_world import QUEUE_RULES, QueueWorld
from tests.core.samples import ASG_TAINT, REBALANCE_TAINT, SPOT_TAINT, a_pod, taint_keys
from tests.core.world import Fault, Request, drained

FOUR = (spot_warning(), risk(), hook(), going_down())
ORDERS = list(itertools.permutations(FOUR))
TAINTED = replace(QUEUE_RULES, marks=MarkRules(taint_node=True))
END_SECONDS = 130.0
many = settings(max_examples=150)


def of(*notices: Noticed) -> Counter[str]:
    return Counter(notice.event.event_id for notice in notices)


def assert_one_drain(world: QueueWorld, pods: int) -> None:
    """One drain: each pod was asked once, and none of them is left."""
    assert drained(world)
    assert world.phases.count(Phase.DRAINING) >= 1
    assert set(world.accepted.values()) <= {1}
    gone = world.told(EvictionAccepted, PodForced)
    assert len(gone) == len(world.accepted) == pods
    assert all(pod.node_name != "node-1" for pod in world.pods.values())


def assert_told_once(world: QueueWorld, *, marked: int = 1) -> None:
    """One set of notifications. That the deadline was missed is told besides, once, where it was."""
    received = [
        each.event.event_id for each in world.told(NoticeReceived) if isinstance(each, NoticeReceived)
    ]
    assert Counter(received) == of(*FOUR)
    ends = [each.drained for each in world.told(DrainEnded) if isinstance(each, DrainEnded)]
    assert ends in ([True], [False, True])
    first, *again = [each for each in world.told(NodeMarked) if isinstance(each, NodeMarked)]
    assert not first.again
    assert all(each.again for each in again)
    assert 1 + len(again) <= marked
    assert len(world.told(ReplacementEnded)) <= 2
    assert world.told(NoticeWithdrawn, SessionEnded, Trouble) == []


def assert_settled_once(world: QueueWorld, *, drains: Sequence[Noticed] = FOUR) -> None:
    """Each event once, and those that ask for a drain only on proof."""
    assert Counter(name for name, _ in world.settled()) == of(*FOUR)
    assert Counter(name for name, done in world.settled() if done) == of(*drains)
    assert world.unproven == []
    assert world.engaged() == [hook().event.event_id]
    for seen in world.record.events:
        assert seen.settled is (seen.event in [notice.event for notice in drains])
    assert {seen.event.event_id for seen in world.record.events} == set(of(*FOUR))
    assert world.record.drained


@pytest.mark.parametrize("gap_seconds", [0.0, 0.004, 0.012, 0.6, 4.0, 20.0])
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(each.event.kind.name for each in order))
def test_needs_W7_needs_W10_every_order_is_one_drain(order: Sequence[Noticed], gap_seconds: float) -> None:
    world = QueueWorld([a_pod("a"), a_pod("b"), a_pod("c")])
    for number, notice in enumerate(order):
        world.notice(notice, seconds=number * gap_seconds)
    world.run(END_SECONDS)
    assert_one_drain(world, pods=3)
    assert_told_once(world)
    assert_settled_once(world)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(each.event.kind.name for each in order))
def test_needs_W7_needs_W10_with_a_cordon_for_the_rebalance_too(order: Sequence[Noticed]) -> None:
    world = QueueWorld([a_pod("a"), a_pod("b")], rules=CORDON_FOR_RISK)
    for number, notice in enumerate(order):
        world.notice(notice, seconds=number * 7)
    world.run(END_SECONDS)
    assert_one_drain(world, pods=2)
    assert_told_once(world)
    assert_settled_once(world, drains=[each for each in FOUR if each != risk()])
    arrived_at = order.index(risk()) * 7
    assert arrived_at <= world.settled_at(risk())[0] < arrived_at + 0.05


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(each.event.kind.name for each in order))
def test_needs_W7_taints_are_added_and_nothing_else_is_told_again(order: Sequence[Noticed]) -> None:
    world = QueueWorld([a_pod("a"), a_pod("b")], rules=TAINTED)
    for number, notice in enumerate(order):
        world.notice(notice, seconds=number * 7)
    world.run(END_SECONDS)
    assert_one_drain(world, pods=2)
    assert_told_once(world, marked=4)
    assert_settled_once(world)
    assert world.node is not None
    assert taint_keys(world.node) == {SPOT_TAINT, ASG_TAINT, REBALANCE_TAINT}


MOMENTS = st.one_of(st.sampled_from([0.0, 0.005, 0.01, 0.02, 0.05, 3.0, 3.5]), st.floats(0, 40))


@many
@given(
    st.tuples(MOMENTS, MOMENTS, MOMENTS, MOMENTS),
    st.tuples(*(st.booleans() for _ in FOUR)),
    st.lists(st.sampled_from([0.0, 0.5, 3.0, 8.0, 25.0]), max_size=5),
    st.sampled_from([0.0, 0.003, 0.03, 2.0, 1000.0]),
    st.sampled_from([0.0, 0.02, 1.0]),
    st.sampled_from([QUEUE_RULES, TAINTED]),
)
def test_needs_W7_needs_W10_any_timing_is_one_drain(
    moments: tuple[float, ...],
    by_others: tuple[bool, ...],
    stops: list[float],
    lag_seconds: float,
    slot_seconds: float,
    rules: SessionRules,
) -> None:
    """Whoever hears of them, whenever, however long pods stop, turns take and watches lag."""
    assume_holder = min(range(4), key=moments.__getitem__)
    world = QueueWorld(
        [a_pod(f"pod-{number}") for number in range(len(stops))],
        rules=rules,
        stop_seconds=lambda pod: stops[int(pod.ref.name.split("-")[1])],
        lag_seconds=lag_seconds,
        slot_seconds=slot_seconds,
    )
    for number, (notice, seconds) in enumerate(zip(FOUR, moments, strict=True)):
        posted = by_others[number] and number != assume_holder and lag_seconds < 100
        if posted and seconds >= moments[assume_holder] + 0.1:
            world.at(seconds, lambda notice=notice: world.post(notice))  # type: ignore[misc]
        else:
            world.notice(notice, seconds=seconds)
    world.run(END_SECONDS)
    assert_one_drain(world, pods=len(stops))
    assert_told_once(world, marked=4 if rules is TAINTED else 1)
    assert_settled_once(world)
    assert len(world.asked(EvictPod, DeletePod)) <= 2 * len(stops)
    assert len(world.asked(PatchNode)) <= 2 * len(FOUR) + 4
    wanted = [type(each) for _, each in world.decided(WantSlot, ReleaseSlot)]
    assert wanted[-1] is ReleaseSlot
    assert world.session.wake_at is None or world.session.wake_at > world.now


@many
@given(
    st.lists(st.tuples(st.sampled_from(FOUR), MOMENTS), min_size=4, max_size=16),
    st.sampled_from([0.0, 0.03, 2.0]),
)
def test_needs_W33_duplicates_at_any_time_change_nothing(
    deliveries: list[tuple[Noticed, float]], lag_seconds: float
) -> None:
    """A duplicate is settled again once its event is, never before, and is never news."""
    world = QueueWorld([a_pod("a"), a_pod("b")], lag_seconds=lag_seconds)
    noticed = {notice.event.event_id for notice, _ in deliveries}
    for notice, seconds in deliveries:
        world.notice(notice, seconds=seconds)
    world.run(END_SECONDS)
    assert_one_drain(world, pods=2)
    assert world.unproven == []
    assert {name for name, _ in world.settled()} == noticed
    assert len(world.told(NoticeReceived)) == len(noticed)
    for notice in FOUR:
        first, *again = world.settled_at(notice) or [0.0]
        late = [seconds for each, seconds in deliveries if each == notice and seconds > first + 1e-6]
        assert len(again) == len(late)


@many
@given(
    st.tuples(MOMENTS, MOMENTS, MOMENTS, MOMENTS),
    st.lists(st.sampled_from([0.0, 0.5, 3.0, 8.0]), max_size=4),
    st.lists(st.tuples(MOMENTS, st.sampled_from([OTHER, "nth-c"]), st.booleans()), max_size=3),
    st.sampled_from([0.003, 0.03, 1.0]),
)
@example((0.0,) * 4, [], [(0.01, OTHER, False)] * 2, 0.003)
def test_needs_W20_handed_from_replica_to_replica_it_is_one_drain(
    moments: tuple[float, ...],
    stops: list[float],
    changes: list[tuple[float, str, bool]],
    lag_seconds: float,
) -> None:
    """Killed or handed over at any time, each event delivered again to the successor: no pod is evicted
    twice, and whatever is settled as drained is proven by the replica that says so."""
    world = QueueWorld(
        [a_pod(f"pod-{number}") for number in range(len(stops))],
        stop_seconds=lambda pod: stops[int(pod.ref.name.split("-")[1])],
        lag_seconds=lag_seconds,
    )
    for notice, seconds in zip(FOUR, moments, strict=True):
        world.notice(notice, seconds=seconds)

    def change(identity: str, *, gently: bool) -> None:
        if gently:
            world.hand_over()
        world.at(world.now - world_begin + (0.5 if gently else 0.0), lambda: succeed(identity))

    def succeed(identity: str) -> None:
        world.succeed(identity)
        for notice, seconds in zip(FOUR, moments, strict=True):
            if world_begin + seconds <= world.now:
                world.give(notice)

    world_begin = world.now
    for seconds, identity, gently in changes:
        world.at(seconds, lambda identity=identity, gently=gently: change(identity, gently=gently))  # type: ignore[misc]
    # What a session that was ending did not take is delivered again.
    for notice in FOUR:
        world.notice(notice, seconds=60)
    world.run(END_SECONDS)
    assert drained(world)
    assert set(world.accepted.values()) <= {1}
    assert world.unproven == []
    assert {name for name, _ in world.settled()} == set(of(*FOUR))
    assert all(seen.settled for seen in world.record.events)


@many
@given(
    st.tuples(MOMENTS, MOMENTS, MOMENTS, MOMENTS),
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.005, 3.0, 10.0]),
            st.sampled_from([0.02, 1.0, 20.0]),
            st.sampled_from([Conflict("c"), Throttled("t"), Unreachable("u")]),
            st.booleans(),
        ),
        max_size=3,
    ),
)
def test_needs_W8_whatever_the_api_server_answers_nothing_is_settled_without_proof(
    moments: tuple[float, ...], spans: list[tuple[float, float, Conflict | Throttled | Unreachable, bool]]
) -> None:
    def faults(request: Request, now: float) -> Fault | None:
        for begin, seconds, error, applied in spans:
            if begin <= now - begun_at < begin + seconds:
                return Fault(error, applied=applied and isinstance(error, Unreachable))
        return None

    world = QueueWorld([a_pod("a"), a_pod("b")], faults=faults)
    begun_at = world.now
    for notice, seconds in zip(FOUR, moments, strict=True):
        world.notice(notice, seconds=seconds)
    world.run(END_SECONDS)
    assert drained(world)
    assert set(world.accepted.values()) <= {1}
    assert_settled_once(world)
    assert len(world.told(NoticeReceived)) == 4
