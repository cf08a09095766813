"""What SQS does: here the simulation, in tests/adapters our adapter with a server.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

import asyncio

import pytest

from nth.core.notices.aws_facts import Message
from nth.errors import AwsRefused, NoSuchQueue
from nth.ports import Queue
from tests.contract.aws_stage import MAX_RECEIVE_COUNT, Play, Stage


@pytest.fixture
def play(play_aws: Play) -> Play:
    return play_aws


async def receive(
    queue: Queue, *, wait_seconds: int = 0, visibility_seconds: int = 30
) -> tuple[Message, ...]:
    return await queue.receive(wait_seconds=wait_seconds, visibility_seconds=visibility_seconds)


async def receive_one(queue: Queue, *, wait_seconds: int = 0, visibility_seconds: int = 30) -> Message:
    (message,) = await receive(queue, wait_seconds=wait_seconds, visibility_seconds=visibility_seconds)
    return message


def test_Q1_a_message_comes_with_what_is_known_of_it(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        message_id = await stage.send('{"text": "grüß <Gott> & \\u2603"}')
        message = await receive_one(stage.queue)
        assert message.queue_url == stage.queue.url
        assert message.message_id == message_id
        assert message.body == '{"text": "grüß <Gott> & \\u2603"}'
        assert message.receive_count == 1
        assert abs(message.sent_at - stage.now()) < 5

    play(scenario)


def test_an_empty_queue_answers_when_the_wait_is_over(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        begin_at = stage.now()
        assert await receive(stage.queue, wait_seconds=1) == ()
        assert 0.9 < stage.now() - begin_at < 2
        assert await receive(stage.queue) == ()

    play(scenario)


def test_needs_W3_a_long_poll_answers_when_a_message_comes(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        poll = asyncio.create_task(receive(stage.queue, wait_seconds=20))
        await asyncio.sleep(0.3)
        sent_at = stage.now()
        await stage.send("hello")
        (message,) = await poll
        assert message.body == "hello"
        assert stage.now() - sent_at < 1

    play(scenario)


def test_Q1_at_most_ten_messages_come_at_once_and_each_once(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        sent = {await stage.send(str(i)) for i in range(12)}
        first, second = await receive(stage.queue), await receive(stage.queue)
        assert (len(first), len(second)) == (10, 2)
        assert {message.message_id for message in first + second} == sent
        assert await receive(stage.queue) == ()

    play(scenario)


def test_needs_W33_a_message_comes_again_with_another_handle_when_nobody_extends_its_visibility(
    play: Play,
) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.send("hello")
        first = await receive_one(stage.queue, visibility_seconds=1)
        assert await receive(stage.queue) == ()
        second = await receive_one(stage.queue, wait_seconds=3)
        assert (second.message_id, second.receive_count) == (first.message_id, 2)
        assert second.receipt_handle != first.receipt_handle
        assert second.sent_at == first.sent_at

    play(scenario)


def test_needs_W33_an_extended_message_stays_hidden(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.send("hello")
        message = await receive_one(stage.queue, visibility_seconds=1)
        assert await stage.queue.change_visibility([message.receipt_handle], 30) == {}
        assert await receive(stage.queue, wait_seconds=2) == ()

    play(scenario)


def test_a_message_that_is_given_back_comes_again_at_once(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.send("hello")
        message = await receive_one(stage.queue)
        poll = asyncio.create_task(receive(stage.queue, wait_seconds=20))
        await asyncio.sleep(0.1)
        given_back_at = stage.now()
        assert await stage.queue.change_visibility([message.receipt_handle], 0) == {}
        (again,) = await poll
        assert again.message_id == message.message_id
        assert stage.now() - given_back_at < 1

    play(scenario)


def test_a_deleted_message_never_comes_again_and_can_be_deleted_twice(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.send("hello")
        handle = (await receive_one(stage.queue, visibility_seconds=1)).receipt_handle
        assert await stage.queue.delete([handle]) == {}
        assert await stage.queue.delete([handle]) == {}
        assert await receive(stage.queue, wait_seconds=2) == ()

    play(scenario)


def test_needs_W33_an_old_receipt_handle_succeeds_and_deletes_nothing(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.send("hello")
        old = await receive_one(stage.queue)
        await stage.queue.change_visibility([old.receipt_handle], 0)
        new = await receive_one(stage.queue)
        assert await stage.queue.delete([old.receipt_handle]) == {}
        await stage.queue.change_visibility([new.receipt_handle], 0)
        assert (await receive_one(stage.queue)).message_id == old.message_id

    play(scenario)


def test_what_fails_of_a_batch_is_told_and_the_rest_is_done(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.send("hello")
        message = await receive_one(stage.queue)
        failed = await stage.queue.delete(["never-given", message.receipt_handle])
        assert {handle: (f.code, f.final) for handle, f in failed.items()} == {
            "never-given": ("ReceiptHandleIsInvalid", True)
        }
        failed = await stage.queue.change_visibility([message.receipt_handle, "never-given"], 0)
        assert {handle: (f.code, f.final) for handle, f in failed.items()} == {
            "never-given": ("ReceiptHandleIsInvalid", True),
            message.receipt_handle: ("InvalidParameterValue", True),
        }
        assert await receive(stage.queue) == ()

    play(scenario)


def test_no_message_is_hidden_for_more_than_12_hours_in_all(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.send("hello")
        message = await receive_one(stage.queue)
        await asyncio.sleep(0.01)
        failed = await stage.queue.change_visibility([message.receipt_handle], 12 * 3600)
        (failure,) = failed.values()
        assert (failure.code, failure.final) == ("InvalidParameterValue", True)
        assert "Total VisibilityTimeout" in failure.reason

    play(scenario)


def test_a_batch_has_one_to_ten_entries(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        with pytest.raises(AwsRefused) as caught:
            await stage.queue.delete([f"handle-{i}" for i in range(11)])
        assert caught.value.code == "TooManyEntriesInBatchRequest"
        with pytest.raises(AwsRefused) as caught:
            await stage.queue.change_visibility([], 0)
        assert caught.value.code == "EmptyBatchRequest"

    play(scenario)


def test_needs_W14_a_queue_that_does_not_exist_has_an_error_of_its_own(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        with pytest.raises(NoSuchQueue):
            await receive(stage.missing_queue)
        with pytest.raises(NoSuchQueue):
            await stage.missing_queue.delete(["handle"])
        with pytest.raises(NoSuchQueue):
            await stage.missing_queue.change_visibility(["handle"], 0)

    play(scenario)


def test_what_comes_too_often_goes_to_the_dead_letter_queue(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        message_id = await stage.send("hello")
        for count in range(1, MAX_RECEIVE_COUNT + 1):
            message = await receive_one(stage.queue)
            assert message.receive_count == count
            await stage.queue.change_visibility([message.receipt_handle], 0)
        assert await receive(stage.queue) == ()
        dead = await receive_one(stage.dead_letters)
        assert (dead.message_id, dead.body) == (message_id, "hello")

    play(scenario)
