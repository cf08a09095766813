"""Evicts our own pod last when the node that it runs on goes away, too.

Our sessions leave our own pod alone. When all of them are done, or when there is no more time, it is
evicted, so that its controller starts another one elsewhere.
"""

import asyncio
import logging
from collections.abc import Callable

from nth.core.backoff import Refusals
from nth.core.drain.pod_filter import own_pod_in
from nth.core.facts import Pod, PodScope
from nth.core.node.node_annotation import NodeRecord
from nth.ports import Clock, Cluster
from nth.queue_mode.outage_log import OutageLog

logger = logging.getLogger("nth.queue_mode.own_node")

LOOK_SECONDS = 0.5
RETRY_SECONDS = 5.0
OFTEN, LONGEST_SECONDS = 12, 60.0
"""After so many refusals it is tried ever less often, but each minute at least."""
RESERVE_SECONDS = 15.0
"""So long before the end of our node we leave unfinished work to others."""


class OwnNode:
    """Watches our node. `record` returns its record, if it has one; `idle`: no session has work under way."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        *,
        node_name: str,
        own_pod: tuple[str, str],
        record: Callable[[], NodeRecord | None],
        idle: Callable[[], bool],
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._node_name = node_name
        self._own_pod = own_pod
        self._record = record
        self._idle = idle
        self._refusals = Refusals(OFTEN, LONGEST_SECONDS)
        self._trouble = OutageLog(
            logger,
            clock,
            began="our own pod cannot be read or evicted, trying again",
            over="our own pod can be read and evicted again",
        )

    async def run(self) -> None:
        """Run until cancelled; our own eviction ends us from outside."""
        if not (self._node_name and all(self._own_pod)):
            return
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._must_go():
                await self._go()
                await asyncio.sleep(self._refusals.pause_seconds(RETRY_SECONDS))

    async def _go(self) -> None:
        verb = "list"
        try:
            pod = await self._read_own_pod()
            self._trouble.worked(verb)
            verb = "evict"
            if pod is not None:
                logger.info("Our own node goes away: our own pod goes last, and that is now")
                await self._cluster.evict_pod(pod.ref, grace_seconds=None)
            self._trouble.worked(verb)
            self._refusals.heard(None)
        except Exception as error:
            # Every error is caught: it is tried again, and other work is not to end for it.
            self._refusals.heard(error)
            self._trouble.failed(verb, error)

    def _must_go(self) -> bool:
        record = self._record()
        if record is None or not record.events:
            return False
        if record.drained and self._idle():
            return True
        if record.deadline_at is None:
            return False
        return self._clock.now() >= record.deadline_at - RESERVE_SECONDS

    async def _read_own_pod(self) -> Pod | None:
        listed = await self._cluster.list_pods(PodScope(node_name=self._node_name))
        pod = own_pod_in(listed.pods, self._own_pod)
        return pod if pod is not None and pod.deleting_until_at is None else None
