"""Which replica has a node, as the record on it says; and what others have posted there.

The record is written with the node's resource version, so of two replicas that take a node at the
same moment only one succeeds: the other reads the first one's name and steps aside. A replica that
hears of an event about a node that another one has posts it into the record.
"""

from nth.core.facts import Node
from nth.core.node_record import RECORD_ANNOTATION, NodeRecord, Seen, decode


class Holding:
    """One replica's hold on one node. Without an identity there are no others, and nothing is heeded."""

    def __init__(self, identity: str, record: NodeRecord | None) -> None:
        self.displaced_by = ""
        """Another replica that has the node."""
        self.released = False
        """Given up, for another to take."""
        self._identity = identity
        self._allowed = {"", identity, record.holder if record else ""}
        self._version = 0
        self._heeded = ""

    @property
    def holder(self) -> str:
        """Whom the record is to name."""
        return "" if self.released else self._identity

    def heed(self, node: Node, *, ours: bool = False) -> tuple[Seen, ...]:
        """The events in the record on this node; empty if it says nothing new. `ours`: we just wrote it."""
        text = node.annotations.get(RECORD_ANNOTATION, "")
        if not self._identity or self._is_old(node) or text in ("", self._heeded):
            return ()
        self._heeded = text
        if ours:
            # From here on the predecessor, should it come back, is a stranger like any other.
            self._allowed = {"", self._identity}
            return ()
        try:
            record = decode(text)
        except ValueError:
            return ()
        if record.holder not in self._allowed:
            self.displaced_by = record.holder
            return ()
        return record.events

    def _is_old(self, node: Node) -> bool:
        """Seen already in a later version: a watch may lag behind the answers to our own requests.

        https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
        """
        version = int(node.resource_version) if node.resource_version.isdecimal() else 0
        if version < self._version:
            return True
        self._version = version
        return False
