"""The reports of each interruption: as lines of the log, and for others that want them.

A listener to what sessions tell. It keeps what was told of each interruption until nothing more is
expected, or its time is up; what it keeps is bounded. Nothing of it waits. Until the report that is final,
each phase gives one of what is known so far: the handler may be killed before it can write another one.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from nth.core.reports import NoticeReceived, Planned, SessionEnded, SessionResumed, Told
from nth.report.chronicle import Chronicle
from nth.report.interruption import InterruptionReport
from nth.report.report_line import encode
from nth.report.words import so_far, verdict

logger = logging.getLogger("nth.report")

MAX_OPEN = 1000
"""Interruptions at once; a storm of so many takes about 60 MB."""
MAX_REPORTED = 10_000
MAX_SO_FAR = 10
"""Of one interruption: a node that is given back and cordoned again has ever new phases."""

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
    """There was a final report of this session already."""
    due: bool = False
    """A report is on its way."""
    progress: tuple[int, ...] = ()
    """As of the last report."""
    news: bool = False
    """Something was told since the last report."""
    so_far: int = 0
    """How many reports there were that are not final."""
    late: bool = False
    """It was reported that somebody was still there when the time was up."""


class InterruptionReporter:
    """Makes the reports. Each receiver gets every final one; it must neither wait nor raise.

    There is one final report for each interruption. Only if somebody was still there when the time was up,
    and left in the last seconds after all, there is a second one, which counts.
    """

    def __init__(
        self,
        *receivers: Callable[[InterruptionReport], None],
        so_far: Callable[[InterruptionReport], None] | None = None,
        soon: Callable[[Callable[[], None]], None] = next_turn,
    ) -> None:
        """`so_far`: receives the reports that are not final."""
        self._so_far = so_far
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
            one.last_at, one.news = told.at, True
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

    async def tell_so_far(self) -> None:
        """Report on every interruption that is under way, because the handler is to stop."""
        for key, one in list(self._open.items()):
            self._tell_so_far(key, one)
            await asyncio.sleep(0)

    def _look(self, key: Key, one: _Open) -> None:
        if one.chronicle.left_to_others:
            self._tell_so_far(key, one)
            del self._open[key]
        elif not one.due and (self._is_final(one) or self._is_further(one)):
            one.due = True
            self._soon(lambda: self._end(key, one))

    def _is_final(self, one: _Open) -> bool:
        return one.chronicle.finished or (one.chronicle.late and not one.late)

    def _is_further(self, one: _Open) -> bool:
        wanted = self._so_far is not None and one.so_far < MAX_SO_FAR
        return wanted and one.chronicle.progress != one.progress

    def _end(self, key: Key, one: _Open) -> None:
        """Report on it, and forget it, unless it may still turn out better."""
        one.due = False
        if self._open.get(key) is not one:
            return
        if not self._is_final(one):
            self._tell_so_far(key, one)
            return
        chronicle, one.news = one.chronicle, False
        one.late = chronicle.late
        if chronicle.finished:
            del self._open[key]
        if one.again and not chronicle.moved:
            # A further notice found everything done.
            return
        if not chronicle.session_ended:
            self._remember(key)
        report = chronicle.report(*key, one.last_at)
        for receive in self._receivers:
            receive(report)

    def _tell_so_far(self, key: Key, one: _Open) -> None:
        """Report on what is known, unless that was done, or a further notice has moved nothing yet."""
        if self._so_far is None or not one.news or (one.again and not one.chronicle.moved):
            return
        one.news, one.progress, one.so_far = False, one.chronicle.progress, one.so_far + 1
        self._so_far(replace(one.chronicle.report(*key, one.last_at), final=False))

    def _remember(self, key: Key) -> None:
        self._reported[key] = None
        if len(self._reported) > MAX_REPORTED:
            del self._reported[next(iter(self._reported))]


def log_report(report: InterruptionReport) -> None:
    """As one line, which `nth report` reads. In one that is not final the report comes last."""
    fine, sentence = verdict(report) if report.final else (True, so_far(report))
    level = logging.INFO if fine else logging.WARNING
    if not logger.isEnabledFor(level):
        return
    fields: dict[str, object] = {"session": report.session_id, "node": report.node_name}
    data = {"report": encode(report)}
    fields = data | fields if report.final else fields | data
    logger.log(level, "%s", sentence, extra={"fields": fields, "at": report.until_at})
