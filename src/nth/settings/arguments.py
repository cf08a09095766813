"""Reads the command line as Go's flag package does, for the manifests written for the original.

https://pkg.go.dev/flag#hdr-Command_line_flag_syntax. It finds each flag's text and judges none.
No message shows a text: one that stands in the wrong place may be a secret.
"""

from collections.abc import Sequence

from nth.errors import SettingError
from nth.settings.rows import Row
from nth.settings.table import TABLE

_BY_FLAG = {row.flag.removeprefix("--"): row for row in TABLE}
_SHOWN_LENGTH = 60


def texts_of_flags(argv: Sequence[str]) -> dict[str, str]:
    """Returns the text of each flag given, by the setting's name; of a repeated flag the last one.

    A switch that stands alone has the text `true`, and never takes the next word. SettingError for
    a flag that is not in the table, one without its value, and a word that belongs to no flag.
    """
    texts: dict[str, str] = {}
    rest = list(reversed(argv))
    row = None
    while rest:
        word = rest.pop()
        if word == "--" and not rest:
            break
        if word in ("", "-", "--") or not word.startswith("-"):
            raise _stray(len(argv) - len(rest) + (word == "--"), row)
        flag, equals, text = word.partition("=")
        row = _row_of(flag)
        texts[row.name] = text if equals else _text_after(row, rest)
    return texts


def _row_of(flag: str) -> Row:
    row = _BY_FLAG.get(flag.removeprefix("-").removeprefix("-"))
    if row is None:
        raise _unknown(flag[:_SHOWN_LENGTH])
    return row


def _text_after(row: Row, rest: list[str]) -> str:
    if row.kind.switch:
        return "true"
    if not rest:
        raise SettingError(f"{row} has no value; allowed: {row.kind.allowed or 'any text'}")
    return rest.pop()


def _stray(position: int, after: Row | None) -> SettingError:
    where = f"argument {position}" + (f", after {after}," if after else "")
    return SettingError(
        f"{where} belongs to no flag; allowed: flags and their values, a switch's with '=': "
        "--dry-run=false (DRY_RUN)"
    )


def _unknown(flag: str) -> SettingError:
    import difflib  # Only here: a process that starts well needs no memory for it.

    nearest = difflib.get_close_matches(flag.strip("-"), _BY_FLAG, n=1)
    hint = f"did you mean {_BY_FLAG[nearest[0]]}?" if nearest else "--help shows them all"
    return SettingError(f"there is no flag {flag!r}; {hint}")
