"""The informer of all nodes, in virtual time against the simulated API server."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

import pytest

from nth.core.facts import Node, NodePatch
from nth.core.node.node_annotation import RECORD_ANNOTATION
from nth.errors import ClusterError, Expired, Forbidden, Unreachable
from nth.queue_mode.node_informer import HOLDS_SECONDS, NodeInformer
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.connection import Link, Verb
from nth.simulation.objects import MachineSpec

LOGGER = "nth.queue_mode.node_informer"


class Scene:
    """A cluster of two nodes, and an informer that follows it."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.cluster = SimulatedCluster(clock)
        self.errors: dict[Verb, Exception] = {}
        self.add("one")
        self.add("two")
        self.connection = self.cluster.connect(Link(before=lambda request: self._fault(request.verb)))
        self.changes: list[tuple[str, bool, bool]] = []
        """Name, whether it was there before, and after."""
        self.informer = NodeInformer(self.connection, clock, on_change=self.changed)
        self.task = asyncio.create_task(self.informer.run())

    def _fault(self, verb: Verb) -> ClusterError | None:
        error = self.errors.get(verb)
        if error is not None and not isinstance(error, ClusterError):
            raise error
        return error

    def add(self, name: str, *, instance_id: str | None = None, hostname: str = "") -> Node:
        own = f"i-{name}" if instance_id is None else instance_id
        return self.cluster.add_node(MachineSpec(name=name, instance_id=own, hostname=hostname))

    def changed(self, before: Node | None, after: Node | None) -> None:
        node = after or before
        assert node is not None
        self.changes.append((node.name, before is not None, after is not None))

    def count(self, verb: Verb) -> int:
        return sum(request.verb == verb for request in self.connection.requests)


def play(story: Callable[[Scene], Coroutine[object, object, None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock)
        await scene.informer.synced.wait()
        await asyncio.sleep(1)
        await story(scene)
        assert not scene.task.done(), "it never ends by itself"
        scene.task.cancel()
        await asyncio.wait([scene.task])

    run(main)


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records if record.name == LOGGER]


NEW, OTHER, GONE = (False, True), (True, True), (True, False)
CANNOT, AGAIN = ("WARNING", "nodes cannot be followed, trying again"), ("INFO", "nodes can be followed again")


def test_it_knows_all_nodes_after_one_list_and_one_watch() -> None:
    async def story(scene: Scene) -> None:
        assert [node.name for node in scene.informer.all()] == ["one", "two"]
        assert scene.changes == [("one", *NEW), ("two", *NEW)]
        one = scene.informer.find("i-one")
        assert one is not None
        assert one.name == "one"
        assert scene.informer.by_name("two") is not None
        assert scene.informer.find("i-three") is scene.informer.by_name("three") is None
        assert scene.informer.is_fresh
        await asyncio.sleep(3600)
        assert [request.verb for request in scene.connection.requests] == ["list_nodes", "watch_nodes"]

    play(story)


def test_it_hears_of_new_changed_and_deleted_nodes() -> None:
    async def story(scene: Scene) -> None:
        scene.changes.clear()
        scene.add("three")
        await asyncio.sleep(0.1)
        assert scene.informer.find("i-three") is not None
        scene.cluster.set_ready("three", False)
        await asyncio.sleep(0.1)
        three = scene.informer.by_name("three")
        assert three is not None
        assert not three.ready
        scene.cluster.remove_node("three")
        await asyncio.sleep(0.1)
        assert scene.informer.find("i-three") is None
        assert scene.changes == [("three", *NEW), ("three", *OTHER), ("three", *GONE)]
        assert scene.informer.last_answer_at == pytest.approx(scene.clock.now(), abs=0.2)

    play(story)


def test_our_record_on_a_node_can_be_read_from_it() -> None:
    async def story(scene: Scene) -> None:
        annotations = {RECORD_ANNOTATION: "{}", "other": "x"}
        scene.cluster.change_node("one", NodePatch({"metadata": {"annotations": annotations}}))
        await asyncio.sleep(0.1)
        one = scene.informer.by_name("one")
        assert one is not None
        assert one.annotations == {RECORD_ANNOTATION: "{}"}

    play(story)


def test_what_happened_while_it_did_not_hear_is_told_by_the_next_list() -> None:
    async def story(scene: Scene) -> None:
        scene.changes.clear()
        scene.cluster.set_outage(scene.clock.now(), scene.clock.now() + 60)
        await asyncio.sleep(1)
        stale = not scene.informer.is_fresh
        assert stale
        scene.add("three")
        scene.cluster.remove_node("one")
        scene.cluster.set_ready("two", False)
        scene.cluster.forget_history()
        await asyncio.sleep(65)
        assert scene.informer.is_fresh
        assert scene.changes == [("one", *GONE), ("two", *OTHER), ("three", *NEW)]

    play(story)


def test_what_it_learns_from_an_answer_counts_while_it_cannot_hear() -> None:
    async def story(scene: Scene) -> None:
        scene.cluster.set_outage(scene.clock.now(), scene.clock.now() + 60)
        scene.cluster.set_ready("two", False)
        scene.changes.clear()
        now_so = scene.cluster.node("two")
        scene.informer.learn(now_so)
        scene.informer.learn(now_so)
        assert scene.changes == [("two", *OTHER)]
        known = scene.informer.by_name("two")
        assert known is not None
        assert not known.ready

    play(story)


def test_it_does_not_learn_of_nodes_of_which_no_end_would_be_told() -> None:
    async def story(scene: Scene) -> None:
        gone = scene.cluster.node("one")
        scene.cluster.remove_node("one")
        await asyncio.sleep(0.1)
        scene.informer.learn(gone)
        assert scene.informer.by_name("one") is None

    play(story)


def test_an_outage_is_told_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        scene.cluster.set_outage(scene.clock.now(), scene.clock.now() + 300)
        await asyncio.sleep(600)
        assert 60 <= scene.count("list_nodes") <= 70, "ever less often, up to each five seconds"

    with caplog.at_level(logging.INFO):
        play(story)
    assert told(caplog) == [CANNOT, AGAIN]


def test_a_second_outage_is_told_like_the_first(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        for _ in range(2):
            scene.cluster.set_outage(scene.clock.now(), scene.clock.now() + 30)
            await asyncio.sleep(60)

    with caplog.at_level(logging.INFO):
        play(story)
    assert told(caplog) == [CANNOT, AGAIN, CANNOT, AGAIN]


def test_a_watch_that_ends_now_and_then_is_not_worth_a_word(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        for error in (Expired("410"), Unreachable("silent"), Expired("410")):
            await asyncio.sleep(2 * HOLDS_SECONDS)
            scene.connection.break_watches(error)
            await asyncio.sleep(0.2)
            assert scene.informer.is_fresh, "it begins anew at once"

    with caplog.at_level(logging.INFO):
        play(story)
    assert told(caplog) == []


def test_without_the_right_to_watch_it_lists_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        scene.errors["watch_nodes"] = Forbidden("nodes is forbidden: cannot watch")
        scene.connection.break_watches(Unreachable("closed"))
        await asyncio.sleep(100)
        scene.add("three")
        await asyncio.sleep(6)
        assert scene.informer.find("i-three") is not None
        stale = not scene.informer.is_fresh
        assert stale
        scene.errors.clear()
        await asyncio.sleep(5 + HOLDS_SECONDS + 1)
        assert scene.informer.is_fresh

    with caplog.at_level(logging.INFO):
        play(story)
    cost = "all of them are listed every 5 s instead, and a change is seen that much later"
    assert told(caplog) == [
        ("WARNING", f"Nodes may not be watched: {cost}"),
        ("INFO", "Nodes may be watched again"),
    ]


def test_a_defect_in_an_answer_is_told_with_its_trace_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(scene: Scene) -> None:
        scene.errors["list_nodes"] = KeyError("metadata")
        scene.connection.break_watches(Expired("410"))
        await asyncio.sleep(20)
        scene.errors.clear()
        await asyncio.sleep(20)
        assert scene.informer.is_fresh

    with caplog.at_level(logging.INFO):
        play(story)
    assert told(caplog) == [CANNOT, AGAIN]
    assert any(record.exc_info for record in caplog.records if record.name == LOGGER)


def test_a_listener_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        def refuse(before: Node | None, after: Node | None) -> None:
            raise ValueError("no")

        scene.informer.on_change = refuse
        scene.add("three")
        scene.add("four")
        await asyncio.sleep(0.1)
        assert len(scene.informer.all()) == 4
        assert scene.count("list_nodes") == 1

    play(story)
    assert told(caplog) == [("ERROR", "a change of a node could not be handled")] * 2


def test_safe_4_of_several_nodes_of_one_instance_it_guesses_none(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        scene.add("again", instance_id="i-one")
        await asyncio.sleep(0.1)
        assert scene.informer.find("i-one") is None
        assert [node.name for node in scene.informer.rivals("i-one")] == ["again", "one"]
        scene.cluster.set_ready("one", False)
        await asyncio.sleep(0.1)
        # Anybody's node may be Ready.
        assert scene.informer.find("i-one") is None
        assert len(scene.informer.rivals("i-one")) == 2
        assert scene.informer.rivals("i-two") == ()

    play(story)
    text = "several nodes say that they are the same instance; EC2's name for it decides"
    assert told(caplog) == [("WARNING", text)]


def test_Q19_a_node_without_provider_id_is_found_by_its_dns_name_if_it_is_the_only_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dns = "ip-10-0-0-1.eu-west-1.compute.internal"

    async def story(scene: Scene) -> None:
        sure = not scene.informer.has_nameless
        assert sure
        scene.add("bare", instance_id="", hostname="ip-10-0-0-1")
        await asyncio.sleep(0.1)
        assert scene.informer.has_nameless
        found = scene.informer.find_by_dns(dns)
        assert found is not None
        assert found.name == "bare"
        assert scene.informer.find_by_dns("ip-10-0-0-2.eu-west-1.compute.internal") is None
        scene.add("labelled", instance_id="", hostname=dns)
        await asyncio.sleep(0.1)
        assert scene.informer.find_by_dns(dns) is None
        assert scene.informer.find_by_dns(dns) is None
        # Its name is what a kubelet cannot choose.
        scene.add(dns, instance_id="")
        await asyncio.sleep(0.1)
        named = scene.informer.find_by_dns(dns)
        assert named is not None
        assert named.name == dns

    play(story)
    assert told(caplog) == [("WARNING", "several nodes have the same host name, so none is touched")]
