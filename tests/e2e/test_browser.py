"""The pages of `nth report --html` in a real browser: no error, no sideways scrolling, readable colours."""

from dataclasses import replace
from pathlib import Path

import pytest

from nth import cli
from nth.core.facts import PodRef
from nth.report.interruption import InterruptionReport
from nth.ui.html import page
from nth.ui.index import pages
from tests.e2e.browser import Visit, ensure_browser, visit
from tests.report.stories import BEGUN, FULL_STORY, LOSING_STORY, report_of

pytestmark = pytest.mark.timeout(300)

STORM = [
    replace(report_of(*story, after_seconds=125), node_name=f"ip-10-0-1-{n}.eu-central-1.compute.internal")
    for n, story in enumerate([LOSING_STORY, BEGUN, *[FULL_STORY] * 48])
]


def of_long_names(report: InterruptionReport) -> InterruptionReport:
    """The same with the longest names that Kubernetes allows, and a reason without a space."""
    pods = tuple(
        replace(
            one,
            pod=replace(one.pod, ref=PodRef("n" * 63, "p" * 253, one.pod.ref.uid)),
            reason="x" * 300,
        )
        for one in report.pods
    )
    return replace(report, node_name="n" * 253, pods=pods, incomplete="y" * 300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with its pages, the page of the demo, and one of long names."""
    ensure_browser()
    folder = tmp_path_factory.mktemp("pages")
    for path, text in pages(STORM, folder / "storm.html"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "long.html").write_text(page(of_long_names(STORM[0])), encoding="utf-8")
    assert cli.main(["demo", "--plain", "--speed", "max", "--html", str(folder / "demo.html")]) == 0
    return folder


def names_in(folder: Path) -> list[str]:
    one_of_each = sorted((folder / "storm-pages").glob("00[123]-*.html"))
    assert len(one_of_each) == 3
    return [
        "storm.html",
        "demo.html",
        "long.html",
        *(str(path.relative_to(folder)) for path in one_of_each),
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_pages_load_without_an_error_do_not_scroll_sideways_and_can_be_read(
    folder: Path, width: int, dark: bool
) -> None:
    names = names_in(folder)
    seen = visit(folder, names, width=width, dark=dark)
    assert seen.console == ()
    assert [(one.width, one.dark) for one in seen.pages] == [(width, dark)] * len(names)
    assert {
        name: one.scroll_width
        for name, one in zip(names, seen.pages, strict=True)
        if one.scroll_width > width
    } == {}
    assert {name: one.faint for name, one in zip(names, seen.pages, strict=True) if one.faint} == {}
    assert min(one.texts for one in seen.pages) > 20


BROKEN = (
    """<!DOCTYPE html><html><head><meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<link rel="icon" href="data:,"></head><body><script>1</script><p>"""
    + "w" * 2000
    + "</p></body></html>"
)


def test_a_page_with_a_fault_does_not_pass(folder: Path) -> None:
    """The measures above find what they are for."""
    (folder / "broken.html").write_text(BROKEN, encoding="utf-8")
    style = "<style>p { color: #aaa; background: #fff; }</style>"
    (folder / "faint.html").write_text(f"<!DOCTYPE html>{style}<p>hardly there</p>", encoding="utf-8")
    seen: Visit = visit(folder, ["broken.html", "faint.html"], width=400, dark=False)
    assert any("Content Security Policy" in line for line in seen.console)
    assert seen.pages[0].scroll_width > 400
    assert seen.pages[1].faint == ("2.32 hardly there",)
