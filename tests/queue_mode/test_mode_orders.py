"""Spot, rebalance, lifecycle hook and state change of one instance, in every order and timing: one drain."""

import asyncio
from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.reports import DrainEnded, NodeMarked, NoticeReceived
from tests.queue_mode.fleet_worlds import Stage, play

KINDS: dict[str, Callable[[Stage, str], str]] = {
    "spot": Stage.spot,
    "rebalance": Stage.rebalance,
    "asg": Stage.asg,
    "state": Stage.state,
}
PAUSES = {
    "at once": 0.0,
    "while cordoning": 0.006,
    "while evicting": 0.02,
    "while leaving": 2.0,
    "after": 9.0,
}


async def tell(stage: Stage, order: tuple[str, ...], pauses: tuple[float, ...]) -> None:
    for kind, pause_seconds in zip(order, pauses, strict=True):
        KINDS[kind](stage, "n0")
        await asyncio.sleep(pause_seconds)


async def one_drain(stage: Stage) -> None:
    """One drain, one set of notifications, four messages deleted, one hook completed."""
    await stage.settled()
    assert len(stage.evicted) == 4
    assert set(stage.evicted.values()) == {1}
    # A state change leaves no time at all: that it is late is told, and then that it is drained.
    told = [report.drained for report in stage.reports(DrainEnded)]
    assert told in ([True], [False, True])
    received = stage.reports(NoticeReceived)
    assert len({report.event.event_id for report in received}) == 4
    # Of two replicas that begin at the same moment both have heard a notice before one steps aside.
    assert len(received) <= 4 * len(stage.replicas)
    assert sum(not report.again for report in stage.reports(NodeMarked)) == 1
    assert len(stage.aws.queue_store(stage.urls[0]).deleted) == 4
    assert stage.how_ended() == {"CONTINUE": 1}
    await stage.end_well("n0")


def story_of(order: tuple[str, ...], pauses: tuple[float, ...], replicas: int = 1) -> None:
    async def story(stage: Stage) -> None:
        # Longer than the pauses: else the machine would be gone before the last message comes.
        stage.hook(seconds=3600)
        for number in range(replicas):
            stage.replica(f"nth-{number}", f"rest-{number}")
        await asyncio.sleep(5)
        await tell(stage, order, pauses)
        await one_drain(stage)

    play(story, COMPLETE_LIFECYCLE_ACTION_DELAY_SECONDS="40")


@pytest.mark.parametrize("pause", PAUSES)
@pytest.mark.parametrize("order", list(permutations(KINDS)), ids="-".join)
def test_P13_needs_W10_needs_W19_every_order_is_one_drain(order: tuple[str, ...], pause: str) -> None:
    story_of(order, (PAUSES[pause],) * 4)


@pytest.mark.parametrize("pause", PAUSES)
@pytest.mark.parametrize("order", list(permutations(KINDS))[::5], ids="-".join)
def test_every_order_is_one_drain_with_two_replicas(order: tuple[str, ...], pause: str) -> None:
    story_of(order, (PAUSES[pause],) * 4, replicas=2)


@settings(max_examples=30)
@given(
    order=st.permutations(list(KINDS)),
    pauses=st.tuples(*[st.floats(0, 8)] * 4),
    replicas=st.integers(1, 3),
)
def test_any_order_and_any_timing_is_one_drain(
    order: list[str], pauses: tuple[float, ...], replicas: int
) -> None:
    story_of(tuple(order), pauses, replicas)
