"""Grafana can lay the dashboard out, the drawing tool counts right, and the runbooks' words are true."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from testbed.prometheus import Curve
from tools.chart.dashboard import COLUMNS, dashboard
from tools.chart.panels import ROWS
from tools.plot_dashboard import Window, legend, scale, written

ROOT = Path(__file__).parents[2]
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text()
PANELS: list[dict[str, Any]] = dashboard()["panels"]


def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    at = panel["gridPos"]
    return {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}


def test_panels_do_not_overlap_and_stay_within_the_grid() -> None:
    for one, other in combinations(PANELS, 2):
        assert not cells(one) & cells(other), (one["title"], other["title"])
    assert max(x for panel in PANELS for x, _ in cells(panel)) < COLUMNS


def test_ids_and_titles_are_there_once() -> None:
    for key in ("id", "title"):
        found = [panel[key] for panel in PANELS]
        assert len(set(found)) == len(found)


def test_every_panel_of_the_table_is_there_with_its_queries_and_words() -> None:
    drawn = {panel["title"]: panel for panel in PANELS}
    for panel in (each for row in ROWS for each in row.panels):
        found = drawn[panel.title]
        assert [target["expr"] for target in found["targets"]] == [query.expr for query in panel.queries]
        assert found["description"].endswith(".")
        assert all('job=~"$job"' in query.expr for query in panel.queries)


def test_the_data_source_is_chosen_by_who_looks() -> None:
    document = json.dumps(dashboard())
    assert set(re.findall(r'"uid": "(\$[^"]*)"', document)) == {"${datasource}"}
    assert [each["name"] for each in dashboard()["templating"]["list"]] == ["datasource", "job"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0, 0, [0, 0.25]),
        (-12, 100, [-25, 0, 25, 50, 75, 100]),
        (0, 0.7, [0, 0.2, 0.4, 0.6, 0.8]),
    ],
)
def test_axes_have_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert scale(low, high) == pytest.approx(expected)


def test_numbers_and_legends_are_written_as_grafana_does() -> None:
    assert [written(0.5, "reqps"), written(3 * 2**20, "bytes"), written(91.46, "s")] == [
        "0.5/s",
        "3 MiB",
        "91.5 s",
    ]
    assert legend("{{a}} {{b}}", Curve({"a": "x", "b": "y"}, ())) == "x y"
    assert Window(0, 600).filled('a{job=~"$job"}[$__range]') == 'a{job=~".+"}[600s]'


def test_runbooks_look_for_lines_that_the_handler_writes() -> None:
    source = "".join(path.read_text() for path in (ROOT / "src" / "nth").rglob("*.py"))
    asked = re.findall(r"(?:grep|-e) '([^']+)'(?=.* handler\.log)", RUNBOOKS)
    assert len(asked) >= 5
    assert [words for words in asked if words not in source] == []


def test_links_of_the_runbooks_lead_somewhere() -> None:
    own = {heading.lower() for heading in re.findall(r"^## (\w+)$", RUNBOOKS, re.MULTILINE)}
    for link in re.findall(r"\]\(([^)]+)\)", RUNBOOKS):
        path, _, anchor = link.partition("#")
        assert (ROOT / "docs" / path).exists(), link
        assert path or anchor in own, link
