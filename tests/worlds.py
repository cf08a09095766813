"""The handler in a simulated world: one small fleet, one doomed node, and processes on it that can die.

Everything but the world is real: settings, source, engine, sessions. Two minutes take milliseconds.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import TypeVar

from nth.core.facts import (
    Budget,
    Controller,
    Node,
    NodeChange,
    NodeList,
    NodePatch,
    Pod,
    PodChange,
    PodCondition,
    PodList,
    PodRef,
    PodScope,
    Wanted,
)
from nth.core.node.node_annotation import NodeRecord, record_of
from nth.core.node.session import SessionRules
from nth.core.reports import Report, Told
from nth.engine.dry_run import DryRun
from nth.engine.engine import Engine
from nth.errors import ClusterError, Unreachable
from nth.metadata_mode.mode import MetadataMode, ModeRules, NoticeTaker, World
from nth.ports import Cluster
from nth.settings import Settings, read_settings
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cloud import InstanceSpec, SimulatedCloud
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.connection import Connection, Fault, Link, Request, no_fault
from nth.simulation.objects import MachineSpec, PodTemplate, WorkloadSpec
from nth.wiring.rules import mode_rules, session_rules

T = TypeVar("T")
R = TypeVar("R", bound=Report)

VICTIM = "one"
LATENCY_SECONDS = 0.005
HANDED_IN_SECONDS = LATENCY_SECONDS / 2 + 0.0005
"""After the server has acted, until the client has the answer and has made something of it."""
OWN_POD = ("kube-system", "nth")


class Process:
    """A handler on the doomed node, as one process: it can be stopped, and it can be killed."""

    def __init__(
        self,
        stage: "Stage",
        *,
        before: Fault = no_fault,
        after: Fault = no_fault,
        booted_at: float | None = None,
        may_delete: bool = True,
        latency_seconds: Callable[[Request], float] = lambda request: LATENCY_SECONDS,
        around: Callable[[Cluster], Cluster] = lambda cluster: cluster,
        tell: Callable[[Told], None] = lambda told: None,
    ) -> None:
        self.told: list[Told] = []
        self.dead = False
        self._listener = tell
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        link = Link(
            latency_seconds=latency_seconds,
            before=lambda request: Unreachable("killed") if self.dead else before(request),
            after=after,
        )
        self.connection = stage.cluster.connect(link, may_delete=may_delete)
        world = World(
            cluster=around(self.connection),
            metadata=stage.cloud,
            clock=stage.clock,
            jitter=lambda: 0.5,
            booted_at=booted_at,
        )
        self.mode = MetadataMode(world, stage.mode_rules, self._taker(stage, world))

    def _taker(self, stage: "Stage", world: World) -> NoticeTaker:
        if stage.settings.dry_run:
            return DryRun(world.cluster, world.clock, stage.session_rules, tell=self._hear)
        return Engine(
            world.cluster,
            world.clock,
            stage.session_rules,
            tell=self._hear,
            new_session_id=stage.new_session_id,
            cached_lists=stage.settings.use_apiserver_cache,
        )

    def _hear(self, told: Told) -> None:
        self.told.append(told)
        self._listener(told)

    def start(self) -> "Process":
        self._task = asyncio.create_task(self.mode.run(self._stop, ping=False), name="process")
        return self

    def die(self) -> None:
        """kill -9: from now on nothing of it reaches the server."""
        self.dead = True
        assert self._task is not None
        self._task.cancel()

    async def killed(self) -> None:
        """Until it is dead and gone."""
        assert self._task is not None
        await asyncio.wait([self._task])

    def terminate(self) -> None:
        """SIGTERM."""
        self._stop.set()

    async def ended(self) -> None:
        """Until it has ended by itself; raises what it ended with."""
        assert self._task is not None
        await self._task

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    def reports(self, kind: type[R]) -> list[R]:
        return [told.report for told in self.told if isinstance(told.report, kind)]

    @property
    def story(self) -> list[str]:
        """The names of all reports, in order, those that follow a like one left out."""
        names = [type(told.report).__name__ for told in self.told]
        return [name for name, last in zip(names, ["", *names], strict=False) if name != last]


@dataclass
class Stage:
    """The world of one test. All pods begin on the doomed node; two others are free."""

    clock: VirtualClock
    settings: Settings
    cluster: SimulatedCluster
    cloud: SimulatedCloud
    evicted: Counter[str] = field(default_factory=Counter)
    """How often an eviction of the pod of that name was accepted."""
    processes: list[Process] = field(default_factory=list)
    sessions: int = 0

    @property
    def session_rules(self) -> SessionRules:
        return session_rules(self.settings)

    @property
    def mode_rules(self) -> ModeRules:
        return mode_rules(self.settings)

    @property
    def node(self) -> Node:
        return self.cluster.node(VICTIM)

    @property
    def record(self) -> NodeRecord | None:
        return record_of(self.node)

    @property
    def taints(self) -> dict[str, str]:
        """Effect by key."""
        return {taint.key: taint.effect for taint in self.node.taints}

    def is_cordoned(self) -> bool:
        return self.node.unschedulable

    def movable(self) -> tuple[Pod, ...]:
        """The pods on the doomed node that do not belong to it."""
        return tuple(pod for pod in self.cluster.pods_on(VICTIM) if pod.labels["app"] != "agent")

    def running_elsewhere(self) -> Counter[str]:
        """Ready pods by app on the other nodes, those of the DaemonSet left out."""
        return Counter(
            pod.labels["app"]
            for pod in self.cluster.pods
            if pod.ready and pod.node_name != VICTIM and pod.labels["app"] != "agent"
        )

    def new_session_id(self) -> str:
        self.sessions += 1
        return f"session-{self.sessions}"

    def process(
        self,
        *,
        before: Fault = no_fault,
        after: Fault = no_fault,
        booted_at: float | None = None,
        may_delete: bool = True,
        latency_seconds: Callable[[Request], float] = lambda request: LATENCY_SECONDS,
        around: Callable[[Cluster], Cluster] = lambda cluster: cluster,
        tell: Callable[[Told], None] = lambda told: None,
    ) -> Process:
        """A new process; it runs already."""

        def count(request: Request) -> ClusterError | None:
            if request.verb == "evict_pod":
                self.evicted[request.what] += 1
            return after(request)

        process = Process(
            self,
            before=before,
            after=count,
            booted_at=booted_at,
            may_delete=may_delete,
            latency_seconds=latency_seconds,
            around=around,
            tell=tell,
        )
        self.processes.append(process)
        return process.start()

    async def end(self) -> None:
        for process in self.processes:
            if process.running:
                process.die()
                await process.killed()


WORKLOADS = (
    WorkloadSpec(name="web", replicas=4),
    WorkloadSpec(
        name="db",
        kind="StatefulSet",
        replicas=2,
        template=PodTemplate(grace_seconds=20, attached_storage=True),
    ),
    WorkloadSpec(name="agent", kind="DaemonSet"),
)


def play(
    main: Callable[[Stage], Coroutine[object, object, T]],
    *flags: str,
    workloads: tuple[WorkloadSpec, ...] = WORKLOADS,
) -> T:
    """Run a story on a new stage with these flags; nothing of it is left running."""

    async def story(clock: VirtualClock) -> T:
        cluster = SimulatedCluster(clock)
        cluster.add_node(MachineSpec(name=VICTIM, instance_id="i-1"))
        for workload in workloads:
            cluster.add_workload(workload)
        await cluster.come_to_rest()
        for name, instance_id in (("two", "i-2"), ("three", "i-3")):
            cluster.add_node(MachineSpec(name=name, instance_id=instance_id))
        await cluster.come_to_rest()
        cloud = SimulatedCloud(
            clock,
            instance=InstanceSpec(instance_id="i-1"),
            power_off=lambda: cluster.kill_node(VICTIM),
        )
        settings = read_settings(["--node-name", VICTIM, *flags], {}).settings
        stage = Stage(clock, settings, cluster, cloud)
        try:
            return await main(stage)
        finally:
            await stage.end()

    return run(story)


def marks(node: Node) -> Node:
    """The node without what is never twice the same: versions, times and ids of sessions."""
    taints = tuple(sorted((replace(t, time_added=None) for t in node.taints), key=lambda taint: taint.key))
    labels = {key: value for key, value in node.labels.items() if not key.endswith("/action-time")}
    return replace(node, resource_version="", taints=taints, labels=labels, annotations={})


def record_facts(record: NodeRecord | None) -> object:
    """What a successor needs to know, without times and ids of sessions."""
    if record is None:
        return None
    events = tuple(seen.event for seen in record.events)
    labels = {key: value for key, value in record.marks.labels.items() if not key.endswith("/action-time")}
    return record.drained, events, record.finished, replace(record.marks, labels=labels)


def killer(stage: Stage, kill_at: int, delay_seconds: float | None) -> Fault:
    """Kills the last process when write number `kill_at` of all has reached the server.

    `delay_seconds` None: before the answer leaves the server; else so much later.
    """
    writes = 0

    def after(request: Request) -> ClusterError | None:
        nonlocal writes
        writes += request.writes
        if request.writes and writes == kill_at:
            if delay_seconds is None:
                stage.processes[-1].die()
            else:
                asyncio.get_running_loop().call_later(delay_seconds, stage.processes[-1].die)
        return None

    return after


class Passing:
    """A cluster that passes everything on; tests replace single verbs."""

    def __init__(self, inner: Cluster) -> None:
        self.inner = inner

    async def read_node(self, name: str) -> Node:
        return await self.inner.read_node(name)

    async def find_node(self, *, name: str, instance_id: str) -> Node:
        return await self.inner.find_node(name=name, instance_id=instance_id)

    async def patch_node(self, name: str, patch: NodePatch, *, deadline_at: float | None = None) -> Node:
        return await self.inner.patch_node(name, patch, deadline_at=deadline_at)

    async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
        return await self.inner.list_pods(scope, cached=cached)

    def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
        return self.inner.watch_pods(scope, resource_version)

    async def evict_pod(
        self, ref: PodRef, *, grace_seconds: int | None, deadline_at: float | None = None
    ) -> None:
        await self.inner.evict_pod(ref, grace_seconds=grace_seconds, deadline_at=deadline_at)

    async def delete_pod(self, ref: PodRef, *, grace_seconds: int, deadline_at: float | None = None) -> None:
        await self.inner.delete_pod(ref, grace_seconds=grace_seconds, deadline_at=deadline_at)

    async def mark_pod(
        self, ref: PodRef, condition: PodCondition, *, deadline_at: float | None = None
    ) -> None:
        await self.inner.mark_pod(ref, condition, deadline_at=deadline_at)

    async def list_nodes(self) -> NodeList:
        return await self.inner.list_nodes()

    def watch_nodes(self, resource_version: str, *, name: str = "") -> AsyncGenerator[NodeChange, None]:
        return self.inner.watch_nodes(resource_version, name=name)

    async def read_wanted(self, namespace: str, controller: Controller) -> Wanted | None:
        return await self.inner.read_wanted(namespace, controller)

    async def list_budgets(self, namespace: str) -> tuple[Budget, ...]:
        return await self.inner.list_budgets(namespace)


def lists(connection: Connection) -> list[Request]:
    return [request for request in connection.requests if request.verb == "list_pods"]
