"""Follows all nodes of the cluster: one list, one watch, and a new list whenever the watch is lost.

`core.queue.node_table` finds nodes; the listener decides what a change means.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import aclosing

from nth.core.backoff import Refusals
from nth.core.facts import Node, NodeSeen
from nth.core.queue.node_table import Change, NodeTable
from nth.errors import ClusterError, Forbidden
from nth.ports import Clock, Cluster
from nth.queue_mode.outage_log import OutageLog

logger = logging.getLogger("nth.queue_mode.node_informer")

RELIST_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
"""Pauses before a lost list or watch is begun again, the last one for ever."""
OFTEN = 12
"""After so many refusals in a row it is asked ever less often, but each minute at least."""
LONGEST_SECONDS = 60.0
HOLDS_SECONDS = 5.0
"""A watch that has lasted for so long works."""
NOT_WATCHED = (
    f"Nodes may not be watched: all of them are listed every {RELIST_SECONDS[-1]:.0f} s instead, "
    "and a change is seen that much later"
)

OnChange = Callable[[Node | None, Node | None], None]


def _ignore(before: Node | None, after: Node | None) -> None:
    """Ignore the change."""


class NodeInformer(NodeTable):
    """The nodes, kept up to date. Calls `on_change(before, after)` with each change; None: not there."""

    def __init__(self, cluster: Cluster, clock: Clock, *, on_change: OnChange = _ignore) -> None:
        super().__init__()
        self.synced = asyncio.Event()
        """Set for good when the first list is in."""
        self.is_fresh = False
        """True while a watch is open: nodes are at most moments old."""
        self.last_answer_at: float | None = None
        """When the API server last answered about nodes, epoch seconds."""
        self.on_change = on_change
        self._cluster = cluster
        self._clock = clock
        self._failures = 0
        """Lists and watches in a row that did not last."""
        self._refusals = Refusals(OFTEN, LONGEST_SECONDS)
        self._ambiguous: set[tuple[str, ...]] = set()
        self._trouble = OutageLog(
            logger, clock, began="nodes cannot be followed, trying again", over="nodes can be followed again"
        )
        self._blindness = OutageLog(logger, clock, began=NOT_WATCHED, over="Nodes may be watched again")

    def find(self, instance_id: str) -> Node | None:
        """Returns the only node of that EC2 instance; None also if several name it (`rivals`)."""
        nodes = self.of_instance(instance_id)
        return nodes[0] if len(nodes) == 1 else None

    def rivals(self, instance_id: str) -> tuple[Node, ...]:
        """Returns the nodes that name that instance, if there are several; EC2 can tell which one it is."""
        nodes = self.of_instance(instance_id)
        if len(nodes) < 2:
            return ()
        self._warn(
            nodes, "several nodes say that they are the same instance; EC2's name for it decides", instance_id
        )
        return nodes

    def claimants(self, instance_id: str) -> tuple[Node, ...]:
        """Returns the nodes whose provider id names that instance."""
        return tuple(node for node in self.of_instance(instance_id) if node.instance_id)

    def find_by_dns(self, private_dns_name: str) -> Node | None:
        """Returns the only node without provider id that has this name of an instance; None: none, or two."""
        nodes = self.of_host(private_dns_name)
        if len(nodes) == 1:
            return nodes[0]
        self._warn(nodes, "several nodes have the same host name, so none is touched", private_dns_name)
        return None

    def learn(self, node: Node) -> None:
        """Take a node from an answer to a request of ours: the watch may lag behind, or be lost."""
        known = self.by_name(node.name)
        # A node that the watch does not know has gone meanwhile; it would never hear of that again.
        if known is not None and known.uid == node.uid:
            self._tell(self.take(NodeSeen(node)))

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            verb = "list"
            try:
                listed = await self._cluster.list_nodes()
                self._tell(self.replace(listed.nodes))
                self.synced.set()
                self._trouble.worked(verb)
                self._refusals.heard(None)
                verb = "watch"
                await self._watch(listed.resource_version)
            except Exception as error:
                # Every error is caught: without the nodes nothing can be done, so it is tried for ever.
                self._failed(verb, error)
                if verb == "list":
                    # Where nodes may not be watched, there are only lists.
                    self._refusals.heard(error)
            usual_seconds = RELIST_SECONDS[min(self._failures, len(RELIST_SECONDS) - 1)]
            await asyncio.sleep(self._refusals.pause_seconds(usual_seconds))
            self._failures += 1

    async def _watch(self, resource_version: str) -> None:
        self.is_fresh = True
        holding = asyncio.get_running_loop().call_later(HOLDS_SECONDS, self._holds)
        try:
            async with aclosing(self._cluster.watch_nodes(resource_version)) as changes:
                async for change in changes:
                    self._tell(self.take(change))
        finally:
            self.is_fresh = False
            holding.cancel()

    def _holds(self) -> None:
        self._failures = 0
        self._trouble.worked("watch")
        self._blindness.worked("watch")

    def _failed(self, verb: str, error: Exception) -> None:
        # A watch may end at any time; only one that never lasts is worth a warning.
        if verb == "list" or self._failures or not isinstance(error, ClusterError):
            log = self._blindness if verb == "watch" and isinstance(error, Forbidden) else self._trouble
            log.failed(verb, error)

    def _tell(self, changes: Iterable[Change]) -> None:
        self.last_answer_at = self._clock.now()
        for before, after in changes:
            try:
                self.on_change(before, after)
            except Exception:
                # A listener's defect must not end the watch.
                logger.exception("a change of a node could not be handled")

    def _warn(self, nodes: tuple[Node, ...], text: str, key: str) -> None:
        names = tuple(node.name for node in nodes)
        if names and names not in self._ambiguous:
            self._ambiguous.add(names)
            logger.warning(text, extra={"fields": {"wanted": key, "nodes": ", ".join(names)}})
