"""DrainSlots in time: what `core.queue.drain_slots` decides is carried out when it is due."""

import asyncio
from collections.abc import Callable, Coroutine

from nth.core.queue.drain_slots import GATHER_SECONDS, SlotRules
from nth.engine.slot_keeper import SlotKeeper
from nth.simulation.clock import VirtualClock, run


class Scene:
    def __init__(self, clock: VirtualClock, rules: SlotRules) -> None:
        self.clock = clock
        self.gathering = False
        self.granted: list[str] = []
        self.keeper = SlotKeeper(
            rules,
            clock,
            grant=self.granted.append,
            gathering=lambda: self.gathering,
            group_of=lambda name: name[0],
        )


def play(story: Callable[[Scene], Coroutine[object, object, None]], rules: SlotRules | None = None) -> None:
    async def main(clock: VirtualClock) -> None:
        await story(Scene(clock, rules or SlotRules(workers=1)))

    run(main)


def test_a_lone_drain_begins_at_once() -> None:
    async def story(scene: Scene) -> None:
        scene.keeper.want("a1", scene.clock.now() + 120)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert scene.granted == ["a1"]

    play(story)


def test_needs_W2_all_begin_the_moment_the_last_node_is_cordoned() -> None:
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


def test_needs_W1_the_next_drain_without_deadline_begins_when_one_is_over() -> None:
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

    play(story, SlotRules(workers=5, per_group=1))


def test_safe_12_a_defect_of_whoever_hears_of_slots_keeps_no_drain_from_its_slot() -> None:
    """Of the nodes before it and after it all begin, and those that want a turn later, too."""

    async def main(clock: VirtualClock) -> None:
        granted: list[str] = []

        def grant(name: str) -> None:
            if name == "b1":
                raise RuntimeError("a defect")
            granted.append(name)

        def gathering() -> bool:
            raise RuntimeError("a defect")

        rules = SlotRules(workers=5)
        keeper = SlotKeeper(rules, clock, grant=grant, gathering=gathering, group_of=lambda name: name[0])
        for name in ("a1", "b1", "c1"):
            keeper.want(name, clock.now() + 120)
        await asyncio.sleep(0.05)
        assert granted == ["a1", "c1"]
        keeper.want("d1", clock.now() + 120)
        await asyncio.sleep(0.05)
        assert granted == ["a1", "c1", "d1"]

    run(main)


def test_safe_12_after_a_defect_it_is_looked_again_when_others_have_had_their_time() -> None:
    async def main(clock: VirtualClock) -> None:
        granted: list[str] = []
        keeper = SlotKeeper(
            SlotRules(workers=5),
            clock,
            grant=lambda name: granted.append(name) if granted else _fail(granted),
            gathering=lambda: clock.now() < begun_at + 0.5,
            group_of=lambda _: "",
        )
        begun_at = clock.now()
        keeper.want("a1", clock.now() + 120)
        await asyncio.sleep(0.3)
        keeper.want("b1", clock.now() + 130)
        await asyncio.sleep(1)
        assert granted == ["failed", "b1"]

    def _fail(granted: list[str]) -> None:
        granted.append("failed")
        raise RuntimeError("a defect")

    run(main)
