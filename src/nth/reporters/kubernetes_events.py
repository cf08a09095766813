"""Says as Kubernetes events what is done to nodes and pods: bounded, and never in the way of a drain.

`report.kubernetes_events` decides which events there are. They wait in one queue and leave it slowly, few are
in flight, and each has the lowest class of the request budget.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

from nth.core.facts import Node
from nth.core.notices.imds import InstanceMetadata
from nth.core.reports import Told
from nth.ports import Clock
from nth.report.kubernetes_event_objects import document_of, namespace_of
from nth.report.kubernetes_events import KubeEvent, KubeEvents
from nth.report.machine import Known
from nth.reporters.best_effort import BestEffort, WriteStats

logger = logging.getLogger("nth.kubernetes_events")

MAX_QUEUED = 2000
"""A storm over eighty nodes makes some 1400; each takes less than 1 KiB."""
MAX_IN_FLIGHT = 2
PAUSE_SECONDS = 0.04
"""Of each that sends, so that there are at most 50 a second: an event costs us and the API server about as
much as an eviction, and in a storm both would share the processor."""

Item = tuple[KubeEvent, Node | None, InstanceMetadata]
"""With what was known of the node at that moment: it may be gone when the event's turn comes."""


class EventWriter(Protocol):
    """Creates an event. Any `ClusterError`."""

    async def create(self, namespace: str, document: Mapping[str, object]) -> None: ...


class KubernetesEvents:
    """A listener. `host` is the node that we run on, `extra` the annotations of the setting."""

    def __init__(
        self, writer: EventWriter, clock: Clock, *, known: Known, extra: Mapping[str, str], host: str
    ) -> None:
        self._writer = writer
        self._known = known
        self._extra = extra
        self._host = host
        self._events = KubeEvents()
        self._queue: asyncio.Queue[Item] = asyncio.Queue(MAX_QUEUED)
        self._effort = BestEffort("Kubernetes events", logger, clock)
        self._told_full = False
        self._hurry = False

    @property
    def stats(self) -> WriteStats:
        """What became of them."""
        return self._effort.stats

    @property
    def queued(self) -> int:
        """How many wait."""
        return self._queue.qsize()

    def __call__(self, told: Told) -> None:
        """Take in what is told."""
        for event in self._events.take(told):
            self._put((event, *self._known(event.node_name)))

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(MAX_IN_FLIGHT):
                tasks.create_task(self._send(), name=f"kubernetes events {number}")

    async def flush(self, seconds: float) -> None:
        """Send all that wait, within so long; the rest is dropped. `run` has to be running."""
        self._hurry = True
        try:
            async with asyncio.timeout(seconds):
                await self._queue.join()
        except TimeoutError:
            left = self.queued
            while not self._queue.empty():
                self._drop_oldest()
            text = "Kubernetes events are not sent, time is up"
            logger.warning(text, extra={"fields": {"number": left}})

    def _put(self, item: Item) -> None:
        """If there is no room, the oldest makes it: what has just happened matters more."""
        if self._queue.full():
            self._drop_oldest()
            if not self._told_full:
                self._told_full = True
                logger.warning("Too many Kubernetes events are waiting, dropping the oldest")
        self._queue.put_nowait(item)

    def _drop_oldest(self) -> None:
        self._queue.get_nowait()
        self._queue.task_done()
        self.stats.dropped += 1

    async def _send(self) -> None:
        while True:
            item = await self._queue.get()
            try:
                await self._create(item)
            finally:
                self._queue.task_done()
            self._told_full &= not self._queue.empty()
            if not self._hurry:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _create(self, item: Item) -> None:
        event, node, said = item
        namespace = namespace_of(event)
        if not self._effort.is_refused(namespace):
            document = document_of(event, node=node, said=said, extra=self._extra, host=self._host)
            await self._effort.write(namespace, self._writer.create(namespace, document))
