"""The two forms of a line of the log: text, and one JSON object.

Whatever a message or a field holds, a line is one line, shows no hidden character, is bounded, and its fields
read back as they were meant (`nth.reading.lines`): in text no message and no value looks like a field.
"""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from nth.core.visible import HIDDEN, json_text, quoted, visible_line

NAMES = {
    logging.DEBUG: ("debug", "DBG"),
    logging.INFO: ("info", "INF"),
    logging.WARNING: ("warn", "WRN"),
    logging.ERROR: ("error", "ERR"),
    logging.CRITICAL: ("fatal", "FTL"),
}
"""The names of levels in JSON and in text, as the original writes them."""
UNNAMED = ("info", "INF")
MAX_LINE_CHARS = 64 * 1024
"""A line that would be longer is cut, value by value; an interruption's report has a bound of its own."""
MAX_TEXT_CHARS = 8 * 1024
"""The most of one value, in a line that is cut."""
LEAST_CHARS = 64
"""The room of each value, even if those before it took all."""
MAX_OBJECT_CHARS = 512 * 1024
LONGEST_ESCAPE_CHARS = 12
"""The most that one character becomes: a surrogate pair's two escapes."""

_FIELD = r"(?:^|\s)[A-Za-z_]\w*="
_PLAIN = re.compile(rf"(?![\[{{])(?!None$)[^\s\"{HIDDEN}]*")
"""A field of text without quotes: it does not look like a list, an object or nothing either."""
_PLAIN_ITEM = re.compile(rf"(?!\s)(?!.*{_FIELD})(?!.*\s$)[^\"\];{HIDDEN}][^\];{HIDDEN}]*")
"""An item of a list without quotes."""
_MISLEADING = re.compile(r"(?<=\s)(?P<space>[A-Za-z_]\w*)=|^(?P<first>[A-Za-z_]\w*)=|\\(?=u[0-9a-f]{4})")
"""A text that a reader of a message would take for a field, or for an escape of ours."""
T = TypeVar("T")


class _Formatter(logging.Formatter):
    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        """`names`: other names of fields; an empty one leaves the field out."""
        super().__init__()
        self._names = names or {}

    def format(self, record: logging.LogRecord) -> str:
        message, fields = record.getMessage(), self.fields_of(record)
        if len(message) + sum(map(_size, fields.values())) <= MAX_LINE_CHARS:
            line = self.line(record, message, fields)
            if len(line) <= MAX_LINE_CHARS:
                return line
        return self.line(record, *_cut(message, fields))

    def line(self, record: logging.LogRecord, message: str, fields: Mapping[str, object]) -> str:
        """Returns the whole line, however long."""
        raise NotImplementedError

    def fields_of(self, record: logging.LogRecord) -> dict[str, object]:
        """Returns the structured fields of a record, and the traceback if it has one."""
        given = getattr(record, "fields", {})
        fields = given if isinstance(given, Mapping) else {}
        named = {name: value for key, value in fields.items() if (name := self._names.get(key, key))}
        return named | ({"stack": self.formatException(record.exc_info)} if record.exc_info else {})


class TextFormatter(_Formatter):
    """Writes `2026/11/22 08:30:00 INF Node successfully cordoned session=ab12cd34 node=ip-10-0-0-1`."""

    def line(self, record: logging.LogRecord, message: str, fields: Mapping[str, object]) -> str:
        at = said_at(record).strftime("%Y/%m/%d %H:%M:%S")
        _, name = NAMES.get(record.levelno, UNNAMED)
        shown = "".join(f" {key}={_value(value)}" for key, value in fields.items())
        return f"{at} {name} {_message(message)}{shown}"


class JsonFormatter(_Formatter):
    """Writes one JSON object a line: level, time and message, which no field replaces, and the fields."""

    def line(self, record: logging.LogRecord, message: str, fields: Mapping[str, object]) -> str:
        name, _ = NAMES.get(record.levelno, UNNAMED)
        at = said_at(record).isoformat(timespec="milliseconds")
        ours = {"level": name, "time": at, "message": message}
        return json_text({"level": name} | dict(fields) | ours)


def said_at(record: logging.LogRecord) -> datetime:
    """Returns when it happened, if the record says so; else when it was logged."""
    return datetime.fromtimestamp(getattr(record, "at", record.created), UTC)


def _message(text: str) -> str:
    return visible_line(_MISLEADING.sub(_defused, text))


def _defused(match: "re.Match[str]") -> str:
    name = match["space"] or match["first"]
    return "\\u005c" if name is None else f"{name}\\u003d"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return json_text(value)
    if isinstance(value, list | tuple):
        return "[" + "; ".join(_item(str(item)) for item in value) + "]"
    text = str(value)
    return text if value is None or _PLAIN.fullmatch(text) else quoted(text)


def _item(text: str) -> str:
    return text if _PLAIN_ITEM.fullmatch(text) else quoted(text)


# A line that is too long


def _size(value: object) -> int:
    """Returns the rough size of a text or a list of texts, before it is written."""
    match value:
        case str():
            return len(value)
        case list() | tuple():
            return sum(map(_size, value))
        case _:
            return 0


def _cut(message: str, fields: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """Returns as much of each as a line has room for; the missing rest is counted in its place."""
    room = MAX_LINE_CHARS // 2
    message = _cut_text(message, MAX_TEXT_CHARS)
    kept: dict[str, object] = {}
    for name, value in fields.items():
        limit = max(LEAST_CHARS, min(MAX_TEXT_CHARS, room))
        kept[name] = _cut_value(value, limit)
        if not isinstance(value, Mapping):
            room -= len(_value(kept[name]))
    return message, kept


def _cut_value(value: object, limit: int) -> object:
    match value:
        case None | bool() | float():
            return value
        case Mapping():
            size = len(json_text(value))
            return value if size <= MAX_OBJECT_CHARS else f"({size} characters are cut)"
        case list() | tuple():
            return _cut_list([str(item) for item in value], limit)
        case _:
            text = str(value)
            return value if _fits(text, limit) else _cut_text(text, limit)


def _cut_list(items: list[str], limit: int) -> list[str]:
    kept: list[str] = []
    for item in items:
        shown = _cut_text(item, max(LEAST_CHARS, limit // 4))
        limit -= len(quoted(shown)) + 2
        if limit < 0:
            return [*kept, f"({len(items) - len(kept)} more are cut)"]
        kept.append(shown)
    return kept


def _cut_text(text: str, limit: int) -> str:
    """Returns the beginning and the end of the text; in a traceback the end says why."""
    if _fits(text, limit):
        return text
    half = limit // 2
    if not _fits(text[:half] + text[-half:], limit + 2):
        half //= LONGEST_ESCAPE_CHARS
    return f"{text[:half]} ... ({len(text) - 2 * half} characters are cut) ... {text[len(text) - half :]}"


def _fits(text: str, limit: int) -> bool:
    return len(text) <= limit and len(quoted(text)) <= limit
