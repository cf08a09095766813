"""Sessions that ask the same controller at about the same time share one request."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from nth.core.facts import Controller, Wanted
from nth.errors import ClusterError, Missing
from nth.ports import Clock
from nth.queue_mode.wanted_reads import FRESH_SECONDS, WantedReads
from nth.simulation.clock import run
from tests.core.samples import owned_by

WEB, DB = owned_by("ReplicaSet", "web"), owned_by("StatefulSet", "db")


class Server:
    """A slow API server."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Wanted | ClusterError = Wanted(pods=3)

    async def read_wanted(self, namespace: str, controller: Controller) -> Wanted | None:
        self.asked.append(controller.name)
        await asyncio.sleep(0.5)
        if isinstance(self.answer, ClusterError):
            raise self.answer
        return self.answer


def play(story: Callable[[Server, WantedReads], Coroutine[object, object, None]]) -> None:
    async def main(_: Clock) -> None:
        server = Server()
        await story(server, WantedReads(server))

    run(main)


def test_many_that_ask_at_once_are_answered_by_one_request() -> None:
    async def story(server: Server, reads: WantedReads) -> None:
        answers = await asyncio.gather(*(reads.read_wanted("shop", each) for each in [WEB, DB] * 20))
        assert answers == [Wanted(pods=3)] * 40
        assert sorted(server.asked) == ["db", "web"]

    play(story)


def test_an_answer_is_not_older_than_two_seconds() -> None:
    async def story(server: Server, reads: WantedReads) -> None:
        await reads.read_wanted("shop", WEB)
        server.answer = Wanted(pods=1)
        assert await reads.read_wanted("shop", WEB) == Wanted(pods=3)
        await asyncio.sleep(FRESH_SECONDS + 0.1)
        assert await reads.read_wanted("shop", WEB) == Wanted(pods=1)
        assert server.asked == ["web", "web"]

    play(story)


def test_an_error_is_each_one_s_own() -> None:
    async def story(server: Server, reads: WantedReads) -> None:
        server.answer = Missing("gone")
        first, second = await asyncio.gather(
            *(reads.read_wanted("shop", WEB) for _ in range(2)), return_exceptions=True
        )
        assert isinstance(first, Missing)
        assert isinstance(second, Missing)
        assert first is not second
        assert server.asked == ["web"]

    play(story)


def test_one_that_gives_up_does_not_take_the_answer_from_the_others() -> None:
    async def story(server: Server, reads: WantedReads) -> None:
        first = asyncio.create_task(reads.read_wanted("shop", WEB))
        second = asyncio.create_task(reads.read_wanted("shop", WEB))
        await asyncio.sleep(0.1)
        first.cancel()
        assert await second == Wanted(pods=3)
        with pytest.raises(asyncio.CancelledError):
            await first

    play(story)
