"""From the lines of a log to one report for each interruption."""

import asyncio
import random
from dataclasses import replace

import pytest

from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    NoticeReceived,
    PodLeft,
    PodsOnNode,
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.reading.past import JOINED, MADE_FROM_LINES, past_of
from nth.report.interruption import InterruptionReport, Stage
from nth.report.words import summary, verdict
from nth.reporters.fanout import FanOut
from nth.reporters.log import LogReporter
from nth.reporters.report_line import InterruptionReporter
from nth.ui.report import as_text, report_lines
from tests.reading.logs import log_of, log_of_told, logged, without_report
from tests.report.stories import (
    BEGUN,
    BILLING,
    ENCODER,
    FULL_STORY,
    LOSING_STORY,
    NOTICE,
    T0,
    WEB,
    WITHDRAWN,
    Step,
    report_of,
    told,
)
from tests.worlds import Stage as World
from tests.worlds import play

DRAINED = DrainEnded(left=(), evicted=1, forced=0, seconds=118, margin_seconds=2)


def only(lines: list[str]) -> InterruptionReport:
    (report,) = past_of(lines).reports
    return report


@pytest.mark.parametrize("json", [True, False], ids=["json", "text"])
@pytest.mark.parametrize("story", [FULL_STORY, LOSING_STORY], ids=["good", "lost"])
def test_the_reports_own_line_says_all(story: tuple[Step, ...], json: bool) -> None:
    found = only(log_of(*story, json=json))
    until_at = story[-1][0]
    assert as_text(report_lines(found)) == as_text(report_lines(report_of(*story, after_seconds=until_at)))
    assert found.incomplete == ""


def test_without_it_the_decision_lines_give_the_same_figures_and_say_so() -> None:
    whole, rebuilt = only(log_of(*FULL_STORY)), only(without_report(log_of(*FULL_STORY)))
    assert rebuilt.incomplete == MADE_FROM_LINES
    assert "This report is incomplete: its last line is not in this log" in as_text(report_lines(rebuilt))
    assert verdict(rebuilt) == verdict(whole)
    assert summary(rebuilt) == summary(whole)
    assert [str(one.pod.ref) for one in rebuilt.pods] == [str(one.pod.ref) for one in whole.pods]
    assert [one.gone_at for one in rebuilt.pods] == [one.gone_at for one in whole.pods]
    # Controllers are found again by their names, and a grace that was cut by its line.
    assert [one.pod.controller and one.pod.controller.name for one in rebuilt.pods] == [
        one.pod.controller and one.pod.controller.name for one in whole.pods
    ]
    (encoder,) = [one for one in rebuilt.pods if one.pod.ref.name.startswith("encoder")]
    assert (encoder.pod.grace_seconds, encoder.cut) == (300, True)


def test_from_lines_of_text_all_is_known_to_the_second() -> None:
    rebuilt = only(without_report(log_of(*FULL_STORY, json=False)))
    assert verdict(rebuilt) == (True, "Nothing was lost.")
    assert rebuilt.drained_at == T0 + 90


def test_a_handler_that_was_killed_mid_drain_leaves_what_was_done_until_then() -> None:
    found = only(log_of(*BEGUN))
    assert verdict(found) == (False, "Not done: 3 pods still to move.")
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
    killed = without_report(lines)
    assert len(past_of([*killed, *killed]).reports) == 1


def test_sessions_and_nodes_are_kept_apart_and_sorted_by_time() -> None:
    later = [replace(one, at=one.at + 500, session_id="s-0", node_name="other") for one in told(*FULL_STORY)]
    reports = past_of([*log_of_told(later), *log_of(*FULL_STORY)]).reports
    assert [report.session_id for report in reports] == ["s-1", "s-0"]


def test_of_two_reports_of_one_interruption_the_later_counts() -> None:
    left = PodLeft(pod=BILLING, how="by itself", seconds=116)
    lines = log_of(*LOSING_STORY, (116.0, left), (118.0, DRAINED))
    assert sum('"report":' in line for line in lines) == 2
    assert verdict(only(lines)) == (True, "Nothing was lost.")
    assert verdict(only(lines[::-1])) == (True, "Nothing was lost.")


def test_what_is_told_after_a_report_is_no_interruption_of_its_own() -> None:
    after = (
        (150.0, NOTICE),
        (150.2, PodsOnNode(going=(), staying=())),
        (160.0, SessionEnded(reason="the node is gone")),
    )
    assert len(past_of(log_of(*FULL_STORY, *after)).reports) == 1


def test_an_interruption_after_a_reported_one_that_ended_early_is_shown() -> None:
    again: tuple[Step, ...] = (
        (200.0, NOTICE),
        (201.0, EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)),
    )
    first, second = past_of(log_of(*FULL_STORY, *again)).reports
    assert (first.incomplete, second.incomplete) == ("", MADE_FROM_LINES)
    assert second.first_at == T0 + 200


def test_a_session_of_which_nothing_but_its_end_is_in_the_log_is_none() -> None:
    assert past_of(log_of((0.0, SessionEnded(reason="the node is gone")))).reports == []
    assert past_of(log_of((0.0, WITHDRAWN))).reports != []


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
    assert verdict(found) == (True, "Nothing was lost.")
    # Nothing is expected after the end of the drain: nobody was asked by this handler.
    assert len(found.entries) == len(BEGUN) + len(after) - 1


def test_a_report_that_cannot_be_read_is_named_and_its_decision_lines_count() -> None:
    lines = [line.replace('"v":1', '"v":7') for line in log_of(*FULL_STORY)]
    past = past_of(lines)
    assert past.unreadable == ["a report of version 7; this nth reads version 1"]
    assert [report.incomplete for report in past.reports] == [MADE_FROM_LINES]


def test_a_notice_in_the_log_is_the_one_that_was_told() -> None:
    (seen,) = only(without_report(log_of(*FULL_STORY))).notices
    assert isinstance(NOTICE, NoticeReceived)
    assert (seen.level, seen.deadline_at, seen.drain_at) == (
        NOTICE.level,
        NOTICE.deadline_at,
        NOTICE.drain_at,
    )


@pytest.mark.parametrize("json", [True, False], ids=["json", "text"])
def test_with_the_real_handler_the_report_is_the_same_with_its_line_and_nearly_without(json: bool) -> None:
    heard: list[Told] = []

    async def story(stage: World) -> None:
        stage.process(tell=FanOut(LogReporter(), InterruptionReporter(), heard.append))
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 122)
        await asyncio.sleep(60)

    with logged(json=json) as stream:
        play(story)
    lines = stream.getvalue().splitlines()
    whole, rebuilt = only(lines), only(without_report(lines))
    assert len(whole.pods) == len(rebuilt.pods) == 6
    assert len(whole.entries) == len(heard)
    assert verdict(whole) == verdict(rebuilt) == (True, "Nothing was lost.")
    assert summary(whole)[0] == summary(rebuilt)[0]
