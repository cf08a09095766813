"""Several interruptions as pages: an index with their table, and one page for each beside it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from nth.report.interruption import InterruptionReport
from nth.report.storm import COLUMNS, Line, grade, headline, period, rows, worst_first
from nth.ui.chart import plain
from nth.ui.html import document, page, row, table

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
    colour = {"good": "", "harm": " harm", "bad": " bad"}[grade(lines)]
    return document(
        f"{len(lines)} interruptions",
        f'<p class="sub">{plain(period(lines))}</p>',
        f'<p class="verdict{colour}">{plain(headline(lines))}</p>',
        table("rows", COLUMNS, map(_row, lines, rows(lines), links)),
    )


def _row(line: Line, texts: Sequence[str], link: str) -> str:
    return row(COLUMNS, texts, "" if line.fine else "error" if line.lost else "warn", link=link)
