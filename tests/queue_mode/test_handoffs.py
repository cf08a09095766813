"""Events about nodes that another replica has, on a simulated cluster."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

from nth.core.facts import Node, NodePatch
from nth.core.node.node_annotation import RECORD_ANNOTATION, NodeRecord, Seen, encode, record_of
from nth.core.notices.events import Event, RebalanceRecommendation, SpotInterruption
from nth.core.notices.message import Heard
from nth.core.policy import Level, Policy
from nth.core.queue.dispatch_view import Ref
from nth.core.queue.dispatch_words import MessageRead, NodeChanged, ReplicaGone
from nth.errors import ClusterError, Conflict, Unreachable
from nth.queue_mode.dispatcher import Dispatcher
from nth.queue_mode.world import FleetWorld
from nth.simulation.aws import SimulatedAws
from nth.simulation.aws_link import AwsLink
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.connection import Connection, Link, Request
from nth.simulation.objects import MachineSpec
from tests.queue_mode.office import OTHER, QUEUE, Cluster, NotedHooks, Notes, fleet_rules, rules

INSTANCE = "i-00000000000000001"
SPOT = SpotInterruption(
    event_id="spot", action="terminate", interrupted_at=9e9, noticed_at=9e9, instance_id=INSTANCE
)
REBALANCE = RebalanceRecommendation(event_id="rebalance", noticed_at=9e9, instance_id=INSTANCE)
POLICY = Policy(levels={RebalanceRecommendation: Level.CORDON})


class Scene:
    """Node `one`, another replica that has it, and our dispatch."""

    has_nameless = False

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.errors: list[ClusterError] = []
        self.cluster = SimulatedCluster(clock)
        self.cluster.add_node(MachineSpec(name="one", instance_id=INSTANCE))
        self.connection: Connection = self.cluster.connect(Link(before=self._fault))
        self.alive = self.shown = self.is_fresh = True
        self.there = True
        self.looks = 0
        self.notes = Notes()
        aws = SimulatedAws(clock).connect(AwsLink())
        world = FleetWorld(
            cluster=self.connection,
            queues=(),
            instances=aws.instances,
            hooks=aws.hooks,
            clock=clock,
            jitter=lambda: 0.5,
        )
        self.dispatcher = Dispatcher(
            world,
            fleet_rules(rules(policy=POLICY)),
            sources=cast(Any, {QUEUE: self.notes}),
            nodes=cast(Any, self),
            directory=cast(Any, Cluster()),
            replicas=cast(Any, self),
            sessions=cast(Any, self.notes),
            hooks=cast(Any, NotedHooks(self.notes)),
            settled=lambda *_: None,
        )

    def _fault(self, request: Request) -> ClusterError | None:
        return self.errors.pop(0) if self.errors and request.verb == "patch_node" else None

    # What the dispatch sees

    def by_name(self, name: str) -> Node | None:
        self.looks += 1
        return self.node if self.there else None

    def find(self, instance_id: str) -> Node | None:
        return self.node

    def rivals(self, instance_id: str) -> tuple[Node, ...]:
        return ()

    def find_by_dns(self, private_dns_name: str) -> Node | None:
        return None

    def is_alive(self, identity: str) -> bool:
        return self.alive

    def is_shown_alive(self, identity: str) -> bool:
        return self.shown

    def others_alive(self) -> tuple[str, ...]:
        return (OTHER,) if self.alive else ()

    # What happens

    def add(self, event: Event) -> None:
        """A message tells of the event."""
        ref = Ref(QUEUE, event.event_id)
        self.dispatcher.feed(MessageRead(ref, self.clock.now(), 10, Heard(items=(event,))))

    async def watch(self) -> None:
        """Tell of every change of the node."""
        version = ""
        while True:
            if version != self.node.resource_version:
                version = self.node.resource_version
                self.look()
            await asyncio.sleep(0.001)

    def look(self) -> None:
        """The watch tells of the node."""
        node = self.node
        self.dispatcher.feed(NodeChanged(node, node if self.there else None))

    @property
    def waiting(self) -> int:
        return len(self.dispatcher.machine.handoffs)

    @property
    def taken(self) -> list[Event]:
        return [event for _, event in self.notes.taken]

    @property
    def node(self) -> Node:
        return self.cluster.node("one")

    @property
    def record(self) -> NodeRecord:
        found = record_of(self.node)
        assert found is not None
        return found

    async def write(self, record: NodeRecord, *, cordon: bool = False) -> None:
        """As the other replica does."""
        metadata = {
            "resourceVersion": self.node.resource_version,
            "annotations": {RECORD_ANNOTATION: encode(record)},
        }
        body = {"metadata": metadata, "spec": {"unschedulable": cordon or None}}
        await self.cluster.connect().patch_node("one", NodePatch(body))
        self.look()


def play(story: Callable[[Scene], Coroutine[object, object, None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock)
        await scene.cluster.come_to_rest()
        await scene.write(NodeRecord(session_id="s", holder=OTHER, events=(Seen(REBALANCE, 1.0),)))
        running = [asyncio.create_task(part) for part in (scene.dispatcher.run(), scene.watch())]
        await asyncio.sleep(0)
        await story(scene)
        for task in running:
            assert not task.done()
            task.cancel()

    run(main)


def test_the_event_is_posted_and_kept_until_the_holder_is_through() -> None:
    async def story(scene: Scene) -> None:
        scene.add(SPOT)
        await asyncio.sleep(0.1)
        assert [seen.event for seen in scene.record.events] == [REBALANCE, SPOT]
        assert scene.record.holder == OTHER
        await asyncio.sleep(60)
        assert (scene.notes.settled, scene.taken, scene.waiting) == ([], [], 1)
        await scene.write(NodeRecord(session_id="s", holder=OTHER, events=(Seen(SPOT, 1.0, settled=True),)))
        await asyncio.sleep(0.1)
        assert (scene.notes.settled, scene.taken, scene.waiting) == (["spot"], [], 0)

    play(story)


def test_safe_1_who_does_not_see_the_nodes_takes_none_from_a_silent_holder() -> None:
    """Seen with an API server that was away for some seconds: both replicas drained the same nodes."""

    async def story(scene: Scene) -> None:
        scene.is_fresh = False
        scene.errors = [Unreachable("gone") for _ in range(100)]
        scene.add(SPOT)
        await asyncio.sleep(20)
        assert scene.taken == []
        scene.is_fresh, scene.errors = True, []
        await asyncio.sleep(3)
        assert [seen.event for seen in scene.record.events] == [REBALANCE, SPOT]
        assert (scene.taken, scene.waiting) == ([], 1)

    play(story)


@pytest.mark.parametrize("error", [Conflict("409"), Unreachable("gone")])
def test_a_post_that_fails_is_tried_again(error: ClusterError, caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        scene.errors = [error]
        scene.add(SPOT)
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
        scene.add(REBALANCE)
        await asyncio.sleep(5)
        assert scene.notes.settled == []
        await scene.write(scene.record, cordon=True)
        await asyncio.sleep(0.1)
        assert scene.notes.settled == ["rebalance"]

    play(story)


@pytest.mark.parametrize("how", ["dead", "released"])
def test_a_node_without_its_holder_is_ours(how: str) -> None:
    async def story(scene: Scene) -> None:
        scene.add(SPOT)
        await asyncio.sleep(5)
        if how == "dead":
            scene.alive = False
            scene.dispatcher.feed(ReplicaGone(OTHER))
        else:
            await scene.write(NodeRecord(session_id="s", events=scene.record.events))
        await asyncio.sleep(0.1)
        assert (scene.taken, scene.notes.settled, scene.waiting) == ([SPOT], [], 0)

    play(story)


def test_with_the_node_its_events_are_over() -> None:
    async def story(scene: Scene) -> None:
        scene.add(SPOT)
        await asyncio.sleep(5)
        scene.there = False
        scene.look()
        await asyncio.sleep(0.1)
        assert (scene.notes.settled, scene.taken, scene.waiting) == (["spot"], [], 0)

    play(story)


def test_without_handoffs_nothing_is_asked() -> None:
    async def story(scene: Scene) -> None:
        before = len(scene.connection.requests)
        await asyncio.sleep(150)
        assert len(scene.connection.requests) == before

    play(story)
