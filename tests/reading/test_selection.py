"""Which interruptions are asked for."""

from dataclasses import replace

import pytest

from nth.reading.selection import Selection, instant_of
from tests.report.stories import FULL_STORY, NODE, T0, report_of

NOW = 1_795_340_000.0
FIRST = report_of(*FULL_STORY, after_seconds=93)
SECOND = replace(FIRST, node_name="b.ec2.internal", session_id="s-2", began_at=T0 + 900, until_at=T0 + 990)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("30m", NOW - 1800),
        ("2h", NOW - 7200),
        ("1d12h", NOW - 129_600),
        ("90s", NOW - 90),
        ("2026-11-22T08:30:00Z", T0),
        ("2026-11-22T09:30:00+01:00", T0),
        ("2026-11-22T08:30:00.5Z", T0 + 0.5),
    ],
)
def test_a_time_ago_and_an_instant_are_understood(text: str, at: float) -> None:
    assert instant_of(text, NOW) == at


@pytest.mark.parametrize(
    "text", ["", "2", "h", "-2h", "2w", "yesterday", "2h ", "9" * 400 + "d", "2026-13-01"]
)
def test_other_texts_are_not(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: 30m, 2h"):
        instant_of(text, NOW)


@pytest.mark.parametrize(
    ("selection", "nodes"),
    [
        (Selection(), [NODE, "b.ec2.internal"]),
        (Selection(node="b"), ["b.ec2.internal"]),
        (Selection(node=NODE, session="s-2"), []),
        (Selection(since_at=T0 + 93), [NODE, "b.ec2.internal"]),
        (Selection(since_at=T0 + 94), ["b.ec2.internal"]),
        (Selection(since_at=T0 + 991), []),
    ],
)
def test_since_an_instant_are_those_that_were_not_over_then(selection: Selection, nodes: list[str]) -> None:
    assert [one.node_name for one in selection.chosen([FIRST, SECOND])] == nodes


def test_it_says_what_was_asked_for() -> None:
    assert str(Selection()) == ""
    whole = Selection(session="x", node="y", since_at=T0)
    assert str(whole) == " of session x and node y since 2026-11-22T08:30:00Z"
