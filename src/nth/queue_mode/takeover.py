"""Goes on with nodes whose drain nobody works on: their replica has died, or has handed them over.

`core.replicas.takeover` says which are ours to take, and when.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from nth.core.facts import Node
from nth.core.node.node_annotation import NodeRecord, record_of
from nth.core.notices.events import Withdrawn
from nth.core.queue.recent_keys import Remembered
from nth.core.replicas.takeover import Orphans
from nth.ports import Clock
from nth.queue_mode.outage_log import OutageLog

logger = logging.getLogger("nth.fleet.takeover")

LOOK_SECONDS = 0.5
"""How often it is looked, besides when something changes."""
DISPLACED_SECONDS = 30.0
"""Who took a node from us lives, so long after that, or after it wrote on another node: its lease may be
unreadable. What stands on the node that it took proves nothing, because that node's kubelet can write it."""


class Sessions(Protocol):
    """The engine, or the rehearsal in its place."""

    @property
    def node_names(self) -> tuple[str, ...]: ...

    def adopt(
        self, node: Node, booted_at: float | None, *, over: Sequence[Withdrawn] = ()
    ) -> tuple[str, ...]: ...


class Others(Protocol):
    """The other replicas (`replicas.ReplicaWatch`)."""

    def is_alive(self, identity: str) -> bool: ...

    def others_alive(self) -> tuple[str, ...]: ...


class Past(Protocol):
    """Whether recorded events are over (`recorded.RecordedNews`)."""

    def over(self, node: Node, record: NodeRecord) -> tuple[Withdrawn, ...] | None:
        """Those that are; None: it cannot be told yet, and it is being asked."""
        ...


class Takeover:
    """`find` a node by its name."""

    def __init__(
        self,
        clock: Clock,
        identity: str,
        *,
        sessions: Sessions,
        others: Others,
        find: Callable[[str], Node | None],
        past: Past,
    ) -> None:
        self.records: dict[str, NodeRecord] = {}
        """What stands on the nodes, by name."""
        self._clock = clock
        self._identity = identity
        self._sessions = sessions
        self._others = others
        self._find = find
        self._past = past
        self._orphans = Orphans()
        self._displacers: dict[str, float] = {}
        """Until when each is believed to live (epoch seconds)."""
        self._lost = Remembered(max_keys=1000)
        """The nodes that were taken from us."""
        self._changed = asyncio.Event()
        self._trouble = OutageLog(
            logger,
            clock,
            began="nodes that nobody works on cannot be taken over, because the handler itself failed",
            over="nodes that nobody works on can be taken over again",
        )

    def note(self, name: str, node: Node | None) -> None:
        """A watch says that the node is now so; None = it is gone."""
        try:
            record = None if node is None else record_of(node)
        except ValueError:
            # Somebody has edited it; the session that comes across it says so.
            record = None
        if record is None:
            self.records.pop(name, None)
        elif record != self.records.get(name):
            self.records[name] = record
            if record.holder in self._displacers and not self._lost.has(name, self._clock.now()):
                self._believe(record.holder)
            self._changed.set()

    def displaced(self, node_name: str) -> None:
        """Another replica has this node: it lives, even if its lease cannot be read."""
        record = self.records.get(node_name)
        if record is not None and record.is_anothers(self._identity):
            self._lost.add(node_name, self._clock.now())
            self._believe(record.holder)

    def _believe(self, identity: str) -> None:
        self._displacers[identity] = self._clock.now() + DISPLACED_SECONDS

    def died(self, identity: str) -> None:
        """Its nodes are orphans now."""
        logger.info("Taking over what a replica leaves", extra={"fields": {"replica": identity}})
        self._displacers.pop(identity, None)
        self._changed.set()

    def is_alive(self, identity: str) -> bool:
        """Whether to leave its nodes to that replica."""
        until_at = self._displacers.get(identity, 0.0)
        return self._clock.now() < until_at or self._others.is_alive(identity)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._adopt()
            try:
                async with asyncio.timeout(LOOK_SECONDS if self.records else None):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()

    def _adopt(self) -> None:
        busy = set(self._sessions.node_names)
        records = [(name, record) for name, record in self.records.items() if name not in busy]
        others = self._others.others_alive()
        for name in self._orphans.due(records, self._identity, others, self.is_alive, self._clock.now()):
            try:
                self._take(name)
            except Exception as error:
                # It is tried again at the next look, and holds up no other.
                self._trouble.failed(name, error)
            else:
                self._trouble.worked(name)

    def _take(self, name: str) -> None:
        node, record = self._find(name), self.records[name]
        # What is old is checked first: the machine may have come back since.
        if node is not None and (over := self._past.over(node, record)) is not None:
            fields = {"node": name, "predecessor": record.holder}
            # Empty also if we are on our way out.
            if self._sessions.adopt(node, None, over=over):
                logger.info("Going on with a node that nobody works on", extra={"fields": fields})
