"""Paths and queries of the API server. Pure: values in, texts out.

https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
"""

from urllib.parse import quote

from nth.core.facts import PodRef, PodScope

NODES = "/api/v1/nodes"


def quoted(name: str) -> str:
    """Returns a name as one segment of a path."""
    return quote(name, safe="")


def node_path(name: str) -> str:
    """Returns the path of one node."""
    return f"{NODES}/{quoted(name)}"


def node_status_path(name: str) -> str:
    """Returns the path of one node's status."""
    return f"{node_path(name)}/status"


def events_path(namespace: str) -> str:
    """Returns the path of a namespace's events."""
    return f"/api/v1/namespaces/{quoted(namespace)}/events"


def pods_path(scope: PodScope) -> str:
    """Returns the path of a namespace's pods, or of all pods."""
    return f"/api/v1/namespaces/{quoted(scope.namespace)}/pods" if scope.namespace else "/api/v1/pods"


def pod_path(ref: PodRef) -> str:
    """Returns the path of the pod of that name, whatever its UID is."""
    return f"/api/v1/namespaces/{quoted(ref.namespace)}/pods/{quoted(ref.name)}"


def selectors(scope: PodScope) -> dict[str, str]:
    """Returns the part of a scope that goes into the query."""
    query = {"labelSelector": scope.label_selector} if scope.label_selector else {}
    return query | {"fieldSelector": f"spec.nodeName={scope.node_name}"} if scope.node_name else query


def budgets_path(namespace: str) -> str:
    """Returns the path of a namespace's PodDisruptionBudgets."""
    return f"/apis/policy/v1/namespaces/{quoted(namespace)}/poddisruptionbudgets"


def leases_path(namespace: str) -> str:
    """Returns the path of a namespace's Leases."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{quoted(namespace)}/leases"
