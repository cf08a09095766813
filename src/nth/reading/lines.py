"""One line of a log, whoever passed it on: ours as JSON or as text, or None if it is not ours.

`kubectl logs --prefix` and `--timestamps`, stern and files of container runtimes put something
before our line; log collectors wrap it into the field `log` of an object of their own.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from nth.core.times import parse_rfc3339

LEVELS = {"DBG": "debug", "INF": "info", "WRN": "warn", "ERR": "error", "FTL": "fatal"}
WRAPPERS = ("log", "message", "msg")
"""Where collectors put the line that they found."""
_TEXT = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (DBG|INF|WRN|ERR|FTL)(?: (.*))?$")
_FIELD = re.compile(r" ([A-Za-z_][A-Za-z0-9_]*)=")
_ITEM = re.compile(r"[^\"\];][^\];]*")
"""An item of a list that needs no quotes."""
_ESCAPES = re.compile(r"(?:\\u[0-9a-f]{4})+")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """What one line of ours says."""

    at: float
    """Epoch seconds: to the millisecond from JSON, to the second from text."""
    level: str
    text: str
    fields: Mapping[str, object] = field(default_factory=dict)

    def word(self, name: str) -> str:
        """A field as text; empty if it is not there."""
        value = self.fields.get(name)
        return "" if value is None else str(value)

    def words(self, name: str) -> list[str]:
        """A field that is a list."""
        value = self.fields.get(name)
        return [str(item) for item in value] if isinstance(value, list) else []


def parse(text: str) -> LogLine | None:
    """None: not a line of ours, or cut off. What begins first decides: the other one is only quoted in it."""
    match = _TEXT.search(text.rstrip())
    begin = text.find("{")
    if match is not None and (begin < 0 or match.start() < begin):
        return _from_text(match)
    return None if begin < 0 else _from_json(text, begin)


def _from_json(text: str, begin: int) -> LogLine | None:
    try:
        found, _ = _DECODER.raw_decode(text, begin)
    except (ValueError, RecursionError):
        return None
    return _from_object(found) if isinstance(found, dict) else None


def _from_object(found: dict[str, object]) -> LogLine | None:
    level, at, message = (found.pop(name, None) for name in ("level", "time", "message"))
    if isinstance(level, str) and isinstance(at, str) and isinstance(message, str):
        try:
            return LogLine(at=parse_rfc3339(at), level=level, text=message, fields=found)
        except ValueError:
            return None
    found["message"] = message
    inner = next((value for name in WRAPPERS if isinstance(value := found.get(name), str)), None)
    return None if inner is None else parse(inner)


def _from_text(match: "re.Match[str]") -> LogLine | None:
    try:
        at = datetime.strptime(match[1], "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    message, fields = _split(match[3] or "")
    return LogLine(at=at, level=LEVELS[match[2]], text=message, fields=fields)


def _split(rest: str) -> tuple[str, dict[str, object]]:
    """(message, fields). No message holds what looks like a field, so the first one begins them."""
    match = _FIELD.search(rest)
    fields = None if match is None else _fields(rest, match.start())
    if match is None or fields is None:
        return _meant(rest), {}
    return _meant(rest[: match.start()]), fields


def _meant(message: str) -> str:
    """Without the escapes of `core.visible`."""
    return _ESCAPES.sub(lambda match: str(_DECODER.decode(f'"{match[0]}"')), message)


def _fields(rest: str, begin: int) -> dict[str, object] | None:
    """None: from there on it is not all fields."""
    fields: dict[str, object] = {}
    while begin < len(rest):
        match = _FIELD.match(rest, begin)
        if match is None:
            return None
        found = _value(rest, match.end())
        if found is None:
            return None
        fields[match[1]], begin = found
    return fields


def _value(rest: str, begin: int) -> tuple[object, int] | None:
    """(value, where it ends); None if it does not end."""
    first = rest[begin : begin + 1]
    if first in ('"', "{"):
        try:
            return _DECODER.raw_decode(rest, begin)
        except (ValueError, RecursionError):
            return None
    if first == "[":
        return _list(rest, begin + 1)
    space = rest.find(" ", begin)
    end_at = len(rest) if space < 0 else space
    value = rest[begin:end_at]
    return (None if value == "None" else value), end_at


def _list(rest: str, begin: int) -> tuple[list[object], int] | None:
    """From behind the bracket on; None if it does not end."""
    items: list[object] = []
    if rest.startswith("]", begin):
        return items, begin + 1
    while True:
        plain = _ITEM.match(rest, begin)
        if plain is not None:
            item, begin = plain[0], plain.end()
        else:
            try:
                item, begin = _DECODER.raw_decode(rest, begin)
            except ValueError:
                return None
        items.append(item)
        if rest.startswith("]", begin):
            return items, begin + 1
        if not rest.startswith("; ", begin):
            return None
        begin += 2
