"""Where the API server keeps things, and how it is asked for some of them. Pure: values in, texts out.

https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
"""

from urllib.parse import quote

from nth.core.facts import PodRef, PodScope

NODES = "/api/v1/nodes"


def quoted(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def node_path(name: str) -> str:
    """One node."""
    return f"{NODES}/{quoted(name)}"


def node_status_path(name: str) -> str:
    """The status of one node."""
    return f"{node_path(name)}/status"


def events_path(namespace: str) -> str:
    """The events of a namespace."""
    return f"/api/v1/namespaces/{quoted(namespace)}/events"


def pods_path(scope: PodScope) -> str:
    """The pods of a namespace, or of all."""
    return f"/api/v1/namespaces/{quoted(scope.namespace)}/pods" if scope.namespace else "/api/v1/pods"


def pod_path(ref: PodRef) -> str:
    """The pod of that name, whatever its UID is."""
    return f"/api/v1/namespaces/{quoted(ref.namespace)}/pods/{quoted(ref.name)}"


def selectors(scope: PodScope) -> dict[str, str]:
    """The part of a scope that is a query."""
    query = {"labelSelector": scope.label_selector} if scope.label_selector else {}
    return query | {"fieldSelector": f"spec.nodeName={scope.node_name}"} if scope.node_name else query


def budgets_path(namespace: str) -> str:
    """The PodDisruptionBudgets of a namespace."""
    return f"/apis/policy/v1/namespaces/{quoted(namespace)}/poddisruptionbudgets"


def leases_path(namespace: str) -> str:
    """The Leases of a namespace."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{quoted(namespace)}/leases"
