"""A drain that gets nowhere: it goes on politely, and holds up no other node's."""

import pytest

from nth.core.decisions import EvictPod, ReleaseSlot, WantSlot
from nth.core.reports import DrainEnded
from nth.errors import Unreachable
from tests.core.fleet_samples import risk, spot_warning
from tests.core.queue_world import QueueWorld
from tests.core.samples import T0, a_pod
from tests.core.world import Fault, Request, drained

GRACE_SECONDS = 120


def slots(world: QueueWorld) -> list[tuple[float, object]]:
    return [(at - T0, each) for at, each in world.log if isinstance(each, WantSlot | ReleaseSlot)]


def gave_at(world: QueueWorld) -> list[float]:
    return [at for at, each in slots(world) if isinstance(each, ReleaseSlot)]


def wants(world: QueueWorld) -> int:
    return sum(isinstance(each, WantSlot) for _, each in slots(world))


def stuck() -> QueueWorld:
    world = QueueWorld([a_pod()], blocked=lambda pod, now: now < 600)
    world.notice(risk())
    return world


def test_safe_11_a_stuck_drain_gives_its_turn_back_when_it_is_told_incomplete() -> None:
    world = stuck()
    world.run(500)
    told_at = [at - T0 for at, report in world.reports() if isinstance(report, DrainEnded)]
    assert gave_at(world) == told_at == [pytest.approx(GRACE_SECONDS, abs=1)]
    assert wants(world) == 1
    # It goes on all the same, and politely.
    asked = [at for at, _ in world.asked(EvictPod)]
    assert max(asked) > 490
    assert not drained(world)
    world.run(700)
    assert drained(world)
    assert len(gave_at(world)) == wants(world) == 1


def test_safe_11_a_drain_that_cannot_see_its_pods_gives_its_turn_back_too() -> None:
    world = QueueWorld([a_pod()])
    world.notice(risk())
    world.at(0.015, lambda: world.lose_watches(1000))
    world.run(500)
    assert gave_at(world) == [pytest.approx(GRACE_SECONDS, abs=1)]
    assert wants(world) == 1


def test_safe_11_a_proof_that_never_comes_gives_the_turn_back_too() -> None:
    def unread(request: Request, now: float) -> Fault | None:
        return Fault(Unreachable("timed out")) if type(request).__name__ == "ListPods" else None

    world = QueueWorld([a_pod()], faults=unread)
    world.notice(risk())
    world.run(500)
    assert gave_at(world) == [pytest.approx(GRACE_SECONDS, abs=1)]


def test_safe_11_a_stuck_drain_that_gets_a_deadline_is_forced_as_any_other() -> None:
    world = stuck()
    world.notice(spot_warning(320), seconds=200)
    world.run(400)
    assert drained(world)
    assert wants(world) == 1
    assert len(gave_at(world)) == 1


def test_safe_11_a_drain_with_a_deadline_keeps_its_turn_which_limits_nobody() -> None:
    world = QueueWorld([a_pod()], blocked=lambda pod, now: now < 200)
    world.notice(risk(), spot_warning(400))
    world.run(190)
    assert gave_at(world) == []


def test_safe_11_a_successor_gives_the_turn_back_likewise() -> None:
    world = stuck()
    world.at(300, world.kill)
    world.run(550)
    assert gave_at(world) == [
        pytest.approx(GRACE_SECONDS, abs=1),
        pytest.approx(300 + GRACE_SECONDS, abs=2),
    ]
    assert wants(world) == 2


def test_safe_11_the_next_drain_of_the_node_asks_for_a_turn_of_its_own() -> None:
    world = stuck()
    world.notice(risk("rebalance-recommendation-event-2"), seconds=700)
    world.run(800)
    assert drained(world)
    assert wants(world) == 2
    assert len(gave_at(world)) == 2
