"""The inputs of a replica of queue mode: the world around it, its rules, and its two big parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nth.core.lifecycle.hook_messages import HookRules
from nth.core.queue.dispatch_view import DispatchRules
from nth.engine.dry_run import DryRun
from nth.engine.engine import Engine
from nth.ports import Clock, Cluster, Instances, LifecycleHooks, Queue
from nth.queue_mode.dry_run import Alone
from nth.queue_mode.replicas import ReplicaWatch

Sessions = Engine | DryRun
"""Works on the nodes of this replica."""
Replicas = ReplicaWatch | Alone
"""The other replicas of this Deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetWorld:
    """Everything outside the replica."""

    cluster: Cluster
    queues: Sequence[Queue]
    instances: Instances
    hooks: LifecycleHooks
    clock: Clock
    jitter: Callable[[], float]
    """Numbers in [0, 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRules:
    """The settings of the mode."""

    identity: str
    """Our pod's name; empty = there are no other replicas."""
    node_name: str
    """The node that the handler runs on; may be empty."""
    own_pod: tuple[str, str]
    """(namespace, name), empty where not known."""
    takes_over: bool
    """True if nodes that no replica works on are taken over; not in a dry run."""
    evicts: bool
    """True if pods may be asked to go, our own among them: neither in a dry run nor for cordon only."""
    visibility_seconds: int
    messages: DispatchRules
    hooks: HookRules
    group_label: str
    shutdown_grace_seconds: float | None
    """The time that drains go on after SIGTERM if we are alone; None = as our pod's grace allows."""
