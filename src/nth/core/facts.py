"""Facts read from the cluster: only the fields that decisions need, in plain types.

Adapters make these from the API's objects; the simulation makes them from its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""

    key: str
    effect: str
    value: str = ""
    time_added: str | None = None
    """The API server's text; kept, because a patch replaces the whole list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A Node object."""

    name: str
    uid: str
    resource_version: str
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    provider_id: str = ""
    addresses: tuple[tuple[str, str], ...] = ()
    """(type, address) of InternalIP, ExternalIP and ExternalDNS, the first of each."""
    ready: bool = False
    """Condition Ready is True."""
    cordoned_by: tuple[str, ...] | None = None
    """The field managers that own spec.unschedulable; None = the server does not tell of managers.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#managed-fields
    """
    created_at: float | None = None
    """Its registration (metadata.creationTimestamp, epoch seconds)."""

    @property
    def instance_id(self) -> str:
        """The EC2 instance of `aws:///<zone>/<instance id>`; empty if the provider id names none."""
        last = self.provider_id.rpartition("/")[2]
        return last if self.provider_id.startswith("aws:") and last.startswith("i-") else ""


@dataclass(frozen=True, slots=True)
class Controller:
    """The owner reference that has `controller: true`."""

    kind: str
    name: str
    uid: str
    api_version: str = field(default="", compare=False)
    """Tells kinds of one name apart: Volcano and others have a Job, too."""

    @property
    def by_name(self) -> bool:
        """True if only the pods that left, and the next ones of their names, are counted."""
        return self.kind == "StatefulSet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The number of pods that a controller wants to have, now."""

    pods: int
    first_ordinal: int = 0
    """Of a StatefulSet: the number in the name of its first pod (spec.ordinals.start)."""
    failure: str = ""
    """Of a Job that has failed, and so wants none: the reason."""


@dataclass(frozen=True, slots=True)
class PodRef:
    """Names one pod for good: a pod recreated under the same name has another UID."""

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A Pod object."""

    ref: PodRef
    node_name: str = ""
    phase: str = "Running"
    """Pending, Running, Succeeded, Failed or Unknown."""
    ready: bool = False
    """Condition Ready is True."""
    unready_since_at: float | None = None
    """The last change of a condition Ready that is not True; None: it is True, or that is not known."""
    created_at: float | None = None
    """metadata.creationTimestamp; None = not known."""
    grace_seconds: int = 30
    """spec.terminationGracePeriodSeconds."""
    deleting_until_at: float | None = None
    """metadata.deletionTimestamp, the end of its grace; None if it has not been deleted."""
    deletion_grace_seconds: int | None = None
    """metadata.deletionGracePeriodSeconds; None if it has not been deleted."""
    priority_class: str = ""
    controller: Controller | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    """The annotations that are for us (`core.drain.pod_filter.is_ours`), and no others."""
    mirror: bool = False
    """A static pod's mirror (annotation kubernetes.io/config.mirror): the API cannot stop it."""
    local_storage: bool = False
    """True if it has an emptyDir volume, whose data goes with it."""
    attached_storage: bool = False
    """True if it has a volume that is attached to the machine: a claim, an ephemeral or a CSI volume."""
    finalizers: tuple[str, ...] = ()
    pending_reason: str = ""
    """The scheduler's own words (message of PodScheduled=False); empty once it is placed."""
    disrupted_by: str = ""
    """The reason of its condition DisruptionTarget; empty = it has none."""

    @property
    def finished(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    @property
    def deleted_at(self) -> float | None:
        """The instant of its deletion, which a shorter grace does not change; None if it is not deleted."""
        if self.deleting_until_at is None:
            return None
        return self.deleting_until_at - (self.deletion_grace_seconds or 0)

    @property
    def was_ready(self) -> bool:
        """True if it is Ready, or was until it was deleted: its kubelet makes it not Ready before it goes.

        kubernetes/pkg/kubelet/status/status_manager.go (`canBeDeleted`), since Kubernetes 1.27.
        """
        if self.ready or self.deleted_at is None or self.unready_since_at is None:
            return self.ready
        return self.unready_since_at >= self.deleted_at

    @property
    def done(self) -> bool:
        """True if its work is done, so that nothing replaces it.

        A pod that is stopped may end with Succeeded, too; only a Job takes that for the end of its work.
        """
        return self.phase == "Succeeded" and (self.of_job or self.deleting_until_at is None)

    @property
    def of_job(self) -> bool:
        """True if it is a Job's, for which its final phase counts."""
        return self.controller is not None and self.controller.kind == "Job"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodCondition:
    """A condition of a pod that is true."""

    kind: str
    """Its `type`, which tells conditions apart."""
    reason: str
    """One word in CamelCase, for programs."""
    message: str
    changed_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PodScope:
    """The pods to list or watch; an empty field does not narrow."""

    node_name: str = ""
    namespace: str = ""
    label_selector: str = ""
    """As the API takes it: `pod-template-hash in (a,b)`."""


@dataclass(frozen=True, slots=True)
class PodList:
    """A consistent list, and the resource version from which a watch goes on."""

    pods: tuple[Pod, ...]
    resource_version: str


@dataclass(frozen=True, slots=True)
class PodSeen:
    """A watch says: this pod is now so (added or modified)."""

    pod: Pod
    resource_version: str = field(default="", compare=False)
    """The version of the change, from a server; those of pods compare as integers.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions (KEP-5504)
    """


@dataclass(frozen=True, slots=True)
class PodGone:
    """A watch says: this pod has left the scope (deleted; the UID will not come back)."""

    ref: PodRef
    resource_version: str = field(default="", compare=False)
    """As in `PodSeen`."""


PodChange = PodSeen | PodGone


@dataclass(frozen=True, slots=True)
class NodeList:
    """All nodes, and the resource version from which a watch goes on."""

    nodes: tuple[Node, ...]
    resource_version: str


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """A watch says: this node is now so (added or modified)."""

    node: Node


@dataclass(frozen=True, slots=True)
class NodeGone:
    """A watch says: the Node object was deleted."""

    name: str
    uid: str


NodeChange = NodeSeen | NodeGone


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A Lease object: one replica says that it lives.

    https://kubernetes.io/docs/concepts/architecture/leases/
    """

    name: str
    holder: str
    """spec.holderIdentity; empty once it is released."""
    duration_seconds: int
    renewed_at: float
    """spec.renewTime, by the holder's clock: others can only use that it changes."""
    resource_version: str = ""
    """Empty = not read: a write creates it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A PodDisruptionBudget, as its controller last counted."""

    namespace: str
    name: str
    disruptions_allowed: int
    match_labels: Mapping[str, str] = field(default_factory=dict)
    match_expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """(key, operator, values) with operator In, NotIn, Exists or DoesNotExist."""


@dataclass(frozen=True, slots=True)
class NodePatch:
    """One JSON merge patch of a Node (RFC 7386).

    `body` carries metadata.resourceVersion, so that the server answers 409 if another client wrote
    in between: a merge patch replaces the whole list of taints.
    https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
    """

    body: Mapping[str, object]


def version_of(node: Node) -> int:
    """Returns the Node's version as a number: later writes have higher ones; 0 if it is not a number.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """
    return int(node.resource_version) if node.resource_version.isdecimal() else 0
