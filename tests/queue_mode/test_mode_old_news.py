"""Old news: a handler was down, and what its queue has kept is checked before anything is done about it."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine

import pytest

from nth.core.node.node_annotation import RECORD_ANNOTATION
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.reports import DrainEnded, NodeRestored, NoticeReceived, NoticeWithdrawn, PodForced
from nth.errors import AwsError, AwsRefused, AwsThrottled
from nth.simulation.aws_link import Request
from nth.simulation.objects import BudgetSpec
from tests.core import queue_samples as samples
from tests.queue_mode.fleet_worlds import GROUP, Stage, instance_of, play

LOGGER = "nth.queue_mode.dispatch"
OVER = "An old event is over, doing nothing for it"
AGES = [1200.0, 24 * 3600.0]
KINDS = ["stopped", "stopping", "spot"]
Story = Callable[[Stage], Coroutine[object, object, None]]


def body_of(stage: Stage, kind: str, age: float, event_id: str = "") -> str:
    """A message about an event of n0 that is so old."""
    at, event_id = stage.clock.now() - age, event_id or stage.event_id()
    if kind == "spot":
        return samples.spot_message(instance_of("n0"), at, action="stop", event_id=event_id)
    return samples.state_message(instance_of("n0"), at, state=kind, event_id=event_id)


def down_and_up(stage: Stage) -> None:
    """The instance was stopped, and started again just now: its id, its Node and its pods are the same."""
    stage.aws.terminate_instance(instance_of("n0"), "stopped")
    stage.aws.start_instance(instance_of("n0"))


async def outage(stage: Stage, seconds: float = 2 * 24 * 3600.0) -> None:
    """Nobody listens for so long, and the Nodes are older than what comes."""
    await asyncio.sleep(seconds)


async def listen(stage: Stage) -> None:
    stage.replica()
    await asyncio.sleep(3)


def assert_untouched(stage: Stage) -> None:
    """As the API server says, and as was told."""
    node = stage.node("n0")
    assert not node.unschedulable
    assert RECORD_ANNOTATION not in node.annotations
    assert node.taints == ()
    assert len(stage.movable("n0")) == 4
    assert stage.evicted == {}
    assert stage.reports(NoticeReceived) == []


def said(caplog: pytest.LogCaptureFixture, text: str) -> int:
    return sum(record.message == text for record in caplog.records)


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("kind", KINDS)
def test_safe_5_an_instance_that_was_started_since_is_left_alone(
    kind: str, age: float, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: Stage) -> None:
        await outage(stage)
        down_and_up(stage)
        stage.send(body_of(stage, kind, age))
        await listen(stage)
        await stage.settled(30)
        await asyncio.sleep(200)
        assert_untouched(stage)
        assert stage.replicas[0].mode.dispatch.counts["over"] == 1

    with caplog.at_level(logging.INFO, LOGGER):
        play(story)
    assert said(caplog, OVER) == 1


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("kind", KINDS)
def test_safe_5_running_alone_proves_nothing_and_a_late_drain_forces_nothing(kind: str, age: float) -> None:
    """A budget that allows nothing holds its pods for ever; the others go with their own grace."""

    async def story(stage: Stage) -> None:
        stage.cluster.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, min_available=4))
        await outage(stage)
        stage.send(body_of(stage, kind, age), "n0")
        await listen(stage)
        await asyncio.sleep(300)
        assert stage.is_cordoned("n0")
        assert len(stage.movable("n0")) == 4
        assert stage.reports(PodForced) == []
        stage.cluster.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, min_available=3))
        await stage.settled(120)
        assert {each.drained for each in stage.reports(DrainEnded)} == {False, True}
        assert stage.reports(PodForced) == []
        await stage.end_well("n0")

    play(story)


def test_safe_5_an_event_of_two_minutes_is_taken_at_its_word() -> None:
    async def story(stage: Stage) -> None:
        await outage(stage)
        await listen(stage)
        down_and_up(stage)
        stage.send(body_of(stage, "stopping", 100), "n0")
        await stage.until(lambda: stage.is_cordoned("n0"), 5)
        assert stage.replicas[0].aws.asked("DescribeAutoScalingInstances") == []
        await stage.end_well("n0")

    play(story)


def test_safe_5_a_node_that_was_registered_since_needs_no_question() -> None:
    async def story(stage: Stage) -> None:
        await asyncio.sleep(10)
        stage.send(body_of(stage, "stopped", 1200))
        await listen(stage)
        await stage.settled(30)
        assert_untouched(stage)
        assert stage.replicas[0].aws.asked("DescribeInstances") == []

    play(story, CHECK_TAG_BEFORE_DRAINING="false")


def test_safe_5_other_kinds_are_handled_however_old_they_are() -> None:
    async def story(stage: Stage) -> None:
        await outage(stage)
        down_and_up(stage)
        at = stage.clock.now() - 3600
        stage.send(samples.rebalance_message(instance_of("n0"), at, event_id=stage.event_id()), "n0")
        await listen(stage)
        await stage.settled(60)
        await stage.end_well("n0")

    play(story)


# Hooks


async def waiting(stage: Stage) -> LifecycleAction:
    """n0 waits in a termination hook; nobody has told us yet."""
    stage.hook(seconds=7200)
    (action,) = stage.aws.begin_termination(instance_of("n0"))
    return action


def test_safe_5_a_hook_that_still_waits_is_drained_for_however_old_it_is() -> None:
    async def story(stage: Stage) -> None:
        action = await waiting(stage)
        stage.tokens[action.token] = "n0"
        stage.tell_hook("n0", action)
        await asyncio.sleep(1800)
        await listen(stage)
        await stage.settled(60)
        assert stage.how_ended() == {"CONTINUE": 1}
        assert stage.reports(DrainEnded)[-1].drained
        assert stage.reports(PodForced) == []

    play(story)


@pytest.mark.parametrize("state", ["InService", "Pending:Wait", "gone"])
def test_safe_5_a_hook_of_an_instance_that_is_not_terminating_is_over_and_not_completed(
    state: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: Stage) -> None:
        await outage(stage)
        action = LifecycleAction(
            group=GROUP, hook="drain-first", token="old-token", instance_id=instance_of("n0")
        )
        body = samples.asg_message(
            instance_of("n0"),
            stage.clock.now() - 1200,
            token=action.token,
            group=GROUP,
            hook=action.hook,
            event_id=stage.event_id(),
        )
        stage.send(body)
        if state == "Pending:Wait":
            stage.hook(launching=True)
            stage.aws.begin_launch(instance_of("n0"), group=GROUP)
        elif state == "gone":
            stage.aws.lifecycles.leave(instance_of("n0"))
        await listen(stage)
        await stage.until(lambda: stage.queued == 0, 30)
        await asyncio.sleep(100)
        assert_untouched(stage)
        assert stage.replicas[0].aws.asked("CompleteLifecycleAction") == []
        assert stage.replicas[0].aws.asked("RecordLifecycleActionHeartbeat") == []

    with caplog.at_level(logging.INFO, LOGGER):
        play(story)
    assert said(caplog, OVER) == 1


# What cannot be asked


def fails(action: str, error: AwsError, until: Callable[[], bool]) -> Callable[[Request], AwsError | None]:
    return lambda request: error if request.action == action and not until() else None


@pytest.mark.parametrize("back", [True, False], ids=["it is back", "it is not"])
def test_safe_5_while_ec2_is_silent_nothing_is_assumed(back: bool) -> None:
    async def story(stage: Stage) -> None:
        await outage(stage)
        answers_at = stage.clock.now() + 600
        stage.aws_fault = fails(
            "DescribeInstances", AwsThrottled("slow down"), lambda: stage.clock.now() >= answers_at
        )
        if back:
            down_and_up(stage)
        stage.send(body_of(stage, "stopped", 1200), *([] if back else ["n0"]))
        await listen(stage)
        await asyncio.sleep(500)
        assert_untouched(stage)
        assert stage.queued == 1
        await stage.settled(200)
        if back:
            assert_untouched(stage)
        else:
            await stage.end_well("n0")

    play(story, CHECK_TAG_BEFORE_DRAINING="false")


def test_safe_5_without_the_permission_to_ask_ec2_an_old_event_is_left_in_the_queue(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(stage: Stage) -> None:
        await outage(stage)
        given_at = stage.clock.now() + 120
        stage.aws_fault = fails(
            "DescribeInstances",
            AwsRefused("no", code="UnauthorizedOperation"),
            lambda: stage.clock.now() >= given_at,
        )
        down_and_up(stage)
        stage.send(body_of(stage, "stopped", 1200))
        await listen(stage)
        await asyncio.sleep(110)
        assert_untouched(stage)
        assert stage.queued == 1
        await stage.settled(100)
        assert_untouched(stage)

    with caplog.at_level(logging.INFO, LOGGER):
        play(story, CHECK_TAG_BEFORE_DRAINING="false")
    assert said(caplog, "An old event is left alone for now; AWS is asked about it again") == 1
    assert said(caplog, OVER) == 1


def test_safe_5_without_the_permission_to_ask_auto_scaling_a_hook_is_drained_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(stage: Stage) -> None:
        stage.aws_fault = fails(
            "DescribeAutoScalingInstances", AwsRefused("no", code="AccessDenied"), lambda: False
        )
        action = await waiting(stage)
        stage.tokens[action.token] = "n0"
        stage.tell_hook("n0", action)
        await asyncio.sleep(1800)
        await listen(stage)
        await stage.settled(60)
        assert stage.how_ended() == {"CONTINUE": 1}

    with caplog.at_level(logging.INFO, LOGGER):
        play(story)
    assert said(caplog, "An old event is handled unchecked") == 1


def test_safe_5_a_hook_is_not_missed_because_auto_scaling_is_silent() -> None:
    """What its timeout leaves is waited for; then the node is drained, unchecked."""

    async def story(stage: Stage) -> None:
        stage.aws_fault = fails("DescribeAutoScalingInstances", AwsThrottled("slow down"), lambda: False)
        stage.hook(seconds=1200)
        (action,) = stage.aws.begin_termination(instance_of("n0"))
        stage.tokens[action.token] = "n0"
        stage.tell_hook("n0", action)
        await asyncio.sleep(600)
        await listen(stage)
        await asyncio.sleep(400)
        assert_untouched(stage)
        await stage.settled(200)
        assert stage.how_ended() == {"CONTINUE": 1}

    play(story)


# Deliveries, replicas, restarts, floods


def test_safe_5_messages_of_one_old_event_are_all_settled(caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: Stage) -> None:
        await outage(stage)
        down_and_up(stage)
        body = body_of(stage, "stopped", 1200)
        first, _, _ = (stage.send(body) for _ in range(3))
        stage.aws.duplicate(stage.urls[0], first)
        await listen(stage)
        await stage.settled(60)
        assert_untouched(stage)

    with caplog.at_level(logging.INFO, LOGGER):
        play(story)
    assert said(caplog, OVER) == 1


@pytest.mark.parametrize("how", ["killed", "terminated"])
def test_safe_5_a_restart_while_aws_is_asked_loses_nothing(how: str) -> None:
    async def story(stage: Stage) -> None:
        await outage(stage)
        answers_at = stage.clock.now() + 30
        stage.aws_fault = fails(
            "DescribeInstances", AwsThrottled("slow down"), lambda: stage.clock.now() >= answers_at
        )
        stage.send(body_of(stage, "stopped", 1200), "n0")
        first = stage.replica("nth-a")
        await asyncio.sleep(10)
        first.die() if how == "killed" else first.terminate()
        await first.gone()
        stage.replica("nth-b")
        await stage.settled(120)
        await stage.end_well("n0")

    play(story, CHECK_TAG_BEFORE_DRAINING="false")


@pytest.mark.parametrize("back", [True, False], ids=["it is back", "it is not"])
def test_safe_5_a_record_is_checked_before_anybody_goes_on_with_it(back: bool) -> None:
    """The handler was killed in a drain that a budget held up; the machine was stopped, and started again."""

    async def story(stage: Stage) -> None:
        stage.cluster.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, min_available=4))
        first = stage.replica("nth-a")
        await asyncio.sleep(3)
        stage.state("n0", state="stopping")
        await stage.until(lambda: stage.is_cordoned("n0"), 5)
        await asyncio.sleep(5)
        first.die()
        await first.gone()
        stage.aws.queue_store(stage.urls[0]).purge()
        await asyncio.sleep(1200)
        if back:
            down_and_up(stage)
        stage.replica("nth-b")
        await asyncio.sleep(60)
        if back:
            assert not stage.is_cordoned("n0")
            assert stage.record("n0") is None
            assert len(stage.movable("n0")) == 4
            assert stage.evicted == {}
            assert stage.reports(PodForced) == []
            assert len(stage.reports(NoticeWithdrawn)) == len(stage.reports(NodeRestored)) == 1
        else:
            assert stage.is_cordoned("n0")
            # Its time was heard of in time, and has passed while it was drained: that is as before.
            assert stage.reports(PodForced) != []

    play(story)


def test_safe_5_a_flood_of_old_messages_is_cheap() -> None:
    async def story(stage: Stage) -> None:
        await outage(stage)
        for name in ("n0", "n1", "n2"):
            stage.aws.start_instance(instance_of(name))
        at = stage.clock.now() - 1200
        for number in range(2_000):
            event_id, instance_id = stage.event_id(), instance_of(f"n{number % 3}")
            body = samples.state_message(instance_id, at, state="stopped", event_id=event_id)
            stage.aws.send(stage.urls[0], body)
        replica = stage.replica()
        seconds = await stage.until(lambda: stage.queued == 0, 600)
        assert stage.evicted == {}
        assert not any(node.unschedulable for node in stage.cluster.nodes)
        assert len(replica.aws.asked("DescribeInstances")) <= seconds / 3 + 10
        assert replica.mode.dispatch.counts["over"] == 2_000

    began = time.process_time()
    play(story, doomed=3)
    assert time.process_time() - began < 30
