"""The notices of an interruption: which stand, which gives it its kind, whose deadline counts."""

from dataclasses import replace

import pytest

from nth.core.notices.events import InstanceStateChange, RebalanceRecommendation, SpotInterruption
from nth.core.policy import Level
from nth.core.reports import DeadlineMoved, NoticeReceived, NoticeWithdrawn, SessionResumed
from nth.report.open_notices import OfNotices, OpenNotices, words_of
from tests.report.stories import DEADLINE_SECONDS, NOTICE, REBALANCE, T0, WITHDRAWN

SPOT_WORDS = "Spot interruption, the machine may stop at 2026-11-22T08:32:00Z"


def told(*reports: OfNotices) -> OpenNotices:
    found = OpenNotices()
    for number, report in enumerate(reports):
        found.take(report, T0 + number / 1000)
    return found


def words(found: OpenNotices) -> str:
    deadline = found.deadline
    return words_of(found.leading, None if deadline is None else deadline.deadline_at)


def leading_id(*reports: OfNotices) -> str:
    leading = told(*reports).leading
    return "" if leading is None else leading.event.event_id


def shutting_down(at: float, *, deadline_at: float, state: str = "shutting-down") -> NoticeReceived:
    event = InstanceStateChange(event_id="state-1", instance_id="i-1", state=state, noticed_at=at)
    return NoticeReceived(event=event, level=Level.DRAIN, drain_at=at, deadline_at=deadline_at)


def a_spot(event_id: str, deadline_at: float) -> NoticeReceived:
    event = SpotInterruption(event_id=event_id, action="stop", interrupted_at=deadline_at)
    return NoticeReceived(event=event, level=Level.DRAIN, drain_at=T0, deadline_at=deadline_at)


def test_a_notice_with_a_deadline_leads_whatever_came_first() -> None:
    for reports in ((NOTICE, REBALANCE), (REBALANCE, NOTICE)):
        found = told(*reports)
        assert (found.any_stands, found.level, words(found)) == (True, Level.DRAIN, SPOT_WORDS)


def test_the_nearest_deadline_leads_and_of_two_the_first_notice() -> None:
    later = a_spot("later", T0 + 900)
    assert leading_id(later, NOTICE) == leading_id(NOTICE, later) == "spot-1"
    assert leading_id(a_spot("a", T0 + 60), a_spot("b", T0 + 60)) == "a"
    assert leading_id(later, replace(NOTICE, deadline_at=None)) == "later"
    assert leading_id(REBALANCE, replace(NOTICE, deadline_at=None)) == "rebalance-1"


def test_the_nearest_deadline_leads_though_another_notice_asks_for_more() -> None:
    assert leading_id(replace(REBALANCE, deadline_at=T0 + 1), NOTICE) == "rebalance-1"


def test_a_deadline_that_had_passed_when_it_was_heard_of_comes_after_those_that_lay_ahead() -> None:
    gone = shutting_down(T0 - 60, deadline_at=T0 - 60, state="terminated")
    assert leading_id(gone, NOTICE) == "spot-1"
    assert leading_id(gone, REBALANCE) == "state-1"


def test_a_shutdown_that_a_notice_announced_moves_the_deadline_and_keeps_the_kind() -> None:
    found = told(NOTICE, shutting_down(T0 + 118, deadline_at=T0 + 238))
    assert words(found) == "Spot interruption, the machine may stop at 2026-11-22T08:33:58Z"
    early = told(NOTICE, shutting_down(T0 + 20, deadline_at=T0 + 140))
    assert words(early) == SPOT_WORDS, "it comes before the time that AWS had named"


def test_what_is_withdrawn_stands_no_more_and_the_last_one_keeps_the_kind() -> None:
    found = told(NOTICE, REBALANCE, WITHDRAWN)
    assert (found.any_stands, found.level, words(found)) == (True, Level.CORDON, "Rebalance recommendation")
    found.take(NoticeWithdrawn(event_id="rebalance-1", reason="expired"), T0 + 1)
    assert (found.any_stands, found.called_off, found.level) == (False, True, Level.NOTIFY)
    assert (words(found), found.deadline) == ("Rebalance recommendation", None)


def test_of_several_that_are_over_at_once_the_nearest_deadline_gave_the_kind() -> None:
    found = OpenNotices()
    over = (WITHDRAWN, NoticeWithdrawn(event_id="rebalance-1", reason="the machine was rebooted"))
    for report in (REBALANCE, NOTICE, *over):
        found.take(report, T0)
    assert words_of(found.leading, None) == "Spot interruption"


def test_what_is_only_known_from_a_record_counts_as_a_drain_until_it_is_noticed_or_over() -> None:
    found = told(SessionResumed(event_ids=("rebalance-1", "spot-1")))
    assert (found.any_stands, found.level, words(found)) == (True, Level.DRAIN, "Interruption")
    found.take(REBALANCE, T0)
    levels = [found.level]
    found.take(WITHDRAWN, T0)
    found.take(SessionResumed(event_ids=("rebalance-1",)), T0)
    assert [*levels, found.level] == [Level.DRAIN, Level.CORDON]
    found.take(NoticeWithdrawn(event_id="rebalance-1", reason="over"), T0)
    assert not found.any_stands


def test_a_deadline_moves() -> None:
    moved = DeadlineMoved(event_id="spot-1", deadline_at=T0 + DEADLINE_SECONDS + 60)
    assert words(told(NOTICE, moved)).endswith("08:33:00Z")
    assert not told(moved).any_stands


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (RebalanceRecommendation(event_id="e", noticed_at=T0), "Rebalance recommendation"),
        (
            InstanceStateChange(event_id="e", instance_id="i-1", state="stopping", noticed_at=T0),
            "Shutdown, the machine is going down already",
        ),
    ],
)
def test_words_without_a_deadline_that_could_be_met(
    event: RebalanceRecommendation | InstanceStateChange, expected: str
) -> None:
    deadline_at = T0 if isinstance(event, InstanceStateChange) else None
    notice = NoticeReceived(event=event, level=Level.DRAIN, drain_at=T0, deadline_at=deadline_at)
    assert words(told(notice)) == expected


def test_nothing_stands_at_first() -> None:
    assert words_of(None, None) == "Interruption"
    assert not OpenNotices().any_stands
    assert not OpenNotices().called_off
