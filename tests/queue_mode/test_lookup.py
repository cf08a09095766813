"""Questions to AWS, in batches."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping

import pytest

from nth.errors import AwsError, AwsRefused, AwsThrottled
from nth.queue_mode.lookup import BACKOFF, KEPT_SECONDS, REFUSED_SECONDS, Lookup
from nth.simulation.clock import VirtualClock, run


class Scene:
    """An AWS that knows some names, and how it was asked."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.known = {"a": "one", "b": "two"}
        self.error: AwsError | Exception | None = None
        self.asked: list[tuple[str, ...]] = []
        self.lookup = Lookup(
            self._ask, clock, max_keys=3, name="Describe", began="it does not answer", over="it answers again"
        )

    async def _ask(self, keys: tuple[str, ...]) -> Mapping[str, str]:
        self.asked.append(keys)
        await asyncio.sleep(0.05)
        if self.error is not None:
            raise self.error
        return {key: self.known[key] for key in keys if key in self.known}


def play(story: Callable[[Scene], Coroutine[object, object, None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock)
        running = asyncio.create_task(scene.lookup.run())
        await story(scene)
        assert not running.done()
        running.cancel()

    run(main)


def test_safe_5_many_ask_in_one_call_and_each_gets_its_own_answer() -> None:
    async def story(scene: Scene) -> None:
        found = await asyncio.gather(*(scene.lookup.look_up(key) for key in ("a", "b", "c", "a", "d")))
        assert found == ["one", "two", None, "one", None]
        assert scene.asked == [("a", "b", "c"), ("d",)]

    play(story)


def test_safe_5_an_answer_is_kept_for_a_moment_only() -> None:
    async def story(scene: Scene) -> None:
        await scene.lookup.look_up("a")
        scene.known["a"] = "other"
        assert await scene.lookup.look_up("a") == "one"
        await asyncio.sleep(KEPT_SECONDS)
        assert await scene.lookup.look_up("a") == "other"
        assert len(scene.asked) == 2

    play(story)


def test_safe_5_silence_is_asked_again_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "nth.queue_mode.lookup")

    async def story(scene: Scene) -> None:
        scene.error = AwsThrottled("slow down")
        asking = asyncio.create_task(scene.lookup.look_up("a"))
        await asyncio.sleep(60)
        assert not asking.done()
        assert 6 <= len(scene.asked) <= 12
        scene.error = None
        await asyncio.sleep(BACKOFF.longest_seconds + 1)
        assert asking.result() == "one"

    play(story)
    assert [record.message for record in caplog.records] == ["it does not answer", "it answers again"]


def test_safe_5_a_refusal_is_answered_at_once_and_asked_again_later() -> None:
    async def story(scene: Scene) -> None:
        scene.error = AwsRefused("no", code="AccessDenied")
        given = await asyncio.gather(*(scene.lookup.look_up("a") for _ in range(50)), return_exceptions=True)
        assert {type(each) for each in given} == {AwsRefused}
        assert len({id(each) for each in given}) == 50
        for _ in range(50):
            with pytest.raises(AwsRefused) as caught:
                await scene.lookup.look_up("b")
            assert caught.value.code == "AccessDenied"
        assert len(scene.asked) == 1
        scene.error = None
        await asyncio.sleep(REFUSED_SECONDS)
        assert await scene.lookup.look_up("b") == "two"

    play(story)


def test_safe_5_what_nobody_waits_for_is_not_asked() -> None:
    async def story(scene: Scene) -> None:
        scene.error = AwsThrottled("slow down")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await scene.lookup.look_up("a")
        asked = len(scene.asked)
        await asyncio.sleep(60)
        assert len(scene.asked) <= asked + 1

    play(story)


def test_safe_5_a_defect_of_ours_is_logged_and_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        scene.error = KeyError("a defect")
        asking = asyncio.create_task(scene.lookup.look_up("a"))
        await asyncio.sleep(1)
        scene.error = None
        await asyncio.sleep(2)
        assert asking.result() == "one"

    play(story)
    assert "the handler itself" in caplog.text
