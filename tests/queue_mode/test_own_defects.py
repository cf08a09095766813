"""What a defect of our own code costs: never a message, a hook, a node or the process."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import pytest

from nth.core.facts import Node
from nth.core.lifecycle.hook_messages import Outcome
from nth.core.node.node_annotation import Seen
from nth.core.notices.events import AsgTermination, SpotInterruption, Withdrawn
from nth.core.queue.dispatch_words import HookEnded, SessionSettled, Stage
from nth.queue_mode.instances import InstanceDirectory
from nth.queue_mode.old_news import OldNews
from nth.simulation.aws import SimulatedAws
from nth.simulation.aws_link import AwsLink
from nth.simulation.clock import VirtualClock, run
from tests.core.queue_samples import LAUNCHING, asg_message, health_message, spot_message, state_message
from tests.queue_mode.office import Cluster, Notes, Office, an_id, play, rules

DEFECT = "the handler itself failed"


def broken(*_: object, **__: object) -> None:
    raise RuntimeError("a defect")


async def broken_later(*_: object, **__: object) -> None:
    await asyncio.sleep(0.1)
    raise RuntimeError("a defect")


def a_spot(office: Office) -> str:
    return spot_message(instance_id=an_id(1), at=office.clock.now())


def a_hook(office: Office) -> str:
    return asg_message(an_id(1), office.clock.now())


def a_launch(office: Office) -> str:
    return asg_message(an_id(1), office.clock.now(), transition=LAUNCHING)


@pytest.mark.parametrize(
    ("body", "part", "verb", "how", "check_tag"),
    [
        (a_hook, "notes", "deadline_of", broken_later, False),
        (a_hook, "notes", "notice", broken, False),
        (a_launch, "notes", "deadline_of", broken_later, False),
        (a_launch, "notes", "complete", broken, False),
        (a_spot, "cluster", "look_up", broken_later, True),
        (a_spot, "notes", "notice", broken, False),
    ],
)
def test_safe_21_a_message_that_a_defect_hits_is_left_to_the_queue(
    body: Callable[[Office], str],
    part: str,
    verb: str,
    how: Callable[..., object],
    check_tag: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        fine = type(getattr(office, part))
        whole, setattr_broken = getattr(office, part), type("Broken", (fine,), {"__slots__": (), verb: how})
        whole.__class__ = setattr_broken
        [message] = office.deliver(body(office))
        await asyncio.sleep(20)
        assert office.notes.left == [message]
        assert len(office.dispatch.in_hand) == 0
        # It comes again, and by then the defect does not show.
        whole.__class__ = fine
        office.deliver(body(office))
        await asyncio.sleep(20)
        assert len(office.notes.taken) + len(office.notes.completed) == 1

    play(story, rules(check_tag=check_tag))
    assert [record.exc_info is not None for record in caplog.records if DEFECT in record.message] == [True]


@pytest.mark.parametrize(("part", "verb"), [(Notes, "notice"), (Cluster, "by_name")])
def test_safe_21_a_handoff_that_a_defect_hits_is_left_to_the_queue_and_holds_up_no_other(
    part: type, verb: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(office: Office) -> None:
        for number in (1, 2):
            office.add_node(number)
            office.another_has(number)
        now, notes, hits, fine = office.clock.now(), office.notes, list[str](), getattr(part, verb)
        messages = office.deliver(*(spot_message(an_id(n), now, event_id=f"spot-{n}") for n in (1, 2)))
        await asyncio.sleep(0.1)

        def broken_for_one(self: object, name: str, *rest: object) -> object:
            if name == "node-1":
                hits.append(name)
                broken()
            return fine(self, name, *rest)

        with monkeypatch.context() as patched:
            patched.setattr(part, verb, broken_for_one)
            for number in (1, 2):
                # Its holder has left.
                office.another_has(number, holder="")
            await asyncio.sleep(10)
        assert hits == ["node-1"]
        assert notes.left == messages[:1]
        assert [name for name, _ in notes.taken] == ["node-2"]
        assert len(office.dispatch.handoffs) == 0
        # It comes again, and by then the defect does not show.
        office.deliver(spot_message(an_id(1), now, event_id="spot-1"))
        assert [name for name, _ in notes.taken] == ["node-2", "node-1"]

    play(story)
    assert sum(DEFECT in message for message in caplog.messages) == 1


def test_safe_21_a_node_that_cannot_be_taken_over_holds_up_no_other(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(office: Office) -> None:
        fine = Notes.adopt

        def adopt_all_but_one(
            self: Notes, node: Node, booted_at: float | None, *, over: Sequence[Withdrawn] = ()
        ) -> tuple[str, ...]:
            if node.name == "node-1":
                broken()
            return fine(self, node, booted_at, over=over)

        for number in (1, 2):
            office.add_node(number)
            event = SpotInterruption(
                event_id="spot",
                action="terminate",
                interrupted_at=9e9,
                noticed_at=9e9,
                instance_id=an_id(number),
            )
            office.another_has(number, holder="", events=(Seen(event, 1.0),))
        with monkeypatch.context() as patched:
            patched.setattr(Notes, "adopt", adopt_all_but_one)
            office.dispatcher.feed(Stage.STARTED)
            await asyncio.sleep(10)
            assert office.notes.adopted == ["node-2"]
        await asyncio.sleep(10)
        assert office.notes.adopted == ["node-2", "node-1"]

    play(story)
    assert sum(DEFECT in message for message in caplog.messages) == 1


def test_safe_21_what_cannot_be_told_keeps_no_other_message_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        office.dispatcher._settled = broken
        [message] = office.deliver(a_hook(office))
        await asyncio.sleep(3)
        [(name, event)] = office.notes.taken
        assert isinstance(event, AsgTermination)
        office.dispatcher.feed(SessionSettled(name, event, drained=True))
        assert office.notes.completed == [event.action]
        office.dispatcher.feed(HookEnded(event.action, Outcome.COMPLETED))
        assert office.notes.settled == [message]

    play(story)
    assert "what AWS waits for is settled, but that could not be reported" in caplog.text


@pytest.mark.parametrize("listener", ["records", "sessions"])
def test_safe_21_a_listener_of_nodes_that_fails_keeps_no_other_from_hearing(
    listener: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(office: Office) -> None:
        heard: list[str] = []
        adoptions = office.dispatch.adoptions
        monkeypatch.setattr(adoptions, "note", lambda name, _: heard.append(f"record of {name}"))
        monkeypatch.setattr(Notes, "node_news", lambda _, name, __: heard.append(f"news of {name}"))
        if listener == "records":
            monkeypatch.setattr(adoptions, "note", broken)
        else:
            monkeypatch.setattr(Notes, "node_news", broken)
        office.add_instance(1)
        office.deliver(a_spot(office))
        await asyncio.sleep(1)
        office.node_changed(None, office.add_node(1))
        await asyncio.sleep(0.1)
        assert heard == ["news of node-1" if listener == "records" else "record of node-1"]
        assert len(office.notes.taken) == 1

    play(story, rules(check_tag=True))
    said = "a change of a node could not be handled"
    assert [(record.exc_info is not None, record.message) for record in caplog.records] == [(True, said)]


def test_safe_21_needs_W15_an_answer_of_ec2_that_we_cannot_take_ends_nothing() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        aws.add_instance(an_id(1))
        directory = InstanceDirectory(aws.connect(AwsLink()).instances, clock)
        fine, directory._trimmed = directory._trimmed, broken  # type: ignore[method-assign, assignment]
        running: asyncio.Task[None] = asyncio.create_task(directory.run())
        asking: Coroutine[object, object, object] = directory.look_up(an_id(1))
        waiting = asyncio.create_task(asking)
        await asyncio.sleep(5)
        assert not running.done()
        assert not waiting.done()
        directory._trimmed = fine  # type: ignore[method-assign]
        await asyncio.wait_for(waiting, 60)
        running.cancel()

    run(main)


@pytest.mark.parametrize(("part", "verb"), [(Notes, "notice"), (Cluster, "by_name"), (OldNews, "verdict")])
def test_safe_21_an_old_event_that_a_defect_hits_is_left_to_the_queue_and_ends_nothing(
    part: type, verb: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        office.aws.add_instance(an_id(1))
        await asyncio.sleep(1000)
        body = state_message(an_id(1), office.clock.now() - 500)
        with monkeypatch.context() as patched:
            patched.setattr(part, verb, broken)
            [message] = office.deliver(body)
            await asyncio.sleep(5)
            assert office.notes.left == [message]
        # It comes again, and by then the defect does not show.
        office.deliver(body)
        await asyncio.sleep(5)
        assert len(office.notes.taken) == 1

    play(story)
    assert [record.exc_info is not None for record in caplog.records if DEFECT in record.message] == [True]


def test_safe_21_the_end_of_maintenance_is_left_to_the_queue_if_the_session_cannot_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        over = health_message([an_id(1)], office.clock.now(), status="closed")
        with monkeypatch.context() as patched:
            patched.setattr(Notes, "notice", broken)
            [message] = office.deliver(over)
            await asyncio.sleep(5)
            assert (office.notes.settled, office.notes.left) == ([], [message])
        [message] = office.deliver(over)
        assert office.notes.settled == [message]

    play(story)


def test_safe_21_an_event_that_is_over_is_left_to_the_queue_if_the_session_cannot_be_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        office.aws.add_instance(an_id(1))
        await asyncio.sleep(1000)
        office.aws.terminate_instance(an_id(1), "stopped")
        office.aws.start_instance(an_id(1))
        with monkeypatch.context() as patched:
            patched.setattr(Notes, "notice", broken)
            [message] = office.deliver(state_message(an_id(1), office.clock.now() - 500))
            await asyncio.sleep(5)
            assert (office.notes.settled, office.notes.left) == ([], [message])
        # It comes again, and by then the defect does not show.
        [message] = office.deliver(state_message(an_id(1), office.clock.now() - 500))
        await asyncio.sleep(5)
        assert office.notes.settled == [message]

    play(story)
    assert [record.exc_info is not None for record in caplog.records if DEFECT in record.message] == [True]
