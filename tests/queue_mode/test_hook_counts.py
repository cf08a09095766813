"""What the keeper of lifecycle hooks counts, for the metrics."""

import asyncio

from nth.core.lifecycle.hook_messages import HookRules
from nth.errors import AwsError
from nth.simulation.aws_link import Request
from tests.queue_mode.test_hooks import COMPLETE, DENIED, HEARTBEAT, Scene, play


def test_actions_that_are_over_are_counted_by_their_outcome() -> None:
    async def story(scene: Scene) -> None:
        first, second, _ = scene.terminate(3)
        for action in (first, second):
            scene.begin(action)
            scene.keeper.settle(action)
        await asyncio.sleep(1)
        assert scene.keeper.ended == {"completed": 2}

    play(story)


def test_an_action_is_stuck_while_it_cannot_be_completed() -> None:
    denied = True

    def before(request: Request) -> AwsError | None:
        return DENIED if denied and request.action == COMPLETE else None

    async def story(scene: Scene) -> None:
        nonlocal denied
        first, second = scene.terminate(2)
        scene.begin(second)
        scene.begin(first)
        scene.keeper.settle(first)
        await asyncio.sleep(5)
        assert (scene.keeper.waiting, scene.keeper.stuck) == (2, 1)
        denied = False
        await asyncio.sleep(30)
        assert (scene.keeper.waiting, scene.keeper.stuck) == (1, 0)

    play(story, before=before)


def test_an_action_is_stuck_from_a_heartbeat_that_fails_to_one_that_is_accepted() -> None:
    denied = True

    def before(request: Request) -> AwsError | None:
        return DENIED if denied and request.action == HEARTBEAT else None

    async def story(scene: Scene) -> None:
        nonlocal denied
        (action,) = scene.terminate()
        scene.begin(action)
        await asyncio.sleep(65)
        assert scene.keeper.stuck == 1
        denied = False
        await asyncio.sleep(65)
        assert scene.keeper.stuck == 0

    play(story, before=before, rules=HookRules(heartbeat_interval_seconds=60))
