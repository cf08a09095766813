"""Pods that tolerate the cordon and come back: asked twice more, named, never called moved."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.decisions import EvictPod
from nth.core.drain.returns import ASKED_AGAIN
from nth.core.facts import Pod
from nth.core.node.phases import Phase
from nth.core.policy import Level
from nth.core.reports import (
    EvictionAccepted,
    NoticeReceived,
    PodCameBack,
    PodLeft,
    PodsOnNode,
    ReplacementEnded,
    Report,
    Told,
)
from nth.report.builder import interruption_reports
from nth.report.interruption import HowLeft, InterruptionReport
from nth.report.words import lost_names, summary, verdict
from tests.core.fleet_samples import hook, risk, spot_warning
from tests.core.queue_world import QueueWorld
from tests.core.samples import NODE, T0, a_pod, owned_by
from tests.core.world import drained

HERE = NODE
ELSEWHERE = "node-2"


def spot_told() -> NoticeReceived:
    event = spot_warning().event
    return NoticeReceived(event=event, level=Level.DRAIN, drain_at=T0, deadline_at=T0 + 120)


def evicted(pod: Pod) -> EvictionAccepted:
    return EvictionAccepted(pod=pod, grace_seconds=30, cut=False)


def always_back(pod: Pod) -> str:
    return HERE


def asked(world: QueueWorld) -> list[str]:
    return [each.pod.ref.name for _, each in world.asked(EvictPod) if isinstance(each, EvictPod)]


def story_of(world: QueueWorld, until_at: float) -> InterruptionReport:
    told = [Told(at=at, session_id="s", node_name=NODE, report=report) for at, report in world.reports()]
    (report,) = interruption_reports(told, until_at)
    return report


def pods_here(world: QueueWorld) -> list[str]:
    """What the API server says."""
    return [str(pod.ref) for pod in world.pods.values() if pod.node_name == NODE]


def left_for_good(report: InterruptionReport) -> int:
    """How many pods left in whose place none came back."""
    return sum(pod.left is not HowLeft.NOT and not pod.came_back for pod in report.pods)


@pytest.mark.parametrize("stops", [0.1, 3.0])
@pytest.mark.parametrize("count", [1, 4])
def test_safe_14_it_ends_and_says_what_is_so(stops: float, count: int) -> None:
    found = [a_pod(f"web-{number}") for number in range(count)]
    world = QueueWorld(found, stop_seconds=lambda pod: stops, put_on=always_back)
    world.notice(hook(300))
    world.run(290)
    assert drained(world)
    assert len(asked(world)) == count * (1 + ASKED_AGAIN)
    left = {
        str(each.pod.ref)
        for each in world.told(PodCameBack)
        if isinstance(each, PodCameBack) and not each.goes
    }
    assert left == set(pods_here(world))
    # The hook does not wait for what cannot be: what was asked for is done.
    assert [event for event, _ in world.settled()] == ["asg-lifecycle-term-1"]
    # At the deadline they are lost, and nothing was moved.
    report = story_of(world, T0 + 301)
    assert sorted(lost_names(report)) == sorted(pods_here(world))
    assert left_for_good(report) == 0
    assert "moved" not in summary(report)[1]
    assert not verdict(report)[0]


def test_safe_14_one_that_goes_elsewhere_in_the_end_is_moved_once() -> None:
    world = QueueWorld(
        [a_pod()], put_on=lambda pod: HERE if pod.ref.name.count("-new") < ASKED_AGAIN else ELSEWHERE
    )
    world.notice(spot_warning())
    world.run(100)
    assert drained(world)
    assert pods_here(world) == []
    report = story_of(world, T0 + 121)
    assert left_for_good(report) == 1
    assert lost_names(report) == []


def test_safe_14_who_comes_before_the_evictions_answer_takes_that_pods_place_all_the_same() -> None:
    """The watch is often quicker than the answer: the newcomer is told of before the eviction."""
    first, second, third = (a_pod(name) for name in ("web-1", "web-2", "web-3"))
    moves = a_pod("db-1", controller=owned_by("ReplicaSet", "db"))
    tell: list[Report] = [spot_told()]
    tell += [PodsOnNode(going=(first, moves), staying=()), evicted(first), evicted(moves)]
    tell += [PodCameBack(pod=second, goes=True), PodCameBack(pod=third, goes=False), evicted(second)]
    tell += [PodLeft(pod=pod, seconds=1.0, how="evicted") for pod in (first, second, moves)]
    told = [Told(at=T0 + at, session_id="s", node_name=NODE, report=each) for at, each in enumerate(tell)]
    (report,) = interruption_reports(told, T0 + 121)
    assert left_for_good(report) == 1
    assert lost_names(report) == [str(third.ref)]


def test_safe_14_the_node_is_looked_at_until_the_deadline() -> None:
    """A StatefulSet makes the next pod when the last one is gone: by then the node was empty."""
    pod = a_pod("db-0", controller=owned_by("StatefulSet", "db"))
    world = QueueWorld([pod], put_on=always_back)
    world.notice(spot_warning())
    world.run(119)
    assert len(asked(world)) == 1 + ASKED_AGAIN
    assert world.phases.count(Phase.DRAINED) >= 2
    assert lost_names(story_of(world, T0 + 121)) == pods_here(world)


def test_safe_14_it_is_said_why_they_are_not_replaced() -> None:
    world = QueueWorld([a_pod()], put_on=always_back)
    world.notice(spot_warning())
    world.run(119)
    ends = [each for each in world.told(ReplacementEnded) if isinstance(each, ReplacementEnded)]
    (missing,) = ends[0].missing
    assert missing.reason == "1 of its pods came back to the node that goes away"


def test_safe_14_one_more_event_does_not_begin_the_count_anew() -> None:
    world = QueueWorld([a_pod()], put_on=always_back)
    world.notice(spot_warning(600))
    world.notice(hook(900), seconds=100)
    world.run(580)
    assert len(asked(world)) == 1 + ASKED_AGAIN


def test_safe_14_a_cordon_that_was_lifted_does() -> None:
    world = QueueWorld([a_pod()], put_on=always_back)
    world.notice(spot_warning(600))
    world.at(100, lambda: world.edit_node(lambda node: replace(node, unschedulable=False)))
    world.run(580)
    # The one that is there is the first of the new count.
    assert len(asked(world)) == 2 * (1 + ASKED_AGAIN)


def test_safe_14_without_a_deadline_nobody_is_looked_for_after_the_drain() -> None:
    pod = a_pod("db-0", controller=owned_by("StatefulSet", "db"))
    world = QueueWorld([pod], put_on=always_back)
    world.notice(risk())
    world.run(3000)
    assert len(asked(world)) == 1
    assert drained(world)


@settings(max_examples=30)
@given(st.data())
def test_safe_14_whatever_the_scheduler_does_the_story_is_so(data: st.DataObject) -> None:
    """Moved plus lost is what was there, and lost is what the API server has on the node at the end."""
    kinds = data.draw(st.lists(st.sampled_from(["ReplicaSet", "StatefulSet"]), min_size=1, max_size=4))
    found = [a_pod(f"p-{number}", controller=owned_by(kind, kind)) for number, kind in enumerate(kinds)]
    places: dict[str, str] = {}

    def put_on(pod: Pod) -> str:
        if pod.ref.uid not in places:
            places[pod.ref.uid] = data.draw(st.sampled_from([HERE, HERE, ELSEWHERE]))
        return places[pod.ref.uid]

    stops = data.draw(st.sampled_from([0.1, 1.0, 3.0]))
    world = QueueWorld(found, stop_seconds=lambda pod: stops, put_on=put_on)
    world.notice(spot_warning())
    world.run(119)
    report = story_of(world, T0 + 121)
    assert sorted(lost_names(report)) == sorted(pods_here(world))
    assert left_for_good(report) + len(lost_names(report)) == len(found)
    assert len(asked(world)) <= len(found) * (1 + ASKED_AGAIN)
