"""Several interruptions in one table."""

from dataclasses import replace

from nth.report.markdown import MAX_CHARS, markdown_of_storm
from nth.report.storm import Line, headline, period, rows, worst_first
from nth.ui.report import as_text
from nth.ui.storm import storm_lines
from tests.report.stories import BEGUN, FULL_STORY, LOSING_STORY, T0, report_of

GOOD = report_of(*FULL_STORY, after_seconds=125)
LOST = report_of(*LOSING_STORY, after_seconds=125)
EARLY = replace(report_of(*BEGUN, after_seconds=1), final=False, incomplete="cut off")


def a_storm(count: int = 50) -> list[Line]:
    """One lost a pod, one report ends early, the others went well; all nodes have a long name."""
    found = [*[GOOD] * (count - 2), LOST, EARLY]
    return worst_first(
        replace(one, node_name=f"ip-10-0-{n // 9}-{n}.eu-central-1.compute.internal", began_at=T0 + n)
        for n, one in enumerate(found)
    )


def test_the_worst_is_the_first() -> None:
    lines = a_storm()
    assert [line.result for line in lines[:3]] == ["1 pod lost", "3 pods not moved", "all moved"]
    assert [line.fine for line in lines] == [False, False, *[True] * 48]


def test_the_headline_counts_them() -> None:
    expected = "2 of 50 interruptions did not go well."
    assert headline(a_storm()) == expected
    assert headline(worst_first([GOOD, GOOD])) == "All 2 interruptions went well."
    assert period(worst_first([GOOD, GOOD])) == "All notices at 2026-11-22T08:30:00Z"
    assert period(a_storm()) == "Notices from 2026-11-22T08:30:00Z to 08:30:49Z"


def test_a_row_has_the_figures() -> None:
    texts = dict(zip([line.report.node_name for line in a_storm(3)], rows(a_storm(3)), strict=True))
    good = texts["ip-10-0-0-0.eu-central-1.compute.internal"]
    assert good == ("ip-10-0-0-0", "Spot interruption", "08:30:00", "all moved", "1", "-", "29.9 s")


def test_nodes_that_differ_only_in_their_domain_keep_it_and_days_are_shown_if_there_are_several() -> None:
    lines = worst_first(
        [replace(GOOD, node_name="a.b"), replace(GOOD, node_name="a.c", began_at=T0 + 86_400)]
    )
    assert [row[0] for row in rows(lines)] == ["a.b", "a.c"]
    assert [row[2] for row in rows(lines)] == ["11-22 08:30:00", "11-23 08:30:00"]


def test_the_text_fits_and_tells_the_nodes_apart() -> None:
    for width in (80, 100, 140):
        text = as_text(storm_lines(a_storm(), width))
        table = text[text.index("MARGIN") :].splitlines()[1:]
        assert len(table) == 50
        assert max(map(len, text.splitlines())) <= width
        assert text.isascii()
        assert len({line.split()[0] for line in table}) == 50


def test_nodes_of_other_long_names_differ_too() -> None:
    names = [f"worker-node-of-the-shop-in-the-first-data-center-{n:02}" for n in range(30)]
    lines = worst_first(replace(GOOD, node_name=name) for name in names)
    text = as_text(storm_lines(lines, 80))
    assert len({line.split()[0] for line in text[text.index("MARGIN") :].splitlines()[1:]}) == 30


def test_markdown_is_bounded_and_counts_the_rest() -> None:
    text = markdown_of_storm(a_storm(500))
    assert len(text) <= MAX_CHARS
    assert text.startswith("**NOT OK: 2 of 500 interruptions did not go well.**\n")
    assert "| 1 pod lost |" in text
    assert text.rstrip().endswith("interruptions more")
