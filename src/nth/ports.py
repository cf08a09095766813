"""What the program needs of the world, as narrow protocols.

`adapters` talk to the real ones, `simulation` plays them; both pass the same contract suite.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from nth.core.events import Notice
from nth.core.facts import Budget, Node, NodePatch, PodChange, PodList, PodRef, PodScope


class Clock(Protocol):
    """The wall clock. Waiting is asyncio's business: the simulation has an event loop of its own."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...


class Cluster(Protocol):
    """The Kubernetes API server. Every verb may raise any `ClusterError`."""

    async def read_node(self, name: str) -> Node:
        """The node of that name; Missing if there is none."""
        ...

    async def find_node(self, *, name: str, instance_id: str) -> Node:
        """The node of that name, else with that hostname label, else of that EC2 instance.

        Missing if none is. `instance_id` may be empty.
        """
        ...

    async def patch_node(self, name: str, patch: NodePatch) -> Node:
        """Patch and return the new node; Conflict if anybody wrote after it was read."""
        ...

    async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
        """All pods of the scope; `cached`: it may be a moment old, which costs the server less.

        https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
        """
        ...

    def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
        """Every change after that resource version, until the consumer closes it (`contextlib.aclosing`).

        Expired: list again. Unreachable: also when the connection has been silent too long.
        """
        ...

    async def evict_pod(self, ref: PodRef, *, grace_seconds: int | None) -> None:
        """Ask through the Eviction API, which respects PodDisruptionBudgets.

        None = the pod's own grace. Blocked: a budget refuses. Missing: this UID is gone.
        https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
        """
        ...

    async def delete_pod(self, ref: PodRef, *, grace_seconds: int) -> None:
        """Delete past any budget, or shorten the grace of a pod that is going. Missing: gone."""
        ...

    async def list_budgets(self, namespace: str) -> tuple[Budget, ...]:
        """The PodDisruptionBudgets of a namespace."""
        ...


class MetadataService(Protocol):
    """The EC2 instance metadata service."""

    async def get(self, path: str) -> bytes | None:
        """The document at that path (`/latest/meta-data/...`); None if there is none (404).

        Silent: no usable answer.
        """
        ...


Emit = Callable[[Notice], None]


class Source(Protocol):
    """Something that hears of interruptions."""

    async def run(self, emit: Emit) -> None:
        """Watch until cancelled; hand each notice to `emit` the moment it is known."""
        ...
