"""The API objects of a test's nodes, workloads and budgets. Pure: values in, JSON documents out.

https://kubernetes.io/docs/reference/kubernetes-api/
"""

from nth.adapters.kubernetes_objects import MIRROR_ANNOTATION
from nth.core.facts import Taint
from tests.contract.bed import BudgetSpec, NodeSpec, Workload

Document = dict[str, object]

FOLDERS = {
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "apis/apps/v1/namespaces/{}/daemonsets",
    "Job": "apis/batch/v1/namespaces/{}/jobs",
    "Pod": "api/v1/namespaces/{}/pods",
    "Mirror": "api/v1/namespaces/{}/pods",
}
"""The path for each kind of workload; the gap is the namespace."""


def node_document(spec: NodeSpec) -> Document:
    """Returns a Node whose kubelet has just registered it."""
    room = {"cpu": f"{spec.cpu_millis}m", "memory": "256Gi", "pods": "250"}
    return {
        "metadata": {
            "name": spec.name,
            "labels": {
                "kubernetes.io/hostname": spec.hostname or spec.name,
                "kubernetes.io/os": "linux",
                # A controller would add it a moment later, in the middle of a test.
                "beta.kubernetes.io/os": "linux",
                "topology.kubernetes.io/zone": spec.zone,
                **spec.labels,
            },
            "annotations": dict(spec.annotations),
        },
        "spec": {
            "providerID": f"aws:///{spec.zone}/{spec.instance_id}" if spec.instance_id else None,
            "taints": [_taint(taint) for taint in spec.taints],
        },
        "status": {"capacity": room, "allocatable": room},
    }


def _taint(taint: Taint) -> Document:
    return {"key": taint.key, "value": taint.value, "effect": taint.effect}


def workload_document(workload: Workload, node_uid: str = "") -> Document:
    """Returns the object that controls the pods, or the pod itself; a mirror needs the UID of its node."""
    pod = _pod(workload)
    if workload.kind == "Mirror":
        return _mirrored(pod, workload, node_uid)
    if workload.kind == "Pod":
        return _named(workload, pod)
    if workload.kind == "Job":
        return _named(workload, {"spec": _job(workload) | {"template": pod}})
    spec: Document = {"selector": {"matchLabels": {"app": workload.name}}, "template": pod}
    if workload.kind != "DaemonSet":
        spec["replicas"] = workload.replicas
    if workload.kind == "StatefulSet":
        spec |= {"serviceName": workload.name, "podManagementPolicy": "Parallel"}
        if workload.on_delete:
            spec["updateStrategy"] = {"type": "OnDelete"}
    return _named(workload, {"spec": spec})


def _job(workload: Workload) -> Document:
    """Returns a Job: https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy"""
    count = workload.replicas
    spec: Document = {"completions": count, "parallelism": count, "backoffLimit": workload.backoff_limit}
    if workload.spares_disrupted:
        disrupted = {"type": "DisruptionTarget", "status": "True"}
        spec["podFailurePolicy"] = {"rules": [{"action": "Ignore", "onPodConditions": [disrupted]}]}
    return spec


def _named(workload: Workload, document: Document) -> Document:
    metadata = document.get("metadata")
    extra = metadata if isinstance(metadata, dict) else {}
    return {**document, "metadata": {**extra, "name": workload.name}}


def _mirrored(pod: Document, workload: Workload, node_uid: str) -> Document:
    document = _named(workload, pod)
    metadata = document["metadata"]
    assert isinstance(metadata, dict)
    metadata["annotations"][MIRROR_ANNOTATION] = "0123456789abcdef"
    owner = {
        "apiVersion": "v1",
        "kind": "Node",
        "name": workload.node_name,
        "uid": node_uid,
        "controller": True,
    }
    metadata["ownerReferences"] = [owner]
    return document


def _pod(workload: Workload) -> Document:
    return {
        "metadata": {
            "labels": {"app": workload.name, **workload.labels},
            "annotations": {**_kubelet_hints(workload), **workload.annotations},
            "finalizers": list(workload.finalizers),
        },
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "image": "testbed.invalid/none",
                    "resources": {"requests": {"cpu": f"{workload.cpu_millis}m"}},
                }
            ],
            "nodeName": workload.node_name or None,
            "nodeSelector": dict(workload.node_selector),
            "priorityClassName": workload.priority_class or None,
            "restartPolicy": "Never" if workload.kind == "Job" or workload.finishes else "Always",
            "terminationGracePeriodSeconds": workload.grace_seconds,
            "volumes": _volumes(workload),
        },
    }


def _kubelet_hints(workload: Workload) -> dict[str, str]:
    """Returns the annotations that stages.yaml reads."""
    least, most = workload.stops_after_seconds
    hints = {
        "testbed/ready-after-seconds": str(workload.ready_after_seconds),
        "testbed/stops-at-least-seconds": str(least),
        "testbed/stops-at-most-seconds": str(most),
        "testbed/exit-code": str(workload.exit_code),
    }
    return {**hints, "testbed/finishes": "yes"} if workload.finishes else hints


def _volumes(workload: Workload) -> list[Document]:
    local: list[Document] = [{"name": "scratch", "emptyDir": {}}]
    attached: list[Document] = [{"name": "disk", "csi": {"driver": "testbed.invalid"}}]
    return local * workload.local_storage + attached * workload.attached_storage


def budget_document(spec: BudgetSpec) -> Document:
    """Returns a PodDisruptionBudget."""
    number = "minAvailable" if spec.max_unavailable is None else "maxUnavailable"
    value = spec.min_available if spec.max_unavailable is None else spec.max_unavailable
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": spec.name},
        "spec": {number: value, "selector": {"matchLabels": dict(spec.match_labels)}},
    }
