"""Writes docs/configuration.md from the table: `python -m nth.settings.docs > docs/configuration.md`."""

import sys
from collections.abc import Iterator
from itertools import groupby

from nth.settings.rows import AWS, QUEUE, Row
from nth.settings.table import BY_NAME, TABLE
from nth.settings.text import default_text, meaning

_INTRODUCTION = """\
# Configuration

<!-- Made by `python -m nth.settings.docs`; do not edit. -->

Each setting is a flag and an environment variable. A flag overrides its variable, a variable overrides the
default, and an empty variable counts as not set. Settings of the original handler have the same names here.

`-flag value`, `--flag value`, `-flag=value` and `--flag=value` mean the same. A flag of type bool is true
when it has no value, and takes a value only after `=`: `true` or `false`, or `1`, `t`, `T`, `TRUE`, `True`,
`0`, `f`, `F`, `FALSE`, `False`.

If a value is not allowed, the handler exits with code 2 and one line that names the flag, the variable, the
value and what is allowed. If the setting's feature is off, the value is ignored with a warning instead; so
are settings that have no effect together. White space around a URL or the headers is ignored with a warning,
too: it comes from Secrets made with `echo`. Values of secret settings are never shown.
"""
_HEAD = """\
| Flag | Variable | Type | Default | Allowed | Meaning |
|---|---|---|---|---|---|
"""
_TEMPLATE = """\
## The default webhook template

```
{}
```
"""


def configuration_markdown() -> str:
    """Returns the whole document."""
    return "\n".join((_INTRODUCTION, *_groups(), _TEMPLATE.format(BY_NAME["webhook_template"].default)))


def _groups() -> Iterator[str]:
    for group, rows in groupby(TABLE, key=lambda row: row.group):
        only = "These have an effect in queue mode only.\n\n" if group in (QUEUE, AWS) else ""
        yield f"## {group}\n\n{only}{_HEAD}" + "".join(_line(row) for row in rows)


def _line(row: Row) -> str:
    cells = (
        f"`{row.flag}`",
        f"`{row.variable}`",
        row.kind.word,
        _default(row),
        row.kind.allowed or "any",
        ("Secret. " if row.secret else "") + meaning(row),
    )
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |\n"


def _default(row: Row) -> str:
    if row.name == "webhook_template":
        return "[see below](#the-default-webhook-template)"
    return f"`{default_text(row)}`" if default_text(row) else "empty"


if __name__ == "__main__":
    sys.stdout.write(configuration_markdown())
