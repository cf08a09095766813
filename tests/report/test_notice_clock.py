"""One clock: the live view, the log and the report give a pod's times from the notice."""

from dataclasses import replace

import pytest

from nth.core.policy import Level
from nth.core.reports import Replaced, SessionEnded, SessionResumed, Told
from nth.report.builder import built
from nth.report.entries import Entries
from nth.report.notice_clock import NoticeClock
from nth.ui.report import as_text, report_lines
from tests.report.stories import (
    BEGUN,
    FULL_STORY,
    NOTICE,
    REBALANCE,
    RESTORED,
    T0,
    WITHDRAWN,
    Step,
    logged_as,
    report_of,
    told,
)


def seconds(*steps: Step) -> list[float | None]:
    clock = NoticeClock()
    return [clock.seconds(one) for one in told(*steps)]


def test_log_and_report_give_a_pod_the_same_times_from_the_notice() -> None:
    clock = NoticeClock()
    lines = [logged_as(one, clock.seconds(one)).text for one in told(*FULL_STORY)]
    assert [text for text in lines if text.startswith("Pod gone")] == [
        "Pod gone 5.0 s after the notice",
        "Pod gone 50.0 s after the notice",
        "Pod gone 90.0 s after the notice",
    ]
    assert "ReplicaSet shop/web-5d8f7c9b4 has 3 Ready pods elsewhere, 6.0 s after the notice" in lines
    text = as_text(report_lines(report_of(*FULL_STORY, after_seconds=125)))
    assert "politely, moved  5.0 s    6.0 s" in text
    assert "shop/web-5d8f7c9b4-aaaaa: Pod gone 5.0 s after the notice" in text


@pytest.mark.parametrize("story", [FULL_STORY, ((-60.0, REBALANCE), *FULL_STORY)], ids=["one", "two notices"])
def test_it_counts_from_where_the_report_counts(story: tuple[Step, ...]) -> None:
    clock, report = NoticeClock(), built(told(*story)).report(T0 + 125)
    last = [clock.seconds(one) for one in told(*story)][-1]
    assert last == pytest.approx(report.until_at - report.began_at - (125 - 92.1))


def test_while_no_drain_is_asked_for_there_is_nothing_to_count_from() -> None:
    notify = replace(NOTICE, level=Level.NOTIFY)
    assert seconds((0.0, REBALANCE), (5.0, notify), (9.0, RESTORED)) == [None, None, None]


def test_after_all_was_called_off_a_further_notice_begins_anew() -> None:
    assert seconds(*BEGUN[:1], (9.0, WITHDRAWN), (50.0, NOTICE), (51.0, RESTORED)) == [0.0, None, 0.0, 1.0]


def test_after_a_restart_it_counts_from_when_the_notice_was_seen_first() -> None:
    resumed = SessionResumed(event_ids=("spot-1",), notices=((T0, NOTICE),))
    assert seconds((50.0, resumed), (60.0, RESTORED)) == [50.0, 60.0]


def test_sessions_do_not_disturb_each_other_and_are_forgotten() -> None:
    clock = NoticeClock(max_sessions=2)
    for number in range(5):
        one = Told(at=T0 + number, session_id=f"s-{number}", node_name="n", report=NOTICE)
        assert clock.seconds(one) == 0.0
    known = [
        clock.seconds(Told(at=T0 + 10, session_id=f"s-{number}", node_name="n", report=RESTORED))
        for number in range(5)
    ]
    assert known == [None, None, None, 7.0, 6.0]
    end = SessionEnded(reason="over")
    clock.seconds(Told(at=T0 + 11, session_id="s-4", node_name="n", report=end))
    assert clock.seconds(Told(at=T0 + 12, session_id="s-4", node_name="n", report=RESTORED)) is None


def test_the_timeline_counts_like_the_log() -> None:
    entries = Entries()
    for one in told(*FULL_STORY):
        entries.add(one)
    both = zip(entries.all(), FULL_STORY, strict=True)
    replaced = [entry for entry, step in both if isinstance(step[1], Replaced)]
    assert [entry.text.rpartition(", ")[2] for entry in replaced] == [
        "6.0 s after the notice",
        "9.0 s after the notice",
        "92.0 s after the notice",
    ]
