"""The report for a chat message."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings

from nth.core.facts import PodRef
from nth.core.reports import Planned, PodsOnNode
from nth.report.markdown import MAX_CHARS, markdown
from tests.report.random_stories import stories
from tests.report.stories import FULL_STORY, LOSING_STORY, NOTICE, WEB, Step, a_pod, owner, report_of


def test_the_verdict_comes_first_then_figures_then_what_to_change_then_pods() -> None:
    lines = markdown(report_of(*FULL_STORY, after_seconds=125)).splitlines()
    assert lines[0] == "**OK: Nothing was lost.**"
    assert lines[1] == "Spot interruption of ip-10-0-1-17, 2026-11-22T08:30:00Z, session s-1"
    assert lines[2] == "- How 3 pods left: 2 politely, 1 forced."
    assert lines[6].startswith("- Slowest step: waiting for the budget billing")
    assert "**What to do before the next one**" in lines
    assert "| shop/web-5d8f7c9b4-aaaaa | politely, moved | 5.0 s | 6.0 s |  |" in lines


def test_what_is_lost_is_said_first_and_stands_first_in_the_table() -> None:
    lines = markdown(report_of(*LOSING_STORY, after_seconds=125)).splitlines()
    assert lines[0] == "**NOT OK: 1 POD LOST with the machine: shop/billing-5d8f7c9b4-bbbbb.**"
    rows = [line for line in lines if line.startswith("| shop/")]
    assert rows[0].startswith("| shop/billing-5d8f7c9b4-bbbbb | LOST | - | - |")


def test_a_plan_is_shown() -> None:
    plan = Planned(steps=("+0 s: cordon", "+85 s: force"), drain=True)
    assert "**Plan, not carried out**\n- +0 s: cordon\n" in markdown(report_of((0.0, plan), after_seconds=1))


def test_nothing_from_a_cluster_is_markup_or_calls_anybody() -> None:
    evil = replace(WEB, ref=PodRef("shop", "@here|<!channel>`*x*", "u"))
    text = markdown(report_of((0.0, NOTICE), (1.0, PodsOnNode(going=(evil,), staying=())), after_seconds=2))
    (row,) = [line for line in text.splitlines() if line.startswith("| shop/")]
    assert r"shop/\@here\|\<!channel\>\`\*x\*" in row
    assert len(re.findall(r"(?<!\\)\|", row)) == 6


@pytest.mark.parametrize("pods", [80, 400])
def test_of_many_pods_as_many_as_fit_are_shown_and_the_others_are_counted(pods: int) -> None:
    going = tuple(a_pod(f"web-5d8f7c9b4-{number:05d}", owner("web")) for number in range(pods))
    text = markdown(report_of((0.0, NOTICE), (1.0, PodsOnNode(going=going, staying=())), after_seconds=2))
    assert MAX_CHARS - 200 < len(text) <= MAX_CHARS
    shown = text.count("| shop/web")
    assert text.endswith(f"\n... and {pods - shown} pods more\n")


@settings(max_examples=60)
@given(stories())
def test_it_is_never_too_long(story: tuple[list[Step], float]) -> None:
    steps, after_seconds = story
    assert len(markdown(report_of(*steps, after_seconds=after_seconds))) <= MAX_CHARS
