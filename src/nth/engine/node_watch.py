"""Watches the Nodes of sessions that have no other source of news: metadata mode's one Node.

One watch of that Node alone. Where it is not allowed, is lost, or says nothing for long, the Node is read.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing

from nth.core.facts import Node, NodeChange, NodeGone, NodeSeen, version_of
from nth.errors import ClusterError, Expired, Forbidden, Missing
from nth.ports import Cluster

logger = logging.getLogger("nth.engine")

AGAIN_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)
"""Pauses before a lost watch is begun again, the last one for ever."""
SILENCE_SECONDS = {True: 30.0, False: 600.0}
"""The silence of a watch after which the Node is read, by urgency: the watch may hang."""
UNWATCHED_SECONDS = {True: 5.0, False: 60.0}
"""The seconds between two readings of a Node that may not be watched, by urgency."""


class NodeWatch:
    """Calls `news(name, node)` with every change; None = the Node object is gone."""

    def __init__(self, cluster: Cluster, news: Callable[[str, Node | None], None]) -> None:
        self._cluster = cluster
        self._news = news
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._urgent: dict[str, bool] = {}
        self._known: dict[str, Node] = {}
        """The last reported state of each Node."""
        self._told_refused = False

    def begin(self, tasks: asyncio.TaskGroup, name: str, resource_version: str, *, urgent: bool) -> None:
        """Watch it from that version on, if it is not watched yet; an empty version: read it first."""
        self._urgent[name] = urgent
        if name not in self._tasks:
            self._tasks[name] = tasks.create_task(self._follow(name, resource_version), name=f"watch {name}")

    def end(self, name: str) -> None:
        """Stop watching: the session is over."""
        self._urgent.pop(name, None)
        self._known.pop(name, None)
        if (task := self._tasks.pop(name, None)) is not None:
            task.cancel()

    async def _follow(self, name: str, version: str) -> None:
        failures = 0
        while True:
            pause_seconds = AGAIN_SECONDS[min(failures, len(AGAIN_SECONDS) - 1)]
            try:
                if not version:
                    version = await self._read(name)
                if version:
                    version = await self._watch(name, version)
                    failures = 0
                    continue
            except Expired:
                version = ""
            except Forbidden as error:
                self._tell_refused(name, error)
                version, pause_seconds = "", UNWATCHED_SECONDS[self._urgent[name]]
            except ClusterError as error:
                logger.debug("watch of our node is lost: %s", error)
            except Exception:
                logger.exception("the watch of our node failed in the handler itself; it begins anew")
                version = ""
            failures += 1
            await asyncio.sleep(pause_seconds)

    async def _watch(self, name: str, version: str) -> str:
        """Watch until there was no news for long, then return an empty version, so that the Node is read."""
        async with aclosing(self._cluster.watch_nodes(version, name=name)) as changes:
            while True:
                try:
                    async with asyncio.timeout(SILENCE_SECONDS[self._urgent[name]]):
                        change = await anext(changes, None)
                except TimeoutError:
                    return ""
                if change is None:
                    return ""
                self._hear(name, change)

    def _hear(self, name: str, change: NodeChange) -> None:
        """Report a change, unless it is known already: a watch that is begun anew repeats some."""
        known = self._known.get(name)
        if isinstance(change, NodeGone):
            if known is None or known.uid == change.uid:
                self._known.pop(name, None)
                self._news(name, None)
            return
        if known is not None and version_of(change.node) <= version_of(known):
            return
        if known is not None and known.uid != change.node.uid:
            self._news(name, None)
        self._known[name] = change.node
        self._news(name, change.node)

    async def _read(self, name: str) -> str:
        """Read the Node and return its version; empty if there is none."""
        try:
            node = await self._cluster.read_node(name)
        except Missing:
            if (known := self._known.get(name)) is not None:
                self._hear(name, NodeGone(name, known.uid))
            return ""
        self._hear(name, NodeSeen(node))
        return node.resource_version

    def _tell_refused(self, name: str, error: Forbidden) -> None:
        """Log it, once."""
        if not self._told_refused:
            self._told_refused = True
            text = "Our node may not be watched; it is read every %.0f s while it goes away"
            fields = {"error": str(error), "node": name}
            logger.warning(text, UNWATCHED_SECONDS[True], extra={"fields": fields})
