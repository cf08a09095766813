"""Logs as handlers write them, of stories in virtual time."""

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nth.core.reports import Told
from nth.demo.log import tell_log
from nth.reporters.log_lines import JsonFormatter, TextFormatter
from tests.report.stories import Step, told


@contextmanager
def logged(*, json: bool) -> Iterator[io.StringIO]:
    """All that `nth` logs meanwhile, from info on, and nowhere else."""
    stream, logger = io.StringIO(), logging.getLogger("nth")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if json else TextFormatter())
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield stream
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def log_of_told(records: Sequence[Told], *, json: bool = True) -> list[str]:
    """The lines, with the reports' own."""
    with logged(json=json) as stream:
        tell_log(records)
    return stream.getvalue().splitlines()


def log_of(*steps: Step, json: bool = True) -> list[str]:
    """The lines of one session's steps."""
    return log_of_told(told(*steps), json=json)


def is_report(line: str) -> bool:
    """Whether it is a report line, final or not."""
    return '"report":' in line or " report=" in line


def is_final(line: str) -> bool:
    """Whether it is the report line of an end."""
    return is_report(line) and '"final":false' not in line


def without_end(lines: Sequence[str]) -> list[str]:
    """As if the handler had been killed before it could say how it ended."""
    return [line for line in lines if not is_final(line)]


def of_older_version(lines: Sequence[str]) -> list[str]:
    """As if no report line had been written."""
    return [line for line in lines if not is_report(line)]
