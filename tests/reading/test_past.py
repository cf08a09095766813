"""From the lines of a log to one report for each interruption."""

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nth.core.node.phases import HANDED_OVER
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    NoticeReceived,
    NoticeWithdrawn,
    Planned,
    PodLeft,
    PodsOnNode,
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.reading.lines import parse
from nth.reading.past import JOINED, SO_FAR, past_of
from nth.reading.questions import answers
from nth.report.builder import ALWAYS
from nth.report.explain import clock
from nth.report.interruption import InterruptionReport, Stage
from nth.report.interruptions import Interruptions
from nth.report.markdown import markdown
from nth.report.report_line import decode
from nth.report.words import summary, verdict
from nth.reporters.fanout import FanOut
from nth.reporters.log import LogReporter
from nth.reporters.report_line import InterruptionReporter, log_report
from nth.ui.html import page
from nth.ui.report import as_text, report_lines
from tests.reading.logs import is_final, is_report, log_of, log_of_told, logged, of_older_version, without_end
from tests.report.random_stories import stories
from tests.report.stories import (
    BEGUN,
    BILLING,
    ENCODER,
    FULL_STORY,
    LOSING_STORY,
    NOTICE,
    T0,
    Step,
    a_pod,
    owner,
    report_of,
    told,
)
from tests.worlds import Stage as World
from tests.worlds import play

GONE_WITH_IT = (125.0, SessionEnded(reason="the node is gone"))
DRAINED = DrainEnded(left=(), evicted=1, forced=0, seconds=118, margin_seconds=2)


def only(lines: list[str]) -> InterruptionReport:
    (report,) = past_of(lines).reports
    return report


@pytest.mark.parametrize("json", [True, False], ids=["json", "text"])
@pytest.mark.parametrize("story", [FULL_STORY, (*LOSING_STORY, GONE_WITH_IT)], ids=["good", "lost"])
def test_the_reports_own_line_says_all(story: tuple[Step, ...], json: bool) -> None:
    found = only(log_of(*story, json=json))
    until_at = story[-1][0]
    assert as_text(report_lines(found)) == as_text(report_lines(report_of(*story, after_seconds=until_at)))
    assert found.incomplete == ""


@pytest.mark.parametrize("json", [True, False], ids=["json", "text"])
def test_without_it_the_phase_before_gives_what_was_known_then_and_says_so(json: bool) -> None:
    found = only(without_end(log_of(*FULL_STORY, json=json)))
    assert found.incomplete == f"{SO_FAR} 08:31:30.1 (UTC)"
    text = as_text(report_lines(found))
    assert "This report is incomplete: its last line is not in this log" in text
    # The drain has ended; of one controller it is not known yet whether it has its pods back.
    known = report_of(*FULL_STORY[:-2], after_seconds=90.1)
    assert text == as_text(report_lines(replace(known, final=False, incomplete=found.incomplete)))
    assert verdict(found) == (False, "Not known yet: 1 replacement is not Ready.")
    assert found.drained_at == T0 + 90.1
    assert [one.pod.controller and one.pod.controller.name for one in found.pods] == [
        one.pod.controller and one.pod.controller.name for one in known.pods
    ]
    (encoder,) = [one for one in found.pods if one.pod.ref.name.startswith("encoder")]
    assert (encoder.pod.grace_seconds, encoder.cut) == (300, True)


def test_a_handler_that_was_killed_mid_drain_leaves_what_was_done_until_then() -> None:
    found = only(log_of(*BEGUN))
    assert verdict(found) == (False, "3 pods not moved yet.")
    assert [one.stage for one in found.pods] == [Stage.STOPPING, Stage.BLOCKED, Stage.STOPPING]
    assert found.until_at == T0 + 0.5


def test_other_lines_a_cut_last_line_and_any_order_do_no_harm() -> None:
    lines = log_of(*FULL_STORY)
    mixed = ["I1122 kubelet", *lines, "{}", lines[0][:40]]
    random.Random(1).shuffle(mixed)
    assert only(mixed) == only(lines)
    assert past_of(mixed).lines == len(lines)


def test_the_same_log_twice_is_one_interruption() -> None:
    lines = log_of(*FULL_STORY)
    assert only([*lines, *lines]) == only(lines)
    killed = without_end(lines)
    assert len(past_of([*killed, *killed]).reports) == 1


def test_sessions_and_nodes_are_kept_apart_and_sorted_by_time() -> None:
    later = [replace(one, at=one.at + 500, session_id="s-0", node_name="other") for one in told(*FULL_STORY)]
    reports = past_of([*log_of_told(later), *log_of(*FULL_STORY)]).reports
    assert [report.session_id for report in reports] == ["s-1", "s-0"]


def test_a_report_of_a_late_drain_is_read_with_the_words_that_it_is_not_the_last() -> None:
    found = only(log_of(*LOSING_STORY))
    assert (found.final, found.late) == (False, True)
    assert found.incomplete.startswith("its last line is not in this log")
    assert not verdict(found)[0]


def test_of_two_reports_of_one_interruption_the_later_counts() -> None:
    left = PodLeft(pod=BILLING, how="by itself", seconds=116)
    lines = log_of(*LOSING_STORY, (116.0, left), (118.0, DRAINED))
    assert [is_final(line) for line in lines if is_report(line)][-1:] == [True]
    assert sum(map(is_final, lines)) == 1
    # No controller was reported on after this pod had left.
    words = "No pod is known to be lost; what became of 1 pod is not known."
    assert verdict(only(lines)) == verdict(only(lines[::-1])) == (False, words)


def test_what_is_told_after_a_report_is_no_interruption_of_its_own() -> None:
    after = (
        (150.0, NOTICE),
        (150.2, PodsOnNode(going=(), staying=())),
        (160.0, SessionEnded(reason="the node is gone")),
    )
    assert len(past_of(log_of(*FULL_STORY, *after)).reports) == 1


ANOTHER = a_pod("web-5d8f7c9b4-zzzzz", owner("web"))


def test_an_interruption_after_a_reported_one_that_ended_early_is_shown() -> None:
    again: tuple[Step, ...] = (
        (200.0, NOTICE),
        (201.0, EvictionAccepted(pod=ANOTHER, grace_seconds=30, cut=False)),
    )
    first, second = past_of(log_of(*FULL_STORY, *again)).reports
    assert (first.incomplete, second.incomplete) == ("", f"{SO_FAR} 08:33:21.0 (UTC)")
    assert second.first_at == T0 + 200


def test_a_session_of_which_nothing_but_its_end_is_in_the_log_is_none() -> None:
    assert past_of(log_of((0.0, SessionEnded(reason="the node is gone")))).reports == []


RESUMED = SessionResumed(event_ids=("spot-1",))


@pytest.mark.parametrize("json", [True, False], ids=["json", "text"])
def test_what_a_restarted_handler_did_before_is_joined_with_its_report(json: bool) -> None:
    after: list[Step] = [
        (9.2, RESUMED),
        (9.3, PodsOnNode(going=(ENCODER,), staying=())),
        (60.0, PodLeft(pod=ENCODER, how="by itself", seconds=50.7)),
        (60.1, replace(DRAINED, seconds=60.1, margin_seconds=59.9)),
        (61.0, SessionEnded(reason="the node is gone")),
    ]
    # Two processes: the second one's reporter knows nothing of what the first one told.
    found = only([*log_of(*BEGUN, json=json), *log_of(*after, json=json)])
    assert found.incomplete == JOINED
    assert not found.resumed
    assert found.first_at == T0
    assert found.drained_at == T0 + 60.1
    assert [type(notice.event).__name__ for notice in found.notices] == ["SpotInterruption"]
    stages = {one.pod.ref.name.split("-")[0]: (one.stage, one.gone_at) for one in found.pods}
    assert stages == {
        "web": (Stage.GONE, T0 + 9.2),
        "billing": (Stage.GONE, T0 + 9.2),
        "encoder": (Stage.GONE, T0 + 60.0),
    }
    (encoder,) = [one for one in found.pods if one.pod.ref.name.startswith("encoder")]
    assert encoder.asked_at == pytest.approx(T0 + 0.5, abs=0.5)
    assert (encoder.cut, encoder.by_itself) == (True, False)
    # Neither handler has followed the replacements to their end.
    words = "No pod is known to be lost; what became of 3 pods is not known."
    assert verdict(found) == (False, words)
    # A pod with a controller has left: its replacement is awaited until the session ends.
    assert len(found.entries) == len(BEGUN) + len(after)


STOPPING = replace(ENCODER, deleting_until_at=T0 + 114.5, deletion_grace_seconds=114)
AFTER: tuple[Step, ...] = (
    (9.2, RESUMED),
    (9.3, PodsOnNode(going=(BILLING, STOPPING), staying=())),
    (30.0, EvictionAccepted(pod=BILLING, grace_seconds=30, cut=False)),
)


@pytest.mark.parametrize("json", [True, False], ids=["json", "text"])
@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned"])
def test_logs_of_two_replicas_are_one_report_in_any_order(json: bool, turned: bool) -> None:
    handed_over = (9.0, SessionEnded(reason=HANDED_OVER))
    logs = [log_of(*BEGUN, handed_over, json=json), log_of(*AFTER, json=json)]
    found = only([line for log in (logs[::-1] if turned else logs) for line in log])
    assert found.incomplete == f"{JOINED}; {SO_FAR} 08:30:30.0 (UTC)"
    assert found.first_at == T0
    assert {one.pod.ref.name.split("-")[0]: one.stage for one in found.pods} == {
        "web": Stage.GONE,
        "billing": Stage.STOPPING,
        "encoder": Stage.STOPPING,
    }
    # As long as the second one has not looked, nothing is known to be gone.
    begun = only([*logs[0], *(line for line in logs[1] if "goes on: noticed" in line)])
    assert [one.gone_at for one in begun.pods] == [None, None, None]
    # Of one of the two it is what that one knew.
    assert only(logs[0]).until_at == T0 + 9.0
    assert only(logs[1]).resumed


def test_a_handler_that_was_killed_twice_leaves_one_report() -> None:
    last: tuple[Step, ...] = (
        (40.0, RESUMED),
        (40.1, PodsOnNode(going=(), staying=())),
        (40.2, replace(DRAINED, seconds=40.2, margin_seconds=79.8)),
    )
    found = only([*log_of(*BEGUN), *log_of(*AFTER), *log_of(*last)])
    assert (found.first_at, found.drained_at, found.incomplete) == (T0, T0 + 40.2, JOINED)
    assert {one.pod.ref.name.split("-")[0]: (one.asked_at, one.gone_at) for one in found.pods} == {
        "web": (T0 + 0.4, T0 + 9.2),
        "billing": (T0 + 30.0, T0 + 40.0),
        "encoder": (T0 + 0.5, T0 + 40.0),
    }
    assert all(one.stage is Stage.GONE and not one.by_itself for one in found.pods)


def test_a_report_that_cannot_be_read_is_named() -> None:
    lines = [line.replace('"v":2', '"v":7') for line in log_of(*FULL_STORY)]
    past = past_of(lines)
    assert set(past.unreadable) == {"a report of version 7; this nth reads versions up to 2"}
    assert past.reports == []


def test_a_report_line_that_was_cut_off_is_named() -> None:
    line = (
        '{"level":"info","time":"2026-11-22T08:30:00Z","message":"x","session":"s","node":"n","report":"cut"}'
    )
    assert past_of([line]).unreadable == ["a report that was cut, because its line would have been too long"]


def test_the_report_line_of_the_phase_before_counts_if_the_last_one_cannot_be_read() -> None:
    lines = log_of(*FULL_STORY)
    lines = [line.replace('"v":2', '"v":7') if is_final(line) else line for line in lines]
    assert [report.incomplete for report in past_of(lines).reports] == [f"{SO_FAR} 08:31:30.1 (UTC)"]


def test_sessions_of_an_older_version_are_counted() -> None:
    past = past_of(of_older_version(log_of(*FULL_STORY)))
    assert (past.reports, past.unreported) == ([], 1)
    assert past_of(log_of(*FULL_STORY)).unreported == 0


def test_a_notice_in_the_log_is_the_one_that_was_told() -> None:
    (seen,) = only(without_end(log_of(*FULL_STORY))).notices
    assert isinstance(NOTICE, NoticeReceived)
    assert (seen.event, seen.level, seen.deadline_at, seen.drain_at) == (
        NOTICE.event,
        NOTICE.level,
        NOTICE.deadline_at,
        NOTICE.drain_at,
    )


def what_was_told(records: list[Told], read: InterruptionReport) -> InterruptionReport:
    """The report of all that was told from the beginning of that one until it was written."""
    interruptions = Interruptions()
    told_until = [interruptions.take(one) for one in records if one.at <= read.until_at]
    interruption = told_until[-1]
    assert interruption is not None
    before = [one.at for one in records if interruption.first_at <= one.at < read.first_at]
    report = interruption.report_since(max(before, default=ALWAYS), read.until_at)
    if read.entries_left_out:
        report = replace(report, entries=read.entries, entries_left_out=read.entries_left_out)
    incomplete = "" if read.final else f"{SO_FAR} {clock(read.until_at)} (UTC)"
    return replace(report, final=read.final, incomplete=incomplete)


def shown(report: InterruptionReport) -> list[object]:
    """All that `nth report` and `nth explain` show of it."""
    pods = (*(one.pod for one in report.pods), *(pod for pod, _ in report.staying))
    names = (report.node_name, *sorted({str(pod.ref) for pod in pods}))
    return [as_text(report_lines(report)), markdown(report), *(answers(name, [report]) for name in names)]


def joins(report: InterruptionReport, last: InterruptionReport) -> bool:
    """Whether the first one ends with all of the last one, which goes on after a restart."""
    tail = report.entries[len(report.entries) - len(last.entries) :]
    ends = (tail, report.until_at, report.final) == (last.entries, last.until_at, last.final)
    return last.resumed and JOINED in report.incomplete and report.first_at < last.first_at and ends


RESUMED_AFTER_ANOTHER_NOTICE: list[Step] = [
    (0.0, NOTICE),
    (0.0, NoticeWithdrawn(event_id="spot-1", reason="over")),
    (0.0, NOTICE),
    (1.0, SessionResumed(event_ids=("spot-1", "old-1"))),
    (2.0, Planned(steps=("",), drain=False)),
]
"""Two interruptions whose reports are one: the second knows of a restart, and the first has no end."""


@settings(max_examples=60)
@example((RESUMED_AFTER_ANOTHER_NOTICE, 0.0), False)
@given(stories(), st.booleans())
def test_at_every_cut_of_a_log_it_shows_what_was_told_until_its_last_report_line(
    story: tuple[list[Step], float], json: bool
) -> None:
    # No two at one instant: which of them a report has is not seen in it.
    records = told(*((round(seconds + n / 100, 3), report) for n, (seconds, report) in enumerate(story[0])))
    lines = log_of_told(records, json=json)
    before: list[InterruptionReport] = []
    for cut, line in enumerate(lines, start=1):
        found, fields = past_of(lines[:cut]).reports, parse(line)
        assert fields is not None
        if "report" in fields:
            assert isinstance(fields["report"], dict)
            last = decode(fields["report"])
            again = [one for one in found if one.first_at == last.first_at]
            # A further notice that has moved nothing yet is no interruption of its own.
            assert again or (before and not last.final) or any(joins(one, last) for one in found)
            assert all(shown(one) == shown(what_was_told(records, last)) for one in again)
        else:
            assert found == before
        before = found


EARLY = "The log ends early, before this interruption does."


@settings(max_examples=60)
@given(stories())
def test_at_every_cut_of_a_log_each_view_says_that_it_ends_early_and_no_other_does(
    story: tuple[list[Step], float],
) -> None:
    lines = log_of(*story[0])
    for cut in range(1, len(lines) + 1):
        past = past_of(lines[:cut])
        assert past.reports or past.only_noticed or not any(map(is_report, lines[:cut]))
        for one in past.reports:
            text = report_lines(one)
            assert (EARLY in as_text(text)) is (EARLY in markdown(one)) is (EARLY in page(one))
            assert (EARLY in as_text(text)) is not one.final
            assert one.final or not [line for line in text if line.style == "good"]
            # A terminal of 24 rows shows the end.
            assert one.final or EARLY in as_text(text[-23:])


@pytest.mark.parametrize("json", [True, False], ids=["json", "text"])
def test_with_the_real_handler_the_report_is_the_same_with_its_line_and_nearly_without(json: bool) -> None:
    heard: list[Told] = []

    async def story(stage: World) -> None:
        stage.process(
            tell=FanOut(
                InterruptionReporter(so_far=log_report),
                lambda told, _: heard.append(told),
                log=LogReporter(),
            )
        )
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 122)
        await asyncio.sleep(60)

    with logged(json=json) as stream:
        play(story)
    lines = stream.getvalue().splitlines()
    whole, rebuilt = only(lines), only(without_end(lines))
    assert len(whole.pods) == len(rebuilt.pods) == 6
    assert len(whole.entries) == len(heard)
    assert verdict(whole) == (True, "Nothing was lost.")
    assert verdict(rebuilt) == (False, "Not known yet: 2 replacements are not Ready.")
    assert summary(whole)[0] == summary(rebuilt)[0]


@pytest.mark.parametrize("json", [True, False], ids=["json", "text"])
def test_a_log_that_ends_with_its_notice_is_not_taken_for_one_of_an_older_version(json: bool) -> None:
    past = past_of(log_of(*FULL_STORY, json=json)[:1])
    assert (past.reports, past.unreported, past.only_noticed) == ([], 0, [("s-1", "ip-10-0-1-17")])
    older = past_of(of_older_version(log_of(*FULL_STORY, json=json)))
    assert (older.unreported, older.only_noticed) == (1, [])


def test_lines_of_others_are_counted_for_each_source() -> None:
    lines = log_of(*FULL_STORY)
    past = past_of([*lines, "I1122 kubelet", "", "  "], ["a", "b"], [])
    assert past.foreign == [(1, len(lines) + 1), (2, 2), (0, 0)]
