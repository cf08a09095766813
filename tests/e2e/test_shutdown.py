"""SIGTERM: nothing new is begun, what runs goes on as long as our own pod may, a successor does the rest."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from nth.core.facts import Pod
from testbed.bed import RealBed
from tests.contract.bed import Workload
from tests.e2e.stage import DRAINED, Stage, staged

NOTICE_SECONDS = 120.0
IDLE_SECONDS = 2.0
"""A handler with nothing to do ends within this."""
LEAVE_SECONDS = 2.0
"""It is gone that long before its own grace is over."""
TIME_IS_UP = "time is up, leaving the drain to the successor"
SLOW_SECONDS = 12.0
SLOW = Workload(
    name="web", replicas=2, ready_after_seconds=0.2, stops_after_seconds=(SLOW_SECONDS, SLOW_SECONDS)
)
FAST = Workload(name="web", replicas=2, ready_after_seconds=0.2, stops_after_seconds=(2.0, 2.5))

Scene = Callable[[Stage], Awaitable[None]]


def play(bed: RealBed, folder: Path, scene: Scene) -> None:
    async def scenario() -> None:
        async with staged(bed, folder) as stage:
            await scene(stage)

    asyncio.run(scenario())


async def run_own_pod(stage: Stage, *, grace_seconds: int) -> Pod:
    """The handler's own pod on the doomed node."""
    own = Workload(
        name="handler",
        kind="Pod",
        node_name=stage.doomed,
        grace_seconds=grace_seconds,
        ready_after_seconds=0.1,
        stops_after_seconds=(60, 60),
    )
    name = await stage.run(own)
    (pod,) = await stage.bed.wait_ready(name, 1)
    stage.handler.env |= {"POD_NAME": name, "NAMESPACE": stage.bed.namespace}
    return pod


async def in_the_middle_of_a_drain(stage: Stage, *flags: str) -> None:
    await stage.listen("--taint-node", *flags)
    stage.say_spot(time.time() + NOTICE_SECONDS)
    await stage.handler.wait_said("Pod evicted", count=2)


async def terminate(stage: Stage, *, timeout_seconds: float) -> float:
    """SIGTERM; after how many seconds it had ended, with code 0."""
    began = time.monotonic()
    stage.handler.signal(signal.SIGTERM)
    assert await stage.handler.wait_ended(timeout_seconds=timeout_seconds) == 0
    return time.monotonic() - began


async def assert_successor_finishes(stage: Stage) -> None:
    record = await stage.record()
    assert record is not None
    assert not record.drained
    assert [seen.event.kind.name for seen in record.events] == ["SPOT_ITN"]
    evicted = len(stage.proxy.removals())
    await stage.listen("--taint-node")
    await stage.handler.wait_said("Going on with what is recorded on the node")
    await stage.handler.wait_said(DRAINED)
    await stage.wait_moved("web", SLOW.replicas)
    assert len(stage.proxy.removals()) == evicted == SLOW.replicas
    assert len({str(line["session"]) for line in stage.handler.lines if "session" in line}) == 1


def test_a_drain_goes_on_for_as_long_as_our_own_pods_grace_and_a_successor_finishes(
    bed: RealBed, tmp_path: Path
) -> None:
    grace_seconds = 6

    async def scene(stage: Stage) -> None:
        await stage.set_up(SLOW)
        own = await run_own_pod(stage, grace_seconds=grace_seconds)
        await in_the_middle_of_a_drain(stage)
        await bed.delete_pod(own.ref)
        seconds = await terminate(stage, timeout_seconds=grace_seconds)
        allowed = grace_seconds - LEAVE_SECONDS
        # The API server counts in whole seconds.
        assert allowed - 1 <= seconds <= allowed + 0.5
        assert len(stage.handler.said(TIME_IS_UP)) == 1
        await assert_successor_finishes(stage)
        # Nobody evicts the pod that does the evicting.
        assert own.ref.uid not in {asked.pod_uid for asked in stage.proxy.removals()}

    play(bed, tmp_path, scene)


def test_a_drain_goes_on_for_as_long_as_the_setting_says(bed: RealBed, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.set_up(SLOW)
        await in_the_middle_of_a_drain(stage, "--shutdown-grace-period=2")
        assert 2 <= await terminate(stage, timeout_seconds=4) <= 3
        await assert_successor_finishes(stage)

    play(bed, tmp_path, scene)


def test_a_drain_that_can_be_finished_is_finished(bed: RealBed, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.set_up(FAST)
        await in_the_middle_of_a_drain(stage)
        seconds = await terminate(stage, timeout_seconds=20)
        # As soon as it is, and no later.
        assert seconds <= 6
        assert len(stage.handler.said(DRAINED)) == 1
        assert not stage.handler.said(TIME_IS_UP)
        assert await stage.is_drained()

    play(bed, tmp_path, scene)


def test_nothing_new_is_begun_after_sigterm(bed: RealBed, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.set_up(SLOW)
        await in_the_middle_of_a_drain(stage, "--shutdown-grace-period=4")
        stage.handler.signal(signal.SIGTERM)
        await stage.handler.wait_said("taking no new work")
        await asyncio.sleep(0.5)
        asked = len(stage.metadata_server.requests)
        stage.say_maintenance()
        assert await stage.handler.wait_ended() == 0
        assert len(stage.metadata_server.requests) == asked
        assert not stage.handler.said("system-reboot")
        await assert_successor_finishes(stage)
        # Which hears of it, too.
        await stage.handler.wait_said("system-reboot")

    play(bed, tmp_path, scene)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_P6_needs_W37_an_idle_handler_ends_at_once(
    bed: RealBed, tmp_path: Path, number: signal.Signals
) -> None:
    async def scene(stage: Stage) -> None:
        await stage.set_up()
        await stage.listen()
        began = time.monotonic()
        stage.handler.signal(number)
        assert await stage.handler.wait_ended() == 0
        assert time.monotonic() - began <= IDLE_SECONDS
        assert stage.proxy.removals() == []

    play(bed, tmp_path, scene)


def test_a_handler_that_cannot_reach_the_api_server_ends_at_once(bed: RealBed, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.proxy.close()
        stage.handler.start()
        await stage.handler.wait_said("Cannot find our node yet")
        assert await terminate(stage, timeout_seconds=5) <= IDLE_SECONDS

    play(bed, tmp_path, scene)


def test_a_drained_node_does_not_hold_the_handler_back(bed: RealBed, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.set_up(FAST)
        await in_the_middle_of_a_drain(stage)
        await stage.wait_drained()
        assert await terminate(stage, timeout_seconds=10) <= IDLE_SECONDS

    play(bed, tmp_path, scene)
