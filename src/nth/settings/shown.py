"""Shows settings to people: without secrets, without passwords, each on one line."""

import re

from nth.settings.rows import Row, Value
from nth.settings.table import TABLE, Settings

PROVIDED = "<provided-not-displayed>"
NOT_SET = "<not-set>"

_USER_OF_URL = re.compile(r"^(.*?://)?.*@", re.DOTALL)
_LONGEST = 80
# The original's log has this one in another case than all others.
_PRINTED_NAMES = {"managed_tag": "ManagedTag"}


def as_printed(settings: Settings) -> dict[str, Value]:
    """Returns what the start prints, by its key in the JSON log line; deprecated settings are left out."""
    return {
        _PRINTED_NAMES.get(row.name, row.name): _printed(row, getattr(settings, row.name))
        for row in TABLE
        if not row.successor
    }


def shown(row: Row, text: str) -> str:
    """Returns a wrong value as an error shows it: quoted, on one line, not too long."""
    if row.secret:
        return PROVIDED
    text = _without_user(row, text)
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "...")


def _printed(row: Row, value: Value) -> Value:
    if row.secret:
        return NOT_SET if value == row.default else PROVIDED
    return _without_user(row, value) if isinstance(value, str) else value


def _without_user(row: Row, text: str) -> str:
    return _USER_OF_URL.sub(r"\1***@", text) if row.kind.word == "url" else text
