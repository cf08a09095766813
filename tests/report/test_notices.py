"""The notices of a session that still stand, and their words."""

from dataclasses import replace

import pytest

from nth.core.notices.events import InstanceStateChange, RebalanceRecommendation, SpotInterruption
from nth.core.policy import Level
from nth.core.reports import DeadlineMoved, NoticeReceived, NoticeWithdrawn, SessionResumed
from nth.report.notices import OfNotices, Standing, words_of
from tests.report.stories import DEADLINE_SECONDS, NOTICE, REBALANCE, T0, WITHDRAWN

SPOT_WORDS = "Spot interruption, the machine may stop at 2026-11-22T08:32:00Z"


def standing(*reports: OfNotices) -> Standing:
    found = Standing()
    for report in reports:
        found.take(report, T0)
    return found


def test_the_gravest_gives_its_words_whatever_came_first() -> None:
    for reports in ((NOTICE, REBALANCE), (REBALANCE, NOTICE)):
        found = standing(*reports)
        assert (found.any, found.level, found.words) == (True, Level.DRAIN, SPOT_WORDS)


def test_of_two_that_ask_for_as_much_the_earlier_end_counts() -> None:
    event = SpotInterruption(event_id="later", action="stop", interrupted_at=T0 + 900)
    later = NoticeReceived(event=event, level=Level.DRAIN, drain_at=T0, deadline_at=T0 + 900)
    assert standing(later, NOTICE).words == SPOT_WORDS
    assert standing(later, replace(NOTICE, deadline_at=None)).words.endswith("08:45:00Z")


def test_what_asks_for_more_counts_before_what_ends_sooner() -> None:
    sooner = replace(REBALANCE, deadline_at=T0 + 1)
    assert standing(sooner, NOTICE).words == SPOT_WORDS


def test_what_is_withdrawn_stands_no_more() -> None:
    found = standing(NOTICE, REBALANCE, WITHDRAWN)
    assert (found.any, found.level, found.words) == (True, Level.CORDON, "Rebalance recommendation")
    found.take(NoticeWithdrawn(event_id="rebalance-1", reason="expired"), T0)
    assert (found.any, found.level, found.words) == (False, Level.NOTIFY, "Interruption")


def test_what_is_only_known_from_a_record_counts_as_a_drain_until_it_is_noticed_or_over() -> None:
    found = standing(SessionResumed(event_ids=("rebalance-1", "spot-1")))
    assert (found.any, found.level, found.words) == (True, Level.DRAIN, "Interruption")
    found.take(REBALANCE, T0)
    levels = [found.level]
    found.take(WITHDRAWN, T0)
    found.take(SessionResumed(event_ids=("rebalance-1",)), T0)
    assert [*levels, found.level] == [Level.DRAIN, Level.CORDON]
    found.take(NoticeWithdrawn(event_id="rebalance-1", reason="over"), T0)
    assert not found.any


def test_a_deadline_moves() -> None:
    moved = DeadlineMoved(event_id="spot-1", deadline_at=T0 + DEADLINE_SECONDS + 60)
    assert standing(NOTICE, moved).words.endswith("08:33:00Z")
    assert not standing(moved).any


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (RebalanceRecommendation(event_id="e", noticed_at=T0), "Rebalance recommendation"),
        (
            InstanceStateChange(event_id="e", instance_id="i-1", state="stopping", noticed_at=T0),
            "Shutdown, the machine is going down already",
        ),
    ],
)
def test_words_without_a_deadline_that_could_be_met(
    event: RebalanceRecommendation | InstanceStateChange, words: str
) -> None:
    deadline_at = T0 if isinstance(event, InstanceStateChange) else None
    notice = NoticeReceived(event=event, level=Level.DRAIN, drain_at=T0, deadline_at=deadline_at)
    assert standing(notice).words == words


def test_nothing_stands_at_first() -> None:
    assert words_of(()) == "Interruption"
    assert not Standing().any
