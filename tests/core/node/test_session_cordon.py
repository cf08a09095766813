"""Somebody takes the cordon off, or the Node object is another one: set again, heeded, told."""

from dataclasses import replace

import pytest

from nth.core.decisions import PatchNode, WatchNode
from nth.core.facts import Node
from nth.core.node.cordon_guard import AGAIN_SECONDS, MAX_TOLD
from nth.core.node.node_annotation import RECORD_ANNOTATION
from nth.core.notices.events import Withdrawn
from nth.core.policy import Policy
from nth.core.reports import CordonLifted, DrainEnded, EvictionAccepted, NodeMarked
from nth.errors import Rejected
from tests.core.fleet_samples import hook, risk, spot_warning
from tests.core.queue_world import QUEUE_RULES, QueueWorld
from tests.core.samples import T0, a_node, a_pod
from tests.core.world import Fault, Request, drained, ended

CORDONED_BY_OTHERS = a_node(unschedulable=True)


def uncordon(world: QueueWorld) -> None:
    """As `kubectl uncordon` does."""
    world.edit_node(lambda node: replace(node, unschedulable=False))


def lifts(world: QueueWorld) -> list[CordonLifted]:
    return [each for each in world.told(CordonLifted) if isinstance(each, CordonLifted)]


def lifted_at(world: QueueWorld) -> list[float]:
    return [round(at - T0, 2) for at, report in world.reports() if isinstance(report, CordonLifted)]


def is_cordoned(world: QueueWorld) -> bool:
    assert world.node is not None
    return world.node.unschedulable


def evicted(world: QueueWorld) -> list[str]:
    told = world.told(EvictionAccepted)
    return [each.pod.ref.name for each in told if isinstance(each, EvictionAccepted)]


def lift_at(seconds: float, world: QueueWorld, *landing: str) -> None:
    """Somebody takes the cordon off, and these pods land before it is back."""

    def happen() -> None:
        uncordon(world)
        for name in landing:
            world.add_pod(a_pod(name))

    world.at(seconds, happen)


def test_safe_15_after_the_drain_the_cordon_is_set_again_and_what_landed_is_drained() -> None:
    world = QueueWorld([a_pod()])
    world.notice(spot_warning())
    lift_at(20, world, "landed")
    world.run(19)
    assert drained(world)
    world.run(60)
    assert [each.again_at for each in lifts(world)] == [pytest.approx(T0 + 20, abs=0.1)]
    assert is_cordoned(world)
    assert evicted(world) == ["web-1", "landed"]
    assert drained(world)
    assert world.record.marks.cordoned
    ends = [each for each in world.told(DrainEnded) if isinstance(each, DrainEnded)]
    assert [each.drained for each in ends] == [True, True]


@pytest.mark.parametrize("seconds", [0.5, 2.0])
def test_safe_15_during_the_drain_nothing_is_settled_before_what_landed_is_gone(seconds: float) -> None:
    world = QueueWorld([a_pod()])
    world.notice(hook())
    lift_at(seconds, world, "landed")
    world.run(60)
    assert drained(world)
    assert sorted(evicted(world)) == ["landed", "web-1"]
    assert world.unproven == []
    assert len(world.settled()) == 1
    assert len(lifts(world)) == 1


def test_safe_15_who_lands_after_the_last_pod_left_and_before_the_cordon_is_back_is_drained_first() -> None:
    """The patch that sets it again is refused for a while; the drain is not over before it stands."""
    refused_from, refused_to = 1.0, 8.0

    def refuses(request: Request, now: float) -> Fault | None:
        span = refused_from < now - T0 < refused_to
        return Fault(Rejected("no")) if isinstance(request, PatchNode) and span else None

    world = QueueWorld([a_pod()], faults=refuses)
    world.notice(hook())
    lift_at(1.5, world)
    world.at(5, lambda: world.add_pod(a_pod("landed")))
    world.run(100)
    assert drained(world)
    assert is_cordoned(world)
    assert sorted(evicted(world)) == ["landed", "web-1"]


def test_safe_15_a_fight_is_bounded_in_requests_and_lines() -> None:
    """An autoscaler takes it off every time, 0.2 s after it was set: each time later it is set again."""
    world = QueueWorld([a_pod()])
    world.notice(spot_warning(600))

    def fight() -> None:
        if world.now < T0 + 300:
            if is_cordoned(world):
                uncordon(world)
            world.at(world.now - T0 + 0.2, fight)

    world.at(10, fight)
    world.run(310)
    patches = [at for at, _ in world.asked(PatchNode) if at > 10]
    assert len(patches) <= 290 / AGAIN_SECONDS[-1] + 2 * len(AGAIN_SECONDS) + 5
    assert len(lifts(world)) == MAX_TOLD
    assert [each.last for each in lifts(world)] == [*[False] * (MAX_TOLD - 1), True]
    # Whoever gives up loses.
    world.run(340)
    assert is_cordoned(world)
    assert drained(world)


def test_safe_15_without_a_deadline_an_uncordon_is_heeded_and_told_once() -> None:
    world = QueueWorld([a_pod()])
    world.notice(risk())
    lift_at(20, world, "landed")
    world.run(600)
    assert [each.again_at for each in lifts(world)] == [None]
    assert not is_cordoned(world)
    assert evicted(world) == ["web-1"]
    assert not world.record.marks.cordoned
    # What is told is so: the node was never said to be marked further.
    assert len(world.told(NodeMarked)) == 1


def test_safe_15_heeded_during_the_drain_who_comes_is_left_alone() -> None:
    world = QueueWorld([a_pod()], stop_seconds=lambda pod: 10)
    world.notice(risk())
    lift_at(3, world, "landed")
    world.run(600)
    assert not is_cordoned(world)
    assert evicted(world) == ["web-1"]
    assert "landed" in str(world.told(DrainEnded))


def test_safe_15_a_person_who_cordons_again_begins_no_drain() -> None:
    world = QueueWorld([a_pod()])
    world.notice(risk())
    lift_at(20, world, "landed")
    world.at(40, lambda: world.edit_node(lambda node: replace(node, unschedulable=True)))
    world.run(600)
    assert evicted(world) == ["web-1"]
    assert is_cordoned(world)
    assert not world.record.marks.cordoned


def test_safe_15_what_is_heeded_ends_with_the_next_event() -> None:
    world = QueueWorld([a_pod()])
    world.notice(risk())
    lift_at(20, world, "landed")
    world.notice(spot_warning(220), seconds=100)
    world.run(150)
    assert is_cordoned(world)
    assert evicted(world) == ["web-1", "landed"]
    assert drained(world)


def test_safe_15_after_a_restart_it_is_heeded_still() -> None:
    world = QueueWorld([a_pod()])
    world.notice(risk())
    lift_at(20, world)
    world.at(30, world.kill)
    world.run(100)
    assert not is_cordoned(world)
    assert [each.again_at for each in lifts(world)] == [None, None]


@pytest.mark.parametrize("doomed", [True, False])
def test_safe_15_taken_off_while_no_handler_ran(doomed: bool) -> None:
    world = QueueWorld([a_pod()])
    world.notice(spot_warning(200) if doomed else risk())
    world.run(20)

    def restart() -> None:
        uncordon(world)
        world.add_pod(a_pod("landed"))
        world.kill()

    world.at(30, restart)
    world.run(100)
    (lift,) = lifts(world)
    assert not lift.looked
    assert is_cordoned(world) is doomed
    assert ("landed" in evicted(world)) is doomed


def test_safe_15_our_own_undo_is_no_foreign_one() -> None:
    for lag_seconds in (0.001, 0.03, 2.0):
        world = QueueWorld([a_pod()], lag_seconds=lag_seconds)
        world.notice(spot_warning(600))
        world.notice(Withdrawn(event_id="spot-itn-event-1", reason="cancelled"), seconds=20)
        # The next one comes while the undo is under way.
        world.notice(spot_warning(600, "spot-itn-event-2"), seconds=20.005)
        world.run(60)
        assert lifts(world) == []
        assert is_cordoned(world)


def test_safe_15_a_slow_watch_that_tells_of_the_time_before_our_cordon_is_no_news() -> None:
    world = QueueWorld([a_pod()], lag_seconds=5)
    world.edit_node(lambda node: replace(node, labels={"changed": "before"}))
    world.notice(spot_warning())
    world.run(60)
    assert lifts(world) == []
    assert len(world.told(NodeMarked)) == 1


def test_safe_15_a_cordon_that_was_not_ours_is_set_again_and_is_ours_then() -> None:
    world = QueueWorld([a_pod()], node=CORDONED_BY_OTHERS)
    world.notice(spot_warning())
    lift_at(20, world)
    world.run(60)
    assert is_cordoned(world)
    assert world.record.marks.cordoned


def test_safe_15_without_a_watch_a_patch_does_not_take_back_what_a_person_did() -> None:
    """The node is read before it is changed: then it is seen."""
    world = QueueWorld([a_pod()], lag_seconds=10_000, blocked=lambda pod, now: now < 100)
    world.notice(risk())
    world.at(50, lambda: uncordon(world))
    world.run(200)
    assert not is_cordoned(world)
    assert [each.again_at for each in lifts(world)] == [None]


def test_safe_15_of_a_machine_that_outlived_its_deadline_an_uncordon_is_heeded() -> None:
    world = QueueWorld([a_pod()])
    world.notice(spot_warning())
    lift_at(600, world)
    world.run(700)
    assert [each.again_at for each in lifts(world)] == [None]
    assert not is_cordoned(world)


def test_safe_15_only_cordoned_nodes_with_a_deadline_are_cordoned_again_too() -> None:
    rules = replace(QUEUE_RULES, policy=Policy(cordon_only=True))
    world = QueueWorld([a_pod()], rules=rules)
    world.notice(spot_warning())
    lift_at(20, world)
    world.run(60)
    assert is_cordoned(world)
    assert evicted(world) == []


def test_safe_15_a_displaced_session_fights_nobody() -> None:
    world = QueueWorld([a_pod()])
    world.notice(spot_warning(600))

    def taken() -> None:
        world.seize()
        uncordon(world)

    world.at(20, taken)
    world.run(60)
    assert ended(world)
    assert not is_cordoned(world)


# The Node object is another one


def another(world: QueueWorld, **changes: object) -> Node:
    """As a kubelet registers the machine anew: no mark of ours is on it."""
    assert world.node is not None
    version = str(int(world.node.resource_version) + 10)
    return replace(a_node(uid="node-uid-2", resource_version=version), **changes)  # type: ignore[arg-type]


def test_safe_15_a_read_that_shows_another_node_ends_the_session_without_touching_it() -> None:
    world = QueueWorld([a_pod()], lag_seconds=10_000)
    world.notice(spot_warning())
    world.run(20)
    before = len(world.asked(PatchNode))

    def swap() -> None:
        world.node = another(world)

    world.at(30, swap)
    # One more event makes the session look.
    world.notice(hook(), seconds=40)
    world.run(60)
    assert ended(world)
    assert len(world.asked(PatchNode)) - before <= 1
    assert world.node == another_stays(world)
    vanished = world.session.vanished
    assert vanished is not None
    assert vanished.successor == world.node


def another_stays(world: QueueWorld) -> Node:
    assert world.node is not None
    assert RECORD_ANNOTATION not in world.node.annotations
    assert not world.node.unschedulable
    return world.node


def test_safe_15_what_is_remembered_of_a_node_that_is_gone() -> None:
    world = QueueWorld([a_pod()], node=a_node(provider_id="aws:///eu-west-1a/i-1"))
    world.notice(spot_warning(), risk())
    world.at(20, world.vanish)
    world.run(60)
    assert ended(world)
    vanished = world.session.vanished
    assert vanished is not None
    assert {seen.event.event_id for seen in vanished.record.events} == {
        "spot-itn-event-1",
        "rebalance-recommendation-event-1",
    }
    assert vanished.until_at == T0 + 240
    new = a_node(uid="node-uid-2", provider_id="aws:///eu-west-1a/i-1")
    assert vanished.is_back(new, T0 + 100, ours=False)
    assert not vanished.is_back(new, T0 + 241, ours=False)
    assert not vanished.is_back(replace(new, uid="node-uid"), T0 + 100, ours=False)
    for ours in (True, False):
        other = replace(new, provider_id="aws:///eu-west-1a/i-2")
        assert not vanished.is_back(other, T0 + 100, ours=ours)
        assert not vanished.is_back(replace(new, provider_id=""), T0 + 100, ours=ours)


def test_safe_15_nothing_is_remembered_without_a_deadline_or_of_a_session_that_ended_otherwise() -> None:
    world = QueueWorld([a_pod()])
    world.notice(risk())
    world.at(20, world.vanish)
    world.run(60)
    assert ended(world)
    assert world.session.vanished is None
    other = QueueWorld([a_pod()])
    other.notice(spot_warning())
    other.at(20, other.seize)
    other.run(60)
    assert ended(other)
    assert other.session.vanished is None


# Who watches


def watches(world: QueueWorld) -> list[WatchNode]:
    return [each for _, each in world.decided(WatchNode) if isinstance(each, WatchNode)]


def test_safe_15_the_node_is_watched_from_the_cordon_on_and_urgently_with_a_deadline() -> None:
    rules = replace(QUEUE_RULES, watch_node=True)
    world = QueueWorld([a_pod()], rules=rules)
    world.notice(risk())
    world.notice(spot_warning(300), seconds=100)
    world.run(150)
    assert [each.urgent for each in watches(world)] == [False, True]
    assert watches(world)[0].resource_version
    (first, *_), _ = world.decided(WatchNode)[0], None
    assert first < 1


def test_safe_15_where_another_part_watches_all_nodes_no_session_does() -> None:
    world = QueueWorld([a_pod()])
    world.notice(spot_warning())
    world.run(60)
    assert watches(world) == []
