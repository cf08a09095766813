"""Sends a trace of each finished interruption to the users' own tracing, without waiting for it.

The queue is bounded; a missing collector is logged once, and lost traces are counted.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from nth.core.trouble import Outage
from nth.report.interruption import InterruptionReport
from nth.report.spans import Trace, trace_of
from nth.reporters.outbox import Outbox, Rules

logger = logging.getLogger("nth.traces")

MAX_QUEUED_SPANS = 20_000
"""About 10 MB; an interruption has some ten spans and one to three for each pod."""
MAX_BATCH_SPANS = 512
"""A request is filled up to this size, as the SDK does it: about 150 KB."""

RULES = Rules(
    items=MAX_QUEUED_SPANS,
    size=MAX_QUEUED_SPANS,
    batch_size=MAX_BATCH_SPANS,
    full="Too many traces are waiting, dropping the oldest",
    late="Traces are not sent, time is up",
)


class TraceExporter(Protocol):
    """Sends to one collector."""

    async def export(self, traces: Sequence[Trace]) -> str:
        """Returns why the one attempt failed, empty if it did not; it has a time limit of its own."""
        ...

    def close(self) -> None:
        """Give up requests under way, and close the connections."""
        ...


class Traces(Outbox[Trace]):
    """Queues a trace of each report that `InterruptionReporter` hands on."""

    def __init__(self, exporter: TraceExporter) -> None:
        super().__init__(RULES, logger)
        self._exporter = exporter
        self._outage = Outage()

    def __call__(self, report: InterruptionReport) -> None:
        """Queue the report's trace."""
        trace = trace_of(report)
        if trace is None:
            return
        fields = {"trace_id": f"{trace.trace_id:032x}", "session": trace.session_id, "node": trace.node_name}
        logger.info("The interruption has a trace", extra={"fields": fields, "at": report.until_at})
        self.put(trace, size=trace.root.size)

    async def flush(self, seconds: float) -> None:
        """Send all waiting traces, within so long; the rest is dropped, and the exporter is closed."""
        try:
            await super().flush(seconds)
        finally:
            self._exporter.close()

    async def send(self, items: Sequence[Trace]) -> None:
        """Export them in one request."""
        try:
            reason = await self._exporter.export(items)
        except Exception as error:
            logger.debug("The exporter of traces failed itself", exc_info=error)
            reason = f"{type(error).__name__}: {error}"
        self._tell(len(items), reason)

    def _tell(self, number: int, reason: str) -> None:
        """Count the traces, and log only a change."""
        now = asyncio.get_running_loop().time()
        if reason:
            self.stats.failed += number
            if self._outage.failed("", now, number=number):
                text = "Traces cannot be sent; this is said once, until one can"
                logger.warning(text, extra={"fields": {"reason": reason}})
            return
        self.stats.sent += number
        lost = self._outage.failures
        if self._outage.worked(now) is not None:
            logger.info("Traces can be sent again", extra={"fields": {"number": lost}})
