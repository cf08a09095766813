"""Makes the reports of each interruption: as lines of the log, and for other receivers.

A listener to sessions. The final report is made when nothing more is expected. Until then each phase gives
one of the facts known so far: the handler may be killed before it can write another one. Nothing of it waits.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from weakref import WeakKeyDictionary

from nth.core.reports import NoticeReceived, Planned, SessionResumed, Told
from nth.report.builder import ALWAYS, Interruption
from nth.report.interruption import InterruptionReport
from nth.report.report_line import encode
from nth.report.words import so_far, verdict

logger = logging.getLogger("nth.report")

MAX_SO_FAR = 10
"""Of one interruption: a node that is given back and cordoned again has ever new phases."""


def next_turn(call: Callable[[], None]) -> None:
    """Calls when the running loop has finished its current step: related reports are all in by then."""
    asyncio.get_running_loop().call_soon(call)


@dataclass(slots=True)
class _Watched:
    last_at: float = 0.0
    open: bool = True
    """True if a final report is to come."""
    due: bool = False
    """True if a report is scheduled."""
    progress: tuple[int, ...] = ()
    """The phase as of the last report."""
    news: bool = False
    """True if a record came since the last report."""
    so_far: int = 0
    """Counts the reports that were not final."""
    late: bool = False
    """True if a report said that pods were still there when the time was up."""
    unsettled: bool = False
    """True if a report said that replacements were not Ready when the time was nearly up."""
    reported_at: float = ALWAYS
    """When there was a final report: a further notice may move more pods."""


class InterruptionReporter:
    """Makes the reports. Each receiver gets every final one; it must neither wait nor raise.

    There is one final report for each interruption, the last. If pods were still there when the time was up,
    or replacements were not Ready, the receivers get one before it that is not final: in metadata mode the
    handler goes with its machine, and that may be the last one.
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
        self._watched: WeakKeyDictionary[Interruption, _Watched] = WeakKeyDictionary()

    def __call__(self, told: Told, interruption: Interruption | None) -> None:
        """Take a record, and look whether a report is due."""
        if interruption is None:
            return
        if isinstance(told.report, NoticeReceived | SessionResumed | Planned):
            # A report after its session's end, or before its first notice, begins no interruption.
            self._watched.setdefault(interruption, _Watched()).open = True
        one = self._watched.get(interruption)
        if one is not None and one.open:
            one.last_at, one.news = told.at, True
            self._look(interruption, one)

    @property
    def open(self) -> int:
        """Returns how many interruptions are under way."""
        return sum(one.open for one in self._watched.values())

    async def tell_so_far(self) -> None:
        """Report on every interruption that is under way, because the handler is to stop."""
        for interruption, one in list(self._watched.items()):
            self._tell_so_far(interruption, one)
            await asyncio.sleep(0)

    def _look(self, interruption: Interruption, one: _Watched) -> None:
        if interruption.left_to_others:
            self._tell_so_far(interruption, one)
            one.open = False
        elif not one.due and (
            interruption.finished(one.reported_at)
            or _is_pressing(interruption, one)
            or self._is_further(interruption, one)
        ):
            one.due = True
            self._soon(partial(self._end, interruption, one))

    def _is_further(self, interruption: Interruption, one: _Watched) -> bool:
        wanted = self._so_far is not None and one.so_far < MAX_SO_FAR
        return wanted and interruption.progress != one.progress

    def _end(self, interruption: Interruption, one: _Watched) -> None:
        """Make the report that is due: it is final if nothing more is expected."""
        one.due = False
        if not one.open:
            return
        final = interruption.finished(one.reported_at)
        if not final and not _is_pressing(interruption, one):
            self._tell_so_far(interruption, one)
            return
        one.late |= interruption.late
        one.unsettled |= interruption.unsettled
        one.news, one.progress = False, interruption.progress
        self._hand_on(interruption, one, final=final)
        if final:
            one.open, one.reported_at = False, round(one.last_at, 3)
            one.late = one.unsettled = False
            one.so_far, one.progress = 0, ()

    def _hand_on(self, interruption: Interruption, one: _Watched, *, final: bool) -> None:
        if _is_worth_it(interruption, one.reported_at):
            report = interruption.report_since(one.reported_at, one.last_at)
            for receive in self._receivers:
                receive(report if final else replace(report, final=False))

    def _tell_so_far(self, interruption: Interruption, one: _Watched) -> None:
        """Make a report of the facts known so far, unless one has been made."""
        wanted = one.open and one.news and _is_worth_it(interruption, one.reported_at)
        if self._so_far is None or not wanted:
            return
        one.news, one.progress, one.so_far = False, interruption.progress, one.so_far + 1
        self._so_far(replace(interruption.report_since(one.reported_at, one.last_at), final=False))


def _is_pressing(interruption: Interruption, one: _Watched) -> bool:
    """Returns whether time is up for something that no report has said yet; the final report follows."""
    late = interruption.late and not one.late
    return late or (interruption.unsettled and not one.unsettled)


def _is_worth_it(interruption: Interruption, since_at: float) -> bool:
    """Returns whether it is the first report, or a further notice did not find everything done."""
    return since_at == ALWAYS or interruption.moved(since_at)


def log_report(report: InterruptionReport) -> None:
    """Log the report as one line, which `nth report` reads. Its field comes last if it is not final."""
    known = report.final or report.late or report.unsettled
    fine, sentence = verdict(report) if known else (True, so_far(report))
    level = logging.INFO if fine else logging.WARNING
    if not logger.isEnabledFor(level):
        return
    fields: dict[str, object] = {"session": report.session_id, "node": report.node_name}
    data = {"report": encode(report)}
    fields = data | fields if report.final else fields | data
    logger.log(level, "%s", sentence, extra={"fields": fields, "at": report.until_at})
