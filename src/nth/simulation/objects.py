"""The simulated cluster's objects: as a person writes them (machines, workloads, budgets), and as stored.

Values only. A stored object wraps the fact that `ports.Cluster` gives away (`facts.Pod`,
`facts.Node`) and adds fields that only the machinery sees.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nth.core.facts import Controller, Lease, Node, Pod, PodRef, Taint

Kind = Literal["Deployment", "StatefulSet", "DaemonSet", "Job", "Pod", "Mirror"]
"""`Pod`: without a controller. `Mirror`: the mirror of a static pod, owned by its Node."""

NAMESPACE = "default"
HOSTNAME_LABEL = "kubernetes.io/hostname"
ZONE_LABEL = "topology.kubernetes.io/zone"
MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"
UNREACHABLE_TAINT = "node.kubernetes.io/unreachable"
OUT_OF_SERVICE_TAINT = "node.kubernetes.io/out-of-service"
JOB_FINALIZER = "batch.kubernetes.io/job-tracking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    """A toleration: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""

    key: str = ""
    """Empty = every taint."""
    effect: str = ""
    """Empty = every effect."""
    value: str | None = None
    """None = every value (operator Exists)."""
    seconds: float | None = None
    """How long a NoExecute taint is tolerated; None = for ever."""

    def covers(self, taint: Taint) -> bool:
        return (
            self.key in ("", taint.key)
            and self.effect in ("", taint.effect)
            and self.value in (None, taint.value)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSpec:
    """A machine that joins as a node. The labels for hostname and zone are set from it."""

    name: str
    instance_id: str = "i-0123456789abcdef0"
    """Becomes spec.providerID `aws:///<zone>/<instance_id>`; empty = no provider id."""
    zone: str = "eu-west-1a"
    cpu_millis: int = 16_000
    memory_mib: int = 64_000
    max_pods: int = 110
    hostname: str = ""
    """Empty = the node's name."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodTemplate:
    """The properties of a workload's pods."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    cpu_millis: int = 100
    memory_mib: int = 64
    node_selector: Mapping[str, str] = field(default_factory=dict)
    node_name: str = ""
    """Sets the node past the scheduler; for Pod, and needed for Mirror."""
    tolerations: tuple[Toleration, ...] = ()
    grace_seconds: int = 30
    priority_class: str = ""
    local_storage: bool = False
    """An emptyDir volume."""
    attached_storage: bool = False
    """A CSI volume."""
    finalizers: tuple[str, ...] = ()
    ready_seconds: float = 1.5
    """The time from placed to Ready; `inf` = never."""
    stop_seconds: tuple[float, float] = (3.0, 6.0)
    """Each pod has its own between these two, from the deletion on; never longer than its grace."""
    finishes_seconds: float | None = None
    """The time after Ready until it ends by itself; None = never."""
    exit_code: int = 0
    """The exit code of its containers when they end by themselves, or stop in time on SIGTERM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSpec:
    """Pods with the label `app=<name>`, and the kind of their controller."""

    name: str
    kind: Kind = "Deployment"
    namespace: str = NAMESPACE
    replicas: int = 1
    """Without meaning for DaemonSet, Pod and Mirror; of a Job it is completions and parallelism."""
    template: PodTemplate = field(default_factory=PodTemplate)
    backoff_limit: int = 6
    """Of a Job: if more of its pods fail, it has failed for good."""
    on_delete: bool = False
    """True for a StatefulSet with `updateStrategy: OnDelete`: a rollout deletes no pod."""
    spares_disrupted: bool = False
    """True for a Job whose `podFailurePolicy` ignores pods with the condition DisruptionTarget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSpec:
    """A PodDisruptionBudget; exactly one of the two numbers."""

    name: str
    match_labels: Mapping[str, str]
    namespace: str = NAMESPACE
    min_available: int | None = None
    max_unavailable: int | None = None

    def __post_init__(self) -> None:
        if (self.min_available is None) == (self.max_unavailable is None):
            raise ValueError(f"budget {self.name}: give exactly one of min_available and max_unavailable")


@dataclass(frozen=True, slots=True)
class JobStatus:
    """The numbers of pods that a Job has counted."""

    succeeded: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class WorkloadObject:
    """A workload, and the reference that its pods carry."""

    spec: WorkloadSpec
    controller: Controller | None
    revision: str
    """The hash of the template, as controllers put it into names and labels."""
    job: JobStatus = JobStatus()
    replaced: tuple[Controller, ...] = ()
    """The ReplicaSets of a Deployment's earlier templates."""

    @property
    def key(self) -> tuple[str, str]:
        return self.spec.namespace, self.spec.name


@dataclass(frozen=True, slots=True)
class NodeObject:
    """A Node and its machine."""

    fact: Node
    machine: MachineSpec

    @property
    def name(self) -> str:
        return self.fact.name


@dataclass(frozen=True, slots=True)
class PodObject:
    """A Pod."""

    fact: Pod
    template: PodTemplate
    workload: tuple[str, str]
    """(namespace, name) of its workload."""
    pinned_to: str = ""
    """The node that a DaemonSet made it for."""

    @property
    def ref(self) -> PodRef:
        return self.fact.ref

    @property
    def active(self) -> bool:
        """True if it counts as one of its controller's pods: neither finished nor being deleted."""
        return not self.fact.finished and self.fact.deleting_until_at is None

    @property
    def takes_room(self) -> bool:
        return not self.fact.finished


@dataclass(frozen=True, slots=True)
class LeaseObject:
    """A Lease in the handler's namespace."""

    fact: Lease
    ours: bool
    """True if it carries the label of the handler's replicas."""


@dataclass(frozen=True, slots=True)
class BudgetObject:
    """A PodDisruptionBudget and its controller's last count."""

    spec: BudgetSpec
    desired_healthy: int = 0
    current_healthy: int = 0
    disruptions_allowed: int = 0

    def protects(self, pod: Pod) -> bool:
        return pod.ref.namespace == self.spec.namespace and (
            self.spec.match_labels.items() <= dict(pod.labels).items()
        )
