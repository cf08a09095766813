"""One report of each interruption at its end: as one line of the log, and for others that want it.

A listener to what sessions tell. It keeps what was told of each interruption until nothing more is
expected, or its time is up; what it keeps is bounded. Nothing of it waits.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from nth.core.reports import NoticeReceived, Planned, SessionEnded, SessionResumed, Told
from nth.report.chronicle import Chronicle
from nth.report.interruption import InterruptionReport
from nth.report.report_line import encode
from nth.report.words import verdict

logger = logging.getLogger("nth.report")

MAX_OPEN = 1000
"""Interruptions at once; a storm of so many takes about 60 MB."""
MAX_REPORTED = 10_000

Key = tuple[str, str]
"""(session, node)"""


def next_turn(call: Callable[[], None]) -> None:
    """Calls when the running loop is done with what it is at: all that belongs together is told by then."""
    asyncio.get_running_loop().call_soon(call)


@dataclass(slots=True)
class _Open:
    chronicle: Chronicle
    last_at: float
    again: bool
    """There was a report of this session already."""
    due: bool = False
    """A report is on its way."""
    late: bool = False
    """It was reported that somebody was still there when the time was up."""


class InterruptionReporter:
    """Makes the reports. Each receiver gets every one; it must neither wait nor raise.

    There is one report for each interruption. Only if somebody was still there when the time was up, and
    left in the last seconds after all, there is a second one, which counts.
    """

    def __init__(
        self,
        *receivers: Callable[[InterruptionReport], None],
        soon: Callable[[Callable[[], None]], None] = next_turn,
    ) -> None:
        self._receivers = receivers or (log_report,)
        self._soon = soon
        self._open: dict[Key, _Open] = {}
        self._reported: dict[Key, None] = {}
        """Sessions that were reported on and may go on."""
        self._told_of_too_many = False

    def __call__(self, told: Told) -> None:
        """Take what was told."""
        key = (told.session_id, told.node_name)
        one = self._open.get(key)
        if one is None:
            one = self._begin(key, told)
        if one is not None:
            one.chronicle.take(told)
            one.last_at = told.at
            self._look(key, one)
        if isinstance(told.report, SessionEnded):
            self._reported.pop(key, None)

    @property
    def open(self) -> int:
        """How many interruptions are under way."""
        return len(self._open)

    def _begin(self, key: Key, told: Told) -> _Open | None:
        """What a session says after its end, or before its first notice, is no interruption."""
        if not isinstance(told.report, NoticeReceived | SessionResumed | Planned):
            return None
        if len(self._open) >= MAX_OPEN:
            self._make_room()
        one = self._open[key] = _Open(Chronicle(told.at), told.at, again=key in self._reported)
        return one

    def _make_room(self) -> None:
        del self._open[next(iter(self._open))]
        if not self._told_of_too_many:
            self._told_of_too_many = True
            text = "Too many interruptions at once to report on; the oldest ones get no report"
            logger.warning(text, extra={"fields": {"most": MAX_OPEN}})

    def _look(self, key: Key, one: _Open) -> None:
        chronicle = one.chronicle
        if chronicle.left_to_others:
            del self._open[key]
        elif not one.due and (chronicle.finished or (chronicle.late and not one.late)):
            one.due = True
            self._soon(lambda: self._end(key, one))

    def _end(self, key: Key, one: _Open) -> None:
        """Report on it, and forget it, unless it may still turn out better."""
        chronicle, one.due = one.chronicle, False
        if self._open.get(key) is not one:
            return
        one.late = chronicle.late
        if chronicle.finished:
            del self._open[key]
        if one.again and not chronicle.moved:
            # A further notice found everything done.
            return
        if not chronicle.session_ended:
            self._remember(key)
        self._report(chronicle.report(*key, one.last_at))

    def _remember(self, key: Key) -> None:
        self._reported[key] = None
        if len(self._reported) > MAX_REPORTED:
            del self._reported[next(iter(self._reported))]

    def _report(self, report: InterruptionReport) -> None:
        for receive in self._receivers:
            receive(report)


def log_report(report: InterruptionReport) -> None:
    """As one line, which `nth report` reads."""
    fine, sentence = verdict(report)
    fields = {"report": encode(report), "session": report.session_id, "node": report.node_name}
    level = logging.INFO if fine else logging.WARNING
    logger.log(level, "%s", sentence, extra={"fields": fields, "at": report.until_at})
