"""Several interruptions as pages."""

import re
from dataclasses import replace
from pathlib import Path

from nth.ui.index import pages
from tests.report.stories import FULL_STORY, LOSING_STORY, report_of
from tests.ui.test_html import parsed

GOOD = report_of(*FULL_STORY, after_seconds=125)
LOST = replace(report_of(*LOSING_STORY, after_seconds=125), node_name="b")


def test_one_is_one_page_and_several_are_an_index_and_a_page_each() -> None:
    assert [path for path, _ in pages([GOOD], Path("x/out.html"))] == [Path("x/out.html")]
    found = dict(pages([GOOD, LOST], Path("x/out.html")))
    assert [str(path) for path in found] == [
        "x/out.html",
        "x/out-pages/001-b.html",
        "x/out-pages/002-ip-10-0-1-17.html",
    ]
    index, *rest = found.values()
    assert re.findall(r'href="([^"]+)"', index) == [
        "out-pages/001-b.html",
        "out-pages/002-ip-10-0-1-17.html",
    ]
    for page in (index, *rest):
        parsed(page)
        assert "://" not in page
        assert "script" not in page
    assert all('href="../out.html"' in page for page in rest)
    assert "1 of 2 interruptions did not go well." in index


def test_data_that_was_lost_has_a_colour_of_its_own_and_a_word_in_the_row() -> None:
    first = GOOD.pods[0]
    pod = replace(first, pod=replace(first.pod, local_storage=True))
    emptied = replace(GOOD, pods=(pod, *GOOD.pods[1:]), node_name="b")
    index, *rest = dict(pages([GOOD, emptied], Path("out.html"))).values()
    assert re.findall(r'class="(verdict[ \w]*)"', "".join((index, *rest))) == [
        "verdict harm",
        "verdict harm",
        "verdict",
    ]
    assert "All 2 interruptions went well, but 1 of them lost emptyDir data." in index
    assert ">emptyDir lost<" in index


def test_a_figure_that_there_is_not_stands_where_the_figures_of_its_column_stand() -> None:
    index = next(text for _, text in pages([GOOD, GOOD], Path("out.html")))
    assert '<td class="figure none" data-name="not replaced">-</td>' in index
    assert '<td class="figure" data-name="forced">1</td>' in index


def test_no_name_leaves_the_folder_or_breaks_the_index() -> None:
    names = ["../../etc/passwd", "a/b", "", 'x"><script>', "n" * 300, ".."]
    found = dict(pages([replace(GOOD, node_name=name) for name in names], Path("out.html")))
    assert len(found) == len(names) + 1
    for path in list(found)[1:]:
        assert path.parent == Path("out-pages")
        assert len(path.name) < 100
    parsed(found[Path("out.html")])
    assert "<script" not in found[Path("out.html")]
