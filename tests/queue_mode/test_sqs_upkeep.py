"""Keeping messages hidden, and deleting them."""

import asyncio
import logging
from collections import Counter

import pytest

from nth.core.notices.aws_facts import EntryFailure
from nth.errors import AwsRefused, AwsUnreachable
from nth.queue_mode.sqs_trouble import DELETING, EXTENDING
from nth.simulation.aws_link import AwsLink, Request
from tests.queue_mode.queue_bed import BUSY, DENIED, HOLD, Bed, play, texts


class TestHolding:
    def test_needs_W33_a_held_message_is_seen_by_nobody_else_until_it_is_deleted(self) -> None:
        async def scene(bed: Bed) -> None:
            (sent,) = bed.send()
            for _ in range(300):
                await asyncio.sleep(1)
                assert await bed.received_by_another() == []
            assert len(bed.seen) == 1
            assert len(bed.link.asked("ChangeMessageVisibilityBatch")) == 30
            bed.source.settle(sent)
            await asyncio.sleep(0.1)
            assert bed.store.deleted == [sent]

        play(scene, take=HOLD)

    def test_needs_W33_a_redelivery_is_not_handled_twice_and_its_handle_deletes(self) -> None:
        async def scene(bed: Bed) -> None:
            (sent,) = bed.send()
            await asyncio.sleep(1)
            bed.aws.duplicate(bed.url, sent)
            await asyncio.sleep(1)
            assert bed.source.statistics().counts.duplicates == 1
            bed.source.settle(sent)
            await asyncio.sleep(0.1)
            assert [request.what for request in bed.link.asked("DeleteMessageBatch")] == [(f"{sent}#2",)]

        bed = play(scene, take=HOLD)
        assert (len(bed.seen), len(bed.store)) == (1, 0)

    def test_needs_W33_100_held_messages_need_few_calls(self) -> None:
        async def scene(bed: Bed) -> None:
            bed.send(100)
            await asyncio.sleep(60)
            # Ten at a time, every ten seconds.
            assert len(bed.link.asked("ChangeMessageVisibilityBatch")) <= 10 * 6
            assert await bed.received_by_another() == []

        play(scene, take=HOLD)

    def test_needs_W33_after_12_hours_a_held_message_is_still_ours_and_handled_once(self) -> None:
        async def scene(bed: Bed) -> None:
            (sent,) = bed.send()
            await asyncio.sleep(12.2 * 3600)
            assert (len(bed.seen), bed.source.statistics().held) == (1, 1)
            bed.source.settle(sent)

        assert len(play(scene, take=HOLD).store) == 0

    def test_without_permission_to_change_visibility_everything_is_handled_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def before(request: Request) -> AwsRefused | None:
            return DENIED if request.action == "ChangeMessageVisibilityBatch" else None

        async def scene(bed: Bed) -> None:
            (sent,) = bed.send()
            await asyncio.sleep(200)
            assert bed.source.statistics().counts.duplicates >= 8
            assert len(bed.link.asked("ChangeMessageVisibilityBatch")) <= 4
            bed.source.settle(sent)

        bed = play(scene, take=HOLD, link=AwsLink(before=before))
        assert (len(bed.seen), len(bed.store)) == (1, 0)
        assert texts(caplog) == [EXTENDING.refused_for("AccessDenied")]


class TestSettling:
    def test_10_000_messages_are_received_once_and_deleted_in_full_batches(self) -> None:
        async def scene(bed: Bed) -> None:
            bed.send(10_000)
            await asyncio.sleep(5)
            assert len(bed.store) == 0
            counts = bed.source.statistics().counts
            assert (counts.received, counts.duplicates, counts.deleted) == (10_000, 0, 10_000)
            assert len(bed.link.asked("DeleteMessageBatch")) <= 1100
            assert len(bed.source._visibility._messages) == 0

        assert len(play(scene).seen) == 10_000

    def test_half_failed_batches_are_finished(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        tries: Counter[str] = Counter()

        def entry_fault(request: Request, handle: str) -> EntryFailure | None:
            tries[handle] += 1
            odd = int(handle.partition("-")[0], 16) // 2 % 2
            return BUSY if request.action == "DeleteMessageBatch" and odd and tries[handle] <= 3 else None

        async def scene(bed: Bed) -> None:
            bed.send(40)
            await asyncio.sleep(5)
            assert len(bed.store) == 0

        play(scene, link=AwsLink(entry_fault=entry_fault))
        assert set(tries.values()) == {1, 4}
        assert texts(caplog) == [DELETING.failing, DELETING.over]

    def test_an_answer_that_is_lost_does_no_harm(self) -> None:
        lost: Counter[str] = Counter()

        def after(request: Request) -> AwsUnreachable | None:
            lost[request.action] += 1
            return AwsUnreachable("reset") if lost[request.action] <= 2 else None

        async def scene(bed: Bed) -> None:
            bed.send(25)
            await asyncio.sleep(60)
            assert len(bed.store) == 0

        assert len(play(scene, link=AwsLink(after=after)).seen) == 25

    def test_without_permission_to_delete_each_message_is_handled_once_all_the_same(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        allowed_at = [0.0]

        def before(request: Request) -> AwsRefused | None:
            return DENIED if request.action == "DeleteMessageBatch" and request.at < allowed_at[0] else None

        async def scene(bed: Bed) -> None:
            allowed_at[0] = bed.clock.now() + 100
            bed.send(5)
            await asyncio.sleep(99)
            assert len(bed.store) == 5
            assert len(bed.link.asked("DeleteMessageBatch")) == 2
            await asyncio.sleep(82)
            assert len(bed.store) == 0

        caplog.set_level(logging.INFO)
        assert len(play(scene, link=AwsLink(before=before)).seen) == 5
        assert texts(caplog) == [DELETING.refused_for("AccessDenied"), DELETING.over]
