"""Events about nodes that another replica has, on a simulated cluster."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

import pytest

from nth.core.facts import Node, NodePatch
from nth.core.node.node_annotation import RECORD_ANNOTATION, NodeRecord, Seen, encode, record_of
from nth.core.notices.events import Event, RebalanceRecommendation, SpotInterruption
from nth.core.policy import Level
from nth.errors import ClusterError, Conflict, Unreachable
from nth.queue_mode.handoff import Wards
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.connection import Connection, Link, Request
from nth.simulation.objects import MachineSpec

US, OTHER = "nth-a", "nth-b"
SPOT = SpotInterruption(event_id="spot", action="terminate", interrupted_at=120, instance_id="i-1")
REBALANCE = RebalanceRecommendation(event_id="rebalance", noticed_at=1, instance_id="i-1")


class Scene:
    """Node `one`, another replica that has it, and our wards."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.errors: list[ClusterError] = []
        self.cluster = SimulatedCluster(clock)
        self.cluster.add_node(MachineSpec(name="one", instance_id="i-1"))
        self.connection: Connection = self.cluster.connect(Link(before=self._fault))
        self.alive = self.shown = self.fresh = True
        self.there = True
        self.looks = 0
        self.taken: list[Event] = []
        self.done: list[Event] = []
        self.gone: list[Event] = []
        self.wards = Wards(
            self.connection,
            clock,
            US,
            find=self.find,
            is_alive=lambda _: self.alive,
            is_shown_alive=lambda _: self.shown,
            level_of=lambda event: Level.CORDON if event is REBALANCE else Level.DRAIN,
            take=lambda _, event: self.taken.append(event),
            done=self.done.append,
            gone=self.gone.append,
            is_fresh=lambda: self.fresh,
        )

    def _fault(self, request: Request) -> ClusterError | None:
        return self.errors.pop(0) if self.errors and request.verb == "patch_node" else None

    @property
    def node(self) -> Node:
        return self.cluster.node("one")

    @property
    def record(self) -> NodeRecord:
        found = record_of(self.node)
        assert found is not None
        return found

    def find(self, name: str) -> tuple[Node | None, NodeRecord | None]:
        self.looks += 1
        return (self.node, record_of(self.node)) if self.there else (None, None)

    async def write(self, record: NodeRecord, *, cordon: bool = False) -> None:
        """As the other replica does."""
        metadata = {
            "resourceVersion": self.node.resource_version,
            "annotations": {RECORD_ANNOTATION: encode(record)},
        }
        body = {"metadata": metadata, "spec": {"unschedulable": cordon or None}}
        await self.cluster.connect().patch_node("one", NodePatch(body))
        self.wards.look()


def play(story: Callable[[Scene], Coroutine[object, object, None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock)
        await scene.cluster.settle()
        await scene.write(NodeRecord(session_id="s", holder=OTHER, events=(Seen(REBALANCE, 1.0),)))
        running = asyncio.create_task(scene.wards.run())
        await story(scene)
        assert not running.done()
        running.cancel()

    run(main)


def test_the_event_is_posted_and_kept_until_the_holder_is_through() -> None:
    async def story(scene: Scene) -> None:
        scene.wards.add("one", SPOT)
        await asyncio.sleep(0.1)
        assert [seen.event for seen in scene.record.events] == [REBALANCE, SPOT]
        assert scene.record.holder == OTHER
        await asyncio.sleep(60)
        assert (scene.done, scene.taken, len(scene.wards)) == ([], [], 1)
        await scene.write(NodeRecord(session_id="s", holder=OTHER, events=(Seen(SPOT, 1.0, settled=True),)))
        await asyncio.sleep(0.1)
        assert (scene.done, len(scene.wards)) == ([SPOT], 0)

    play(story)


def test_safe_1_who_does_not_see_the_nodes_takes_none_from_a_silent_holder() -> None:
    """Seen with an API server that was away for some seconds: both replicas drained the same nodes."""

    async def story(scene: Scene) -> None:
        scene.fresh = False
        scene.errors = [Unreachable("gone") for _ in range(100)]
        scene.wards.add("one", SPOT)
        await asyncio.sleep(20)
        assert scene.taken == []
        scene.fresh, scene.errors = True, []
        await asyncio.sleep(3)
        assert [seen.event for seen in scene.record.events] == [REBALANCE, SPOT]
        assert (scene.taken, len(scene.wards)) == ([], 1)

    play(story)


@pytest.mark.parametrize("error", [Conflict("409"), Unreachable("gone")])
def test_a_post_that_fails_is_tried_again(error: ClusterError, caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        scene.errors = [error]
        scene.wards.add("one", SPOT)
        await asyncio.sleep(0.5)
        assert len(scene.record.events) == 1
        await asyncio.sleep(1.5)
        assert len(scene.record.events) == 2

    with caplog.at_level(logging.INFO):
        play(story)
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == (0 if isinstance(error, Conflict) else 1)


def test_a_cordon_is_seen_on_the_node_itself() -> None:
    async def story(scene: Scene) -> None:
        scene.wards.add("one", REBALANCE)
        await asyncio.sleep(5)
        assert scene.done == []
        await scene.write(scene.record, cordon=True)
        await asyncio.sleep(0.1)
        assert scene.done == [REBALANCE]

    play(story)


@pytest.mark.parametrize("how", ["dead", "released"])
def test_a_node_without_its_holder_is_ours(how: str) -> None:
    async def story(scene: Scene) -> None:
        scene.wards.add("one", SPOT)
        await asyncio.sleep(5)
        if how == "dead":
            scene.alive = False
            scene.wards.look()
        else:
            await scene.write(NodeRecord(session_id="s", events=scene.record.events))
        await asyncio.sleep(0.1)
        assert (scene.taken, scene.done, len(scene.wards)) == ([SPOT], [], 0)

    play(story)


def test_with_the_node_its_events_are_over() -> None:
    async def story(scene: Scene) -> None:
        scene.wards.add("one", SPOT)
        await asyncio.sleep(5)
        scene.there = False
        scene.wards.look()
        await asyncio.sleep(0.1)
        assert (scene.gone, len(scene.wards)) == ([SPOT], 0)

    play(story)


def test_without_wards_nothing_is_asked() -> None:
    async def story(scene: Scene) -> None:
        before = len(scene.connection.requests)
        await asyncio.sleep(600)
        assert len(scene.connection.requests) == before

    play(story)
