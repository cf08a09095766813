"""Metadata mode: one node, its metadata service, and its life from start to shutdown.

The outside comes in as ports, so the demo runs the same with a simulated world.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from nth.core.backoff import Refusals
from nth.core.drain.pod_filter import grace_left_seconds, own_pod_in
from nth.core.facts import Node, Pod, PodScope
from nth.core.notices.events import Event, Notice
from nth.core.notices.imds import InstanceMetadata
from nth.core.reports import MonitorFailed, Told
from nth.core.times import is_old
from nth.errors import ClusterError, Missing
from nth.metadata_mode.imds_source import ImdsSource
from nth.metadata_mode.instance import read_instance_metadata
from nth.ports import Clock, Cluster, MetadataService
from nth.report.metrics.figures import MonitorFigures

logger = logging.getLogger("nth.metadata_mode")

FIND_NODE_SECONDS = (0.5, 1.0, 2.0, 5.0)
"""Pauses before the node is looked for again, the last one for ever; or longer ones while it is refused."""
OFTEN = 60
"""So many refusals are usual: a Node may be registered minutes after its machine has booted."""
LONGEST_SECONDS = 60.0
PING_SECONDS = 60.0
STUCK_AFTER_SECONDS = 60.0
"""A source that has asked nothing for this long hangs."""
LEAVE_SECONDS = 2.0
"""Before the grace ends, the process has to be gone by itself."""


class NoticeTaker(Protocol):
    """The engine, or the dry run in its place."""

    @property
    def phases(self) -> Mapping[str, int]: ...

    def adopt(self, node: Node, booted_at: float | None) -> tuple[str, ...]: ...

    def notice(self, node_name: str, notice: Notice) -> None: ...

    async def run(self) -> None: ...

    async def wind_down(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything outside of the mode."""

    cluster: Cluster
    metadata: MetadataService
    clock: Clock
    jitter: Callable[[], float]
    """Numbers in [0, 1)."""
    booted_at: float | None
    """The machine's last boot; None if that cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRules:
    """The settings about the mode."""

    node_name: str
    own_pod: tuple[str, str]
    """(namespace, name), empty where not known."""
    monitors: Collection[type[Event]]
    poll_interval_seconds: float
    shutdown_grace_seconds: float | None
    """The longest that a drain goes on after SIGTERM; None = as long as our own pod's grace allows."""


class MetadataMode:
    """One node's handler."""

    def __init__(
        self,
        world: World,
        rules: ModeRules,
        taker: NoticeTaker,
        *,
        tell: Callable[[Told], None] = lambda _: None,
    ) -> None:
        """`tell` takes reports of failing monitors; those of sessions go through `taker`."""
        self._tell = tell
        self._world = world
        self._rules = rules
        self._taker = taker
        self._source: ImdsSource | None = None
        self._node: Node | None = None
        self._instance = InstanceMetadata()
        self._api_answered_at: float | None = None
        self._polls = (0, world.clock.now())

    async def run(self, stop: asyncio.Event, *, ping: bool) -> None:
        """Run until `stop` is set and sessions under way have finished, or their time is up.

        `ping`: ask the API server now and then, so that readiness knows of it.
        """
        async with asyncio.TaskGroup() as tasks:
            engine = tasks.create_task(self._taker.run(), name="engine")
            hearing = [tasks.create_task(self._hear(), name="source")]
            if ping:
                hearing.append(tasks.create_task(self._ping(), name="ping"))
            await stop.wait()
            for task in hearing:
                task.cancel()
            await self._taker.wind_down(await self._grace_seconds())
            engine.cancel()

    async def _hear(self) -> None:
        """Find our node, go on from the record on it, and listen to the metadata service."""
        world, rules = self._world, self._rules
        self._instance = await read_instance_metadata(world.metadata)
        node = self._node = await self._find_node()
        open_event_ids = self._taker.adopt(node, world.booted_at)
        self._source = ImdsSource(
            world.metadata,
            world.clock,
            monitors=rules.monitors,
            interval_seconds=rules.poll_interval_seconds,
            jitter=world.jitter,
            # The name, which is always known: an id must be the same after a restart, also if the
            # metadata service was silent at one of the two starts.
            node_name=node.name,
            open_event_ids=open_event_ids,
            failing=self._failing,
        )
        await self._source.run(partial(self._taker.notice, node.name))

    def _failing(self, monitor: str, reason: str) -> None:
        report = MonitorFailed(monitor=monitor, reason=reason)
        node_name = self._node.name if self._node is not None else self._rules.node_name
        self._tell(Told(at=self._world.clock.now(), session_id="", node_name=node_name, report=report))

    async def _find_node(self) -> Node:
        told, refusals = "", Refusals(OFTEN, LONGEST_SECONDS)
        for attempt in itertools.count():
            try:
                name, instance_id = self._rules.node_name, self._instance.instance_id
                node = await self._world.cluster.find_node(name=name, instance_id=instance_id)
            except ClusterError as error:
                if str(error) != told:
                    logger.warning("Cannot find our node yet, trying again: %s", error)
                told = str(error)
                refusals.heard(error)
                usual_seconds = FIND_NODE_SECONDS[min(attempt, len(FIND_NODE_SECONDS) - 1)]
                await asyncio.sleep(refusals.pause_seconds(usual_seconds))
                if isinstance(error, Missing) and not self._instance.instance_id:
                    self._instance = await read_instance_metadata(self._world.metadata)
            else:
                self._api_answered_at = self._world.clock.now()
                return node
        raise AssertionError("unreachable")

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            if self._node is not None:
                try:
                    await self._world.cluster.read_node(self._node.name)
                    self._api_answered_at = self._world.clock.now()
                except ClusterError as error:
                    logger.debug("ping: %s", error)

    async def _grace_seconds(self) -> float:
        """Returns the time left until our own pod is killed, if that can be read."""
        if self._rules.shutdown_grace_seconds is not None:
            return self._rules.shutdown_grace_seconds
        left_seconds = grace_left_seconds(await self._own_pod(), self._world.clock.now())
        return max(0.0, left_seconds - LEAVE_SECONDS)

    async def _own_pod(self) -> Pod | None:
        if self._node is None:
            return None
        try:
            listed = await self._world.cluster.list_pods(PodScope(node_name=self._node.name))
        except ClusterError as error:
            logger.warning("Cannot read our own pod, assuming the default grace: %s", error)
            return None
        return own_pod_in(listed.pods, self._rules.own_pod)

    def phases(self) -> Mapping[str, int]:
        """Returns the number of sessions in each phase."""
        return self._taker.phases

    def monitors(self) -> tuple[MonitorFigures, ...]:
        """Returns the counts of the documents' monitors; empty before our node is found."""
        return () if self._source is None else self._source.statistics()

    def known(self, node_name: str) -> tuple[Node | None, InstanceMetadata]:
        """Returns our node as it was found, and the metadata service's description of its machine."""
        ours = self._node is not None and self._node.name == node_name
        return (self._node, self._instance) if ours else (None, InstanceMetadata())

    def group(self, _node_name: str) -> tuple[str, bool]:
        """Returns nothing: the metadata service names neither a group nor tags."""
        return "", False

    def is_alive(self) -> list[str]:
        """Returns the parts that hang: none, as long as the source keeps asking."""
        if self._source is None:
            return []
        polls = sum(monitor.answers + monitor.failures for monitor in self._source.statistics())
        now = self._world.clock.now()
        if polls != self._polls[0] or not self._rules.monitors:
            self._polls = (polls, now)
        silent_seconds = now - self._polls[1]
        if silent_seconds < STUCK_AFTER_SECONDS:
            return []
        return [f"the metadata service has not been asked for {silent_seconds:.0f} s"]

    def is_ready(self) -> list[str]:
        """Returns the parts that have not answered lately."""
        now, problems = self._world.clock.now(), []
        if is_old(self._api_answered_at, now):
            problems.append("the Kubernetes API server does not answer")
        asked = self._source is not None and bool(self._rules.monitors)
        if self._source is None or (asked and is_old(self._source.last_answer_at, now)):
            problems.append("the metadata service does not answer")
        return problems
