"""Sends a trace of each finished interruption to the users' own tracing. It never waits for it.

What waits is bounded; a collector that is gone is told of once, and what it misses is counted.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from nth.report.interruption import InterruptionReport
from nth.report.spans import Trace, trace_of

logger = logging.getLogger("nth.traces")

MAX_QUEUED_SPANS = 20_000
"""About 10 MB; an interruption has some ten spans and one to three for each pod."""
MAX_BATCH_SPANS = 512
"""What one request is filled up to, as the SDK does it: about 150 KB."""


class TraceExporter(Protocol):
    """Sends to one collector."""

    async def export(self, traces: Sequence[Trace]) -> str:
        """Once, within a time limit of its own: why it failed, empty if it did not."""
        ...

    def close(self) -> None:
        """Give up what is under way, and close what is open."""
        ...


@dataclass(slots=True)
class TraceStats:
    """How many traces, since the start and now."""

    sent: int = 0
    failed: int = 0
    """Given up, after the exporter's own tries."""
    dropped: int = 0
    """There was no room or no time."""
    queued: int = 0
    """Those on their way included."""


class Traces:
    """Takes the report of each interruption, as `InterruptionReporter` hands it on."""

    def __init__(self, exporter: TraceExporter) -> None:
        self.stats = TraceStats()
        self._exporter = exporter
        self._waiting: deque[Trace] = deque()
        self._waiting_spans = 0
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._told_full = False
        self._lost_before_failure: int | None = None
        """While the collector does not take any: how many had failed until then."""

    def __call__(self, report: InterruptionReport) -> None:
        """Take it in. If there is no room, the oldest makes it: what has just happened matters more."""
        trace = trace_of(report)
        if trace is None:
            return
        fields = {"trace_id": f"{trace.trace_id:032x}", "session": trace.session_id, "node": trace.node_name}
        logger.info("The interruption has a trace", extra={"fields": fields, "at": report.until_at})
        self._waiting.append(trace)
        self._waiting_spans += trace.root.size
        self.stats.queued += 1
        self._idle.clear()
        self._news.set()
        while self._waiting_spans > MAX_QUEUED_SPANS and len(self._waiting) > 1:
            self._drop(1)
            self._tell_full()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            self._news.clear()
            while batch := self._next():
                await self._send(batch)
            self._idle.set()
            await self._news.wait()

    async def flush(self, seconds: float) -> None:
        """Wait until all is sent, at most that long; the rest is dropped. `run` has to be running."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            left = self.stats.queued
            self._drop(len(self._waiting))
            logger.warning("Traces are not sent, time is up", extra={"fields": {"number": left}})
        finally:
            self._exporter.close()

    def _next(self) -> list[Trace]:
        """The oldest, as many as fit into one request; at least one."""
        batch: list[Trace] = []
        spans = 0
        while self._waiting and (not batch or spans + self._waiting[0].root.size <= MAX_BATCH_SPANS):
            trace = self._take_out()
            spans += trace.root.size
            batch.append(trace)
        return batch

    def _take_out(self) -> Trace:
        trace = self._waiting.popleft()
        self._waiting_spans -= trace.root.size
        self._told_full &= bool(self._waiting)
        return trace

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._take_out()
        self.stats.dropped += count
        self.stats.queued -= count

    async def _send(self, batch: list[Trace]) -> None:
        try:
            reason = await self._exporter.export(batch)
        except asyncio.CancelledError:
            self.stats.dropped += len(batch)
            raise
        except Exception as error:
            logger.debug("The exporter of traces failed itself", exc_info=error)
            reason = f"{type(error).__name__}: {error}"
        finally:
            self.stats.queued -= len(batch)
        self._tell(len(batch), reason)

    def _tell(self, number: int, reason: str) -> None:
        """Count it, and say only what has changed."""
        if reason:
            if self._lost_before_failure is None:
                self._lost_before_failure = self.stats.failed
                text = "Traces cannot be sent; this is said once, until one can"
                logger.warning(text, extra={"fields": {"reason": reason}})
            self.stats.failed += number
            return
        self.stats.sent += number
        if self._lost_before_failure is not None:
            lost = self.stats.failed - self._lost_before_failure
            self._lost_before_failure = None
            logger.info("Traces can be sent again", extra={"fields": {"number": lost}})

    def _tell_full(self) -> None:
        if not self._told_full:
            self._told_full = True
            logger.warning("Too many traces are waiting, dropping the oldest")
