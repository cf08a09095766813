"""The program's needs of the world, as narrow protocols.

`adapters` talk to the real ones, `simulation` plays them; both pass the same contract suite.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from typing import Protocol

from nth.core.facts import (
    Budget,
    Controller,
    Lease,
    Node,
    NodeChange,
    NodeList,
    NodePatch,
    PodChange,
    PodCondition,
    PodList,
    PodRef,
    PodScope,
    Wanted,
)
from nth.core.notices.aws_facts import EntryFailure, HookTimeouts, Instance, LifecycleAction, Message
from nth.core.notices.events import Notice


class Clock(Protocol):
    """The wall clock. To wait, asyncio is used: the simulation has an event loop of its own."""

    def now(self) -> float:
        """Returns seconds since the epoch, UTC."""
        ...


class Cluster(Protocol):
    """The Kubernetes API server. Every verb may raise any `ClusterError`."""

    async def read_node(self, name: str) -> Node:
        """Returns the node of that name; Missing if there is none."""
        ...

    async def find_node(self, *, name: str, instance_id: str) -> Node:
        """Returns the node of that name, else with that hostname label, else of that instance (`which_node`).

        A kubelet writes its labels: one does not outweigh a provider id. Missing if none is found, or several
        may be it. `instance_id` may be empty.
        """
        ...

    async def list_nodes(self) -> NodeList:
        """Returns all nodes."""
        ...

    def watch_nodes(self, resource_version: str, *, name: str = "") -> AsyncGenerator[NodeChange, None]:
        """Yield every change after that resource version, of all nodes or one; the rest as `watch_pods`."""
        ...

    async def patch_node(self, name: str, patch: NodePatch, *, deadline_at: float | None = None) -> Node:
        """Patch and return the new node; Conflict if another client wrote after it was read.

        `deadline_at` (epoch seconds): when many wait for their turn, the earliest goes first.
        """
        ...

    async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
        """Returns all pods of the scope; with `cached` a moment old, which costs the server less.

        https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
        """
        ...

    def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
        """Yield every change after that resource version, until it is closed (`contextlib.aclosing`).

        Expired: list again. Unreachable: also when the connection has been silent too long.
        """
        ...

    async def evict_pod(
        self, ref: PodRef, *, grace_seconds: int | None, deadline_at: float | None = None
    ) -> None:
        """Ask through the Eviction API, which respects PodDisruptionBudgets.

        None = the pod's own grace. Blocked: a budget refuses. Denied: admission does. AdmissionFailed: a
        webhook that has to be asked does not answer. Missing: this UID is gone.
        https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
        """
        ...

    async def delete_pod(self, ref: PodRef, *, grace_seconds: int, deadline_at: float | None = None) -> None:
        """Delete past any budget, or shorten the grace of a pod that is going. Missing: gone."""
        ...

    async def mark_pod(
        self, ref: PodRef, condition: PodCondition, *, deadline_at: float | None = None
    ) -> None:
        """Set this condition and leave the others. Forbidden: it needs a right of its own. Missing: gone."""
        ...

    async def read_wanted(self, namespace: str, controller: Controller) -> Wanted | None:
        """Returns how many pods it wants; None: a kind that is not asked. Missing: it is gone, or going.

        Forbidden: the right is an optional one.
        """
        ...

    async def list_budgets(self, namespace: str) -> tuple[Budget, ...]:
        """Returns the PodDisruptionBudgets of a namespace."""
        ...


class MetadataService(Protocol):
    """The EC2 instance metadata service."""

    async def get(self, path: str) -> bytes | None:
        """Returns the document at that path (`/latest/meta-data/...`); None if there is none (404).

        Silent: no usable answer.
        """
        ...


class Leases(Protocol):
    """The Leases of this handler's replicas, in its own namespace. All verbs may raise any `ClusterError`."""

    async def list_leases(self) -> tuple[Lease, ...]:
        """Returns those that carry this handler's label."""
        ...

    async def write_lease(self, lease: Lease) -> Lease:
        """Create it, or replace what was read; Conflict if it is there already or was changed since."""
        ...

    async def delete_lease(self, name: str) -> None:
        """Delete it, whatever its version; Missing if there is none."""
        ...


class Queue(Protocol):
    """One SQS queue. Every verb may raise any `AwsError`; a batch has at most ten entries.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
    """

    @property
    def url(self) -> str:
        """Its URL, which names it."""
        ...

    async def receive(self, *, wait_seconds: int, visibility_seconds: int) -> tuple[Message, ...]:
        """Returns at most ten messages, hidden from all receivers for that long; waits if there is none."""
        ...

    async def delete(self, receipt_handles: Sequence[str]) -> Mapping[str, EntryFailure]:
        """Delete messages; returns those that were not deleted, by receipt handle."""
        ...

    async def change_visibility(
        self, receipt_handles: Sequence[str], seconds: int
    ) -> Mapping[str, EntryFailure]:
        """Hide them for that long from now (0: give back at once); returns those that were not changed."""
        ...


class Instances(Protocol):
    """EC2. Every verb may raise any `AwsError`."""

    async def describe(self, instance_ids: Collection[str]) -> Mapping[str, Instance]:
        """Returns instances by id, all in one request or few; a missing id does not exist (any more)."""
        ...


class LifecycleHooks(Protocol):
    """Auto Scaling. Every verb may raise any `AwsError`.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html
    """

    async def complete(self, action: LifecycleAction, result: str) -> None:
        """Complete it with `result`, CONTINUE or ABANDON. ActionGone: it is over already."""
        ...

    async def heartbeat(self, action: LifecycleAction) -> None:
        """Let the hook's timeout begin anew. ActionGone: it is over already."""
        ...

    async def timeouts(self, group: str, hook: str) -> HookTimeouts:
        """Returns this hook's timeouts. AwsRefused: also if there is no such hook."""
        ...

    async def states(self, instance_ids: Collection[str]) -> Mapping[str, str]:
        """Returns states (`InService`, `Terminating:Wait` ...) by id; an instance without one is in no group.

        https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingInstances.html
        """
        ...


Emit = Callable[[Notice], None]
