"""The log: as text or as JSON, one line a decision, never the same line each poll.

Text goes to stdout, warnings and errors to stderr; JSON goes to stderr, as the original does it
(L1). Every line of one interruption carries the same `session`. Structured fields travel in the
standard library's `extra={"fields": {...}}`.
"""

import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

import msgspec

from nth.core.reports import MonitorFailed, SessionEnded, Told, Trouble, TroubleOver
from nth.core.texts import line_of

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
NAMES = {
    logging.DEBUG: ("debug", "DBG"),
    logging.INFO: ("info", "INF"),
    logging.WARNING: ("warn", "WRN"),
    logging.ERROR: ("error", "ERR"),
    logging.CRITICAL: ("fatal", "FTL"),
}
"""In JSON and in text, as the original writes them."""
UNNAMED = ("info", "INF")
PLAIN = re.compile(r"(?![\[{])[^\s\"\x00-\x1f]*")
"""What needs no quotes in a field of text: it does not look like a list or an object either."""
FIELD_NAMES: dict[int, dict[str, str]] = {1: {}, 2: {"event_type": "monitor_type"}}
"""By LOG_FORMAT_VERSION, what a field is called instead (L2)."""
OURS = logging.getLogger("nth")


class _Formatter(logging.Formatter):
    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._names = names or {}

    def fields_of(self, record: logging.LogRecord) -> dict[str, object]:
        """The structured fields of a record."""
        fields = getattr(record, "fields", {})
        if not isinstance(fields, Mapping):
            return {}
        return {self._names.get(key, key): value for key, value in fields.items()}


class TextFormatter(_Formatter):
    """`2026/11/22 08:30:00 INF Node successfully cordoned session=ab12cd34 node=ip-10-0-0-1`."""

    def format(self, record: logging.LogRecord) -> str:
        at = _said_at(record).strftime("%Y/%m/%d %H:%M:%S")
        _, name = NAMES.get(record.levelno, UNNAMED)
        fields = "".join(f" {key}={_plain(value)}" for key, value in self.fields_of(record).items())
        error = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{at} {name} {_one_line(record.getMessage())}{fields}{error}"


class JsonFormatter(_Formatter):
    """One JSON object a line: level, time and message, which no field replaces, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        name, _ = NAMES.get(record.levelno, UNNAMED)
        line: dict[str, object] = {"level": name, **self.fields_of(record)}
        if record.exc_info:
            line["stack"] = self.formatException(record.exc_info)
        line |= {
            "level": name,
            "time": _said_at(record).isoformat(timespec="milliseconds"),
            "message": record.getMessage(),
        }
        return msgspec.json.encode(line, enc_hook=str).decode()


class _Below(logging.Filter):
    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno < self._level


def configure(
    level: str,
    *,
    json: bool,
    format_version: int = 1,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> None:
    """Set up the process's log. `level` is one of LEVELS, any case; `format_version` as FIELD_NAMES."""
    names = FIELD_NAMES[format_version]
    formatter = JsonFormatter(names) if json else TextFormatter(names)
    loud = logging.StreamHandler(stderr or sys.stderr)
    loud.setFormatter(formatter)
    handlers: list[logging.Handler] = [loud]
    if not json:
        quiet = logging.StreamHandler(stdout or sys.stdout)
        quiet.setFormatter(formatter)
        quiet.addFilter(_Below(logging.WARNING))
        loud.setLevel(logging.WARNING)
        handlers.append(quiet)
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    OURS.setLevel(LEVELS[level.lower()])
    _Usual.level = OURS.level


class _Usual:
    """What the setting says, while debug lines are switched on."""

    level = logging.INFO


def toggle_debug() -> None:
    """Log everything from now on, or again only what LOG_LEVEL says; if that is debug, from info on."""
    if OURS.level != logging.DEBUG:
        OURS.setLevel(logging.DEBUG)
        OURS.info("Debug lines are logged from now on")
    else:
        OURS.info("Debug lines are logged no more")
        OURS.setLevel(max(_Usual.level, logging.INFO))


class LogReporter:
    """Writes what sessions tell. Trouble that many have with the same thing is written once."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("nth.session")
        self._troubled: dict[str, set[str]] = {}
        """The sessions that have trouble, by what they have it with."""

    def __call__(self, told: Told) -> None:
        if self._is_known(told):
            return
        line = line_of(told.report)
        fields = {**line.fields, "session": told.session_id, "node": told.node_name}
        extra = {"fields": fields, "at": told.at}
        self._logger.log(LEVELS[line.level], "%s", line.text, extra=extra)

    def _is_known(self, told: Told) -> bool:
        """Whether another session has said this trouble already, or will say its end."""
        match told.report:
            case MonitorFailed():
                # The source has logged it in the original's words.
                return True
            case Trouble(what=what):
                sessions = self._troubled.setdefault(what, set())
                sessions.add(told.session_id)
                return len(sessions) > 1
            case TroubleOver(what=what):
                sessions = self._troubled.setdefault(what, set())
                sessions.discard(told.session_id)
                return bool(sessions)
            case SessionEnded():
                for sessions in self._troubled.values():
                    sessions.discard(told.session_id)
        return False


def _said_at(record: logging.LogRecord) -> datetime:
    """When it happened, if the record says so; else when it was logged."""
    return datetime.fromtimestamp(getattr(record, "at", record.created), UTC)


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return msgspec.json.encode(value, enc_hook=str).decode()
    if isinstance(value, list | tuple):
        return "[" + "; ".join(_one_line(str(item)) for item in value) + "]"
    text = str(value)
    return text if PLAIN.fullmatch(text) else msgspec.json.encode(text).decode()


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())
