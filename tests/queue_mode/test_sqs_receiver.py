"""Receiving from a queue."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pytest

from nth.core.notices.aws_facts import EntryFailure, Message
from nth.errors import AwsRefused, AwsThrottled, NoSuchQueue, SettingError
from nth.queue_mode.sqs_receiver import MAX_RECEIVERS, MAX_UNDECIDED
from nth.queue_mode.sqs_trouble import DELETING, EXTENDING, RECEIVING
from nth.simulation.aws_link import AwsLink, Request
from tests.queue_mode.queue_bed import DENIED, HOLD, KEEP, Bed, Recording, play, texts


class TestReceiving:
    def test_Q1_polls_are_long_and_messages_hidden_as_the_setting_says(self) -> None:
        asked: list[tuple[str, int, int]] = []

        async def scene(bed: Bed) -> None:
            await asyncio.sleep(61.5)
            assert bed.source.last_answer_at == pytest.approx(bed.started_at + 61, abs=0.1)

        play(scene, around=lambda queue: Recording(queue, asked))
        # The first poll is short: whether the queue answers is soon known.
        assert asked[:4] == [("receive", 1, 20), *[("receive", 20, 20)] * 3]

    def test_Q1_a_message_is_heard_the_moment_it_is_sent(self) -> None:
        async def scene(bed: Bed) -> None:
            await asyncio.sleep(30)
            bed.send()
            await asyncio.sleep(0.05)
            assert len(bed.seen) == 1

        play(scene)

    def test_needs_W3_receiving_goes_on_while_nothing_is_decided(self) -> None:
        async def scene(bed: Bed) -> None:
            bed.send(300)
            await asyncio.sleep(0.3)
            assert len(bed.seen) == 300
            for message in bed.seen:
                bed.source.give_back(message.message_id)

        play(scene, take=KEEP)

    def test_needs_W3_a_full_queue_is_received_by_many_calls_and_an_empty_one_by_one(self) -> None:
        async def scene(bed: Bed) -> None:
            bed.send(1000)
            await asyncio.sleep(0.1)
            assert bed.source.statistics().receivers == MAX_RECEIVERS
            # A connection each, which others need, too: not for a long poll.
            await asyncio.sleep(1.2)
            assert bed.source.statistics().receivers == 1
            await asyncio.sleep(45)
            assert len(bed.link.asked("ReceiveMessage")) < 130

        play(scene)

    def test_needs_W3_no_more_is_received_while_too_many_wait_to_be_looked_at(self) -> None:
        async def scene(bed: Bed) -> None:
            bed.send(3000)
            await asyncio.sleep(60)
            most = MAX_UNDECIDED + MAX_RECEIVERS * 10
            assert MAX_UNDECIDED <= len(bed.seen) <= most
            assert bed.source.statistics().undecided == len(bed.seen)
            # Held messages do not count: their sessions may take long.
            for message in tuple(bed.seen):
                bed.source.hold(message.message_id)
            await asyncio.sleep(5)
            assert 2 * MAX_UNDECIDED <= len(bed.seen) <= 2 * most
            assert len({each.message_id for each in bed.seen}) == len(bed.seen)
            for message in bed.seen:
                bed.source.leave(message.message_id)
            bed.source.stop_receiving()

        play(scene, take=KEEP)

    def test_needs_W3_deletions_that_lag_behind_slow_receiving_down_and_do_not_stop_it(self) -> None:
        def before(request: Request) -> AwsThrottled | None:
            return AwsThrottled("slow down") if request.action == "DeleteMessageBatch" else None

        async def scene(bed: Bed) -> None:
            bed.send(3000)
            await asyncio.sleep(1)
            assert bed.source.statistics().receivers == 1
            await asyncio.sleep(9)
            assert len(bed.seen) == 3000

        play(scene, link=AwsLink(before=before))

    def test_a_defect_of_whoever_takes_costs_only_what_was_not_decided(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def scene(bed: Bed) -> None:
            held, undecided = bed.send(2)
            await asyncio.sleep(25)
            seen = Counter(each.message_id for each in bed.seen)
            assert seen == {held: 1, undecided: 2}
            assert bed.source.statistics().held == 2

        def take(bed: Bed) -> Callable[[Sequence[Message]], None]:
            def once(messages: Sequence[Message]) -> None:
                bed.hold(messages[:1])
                for each in messages[1:]:
                    bed.seen.append(each)
                if len(messages) > 1:
                    raise RuntimeError("a defect")

            return once

        play(scene, take=take)
        assert texts(caplog) == ["messages could not be looked at; they will be delivered again"]


class TestTrouble:
    def test_needs_W14_an_outage_of_30_s_is_told_once_and_nothing_is_lost(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)

        async def scene(bed: Bed) -> None:
            first = bed.send(3)
            await asyncio.sleep(5)
            bed.aws.go_down(30, "sqs")
            for message_id in first:
                bed.source.settle(message_id)
            second = bed.send(3)
            await asyncio.sleep(30)
            assert len(bed.seen) == 3
            assert bed.source.statistics().receive_failures > 0
            # Retries come every 5 s at most, ± 20 %.
            await asyncio.sleep(7)
            assert len(bed.seen) == 6
            for message_id in second:
                bed.source.settle(message_id)
            await asyncio.sleep(60)
            assert len(bed.store) == 0
            assert len(bed.seen) == 6
            assert len(bed.link.requests) < 60

        play(scene, take=HOLD)
        assert Counter(texts(caplog)) == Counter(
            [RECEIVING.failing, RECEIVING.over, DELETING.failing, DELETING.over]
        ) + Counter(text for text in texts(caplog) if text in (EXTENDING.failing, EXTENDING.over))
        assert texts(caplog).count(EXTENDING.failing) <= 1

    def test_needs_W14_throttling_is_told_once_and_asks_less_often(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        until_at = [0.0]

        def before(request: Request) -> AwsThrottled | None:
            return AwsThrottled("slow down") if request.at < until_at[0] else None

        async def scene(bed: Bed) -> None:
            bed.send(2000)
            await asyncio.sleep(0.1)
            until_at[0] = bed.clock.now() + 30
            await asyncio.sleep(0.1)
            asked = len(bed.link.requests)
            await asyncio.sleep(29.8)
            assert bed.source.statistics().receivers == 1
            assert len(bed.link.requests) - asked < 30
            await asyncio.sleep(30)
            assert len(bed.store) == 0

        assert len(play(scene, link=AwsLink(before=before)).seen) == 2000
        assert texts(caplog).count(RECEIVING.failing) == 1

    def test_P9_a_queue_that_does_not_exist_at_the_start_is_a_wrong_setting(self) -> None:
        async def scene(bed: Bed) -> None:
            await asyncio.sleep(60)

        with pytest.raises(ExceptionGroup) as caught:
            play(scene, before=lambda aws, url: aws.delete_queue(url))
        (error,) = caught.value.exceptions
        assert isinstance(error, SettingError)
        assert str(error) == (
            "--queue-url (QUEUE_URL) is 'https://sqs.eu-west-1.amazonaws.com/123456789012/queue', "
            "and there is no such queue; allowed: the URL of an SQS queue that exists"
        )

    def test_a_queue_that_goes_away_later_is_trouble_that_may_end(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        gone = [False]

        def before(request: Request) -> NoSuchQueue | None:
            return NoSuchQueue("no such queue", code="QueueDoesNotExist") if gone[0] else None

        async def scene(bed: Bed) -> None:
            await asyncio.sleep(5)
            gone[0] = True
            await asyncio.sleep(60)
            gone[0] = False
            bed.send()
            await asyncio.sleep(10)
            assert len(bed.seen) == 1

        play(scene, link=AwsLink(before=before))
        assert texts(caplog) == [RECEIVING.failing, RECEIVING.over]

    def test_without_permission_to_receive_it_is_an_error_once_and_tried_every_10_s(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        allowed_at = [0.0]

        def before(request: Request) -> AwsRefused | None:
            return DENIED if request.at < allowed_at[0] else None

        async def scene(bed: Bed) -> None:
            allowed_at[0] = bed.clock.now() + 65
            await asyncio.sleep(0)
            bed.send()
            await asyncio.sleep(64)
            assert len(bed.link.asked("ReceiveMessage")) == 7
            assert bed.source.last_answer_at is None
            await asyncio.sleep(10)
            assert len(bed.seen) == 1

        play(scene, link=AwsLink(before=before))
        refused, over = caplog.records
        expected = RECEIVING.refused_for("AccessDenied")
        assert (refused.levelno, refused.getMessage()) == (logging.ERROR, expected)
        assert refused.__dict__["fields"]["code"] == "AccessDenied"
        assert over.getMessage() == RECEIVING.over

    def test_a_defect_in_the_adapter_is_logged_and_tried_again(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Defective(Recording):
            broken = {"receive": 2, "delete": 2}

            def fail(self, verb: str) -> None:
                self.broken[verb] -= 1
                if self.broken[verb] >= 0:
                    raise RuntimeError("a defect")

            async def receive(self, *, wait_seconds: int, visibility_seconds: int) -> tuple[Message, ...]:
                self.fail("receive")
                return await super().receive(wait_seconds=wait_seconds, visibility_seconds=visibility_seconds)

            async def delete(self, receipt_handles: Sequence[str]) -> Mapping[str, EntryFailure]:
                self.fail("delete")
                return await super().delete(receipt_handles)

        async def scene(bed: Bed) -> None:
            bed.send()
            await asyncio.sleep(5)
            assert len(bed.store) == 0

        play(scene, around=lambda queue: Defective(queue, []))
        assert sum("failed in the handler itself" in text for text in texts(caplog)) == 4


async def gathered(bed: Bed) -> None:
    """Until nothing more is gathered."""
    for _ in range(1000):
        if not bed.source.gathering:
            return
        await asyncio.sleep(0.02)


class TestGathering:
    def test_a_storm_is_gathered_when_no_more_comes_and_all_is_decided(self) -> None:
        async def scene(bed: Bed) -> None:
            before = bed.source.gathering
            bed.send(35)
            await asyncio.sleep(0.02)
            assert (before, bed.source.gathering) == (False, True)
            asyncio.get_running_loop().call_later(2.0, lambda: bed.hold(bed.seen.copy()))
            await gathered(bed)
            assert len({each.message_id for each in bed.seen}) == 35
            assert bed.seconds == pytest.approx(2.0, abs=0.05)

        play(scene, take=KEEP)

    def test_a_queue_of_exactly_ten_messages_is_gathered_soon(self) -> None:
        async def scene(bed: Bed) -> None:
            bed.send(10)
            await asyncio.sleep(0.05)
            assert bed.source.gathering
            await gathered(bed)
            assert bed.seconds < 0.4

        play(scene)


class TestShuttingDown:
    def test_sigterm_gives_back_what_is_not_begun_and_deletes_what_is_done(self) -> None:
        async def scene(bed: Bed) -> None:
            done, unstarted, held = bed.send(3)
            await asyncio.sleep(1)
            bed.source.stop_receiving()
            bed.source.settle(done)
            bed.source.give_back(unstarted)
            bed.source.hold(held)
            assert await bed.source.flush(5)
            assert bed.seconds < 1.2
            assert bed.store.deleted == [done]
            assert await bed.received_by_another() == [unstarted]

        play(scene, take=KEEP)

    def test_what_a_last_call_brings_is_given_back_unlooked(self) -> None:
        async def scene(bed: Bed) -> None:
            await asyncio.sleep(5)
            bed.source.stop_receiving()
            (sent,) = bed.send()
            await asyncio.sleep(0.1)
            assert bed.seen == []
            assert await bed.received_by_another() == [sent]
            await asyncio.sleep(60)
            assert len(bed.link.asked("ReceiveMessage")) == 2

        play(scene)

    def test_flushing_takes_no_longer_than_it_may(self, caplog: pytest.LogCaptureFixture) -> None:
        async def scene(bed: Bed) -> None:
            (sent,) = bed.send()
            await asyncio.sleep(1)
            bed.aws.go_down(1000, "sqs")
            bed.source.settle(sent)
            assert not await bed.source.flush(3)
            assert bed.seconds == pytest.approx(4, abs=0.01)
            assert len(bed.store) == 1

        play(scene, take=HOLD)
        assert "Messages could not be deleted or given back in time; they will be delivered again" in texts(
            caplog
        )

    def test_it_can_be_stopped_while_too_many_wait_to_be_looked_at(self) -> None:
        async def scene(bed: Bed) -> None:
            bed.send(3000)
            await asyncio.sleep(5)
            for message in bed.seen:
                bed.source.give_back(message.message_id)
            number = len(bed.seen)
            bed.source.stop_receiving()
            assert await bed.source.flush(10)
            assert len(bed.seen) == number
            assert bed.source.statistics().undecided == 0
            assert bed.store.in_flight(bed.clock.now()) == 0

        play(scene, take=KEEP)
