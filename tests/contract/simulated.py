"""The simulation as a `Bed`, in virtual time. It adds nothing: each verb is one of the simulation's own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping

from nth.core.facts import Lease, Node, NodePatch, Pod, PodRef
from nth.ports import Clock, Cluster, Leases
from nth.simulation import objects
from nth.simulation.admission import AdmissionSpec
from nth.simulation.clock import run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.connection import Link
from tests.contract.bed import Bed, BudgetSpec, Guard, NodeSpec, Workload

Scenario = Callable[[Bed, Cluster], Coroutine[object, object, None]]
Play = Callable[[Scenario], None]
"""Runs a scenario to its end on one kind of cluster, in the loop that this kind needs."""

NAMESPACE = "contract"
POLL_SECONDS = 0.05
FINISHES_SECONDS = 0.1


class SimulatedBed:
    """A cluster in memory. `simulation` is for what only a simulation can do."""

    def __init__(self, clock: Clock, link: Link | None = None) -> None:
        self.simulation = SimulatedCluster(clock)
        self._clock = clock
        self._link = link

    @property
    def namespace(self) -> str:
        return NAMESPACE

    def now(self) -> float:
        return self._clock.now()

    @contextlib.asynccontextmanager
    async def cluster(self, *, may_delete: bool = True) -> AsyncIterator[Cluster]:
        yield self.simulation.connect(self._link, may_delete=may_delete)

    @contextlib.asynccontextmanager
    async def dry_run(self) -> AsyncIterator[Cluster]:
        yield self.simulation.connect(self._link, may_read_controllers=False)

    @contextlib.asynccontextmanager
    async def fleet(self) -> AsyncIterator[tuple[Cluster, Leases]]:
        connection = self.simulation.connect(self._link)
        yield connection, self.simulation.leases_through(connection)

    async def add_foreign_lease(self, name: str) -> None:
        lease = Lease(name=name, holder="somebody", duration_seconds=9, renewed_at=self.now())
        self.simulation.add_foreign_lease(lease)

    async def add_node(self, spec: NodeSpec) -> Node:
        return self.simulation.add_node(
            objects.MachineSpec(
                name=spec.name,
                instance_id=spec.instance_id,
                zone=spec.zone,
                cpu_millis=spec.cpu_millis,
                hostname=spec.hostname,
                labels=spec.labels,
                annotations=spec.annotations,
                taints=spec.taints,
            )
        )

    async def remove_node(self, name: str) -> None:
        self.simulation.remove_node(name)

    async def node(self, name: str) -> Node:
        return self.simulation.node(name)

    async def change_node(self, name: str, body: Mapping[str, object]) -> Node:
        return self.simulation.change_node(name, NodePatch(body))

    async def set_ready(self, name: str, ready: bool) -> Node:
        return self.simulation.set_ready(name, ready)

    async def forget_history(self) -> None:
        self.simulation.forget_history()

    async def run(self, workload: Workload) -> None:
        self.simulation.add_workload(_spec(workload))

    async def scale(self, name: str, replicas: int) -> None:
        self.simulation.scale(name, replicas, namespace=NAMESPACE)

    async def roll_out(self, name: str) -> None:
        self.simulation.roll_out(name, namespace=NAMESPACE)

    async def delete(self, name: str) -> None:
        self.simulation.delete_workload(name, namespace=NAMESPACE)

    async def set_budget(self, spec: BudgetSpec) -> None:
        self.simulation.set_budget(
            objects.BudgetSpec(
                name=spec.name,
                namespace=NAMESPACE,
                match_labels=spec.match_labels,
                min_available=spec.min_available,
                max_unavailable=spec.max_unavailable,
            )
        )

    async def set_guard(self, guard: Guard | None) -> None:
        spec = None
        if guard is not None:
            spec = AdmissionSpec(
                name=guard.name,
                resources=guard.resources,
                kind=guard.kind,
                message=guard.message,
                reachable=guard.reachable,
            )
        self.simulation.set_admission(spec)

    async def pods(self, app: str = "") -> tuple[Pod, ...]:
        pods = self.simulation.pods_of(app) if app else self.simulation.pods
        return tuple(sorted(pods, key=lambda pod: pod.ref.name))

    async def pods_on(self, node_name: str) -> tuple[Pod, ...]:
        return tuple(sorted(self.simulation.pods_on(node_name), key=lambda pod: pod.ref.name))

    async def delete_pod(self, ref: PodRef, *, grace_seconds: int | None = None) -> None:
        self.simulation.delete_pod(ref, grace_seconds=grace_seconds)

    async def drop_finalizers(self, ref: PodRef) -> None:
        self.simulation.drop_finalizers(ref)

    async def wait_ready(self, app: str, count: int, *, timeout_seconds: float = 20.0) -> tuple[Pod, ...]:
        async def ready() -> bool:
            pods = await self.pods(app)
            return len(pods) == count and all(p.ready and p.deleting_until_at is None for p in pods)

        await self.wait_until(ready, timeout_seconds=timeout_seconds)
        return await self.pods(app)

    async def wait_until(
        self, condition: Callable[[], Awaitable[bool]], *, timeout_seconds: float = 20.0
    ) -> None:
        end_at = self.now() + timeout_seconds
        while not await condition():
            assert self.now() < end_at, f"not true within {timeout_seconds} s: {self.simulation.pods}"
            await asyncio.sleep(POLL_SECONDS)


def _spec(workload: Workload) -> objects.WorkloadSpec:
    template = objects.PodTemplate(
        labels=workload.labels,
        annotations=workload.annotations,
        cpu_millis=workload.cpu_millis,
        node_selector=workload.node_selector,
        node_name=workload.node_name,
        grace_seconds=workload.grace_seconds,
        priority_class=workload.priority_class,
        local_storage=workload.local_storage,
        attached_storage=workload.attached_storage,
        finalizers=workload.finalizers,
        ready_seconds=workload.ready_after_seconds,
        stop_seconds=workload.stops_after_seconds,
        finishes_seconds=FINISHES_SECONDS if workload.finishes else None,
        exit_code=workload.exit_code,
    )
    return objects.WorkloadSpec(
        name=workload.name,
        kind=workload.kind,
        namespace=NAMESPACE,
        replicas=workload.replicas,
        template=template,
        backoff_limit=workload.backoff_limit,
        on_delete=workload.on_delete,
        spares_disrupted=workload.spares_disrupted,
    )


def play_simulated(scenario: Scenario) -> None:
    """In virtual time."""
    run(lambda clock: play_on(SimulatedBed(clock), scenario))


async def play_on(bed: Bed, scenario: Scenario) -> None:
    """With the handler's rights."""
    async with bed.cluster() as cluster:
        await scenario(bed, cluster)
