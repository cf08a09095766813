"""Restores nodes one by one, and says of each what was done, or why not.

A patch names the version of the node that it was made from: if another client wrote meanwhile, the node is
read and looked at anew.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import Enum

from nth.core.facts import Node
from nth.core.node.restoration import restoration_of
from nth.errors import ClusterError, Conflict, Missing
from nth.ports import Clock, Cluster
from nth.restore.words import doubt_of, marks_of, rest_of

TRIES = 5
"""Attempts for one node that others change at the same time."""


class Outcome(Enum):
    """The end of one node's restoration."""

    RESTORED = "restored"
    UNTOUCHED = "untouched"
    """Nothing of the handler is on it."""
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Restored:
    """One node, and what became of it."""

    node_name: str
    outcome: Outcome
    text: str
    """In words, without the node's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to go about it."""

    dry_run: bool = False
    """Change nothing."""
    force: bool = False
    """Restore also nodes whose interruption stands, or whose record cannot be read."""


class Restorer:
    """Restores nodes of one cluster."""

    def __init__(self, cluster: Cluster, clock: Clock, way: Way) -> None:
        self._cluster = cluster
        self._clock = clock
        self._way = way

    async def all_nodes(self) -> AsyncIterator[Restored]:
        """Yield each node of the cluster as it is done. ClusterError: they cannot be listed."""
        for node in (await self._cluster.list_nodes()).nodes:
            yield await self._one(node.name, node)

    async def nodes(self, names: Sequence[str]) -> AsyncIterator[Restored]:
        """Yield each of these nodes as it is done."""
        for name in dict.fromkeys(names):
            yield await self._one(name, None)

    async def _one(self, name: str, node: Node | None) -> Restored:
        try:
            for _ in range(TRIES):
                try:
                    return await self._try(node or await self._cluster.read_node(name))
                except Conflict:
                    node = None
        except Missing:
            return Restored(name, Outcome.FAILED, "failed: there is no such node")
        except ClusterError as error:
            return Restored(name, Outcome.FAILED, f"failed: {error}")
        return Restored(name, Outcome.FAILED, f"failed: others changed the node {TRIES} times meanwhile")

    async def _try(self, node: Node) -> Restored:
        found = restoration_of(node, self._clock.now())
        if found.patch is None:
            return Restored(node.name, Outcome.UNTOUCHED, f"nothing to take back{rest_of(found, node)}")
        if found.doubtful and not self._way.force:
            return Restored(node.name, Outcome.SKIPPED, f"skipped: {doubt_of(found)}")
        if not self._way.dry_run:
            await self._cluster.patch_node(node.name, found.patch)
        done = "would take back" if self._way.dry_run else "took back"
        return Restored(node.name, Outcome.RESTORED, f"{done} {marks_of(found)}{rest_of(found, node)}")
