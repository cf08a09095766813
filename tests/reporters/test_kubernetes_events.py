"""From what is told to events that are created, in virtual time; and that nobody ever waits for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from nth.core.facts import Node
from nth.core.notices.imds import InstanceMetadata
from nth.core.reports import EvictionAccepted
from nth.errors import ClusterError, Denied, Forbidden, Unreachable
from nth.reporters.best_effort import REFUSED_SECONDS
from nth.reporters.fanout import FanOut
from nth.reporters.kubernetes_events import MAX_IN_FLIGHT, MAX_QUEUED, PAUSE_SECONDS, KubernetesEvents
from nth.simulation.clock import VirtualClock, run
from tests.report import stories
from tests.report.stories import NODE, NOTICE, T0, WEB, fed
from tests.worlds import Stage
from tests.worlds import play as play_world

Document = Mapping[str, object]


@dataclass
class FakeWriter:
    """Takes its time, and answers with what `errors` says for the namespace."""

    seconds: float = 0.01
    errors: dict[str, Exception] = field(default_factory=dict)
    created: list[tuple[str, Document]] = field(default_factory=list)
    asked: int = 0
    now_open: int = 0
    most_open: int = 0

    async def create(self, namespace: str, document: Document) -> None:
        self.asked += 1
        self.now_open += 1
        self.most_open = max(self.most_open, self.now_open)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.now_open -= 1
        if error := self.errors.get(namespace):
            raise error
        self.created.append((namespace, document))

    @property
    def reasons(self) -> list[object]:
        return [document["reason"] for _, document in self.created]


HANGS = 1e9
SAID = InstanceMetadata(instance_id="i-1")
FULL = stories.told(*stories.FULL_STORY)


def known(node_name: str) -> tuple[Node | None, InstanceMetadata]:
    node = Node(name=node_name, uid="uid-of-node", resource_version="1")
    return node if node_name == NODE else None, SAID


def events_to(writer: FakeWriter, clock: VirtualClock) -> KubernetesEvents:
    return KubernetesEvents(writer, clock, known=known, extra={"team": "shop"}, host="our-node")


Scene = Callable[[KubernetesEvents], Awaitable[None]]


def play(scene: Scene, writer: FakeWriter) -> KubernetesEvents:
    async def main(clock: VirtualClock) -> KubernetesEvents:
        events = events_to(writer, clock)
        running = asyncio.create_task(events.run(), name="events")
        try:
            await scene(events)
        finally:
            running.cancel()
            await asyncio.wait([running])
        return events

    return run(main)


async def tell_all(events: KubernetesEvents) -> None:
    fed(events, FULL)
    await events.flush(60.0)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_story_becomes_events_with_all_that_is_known() -> None:
    writer = FakeWriter()
    events = play(tell_all, writer)
    assert writer.reasons == ["SpotInterruption", "PreDrain", *["PodEviction"] * 3, "CordonAndDrain"]
    assert [namespace for namespace, _ in writer.created] == ["default", "default", *["shop"] * 3, "default"]
    document = writer.created[0][1]
    assert document["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Node",
        "name": NODE,
        "uid": "uid-of-node",
    }
    assert document["source"] == {"component": "aws-node-termination-handler", "host": "our-node"}
    metadata = document["metadata"]
    assert isinstance(metadata, dict)
    assert (metadata["annotations"]["instance-id"], metadata["annotations"]["team"]) == ("i-1", "shop")
    assert (events.stats.sent, events.stats.failed, events.stats.dropped, events.queued) == (6, 0, 0, 0)


def test_needs_W6_telling_takes_no_time_and_few_are_in_flight() -> None:
    writer = FakeWriter(seconds=HANGS)

    async def scene(events: KubernetesEvents) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        fed(events, FULL)
        assert loop.time() == began
        await asyncio.sleep(60)
        assert (writer.asked, writer.most_open) == (MAX_IN_FLIGHT, MAX_IN_FLIGHT)

    play(scene, writer)


def test_needs_W6_events_leave_slowly_but_for_the_end() -> None:
    writer = FakeWriter(seconds=0.0)

    async def scene(events: KubernetesEvents) -> None:
        for number in range(500):
            fed(events, [replace(FULL[0], session_id=f"s-{number}", node_name=f"node-{number}")])
        await asyncio.sleep(1.0)
        a_second = MAX_IN_FLIGHT / PAUSE_SECONDS
        assert a_second - MAX_IN_FLIGHT <= len(writer.created) <= a_second + MAX_IN_FLIGHT
        began = asyncio.get_running_loop().time()
        await events.flush(1.0)
        assert asyncio.get_running_loop().time() <= began + PAUSE_SECONDS

    play(scene, writer)
    assert len(writer.created) == 500


def test_needs_W6_queue_is_bounded_the_oldest_are_dropped_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = FakeWriter()

    async def scene(events: KubernetesEvents) -> None:
        for storm in ("first", "second"):
            for number in range(MAX_QUEUED + 30):
                session_id, node_name = f"{storm}-{number}", f"{storm}-node-{number}"
                fed(events, [replace(FULL[0], session_id=session_id, node_name=node_name)])
            assert events.queued == MAX_QUEUED
            await events.flush(60.0)

    events = play(scene, writer)
    assert (events.stats.dropped, events.stats.sent) == (60, 2 * MAX_QUEUED)
    involved = writer.created[0][1]["involvedObject"]
    assert isinstance(involved, dict)
    assert involved["name"] == "first-node-30"
    assert warnings(caplog) == ["Too many Kubernetes events are waiting, dropping the oldest"] * 2


@pytest.mark.parametrize("refusal", [Forbidden("no rule"), Denied("no rule")], ids=["right", "admission"])
def test_a_refusal_is_said_once_and_nothing_is_asked_there_for_a_while(
    refusal: ClusterError, caplog: pytest.LogCaptureFixture
) -> None:
    writer = FakeWriter(errors={"default": refusal})

    async def scene(events: KubernetesEvents) -> None:
        await tell_all(events)
        assert writer.reasons == ["PodEviction"] * 3, "other namespaces are not affected"
        await asyncio.sleep(REFUSED_SECONDS)
        fed(events, [replace(FULL[0], session_id="s-2")])
        await events.flush(60.0)
        writer.errors.clear()
        await asyncio.sleep(REFUSED_SECONDS)
        fed(events, [replace(FULL[0], session_id="s-3")])
        await events.flush(60.0)

    events = play(scene, writer)
    assert (events.stats.sent, events.stats.failed + events.stats.dropped) == (4, 4)
    assert events.stats.dropped >= 1
    assert warnings(caplog) == ["Kubernetes events are refused (default)"]
    assert getattr(caplog.records[0], "fields", {}) == {"reason": "no rule"}


def test_an_outage_is_told_once_and_the_next_one_again(caplog: pytest.LogCaptureFixture) -> None:
    writer = FakeWriter(errors={"default": Unreachable("no answer"), "shop": Unreachable("no answer")})

    async def scene(events: KubernetesEvents) -> None:
        await tell_all(events)
        writer.errors.clear()
        for session, error in (("s-2", None), ("s-3", Unreachable("again"))):
            if error:
                writer.errors["default"] = error
            fed(events, [replace(FULL[0], session_id=session)])
            await events.flush(60.0)

    events = play(scene, writer)
    assert (events.stats.failed, events.stats.sent) == (7, 1)
    assert warnings(caplog) == ["Kubernetes events cannot be written"] * 2


def test_a_defect_of_ours_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    writer = FakeWriter(errors={"shop": ValueError("odd")})
    events = play(tell_all, writer)
    assert (events.stats.failed, events.stats.sent) == (3, 3)
    said = "Kubernetes events cannot be made, because the handler itself failed"
    assert warnings(caplog) == [said]
    assert caplog.records[0].exc_info is not None


def test_what_is_not_sent_at_the_end_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(events: KubernetesEvents) -> None:
        began = asyncio.get_running_loop().time()
        fed(events, FULL)
        await events.flush(2.0)
        assert asyncio.get_running_loop().time() == began + 2.0

    events = play(scene, FakeWriter(seconds=HANGS))
    assert events.stats.dropped == 6 - MAX_IN_FLIGHT
    assert warnings(caplog) == ["Kubernetes events are not sent, time is up"]


def test_nothing_is_said_of_a_pod_that_was_not_told_to_go() -> None:
    writer = FakeWriter()

    async def scene(events: KubernetesEvents) -> None:
        fed(events, stories.told((0.0, NOTICE), (0.1, stories.SURVEY)))
        await events.flush(1.0)
        assert writer.reasons == ["SpotInterruption"]
        accepted = EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)
        fed(events, [replace(FULL[0], at=T0 + 1, report=accepted)])
        await events.flush(1.0)

    play(scene, writer)
    assert writer.reasons == ["SpotInterruption", "PodEviction"]


def _evicted_after(writer: FakeWriter) -> list[float]:
    """When each eviction was accepted, seconds after the notice, with events that go to this writer."""

    async def story(stage: Stage) -> list[float]:
        events = events_to(writer, stage.clock)
        running = asyncio.create_task(events.run(), name="events")
        process = stage.process(tell=FanOut(events))
        began_at = stage.clock.now()
        stage.cloud.interrupt(began_at + 120)
        await asyncio.sleep(60)
        running.cancel()
        return [told.at - began_at for told in process.told if isinstance(told.report, EvictionAccepted)]

    return play_world(story)


def test_needs_W6_a_drain_is_as_quick_with_events_that_hang() -> None:
    quick, slow = FakeWriter(), FakeWriter(seconds=HANGS)
    evicted = _evicted_after(quick)
    assert len(evicted) == 6
    assert _evicted_after(slow) == evicted
    assert quick.reasons.count("PodEviction") == 6
    assert quick.reasons[0] == "SpotInterruption"
    assert quick.reasons[-1] == "CordonAndDrain"
    assert slow.created == []
