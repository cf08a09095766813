"""What a defect of our own code costs: never a message, a hook, a node or the process."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import pytest

from nth.core.facts import Node
from nth.core.lifecycle.hook_messages import Outcome
from nth.core.node.node_annotation import NodeRecord, Seen
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgLaunch, Event, InstanceStateChange, Withdrawn
from nth.core.policy import Policy
from nth.queue_mode.audience import each_of
from nth.queue_mode.instances import InstanceDirectory
from nth.queue_mode.launches import Launches
from nth.queue_mode.old_news import Gate, OldNews
from nth.simulation.aws import SimulatedAws
from nth.simulation.aws_link import AwsLink
from nth.simulation.clock import VirtualClock, run
from tests.core.queue_samples import LAUNCHING, asg_message, spot_message
from tests.queue_mode import test_handoff as test_wards
from tests.queue_mode import test_settlement, test_takeover
from tests.queue_mode.office import Office, a_node, an_id, play, rules

DEFECT = "the handler itself failed"
Given = Callable[[Office], None]


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
        (a_hook, "notes", "hook_deadline", broken_later, False),
        (a_hook, "notes", "take", broken, False),
        (a_launch, "notes", "hook_deadline", broken_later, False),
        (a_launch, "notes", "launch", broken, False),
        (a_spot, "cluster", "look_up", broken_later, True),
        (a_spot, "notes", "take", broken, False),
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
        assert len(office.desk) == 0
        # It comes again, and by then the defect does not show.
        whole.__class__ = fine
        office.deliver(body(office))
        await asyncio.sleep(20)
        assert len(office.notes.taken) + len(office.notes.launched) == 1

    play(story, rules(check_tag=check_tag))
    assert [record.exc_info is not None for record in caplog.records if DEFECT in record.message] == [True]


def test_safe_21_a_launch_that_could_not_be_completed_is_tried_again() -> None:
    ready: list[AsgLaunch] = []
    work: list[Callable[[AsgLaunch], None]] = [broken, ready.append]
    launches = Launches(find=lambda _: None, ready=lambda event: work[0](event))
    event = AsgLaunch(
        event_id="e",
        instance_id=an_id(1),
        action=LifecycleAction(group="g", hook="h", token="t", instance_id=an_id(1)),
        noticed_at=1.0,
    )
    launches.add(event, 100.0)
    with pytest.raises(RuntimeError):
        launches.look(an_id(1), a_node(1))
    work.pop(0)
    launches.look(an_id(1), a_node(1))
    assert (ready, len(launches)) == ([event], 0)


@pytest.mark.parametrize("verb", ["done", "gone", "take"])
def test_safe_21_a_ward_that_a_defect_hits_is_looked_at_again(
    verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(scene: test_wards.Scene) -> None:
        heard: list[Event] = []
        setattr(scene.wards, f"_{verb}", broken)
        scene.wards.add("one", test_wards.SPOT)
        scene.there = verb != "gone"
        if verb != "gone":
            done = verb == "done"
            events = (Seen(test_wards.SPOT, 1.0, settled=True),) if done else ()
            holder = test_wards.OTHER if done else ""
            await scene.write(NodeRecord(session_id="s", holder=holder, events=events))
        await asyncio.sleep(10)
        assert len(scene.wards) == 1
        assert scene.looks < 30, "a defect must not be met again and again without a pause"
        setattr(scene.wards, f"_{verb}", lambda *given: heard.append(given[-1]))
        await asyncio.sleep(10)
        assert (heard, len(scene.wards)) == ([test_wards.SPOT], 0)

    test_wards.play(story)
    assert [DEFECT in message for message in caplog.messages] == [True]


def test_safe_21_a_node_that_cannot_be_taken_over_holds_up_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(scene: test_takeover.Scene) -> None:
        adopt = scene.adopt

        def adopt_all_but_one(
            node: Node, booted_at: float | None, *, over: Sequence[Withdrawn] = ()
        ) -> tuple[str, ...]:
            if node.name == "a-bad-one":
                broken()
            return adopt(node, booted_at, over=over)

        scene.adopt = adopt_all_but_one  # type: ignore[method-assign]
        for name in ("a-bad-one", test_takeover.OURS):
            scene.stands(name, "", (Seen(test_takeover.SPOT, 1.0),))
        await asyncio.sleep(10)
        assert scene.adopted == [test_takeover.OURS]
        scene.adopt = adopt  # type: ignore[method-assign]
        await asyncio.sleep(10)
        assert scene.adopted == [test_takeover.OURS, "a-bad-one"]

    test_takeover.play(story)
    assert sum(DEFECT in message for message in caplog.messages) == 1


def test_safe_21_what_cannot_be_told_keeps_no_other_message_waiting() -> None:
    scene = test_settlement.Scene()
    scene.settlement._settled = broken
    scene.receive(test_settlement.HOOK)
    scene.settlement.settle("node-1", test_settlement.HOOK, drained=True)
    scene.settlement.hook_done(test_settlement.HOOK.action, Outcome.COMPLETED)
    assert scene.notes.settled == [test_settlement.REF.message_id]


def test_safe_21_a_listener_of_nodes_that_fails_keeps_no_other_from_hearing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[tuple[Node | None, Node | None]] = []
    tell = each_of(broken, lambda *change: heard.append(change), broken)
    tell(None, a_node(1))
    assert heard == [(None, a_node(1))]
    assert [record.exc_info is not None for record in caplog.records] == [True, True]


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


@pytest.mark.parametrize("verb", ["_take", "_over", "_find"])
def test_safe_21_an_old_event_that_a_defect_hits_is_left_to_the_queue_and_ends_nothing(
    verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(clock: VirtualClock) -> None:
        aws, node, left = SimulatedAws(clock), a_node(1), list[Event]()
        aws.add_instance(an_id(1))
        await asyncio.sleep(1000)
        if verb == "_over":
            aws.terminate_instance(an_id(1), "stopped")
            aws.start_instance(an_id(1))
        connection = aws.connect(AwsLink())
        news = OldNews(connection.instances, connection.hooks, clock, Policy())
        gate = Gate(
            news,
            clock,
            find=lambda _: node,
            take=lambda *_: None,
            over=lambda *_: None,
            leave=left.append,
            gone=lambda _: None,
            launched_at=lambda _: None,
        )
        setattr(gate, verb, broken)
        running = [asyncio.create_task(part) for part in (gate.run(), news.run())]
        await asyncio.sleep(0)
        event = InstanceStateChange(
            event_id="e", instance_id=an_id(1), state="stopping", noticed_at=clock.now() - 500
        )
        gate.take(node, event)
        await asyncio.sleep(5)
        assert left == [event]
        assert not any(part.done() for part in running)
        for part in running:
            part.cancel()

    run(main)
    assert [record.exc_info is not None for record in caplog.records if DEFECT in record.message] == [True]
