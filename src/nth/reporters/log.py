"""The log: one line a decision, never the same line each poll. `log_lines` has the form of a line.

Text goes to stdout, warnings and errors to stderr; JSON goes to stderr, as the original does it. Every line
of one interruption carries the same `session`. Structured fields travel in the standard library's
`extra={"fields": {...}}`.
"""

import io
import logging
import sys
from functools import partial
from typing import TextIO

from nth.core.reports import MonitorFailed, SessionEnded, Told, Trouble, TroubleOver
from nth.report.log_lines import Line, line_of
from nth.report.notice_clock import NoticeClock
from nth.report.original_lines import OriginalLines
from nth.reporters.log_lines import JsonFormatter, TextFormatter

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
FIELD_NAMES: dict[int, dict[str, str]] = {1: {"monitor": ""}, 2: {"event_type": "monitor_type"}}
"""By LOG_FORMAT_VERSION, the other names of fields; an empty one leaves the field out."""
OURS = logging.getLogger("nth")


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
        out = stdout or sys.stdout
        if isinstance(out, io.TextIOWrapper):
            # As stderr is from the start: a character that the stream cannot encode loses no line.
            out.reconfigure(errors="backslashreplace")
        quiet = logging.StreamHandler(out)
        quiet.setFormatter(formatter)
        quiet.addFilter(_Below(logging.WARNING))
        loud.setLevel(logging.WARNING)
        handlers.append(quiet)
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    OURS.setLevel(LEVELS[level.lower()])
    _Usual.level = OURS.level


class _Usual:
    """The level of the setting, kept while debug lines are switched on."""

    level = logging.INFO


def toggle_debug() -> None:
    """Log everything from now on, or again only what LOG_LEVEL says; if that is debug, from info on."""
    if OURS.level != logging.DEBUG:
        OURS.setLevel(logging.DEBUG)
        OURS.info("Debug lines are logged from now on")
    else:
        OURS.info("Debug lines are no longer logged")
        OURS.setLevel(max(_Usual.level, logging.INFO))


class LogReporter:
    """Writes the reports of sessions. Trouble that several sessions have with one thing is written once."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("nth.session")
        self._clock = NoticeClock()
        self._lines = OriginalLines()
        self._troubled: dict[str, set[str]] = {}
        """The sessions that have trouble, by the thing that troubles them."""

    def __call__(self, told: Told) -> None:
        report, since_seconds = told.report, self._clock.seconds(told)
        # A monitor's failure has been logged by its source, in the original's words.
        if isinstance(report, MonitorFailed) or self._is_known(told):
            return
        self._lines.write(told, line_of(report, since_seconds), partial(self._write, told))

    def _write(self, told: Told, line: Line) -> None:
        fields = {**line.fields, "session": told.session_id, "node": told.node_name}
        extra = {"fields": fields, "at": told.at}
        self._logger.log(LEVELS[line.level], "%s", line.text, extra=extra)

    def _is_known(self, told: Told) -> bool:
        """True if another session has reported this trouble already, or will report its end."""
        match told.report:
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
