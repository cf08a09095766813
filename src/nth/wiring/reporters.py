"""Connects the listeners that the settings ask for: the log, and others.

Each listener is imported only where a setting asks for it: metadata mode's memory is paid on every node.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from nth.adapters.kubernetes import KubernetesCluster
from nth.core.facts import Node
from nth.core.notices.imds import InstanceMetadata
from nth.ports import Clock
from nth.reporters.fanout import FanOut
from nth.reporters.log import LogReporter
from nth.settings import Settings

if TYPE_CHECKING:
    from nth.report.webhook.data import About
    from nth.reporters.kubernetes_events import KubernetesEvents
    from nth.reporters.metrics import Metrics
    from nth.reporters.outbox import Outbox
    from nth.reporters.report_line import InterruptionReporter
    from nth.reporters.webhook import DryWebhooks, Webhooks

logger = logging.getLogger("nth.reporters")

FLUSH_SECONDS = 1.5
"""After the last drain our pod has 2 s left (metadata_mode.LEAVE_SECONDS): what is queued goes by then."""


async def flushed(outbox: "Outbox[Any]") -> None:
    """Flush the outbox, if it can be."""
    try:
        await outbox.flush(FLUSH_SECONDS)
    except Exception:
        logger.exception("%s failed at its end", type(outbox).__name__)


class Surroundings(Protocol):
    """A mode's knowledge of nodes, from memory."""

    def known(self, node_name: str) -> tuple[Node | None, InstanceMetadata]: ...

    def group(self, node_name: str) -> tuple[str, bool]:
        """Returns its Auto Scaling group, and whether it carries the tag that says that it is ours."""
        ...


class Reporters:
    """The listeners. They are made before the mode, which then gives its knowledge (`surroundings`)."""

    def __init__(self, settings: Settings, clock: Clock, cluster: KubernetesCluster) -> None:
        """Build the listeners. SettingError: one cannot be built as the settings say."""
        self._settings = settings
        self._cluster = cluster
        self._clock = clock
        self.outboxes: list[Outbox[Any]] = []
        self.surroundings: Surroundings | None = None
        self.tell = FanOut(log=LogReporter())
        self.metrics = self._metrics()
        self._reports = self._add_reports()
        self.webhooks = self._webhooks()
        self.events = self._events()
        if settings.enable_node_condition and not settings.dry_run:
            self._add_conditions()

    @asynccontextmanager
    async def running(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Send reports within the block, and at its end those still queued, for a moment.

        What is known of each interruption under way is logged when `stop` is set, and at the end.
        """
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(each.run(), name=type(each).__name__) for each in self.outboxes]
            running.append(tasks.create_task(self._told_when(stop), name="reports so far"))
            yield
            await self._tell_so_far()
            await asyncio.gather(*map(flushed, self.outboxes))
            for task in running:
                task.cancel()

    async def _told_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        await self._tell_so_far()

    async def _tell_so_far(self) -> None:
        try:
            if self._reports is not None:
                await self._reports.tell_so_far()
        except Exception:
            logger.exception("An interruption that goes on is not reported on")

    def posts(self) -> dict[tuple[str, str], int]:
        """Returns the number of webhook posts by target and result."""
        queues = self.webhooks.queues if self.webhooks else ()
        results = ("sent", "failed", "dropped", "retried")
        return {(each.target.name, name): getattr(each.stats, name) for each in queues for name in results}

    def kubernetes_events(self) -> dict[str, int]:
        """Returns the number of Kubernetes events by result."""
        if self.events is None:
            return {}
        stats = self.events.stats
        return {"written": stats.sent, "failed": stats.failed, "dropped": stats.dropped}

    def _metrics(self) -> "Metrics | None":
        if not self._settings.enable_prometheus_server:
            return None
        from nth.wiring.metrics_app import new_metrics

        metrics = new_metrics(self._settings, self._clock)
        self.tell.add(metrics)
        return metrics

    @property
    def _traced(self) -> bool:
        return bool(self._settings.tracing_endpoint) and not self._settings.dry_run

    def _add_reports(self) -> "InterruptionReporter | None":
        logged = self._settings.enable_interruption_report
        if not (logged or self._traced):
            return None
        from nth.reporters.report_line import InterruptionReporter, log_report

        wanted = [log_report] if logged else []
        if self._traced:
            from nth.wiring.traces_app import new_traces

            traces = new_traces(self._settings)
            self.outboxes.append(traces)
            wanted.append(traces)
        reports = InterruptionReporter(*wanted, so_far=log_report if logged else None)
        self.tell.add(reports)
        return reports

    def _webhooks(self) -> "Webhooks | DryWebhooks | None":
        settings = self._settings
        if not (settings.webhook_url or settings.webhook_targets_file):
            return None
        from nth.wiring.webhook_app import new_webhooks

        webhooks = new_webhooks(settings, self._clock, about=self._about)
        self.tell.add(webhooks)
        self.outboxes += webhooks.queues
        return webhooks

    def _events(self) -> "KubernetesEvents | None":
        if not self._settings.emit_kubernetes_events or self._settings.dry_run:
            return None
        from nth.wiring.events_app import new_events

        events = new_events(self._settings, self._cluster, self._clock, self._known)
        self.tell.add(events)
        self.outboxes.append(events)
        return events

    def _add_conditions(self) -> None:
        from nth.wiring.events_app import new_conditions

        conditions = new_conditions(self._cluster, self._clock)
        self.tell.add(conditions)
        self.outboxes.append(conditions)

    def _known(self, node_name: str) -> tuple[Node | None, InstanceMetadata]:
        return self.surroundings.known(node_name) if self.surroundings else (None, InstanceMetadata())

    def _about(self, node_name: str) -> "About":
        from nth.report.webhook.data import About, about

        if self.surroundings is None:
            return About()
        group, managed = self.surroundings.group(node_name)
        return about(*self._known(node_name), group=group, managed=managed)
