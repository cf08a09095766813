"""Reads a replica's claim on a node from the record there, and the events that others have posted into it.

The record is written with the node's resource version, so of two replicas that take a node at the
same moment only one succeeds: the other reads the first one's name and steps aside. A replica that
hears of an event about a node that another one has posts it into the record.
"""

from collections.abc import Callable

from nth.core.facts import Node, version_of
from nth.core.node.node_annotation import RECORD_ANNOTATION, NodeRecord, Seen, record_of


class Claim:
    """One replica's claim on one node. Without an identity there are no others, and none is heeded."""

    def __init__(
        self,
        identity: str,
        record: NodeRecord | None,
        node: Node | None = None,
        *,
        leaves_to: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Begin with `node` and `record`. `leaves_to`: whether the node may be left to that replica.

        It may not be left to any name: a made-up one in the record would keep the node from being drained.
        """
        self.displaced_by = ""
        """Another replica that has the node."""
        self.displaced_at: Node | None = None
        """The node as that replica had written it."""
        self.ended: tuple[str, ...] = ()
        """Ids of the events that are over by the record on the node."""
        self.leaves_at: float | None = None
        """It is given up then at the latest; None = it is kept."""
        self.released = False
        """True once it is given up, for another replica to take."""
        self._identity = identity
        self._leaves_to = leaves_to
        self._allowed = {"", identity, record.holder if record else ""}
        self._written = _ids(record.events if record else ())
        self._version = 0 if node is None else version_of(node)
        self._heeded = ""

    @property
    def holder(self) -> str:
        """The name that the record is to have as its holder."""
        return "" if self.released else self._identity

    def heed(
        self, node: Node, written: frozenset[str] = frozenset(), *, ours: bool = False
    ) -> tuple[Seen, ...]:
        """Returns the events that others have posted into the record on this node, each once.

        `written`: the ids of the events in the record that we sent last. An event of ours is no
        news, even if it is over by now. `ours`: this node is the answer.
        """
        text = node.annotations.get(RECORD_ANNOTATION, "")
        if not self._identity or self._is_old(node) or text in ("", self._heeded):
            return ()
        self._heeded = text
        try:
            record = record_of(node)
        except ValueError:
            return ()
        assert record is not None, "the text is there"
        if record.holder not in self._allowed:
            if not self._leaves_to(record.holder):
                # Its lease may be listed in a moment.
                self._heeded = ""
                return ()
            self.displaced_by, self.displaced_at = record.holder, node
            return ()
        if record.holder == self._identity:
            # From here on the predecessor, should it come back, is a stranger like any other.
            self._allowed = {"", self._identity}
        self.ended = record.finished
        known = self._written | written
        self._written = written if ours else known | _ids(record.events)
        return tuple(seen for seen in record.events if seen.event.event_id not in known)

    def _is_old(self, node: Node) -> bool:
        """Returns whether a later version is known: a watch may lag behind the answers to our own requests.

        https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
        """
        version = version_of(node)
        if version < self._version:
            return True
        self._version = version
        return False


def _ids(events: tuple[Seen, ...]) -> frozenset[str]:
    return frozenset(seen.event.event_id for seen in events)
