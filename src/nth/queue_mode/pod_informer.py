"""A cluster whose many watches of pods are one: `ports.Cluster` around another one.

A storm of forty nodes would be hundreds of watches. Here lists are requests as before, and every watch is
fed from a single one of all pods, which begins where the first list ends. Other requests pass unchanged.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from nth.core.facts import PodChange, PodList, PodScope
from nth.errors import ClusterError, Expired, Unreachable
from nth.ports import Cluster
from nth.queue_mode.outage_log import anew
from nth.queue_mode.pod_feed import PodFeed
from nth.queue_mode.pod_list_batching import JointLists
from nth.queue_mode.pod_scopes import ScopeRule, rule_of
from nth.queue_mode.wanted_reads import WantedReads

logger = logging.getLogger("nth.queue_mode")

LINGER_SECONDS = 10.0
"""How long the shared watch outlives its last subscriber: sessions come in bursts."""
PAUSE_SECONDS = 1.0
"""Between two starts of the shared watch, should each break at once."""
BURST_SECONDS = 0.1
"""Changes of pods elsewhere are gathered for so long: forty sessions may follow the same pods."""

ALL_PODS = PodScope()


class PodInformer:
    """`ports.Cluster`; without `run` beside its callers, each watch is one of its own."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._joint = JointLists(cluster)
        self._running = False
        self._feed: PodFeed | None = None
        self._begun = asyncio.Event()
        """Set while there is a feed."""
        self._first_list: asyncio.Event | None = None
        """Set when the list with which a feed begins has its answer; None while none is asked for."""
        self._limit: asyncio.Timeout | None = None
        # Requests that pass unchanged.
        self.read_node = cluster.read_node
        self.find_node = cluster.find_node
        self.list_nodes = cluster.list_nodes
        self.watch_nodes = cluster.watch_nodes
        self.patch_node = cluster.patch_node
        self.evict_pod = cluster.evict_pod
        self.delete_pod = cluster.delete_pod
        self.mark_pod = cluster.mark_pod
        self.read_wanted = WantedReads(cluster).read_wanted
        self.list_budgets = cluster.list_budgets

    async def run(self) -> None:
        """Keep the shared watch while it has subscribers; until cancelled."""
        loop = asyncio.get_running_loop()
        self._running = True
        try:
            while True:
                await self._begun.wait()
                next_start_at = loop.time() + PAUSE_SECONDS
                await self._keep_feed()
                await asyncio.sleep(next_start_at - loop.time())
        finally:
            self._running = False

    async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
        """Returns the list. All wait for the first list, or the shared watch would begin after theirs."""
        if self._feed is None and self._first_list is None:
            self._first_list = asyncio.Event()
            try:
                return await self._list(scope, cached)
            finally:
                self._first_list.set()
                self._first_list = None
        if self._feed is None and self._first_list is not None:
            await self._first_list.wait()
        return await self._list(scope, cached)

    def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
        """Returns the watch. Expired: also if the version is not that of the scope's last list."""
        rule = rule_of(scope)
        if rule is None or not self._running:
            return self._cluster.watch_pods(scope, resource_version)
        return self._watch_shared(scope, rule, resource_version)

    async def _list(self, scope: PodScope, cached: bool) -> PodList:
        rule = rule_of(scope)
        if rule is not None and (rule.label or rule.namespace) and not rule.node_name:
            found = await self._joint.list_pods(rule, cached=cached)
        else:
            found = await self._cluster.list_pods(scope, cached=cached)
        if self._feed is None:
            self._feed = PodFeed(int(found.resource_version))
            self._begun.set()
        self._feed.listed(scope, found)
        return found

    async def _watch_shared(
        self, scope: PodScope, rule: ScopeRule, resource_version: str
    ) -> AsyncGenerator[PodChange, None]:
        feed = self._feed
        if feed is None:
            raise Expired(f"there is no shared watch any more for version {resource_version}, list again")
        news: asyncio.Queue[PodChange | ClusterError] = asyncio.Queue()
        subscription = feed.subscribe(scope, rule, resource_version, news.put_nowait)
        self._count(feed)
        try:
            while True:
                heard = [await news.get()]
                if not scope.node_name:
                    await asyncio.sleep(BURST_SECONDS)
                for change in (*heard, *(news.get_nowait() for _ in range(news.qsize()))):
                    if isinstance(change, ClusterError):
                        raise anew(change)
                    yield change
        finally:
            feed.leave(subscription)
            self._count(feed)

    async def _keep_feed(self) -> None:
        """Keep a feed from its begin to its end; its subscribers get the error that ended it."""
        feed = self._feed
        assert feed is not None  # it has begun
        ended: ClusterError = Unreachable("the shared watch of pods was stopped")
        try:
            await self._fill(feed)
        except ClusterError as error:
            ended = error
        except Exception as error:
            logger.exception("the shared watch of pods failed in the handler itself; it begins anew")
            ended = Unreachable(f"internal error: {error!r}")
        finally:
            self._feed = None
            self._begun.clear()
            feed.end(ended)

    async def _fill(self, feed: PodFeed) -> None:
        """Fill the feed until it has had no subscriber for a while; any `ClusterError`."""
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._limit = limit
                self._count(feed)
                async with aclosing(self._cluster.watch_pods(ALL_PODS, str(feed.anchor))) as changes:
                    async for change in changes:
                        feed.tell(change)
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            self._limit = None

    def _count(self, feed: PodFeed) -> None:
        """Let it end some time after the last subscriber has left."""
        if feed is self._feed and self._limit is not None and not self._limit.expired():
            loop = asyncio.get_running_loop()
            self._limit.reschedule(None if feed.subscriptions else loop.time() + LINGER_SECONDS)
