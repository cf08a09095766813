"""Shows interruptions in the form that is asked for: text, Markdown, pages, JSON."""

import json
from collections.abc import Sequence
from pathlib import Path

from nth.core.visible import visible
from nth.errors import SettingError
from nth.report.data import as_data
from nth.report.interruption import InterruptionReport
from nth.report.markdown import markdown, markdown_of_storm
from nth.report.storm import Line, worst_first
from nth.report.words import counted
from nth.ui.index import folder_of, pages
from nth.ui.report import report_lines
from nth.ui.storm import storm_lines
from nth.ui.terminal import StyledLine, say, say_lines, width


def show_text(found: Sequence[InterruptionReport], *, every: bool) -> None:
    """Write one report whole; of several a table, and the reports of those that went badly, or of all."""
    columns = width()
    if len(found) == 1:
        say_lines(report_lines(found[0], columns))
        return
    lines = worst_first(found)
    say_lines(storm_lines(lines, columns))
    for line in _detailed(lines, every=every):
        rule = StyledLine("dim", "-" * columns)
        say_lines(
            [StyledLine("plain", ""), rule, StyledLine("plain", ""), *report_lines(line.report, columns)]
        )
    say_lines(StyledLine("dim", text) for text in _left_out(lines, every=every))


def show_markdown(found: Sequence[InterruptionReport], *, every: bool) -> None:
    """Write one report; of several a table, and with `every` all reports, too."""
    lines = worst_first(found)
    table = [markdown_of_storm(lines)] if len(found) > 1 else []
    reports = [markdown(line.report) for line in lines] if every or not table else []
    say("\n---\n\n".join([*table, *reports]))


def show_json(found: Sequence[InterruptionReport]) -> None:
    """Write all reports as one JSON document, oldest first."""
    say(json.dumps({"version": 1, "interruptions": [as_data(one) for one in found]}, indent=2) + "\n")


def write_pages(found: Sequence[InterruptionReport], html: str) -> None:
    """Write one page, or an index and a page for each, and say where. SettingError: it cannot be written."""
    target = Path(html)
    for path, text in pages(found, target):
        try:
            if path.parent != target.parent:
                path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise SettingError(
                f"report: --html is {html!r}, and {str(path)!r} cannot be written ({error.strerror})"
            ) from error
    more = f", and a page for each of {len(found)} interruptions in {folder_of(target)}"
    say(f"{visible(html + (more if len(found) > 1 else ''))}\n")


def _detailed(lines: Sequence[Line], *, every: bool) -> list[Line]:
    return [line for line in lines if every or not line.fine]


def _left_out(lines: Sequence[Line], *, every: bool) -> list[str]:
    count = len(lines) - len(_detailed(lines, every=every))
    if not count:
        return []
    return ["", f"{counted(count, 'interruption')} that went well: --all shows each, --node NAME one."]
