"""Which nodes that nobody works on are adopted, and when."""

from nth.core.facts import Node
from nth.core.node.node_annotation import RECORD_ANNOTATION, Seen
from nth.core.notices.events import SpotInterruption
from nth.core.queue.adoptions import DISPLACED_SECONDS
from nth.core.queue.dispatch_words import Adopt, NodeChanged, ReplicaGone, SessionLetGo, Stage
from nth.core.replicas.takeover import TIMEOUT_SECONDS, falls_to
from tests.core.queue.dispatch_world import OTHER, US, DispatchWorld, a_node

SPOT = SpotInterruption(event_id="spot", action="terminate", interrupted_at=120, instance_id="i-1")
EVENTS = (Seen(SPOT, 1.0),)
OURS = next(name for name in map("node-{}".format, range(50)) if falls_to(name, US, [OTHER]))
THEIRS = next(name for name in map("node-{}".format, range(50)) if not falls_to(name, US, [OTHER]))


class Scene(DispatchWorld):
    """A replica that adopts at once, unless it is still being asked whether the events are over."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = True
        self.feed(Stage.STARTED)
        self.sleep(0)

    def stands(self, name: str, holder: str, events: tuple[Seen, ...] = EVENTS) -> None:
        """The record on a node, as the watch tells."""
        self.see(a_node(name, holder=holder, events=events))

    def sleep(self, seconds: float) -> None:
        until_at = self.now + seconds
        while self.now < until_at:
            super().sleep(min(0.01, until_at - self.now))
            if self.is_asked:
                names = (*self.sight.node_names, *(each.node.name for each in self.all(Adopt)))
                self.sight.node_names = tuple(dict.fromkeys(names))

    @property
    def adopted(self) -> list[str]:
        return list(dict.fromkeys(each.node.name for each in self.all(Adopt)))


def test_a_node_of_a_replica_that_lives_is_left_to_it() -> None:
    scene = Scene()
    scene.sight.living = {OTHER}
    scene.stands(OURS, OTHER)
    scene.sleep(60)
    assert scene.adopted == []


def test_a_node_of_a_dead_replica_is_taken_at_once() -> None:
    scene = Scene()
    scene.sight.living = {OTHER}
    scene.stands(OURS, OTHER)
    scene.sleep(1)
    scene.sight.living = set()
    scene.feed(ReplicaGone(OTHER))
    scene.sleep(0.01)
    assert scene.adopted == [OURS]


def test_a_node_that_is_handed_over_is_taken_at_once_by_whom_it_falls_to() -> None:
    scene = Scene()
    scene.sight.living = {OTHER}
    scene.stands(OURS, "")
    scene.sleep(0.01)
    assert scene.adopted == [OURS]


def test_others_step_in_if_nobody_takes_it() -> None:
    scene = Scene()
    scene.sight.living = {OTHER}
    scene.stands(THEIRS, "")
    scene.sleep(TIMEOUT_SECONDS - 0.6)
    assert scene.adopted == []
    scene.sleep(1.2)
    assert scene.adopted == [THEIRS]


def test_what_stands_in_our_own_name_is_taken_only_when_the_watch_has_caught_up() -> None:
    """After a restart under the same name it is ours; just after a session's end it is not."""
    scene = Scene()
    scene.stands(OURS, US)
    scene.sleep(1)
    assert scene.adopted == []
    scene.see(Node(name=OURS, uid=OURS, resource_version="2"))
    scene.stands(THEIRS, US)
    scene.sleep(TIMEOUT_SECONDS + 1)
    assert scene.adopted == [THEIRS]


def test_a_record_that_asks_for_nothing_is_nobodys() -> None:
    scene = Scene()
    scene.stands(OURS, "", events=())
    scene.sleep(60)
    assert scene.adopted == []


def test_a_node_that_is_worked_on_is_not_taken() -> None:
    scene = Scene()
    scene.sight.node_names = (OURS,)
    scene.stands(OURS, "")
    scene.sleep(60)
    assert scene.adopted == []


def test_without_leases_a_replica_that_took_our_node_counts_as_alive() -> None:
    """Or two replicas would take it from each other for ever."""
    scene = Scene()
    scene.stands(OURS, OTHER)
    scene.feed(SessionLetGo(OURS))
    scene.sleep(DISPLACED_SECONDS - 1)
    assert scene.adopted == []
    scene.feed(ReplicaGone(OTHER))
    scene.sleep(TIMEOUT_SECONDS + 1)
    assert scene.adopted == [OURS]


def test_without_leases_a_replica_that_took_our_node_and_writes_no_more_is_dead() -> None:
    scene = Scene()
    scene.stands(OURS, OTHER)
    scene.feed(SessionLetGo(OURS))
    for number in range(5):
        scene.sleep(DISPLACED_SECONDS - 1)
        scene.stands(f"another-{number}", OTHER)
    assert scene.adopted == []
    scene.sleep(DISPLACED_SECONDS + TIMEOUT_SECONDS + 1)
    assert OURS in scene.adopted


def test_an_annotation_that_somebody_broke_is_no_record() -> None:
    scene = Scene()
    scene.stands(OURS, "")
    annotations = {RECORD_ANNOTATION: "{"}
    broken = Node(name=OURS, uid=OURS, resource_version="2", annotations=annotations)
    scene.feed(NodeChanged(scene.sight.nodes[OURS], broken))
    scene.sleep(60)
    assert scene.adopted == []


def test_a_node_that_could_not_be_adopted_yet_is_due_again() -> None:
    """Whether its events are over may have to be asked first (`queue_mode.recorded`)."""
    scene = Scene()
    scene.is_asked = False
    scene.stands(OURS, "")
    scene.sleep(30)
    assert 55 <= len(scene.all(Adopt)) <= 62
    scene.is_asked = True
    scene.sleep(0.6)
    before = len(scene.all(Adopt))
    scene.sleep(30)
    assert len(scene.all(Adopt)) == before
