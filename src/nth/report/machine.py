"""Describes a node's machine by its metadata service, and where that says nothing by its Node.

In queue mode no metadata service is asked: the cloud provider's labels and addresses take its place.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

from nth.core.facts import Node
from nth.core.notices.imds import InstanceMetadata
from nth.core.queue.node_table import instance_id_of

LABELS: Mapping[str, tuple[str, ...]] = {
    "availability_zone": ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"),
    "region": ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"),
    "instance_type": ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"),
    "instance_life_cycle": ("karpenter.sh/capacity-type", "eks.amazonaws.com/capacityType"),
}
"""Of several labels the first one that is there counts.

https://kubernetes.io/docs/reference/labels-annotations-taints/
https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html#managed-node-group-capacity-types
"""
ADDRESSES: Mapping[str, str] = {
    "local_ipv4": "InternalIP",
    "public_hostname": "ExternalDNS",
    "public_ipv4": "ExternalIP",
}
"""https://kubernetes.io/docs/reference/node/node-status/#addresses"""

Known = Callable[[str], tuple[Node | None, InstanceMetadata]]
"""Returns the Node, if it was read, and its metadata service's answers, by the node's name. Never waits."""


def described(node: Node | None, said: InstanceMetadata) -> InstanceMetadata:
    """Returns the metadata service's answers, filled up from the Node where they are empty."""
    if node is None:
        return said
    addresses = dict(node.addresses)
    own = {
        "instance_id": instance_id_of(node),
        "local_hostname": node.name,
        **{name: addresses.get(kind, "") for name, kind in ADDRESSES.items()},
        **{name: _first(node.labels, keys) for name, keys in LABELS.items()},
    }
    own["instance_life_cycle"] = own["instance_life_cycle"].lower().replace("_", "-")
    known = asdict(said)
    return replace(said, **{name: value for name, value in own.items() if not known[name]})


def _first(labels: Mapping[str, str], keys: tuple[str, ...]) -> str:
    return next((labels[key] for key in keys if labels.get(key)), "")
