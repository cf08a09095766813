"""Who goes on with a node that nobody works on."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from nth.core.facts import Node
from nth.core.node.node_annotation import RECORD_ANNOTATION, NodeRecord, Seen, encode
from nth.core.notices.events import SpotInterruption, Withdrawn
from nth.core.replicas.takeover import PATIENCE_SECONDS, falls_to
from nth.queue_mode.takeover import DISPLACED_SECONDS, Takeover
from nth.simulation.clock import VirtualClock, run

SPOT = SpotInterruption(event_id="spot", action="terminate", interrupted_at=120, instance_id="i-1")
EVENTS = (Seen(SPOT, 1.0),)
US, OTHER = "nth-a", "nth-b"
OURS = next(name for name in map("node-{}".format, range(50)) if falls_to(name, US, [OTHER]))
THEIRS = next(name for name in map("node-{}".format, range(50)) if not falls_to(name, US, [OTHER]))


class Scene:
    """A replica, what it sees, and what it adopts."""

    def __init__(self, clock: VirtualClock) -> None:
        self.living: set[str] = set()
        self.node_names: tuple[str, ...] = ()
        self.adopted: list[str] = []
        self.nodes: dict[str, Node] = {}
        self.over_events: tuple[Withdrawn, ...] | None = ()
        """What is known of the records' events."""
        self.adopted_over: list[tuple[Withdrawn, ...]] = []
        self.takeover = Takeover(clock, US, sessions=self, others=self, find=self.nodes.get, past=self)

    def over(self, node: Node, record: NodeRecord) -> tuple[Withdrawn, ...] | None:
        return self.over_events

    def is_alive(self, identity: str) -> bool:
        return identity in self.living

    def others_alive(self) -> tuple[str, ...]:
        return tuple(sorted(self.living))

    def adopt(
        self, node: Node, booted_at: float | None, *, over: Sequence[Withdrawn] = ()
    ) -> tuple[str, ...]:
        self.adopted.append(node.name)
        self.adopted_over.append(tuple(over))
        self.node_names = (*self.node_names, node.name)
        return ()

    def stands(self, name: str, holder: str, events: tuple[Seen, ...] = EVENTS) -> None:
        """The record on a node, as the watch tells."""
        text = encode(NodeRecord(session_id="s", holder=holder, events=events))
        node = Node(name=name, uid=name, resource_version="1", annotations={RECORD_ANNOTATION: text})
        self.nodes[name] = node
        self.takeover.note(name, node)


def play(story: Callable[[Scene], Coroutine[object, object, None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock)
        running = asyncio.create_task(scene.takeover.run())
        await story(scene)
        assert not running.done()
        running.cancel()

    run(main)


def test_a_node_of_a_replica_that_lives_is_left_to_it() -> None:
    async def story(scene: Scene) -> None:
        scene.living = {OTHER}
        scene.stands(OURS, OTHER)
        await asyncio.sleep(60)
        assert scene.adopted == []

    play(story)


def test_a_node_of_a_dead_replica_is_taken_at_once() -> None:
    async def story(scene: Scene) -> None:
        scene.living = {OTHER}
        scene.stands(OURS, OTHER)
        await asyncio.sleep(1)
        scene.living = set()
        scene.takeover.died(OTHER)
        await asyncio.sleep(0.01)
        assert scene.adopted == [OURS]

    play(story)


def test_a_node_that_is_handed_over_is_taken_at_once_by_whom_it_falls_to() -> None:
    async def story(scene: Scene) -> None:
        scene.living = {OTHER}
        scene.stands(OURS, "")
        await asyncio.sleep(0.01)
        assert scene.adopted == [OURS]

    play(story)


def test_others_step_in_if_nobody_takes_it() -> None:
    async def story(scene: Scene) -> None:
        scene.living = {OTHER}
        scene.stands(THEIRS, "")
        await asyncio.sleep(PATIENCE_SECONDS - 0.6)
        assert scene.adopted == []
        await asyncio.sleep(1.2)
        assert scene.adopted == [THEIRS]

    play(story)


def test_what_stands_in_our_own_name_is_taken_only_when_the_watch_has_caught_up() -> None:
    """After a restart under the same name it is ours; just after a session's end it is not."""

    async def story(scene: Scene) -> None:
        scene.stands(OURS, US)
        await asyncio.sleep(1)
        assert scene.adopted == []
        scene.takeover.note(OURS, Node(name=OURS, uid=OURS, resource_version="2"))
        scene.stands(THEIRS, US)
        await asyncio.sleep(PATIENCE_SECONDS + 1)
        assert scene.adopted == [THEIRS]

    play(story)


def test_a_record_that_asks_for_nothing_is_nobodys() -> None:
    async def story(scene: Scene) -> None:
        scene.stands(OURS, "", events=())
        await asyncio.sleep(60)
        assert scene.adopted == []

    play(story)


def test_a_node_that_is_worked_on_is_not_taken() -> None:
    async def story(scene: Scene) -> None:
        scene.node_names = (OURS,)
        scene.stands(OURS, "")
        await asyncio.sleep(60)
        assert scene.adopted == []

    play(story)


def test_without_leases_a_replica_that_took_our_node_counts_as_alive() -> None:
    """Or two replicas would take it from each other for ever."""

    async def story(scene: Scene) -> None:
        scene.stands(OURS, OTHER)
        scene.takeover.displaced(OURS)
        await asyncio.sleep(DISPLACED_SECONDS - 1)
        assert scene.adopted == []
        scene.takeover.died(OTHER)
        await asyncio.sleep(PATIENCE_SECONDS + 1)
        assert scene.adopted == [OURS]

    play(story)


def test_without_leases_a_replica_that_took_our_node_and_writes_no_more_is_dead() -> None:
    async def story(scene: Scene) -> None:
        scene.stands(OURS, OTHER)
        scene.takeover.displaced(OURS)
        for number in range(5):
            await asyncio.sleep(DISPLACED_SECONDS - 1)
            scene.stands(f"another-{number}", OTHER)
        assert scene.adopted == []
        await asyncio.sleep(DISPLACED_SECONDS + PATIENCE_SECONDS + 1)
        assert OURS in scene.adopted

    play(story)


def test_an_annotation_that_somebody_broke_is_no_record() -> None:
    async def story(scene: Scene) -> None:
        scene.stands(OURS, "")
        annotations = {RECORD_ANNOTATION: "{"}
        broken = Node(name=OURS, uid=OURS, resource_version="2", annotations=annotations)
        scene.takeover.note(OURS, broken)
        await asyncio.sleep(60)
        assert scene.adopted == []

    play(story)


def test_safe_5_a_record_is_gone_on_with_once_it_is_known_what_of_it_is_over() -> None:
    async def story(scene: Scene) -> None:
        scene.over_events = None
        scene.stands(OURS, "")
        await asyncio.sleep(30)
        assert scene.adopted == []
        scene.over_events = (Withdrawn(event_id="spot", reason="it is over"),)
        await asyncio.sleep(1)
        assert scene.adopted == [OURS]
        assert scene.adopted_over == [scene.over_events]

    play(story)
