"""Our own pod goes last."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace

from nth.core.node.node_annotation import NodeRecord, Seen
from nth.core.notices.events import SpotInterruption
from nth.queue_mode.own_node import RESERVE_SECONDS, OwnNode
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.connection import Connection
from nth.simulation.objects import MachineSpec, WorkloadSpec


class Scene:
    """One pod of ours on a node."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.cluster = SimulatedCluster(clock)
        self.cluster.add_node(MachineSpec(name="one"))
        self.cluster.add_workload(WorkloadSpec(name="nth", replicas=1))
        self.connection: Connection = self.cluster.connect()
        self.idle = False
        spot = SpotInterruption(
            event_id="s", action="terminate", interrupted_at=clock.now() + 120, instance_id="i-1"
        )
        self.record: NodeRecord | None = NodeRecord(
            session_id="s", events=(Seen(spot, clock.now()),), deadline_at=clock.now() + 120
        )

    @property
    def evictions(self) -> int:
        return sum(request.verb == "evict_pod" for request in self.connection.requests)


def play(story: Callable[[Scene], Coroutine[object, object, None]], *, node_name: str = "one") -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock)
        await scene.cluster.come_to_rest()
        [pod] = scene.cluster.pods
        own = OwnNode(
            scene.connection,
            clock,
            node_name=node_name,
            own_pod=(pod.ref.namespace, pod.ref.name),
            record=lambda: scene.record,
            idle=lambda: scene.idle,
        )
        running = asyncio.create_task(own.run())
        await story(scene)
        running.cancel()

    run(main)


def drained(scene: Scene) -> None:
    assert scene.record is not None
    scene.record = replace(scene.record, drained=True)


def test_while_others_are_drained_we_stay() -> None:
    async def story(scene: Scene) -> None:
        drained(scene)
        await asyncio.sleep(30)
        assert scene.evictions == 0

    play(story)


def test_when_all_are_through_we_go() -> None:
    async def story(scene: Scene) -> None:
        drained(scene)
        scene.idle = True
        await asyncio.sleep(1)
        assert scene.evictions == 1
        await asyncio.sleep(20)
        assert scene.evictions == 1, "once asked, we wait for the SIGTERM"

    play(story)


def test_when_the_time_is_up_we_go_whatever_is_left() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(120 - RESERVE_SECONDS - 5)
        assert scene.evictions == 0
        await asyncio.sleep(6)
        assert scene.evictions == 1

    play(story)


def test_on_a_node_that_stays_we_stay() -> None:
    async def story(scene: Scene) -> None:
        scene.record, scene.idle = None, True
        await asyncio.sleep(600)
        assert scene.evictions == 0

    play(story)


def test_who_does_not_know_its_node_looks_after_nothing() -> None:
    async def story(scene: Scene) -> None:
        drained(scene)
        scene.idle = True
        await asyncio.sleep(600)
        assert scene.connection.requests == []

    play(story, node_name="")
