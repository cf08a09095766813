"""The Leases of the handler's replicas, through one client's connection: `ports.Leases`.

A write over a version that its writer has not read is refused, as the API server does.
https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from nth.core.facts import Lease
from nth.errors import Conflict, Missing
from nth.simulation.connection import Connection
from nth.simulation.objects import LeaseObject
from nth.simulation.store import Store


class SimulatedLeases:
    """Its requests share the faults and the latency of the connection."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self._store = store
        self._connection = connection

    async def list_leases(self) -> tuple[Lease, ...]:
        return await self._connection.call("list_leases", "", self._list)

    async def write_lease(self, lease: Lease) -> Lease:
        """Write it as the port says. Missing: it was read, and is gone."""
        return await self._connection.call("write_lease", lease.name, lambda: self._write(lease))

    async def delete_lease(self, name: str) -> None:
        await self._connection.call("delete_lease", name, lambda: self._delete(name))

    def _list(self) -> tuple[Lease, ...]:
        return tuple(found.fact for found in self._store.leases.values() if found.ours)

    def _write(self, lease: Lease) -> Lease:
        found = self._store.leases.get(lease.name)
        if not self._store.has_lease_namespace:
            raise Missing('create lease: 404: namespaces "kube-system" not found')
        if found is None and lease.resource_version:
            raise _missing(lease.name)
        if found is not None and not lease.resource_version:
            raise Conflict(f'create lease: 409: leases.coordination.k8s.io "{lease.name}" already exists')
        if found is not None and found.fact.resource_version != lease.resource_version:
            raise Conflict(
                "patch lease: 409: Operation cannot be fulfilled on leases.coordination.k8s.io "
                f'"{lease.name}": the object has been modified; please apply your changes to the latest '
                "version and try again"
            )
        return self._store.put_lease(LeaseObject(lease, ours=found is None or found.ours)).fact

    def _delete(self, name: str) -> None:
        if name not in self._store.leases:
            raise _missing(name)
        self._store.remove_lease(name)


def _missing(name: str) -> Missing:
    return Missing(f'lease {name}: 404: leases.coordination.k8s.io "{name}" not found')
