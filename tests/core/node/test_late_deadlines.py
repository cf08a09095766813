"""Deadlines that had passed before they were heard of, and orderly shutdowns."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from nth.core.decisions import DeletePod, EvictPod
from nth.core.notices.events import Noticed, ScheduledMaintenance, SpotInterruption
from nth.core.policy import Demand, Policy, demand_of, together
from nth.core.reports import DrainEnded, EvictionAccepted
from tests.core import fleet_samples as queue
from tests.core.queue_world import QueueWorld
from tests.core.samples import T0, a_pod, scheduled, spot
from tests.core.world import World, drained

SHUTDOWNS = ["stopping", "shutting-down"]
GONE = ["stopped", "terminated"]


def demand(*notices: tuple[Noticed, float]) -> Demand:
    """Of events, each with the second after T0 at which it is first seen."""
    found = together([demand_of(notice.event, T0 + seconds, Policy()) for notice, seconds in notices])
    assert found is not None
    return found


def hard(*notices: tuple[Noticed, float]) -> float | None:
    """The hard deadline, seconds after T0."""
    at = demand(*notices).hard_deadline_at
    return None if at is None else at - T0


def later(notice: Noticed, seconds: float) -> Noticed:
    """The same state change, so much later."""
    return Noticed(event=replace(notice.event, noticed_at=T0 + seconds))  # type: ignore[arg-type]


# What an event demands


@pytest.mark.parametrize("state", SHUTDOWNS)
def test_safe_20_an_orderly_shutdown_has_the_nodes_grace_from_the_events_time(state: str) -> None:
    assert hard((queue.going_down(state), 5)) == 120
    policy = Policy(node_grace_seconds=300)
    assert demand_of(queue.going_down(state).event, T0 + 5, policy).hard_deadline_at == T0 + 300


@pytest.mark.parametrize("state", GONE)
def test_safe_20_a_machine_that_is_gone_has_no_time_that_could_be_met(state: str) -> None:
    found = demand((queue.going_down(state), 5))
    assert (found.deadline_at, found.hard_deadline_at) == (T0, None)


@pytest.mark.parametrize(
    ("notice", "seconds"),
    [
        (queue.spot_warning(120), 120),
        (queue.spot_warning(120), 3600),
        (queue.going_down("stopping"), 120),
        (queue.hook(300), 300),
        (queue.health(0), 1),
        (spot(120), 120.5),
    ],
    ids=["spot", "old spot", "stopping", "hook", "health", "spot on the node"],
)
def test_safe_5_a_deadline_that_had_passed_before_it_was_heard_of_forces_nothing(
    notice: Noticed, seconds: float
) -> None:
    found = demand((notice, seconds))
    assert found.deadline_at is not None
    assert found.deadline_at <= T0 + seconds
    assert found.hard_deadline_at is None


@pytest.mark.parametrize(
    ("notice", "seconds", "deadline"),
    [
        (queue.spot_warning(120), 119.9, 120),
        (queue.hook(300), 299, 300),
        (queue.hook(None), 0, 120),
        (queue.health(60), 59, 60),
        # The metadata service lists it still: its window is open.
        (scheduled(-5), 0, 120),
    ],
    ids=["spot", "hook", "hook of unknown time", "health", "scheduled"],
)
def test_safe_5_a_deadline_that_lay_ahead_stands(notice: Noticed, seconds: float, deadline: float) -> None:
    assert hard((notice, seconds)) == deadline


def test_safe_20_of_two_events_the_deadline_that_stands_decides() -> None:
    late, standing = (queue.spot_warning(120), 130), (queue.hook(300), 130)
    assert hard(late, standing) == 300
    assert hard((queue.spot_warning(120), 0), (queue.going_down("terminated"), 60)) == 120
    assert hard(late, (queue.going_down("stopped"), 130)) is None


@pytest.mark.parametrize("begun", [110.0, 120.0, 121.0])
def test_safe_20_a_shutdown_takes_the_place_of_the_deadline_that_announced_it(begun: float) -> None:
    noticed = (queue.spot_warning(120), 0.0)
    assert hard(noticed, (later(queue.going_down("shutting-down"), begun), begun + 1)) == begun + 120


def test_safe_20_a_shutdown_long_before_an_announced_one_moves_no_deadline() -> None:
    assert hard((queue.spot_warning(120), 0), (later(queue.going_down(), 60), 61)) == 120


# What pods get


def graces(world: World) -> Sequence[int | None]:
    return [each.grace_seconds for _, each in world.asked(EvictPod) if isinstance(each, EvictPod)]


@pytest.mark.parametrize(
    ("notice", "seconds"),
    [
        (queue.going_down("stopping"), 1),
        (queue.going_down("shutting-down"), 80),
        (queue.going_down("stopping"), 130),
        (queue.going_down("stopped"), 1),
        (queue.going_down("terminated"), 300),
        (queue.spot_warning(120), 121),
    ],
    ids=["stopping", "shutting-down", "late", "stopped", "terminated", "spot"],
)
def test_safe_20_each_pod_keeps_its_own_grace(notice: Noticed, seconds: float) -> None:
    world = QueueWorld([a_pod("a", grace_seconds=30), a_pod("b", grace_seconds=3)])
    world.notice(notice, seconds=seconds)
    world.run(seconds + 60)
    assert drained(world)
    assert graces(world) == [None, None]
    told = [each for each in world.told(EvictionAccepted) if isinstance(each, EvictionAccepted)]
    assert [each.cut for each in told] == [False, False]
    assert world.asked(DeletePod) == []


@pytest.mark.parametrize("state", SHUTDOWNS)
def test_safe_20_a_budget_is_past_only_at_the_end_of_the_shutdown(state: str) -> None:
    world = QueueWorld([a_pod(grace_seconds=30)], blocked=lambda pod, now: True)
    world.notice(queue.going_down(state), seconds=2)
    world.run(200)
    (deleted,) = world.asked(DeletePod)
    assert deleted[0] == pytest.approx(120 - 5 - 30, abs=0.1)
    assert isinstance(deleted[1], DeletePod)
    assert deleted[1].grace_seconds == 30


@pytest.mark.parametrize(
    ("notice", "seconds"),
    [(queue.spot_warning(120), 125), (queue.going_down("stopped"), 1), (queue.hook(300), 301)],
    ids=["spot", "stopped", "hook"],
)
def test_safe_5_a_late_notice_goes_on_politely_and_forces_nothing(notice: Noticed, seconds: float) -> None:
    world = QueueWorld([a_pod()], blocked=lambda pod, now: now < seconds + 200)
    world.notice(notice, seconds=seconds)
    world.run(seconds + 100)
    assert world.asked(DeletePod) == []
    assert len(world.told(DrainEnded)) == 0
    world.run(seconds + 150)
    # As without a deadline: it is told after the node's grace which pods are still there.
    assert len(world.told(DrainEnded)) == 1
    world.run(seconds + 300)
    assert drained(world)
    assert world.asked(DeletePod) == []


def test_safe_20_the_rest_of_a_spot_drain_keeps_its_grace_in_the_shutdown() -> None:
    """A budget frees the pod when the notice's time has just passed, and the shutdown has begun."""
    pod = a_pod(annotations={"aws-node-termination-handler/force": "never"})
    world = QueueWorld([pod], blocked=lambda pod, now: now < 123)
    world.notice(queue.spot_warning(120))
    world.notice(later(queue.going_down("shutting-down"), 120), seconds=121)
    world.run(200)
    assert drained(world)
    assert graces(world)[-1] is None


def test_safe_20_a_deadline_that_passes_while_the_node_is_drained_forces_as_before() -> None:
    world = QueueWorld([a_pod(grace_seconds=30)], blocked=lambda pod, now: True)
    world.notice(queue.spot_warning(120), seconds=119)
    world.run(200)
    assert [each.grace_seconds for _, each in world.asked(DeletePod) if isinstance(each, DeletePod)] == [1]


@pytest.mark.parametrize("seen", [60, 125], ids=["in time", "late"])
def test_safe_20_a_successor_decides_the_same(seen: float) -> None:
    def play(killed: bool) -> list[float]:
        world = QueueWorld([a_pod()], blocked=lambda pod, now: True)
        world.notice(queue.spot_warning(120), seconds=seen)
        world.run(seen + 2)
        if killed:
            world.succeed()
        world.run(seen + 100)
        return [at for at, _ in world.asked(DeletePod)]

    assert len(play(killed=False)) == len(play(killed=True)) == (1 if seen < 120 else 0)


def test_safe_5_a_heartbeat_gives_a_hook_that_was_heard_of_too_late_a_deadline_that_stands() -> None:
    late = queue.hook(300)
    world = QueueWorld([a_pod(grace_seconds=30)], blocked=lambda pod, now: True)
    world.notice(late, seconds=310)
    world.prolong(late.event.event_id, to=600, seconds=320)
    world.run(650)
    assert [at for at, _ in world.asked(DeletePod)] == [pytest.approx(565, abs=0.1)]


def test_safe_5_a_hibernation_begins_at_once_and_forces_nothing() -> None:
    event = SpotInterruption(
        event_id="e", action="hibernate", interrupted_at=T0, instance_id=queue.INSTANCE, noticed_at=T0
    )
    world = QueueWorld([a_pod()], blocked=lambda pod, now: True)
    world.notice(Noticed(event=event), seconds=1)
    world.run(100)
    assert world.asked(DeletePod) == []
    assert graces(world)[0] is None


def test_safe_5_old_maintenance_from_a_queue_forces_nothing_and_a_new_window_does() -> None:
    old = queue.health(-3600)
    assert hard((old, 0)) is None
    assert isinstance(old.event, ScheduledMaintenance)
    moved = Noticed(event=replace(old.event, not_before_at=T0 + 900))
    assert hard((moved, 0)) == 900
