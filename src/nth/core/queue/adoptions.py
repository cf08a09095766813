"""Keeps the records of all nodes, and adopts nodes whose replica has died or has handed them over.

`core.replicas.takeover` decides which are ours to adopt, and when.
"""

from nth.core.facts import Node
from nth.core.node.node_annotation import NodeRecord, record_of
from nth.core.queue.dispatch_context import NEVER, Context
from nth.core.queue.dispatch_words import INFO, Adopt
from nth.core.queue.recent_keys import Remembered
from nth.core.replicas.takeover import Takeovers

LOOK_SECONDS = 0.5
"""The pause between two looks, unless something changes."""
DISPLACED_SECONDS = 30.0
"""A replica that took a node from us counts as alive so long after that, or after it wrote on another node:
its lease may be unreadable. The record on the taken node proves nothing, because its kubelet can write it."""


class Adoptions:
    """`records` has the records on the nodes, by the nodes' names."""

    def __init__(self, context: Context) -> None:
        self.records: dict[str, NodeRecord] = {}
        self._context = context
        self._takeovers = Takeovers()
        self._displacers: dict[str, float] = {}
        """Until when each is believed to live (epoch seconds)."""
        self._lost = Remembered(max_keys=1000)
        """The nodes that were taken from us."""
        self._begun = False
        self._look_at = NEVER

    @property
    def look_at(self) -> float:
        """Returns when `look` is due (epoch seconds)."""
        return self._look_at if self._begun else NEVER

    def begin(self) -> None:
        """Begin to adopt: all nodes and replicas are known now."""
        self._begun, self._look_at = True, self._context.now

    def note(self, node_name: str, node: Node | None) -> None:
        """Take the node as a watch reports it; None = it is gone."""
        try:
            record = None if node is None else record_of(node)
        except ValueError:
            # A person or a program has edited it; the session that comes across it reports that.
            record = None
        if record is None:
            self.records.pop(node_name, None)
        elif record != self.records.get(node_name):
            self.records[node_name] = record
            if record.holder in self._displacers and not self._lost.has(node_name, self._context.now):
                self._believe(record.holder)
            self._look_at = self._context.now

    def displaced(self, node_name: str) -> None:
        """Note that another replica has this node: it lives, even if its lease cannot be read."""
        record = self.records.get(node_name)
        if record is not None and record.is_anothers(self._context.identity):
            self._lost.add(node_name, self._context.now)
            self._believe(record.holder)

    def _believe(self, identity: str) -> None:
        self._displacers[identity] = self._context.now + DISPLACED_SECONDS

    def died(self, identity: str) -> None:
        """Note that a replica has died: its nodes are abandoned now."""
        text = "Taking over what a replica leaves"
        self._context.log(INFO, text, {"replica": identity})
        self._displacers.pop(identity, None)
        self._look_at = self._context.now

    def is_alive(self, identity: str) -> bool:
        """True if that replica's nodes are to be left to it."""
        believed_until_at = self._displacers.get(identity, 0.0)
        return self._context.now < believed_until_at or self._context.view.replicas.is_alive(identity)

    def look(self) -> None:
        """Adopt the nodes that are ours to adopt now."""
        if self._context.now < self.look_at:
            return
        self._look_at = self._context.now + LOOK_SECONDS if self.records else NEVER
        busy = set(self._context.view.sessions.node_names)
        records = [(name, record) for name, record in self.records.items() if name not in busy]
        others, now = self._context.view.replicas.others_alive(), self._context.now
        for name in self._takeovers.due(records, self._context.identity, others, self.is_alive, now):
            if (node := self._context.view.nodes.by_name(name)) is not None:
                self._context.decide(Adopt(node, self.records[name]))
