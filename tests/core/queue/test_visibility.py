"""One queue's messages in our hands, step by step; `test_visibility_properties` has every order."""

from collections.abc import Mapping

import pytest

from nth.core.notices.aws_facts import EntryFailure, Message
from nth.core.queue.batching import REFUSED_PAUSE_SECONDS
from nth.core.queue.visibility import GATHER_SECONDS, MAX_WAITING, VisibilityKeeper
from nth.core.queue.visibility_words import Batch, Delivery, Verb
from nth.errors import AwsError, AwsRefused, AwsThrottled, AwsUnreachable, NoSuchQueue

BUSY = EntryFailure("InternalError", "try again", final=False)
INVALID = EntryFailure("ReceiptHandleIsInvalid", "The input receipt handle is invalid.", final=True)
TOO_LONG = EntryFailure("InvalidParameterValue", "beyond the limit [43200 seconds]", final=True)
DENIED = AwsRefused("not authorized to perform: sqs:...", code="AccessDenied")


def message(name: str = "a", delivery: int = 1, sent_at: float = 0.0) -> Message:
    return Message(
        queue_url="https://sqs.eu-west-1.amazonaws.com/123456789012/queue",
        message_id=name,
        receipt_handle=f"{name}#{delivery}",
        body="",
        sent_at=sent_at,
        receive_count=delivery,
    )


def keeper_with(*names: str, visibility_seconds: float = 20.0) -> VisibilityKeeper:
    """They are delivered at 0."""
    keeper = VisibilityKeeper(visibility_seconds)
    for name in names:
        assert keeper.delivered(message(name), 0.0) is Delivery.NEW
    return keeper


def the_batch(keeper: VisibilityKeeper, now: float) -> Batch:
    """The only one that is due."""
    (batch,) = keeper.due(now)
    return batch


def say(keeper: VisibilityKeeper, now: float, answer: Mapping[str, EntryFailure] | AwsError) -> Batch:
    """That is the answer to the only batch that is due."""
    batch = the_batch(keeper, now)
    keeper.answered(batch, answer, now)
    return batch


def batch(verb: Verb, asked_at: float, *handles: str) -> Batch:
    return Batch(verb, tuple(handle.partition("#")[0] for handle in handles), handles, asked_at)


class TestKeepingHidden:
    def test_needs_W33_a_message_is_hidden_longer_at_half_of_its_visibility_timeout_again_and_again(
        self,
    ) -> None:
        keeper = keeper_with("a")
        keeper.hold("a")
        for at in (10.0, 20.0, 30.0):
            assert keeper.wake_at == at
            assert say(keeper, at, {}) == batch(Verb.EXTEND, at, "a#1")
        assert keeper.counts.extended == 3

    def test_an_undecided_message_is_kept_hidden_too(self) -> None:
        assert say(keeper_with("a"), 10.0, {}).verb is Verb.EXTEND

    def test_the_next_time_is_counted_from_when_the_call_was_made_not_from_its_answer(self) -> None:
        keeper = keeper_with("a")
        asked = the_batch(keeper, 10.0)
        keeper.answered(asked, {}, 14.0)
        assert keeper.wake_at == 20.0

    def test_messages_that_came_at_different_moments_share_a_call(self) -> None:
        keeper = VisibilityKeeper(20.0)
        for n in range(8):
            keeper.delivered(message(str(n)), n / 4)
        assert len(say(keeper, 10.0, {}).message_ids) == 8

    def test_more_than_ten_need_more_than_one_call(self) -> None:
        keeper = keeper_with(*(f"{n:02}" for n in range(25)))
        assert [len(each.message_ids) for each in keeper.due(10.0)] == [10, 10, 5]

    def test_a_failure_is_tried_again_quickly(self) -> None:
        keeper = keeper_with("a")
        say(keeper, 10.0, AwsUnreachable("reset"))
        assert keeper.wake_at == pytest.approx(10.2)
        say(keeper, 10.2, {"a#1": BUSY})
        assert keeper.wake_at == pytest.approx(10.4)
        say(keeper, 10.4, {})
        assert keeper.wake_at == pytest.approx(20.4)

    def test_after_12_hours_it_stays_held_and_goes_on_with_the_next_delivery(self) -> None:
        keeper = keeper_with("a")
        keeper.hold("a")
        say(keeper, 10.0, {"a#1": TOO_LONG})
        assert (keeper.wake_at, keeper.held) == (None, 1)
        assert keeper.delivered(message("a", 2), 25.0) is Delivery.KNOWN
        assert say(keeper, 35.0, {}) == batch(Verb.EXTEND, 35.0, "a#2")

    def test_without_permission_it_is_asked_once_a_minute_and_redeliveries_are_known(self) -> None:
        keeper = keeper_with("a")
        keeper.hold("a")
        say(keeper, 10.0, DENIED)
        assert keeper.wake_at == 10.0 + REFUSED_PAUSE_SECONDS
        for delivery in (2, 3, 4):
            assert keeper.delivered(message("a", delivery), delivery * 15.0) is Delivery.KNOWN
        assert keeper.due(69.0) == []
        assert say(keeper, 70.0, {}) == batch(Verb.EXTEND, 70.0, "a#4")

    def test_a_message_that_is_done_with_stays_hidden_while_its_deletion_fails(self) -> None:
        keeper = keeper_with("a")
        keeper.settle("a", 1.0)
        now = 1.05
        while now < 10.0:
            say(keeper, now, {"a#1": BUSY})
            assert keeper.wake_at is not None
            now = keeper.wake_at
        assert {each.verb for each in keeper.due(now + 5)} == {Verb.EXTEND, Verb.DELETE}


class TestDuplicates:
    def test_needs_W33_a_redelivery_of_a_held_message_is_known_and_its_handle_is_used(self) -> None:
        keeper = keeper_with("a")
        keeper.hold("a")
        assert keeper.delivered(message("a", 2), 21.0) is Delivery.KNOWN
        keeper.settle("a", 22.0)
        assert say(keeper, 22.05, {}) == batch(Verb.DELETE, 22.05, "a#2")
        assert (keeper.counts.received, keeper.counts.duplicates, keeper.counts.deleted) == (2, 1, 1)

    def test_needs_W33_a_redelivery_of_a_settled_message_is_deleted_on_sight(self) -> None:
        keeper = keeper_with("a")
        keeper.settle("a", 1.0)
        say(keeper, 1.05, {})
        assert keeper.delivered(message("a", 2), 30.0) is Delivery.SETTLED
        assert say(keeper, 30.05, {}) == batch(Verb.DELETE, 30.05, "a#2")
        assert (keeper.unanswered, keeper.wake_at) == (0, None)

    def test_needs_W33_an_answer_about_an_old_handle_says_nothing(self) -> None:
        keeper = keeper_with("a")
        keeper.settle("a", 1.0)
        old = the_batch(keeper, 1.05)
        assert keeper.delivered(message("a", 2), 21.0) is Delivery.SETTLED
        keeper.answered(old, {}, 21.01)
        assert keeper.unanswered == 1
        assert say(keeper, 21.05, {}) == batch(Verb.DELETE, 21.05, "a#2")
        assert keeper.unanswered == 0

    def test_what_was_settled_before_it_was_ever_delivered_is_deleted_on_sight(self) -> None:
        keeper = VisibilityKeeper(20.0)
        keeper.settle("a", 0.0)
        assert keeper.delivered(message("a"), 1.0) is Delivery.SETTLED

    def test_a_redelivery_of_what_was_left_or_given_back_is_new(self) -> None:
        keeper = keeper_with("a", "b")
        keeper.leave("a")
        keeper.give_back("b", 1.0)
        say(keeper, 1.05, {})
        assert keeper.delivered(message("a", 2), 21.0) is Delivery.NEW
        assert keeper.delivered(message("b", 2), 2.0) is Delivery.NEW


class TestDeleting:
    def test_settled_messages_are_deleted_ten_at_a_time(self) -> None:
        names = [f"{n:02}" for n in range(23)]
        keeper = keeper_with(*names)
        for name in names:
            keeper.settle(name, 1.0)
        assert [len(each.message_ids) for each in keeper.due(1.0)] == [10, 10]
        assert keeper.wake_at == 1.0 + GATHER_SECONDS
        assert len(the_batch(keeper, 1.05).message_ids) == 3

    def test_settling_twice_is_settling_once(self) -> None:
        keeper = keeper_with("a")
        for at in (1.0, 1.01):
            keeper.settle("a", at)
        asked = the_batch(keeper, 1.05)
        keeper.settle("a", 1.06)
        assert keeper.due(2.0) == []
        keeper.answered(asked, {}, 2.0)
        keeper.settle("a", 2.1)
        assert (keeper.wake_at, keeper.counts.deleted) == (None, 1)

    def test_of_a_half_failed_batch_only_what_failed_is_tried_again(self) -> None:
        keeper = keeper_with("a", "b", "c")
        for name in "abc":
            keeper.settle(name, 1.0)
        say(keeper, 1.05, {"b#1": BUSY})
        assert say(keeper, 1.25, {"b#1": BUSY}) == batch(Verb.DELETE, 1.25, "b#1")
        assert keeper.wake_at == pytest.approx(1.65)
        say(keeper, 1.65, {})
        assert (keeper.counts.deleted, keeper.counts.entry_failures, keeper.unanswered) == (3, 2, 0)

    def test_an_invalid_handle_waits_for_the_next_delivery(self) -> None:
        keeper = keeper_with("a")
        keeper.settle("a", 1.0)
        say(keeper, 1.05, {"a#1": INVALID})
        assert (keeper.wake_at, keeper.unanswered, keeper.counts.undeletable) == (None, 0, 1)
        assert keeper.delivered(message("a", 2), 21.0) is Delivery.SETTLED
        assert say(keeper, 21.05, {}) == batch(Verb.DELETE, 21.05, "a#2")

    @pytest.mark.parametrize(
        "error",
        [AwsThrottled("slow down"), AwsUnreachable("500"), NoSuchQueue("gone", code="QueueDoesNotExist")],
    )
    def test_a_call_that_fails_is_made_again_one_at_a_time_until_it_works(self, error: AwsError) -> None:
        names = [f"{n:02}" for n in range(30)]
        keeper = keeper_with(*names)
        for name in names:
            keeper.settle(name, 1.0)
        asked = keeper.due(1.0)
        assert len(asked) == 3
        for each in asked:
            keeper.answered(each, error, 1.1)
        # A moment late, as clocks are.
        for at in (1.31, 1.72):
            assert keeper.wake_at == pytest.approx(at, abs=0.02)
            say(keeper, at, error)
        say(keeper, 2.6, {})
        for each in keeper.due(2.6):
            keeper.answered(each, {}, 2.6)
        assert (keeper.counts.deleted, keeper.counts.call_failures, keeper.unanswered) == (30, 5, 0)

    def test_without_permission_a_message_is_deleted_when_it_is_delivered_after_that(self) -> None:
        keeper = keeper_with("a", "b")
        keeper.settle("a", 1.0)
        say(keeper, 1.05, DENIED)
        keeper.settle("b", 2.0)
        assert (keeper.unanswered, keeper.due(3.0)) == (0, [])
        for delivery in (2, 3):
            assert keeper.delivered(message("a", delivery), delivery * 20.0) is Delivery.SETTLED
            assert keeper.due(delivery * 20.0 + 0.5) == []
        keeper.delivered(message("a", 4), 80.0)
        assert say(keeper, 80.05, {}) == batch(Verb.DELETE, 80.05, "a#4")

    def test_a_message_that_comes_again_and_again_stays_settled(self) -> None:
        keeper = keeper_with("a")
        keeper.settle("a", 0.0)
        for delivery in range(1, 10):
            at = (delivery - 1) * 1000.0
            say(keeper, at + 0.05, {f"a#{delivery}": INVALID})
            assert keeper.delivered(message("a", delivery + 1), at + 1000.0) is Delivery.SETTLED

    def test_a_deletion_is_tried_again_quickly_however_often_hiding_it_failed(self) -> None:
        keeper = keeper_with("a")
        for at in (10.0, 11.0, 12.0, 14.0, 18.0):
            say(keeper, at, {"a#1": BUSY})
        keeper.settle("a", 18.5)
        say(keeper, 18.55, {"a#1": BUSY})
        assert keeper.wake_at == pytest.approx(18.75)

    def test_more_than_can_wait_is_only_remembered(self) -> None:
        names = [str(n) for n in range(MAX_WAITING + 10)]
        keeper = keeper_with(*names)
        for name in names:
            keeper.settle(name, 1.0)
        assert keeper.unanswered == MAX_WAITING
        assert keeper.delivered(message(names[-1], 2), 2.0) is Delivery.SETTLED


class TestGivingBack:
    def test_what_is_given_back_is_shown_at_once_and_not_kept_hidden(self) -> None:
        keeper = keeper_with("a", "b")
        keeper.give_back("a", 1.0)
        keeper.give_back("b", 1.0)
        keeper.give_back("b", 1.0)
        assert keeper.unanswered == 2
        assert say(keeper, 1.05, {}) == batch(Verb.GIVE_BACK, 1.05, "a#1", "b#1")
        assert (keeper.unanswered, keeper.wake_at, keeper.counts.given_back) == (0, None, 2)

    def test_what_is_given_back_is_never_hidden_again(self) -> None:
        keeper = keeper_with("a", "b")
        extending = the_batch(keeper, 10.0)
        keeper.give_back("a", 10.01)
        keeper.answered(extending, {}, 10.02)
        assert the_batch(keeper, 10.1).verb is Verb.GIVE_BACK
        # Its answer takes long.
        assert the_batch(keeper, 30.0).message_ids == ("b",)

    def test_what_is_given_back_before_it_was_hidden_longer_is_not_hidden_either(self) -> None:
        keeper = keeper_with("a")
        keeper.give_back("a", 1.0)
        the_batch(keeper, 1.05)
        assert keeper.due(10.0) == []

    def test_what_is_settled_while_it_is_given_back_is_deleted_all_the_same(self) -> None:
        keeper = keeper_with("a")
        keeper.give_back("a", 1.0)
        giving_back = the_batch(keeper, 1.05)
        keeper.settle("a", 1.06)
        keeper.answered(giving_back, {}, 1.07)
        assert say(keeper, 1.11, {}) == batch(Verb.DELETE, 1.11, "a#1")

    def test_it_is_tried_again_unless_there_is_no_permission(self) -> None:
        keeper = keeper_with("a")
        keeper.give_back("a", 1.0)
        say(keeper, 1.05, AwsUnreachable("reset"))
        say(keeper, 1.25, {"a#1": BUSY})
        say(keeper, 1.45, DENIED)
        assert (keeper.unanswered, keeper.wake_at, keeper.counts.left) == (0, None, 1)

    def test_what_comes_again_before_the_answer_is_given_back_with_its_new_handle(self) -> None:
        keeper = keeper_with("a")
        keeper.give_back("a", 1.0)
        old = the_batch(keeper, 1.05)
        assert keeper.delivered(message("a", 2), 1.06) is Delivery.KNOWN
        keeper.answered(old, {}, 1.07)
        assert say(keeper, 1.11, {}) == batch(Verb.GIVE_BACK, 1.11, "a#2")

    def test_settling_beats_giving_back_and_leaving_whatever_comes_first(self) -> None:
        keeper = keeper_with("a", "b")
        keeper.give_back("a", 1.0)
        for name in "ab":
            keeper.settle(name, 1.0)
            keeper.give_back(name, 1.01)
            keeper.leave(name)
        assert say(keeper, 1.05, {}) == batch(Verb.DELETE, 1.05, "a#1", "b#1")

    def test_what_is_left_is_forgotten(self) -> None:
        keeper = keeper_with("a", "b")
        asked = the_batch(keeper, 10.0)
        keeper.leave("a")
        keeper.hold("b")
        keeper.leave_undecided("b")
        keeper.answered(asked, {}, 10.1)
        assert (keeper.undecided, keeper.held, keeper.counts.left) == (0, 1, 1)


class TestFigures:
    def test_undecided_held_and_unanswered_are_told_apart(self) -> None:
        keeper = keeper_with("a", "b", "c", "d")
        keeper.hold("a")
        keeper.hold("a")
        keeper.settle("b", 1.0)
        keeper.give_back("c", 1.0)
        assert (keeper.undecided, keeper.held, keeper.unanswered) == (1, 1, 2)

    def test_the_oldest_message_is_the_oldest_of_those_that_are_not_done_with(self) -> None:
        keeper = VisibilityKeeper(20.0)
        assert keeper.oldest_sent_at is None
        for name, sent_at in (("a", 5.0), ("b", 3.0), ("c", 4.0)):
            keeper.delivered(message(name, sent_at=sent_at), 6.0)
        keeper.hold("c")
        keeper.settle("b", 7.0)
        assert keeper.oldest_sent_at == 4.0

    def test_orders_about_a_message_that_is_not_here_do_nothing(self) -> None:
        keeper = VisibilityKeeper(20.0)
        keeper.hold("a")
        keeper.leave("a")
        keeper.leave_undecided("a")
        keeper.give_back("a", 0.0)
        assert (keeper.due(100.0), keeper.wake_at, keeper.unanswered) == ([], None, 0)

    def test_10_000_messages_leave_little_behind(self) -> None:
        keeper = VisibilityKeeper(20.0)
        for n in range(10_000):
            now = n / 100
            keeper.delivered(message(str(n)), now)
            keeper.settle(str(n), now)
            for each in keeper.due(now):
                keeper.answered(each, {}, now)
            assert len(keeper._messages) <= 10
        say(keeper, 101.0, {})
        assert keeper.counts.deleted == 10_000
        assert sum(len(line) + len(line._heap) for line in keeper._lines.values()) < 200
