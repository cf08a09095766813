"""The watch of one Node: what it tells, once and in order, whatever happens to it."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from nth.core.facts import Node, NodePatch
from nth.engine.node_watch import NodeWatch
from nth.errors import ClusterError, Expired, Unreachable
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.objects import MachineSpec


class Scene:
    """A node that is watched."""

    def __init__(self, clock: VirtualClock, tasks: asyncio.TaskGroup) -> None:
        self.cluster = SimulatedCluster(clock)
        self.connection = self.cluster.connect()
        self.tasks = tasks
        self.told: list[str] = []
        self.watch = NodeWatch(self.connection, self._hear)
        self.node = self.cluster.add_node(MachineSpec(name="one"))
        self._uids: list[str] = [self.node.uid]

    def _hear(self, name: str, node: Node | None) -> None:
        assert name == "one"
        word = "gone"
        if node is not None:
            self._uids += [] if node.uid in self._uids else [node.uid]
            word = f"{self._uids.index(node.uid)} {'cordoned' if node.unschedulable else 'free'}"
        # A controller adds a taint to a cordoned node a moment later.
        if self.told[-1:] != [word]:
            self.told.append(word)

    def begin(self, version: str | None = None, *, urgent: bool = True) -> None:
        known = self.node.resource_version if version is None else version
        self.watch.begin(self.tasks, "one", known, urgent=urgent)

    def cordon(self, wanted: bool) -> None:
        self.cluster.change_node("one", NodePatch({"spec": {"unschedulable": wanted or None}}))


def play(story: Callable[[Scene], Coroutine[object, object, None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        async with asyncio.TaskGroup() as tasks:
            scene = Scene(clock, tasks)
            await story(scene)
            scene.watch.end("one")

    run(main)


@pytest.mark.parametrize("error", [Expired("410"), Unreachable("closed")], ids=["expired", "closed"])
def test_safe_15_after_a_loss_nothing_is_told_twice_and_nothing_is_missed(error: ClusterError) -> None:
    async def story(scene: Scene) -> None:
        scene.begin()
        await asyncio.sleep(1)
        scene.cordon(True)
        await asyncio.sleep(0.1)
        scene.cluster.register_anew("one")
        await asyncio.sleep(1)
        assert scene.told == ["0 cordoned", "gone", "1 free"]
        if isinstance(error, Expired):
            scene.cluster.forget_history()
        scene.connection.break_watches(error)
        await asyncio.sleep(3)
        assert scene.told == ["0 cordoned", "gone", "1 free"]
        scene.cordon(True)
        await asyncio.sleep(3)
        assert scene.told[3:] == ["1 cordoned"]

    play(story)


def test_safe_15_another_node_that_is_read_after_a_loss_is_told_as_gone_and_new() -> None:
    async def story(scene: Scene) -> None:
        scene.begin()
        await asyncio.sleep(1)
        scene.cordon(True)
        await asyncio.sleep(1)
        scene.connection.break_watches(Expired("410"))
        scene.cluster.register_anew("one")
        scene.cluster.forget_history()
        await asyncio.sleep(3)
        assert scene.told == ["0 cordoned", "gone", "1 free"]

    play(story)


def test_safe_15_a_node_that_is_not_there_is_looked_for_until_it_is() -> None:
    async def story(scene: Scene) -> None:
        scene.cluster.remove_node("one")
        scene.begin("")
        await asyncio.sleep(60)
        assert scene.told == []
        scene.cluster.add_node(MachineSpec(name="one"))
        await asyncio.sleep(2.5)
        assert scene.told == ["1 free"]
        # From then on it is watched, and not read.
        asked = [request.verb for request in scene.connection.requests]
        assert asked[-1] == "watch_nodes"
        assert asked.count("watch_nodes") == 1

    play(story)


def test_safe_15_once_it_has_ended_nothing_is_asked() -> None:
    async def story(scene: Scene) -> None:
        scene.begin(urgent=False)
        scene.begin(urgent=True)
        await asyncio.sleep(1)
        scene.watch.end("one")
        scene.watch.end("one")
        asked = len(scene.connection.requests)
        scene.cordon(True)
        await asyncio.sleep(100)
        assert scene.told == []
        assert len(scene.connection.requests) == asked == 1

    play(story)
