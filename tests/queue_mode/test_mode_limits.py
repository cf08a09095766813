"""How many drains run at a time, and who waits for whom: limits, turns, storms."""

import asyncio

import pytest

from nth.core.reports import DrainEnded, PodsOnNode
from nth.simulation.objects import MachineSpec
from tests.queue_mode.fleet_worlds import Stage, instance_of, play


async def ready(stage: Stage) -> None:
    stage.replica()
    await asyncio.sleep(3)


def draining(stage: Stage) -> set[str]:
    """Nodes with pods that are on their way out."""
    return {pod.node_name for pod in stage.cluster.pods if pod.deleting_until_at is not None}


async def most_at_once(stage: Stage, until_drained: int) -> int:
    most = 0
    while len(stage.reports(DrainEnded)) < until_drained:
        most = max(most, len(draining(stage)))
        await asyncio.sleep(0.05)
    return most


def test_P4_needs_W1_never_more_drains_without_a_deadline_at_once_than_workers() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        names = [f"n{number}" for number in range(30)]
        for name in names:
            stage.rebalance(name)
        assert await most_at_once(stage, 30) == 3
        await stage.end_well(*names)
        assert set(stage.evicted.values()) == {1}

    play(story, doomed=30, rest=6, pods=2, WORKERS="3")


@pytest.mark.parametrize("after_seconds", [0.0, 1.0, 10.0])
def test_needs_W2_a_drain_with_a_deadline_begins_at_once_whatever_waits(after_seconds: float) -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        names = [f"n{number}" for number in range(30)]
        for name in names:
            stage.rebalance(name)
        await asyncio.sleep(after_seconds)
        stage.spot("n30")
        # The storm itself is waited for, but never longer than a second.
        await stage.until(lambda: "n30" in stage.evicted_by, 1.5)
        await stage.end_well(*names, "n30", seconds=400)

    play(story, doomed=31, rest=6, pods=2, WORKERS="3")


def test_a_limited_node_that_gets_a_deadline_goes_at_once() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        names = [f"n{number}" for number in range(8)]
        for name in names:
            stage.rebalance(name)
        await asyncio.sleep(2)
        waiting = sorted(set(names) - set(stage.evicted_by))
        assert len(waiting) == 7
        stage.spot(waiting[-1])
        await stage.until(lambda: waiting[-1] in stage.evicted_by, 1.2)
        await stage.end_well(*names, seconds=400)

    play(story, doomed=8, rest=4, WORKERS="1")


@pytest.mark.parametrize("by_label", [True, False])
def test_the_limit_per_group(by_label: bool) -> None:
    def machine(name: str) -> MachineSpec:
        # Of the doomed every other one is of group "odd".
        odd = name.startswith("n") and int(name[1:]) % 2
        labels = {"pool": "odd" if odd else "even"}
        return MachineSpec(name=name, instance_id=instance_of(name), labels=labels)

    async def story(stage: Stage) -> None:
        await ready(stage)
        names = [f"n{number}" for number in range(8)]
        for name in names:
            stage.rebalance(name)
        # By label there are two groups; all are of one Auto Scaling group.
        assert await most_at_once(stage, 8) == (4 if by_label else 2)
        await stage.end_well(*names)

    label = "pool" if by_label else ""
    play(story, doomed=8, rest=4, machine=machine, WORKERS="10", WORKERS_PER_GROUP="2", GROUP_LABEL=label)


def test_a_storm_cordons_every_node_before_the_first_eviction() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        began_at = stage.clock.now()
        names = [f"n{number}" for number in range(40)]
        for name in names:
            stage.spot(name)
        await stage.until(lambda: len(stage.evicted_by) == 40, 3)
        assert stage.cordoned_at_first_eviction >= set(names)
        assert stage.first_eviction_at is not None
        assert stage.first_eviction_at - began_at < 1.5
        await stage.end_well(*names)
        assert set(stage.evicted.values()) == {1}
        # No pod hopped from one dying node to the next.
        assert sum(stage.evicted.values()) == 40 * 4

    play(story, doomed=40, rest=8, CHECK_TAG_BEFORE_DRAINING="false")


def test_a_storm_of_two_queues_and_with_tags_to_ask_for() -> None:
    async def story(stage: Stage) -> None:
        second = stage.aws.create_queue("second")
        stage.urls.append(second)
        stage.env["QUEUE_URL"] = ",".join(stage.urls)
        await ready(stage)
        names = [f"n{number}" for number in range(40)]
        for number, name in enumerate(names):
            stage.spot(name, queue=number % 2)
        await stage.until(lambda: len(stage.evicted_by) == 40, 3)
        assert stage.cordoned_at_first_eviction >= set(names)
        await stage.end_well(*names)
        assert len(stage.reports(PodsOnNode)) == 40

    play(story, doomed=40, rest=8)
