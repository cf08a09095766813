"""Turns the API's objects into our facts.

Each struct names only the fields that are needed: others are skipped while decoding, which
makes a pod six times cheaper than the full model. Nothing here asks or decides.
Field names are the API's: https://kubernetes.io/docs/reference/kubernetes-api/
"""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec

from nth.adapters.kubernetes_errors import one_line
from nth.core.drain.disruption import DISRUPTION_TARGET
from nth.core.drain.pod_filter import is_ours
from nth.core.facts import Budget, Controller, Lease, Node, Pod, PodRef, Taint

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"

DETACHED_VOLUMES = frozenset(
    {"emptyDir", "hostPath", "configMap", "secret", "projected", "downwardAPI", "gitRepo", "image"}
)
"""Kinds of volume that live on the machine or in the API; any other may be attached to the machine."""

ADDRESS_TYPES = ("InternalIP", "ExternalIP", "ExternalDNS")
"""The types that are read. https://kubernetes.io/docs/reference/node/node-status/#addresses"""

DEFAULT_GRACE_SECONDS = 30

T = TypeVar("T")
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Struct(msgspec.Struct, rename="camel"):
    """Maps field names as Python writes them to those that the API writes."""


class _Owner(_Struct):
    kind: str
    name: str
    uid: str
    api_version: str = ""
    controller: bool | None = None


class _Meta(_Struct):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    owner_references: list[_Owner] | None = None
    finalizers: list[str] | None = None
    deletion_timestamp: Moment | None = None
    deletion_grace_period_seconds: int | None = None


class _PodMeta(_Meta):
    creation_timestamp: Moment | None = None
    annotations: dict[str, msgspec.Raw] | None = None
    """Not read before it is known which are needed: others' may be 256 KiB."""


class StoredObject(_Struct):
    """The fields that every object has."""

    metadata: _Meta


class _Taint(_Struct):
    key: str
    effect: str = ""
    value: str = ""
    time_added: str | None = None


class _SetInSpec(_Struct):
    unschedulable: msgspec.Raw | msgspec.UnsetType = msgspec.field(
        default=msgspec.UNSET, name="f:unschedulable"
    )


class _SetFields(_Struct):
    spec: _SetInSpec | None = msgspec.field(default=None, name="f:spec")


class _Manager(_Struct):
    manager: str = ""
    fields: _SetFields | None = msgspec.field(default=None, name="fieldsV1")


class _NodeMeta(_Meta):
    creation_timestamp: Moment | None = None
    annotations: dict[str, str] | None = None
    managed_fields: list[_Manager] | None = None


class _NodeSpec(_Struct):
    unschedulable: bool = False
    taints: list[_Taint] | None = None
    provider_id: str = msgspec.field(default="", name="providerID")


class _NodeCondition(_Struct):
    type: str
    status: str


class _Address(_Struct):
    type: str = ""
    address: str = ""


class _NodeStatus(_Struct):
    conditions: list[_NodeCondition] | None = None
    addresses: list[_Address] | None = None


class NodeObject(StoredObject):
    """A Node: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/"""

    metadata: _NodeMeta
    spec: _NodeSpec = msgspec.field(default_factory=_NodeSpec)
    status: _NodeStatus = msgspec.field(default_factory=_NodeStatus)


class _Condition(_Struct):
    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    """Read only where it is needed."""


class _PodSpec(_Struct):
    node_name: str = ""
    termination_grace_period_seconds: int | None = None
    priority_class_name: str = ""
    volumes: list[dict[str, msgspec.Raw]] | None = None


class _PodStatus(_Struct):
    phase: str = "Unknown"
    conditions: list[_Condition] | None = None


class PodObject(StoredObject):
    """A Pod: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/"""

    metadata: _PodMeta
    spec: _PodSpec = msgspec.field(default_factory=_PodSpec)
    status: _PodStatus = msgspec.field(default_factory=_PodStatus)


class _Requirement(_Struct):
    key: str
    operator: str
    values: list[str] | None = None


class _Selector(_Struct):
    match_labels: dict[str, str] | None = None
    match_expressions: list[_Requirement] | None = None


class _BudgetSpec(_Struct):
    selector: _Selector | None = None


class _BudgetStatus(_Struct):
    disruptions_allowed: int = 0


class BudgetObject(StoredObject):
    """A budget: https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/pod-disruption-budget-v1/"""

    spec: _BudgetSpec = msgspec.field(default_factory=_BudgetSpec)
    status: _BudgetStatus = msgspec.field(default_factory=_BudgetStatus)


class _LeaseSpec(_Struct):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    renew_time: Moment | None = None


class LeaseObject(StoredObject):
    """A Lease: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/"""

    spec: _LeaseSpec = msgspec.field(default_factory=_LeaseSpec)


class _ListMeta(_Struct):
    resource_version: str = ""
    next_page: str = msgspec.field(default="", name="continue")


class ObjectList(msgspec.Struct, Generic[T]):
    """One page of a list; Go writes an empty list as null."""

    items: list[T] | None
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


class WatchEvent(msgspec.Struct):
    """An event: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes"""

    type: str
    object: msgspec.Raw


def node_of(found: NodeObject) -> Node:
    """Returns the node as a fact."""
    meta, spec = found.metadata, found.spec
    return Node(
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        unschedulable=spec.unschedulable,
        taints=tuple(Taint(t.key, t.effect, t.value, t.time_added) for t in spec.taints or ()),
        labels=meta.labels or {},
        annotations=meta.annotations or {},
        provider_id=spec.provider_id,
        addresses=_addresses(found.status.addresses),
        ready=any(c.type == "Ready" and c.status == "True" for c in found.status.conditions or ()),
        cordoned_by=_cordoned_by(meta.managed_fields),
        created_at=None if meta.creation_timestamp is None else meta.creation_timestamp.timestamp(),
    )


def _cordoned_by(managers: list[_Manager] | None) -> tuple[str, ...] | None:
    if not managers:
        return None
    return tuple(
        one.manager
        for one in managers
        if one.fields and one.fields.spec and one.fields.spec.unschedulable is not msgspec.UNSET
    )


def _addresses(listed: list[_Address] | None) -> tuple[tuple[str, str], ...]:
    """Returns the first of each type, with our own strings as types: thousands of nodes would hold copies."""
    first = {one.type: one.address for one in reversed(listed or ())}
    return tuple((kind, first[kind]) for kind in ADDRESS_TYPES if kind in first)


def pod_of(found: PodObject) -> Pod:
    """Returns the pod as a fact."""
    meta, spec, status = found.metadata, found.spec, found.status
    annotations = meta.annotations or {}
    volumes = [kind for volume in spec.volumes or () for kind in volume if kind != "name"]
    grace_seconds = spec.termination_grace_period_seconds
    return Pod(
        ref=ref_of(found),
        node_name=spec.node_name,
        phase=status.phase,
        ready=any(c.type == "Ready" and c.status == "True" for c in status.conditions or ()),
        unready_since_at=_unready_since_at(status.conditions),
        created_at=None if meta.creation_timestamp is None else meta.creation_timestamp.timestamp(),
        grace_seconds=DEFAULT_GRACE_SECONDS if grace_seconds is None else grace_seconds,
        deleting_until_at=meta.deletion_timestamp.timestamp() if meta.deletion_timestamp else None,
        deletion_grace_seconds=meta.deletion_grace_period_seconds,
        priority_class=spec.priority_class_name,
        controller=_controller(meta.owner_references),
        labels=meta.labels or {},
        annotations=_ours(annotations),
        mirror=MIRROR_ANNOTATION in annotations,
        local_storage="emptyDir" in volumes,
        attached_storage=not DETACHED_VOLUMES.issuperset(volumes),
        finalizers=tuple(meta.finalizers or ()),
        pending_reason=_pending_reason(status.conditions),
        disrupted_by=_disrupted_by(status.conditions),
    )


def _ours(annotations: dict[str, msgspec.Raw]) -> dict[str, str]:
    ours = (key for key in annotations if is_ours(key))
    return {key: msgspec.json.decode(annotations[key], type=str) for key in ours}


def ref_of(found: PodObject) -> PodRef:
    """Returns the reference that names this pod for good."""
    return PodRef(found.metadata.namespace, found.metadata.name, found.metadata.uid)


def budget_of(found: BudgetObject) -> Budget | None:
    """Returns the budget as a fact; None without a selector, which in policy/v1 protects nothing."""
    selector = found.spec.selector
    if selector is None:
        return None
    return Budget(
        namespace=found.metadata.namespace,
        name=found.metadata.name,
        disruptions_allowed=found.status.disruptions_allowed,
        match_labels=selector.match_labels or {},
        match_expressions=tuple(
            (rule.key, rule.operator, tuple(rule.values or ())) for rule in selector.match_expressions or ()
        ),
    )


def lease_of(found: LeaseObject) -> Lease:
    """Returns the lease as a fact."""
    spec = found.spec
    return Lease(
        name=found.metadata.name,
        holder=spec.holder_identity or "",
        duration_seconds=spec.lease_duration_seconds or 0,
        renewed_at=spec.renew_time.timestamp() if spec.renew_time else 0.0,
        resource_version=found.metadata.resource_version,
    )


def _controller(owners: list[_Owner] | None) -> Controller | None:
    return next(
        (Controller(o.kind, o.name, o.uid, o.api_version) for o in owners or () if o.controller), None
    )


def _unready_since_at(conditions: list[_Condition] | None) -> float | None:
    unready = (c.last_transition_time for c in conditions or () if c.type == "Ready" and c.status != "True")
    moment = next(unready, None)
    return msgspec.json.decode(moment, type=Moment).timestamp() if moment else None


def _pending_reason(conditions: list[_Condition] | None) -> str:
    unplaced = (c.message for c in conditions or () if c.type == "PodScheduled" and c.status == "False")
    return one_line(next(unplaced, ""))


def _disrupted_by(conditions: list[_Condition] | None) -> str:
    disrupted = (c.reason for c in conditions or () if c.type == DISRUPTION_TARGET and c.status == "True")
    return one_line(next(disrupted, ""))
