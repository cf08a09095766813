"""The report as text."""

from dataclasses import replace

import pytest

from nth.core.facts import PodRef
from nth.core.reports import Planned
from nth.ui.report import as_text, report_lines
from tests.report.stories import FULL_STORY, LOSING_STORY, NOTICE, REBALANCE, WEB, Step, report_of


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("story", [FULL_STORY, LOSING_STORY], ids=["good", "lost"])
def test_no_line_is_too_long_and_all_is_ascii(width: int, story: tuple[Step, ...]) -> None:
    text = as_text(report_lines(report_of(*story, after_seconds=125), width))
    assert max(len(line) for line in text.splitlines()) <= width
    assert text.isascii()
    assert "\n  billing-bbbbb " in text


def test_the_report_says_what_happened_and_ends_with_the_verdict() -> None:
    lines = report_lines(report_of(*FULL_STORY, after_seconds=125))
    text = as_text(lines)
    assert text.startswith("Spot interruption of ip-10-0-1-17, 2026-11-22T08:30:00Z, session s-1\n")
    assert "  billing-bbbbb  " in text
    assert "FORCED, moved    90.0 s   92.0 s" in text
    assert "1 left alone (a DaemonSet would only put it back): aws-node-ddddd" in text
    verdict = next(line for line in lines if line.style == "good")
    assert verdict.text == "Nothing was lost."
    assert lines.index(verdict) == len(lines) - 7
    assert "Slowest step: waiting for the budget billing to let billing-bbbbb go took 84.7 s" in text


def test_a_loss_is_red_and_marked() -> None:
    lines = report_lines(report_of(*LOSING_STORY, after_seconds=125))
    assert [line.text for line in lines if line.style == "bad"] == [
        "1 POD LOST with the machine: shop/billing-5d8f7c9b4-bbbbb."
    ]
    (row,) = [line for line in lines if line.style == "error" and line.text.startswith("  billing")]
    assert row.text.split()[-3:] == ["LOST", "-", "-"]


def test_the_leading_notice_gives_the_title() -> None:
    first = report_lines(report_of((-15.0, REBALANCE), (0.0, NOTICE), after_seconds=1))[0]
    assert first.text.startswith("Spot interruption of ip-10-0-1-17")


def test_a_dry_run_shows_its_plan() -> None:
    plan = Planned(steps=("+0 s: cordon", "+85 s: force"), drain=True)
    text = as_text(report_lines(report_of((0.0, plan), after_seconds=1)))
    assert "Plan, not carried out\n  +0 s: cordon\n  +85 s: force\n" in text
    assert "Dry run: nothing was changed." in text


@pytest.mark.parametrize("width", [80, 100])
def test_a_long_name_keeps_its_end_so_that_replicas_do_not_look_alike(width: int) -> None:
    report = report_of(*FULL_STORY, after_seconds=125)
    names = [f"recommendations-worker-of-the-shop-for-the-front-page-{end}" for end in ("aaaaa", "bbbbb")]
    pods = tuple(
        replace(report.pods[0], pod=replace(WEB, ref=PodRef("shop", name, name), controller=None))
        for name in names
    )
    text = as_text(report_lines(replace(report, pods=pods), width))
    shown = [line.split()[0] for line in text.splitlines() if line.startswith("  recommend")]
    assert len(set(shown)) == 2
    assert [name[-5:] for name in shown] == ["aaaaa", "bbbbb"]
    assert max(len(line) for line in text.splitlines()) <= width


def test_no_line_ends_between_a_figure_and_its_unit() -> None:
    for width in range(80, 120):
        lines = as_text(report_lines(report_of(*FULL_STORY, after_seconds=125), width)).splitlines()
        assert [line for line in lines if line.lstrip().startswith(("s ", "s.", "min ", "h "))] == []


def test_a_verdict_is_green_only_if_not_even_data_was_lost() -> None:
    good = report_of(*FULL_STORY, after_seconds=125)
    pod = replace(good.pods[0], pod=replace(good.pods[0].pod, local_storage=True))
    emptied = replace(good, pods=(pod, *good.pods[1:]))
    (verdict,) = [line for line in report_lines(emptied) if line.text.startswith("No pod was lost")]
    assert verdict.style == "warn"
