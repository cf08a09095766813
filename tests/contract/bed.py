"""What a test may do to a cluster: the same verbs for the real control plane and for the simulation.

A person with full rights, and the machines themselves; never the handler, which gets a
`Cluster` from `Bed.cluster`. Knows neither implementation (`testbed.bed`, `nth.simulation`).

Every test begins with an empty cluster: no node, no pod, no budget. Names are the test's own.
Pods go to any node that has room and that selectors and taints permit; a test that wants them
on one node first adds only that node, waits for its pods, and then adds the others.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from nth.core.facts import Node, Pod, PodRef, Taint
from nth.ports import Cluster, Leases

Kind = Literal["Deployment", "StatefulSet", "DaemonSet", "Job", "Pod", "Mirror"]
"""`Pod`: without a controller. `Mirror`: a static pod's mirror, owned by its Node."""


Resource = Literal["pods/eviction", "pods", "nodes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """A machine that joins. Its labels kubernetes.io/hostname and topology.kubernetes.io/zone are set too."""

    name: str
    instance_id: str = "i-0123456789abcdef0"
    """Becomes spec.providerID `aws:///<zone>/<instance_id>`; empty = no provider id."""
    zone: str = "eu-west-1a"
    cpu_millis: int = 16_000
    hostname: str = ""
    """The label kubernetes.io/hostname; empty = the node's name."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Pods, with the label `app=<name>`, and what controls them."""

    name: str
    kind: Kind = "Deployment"
    replicas: int = 1
    """Without meaning for DaemonSet, Pod and Mirror."""
    cpu_millis: int = 100
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of the pods; also part of what the controller and nobody else selects by."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    node_name: str = ""
    """Past the scheduler; for Pod, and needed for Mirror."""
    grace_seconds: int = 30
    priority_class: str = ""
    local_storage: bool = False
    """An emptyDir volume."""
    attached_storage: bool = False
    """A CSI volume."""
    finalizers: tuple[str, ...] = ()
    ready_after_seconds: float = 1.5
    """From placed to Ready; `inf` = never."""
    stops_after_seconds: tuple[float, float] = (3.0, 6.0)
    """Between these two, at random, from the deletion on; never longer than the grace."""
    finishes: bool = False
    """It ends by itself soon after it is Ready, instead of running on."""
    exit_code: int = 0
    """Of its containers when they end by themselves, or stop in time when they are told to."""
    backoff_limit: int = 6
    """Of a Job: if more of its pods fail, it has failed for good."""
    on_delete: bool = False
    """Of a StatefulSet: its `updateStrategy` is OnDelete, so that a rollout deletes no pod."""
    spares_disrupted: bool = False
    """Of a Job: its `podFailurePolicy` ignores pods with the condition DisruptionTarget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSpec:
    """A PodDisruptionBudget; exactly one of the two numbers."""

    name: str
    match_labels: Mapping[str, str]
    min_available: int | None = None
    max_unavailable: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """An admission webhook or policy that refuses requests of the handler, and of nobody else."""

    name: str
    resources: frozenset[Resource] = frozenset({"pods/eviction"})
    kind: Literal["webhook", "policy"] = "webhook"
    code: int = 0
    """Of a webhook's denial; 0 = it names none."""
    message: str = ""
    reachable: bool = True
    """False: a webhook that does not answer."""


class Bed(Protocol):
    """A cluster to try things on."""

    @property
    def namespace(self) -> str:
        """Where workloads and budgets of this test are; no other test uses it."""
        ...

    def now(self) -> float:
        """Seconds since the epoch, UTC, on this cluster's clock."""
        ...

    def cluster(self, *, may_delete: bool = True) -> AbstractAsyncContextManager[Cluster]:
        """A connection with the handler's rights; without `may_delete` it cannot pass over a budget."""
        ...

    def dry_run(self) -> AbstractAsyncContextManager[Cluster]:
        """A connection with the rights of a dry run: it reads, budgets too, and changes nothing."""
        ...

    def fleet(self) -> AbstractAsyncContextManager[tuple[Cluster, Leases]]:
        """A connection with the rights of queue mode, and the replicas' Leases through the same."""
        ...

    async def add_foreign_lease(self, name: str) -> None:
        """A Lease in the handler's namespace without the label of its replicas."""
        ...

    async def add_node(self, spec: NodeSpec) -> Node:
        """Returns when the node is Ready."""
        ...

    async def remove_node(self, name: str) -> None:
        """The machine and its Node are gone at once, and its pods with it."""
        ...

    async def node(self, name: str) -> Node:
        """As it is now; `Missing` if there is none."""
        ...

    async def change_node(self, name: str, body: Mapping[str, object]) -> Node:
        """What a person does with kubectl: a JSON merge patch without a resource version."""
        ...

    async def set_ready(self, name: str, ready: bool) -> Node:
        """What its kubelet says of the node; returns when it is so."""
        ...

    async def forget_history(self) -> None:
        """A watch from what is now an older resource version is Expired; connections may break."""
        ...

    async def run(self, workload: Workload) -> None:
        """Create it; does not wait for its pods."""
        ...

    async def scale(self, name: str, replicas: int) -> None:
        """Of a Deployment or a StatefulSet."""
        ...

    async def roll_out(self, name: str) -> None:
        """Change the template of a Deployment or a StatefulSet, as `kubectl rollout restart` does."""
        ...

    async def delete(self, name: str) -> None:
        """Delete the workload; its controllers and pods go with it, a moment later."""
        ...

    async def set_budget(self, spec: BudgetSpec) -> None:
        """Create or replace; returns when its controller has counted."""
        ...

    async def set_guard(self, guard: Guard | None) -> None:
        """Create or replace it, or take it away; returns when it is in force.

        There is a pod in this test's namespace and a node, which are left as they are.
        """
        ...

    async def pods(self, app: str = "") -> tuple[Pod, ...]:
        """The pods of this test's namespace, or of one workload; by name."""
        ...

    async def pods_on(self, node_name: str) -> tuple[Pod, ...]:
        """The pods that are bound to that node, of any namespace; by name."""
        ...

    async def delete_pod(self, ref: PodRef, *, grace_seconds: int | None = None) -> None:
        """What a person does with kubectl; None = the pod's own grace.

        A second deletion can only shorten the grace. The server counts it from the first one, and
        makes it 1 s if that moment is over; the kubelet counts it anew from when it hears of it.
        """
        ...

    async def drop_finalizers(self, ref: PodRef) -> None:
        """So that a pod that has stopped can go."""
        ...

    async def wait_ready(self, app: str, count: int, *, timeout_seconds: float = 20.0) -> tuple[Pod, ...]:
        """Until exactly `count` pods of the workload are Ready and none of them is being deleted."""
        ...

    async def wait_until(
        self, condition: Callable[[], Awaitable[bool]], *, timeout_seconds: float = 20.0
    ) -> None:
        """Ask again and again until it is true; AssertionError when the time is over."""
        ...
