"""Decides which replica takes which abandoned node, and when.

All replicas see the same nodes and the same leases. So that not all of them run for the same node, one
of them is chosen by the node's name; the others only step in if it does not.
"""

from collections.abc import Callable, Collection
from zlib import crc32

from nth.core.node.node_annotation import NodeRecord

TIMEOUT_SECONDS = 3.0
"""The chosen replica has so long; the watch of the nodes may lag behind our own writes for so long, too."""


def is_abandoned(record: NodeRecord, identity: str, is_alive: Callable[[str], bool]) -> bool:
    """True if something is still to be done for the node, and no other replica does it."""
    if not record.events:
        return False
    return not record.is_anothers(identity) or not is_alive(record.holder)


def falls_to(node_name: str, identity: str, others: Collection[str]) -> bool:
    """True if this replica is chosen to take it first."""
    replicas = sorted({identity, *others})
    return replicas[crc32(node_name.encode()) % len(replicas)] == identity


class Takeovers:
    """Remembers since when each abandoned node has been one."""

    def __init__(self) -> None:
        self._since_at: dict[str, float] = {}

    def due(
        self,
        records: Collection[tuple[str, NodeRecord]],
        identity: str,
        others: Collection[str],
        is_alive: Callable[[str], bool],
        now: float,
    ) -> tuple[str, ...]:
        """Returns the nodes to take now, of these (name, record) without a session of ours."""
        abandoned = {name: record for name, record in records if is_abandoned(record, identity, is_alive)}
        self._since_at = {name: self._since_at.get(name, now) for name in abandoned}
        return tuple(
            name
            for name, record in abandoned.items()
            if now - self._since_at[name] >= self._wait_seconds(name, record, identity, others)
        )

    def _wait_seconds(self, name: str, record: NodeRecord, identity: str, others: Collection[str]) -> float:
        # Our own name may be there because the watch has not shown our last write yet.
        at_once = falls_to(name, identity, others) and record.holder != identity
        return 0.0 if at_once else TIMEOUT_SECONDS
