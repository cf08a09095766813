"""The log: as text or as JSON, one line a decision, never the same line each poll.

Text goes to stdout, warnings and errors to stderr; JSON goes to stderr, as the original does it
(L1). Every line of one interruption carries the same `session`. Structured fields travel in the
standard library's `extra={"fields": {...}}`.
"""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

import msgspec

from nth.core.reports import Told
from nth.core.texts import line_of

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
NAMES = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warn",
    logging.ERROR: "error",
    logging.CRITICAL: "fatal",
}


def fields_of(record: logging.LogRecord) -> Mapping[str, object]:
    """The structured fields of a record."""
    fields = getattr(record, "fields", {})
    return fields if isinstance(fields, Mapping) else {}


class TextFormatter(logging.Formatter):
    """`2026/11/22 08:30:00 INF Node successfully cordoned session=ab12cd34 node=ip-10-0-0-1`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y/%m/%d %H:%M:%S")
        name = NAMES.get(record.levelno, "info")[:3].upper()
        fields = "".join(f" {key}={_plain(value)}" for key, value in fields_of(record).items())
        error = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{at} {name} {record.getMessage()}{fields}{error}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: level, time, message, and the fields beside them."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "level": NAMES.get(record.levelno, "info"),
            **fields_of(record),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class _Below(logging.Filter):
    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno < self._level


def configure(level: str, *, json: bool, stdout: TextIO = sys.stdout, stderr: TextIO = sys.stderr) -> None:
    """Set up the process's log. `level` is one of LEVELS, any case."""
    formatter = JsonFormatter() if json else TextFormatter()
    loud = logging.StreamHandler(stderr)
    loud.setFormatter(formatter)
    handlers: list[logging.Handler] = [loud]
    if not json:
        quiet = logging.StreamHandler(stdout)
        quiet.setFormatter(formatter)
        quiet.addFilter(_Below(logging.WARNING))
        loud.setLevel(logging.WARNING)
        handlers.append(quiet)
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    logging.getLogger("nth").setLevel(LEVELS[level.lower()])


class LogReporter:
    """Writes what sessions tell."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("nth.session")

    def __call__(self, told: Told) -> None:
        line = line_of(told.report)
        fields = {**line.fields, "session": told.session_id, "node": told.node_name}
        self._logger.log(LEVELS[line.level], "%s", line.text, extra={"fields": fields})


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + "; ".join(str(item) for item in value) + "]"
    text = str(value)
    return f'"{text}"' if " " in text else text
