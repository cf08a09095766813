"""The report as a page, and the chart in it."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from nth.core.facts import PodRef
from nth.core.reports import PodsOnNode
from nth.ui.chart import chart
from nth.ui.html import page
from tests.report.stories import (
    BEGUN,
    FULL_STORY,
    LOSING_STORY,
    NOTICE,
    REBALANCE,
    RESTORED,
    WEB,
    WITHDRAWN,
    Step,
    report_of,
)

VOID = frozenset({"meta", "br", "!doctype"})


class Checker(HTMLParser):
    """Collects texts and tags, and fails on tags that do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def parsed(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    return checker


@pytest.mark.parametrize("story", [FULL_STORY, LOSING_STORY, BEGUN[:1]], ids=["good", "lost", "begun"])
def test_the_page_stands_alone(story: tuple[Step, ...]) -> None:
    html = page(report_of(*story, after_seconds=125))
    checker = parsed(html)
    assert "://" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert not [name for _, name, _ in checker.attributes if name in ("src", "href")]
    assert "script" not in html


def test_the_page_names_every_pod_and_figure() -> None:
    checker = parsed(page(report_of(*FULL_STORY, after_seconds=125)))
    text = " ".join(checker.texts)
    for name in (
        "web-5d8f7c9b4-aaaaa",
        "billing-5d8f7c9b4-bbbbb",
        "encoder-5d8f7c9b4-ccccc",
        "aws-node-ddddd",
    ):
        assert f"shop/{name}" in text
    for words in ("Nothing was lost.", "29.9 s", "92.0 s", "Spot interruption of ip-10-0-1-17"):
        assert words in text


def test_names_from_a_cluster_cannot_break_the_page() -> None:
    evil = replace(WEB, ref=PodRef("shop", "<script>alert(1)</script>", "u"), controller=None)
    html = page(report_of((0.0, NOTICE), (0.1, PodsOnNode(going=(evil,), staying=())), after_seconds=1))
    parsed(html)
    assert "<script" not in html


def bars_of(svg: str) -> list[str]:
    return re.findall(r'<rect class="(\w+)"', svg)


def test_the_chart_has_one_row_a_pod_and_its_pieces() -> None:
    svg = chart(report_of(*FULL_STORY, after_seconds=125))
    assert svg.count('<g class="pod">') == 3
    # web: stops, and is missed; billing: waits a moment, blocked, forced, missed; encoder: stops.
    assert bars_of(svg) == [
        *("waiting", "stopping", "absent"),
        *("waiting", "blocked", "forced", "absent"),
        *("waiting", "stopping"),
    ]
    assert svg.count('class="ready"') == 3
    for name in ("notice", "cordon", "forced", "drained", "deadline"):
        assert f">{name}</text>" in svg


def test_the_deadline_stands_at_the_right_and_the_notice_at_the_left() -> None:
    svg = chart(report_of(*FULL_STORY, after_seconds=125))
    marks = dict(re.findall(r'<line class="mark (\w+)" x1="([\d.]+)"', svg))
    assert float(marks["notice"]) == 190
    assert float(marks["deadline"]) == 960
    # 85 s of 120 s.
    assert float(marks["force"]) == pytest.approx(190 + 770 * 85 / 120, abs=0.1)


def test_a_lost_pod_has_its_word_in_the_chart() -> None:
    svg = chart(report_of(*LOSING_STORY, after_seconds=125))
    assert svg.count(">LOST</text>") == 1


def test_earlier_notices_stand_before_zero() -> None:
    svg = chart(report_of((-15.0, REBALANCE), *FULL_STORY, after_seconds=125))
    zero = re.search(r'<text class="tick" x="([\d.]+)" y="\d+">0 s</text>', svg)
    assert zero is not None
    assert float(zero[1]) == pytest.approx(190 + 770 * 15 / 135, abs=0.1)


def test_what_stays_has_a_quiet_bar_until_it_is_given_back() -> None:
    svg = chart(report_of(*BEGUN, (10.0, WITHDRAWN), (10.1, RESTORED), after_seconds=20))
    assert bars_of(svg).count("waiting") >= 1
    assert ">given back</text>" in svg
    assert ">deadline</text>" not in svg
