"""Writes the settings for `--help`, and words a row for help and documents."""

from collections.abc import Iterator
from itertools import groupby
from textwrap import fill

from nth.settings.rows import Row
from nth.settings.table import BY_NAME, TABLE

_USAGE = """\
Usage: nth [flags]          handle the interruptions of this node
       nth help             list the commands: report, explain, demo ...
       nth report --help    what became of each interruption, from the log
       nth explain --help   why a pod was moved, from the log
       nth demo --help      see it work in a simulated cluster, without AWS"""
_INTRODUCTION = """\
Moves the pods off an EC2 instance before it is taken away.

Each flag can also be set by the environment variable on its right. A flag overrides its variable, and an \
empty variable counts as not set. -flag, --flag, --flag=value and --flag value all work, but a switch (shown \
without a value) takes its value only after '=', as in --dry-run=false. It may be true, false, 1, 0, t, f, T \
or F."""
_VARIABLE_COLUMN = 54
_STICKY_SPACE = "\N{NO-BREAK SPACE}"


def help_text(width: int = 100) -> str:
    """Returns all settings, grouped, in lines of at most `width` (100 or more) characters."""
    paragraphs = [_USAGE, *(fill(part, width) for part in _INTRODUCTION.split("\n\n"))]
    for group, rows in groupby(TABLE, key=lambda row: row.group):
        paragraphs.append("\n".join((group, *(line for row in rows for line in _entry(row, width)))))
    return "\n\n".join(paragraphs) + "\n"


def usage(row: Row) -> str:
    """Returns its flag as a user writes it."""
    return row.flag if row.kind.switch else f"{row.flag}=<{row.kind.word}>"


def meaning(row: Row) -> str:
    """Returns its help, in a sentence or two."""
    return f"Deprecated: use {BY_NAME[row.successor].flag}." if row.successor else row.help


def default_text(row: Row) -> str:
    """Returns the default as a user would write it; empty if it is an empty text."""
    if isinstance(row.default, bool):
        return str(row.default).lower()
    if isinstance(row.default, float):
        return f"{row.default:g}"
    return "(one line of Slack text)" if row.name == "webhook_template" else str(row.default)


def _entry(row: Row, width: int) -> Iterator[str]:
    yield f"  {usage(row):{_VARIABLE_COLUMN - 3}} {row.variable}"
    allowed = "" if row.kind.switch or not row.kind.allowed else f" Allowed: {row.kind.allowed}."
    default = f" Default:{_STICKY_SPACE}{default_text(row)}." if default_text(row) else ""
    words = meaning(row) if row.successor else meaning(row) + allowed + default
    filled = fill(words, width, initial_indent=" " * 6, subsequent_indent=" " * 6, break_on_hyphens=False)
    yield filled.replace(_STICKY_SPACE, " ")
