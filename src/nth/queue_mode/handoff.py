"""Carries out what `core.replicas.handoff` says about events of nodes that other replicas have."""

import asyncio
import logging
from collections.abc import Callable

from nth.core.backoff import Refusals
from nth.core.facts import Node
from nth.core.node.node_annotation import NodeRecord
from nth.core.notices.events import Event
from nth.core.policy import Level
from nth.core.replicas.handoff import Step, next_step, post
from nth.errors import ClusterError, Conflict
from nth.ports import Clock, Cluster
from nth.queue_mode.outage_log import OutageLog

logger = logging.getLogger("nth.fleet.wards")

LOOK_SECONDS = 1.0
"""Everything is looked at anew so often, besides when a node changes or a replica dies."""
OFTEN = 30
"""What is refused so often is posted ever less often."""

PATIENCE_SECONDS = 6.0
"""After this an event is not left to a holder that does not have it, or that is not shown to live."""

Find = Callable[[str], tuple[Node | None, NodeRecord | None]]


class Wards:
    """`find` a node by its name; `take` an event whose node is free.

    `done`: the holder is through with the event, and completes its hook itself. `gone`: the node is.
    `is_fresh`: what `find` tells is of this moment; while it is not, no holder's silence counts.
    """

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        identity: str,
        *,
        find: Find,
        is_alive: Callable[[str], bool],
        is_shown_alive: Callable[[str], bool],
        level_of: Callable[[Event], Level],
        take: Callable[[Node, Event], None],
        done: Callable[[Event], None],
        gone: Callable[[Event], None],
        is_fresh: Callable[[], bool] = lambda: True,
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._identity = identity
        self._find = find
        self._is_alive = is_alive
        self._is_shown_alive = is_shown_alive
        self._level_of = level_of
        self._take = take
        self._done = done
        self._gone = gone
        self._is_fresh = is_fresh
        self._events: dict[str, dict[str, Event]] = {}
        self._posting: dict[tuple[str, str], tuple[Refusals, float]] = {}
        """By node and event: how often that was refused, and when it is tried again (epoch seconds)."""
        self._since_at: dict[tuple[str, str], float] = {}
        self._wanted = asyncio.Event()
        self._trouble = OutageLog(
            logger,
            clock,
            began="an event of another replica's node cannot be handled, because the handler itself failed",
            over="events of other replicas' nodes can be handled again",
        )

    def add(self, node_name: str, event: Event) -> None:
        """Another replica has this node."""
        self._keep(node_name, event)
        self._wanted.set()

    def _keep(self, node_name: str, event: Event) -> None:
        self._events.setdefault(node_name, {})[event.event_id] = event
        self._since_at.setdefault((node_name, event.event_id), self._clock.now())

    def look(self) -> None:
        """Something has changed: a node, or who lives."""
        if self._events:
            self._wanted.set()

    def __len__(self) -> int:
        return sum(map(len, self._events.values()))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wait()
            for node_name, events in list(self._events.items()):
                for event in list(events.values()):
                    await self._guarded_step(node_name, event)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS if self._events else None):
                await self._wanted.wait()
        except TimeoutError:
            pass
        self._wanted.clear()

    async def _guarded_step(self, node_name: str, event: Event) -> None:
        try:
            await self._step(node_name, event)
        except Exception as error:
            # It stays a ward, and is looked at again, but not at once.
            self._keep(node_name, event)
            self._trouble.failed(event.event_id, error)
        else:
            self._trouble.worked(event.event_id)

    async def _step(self, node_name: str, event: Event) -> None:
        node, record = self._find(node_name)
        if node is None:
            self._drop(node_name, event)
            self._gone(event)
            return
        if not self._is_fresh():
            # The holder may have written long ago; and whoever cannot reach the server posts nothing either.
            self._since_at[node_name, event.event_id] = self._clock.now()
        waited_seconds = self._clock.now() - self._since_at[node_name, event.event_id]
        step = next_step(
            event,
            self._level_of(event),
            node,
            record,
            self._identity,
            self._is_alive,
            is_shown_alive=self._is_shown_alive,
            overdue=waited_seconds >= PATIENCE_SECONDS,
        )
        match step:
            case Step.TAKE:
                self._drop(node_name, event)
                self._take(node, event)
            case Step.DONE:
                self._drop(node_name, event)
                self._done(event)
            case Step.POST if record is not None:
                await self._post(node, record, event)
            case _:
                pass

    def _drop(self, node_name: str, event: Event) -> None:
        events = self._events[node_name]
        del events[event.event_id]
        self._posting.pop((node_name, event.event_id), None)
        self._since_at.pop((node_name, event.event_id), None)
        if not events:
            del self._events[node_name]

    async def _post(self, node: Node, record: NodeRecord, event: Event) -> None:
        refusals, post_at = self._posting.setdefault((node.name, event.event_id), (Refusals(OFTEN), 0.0))
        if self._clock.now() < post_at:
            return
        fields = {"node": node.name, "event_id": event.event_id, "holder": record.holder}
        try:
            await self._cluster.patch_node(node.name, post(event, node, self._clock.now()))
        except Conflict:
            # Its holder, most likely; the watch brings the new node in a moment.
            return
        except ClusterError as error:
            if not refusals.number:
                text = "cannot tell the replica that has the node, trying again: %s"
                logger.warning(text, error, extra={"fields": fields})
            refusals.heard(error)
            if refusals.lasting:
                post_at = self._clock.now() + refusals.pause_seconds(LOOK_SECONDS)
            self._posting[node.name, event.event_id] = refusals, post_at
            return
        logger.info("another replica has the node, and is told of the event", extra={"fields": fields})
