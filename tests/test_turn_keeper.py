"""Turns in time: what `core.turns` decides is carried out when it is due."""

import asyncio
from collections.abc import Callable, Coroutine

from nth.core.turns import GATHER_SECONDS, TurnRules
from nth.simulation.clock import VirtualClock, run
from nth.turn_keeper import TurnKeeper


class Scene:
    def __init__(self, clock: VirtualClock, rules: TurnRules) -> None:
        self.clock = clock
        self.gathering = False
        self.granted: list[str] = []
        self.keeper = TurnKeeper(
            rules,
            clock,
            grant=self.granted.append,
            gathering=lambda: self.gathering,
            group_of=lambda name: name[0],
        )


def play(story: Callable[[Scene], Coroutine[object, object, None]], rules: TurnRules | None = None) -> None:
    async def main(clock: VirtualClock) -> None:
        await story(Scene(clock, rules or TurnRules(workers=1)))

    run(main)


def test_a_lone_drain_begins_at_once() -> None:
    async def story(scene: Scene) -> None:
        scene.keeper.want("a1", scene.clock.now() + 120)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert scene.granted == ["a1"]

    play(story)


def test_W2_all_begin_the_moment_the_last_node_is_cordoned() -> None:
    async def story(scene: Scene) -> None:
        scene.gathering = True
        for name in ("a1", "b1"):
            scene.keeper.want(name, scene.clock.now() + 120)
        await asyncio.sleep(0.5)
        assert scene.granted == []
        scene.gathering = False
        await asyncio.sleep(0.03)
        assert scene.granted == ["a1", "b1"]

    play(story)


def test_nobody_waits_longer_than_a_second_for_others() -> None:
    async def story(scene: Scene) -> None:
        scene.gathering = True
        scene.keeper.want("a1", scene.clock.now() + 120)
        await asyncio.sleep(GATHER_SECONDS + 0.05)
        assert scene.granted == ["a1"]

    play(story)


def test_W1_the_next_drain_without_deadline_begins_when_one_is_over() -> None:
    async def story(scene: Scene) -> None:
        for name in ("a1", "a2", "a3"):
            scene.keeper.want(name, None)
        await asyncio.sleep(60)
        assert scene.granted == ["a1"]
        scene.keeper.want("a4", scene.clock.now() + 120)
        await asyncio.sleep(0.01)
        assert scene.granted == ["a1", "a4"]
        scene.keeper.give("a1")
        await asyncio.sleep(0.01)
        assert scene.granted == ["a1", "a4", "a2"]

    play(story)


def test_the_limit_of_a_group_holds_back_only_that_group() -> None:
    async def story(scene: Scene) -> None:
        for name in ("a1", "a2", "b1"):
            scene.keeper.want(name, None)
        await asyncio.sleep(0.01)
        assert scene.granted == ["a1", "b1"]

    play(story, TurnRules(workers=5, per_group=1))
