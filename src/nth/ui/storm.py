"""The table of several interruptions as lines of text, for a terminal or a file. It must not import rich."""

from collections.abc import Sequence
from textwrap import shorten

from nth.core.visible import visible_line
from nth.report.names import CUT, cut_middle
from nth.report.storm import COLUMNS, Line, grade, headline, period, rows
from nth.ui.terminal import Style, StyledLine

GAP = "  "
RIGHT = ("forced", "not replaced", "margin")
"""The columns of figures."""
LEAST_NODE_CHARS, MOST_KIND_CHARS = 12, 21
SHORT_HEADS = {"not replaced": "missing"}
"""Heads in a narrow table."""
ROOMY = 90
STYLES: dict[str, Style] = {"good": "good", "harm": "warn", "bad": "bad"}


def storm_lines(lines: Sequence[Line], width: int) -> list[StyledLine]:
    """Returns the headline and the table, in lines of at most `width` (80 or more) characters."""
    texts = [tuple(map(visible_line, row)) for row in rows(lines)]
    heads = [head if width >= ROOMY else SHORT_HEADS.get(head, head) for head in COLUMNS]
    widths = _widths(heads, texts, width)
    return [
        StyledLine(STYLES[grade(lines)], headline(lines)),
        StyledLine("plain", f"{period(lines)}."),
        StyledLine("plain", ""),
        StyledLine("dim", _row([head.upper() for head in heads], widths)),
        *(
            StyledLine("plain" if line.fine else "error" if line.lost else "warn", _row(row, widths))
            for line, row in zip(lines, texts, strict=True)
        ),
    ]


def _widths(heads: Sequence[str], texts: Sequence[Sequence[str]], width: int) -> list[int]:
    """Returns the columns' widths; the kind and then the node give way."""
    widths = [max(map(len, column)) for column in zip(heads, *texts, strict=True)]
    widths[1] = min(widths[1], MOST_KIND_CHARS)
    others = sum(widths[2:]) + len(GAP) * len(widths)
    widths[1] = max(len(heads[1]), min(widths[1], width - others - min(widths[0], LEAST_NODE_CHARS)))
    widths[0] = min(widths[0], width - others - widths[1])
    return widths


def _row(row: Sequence[str], widths: Sequence[int]) -> str:
    node, kind, *rest = row
    texts = [cut_middle(node, widths[0]), shorten(kind, widths[1], placeholder=CUT), *rest]
    columns = zip(COLUMNS, texts, widths, strict=True)
    return "".join(
        GAP + (text.rjust(width) if name in RIGHT else text.ljust(width)) for name, text, width in columns
    ).rstrip()
