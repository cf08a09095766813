"""The cache of hooks' timeouts: bounded, and failures are shared but not kept. More is in `test_hooks`."""

import asyncio

import pytest

from nth.core.notices.aws_facts import HookTimeouts
from nth.errors import AwsError, AwsThrottled
from nth.queue_mode.hook_timeouts import MAX_HOOKS, TimeoutsCache
from nth.simulation.clock import VirtualClock, run

TIMEOUTS = HookTimeouts(heartbeat_seconds=60, global_seconds=6000)


class Hooks:
    """Answers after 50 ms, with an error if it is told so."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.error: AwsError | None = None

    async def timeouts(self, group: str, hook: str) -> HookTimeouts:
        self.asked.append((group, hook))
        await asyncio.sleep(0.05)
        if self.error is not None:
            raise self.error
        return TIMEOUTS


def a_cache(hooks: Hooks, clock: VirtualClock) -> TimeoutsCache:
    return TimeoutsCache(hooks, clock, asyncio.create_task)  # type: ignore[arg-type]  # the one verb it needs


def test_a_failure_is_shared_by_who_waits_and_not_kept() -> None:
    async def main(clock: VirtualClock) -> None:
        hooks = Hooks()
        hooks.error = AwsThrottled("Rate exceeded")
        cache = a_cache(hooks, clock)
        answers = await asyncio.gather(*(cache.get("g", "h") for _ in range(40)), return_exceptions=True)
        assert [(type(each), str(each)) for each in answers] == [(AwsThrottled, "Rate exceeded")] * 40
        assert len(hooks.asked) == 1
        hooks.error = None
        assert await cache.get("g", "h") == TIMEOUTS
        assert len(hooks.asked) == 2

    run(main)


def test_needs_W17_at_most_so_many_hooks_are_remembered() -> None:
    async def main(clock: VirtualClock) -> None:
        hooks = Hooks()
        cache = a_cache(hooks, clock)
        for number in range(MAX_HOOKS + 1):
            await cache.get("g", str(number))
        asked = len(hooks.asked)
        await cache.get("g", "1")
        assert len(hooks.asked) == asked
        await cache.get("g", "0")
        assert len(hooks.asked) == asked + 1

    run(main)


def test_who_is_cancelled_takes_the_answer_from_nobody() -> None:
    async def main(clock: VirtualClock) -> None:
        hooks = Hooks()
        cache = a_cache(hooks, clock)
        first, second = (asyncio.create_task(cache.get("g", "h")) for _ in range(2))
        await asyncio.sleep(0.01)
        first.cancel()
        assert await second == TIMEOUTS
        with pytest.raises(asyncio.CancelledError):
            await first
        assert len(hooks.asked) == 1

    run(main)
