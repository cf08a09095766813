"""Several interruptions as pages: an index with their table, and one page for each beside it."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from nth.report.interruption import InterruptionReport
from nth.report.storm import COLUMNS, Line, headline, rows, worst_first
from nth.ui.chart import plain
from nth.ui.html import document, page

FIGURES = ("forced", "not replaced", "margin")
_OTHER = re.compile(r"[^A-Za-z0-9.-]+")
MAX_NAME_CHARS = 80


def pages(reports: Sequence[InterruptionReport], target: Path) -> Iterator[tuple[Path, str]]:
    """Yield each page and where it belongs: a single one at `target`, of several an index, and a folder."""
    if len(reports) == 1:
        yield target, page(reports[0])
        return
    lines = worst_first(reports)
    folder = folder_of(target)
    names = [_file_name(number, line) for number, line in enumerate(lines, start=1)]
    yield target, index(lines, [f"{folder.name}/{name}" for name in names])
    for line, name in zip(lines, names, strict=True):
        yield folder / name, page(line.report, index=f"../{target.name}")


def folder_of(target: Path) -> Path:
    """Returns the folder of the pages that an index lists."""
    return target.with_name(f"{target.stem}-pages")


def _file_name(number: int, line: Line) -> str:
    """Returns a name of its own, whatever a log calls the node."""
    return f"{number:03}-{_OTHER.sub('-', line.report.node_name)[:MAX_NAME_CHARS]}.html"


def index(lines: Sequence[Line], links: Sequence[str]) -> str:
    """Returns the index as a whole document; each line links to its page."""
    bad = any(not line.fine for line in lines)
    heads = "".join(f"<th{_figure(name)}>{name}</th>" for name in COLUMNS)
    body = "\n".join(map(_row, lines, rows(lines), links))
    return document(
        f"{len(lines)} interruptions",
        f'<p class="verdict{" bad" if bad else ""}">{plain(headline(lines))}</p>',
        f'<div class="scroll"><table class="storm"><tr>{heads}</tr>\n{body}\n</table></div>',
    )


def _row(line: Line, texts: Sequence[str], link: str) -> str:
    kind = "" if line.fine else "error" if line.lost else "warn"
    node, *rest = texts
    first = f'<td><a href="{escape(link)}">{plain(node)}</a></td>'
    others = "".join(
        f"<td{_figure(name)}>{plain(text)}</td>" for name, text in zip(COLUMNS[1:], rest, strict=True)
    )
    return f'<tr class="{kind}">{first}{others}</tr>'


def _figure(name: str) -> str:
    return ' class="figure"' if name in FIGURES else ""
