"""Remembers a Node object that is gone while its machine still runs and certainly goes away.

A kubelet registers the same machine anew, under the same name and with a new UID. Pods that land there would
be lost with it, so it is marked anew. Another machine of that name has done nothing.
"""

from dataclasses import dataclass

from nth.core.facts import Node
from nth.core.node.node_annotation import NodeRecord
from nth.core.node.node_patcher import NodePatcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """A Node that is gone, as it is remembered."""

    origin: Node
    """The Node as it was."""
    record: NodeRecord
    """The events that stand, without marks: those went with the Node."""
    until_at: float
    """The machine may still run until then."""
    successor: Node | None = None
    """The Node that was seen in its place already."""

    def is_back(self, node: Node, now: float, *, ours: bool) -> bool:
        """Returns whether this is the same machine. `ours`: it runs us, so it needs no provider id."""
        if now >= self.until_at or node.uid == self.origin.uid or node.name != self.origin.name:
            return False
        return node.provider_id == self.origin.provider_id and (ours or bool(node.provider_id))


def vanished_of(patcher: NodePatcher | None, record: NodeRecord, until_at: float | None) -> Vanished | None:
    """Returns None if the Node is not gone, was never seen, or its machine does not certainly go."""
    if patcher is None or patcher.origin is None or until_at is None:
        return None
    return Vanished(origin=patcher.origin, record=record, until_at=until_at, successor=patcher.successor)


def has_returned(vanished: Vanished | None, now: float, *, ours: bool) -> bool:
    """Returns whether the same machine was seen in its place: then only its drain settles the events."""
    if vanished is None or vanished.successor is None:
        return False
    return vanished.is_back(vanished.successor, now, ours=ours)


MAX_VANISHED = 1000


class VanishedNodes:
    """All Nodes that are remembered, by name. `ours`: as in `Vanished.is_back`."""

    def __init__(self, *, ours: bool) -> None:
        self._ours = ours
        self._vanished: dict[str, Vanished] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._vanished

    def remember(self, vanished: Vanished) -> None:
        """Remember a Node; the oldest is forgotten if there are too many."""
        self._vanished.pop(vanished.origin.name, None)
        self._vanished[vanished.origin.name] = vanished
        if len(self._vanished) > MAX_VANISHED:
            del self._vanished[next(iter(self._vanished))]

    def back(self, node: Node, now: float) -> Vanished | None:
        """Returns the remembered Node that has come back as this one, if any, and forgets it."""
        vanished = self._vanished.get(node.name)
        if vanished is None or not vanished.is_back(node, now, ours=self._ours):
            return None
        return self._vanished.pop(node.name)

    def forget(self, vanished: Vanished) -> bool:
        """Forget it after its time; returns False if it has come back, or gone once more, meanwhile."""
        if self._vanished.get(vanished.origin.name) is not vanished:
            return False
        del self._vanished[vanished.origin.name]
        return True
