"""The inputs of a replica of queue mode: the world around it, its rules, and its two big parts."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nth.core.facts import Node
from nth.core.lifecycle.hook_messages import HookRules
from nth.core.notices.events import Notice, Withdrawn
from nth.core.queue import dispatch_view
from nth.core.queue.dispatch_view import DispatchRules
from nth.ports import Clock, Cluster, Instances, LifecycleHooks, Queue


class Sessions(dispatch_view.Sessions, Protocol):
    """The engine, or the dry run in its place."""

    @property
    def phases(self) -> Mapping[str, int]: ...

    def adopt(
        self, node: Node, booted_at: float | None, *, over: Sequence[Withdrawn] = ()
    ) -> tuple[str, ...]: ...

    def notice(self, node_name: str, notice: Notice, node: Node | None = None) -> None: ...

    def returned(self, node: Node, at: float, reason: str) -> bool: ...

    def node_news(self, node_name: str, node: Node | None) -> None: ...

    @property
    def idle(self) -> bool: ...

    async def run(self) -> None: ...

    async def wind_down(self, seconds: float) -> None: ...

    async def hand_over(self, seconds: float) -> None: ...


class Replicas(dispatch_view.Replicas, Protocol):
    """The other replicas of this Deployment (`replicas.ReplicaWatch`)."""

    known: asyncio.Event

    async def run(self) -> None: ...

    async def release(self) -> None: ...


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
