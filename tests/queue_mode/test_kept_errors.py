"""Errors that are kept, and raised for all who ask: each gets one of his own, whose story does not grow."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType

import pytest

from nth import errors
from nth.core.facts import PodList, PodScope
from nth.core.notices.aws_facts import HookTimeouts
from nth.errors import AwsRefused, NthError, Throttled
from nth.queue_mode.hook_timeouts import TimeoutsCache
from nth.queue_mode.instances import InstanceDirectory
from nth.queue_mode.outage_log import anew
from nth.queue_mode.pod_list_batching import JointLists
from nth.queue_mode.pod_scopes import rule_of
from nth.simulation.aws import SimulatedAws
from nth.simulation.aws_link import AwsLink
from nth.simulation.clock import VirtualClock, run

DENIED = AwsRefused("not authorized to perform this", code="UnauthorizedOperation")
TIMES = 100


def frames(error: BaseException) -> int:
    """How many the tracebacks of an error and of its causes name."""

    def steps(traceback: TracebackType | None) -> Iterator[TracebackType]:
        while traceback is not None:
            yield traceback
            traceback = traceback.tb_next

    causes = error.__cause__ or error.__context__
    return sum(1 for _ in steps(error.__traceback__)) + (frames(causes) if causes else 0)


async def caught(asking: Coroutine[object, object, object]) -> NthError:
    with pytest.raises(NthError) as told:
        await asking
    return told.value


async def in_turn(ask: Callable[[], Coroutine[object, object, object]]) -> list[int]:
    return [frames(await caught(ask())) for _ in range(TIMES)]


async def at_once(ask: Callable[[], Coroutine[object, object, object]]) -> list[int]:
    return [frames(error) for error in await asyncio.gather(*(caught(ask()) for _ in range(TIMES)))]


@pytest.mark.parametrize("how", [in_turn, at_once])
def test_safe_21_a_refusal_of_ec2_names_no_more_frames_however_often_it_is_told(
    how: Callable[[Callable[[], Coroutine[object, object, object]]], Coroutine[object, object, list[int]]],
) -> None:
    async def main(clock: VirtualClock) -> None:
        link = SimulatedAws(clock).connect(AwsLink(before=lambda _: DENIED))
        directory = InstanceDirectory(link.instances, clock)
        running = asyncio.create_task(directory.run())
        numbers = await how(lambda: directory.look_up("i-0123456789abcdef0"))
        assert max(numbers) <= 5
        running.cancel()

    run(main)


def test_safe_21_a_refusal_keeps_what_it_says() -> None:
    again = anew(DENIED)
    assert (type(again), str(again), again.code) == (AwsRefused, str(DENIED), DENIED.code)
    throttled = anew(Throttled("slowly", retry_after_seconds=3.0))
    assert (str(throttled), throttled.retry_after_seconds) == ("slowly", 3.0)


@pytest.mark.parametrize(
    "kind", [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, NthError)]
)
def test_safe_21_every_error_of_ours_can_be_made_anew(kind: type[NthError]) -> None:
    error = kind("words")
    try:
        raise error
    except NthError as raised:
        again = anew(raised)
    assert (type(again), str(again), vars(again)) == (kind, "words", vars(error))
    assert again is not error
    assert again.__traceback__ is None


def test_safe_21_a_hooks_timeout_that_cannot_be_had_is_told_to_each_anew() -> None:
    class Hooks:
        async def timeouts(self, group: str, hook: str) -> HookTimeouts:
            await asyncio.sleep(1)
            raise anew(DENIED)

    async def main(clock: VirtualClock) -> None:
        cache = TimeoutsCache(Hooks(), clock, asyncio.create_task)  # type: ignore[arg-type]  # the one verb
        assert max(await at_once(lambda: cache.get("group", "hook"))) <= 5

    run(main)


def test_safe_21_a_list_that_many_wait_for_fails_for_each_anew() -> None:
    class Cluster:
        async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
            await asyncio.sleep(1)
            raise Throttled("slowly", retry_after_seconds=2.0)

    async def main(_: VirtualClock) -> None:
        lists = JointLists(Cluster())
        rule = rule_of(PodScope(namespace="default", label_selector="app in (web)"))
        assert rule is not None
        told = await asyncio.gather(*(caught(lists.list_pods(rule, cached=False)) for _ in range(TIMES)))
        assert max(map(frames, told)) <= 5
        assert {error.retry_after_seconds for error in told if isinstance(error, Throttled)} == {2.0}

    run(main)
