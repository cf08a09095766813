"""A Kubernetes cluster in memory: the acts of people and machines, and their visible results.

Clients talk to it through `connect`, which gives a `ports.Cluster`. Controllers, scheduler and
kubelets react to every change a moment later, by one timer of the event loop: when nothing
changes, nothing runs. It must be made inside the loop it is to live in (`clock.run`).
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from math import isfinite

from nth.core.facts import Lease, Node, NodePatch, Pod, PodRef
from nth.errors import Missing
from nth.ports import Clock
from nth.simulation import deletion
from nth.simulation.admission import AdmissionSpec
from nth.simulation.connection import Connection, Link, Outage
from nth.simulation.controllers import create_pod, run_controllers, workload_controller
from nth.simulation.eviction import count_budgets
from nth.simulation.kubelet import Kubelet
from nth.simulation.leases import SimulatedLeases
from nth.simulation.node_controller import mark_silent, run_node_controllers
from nth.simulation.node_documents import patched
from nth.simulation.objects import (
    HOSTNAME_LABEL,
    ZONE_LABEL,
    BudgetObject,
    BudgetSpec,
    LeaseObject,
    MachineSpec,
    NodeObject,
    WorkloadObject,
    WorkloadSpec,
)
from nth.simulation.scheduler import place
from nth.simulation.store import Store, suffix_of

REACTION_SECONDS = 0.02
"""The time from a change until controllers, scheduler and kubelets have seen it."""
SILENCE_SECONDS = 50.0
"""The time from a power cut until the node is unreachable (--node-monitor-grace-period's default)."""
POLL_SECONDS = 0.05


class SimulatedCluster:
    """The whole cluster, with full rights."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._store = Store(self._stir)
        self._kubelets: dict[str, Kubelet] = {}
        self._outage = Outage()
        self._timer: asyncio.TimerHandle | None = None
        self._revisions = 0
        self._lost: list[Pod] = []

    def connect(
        self,
        link: Link | None = None,
        *,
        may_delete: bool = True,
        may_mark: bool | None = None,
        may_read_controllers: bool = True,
    ) -> Connection:
        """Returns a client's view; without `may_delete` it has no right to pass over a budget.

        `may_mark`: to set conditions of pods; None = as `may_delete`, with which the chart gives it.
        `may_read_controllers`: to read how many pods they want.
        """
        return Connection(
            self._store,
            self._clock,
            self._outage,
            link or Link(),
            may_delete=may_delete,
            may_mark=may_delete if may_mark is None else may_mark,
            may_read_controllers=may_read_controllers,
        )

    def leases_through(self, connection: Connection) -> SimulatedLeases:
        """Returns the same client's view of the handler's Leases."""
        return SimulatedLeases(self._store, connection)

    # Results

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(node.fact for node in self._store.nodes.values())

    @property
    def pods(self) -> tuple[Pod, ...]:
        """All pods, oldest first: where each is, its phase, whether it is Ready or being deleted."""
        return tuple(pod.fact for pod in self._store.pods.values())

    @property
    def budgets(self) -> tuple[BudgetObject, ...]:
        return tuple(self._store.budgets.values())

    @property
    def lost(self) -> tuple[Pod, ...]:
        """The pods that a power cut stopped; not those that belong to their machine (DaemonSet, mirror)."""
        return tuple(self._lost)

    @property
    def dead(self) -> frozenset[str]:
        """The names of the nodes whose machine has no power."""
        return frozenset(self._store.nodes.keys() - self._kubelets.keys())

    def node(self, name: str) -> Node:
        """Returns the node; Missing if there is none."""
        return self._node(name).fact

    def pods_of(self, app: str, *, namespace: str = "") -> tuple[Pod, ...]:
        """Returns the pods with the label `app=<app>`; an empty namespace means all."""
        return tuple(
            pod for pod in self.pods if pod.labels.get("app") == app and namespace in ("", pod.ref.namespace)
        )

    def pods_on(self, node_name: str) -> tuple[Pod, ...]:
        return tuple(pod for pod in self.pods if pod.node_name == node_name)

    # Acts of a person

    def add_node(self, spec: MachineSpec) -> Node:
        """Let a machine join as a Ready node."""
        fact = replace(
            self._registered(spec),
            annotations=dict(spec.annotations),
            cordoned_by=(),
            created_at=float(int(self._clock.now())),
        )
        self._kubelets[spec.name] = Kubelet(self._store, self._clock)
        return self._store.put_node(NodeObject(fact, spec)).fact

    def remove_node(self, name: str) -> None:
        """Take the machine, its Node and its pods away at once."""
        node = self._node(name)
        self._cut_power(name)
        self._store.remove_node(node.name)
        for pod in self._store.pods_by_node().get(name, ()):
            deletion.remove_pod(self._store, pod, self._clock.now())

    def register_anew(self, name: str) -> Node:
        """Delete the Node and let its kubelet register it once more: its pods run on."""
        node = self._node(name)
        self._store.remove_node(name)
        return self._store.put_node(NodeObject(self._registered(node.machine), node.machine)).fact

    def _registered(self, spec: MachineSpec) -> Node:
        return Node(
            name=spec.name,
            uid=self._store.new_uid(),
            resource_version="",
            taints=spec.taints,
            labels={HOSTNAME_LABEL: spec.hostname or spec.name, ZONE_LABEL: spec.zone, **spec.labels},
            provider_id=f"aws:///{spec.zone}/{spec.instance_id}" if spec.instance_id else "",
            ready=True,
        )

    def change_node(self, name: str, patch: NodePatch, *, manager: str = "kubectl") -> Node:
        """Patch a Node as a person with kubectl does, with a resource version or without."""
        node = self._node(name)
        return self._store.change_node(node, patched(node.fact, patch.body, manager)).fact

    def set_ready(self, name: str, ready: bool) -> Node:
        """Let the kubelet report the node Ready or not; its pods stay as they are."""
        node = self._node(name)
        return self._store.change_node(node, replace(node.fact, ready=ready)).fact

    def set_lease_namespace(self, *, there: bool) -> None:
        """Let the namespace of the handler's leases be (or not be) in this cluster."""
        self._store.has_lease_namespace = there

    def add_foreign_lease(self, lease: Lease) -> None:
        """Add another program's lease to the handler's namespace."""
        self._store.put_lease(LeaseObject(lease, ours=False))

    def add_workload(self, spec: WorkloadSpec) -> None:
        """Create it, or change it if it is there: its next pods follow the new template."""
        old = self._store.workloads.get((spec.namespace, spec.name))
        if old is not None:
            self._store.put_workload(replace(old, spec=spec))
            return
        revision = self._new_revision()
        controller = workload_controller(self._store, spec.kind, spec.name, revision)
        workload = WorkloadObject(spec, controller, revision)
        if spec.kind == "Pod":
            create_pod(self._store, workload, spec.name, self._clock.now())
        else:
            self._store.put_workload(workload)

    def _new_revision(self) -> str:
        self._revisions += 1
        return suffix_of(self._revisions * 6_364_136_223_847, 10)

    def scale(self, name: str, replicas: int, *, namespace: str = "default") -> None:
        """Scale a Deployment, a StatefulSet or a Job."""
        workload = self._store.workloads[namespace, name]
        self._store.put_workload(replace(workload, spec=replace(workload.spec, replicas=replicas)))

    def delete_workload(self, name: str, *, namespace: str = "default") -> None:
        """Delete it; its pods go with it."""
        workload = self._store.workloads[namespace, name]
        self._store.remove_workload(workload)
        for pod in self._store.pods_by_workload().get(workload.key, ()):
            deletion.delete_pod(self._store, pod, None, self._clock.now())

    def roll_out(self, name: str, *, namespace: str = "default") -> None:
        """Change its template: a Deployment gets another ReplicaSet, and the next pods another revision."""
        workload = self._store.workloads[namespace, name]
        revision = self._new_revision()
        old, new = workload.controller, workload.controller
        if old is not None and workload.spec.kind == "Deployment":
            new = workload_controller(self._store, "Deployment", name, revision)
            workload = replace(workload, replaced=(*workload.replaced, old))
        self._store.put_workload(replace(workload, revision=revision, controller=new))

    def set_budget(self, spec: BudgetSpec) -> None:
        """Create or replace a budget; it is counted at once."""
        self._store.put_budget(BudgetObject(spec))
        count_budgets(self._store)

    def set_admission(self, spec: AdmissionSpec | None) -> None:
        """Let a webhook or a policy refuse requests of the handler; None = no more."""
        self._store.admission = spec

    def delete_pod(self, ref: PodRef, *, grace_seconds: int | None = None) -> None:
        """Delete a pod; None = the pod's own grace."""
        deletion.delete_pod(self._store, self._store.pod(ref), grace_seconds, self._clock.now())

    def drop_finalizers(self, ref: PodRef) -> None:
        """Drop a pod's finalizers, so that it can go when it has stopped."""
        deletion.drop_finalizers(self._store, self._store.pod(ref))

    async def wait_until(self, condition: Callable[[], bool], *, timeout_seconds: float = 60.0) -> None:
        """Wait for it; AssertionError if it has not become true in that time (of the loop)."""
        for _ in range(int(timeout_seconds / POLL_SECONDS) + 1):
            if condition():
                return
            await asyncio.sleep(POLL_SECONDS)
        raise AssertionError(f"not within {timeout_seconds:g} s; the pods: {self.pods}")

    async def come_to_rest(self, *, timeout_seconds: float = 60.0) -> None:
        """Wait until every pod is Ready or has finished, and every controller has its pods."""
        await asyncio.sleep(2 * REACTION_SECONDS)
        await self.wait_until(self._is_at_rest, timeout_seconds=timeout_seconds)

    def _is_at_rest(self) -> bool:
        # A controller's wish shows as a pod after one reaction, and each pod then becomes Ready.
        return self._timer is None and all(pod.ready or pod.finished for pod in self.pods)

    # Breakdowns

    def kill_node(self, name: str) -> None:
        """Cut the power: no pod there ever stops or starts again; the Node stays and falls silent."""
        self._cut_power(name)
        loop = asyncio.get_running_loop()
        loop.call_later(SILENCE_SECONDS, self._notice_silence, name, self._node(name).fact.uid)

    def set_outage(self, begin_at: float, end_at: float) -> None:
        """Take the API server down between these instants: it answers nothing, and all watches end."""
        self._outage.begin_at, self._outage.end_at = begin_at, end_at
        loop = asyncio.get_running_loop()
        loop.call_later(max(0.0, begin_at - self._clock.now()), self._store.wake_watches)

    def forget_history(self) -> None:
        """Compact, as etcd does: a watch from an earlier resource version is Expired."""
        self._store.forget_history()

    def _cut_power(self, name: str) -> None:
        kubelet = self._kubelets.pop(name, None)
        for ref in kubelet.die() if kubelet else ():
            try:
                pod = self._store.pod(ref).fact
            except Missing:
                continue
            if pod.phase == "Running" and not _belongs_to_machine(pod):
                self._lost.append(pod)

    def _notice_silence(self, name: str, uid: str) -> None:
        node = self._store.nodes.get(name)
        if node is not None and node.fact.uid == uid:
            mark_silent(self._store, node, self._clock.now())

    def _node(self, name: str) -> NodeObject:
        if name not in self._store.nodes:
            raise Missing(f'nodes "{name}" not found')
        return self._store.nodes[name]

    # The machinery

    def _stir(self) -> None:
        """React in a moment: something was written."""
        self._look_again_in(REACTION_SECONDS)

    def _look_again_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None and self._timer.when() <= loop.time() + seconds:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self._react)

    def _react(self) -> None:
        self._timer = None
        now, store = self._clock.now(), self._store
        next_at = run_node_controllers(store, now)
        run_controllers(store, now)
        self._schedule()
        by_node = store.pods_by_node()
        for name, kubelet in self._kubelets.items():
            kubelet.sync(by_node.get(name, ()))
        count_budgets(store)
        if isfinite(next_at):
            self._look_again_in(max(REACTION_SECONDS, next_at - now))

    def _schedule(self) -> None:
        for placement in place(self._store.pods.values(), self._store.nodes.values()):
            pod, node_name = placement.pod, placement.node_name
            fact = replace(pod.fact, node_name=node_name, pending_reason=placement.reason)
            self._store.change_pod(pod, fact)


def _belongs_to_machine(pod: Pod) -> bool:
    return pod.mirror or (pod.controller is not None and pod.controller.kind == "DaemonSet")
