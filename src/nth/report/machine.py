"""What is known of a node's machine: what its metadata service says, and else what its Node says.

In queue mode nobody asks a metadata service: the cloud provider's labels and addresses take its place.
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
"""Of several labels the first that is there.

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
"""By the node's name: the Node if it was read, and what its metadata service says. Never waits."""


def described(node: Node | None, said: InstanceMetadata) -> InstanceMetadata:
    """What the metadata service says, and the Node's own words where it says nothing."""
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
