"""Old messages, and machines that come back, on a real control plane."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from testbed.bed import RealBed
from tests.core import queue_samples
from tests.core.queue_samples import GROUP
from tests.e2e.fleet import COMPLETED, Fleet, at, fleet_of
from tests.e2e.stage import DRAINED
from tests.servers.aws import AwsServer

OVER = "An old event is over, doing nothing for it"
GIVEN_BACK = "An instance is launched again, its node is given back first"

Scene = Callable[[Fleet], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play(bed: RealBed, aws_server: AwsServer, tmp_path: Path) -> Play:
    def played(scene: Scene, **settings: str) -> None:
        async def scenario() -> None:
            async with fleet_of(bed, aws_server, tmp_path, **settings) as fleet:
                await scene(fleet)
                assert await fleet.handler.stop() == 0
                fleet.assert_no_tracebacks()

        asyncio.run(scenario())

    return played


async def assert_untouched(fleet: Fleet) -> None:
    node = await fleet.node()
    assert (node.unschedulable, node.taints, await fleet.record()) == (False, (), None)
    assert {pod.ref for pod in fleet.pods_before} == {pod.ref for pod in await fleet.bed.pods("web")}
    written = [asked.path for asked in fleet.asked() if asked.method != "GET" and "/leases" not in asked.path]
    assert written == []


@pytest.mark.parametrize("kind", ["stopped", "stopping", "spot"])
def test_safe_5_an_old_message_about_a_node_that_was_registered_since_touches_nothing(
    play: Play, kind: str
) -> None:
    async def scene(fleet: Fleet) -> None:
        await fleet.set_up()
        await fleet.listen()
        noticed_at = time.time() - 1200
        if kind == "spot":
            fleet.say(queue_samples.spot_message(fleet.instance_id, noticed_at, action="stop"))
        else:
            fleet.say(queue_samples.state_message(fleet.instance_id, noticed_at, state=kind))
        await fleet.handler.wait_said(OVER, timeout_seconds=30)
        await fleet.assert_queue_empty(deleted=1)
        assert len(fleet.said(OVER)) == 1
        await assert_untouched(fleet)

    play(scene)


def test_safe_5_an_old_hook_of_an_instance_in_service_is_neither_drained_for_nor_completed(
    play: Play,
) -> None:
    async def scene(fleet: Fleet) -> None:
        await fleet.set_up(group=GROUP)
        await fleet.listen()
        fleet.say(queue_samples.asg_message(fleet.instance_id, time.time() - 1200))
        await fleet.handler.wait_said(OVER, timeout_seconds=30)
        await fleet.assert_queue_empty(deleted=1)
        await assert_untouched(fleet)
        assert fleet.aws.calls("CompleteLifecycleAction") == []
        assert fleet.aws.calls("RecordLifecycleActionHeartbeat") == []

    play(scene)


def test_safe_17_an_instance_that_is_launched_again_serves_with_a_clean_node(play: Play) -> None:
    async def scene(fleet: Fleet) -> None:
        fleet.put_hook(launching=True)
        await fleet.set_up(group=GROUP)
        await fleet.listen()
        fleet.say(queue_samples.state_message(fleet.instance_id, time.time(), state="stopping"))
        await fleet.handler.wait_said(DRAINED, timeout_seconds=30)
        await fleet.assert_queue_empty(deleted=1)
        assert (await fleet.node()).unschedulable
        fleet.aws.set_instance_state(fleet.instance_id, "stopped")
        # The time of the events is told in whole seconds.
        await asyncio.sleep(2)
        fleet.aws.begin_launch(GROUP, fleet.instance_id, queue_url=fleet.queue_url)
        await fleet.handler.wait_said(COMPLETED, timeout_seconds=30)
        node = await fleet.node()
        assert (node.unschedulable, node.taints, await fleet.record()) == (False, (), None)
        restored = fleet.said("Node successfully uncordoned")
        assert len(restored) == len(fleet.said(GIVEN_BACK)) == 1
        assert at(restored[0]) <= at(fleet.said(COMPLETED)[0])
        await fleet.assert_queue_empty(deleted=2)

    play(scene, TAINT_NODE="true")
