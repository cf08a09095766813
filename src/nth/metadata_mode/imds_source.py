"""Watches the metadata service: asks for each document in turn and hands on the news.

No answer of the service ends it. A failure is logged when it begins, when its reason
changes and when it is over. It must not decide about a notice's demand.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from nth.core.backoff import Backoff
from nth.core.notices.events import Event, ScheduledMaintenance
from nth.core.notices.imds import DOCUMENTS
from nth.core.notices.imds_changes import Known, Reader, known_scheduled, reader_of
from nth.core.notices.kinds import KIND_OF
from nth.core.trouble import Outage
from nth.errors import BadDocument, MetadataError
from nth.ports import Clock, Emit, MetadataService
from nth.report.metrics.figures import MonitorFigures

logger = logging.getLogger("nth.sources.imds")

MAX_DELAY_SECONDS = 5.0
"""The longest pause before a failed request is repeated, unless the interval is longer."""


@dataclass(slots=True, kw_only=True)
class _Monitor:
    name: str
    path: str
    read: Reader
    known: Known = field(default_factory=dict)
    due_at: float = 0.0
    """Its next request, in the loop's time."""
    silence: Outage = field(default_factory=Outage)
    doubts: Outage = field(default_factory=Outage)
    """Parts of a document that cannot be read, while the rest can."""
    answers: int = 0
    notices: int = 0
    failures: int = 0
    bad_documents: int = 0
    last_answer_at: float | None = None


class ImdsSource:
    """The source of one instance's notices: its metadata service.

    `monitors`: the kinds of event to watch for. `open_event_ids`: the events that an earlier process left
    recorded on the node; of these, the scheduled events that AWS lists no longer are withdrawn.
    `jitter` gives numbers in [0, 1). `failing(monitor, reason)` is called where a failure is logged.
    """

    def __init__(
        self,
        service: MetadataService,
        clock: Clock,
        *,
        monitors: Collection[type[Event]],
        interval_seconds: float,
        jitter: Callable[[], float],
        node_name: str = "",
        open_event_ids: Collection[str] = (),
        failing: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        self._failing = failing
        self._service = service
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._backoff = Backoff(interval_seconds, max(MAX_DELAY_SECONDS, interval_seconds))
        self._jitter = jitter
        self._monitors = [_monitor(kind, node_name, open_event_ids) for kind in DOCUMENTS if kind in monitors]

    @property
    def last_answer_at(self) -> float | None:
        """The last answer for the document that has been silent longest (epoch seconds).

        None: some document has had no answer yet, or none is watched.
        """
        answers = [monitor.last_answer_at for monitor in self._monitors]
        known = [at for at in answers if at is not None]
        return min(known) if known and len(known) == len(answers) else None

    def statistics(self) -> tuple[MonitorFigures, ...]:
        """Returns one entry for each monitor, in the order in which they are asked."""
        return tuple(
            MonitorFigures(
                monitor=monitor.name,
                answers=monitor.answers,
                notices=monitor.notices,
                failures=monitor.failures,
                bad_documents=monitor.bad_documents,
                last_answer_at=monitor.last_answer_at,
            )
            for monitor in self._monitors
        )

    async def run(self, emit: Emit) -> None:
        """Watch until cancelled."""
        for monitor in self._monitors:
            logger.info("Started monitoring for events", extra={"fields": {"event_type": monitor.name}})
        logger.info("Started watching for interruption events")
        if not self._monitors:
            await asyncio.Event().wait()
        round_at = asyncio.get_running_loop().time()
        while True:
            for monitor in self._monitors:
                if monitor.due_at <= round_at:
                    await self._poll(monitor, round_at, emit)
            round_at = await self._wait_for_round()

    async def _wait_for_round(self) -> float:
        """Wait, and return the time of the round that begins, which is never a missed one's.

        Documents that work are asked for at the same times, over one warm connection; one that fails waits
        for such a time, unless none works.
        """
        loop = asyncio.get_running_loop()
        working = [monitor.due_at for monitor in self._monitors if monitor.silence.since_at is None]
        due_at = min(working or [monitor.due_at for monitor in self._monitors])
        await asyncio.sleep(max(0.0, due_at - loop.time()))
        # A timer may come a moment early.
        return max(due_at, loop.time())

    async def _poll(self, monitor: _Monitor, round_at: float, emit: Emit) -> None:
        monitor.due_at = round_at + self._interval_seconds
        try:
            await self._read(monitor, emit)
        except BadDocument as error:
            # The service does answer; the next document may be a good one, so it is not asked less often.
            monitor.bad_documents += 1
            self._failed(monitor, str(error))
        except MetadataError as error:
            self._failed(monitor, str(error))
            self._put_off(monitor)
        except Exception as error:
            # A defect of ours must cost one document, not the watch over the others.
            self._failed(monitor, f"{type(error).__name__}: {error}", error)
            self._put_off(monitor)

    async def _read(self, monitor: _Monitor, emit: Emit) -> None:
        body = await self._service.get(monitor.path)
        reading = monitor.read(monitor.known, body)
        for notice in reading.notices:
            emit(notice)
            monitor.notices += 1
        monitor.known = reading.known
        monitor.answers += 1
        monitor.last_answer_at = self._clock.now()
        self._works(monitor)
        self._doubt(monitor, reading.problems)

    def _put_off(self, monitor: _Monitor) -> None:
        pause_seconds = self._backoff.pause_seconds(monitor.silence.failures)
        delay_seconds = pause_seconds * (0.8 + 0.4 * self._jitter())
        monitor.due_at = asyncio.get_running_loop().time() + delay_seconds

    def _failed(self, monitor: _Monitor, reason: str, defect: Exception | None = None) -> None:
        monitor.failures += 1
        if monitor.silence.failed(reason, self._clock.now()):
            self._warn(monitor, reason, defect)

    def _works(self, monitor: _Monitor) -> None:
        failures = monitor.silence.failures
        lasted_seconds = monitor.silence.worked(self._clock.now())
        if lasted_seconds is not None:
            fields = {"event_type": monitor.name, "seconds": round(lasted_seconds, 1), "failures": failures}
            logger.info("Monitoring for events works again", extra={"fields": fields})

    def _doubt(self, monitor: _Monitor, problems: tuple[str, ...]) -> None:
        if not problems:
            monitor.doubts.worked(self._clock.now())
            return
        monitor.bad_documents += 1
        for problem in problems:
            if monitor.doubts.failed(problem, self._clock.now()):
                self._warn(monitor, problem)

    def _warn(self, monitor: _Monitor, reason: str, defect: Exception | None = None) -> None:
        fields = {"event_type": monitor.name, "error": reason}
        logger.warning("There was a problem monitoring for events", extra={"fields": fields}, exc_info=defect)
        self._failing(monitor.name, reason)


def _monitor(kind: type[Event], node_name: str, open_event_ids: Collection[str]) -> _Monitor:
    path, read = reader_of(kind, node_name)
    known = known_scheduled(open_event_ids) if kind is ScheduledMaintenance else {}
    return _Monitor(name=KIND_OF[kind.__name__].monitor, path=path, read=read, known=known)
