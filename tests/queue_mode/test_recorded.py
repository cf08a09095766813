"""The events in a record are checked before anybody goes on with them."""

import asyncio
from collections.abc import Callable, Coroutine

from nth.core.facts import Node
from nth.core.node.node_annotation import NodeRecord, Seen
from nth.core.notices.events import Event
from nth.core.queue.staleness import LeftAlone, Over, Stands, Verdict
from nth.queue_mode.recorded import AGAIN_SECONDS, RecordedNews
from nth.simulation.clock import VirtualClock, run
from tests.core.fleet_samples import going_down, hook, risk, spot_warning
from tests.core.samples import T0, a_node

SPOT, STATE, HOOK = spot_warning().event, going_down().event, hook(3600).event


class Scene:
    """What is known of old events, and how long it takes to tell."""

    def __init__(self, clock: VirtualClock) -> None:
        self.verdicts: dict[str, Verdict] = {}
        self.slow_seconds = 1.0
        self.asked = 0
        self.limits: dict[str, float] = {}
        self.recorded = RecordedNews(self, clock)
        self.clock = clock

    def concerns(self, event: Event) -> bool:
        return event.event_id in self.verdicts

    def waits_until(self, event: Event) -> float | None:
        return self.limits.get(event.event_id)

    async def verdict(self, event: Event, node: Node | None, *, until_at: float | None = None) -> Verdict:
        self.asked += 1
        left = float("inf") if until_at is None else until_at - self.clock.now()
        await asyncio.sleep(min(self.slow_seconds, left))
        return Stands("in time") if left < self.slow_seconds else self.verdicts.get(event.event_id, Stands())

    def over(self, *events: Event) -> tuple[str, ...] | None:
        record = NodeRecord(session_id="s", events=tuple(Seen(event, T0) for event in events))
        found = self.recorded.over(a_node(), record)
        return None if found is None else tuple(each.event_id for each in found)


def play(story: Callable[[Scene], Coroutine[object, object, None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock)
        running = asyncio.create_task(scene.recorded.run())
        await asyncio.sleep(0)
        await story(scene)
        assert not running.done()
        running.cancel()

    run(main)


def test_safe_5_what_is_young_or_of_another_kind_is_gone_on_with_at_once() -> None:
    async def story(scene: Scene) -> None:
        assert scene.over(SPOT, risk().event) == ()
        assert scene.asked == 0

    play(story)


def test_safe_5_nothing_is_known_before_all_is() -> None:
    async def story(scene: Scene) -> None:
        scene.verdicts = {SPOT.event_id: Over("back"), HOOK.event_id: Stands()}
        assert scene.over(SPOT, HOOK) is None
        await asyncio.sleep(0.5)
        assert scene.over(SPOT, HOOK) is None
        await asyncio.sleep(0.6)
        assert scene.over(SPOT, HOOK) == (SPOT.event_id,)
        assert scene.asked == 2

    play(story)


def test_safe_5_what_cannot_be_told_is_left_alone_and_asked_again_later() -> None:
    async def story(scene: Scene) -> None:
        scene.verdicts = {SPOT.event_id: LeftAlone("no permission")}
        assert scene.over(SPOT) is None
        await asyncio.sleep(2)
        assert scene.over(SPOT) is None
        assert scene.asked == 1
        scene.verdicts = {SPOT.event_id: Over("back")}
        await asyncio.sleep(AGAIN_SECONDS)
        assert scene.over(SPOT) is None
        await asyncio.sleep(2)
        assert scene.over(SPOT) == (SPOT.event_id,)

    play(story)


def test_safe_5_a_hook_whose_time_ends_hurries_the_rest() -> None:
    async def story(scene: Scene) -> None:
        scene.verdicts = {SPOT.event_id: Stands(), HOOK.event_id: Stands()}
        scene.slow_seconds, scene.limits = 3600.0, {HOOK.event_id: scene.clock.now() + 10}
        assert scene.over(SPOT, HOOK) is None
        await asyncio.sleep(11)
        assert scene.over(SPOT, HOOK) == ()

    play(story)


def test_safe_5_another_event_is_another_question() -> None:
    async def story(scene: Scene) -> None:
        scene.verdicts = {SPOT.event_id: Over("back"), STATE.event_id: Stands()}
        scene.over(SPOT)
        await asyncio.sleep(2)
        assert scene.over(SPOT) == (SPOT.event_id,)
        assert scene.over(SPOT, STATE) is None
        await asyncio.sleep(2)
        assert scene.over(SPOT, STATE) == (SPOT.event_id,)

    play(story)
