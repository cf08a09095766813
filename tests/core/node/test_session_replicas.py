"""One node and several replicas: handing over, stepping aside, posts, and watches that lag."""

from dataclasses import replace

import pytest

from nth.core.decisions import (
    DeletePod,
    EvictPod,
    FollowPods,
    NodeNews,
    PatchNode,
    ReleaseSlot,
    Settle,
    StopFollowing,
    WantSlot,
)
from nth.core.node.node_annotation import Seen
from nth.core.node.phases import HANDED_OVER, TAKEN, Phase
from nth.core.notices.events import Withdrawn
from nth.core.policy import Level
from nth.core.replicas.handoff import Step, next_step
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    NoticeReceived,
    SessionEnded,
    SessionResumed,
)
from nth.errors import Unreachable
from tests.core.fleet_samples import ARN, OTHER, US, health, hook, risk, spot_warning
from tests.core.queue_scenes import SCENES, play
from tests.core.queue_world import QueueWorld
from tests.core.samples import T0, a_node, a_pod
from tests.core.world import Fault, Request, drained, ended

NO_HEALTH = Withdrawn(event_id=ARN, reason="cancelled")
NO_SPOT = Withdrawn(event_id="spot-itn-event-1", reason="cancelled")


def evictions(world: QueueWorld) -> int:
    return len(world.asked(EvictPod))


# Handed over


@pytest.mark.parametrize("phase", SCENES, ids=lambda phase: phase.value)
def test_needs_W20_handed_over_from_any_phase_the_session_ends_and_asks_for_nothing_more(
    phase: Phase,
) -> None:
    world = play(phase)
    asked = evictions(world)
    world.hand_over()
    world.run(11)
    assert ended(world)
    assert world.session.ended_by == HANDED_OVER
    assert world.told(SessionEnded) == [SessionEnded(reason=HANDED_OVER)]
    assert len(world.decided(FollowPods)) == len(world.decided(StopFollowing))
    assert bool(world.decided(WantSlot)) == bool(world.decided(ReleaseSlot))
    assert evictions(world) == asked
    assert world.session.wake_at is None
    assert not world.session.busy


@pytest.mark.parametrize(
    "phase", [Phase.MARKING, Phase.CORDONED, Phase.DRAINING, Phase.DRAINED], ids=lambda phase: phase.value
)
def test_needs_W20_handed_over_the_node_stays_marked_and_names_nobody(phase: Phase) -> None:
    world = play(phase)
    before = len(world.settled())
    world.hand_over()
    world.run(11)
    assert world.node is not None
    assert world.node.unschedulable
    assert world.record.holder == ""
    assert world.record.marks.cordoned
    assert len(world.record.events) == 1
    assert world.record.drained is (phase is Phase.DRAINED)
    assert len(world.settled()) == before


def test_needs_W20_a_node_that_waits_is_handed_over_untouched() -> None:
    world = play(Phase.WAITING)
    world.hand_over()
    world.run(11)
    assert world.node == a_node()
    assert world.settled() == []


def test_needs_W20_handed_over_while_undoing_the_node_is_undone() -> None:
    world = play(Phase.UNDOING)
    world.hand_over()
    world.run(11)
    assert world.node is not None
    assert replace(world.node, resource_version="1") == a_node()


def test_needs_W20_handed_over_when_nobody_asks_for_anything_any_more_the_node_is_undone() -> None:
    world = play(Phase.CORDONED)
    world.give(Withdrawn(event_id=risk().event.event_id, reason="over"))
    world.hand_over()
    world.run(11)
    assert ended(world)
    assert world.node is not None
    assert replace(world.node, resource_version="1") == a_node()


def test_needs_W20_withdrawn_while_it_is_handed_over_the_node_is_undone() -> None:
    world = QueueWorld([a_pod()], lag_seconds=0.001)
    world.notice(health())
    world.run(10)
    world.hand_over()
    world.notice(NO_HEALTH, seconds=10.005)
    world.run(11)
    assert ended(world)
    assert world.node is not None
    assert replace(world.node, resource_version="1") == a_node()


def test_needs_W20_what_comes_while_it_is_handed_over_is_for_the_successor() -> None:
    world = play(Phase.DRAINING)
    world.hand_over()
    world.notice(hook(), seconds=10.02)
    world.run(11)
    assert [seen.event for seen in world.record.events] == [spot_warning().event, hook().event]
    world.succeed()
    world.run(60)
    assert {name for name, _ in world.settled()} == {"spot-itn-event-1", "asg-lifecycle-term-1"}


def test_needs_W20_the_successor_finishes_and_no_pod_is_evicted_twice() -> None:
    world = play(Phase.DRAINING)
    world.hand_over()
    world.at(11, world.succeed)
    world.run(60)
    assert drained(world)
    assert set(world.accepted.values()) == {1}
    assert world.record.holder == OTHER
    assert world.settled() == [("spot-itn-event-1", True)]
    (resumed,) = world.told(SessionResumed)
    assert isinstance(resumed, SessionResumed)
    assert resumed.event_ids == ("spot-itn-event-1",)
    assert len(world.told(DrainEnded)) == 1
    assert world.unproven == []


@pytest.mark.parametrize("slow_seconds", [0.3, 1.5])
def test_needs_W20_an_eviction_under_way_is_answered_before_the_node_is_handed_over(
    slow_seconds: float,
) -> None:
    """A successor that lists the pods before the API server carries it out would evict once more."""
    world = QueueWorld(
        [a_pod()],
        stop_seconds=lambda _: 25.0,
        slow_seconds=lambda request: slow_seconds if isinstance(request, EvictPod) else 0.0,
    )
    world.notice(spot_warning())
    world.run(10, until=lambda world: bool(world.asked(EvictPod)))
    world.hand_over()
    world.run(10, until=ended)
    world.succeed()
    world.run(60)
    assert drained(world)
    assert set(world.accepted.values()) == {1}
    assert len(world.told(EvictionAccepted)) == 1


def test_needs_W20_an_eviction_that_is_never_answered_does_not_hold_up_the_handover() -> None:
    world = QueueWorld(
        [a_pod()], slow_seconds=lambda request: 100.0 if isinstance(request, EvictPod) else 0.0
    )
    world.notice(spot_warning())
    world.run(10, until=lambda world: bool(world.asked(EvictPod)))
    asked_at = world.now
    world.hand_over()
    world.run(30, until=ended)
    assert ended(world)
    assert world.now - asked_at < 3
    assert world.woken < 20
    assert len(world.asked(EvictPod)) == 1


def test_needs_W20_while_the_api_server_is_silent_a_session_waits_to_be_handed_over() -> None:
    def outage(request: Request, now: float) -> Fault | None:
        return Fault(Unreachable("timed out")) if 10 < now - T0 < 20 else None

    world = QueueWorld([a_pod()], stop_seconds=lambda _: 25.0, faults=outage)
    world.notice(spot_warning())
    world.run(10.5)
    world.hand_over()
    world.run(19)
    assert not ended(world)
    world.run(25)
    assert ended(world)
    assert world.record.holder == ""


# Taken


@pytest.mark.parametrize("phase", SCENES, ids=lambda phase: phase.value)
def test_needs_W20_another_replica_that_has_the_node_ends_the_session_in_any_phase(phase: Phase) -> None:
    world = play(phase)
    asked, settled = evictions(world), world.settled()
    world.seize()
    world.run(60)
    assert ended(world)
    assert world.session.ended_by == TAKEN
    assert world.record.holder == OTHER
    assert evictions(world) == asked
    assert world.settled() == settled
    assert len(world.decided(FollowPods)) == len(world.decided(StopFollowing))
    assert bool(world.decided(WantSlot)) == bool(world.decided(ReleaseSlot))


def test_needs_W20_of_two_that_take_a_node_at_once_the_second_steps_aside() -> None:
    """Between its reading of the node and its patch: the conflict says so."""
    world = QueueWorld([a_pod()], lag_seconds=100)
    world.notice(spot_warning())
    world.at(0.005, world.seize)
    world.run(30)
    assert ended(world)
    assert world.session.ended_by == TAKEN
    assert evictions(world) == 0
    assert world.settled() == []


def test_needs_W20_a_predecessor_that_comes_back_steps_aside() -> None:
    world = play(Phase.DRAINING)
    old = world.session
    world.at(11, world.succeed)
    world.run(12)
    assert world.node is not None
    decisions = old.handle(NodeNews(world.node), world.now)
    assert old.ended_by == TAKEN
    assert not any(isinstance(each, EvictPod | DeletePod | PatchNode | Settle) for each in decisions)


# Posted by others


@pytest.mark.parametrize(
    "phase", [Phase.MARKING, Phase.CORDONED, Phase.DRAINING, Phase.DRAINED], ids=lambda phase: phase.value
)
def test_needs_W7_what_another_replica_posts_joins_in_any_phase(phase: Phase) -> None:
    world = play(phase)
    world.post(hook())
    posted_at = world.now
    world.run(60)
    assert drained(world)
    received = [each for each in world.told(NoticeReceived) if isinstance(each, NoticeReceived)]
    assert [each.event for each in received].count(hook().event) == 1
    assert world.engaged() == ["asg-lifecycle-term-1"]
    assert [settled for settled in world.settled() if settled[0] == "asg-lifecycle-term-1"] == [
        ("asg-lifecycle-term-1", True)
    ]
    (seen,) = [seen for seen in world.record.events if seen.event == hook().event]
    assert seen == Seen(hook().event, posted_at, settled=True)
    assert world.unproven == []
    assert world.accepted == {"uid-web-1": 1}


def test_needs_W7_who_posted_it_learns_from_the_record_that_it_is_done() -> None:
    def step() -> Step:
        assert world.node is not None
        node, record = world.node, world.record
        return next_step(hook().event, Level.DRAIN, node, record, OTHER, lambda name: name == US)

    world = play(Phase.DRAINING)
    assert step() is Step.POST
    world.post(hook())
    while not drained(world):
        assert step() is Step.WAIT
        world.run(world.now - T0 + 0.5)
    world.run(world.now - T0 + 0.1)
    assert step() is Step.DONE


def test_needs_W7_what_is_posted_between_our_reading_and_our_patch_is_not_lost() -> None:
    """The watch is silent: only the conflict tells."""
    world = QueueWorld([a_pod()], lag_seconds=100)
    world.notice(risk())
    world.run(10)
    world.notice(spot_warning(), seconds=10)
    world.at(10.005, lambda: world.post(hook()))
    world.run(60)
    assert {name for name, _ in world.settled()} == {
        "rebalance-recommendation-event-1",
        "spot-itn-event-1",
        "asg-lifecycle-term-1",
    }


# Watches that lag


@pytest.mark.parametrize("lag_seconds", [0.0, 0.003, 0.5, 4.0, 30.0])
def test_what_a_watch_tells_of_our_own_writes_is_no_news(lag_seconds: float) -> None:
    world = QueueWorld([a_pod()], lag_seconds=lag_seconds)
    world.notice(risk(), spot_warning(), hook())
    world.run(100)
    assert drained(world)
    assert len(world.told(NoticeReceived)) == 3
    assert len(world.settled()) == 3
    assert len(world.asked(PatchNode)) == 2


@pytest.mark.parametrize("lag_seconds", [0.0, 0.003, 0.5, 4.0, 30.0])
@pytest.mark.parametrize("withdrawn", [0.005, 0.012, 0.025, 2.0, 10.0])
def test_P16_what_is_withdrawn_does_not_come_back_from_our_own_record(
    lag_seconds: float, withdrawn: float
) -> None:
    world = QueueWorld([a_pod()], lag_seconds=lag_seconds)
    world.notice(health())
    world.notice(NO_HEALTH, seconds=withdrawn)
    world.run(100)
    assert ended(world)
    assert len(world.told(NoticeReceived)) == 1
    assert world.node is not None
    assert replace(world.node, resource_version="1") == a_node()


def test_P16_nor_after_a_patch_whose_answer_was_lost() -> None:
    def lost(request: Request, now: float) -> Fault | None:
        first = isinstance(request, PatchNode) and now < T0 + 0.1
        return Fault(Unreachable("timed out"), applied=True) if first else None

    world = QueueWorld([a_pod()], faults=lost, lag_seconds=100)
    world.notice(health())
    world.notice(NO_HEALTH, seconds=0.1)
    world.run(90)
    assert ended(world)
    assert len(world.told(NoticeReceived)) == 1


def test_P16_nor_from_the_record_of_a_predecessor() -> None:
    world = play(Phase.DRAINED)
    world.notice(health(), seconds=20)
    world.run(30)
    world.succeed()
    for gone in (NO_HEALTH, NO_SPOT):
        world.give(gone)
    world.run(60)
    assert ended(world)
    assert world.node is not None
    assert replace(world.node, resource_version="1") == a_node()
