"""The replicas' Leases behind `ports.Leases`: they carry this handler's label, in its own namespace.

It does not judge which replicas live. A Lease is created once and then patched, so fields that others wrote
stays. https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/
"""

from datetime import UTC, datetime

from nth.adapters.kubernetes_errors import Body, decoded
from nth.adapters.kubernetes_objects import LeaseObject, ObjectList, lease_of
from nth.adapters.kubernetes_paths import leases_path, quoted
from nth.adapters.kubernetes_requests import ApiServer
from nth.adapters.request_budget import RequestClass
from nth.core.facts import Lease

REPLICA_LABEL = "aws-node-termination-handler/replica"

# Renewing must not starve in a storm: a replica that cannot say that it lives loses its nodes.
_CLASS = RequestClass.CORDON


class KubernetesLeases:
    """`ports.Leases` on the real API server; shares client and budget with the cluster's adapter."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self._server = server
        self._path = leases_path(namespace)

    async def list_leases(self) -> tuple[Lease, ...]:
        query = {"labelSelector": f"{REPLICA_LABEL}=true"}
        found, _ = await self._server.list_all(
            self._path, query, ObjectList[LeaseObject], lease_of, request_class=_CLASS
        )
        return tuple(found)

    async def write_lease(self, lease: Lease) -> Lease:
        """Write it as the port says. Missing: it was read, and is gone."""
        body = await (self._replace(lease) if lease.resource_version else self._create(lease))
        return lease_of(decoded(body, LeaseObject, f"lease {lease.name}"))

    async def delete_lease(self, name: str) -> None:
        await self._server.ask(_CLASS, "delete", "DELETE", self._path_of(name))

    async def _create(self, lease: Lease) -> Body:
        document = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": lease.name, "labels": {REPLICA_LABEL: "true"}},
            "spec": {**_spec(lease), "acquireTime": _micro_time(lease.renewed_at)},
        }
        return await self._server.ask(_CLASS, "create", "POST", self._path, content=document)

    async def _replace(self, lease: Lease) -> Body:
        # Not PUT: that would create a deleted Lease anew, whatever version it names.
        patch = {"metadata": {"resourceVersion": lease.resource_version}, "spec": _spec(lease)}
        return await self._server.ask(
            _CLASS,
            "patch",
            "PATCH",
            self._path_of(lease.name),
            content=patch,
            content_type="application/merge-patch+json",
        )

    def _path_of(self, name: str) -> str:
        return f"{self._path}/{quoted(name)}"


def _spec(lease: Lease) -> dict[str, object]:
    return {
        "holderIdentity": lease.holder,
        "leaseDurationSeconds": lease.duration_seconds,
        "renewTime": _micro_time(lease.renewed_at),
    }


def _micro_time(at: float) -> str:
    """Returns the instant with six digits: the API server takes nothing else for a MicroTime."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
