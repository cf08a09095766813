"""Several interruptions in one table: a line for each, the worst first. Pure.

Text, page and Markdown have the same columns in the same words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from nth.core.times import utc_text
from nth.report.interruption import Became, HowLeft, InterruptionReport
from nth.report.names import hosts
from nth.report.pod_fates import Counts, counts
from nth.report.words import counted, emptied, lost_names, seconds_text, verdict

COLUMNS = ("node", "kind", "notice", "result", "forced", "not replaced", "margin")
NONE = "-"
"""Stands for a figure that there is not."""


@dataclass(frozen=True, slots=True)
class Line:
    """One interruption in the table."""

    report: InterruptionReport
    fine: bool
    result: str
    """A few words."""
    lost: int
    still_here: int
    """Pods that had to go and were there when the report was made."""
    not_replaced: int
    """Pods that left, and of which it is not known yet whether they are replaced."""
    forced: int


def worst_first(reports: Iterable[InterruptionReport]) -> list[Line]:
    """Returns a line for each: first the one that lost most pods, then left most behind, and so on."""
    return sorted((line_of(report) for report in reports), key=_badness)


def headline(lines: Sequence[Line]) -> str:
    """Returns how all of them went."""
    bad = sum(not line.fine for line in lines)
    if bad:
        return f"{bad} of {counted(len(lines), 'interruption')} did not go well."
    without_data = sum(emptied(line.report) > 0 for line in lines)
    but = f", but {without_data} of them lost emptyDir data" if without_data else ""
    return f"All {len(lines)} interruptions went well{but}."


def grade(lines: Sequence[Line]) -> str:
    """Returns `good`, `harm` (all went well, and data was lost) or `bad`."""
    if any(not line.fine for line in lines):
        return "bad"
    return "harm" if any(emptied(line.report) for line in lines) else "good"


def period(lines: Sequence[Line]) -> str:
    """Returns when the first and the last notice came."""
    first, last = (utc_text(pick(line.report.began_at for line in lines)) for pick in (min, max))
    if first == last:
        return f"All notices at {first}"
    return f"Notices from {first} to {last[11:] if first[:10] == last[:10] else last}"


def rows(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    """Returns the texts for COLUMNS, without the nodes' domain and the notices' day where it is clear so."""
    dated = len({utc_text(line.report.began_at)[:10] for line in lines}) > 1
    names = hosts([line.report.node_name for line in lines])
    return [_cells(line, name, dated=dated) for line, name in zip(lines, names, strict=True)]


def _cells(line: Line, name: str, *, dated: bool) -> tuple[str, ...]:
    report = line.report
    at = utc_text(report.began_at)
    margin = NONE if report.margin_seconds is None else seconds_text(report.margin_seconds)
    return (
        name,
        "unknown" if report.leading is None else report.leading.event.kind.title,
        f"{at[5:10]} {at[11:19]}" if dated else at[11:19],
        line.result,
        str(line.forced or NONE),
        str(line.not_replaced or NONE),
        margin,
    )


def line_of(report: InterruptionReport) -> Line:
    """Returns its line in the table."""
    lost = len(lost_names(report))
    still_here = len(report.unfinished) + (len(report.in_the_way) if report.late and not lost else 0)
    found = counts(report)
    return Line(
        report=report,
        fine=verdict(report)[0] and report.final,
        result=_result(report, found, lost, still_here),
        lost=lost,
        still_here=still_here,
        not_replaced=found.became.get(Became.NOT_REPLACED, 0),
        forced=found.left.get(HowLeft.FORCED, 0),
    )


def _result(report: InterruptionReport, found: Counts, lost: int, still_here: int) -> str:
    if report.planned:
        return "dry run"
    if lost:
        return f"{counted(lost, 'pod')} lost"
    if report.called_off:
        return "called off"
    if still_here:
        return f"{counted(still_here, 'pod')} not moved"
    if not report.final:
        return "the log ends early"
    return "not known yet" if Became.NOT_REPLACED in found.became else _moved(report, found)


def _moved(report: InterruptionReport, found: Counts) -> str:
    """Returns the words for an interruption that is over, without pods that are known to be lost."""
    became = [word for word in found.became if word is not Became.CAME_BACK]
    if Became.UNKNOWN in became:
        return "not known"
    if emptied(report):
        return "emptyDir lost"
    if became == [Became.MOVED]:
        return "all moved"
    return "ended" if became == [Became.ENDED] else "moved or ended" if became else "nothing to move"


def _badness(line: Line) -> tuple[float, ...]:
    """Returns a key that is the smaller the worse it went."""
    margin = line.report.margin_seconds
    return (
        -line.lost,
        -line.still_here,
        -line.not_replaced,
        line.fine,
        -emptied(line.report),
        -line.forced,
        inf if margin is None else margin,
        line.report.began_at,
    )
