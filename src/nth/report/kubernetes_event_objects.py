"""Kubernetes events as the API server takes them (core/v1), with the annotations of the original.

Events of core/v1 are what the original's recorder writes, and what `kubectl get events` and `kubectl
describe` show. https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

import hashlib
import re
from collections.abc import Mapping

from nth.core.facts import Node
from nth.core.notices.imds import InstanceMetadata
from nth.core.times import utc_text
from nth.core.visible import visible_line, within_bytes
from nth.report.kubernetes_events import KubeEvent
from nth.report.machine import described

COMPONENT = "aws-node-termination-handler"
NODES_NAMESPACE = "default"
"""The namespace of events about objects that have none."""
MAX_MESSAGE_BYTES = 1024
"""The API server refuses a longer one in an event's newer form."""
MAX_NAME_CHARS = 200
FIELDS: Mapping[str, str] = {
    "account-id": "account_id",
    "availability-zone": "availability_zone",
    "instance-id": "instance_id",
    "instance-life-cycle": "instance_life_cycle",
    "instance-type": "instance_type",
    "local-hostname": "local_hostname",
    "local-ipv4": "local_ipv4",
    "public-hostname": "public_hostname",
    "public-ipv4": "public_ipv4",
    "region": "region",
}
"""The attribute of `InstanceMetadata` that each annotation shows."""
ANNOTATION_KEY = re.compile(
    r"([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?",
    re.IGNORECASE,
)
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set"""


def extra_annotations(text: str) -> dict[str, str]:
    """Returns `a=b,c=d` as a mapping; empty for an empty text. ValueError names a key that cannot be one."""
    pairs = dict(pair.split("=", 1) for pair in text.split(",")) if text else {}
    for key in pairs:
        if not ANNOTATION_KEY.fullmatch(key):
            raise ValueError(f"'{key}' cannot be the name of an annotation")
    return pairs


def namespace_of(event: KubeEvent) -> str:
    """Returns the namespace in which the event is created."""
    return NODES_NAMESPACE if event.pod is None else event.pod.ref.namespace


def document_of(
    event: KubeEvent, *, node: Node | None, said: InstanceMetadata, extra: Mapping[str, str], host: str
) -> dict[str, object]:
    """Returns the Event object. `said`: by the metadata service; `host`: the handler's own node."""
    at = utc_text(event.at)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": _name(event),
            "namespace": namespace_of(event),
            "annotations": {**_annotations(event, node, said), **extra},
        },
        "involvedObject": _object(event, node),
        "reason": event.reason,
        "message": within_bytes(visible_line(event.message), MAX_MESSAGE_BYTES),
        "type": "Warning" if event.warning else "Normal",
        "source": {"component": COMPONENT, "host": host},
        "reportingComponent": COMPONENT,
        "reportingInstance": host,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


def _name(event: KubeEvent) -> str:
    """Returns a name that is valid, and another one for each event."""
    pod = event.pod
    uid, name = ("", event.node_name) if pod is None else (pod.ref.uid, pod.ref.name)
    parts = (event.session_id, event.node_name, uid, event.reason, event.message, repr(event.at))
    digest = hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:16]
    return f"{name[:MAX_NAME_CHARS].rstrip('.-')}.{digest}"


def _object(event: KubeEvent, node: Node | None) -> dict[str, str]:
    if event.pod is not None:
        ref = event.pod.ref
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": ref.namespace,
            "name": ref.name,
            "uid": ref.uid,
        }
    # `kubectl describe node` looks for the UID, and then for the name in its place, as the kubelet writes
    # it; never for one with a namespace, which is what the original writes in metadata mode.
    uid = event.node_name if node is None else node.uid
    return {"apiVersion": "v1", "kind": "Node", "name": event.node_name, "uid": uid}


def _annotations(event: KubeEvent, node: Node | None, said: InstanceMetadata) -> dict[str, str]:
    if event.pod is not None:
        return {"node": event.node_name, **event.pod.labels}
    machine = described(node, said)
    return {name: str(getattr(machine, attribute)) for name, attribute in FIELDS.items()}
