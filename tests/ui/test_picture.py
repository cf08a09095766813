"""The picture for the README."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from nth.ui.picture import svg
from tests.report.stories import BEGUN, a_scene

NAMESPACE = "http://www.w3.org/2000/svg"
COMMITTED = Path(__file__).parents[2] / "docs" / "demo.svg"


def assert_stands_alone(drawn: str) -> None:
    ET.fromstring(drawn)
    assert re.findall(r"\w+://[^\s\"']+", drawn) == [NAMESPACE]
    assert "@font-face" not in drawn
    assert not re.findall(r"url\((?!#)", drawn)
    assert len(drawn.encode()) < 150_000


def test_the_picture_stands_alone_and_shows_the_view() -> None:
    drawn = svg(a_scene(*BEGUN, after_seconds=30), width=100, height=36, note="2.4x real time")
    assert_stands_alone(drawn)
    assert "billing-bbbbb" in drawn


def test_the_committed_picture_stands_alone() -> None:
    drawn = COMMITTED.read_text(encoding="utf-8")
    assert_stands_alone(drawn)
    assert "DRAINING" in drawn
