"""Queue mode through everything that AWS and the Kubernetes API can do wrong: one drain, one completion."""

import asyncio
import logging
import random
from collections import Counter

import pytest

from nth.core.notices.aws_facts import EntryFailure
from nth.core.reports import DrainEnded, NoticeReceived, Trouble
from nth.errors import AwsError, AwsRefused, AwsThrottled, AwsUnreachable, Unreachable
from nth.simulation.aws_link import Request
from nth.simulation.objects import BudgetSpec
from tests.core import queue_samples as samples
from tests.queue_mode.fleet_worlds import Stage, instance_of, play

PASSING = EntryFailure("InternalError", "try again", final=False)


async def ready(stage: Stage) -> None:
    stage.replica()
    await asyncio.sleep(3)


def storm(stage: Stage, number: int) -> list[str]:
    """Half of the nodes by a Spot warning, half by a hook."""
    names = [f"n{each}" for each in range(number)]
    for each, name in enumerate(names):
        if each % 2:
            stage.asg(name)
        else:
            stage.spot(name)
    return names


def block(stage: Stage, allowed: int = 0) -> None:
    """So many pods may be unavailable at a time."""
    stage.cluster.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=allowed))


async def all_well(stage: Stage, names: list[str], seconds: float = 180.0) -> None:
    """Every node drained once, each pod evicted once, every hook completed once, nothing left."""
    await stage.end_well(*names, seconds=seconds)
    assert set(stage.evicted.values()) == {1}
    assert Counter(stage.how_ended()) == Counter({"CONTINUE": len(stage.tokens)} if stage.tokens else {})
    for name in names:
        assert [report.drained for report in stage.reports_of(name, DrainEnded)] == [True]


# Deliveries


@pytest.mark.parametrize("seed", range(8))
def test_duplicates_in_any_order(seed: int) -> None:
    chance = random.Random(seed)

    async def story(stage: Stage) -> None:
        stage.hook()
        await ready(stage)
        sent = [stage.asg("n0"), stage.rebalance("n0"), stage.spot("n0"), stage.spot("n1")]
        for _ in range(40):
            await asyncio.sleep(chance.choice([0, 0.01, 0.3]))
            message_id = chance.choice(sent)
            if message_id not in stage.aws.queue_store(stage.urls[0]).deleted:
                stage.aws.duplicate(stage.urls[0], message_id)
        await all_well(stage, ["n0", "n1"])
        assert len(stage.reports(NoticeReceived)) == 4

    play(story, doomed=2)


def test_the_same_event_in_several_messages_is_one_event() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        body = samples.spot_message(instance_of("n0"), stage.clock.now())
        for pause_seconds in (0, 0.05, 2, 10):
            stage.send(body, "n0")
            await asyncio.sleep(pause_seconds)
        await all_well(stage, ["n0"])
        assert len(stage.reports(NoticeReceived)) == 1
        assert len(stage.aws.queue_store(stage.urls[0]).deleted) == 4

    play(story)


def test_needs_W33_stale_receipt_handles_are_replaced_by_the_newest() -> None:
    async def story(stage: Stage) -> None:
        block(stage)
        await ready(stage)
        message_id = stage.spot("n0")
        for _ in range(5):
            await asyncio.sleep(2)
            stage.aws.duplicate(stage.urls[0], message_id)
        await asyncio.sleep(2)
        block(stage, 4)
        await all_well(stage, ["n0"])
        (deleted,) = stage.replicas[0].aws.asked("DeleteMessageBatch")
        assert deleted.what == (f"{message_id}#6",)

    play(story)


def test_needs_W33_when_visibility_cannot_be_extended_redelivery_does_no_harm() -> None:
    def fault(request: Request) -> AwsError | None:
        refused = request.action == "ChangeMessageVisibilityBatch"
        return AwsRefused("no permission", code="AccessDenied") if refused else None

    async def story(stage: Stage) -> None:
        stage.aws_fault = fault
        block(stage)
        await ready(stage)
        stage.spot("n0")
        await asyncio.sleep(30)
        block(stage, 4)
        await all_well(stage, ["n0"])
        (source,) = stage.replicas[0].mode.sources.values()
        assert source.statistics().counts.duplicates > 1

    play(story, SQS_MSG_VISIBILITY_TIMEOUT_SEC="5")


def test_half_failed_batches_are_tried_again() -> None:
    tried: Counter[str] = Counter()

    def entry_fault(request: Request, handle: str) -> EntryFailure | None:
        tried[handle] += 1
        return PASSING if tried[handle] <= 3 and int(handle[:8], 16) % 2 else None

    async def story(stage: Stage) -> None:
        stage.entry_fault = entry_fault
        stage.hook()
        await ready(stage)
        await all_well(stage, storm(stage, 10))

    play(story, doomed=10, rest=4)


def test_batches_whose_answer_is_lost() -> None:
    async def story(stage: Stage) -> None:
        lost = 0

        def acted(request: Request) -> AwsError | None:
            nonlocal lost
            stage_acted(request)
            lost += 1
            return AwsUnreachable("reset") if lost % 2 and request.action != "ReceiveMessage" else None

        stage_acted = stage.aws_acted
        stage.aws_acted = acted  # type: ignore[method-assign]
        stage.hook()
        await ready(stage)
        await all_well(stage, storm(stage, 6))

    play(story, doomed=6, rest=3)


def test_answers_of_receive_calls_that_are_lost() -> None:
    async def story(stage: Stage) -> None:
        lost = 0

        def acted(request: Request) -> AwsError | None:
            nonlocal lost
            stage_acted(request)
            lost += request.action == "ReceiveMessage"
            return AwsUnreachable("reset") if request.action == "ReceiveMessage" and lost < 6 else None

        stage_acted = stage.aws_acted
        stage.aws_acted = acted  # type: ignore[method-assign]
        stage.hook()
        names = storm(stage, 6)
        await ready(stage)
        await all_well(stage, names)

    play(story, doomed=6, rest=3)


# SQS, EC2 and Auto Scaling


@pytest.mark.parametrize(
    "error", [AwsThrottled("slow down"), AwsUnreachable("500")], ids=["throttled", "500"]
)
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_P10_aws_that_often_fails(error: AwsError, share: float) -> None:
    chance = random.Random(7)

    async def story(stage: Stage) -> None:
        stage.aws_fault = lambda request: error if chance.random() < share else None
        stage.hook()
        await ready(stage)
        names = storm(stage, 6)
        await asyncio.sleep(60)
        stage.aws_fault = lambda request: None
        await all_well(stage, names)

    play(story, doomed=6, rest=3)


@pytest.mark.parametrize("after_seconds", [0.0, 0.02, 0.1, 2.0, 5.0])
def test_sqs_that_is_gone_for_30_s(after_seconds: float, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def story(stage: Stage) -> None:
        stage.hook()
        await ready(stage)
        names = storm(stage, 6)
        await asyncio.sleep(after_seconds)
        stage.aws.go_down(30, "sqs")
        await all_well(stage, names)

    play(story, doomed=6, rest=3)
    began = [record for record in caplog.records if "does not answer" in record.message]
    assert len(began) == 1


def test_needs_W11_a_completion_that_fails_three_times_is_tried_until_it_succeeds() -> None:
    tried: list[Request] = []

    def fault(request: Request) -> AwsError | None:
        if request.action != "CompleteLifecycleAction":
            return None
        tried.append(request)
        return AwsUnreachable("500") if len(tried) <= 3 else None

    async def story(stage: Stage) -> None:
        stage.aws_fault = fault
        stage.hook()
        await ready(stage)
        stage.asg("n0")
        await stage.until(lambda: len(tried) == 3)
        assert stage.queued == 1
        await all_well(stage, ["n0"])
        assert len(tried) == 4

    play(story)


def test_needs_W11_a_completion_without_permission_is_tried_until_somebody_gives_it() -> None:
    allowed = False

    def fault(request: Request) -> AwsError | None:
        refused = request.action == "CompleteLifecycleAction" and not allowed
        return AwsRefused("not authorized", code="AccessDenied") if refused else None

    async def story(stage: Stage) -> None:
        nonlocal allowed
        stage.aws_fault = fault
        stage.hook()
        await ready(stage)
        stage.asg("n0")
        await asyncio.sleep(100)
        allowed = True
        await all_well(stage, ["n0"])

    play(story)


@pytest.mark.parametrize("before_message", [True, False])
def test_a_token_that_is_gone_ends_the_hook_and_its_message(before_message: bool) -> None:
    async def story(stage: Stage) -> None:
        stage.hook()
        await ready(stage)
        (action,) = stage.aws.begin_termination(instance_of("n0"))
        somebody = stage.aws.connect().hooks
        if before_message:
            await somebody.complete(action, "CONTINUE")
        body = stage.hook_body("n0", action)
        stage.aws.send(stage.urls[0], body)
        await asyncio.sleep(0.3)
        if not before_message:
            await somebody.complete(action, "CONTINUE")
        await stage.settled()
        assert stage.how_ended() == {"CONTINUE": 1}

    play(story)


# Kubernetes


@pytest.mark.parametrize("after_seconds", [0.0, 0.012, 0.02, 0.1, 1.0, 4.0])
def test_needs_W16_the_kubernetes_api_gone_for_20_s_in_a_storm(after_seconds: float) -> None:
    async def story(stage: Stage) -> None:
        stage.hook()
        await ready(stage)
        names = storm(stage, 8)
        await asyncio.sleep(after_seconds)
        now = stage.clock.now()
        stage.cluster.set_outage(now, now + 20)
        await all_well(stage, names)
        assert len(stage.reports(Trouble)) <= 8

    play(story, doomed=8, rest=4)


def test_watches_that_break_again_and_again() -> None:
    async def story(stage: Stage) -> None:
        stage.hook()
        await ready(stage)
        names = storm(stage, 6)
        for _ in range(20):
            await asyncio.sleep(0.3)
            stage.cluster.forget_history()
            stage.replicas[0].connection.break_watches(Unreachable("reset"))
        await all_well(stage, names)

    play(story, doomed=6, rest=3)


# Messages that nobody can read


POISON = [
    "",
    "{",
    "null",
    "[]",
    '{"source": "aws.ec2"}',
    "\x00",
    '{"detail": {"instance-id": 7}}',
    "9" * 5000,
]


@pytest.mark.parametrize("policy", ["leave", "delete"])
def test_needs_W14_poison_blocks_nothing_and_is_told_once(
    policy: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        for number, body in enumerate(POISON):
            stage.aws.send(stage.urls[0], body)
            stage.spot(f"n{number}")
        await stage.until(lambda: all(stage.is_cordoned(f"n{each}") for each in range(len(POISON))), 2)
        # Several deliveries of each.
        await asyncio.sleep(100)
        assert stage.queued == (len(POISON) if policy == "leave" else 0)
        assert stage.replicas[0].in_hand == {}
        assert len(stage.reports(DrainEnded)) == len(POISON)

    play(story, doomed=len(POISON), rest=4, UNREADABLE_MESSAGES=policy)
    told = [record for record in caplog.records if "cannot be read" in record.message]
    assert len(told) == len(POISON)


def test_poison_goes_to_the_dead_letter_queue_and_other_kinds_are_deleted() -> None:
    async def story(stage: Stage) -> None:
        dead = stage.aws.create_queue("dead")
        url = stage.aws.create_queue("living", dead_letters=dead, max_receive_count=3)
        stage.urls[:] = [url]
        stage.env["QUEUE_URL"] = url
        await ready(stage)
        stage.aws.send(url, "{")
        stage.aws.send(url, samples.state_message(instance_of("n0"), stage.clock.now(), state="running"))
        stage.spot("n0")
        await stage.settled()
        assert stage.aws.queue_store(dead).bodies == ("{",)
        await stage.end_well("n0")

    play(story)
