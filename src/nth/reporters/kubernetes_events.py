"""Writes Kubernetes events about nodes and pods: bounded, and never in the way of a drain.

`report.kubernetes_events` decides which events there are. They wait in one queue and leave it slowly, few are
in flight, and each has the lowest class of the request budget.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from nth.core.facts import Node
from nth.core.notices.imds import InstanceMetadata
from nth.core.reports import Told
from nth.ports import Clock
from nth.report.builder import Interruption
from nth.report.kubernetes_event_objects import document_of, namespace_of
from nth.report.kubernetes_events import KubeEvent, KubeEvents
from nth.report.machine import Known
from nth.reporters.best_effort import BestEffort
from nth.reporters.outbox import Outbox, Rules

logger = logging.getLogger("nth.kubernetes_events")

MAX_QUEUED = 2000
"""A storm over eighty nodes makes some 1400; each takes less than 1 KiB."""
MAX_IN_FLIGHT = 2
PAUSE_SECONDS = 0.04
"""The pause of each sender, so that there are at most 50 a second: an event costs the handler and the API
server about as much as an eviction, and in a storm both would share the processor.
"""

RULES = Rules(
    items=MAX_QUEUED,
    senders=MAX_IN_FLIGHT,
    pause_seconds=PAUSE_SECONDS,
    counts_in_flight=False,
    full="Too many Kubernetes events are waiting, dropping the oldest",
    late="Kubernetes events are not sent, time is up",
)

Item = tuple[KubeEvent, Node | None, InstanceMetadata]
"""An event, with the facts known of the node at that moment: it may be gone when the event's turn comes."""


class EventWriter(Protocol):
    """Creates an event. Any `ClusterError`."""

    async def create(self, namespace: str, document: Mapping[str, object]) -> None: ...


class KubernetesEvents(Outbox[Item]):
    """A listener. `host` is the handler's own node, `extra` the annotations of the setting."""

    def __init__(
        self, writer: EventWriter, clock: Clock, *, known: Known, extra: Mapping[str, str], host: str
    ) -> None:
        super().__init__(RULES, logger)
        self._writer = writer
        self._known = known
        self._extra = extra
        self._host = host
        self._events = KubeEvents()
        self._effort = BestEffort("Kubernetes events", logger, clock, self.stats)

    def __call__(self, told: Told, interruption: Interruption | None) -> None:
        """Queue the events that this record makes."""
        for event in self._events.take(told, interruption):
            self.put((event, *self._known(event.node_name)))

    async def send(self, items: Sequence[Item]) -> None:
        """Create it, unless its namespace refuses events."""
        ((event, node, said),) = items
        namespace = namespace_of(event)
        if not self._effort.is_refused(namespace):
            document = document_of(event, node=node, said=said, extra=self._extra, host=self._host)
            await self._effort.write(namespace, self._writer.create(namespace, document))
