"""Writes the log that the demo's handler would have written, for `nth report` and `nth explain`."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from nth.core.reports import Told
from nth.reporters.fanout import FanOut
from nth.reporters.log import FIELD_NAMES, LogReporter
from nth.reporters.log_lines import JsonFormatter
from nth.reporters.report_line import InterruptionReporter, log_report


def write_log(told: Sequence[Told], path: str, *, format_version: int = 1) -> None:
    """Write a line of JSON for each decision, and the report at the end. OSError: it cannot be written."""
    logger = logging.getLogger("nth")
    handler = logging.FileHandler(Path(path), mode="w", encoding="utf-8")
    handler.setFormatter(JsonFormatter(FIELD_NAMES[format_version]))
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        tell_log(told)
    finally:
        logger.removeHandler(handler)
        handler.close()
        logger.setLevel(before[0])
        logger.propagate = before[1]


def tell_log(told: Sequence[Told]) -> None:
    """Log the decisions and the reports; those of one instant belong together."""
    due: list[Callable[[], None]] = []
    reporter, at = InterruptionReporter(so_far=log_report, soon=due.append), 0.0
    tell = FanOut(reporter, log=LogReporter())
    for one in told:
        if one.at > at:
            _do(due)
        at = one.at
        tell(one)
    _do(due)


def _do(due: list[Callable[[], None]]) -> None:
    while due:
        due.pop(0)()
