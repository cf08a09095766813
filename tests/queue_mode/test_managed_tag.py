"""Tagged machines (M4, M5): EC2 is asked at most each 30 s, only if somebody looks, and never in the way."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from itertools import pairwise

import pytest

from nth.errors import AwsError, AwsUnreachable
from nth.queue_mode.managed_tag import PAUSE_SECONDS, TaggedInstances
from nth.simulation.clock import VirtualClock, run

ANSWER_SECONDS = 4.0


class Ec2:
    """Takes its time, and knows three tagged instances."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.asked: list[tuple[float, str, str | None]] = []
        self.error: AwsError | None = None

    async def tagged(self, key: str, value: str | None) -> frozenset[str]:
        self.asked.append((self.clock.now(), key, value))
        await asyncio.sleep(ANSWER_SECONDS)
        if self.error is not None:
            raise self.error
        return frozenset({"i-1", "i-2", "i-3"})


def play(
    story: Callable[[Ec2, TaggedInstances], Coroutine[object, object, None]], tag: str = "managed"
) -> None:
    async def main(clock: VirtualClock) -> None:
        ec2 = Ec2(clock)
        tagged = TaggedInstances(ec2, clock, tag, of_nodes=lambda: {"i-2", "i-3", "i-9"})
        running = asyncio.create_task(tagged.run())
        await story(ec2, tagged)
        running.cancel()

    run(main)


def test_needs_W28_nobody_looks_so_nothing_is_asked() -> None:
    async def story(ec2: Ec2, tagged: TaggedInstances) -> None:
        await asyncio.sleep(1000)
        assert ec2.asked == []

    play(story)


def test_needs_W28_who_looks_once_lets_ec2_be_asked_once() -> None:
    async def story(ec2: Ec2, tagged: TaggedInstances) -> None:
        tagged.counts()
        await asyncio.sleep(1000)
        assert len(ec2.asked) == 1

    play(story)


def test_M4_M5_the_first_look_waits_for_nothing_and_the_next_is_answered() -> None:
    async def story(ec2: Ec2, tagged: TaggedInstances) -> None:
        assert tagged.counts() is None
        await asyncio.sleep(ANSWER_SECONDS + 0.1)
        assert tagged.counts() == (3, 2)

    play(story)


def test_needs_W28_however_often_one_looks_ec2_is_asked_each_30_s_at_most() -> None:
    async def story(ec2: Ec2, tagged: TaggedInstances) -> None:
        for _ in range(200):
            tagged.counts()
            await asyncio.sleep(1)
        times = [at for at, _, _ in ec2.asked]
        assert len(times) == 6
        assert min(b - a for a, b in pairwise(times)) >= PAUSE_SECONDS

    play(story)


@pytest.mark.parametrize(("tag", "asked"), [("managed", ("managed", None)), ("team=a=b", ("team", "a=b"))])
def test_M5_the_tag_is_a_key_or_a_key_with_a_value(tag: str, asked: tuple[str, str | None]) -> None:
    async def story(ec2: Ec2, tagged: TaggedInstances) -> None:
        tagged.counts()
        await asyncio.sleep(1)
        assert ec2.asked[0][1:] == asked

    play(story, tag)


def test_while_ec2_does_not_answer_there_is_no_figure_and_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def story(ec2: Ec2, tagged: TaggedInstances) -> None:
        tagged.counts()
        await asyncio.sleep(10)
        ec2.error = AwsUnreachable("no answer in time")
        for _ in range(100):
            tagged.counts()
            await asyncio.sleep(1)
        assert tagged.counts() is None
        ec2.error = None
        await asyncio.sleep(60)
        assert tagged.counts() == (3, 2)

    play(story)
    assert [record.getMessage() for record in caplog.records] == [
        "EC2 cannot be asked for tagged instances",
        "EC2 names them again",
    ]
