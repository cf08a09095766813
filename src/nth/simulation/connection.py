"""A client's connection to the simulated API server: `ports.Cluster` with latency, faults and a log.

Each connection stands for one process with its own rights. What the server decides is in the
other modules; here is only what lies between it and a client.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from nth.core.facts import (
    Budget,
    Node,
    NodePatch,
    Pod,
    PodChange,
    PodGone,
    PodList,
    PodRef,
    PodScope,
    PodSeen,
)
from nth.errors import ClusterError, Forbidden, Missing, Rejected, Unreachable
from nth.ports import Clock
from nth.simulation.deletion import delete_pod
from nth.simulation.eviction import evict_pod
from nth.simulation.labels import parse_selector
from nth.simulation.node_documents import patched
from nth.simulation.objects import HOSTNAME_LABEL
from nth.simulation.store import PodChanged, Store

T = TypeVar("T")

Verb = Literal[
    "read_node",
    "find_node",
    "patch_node",
    "list_pods",
    "watch_pods",
    "evict_pod",
    "delete_pod",
    "list_budgets",
]
WRITES: frozenset[Verb] = frozenset({"patch_node", "evict_pod", "delete_pod"})


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a verb; `at` is when it was sent (epoch seconds)."""

    verb: Verb
    what: str
    at: float
    cached: bool = False
    """A list that may come from the server's cache; here that is as fresh as any."""

    @property
    def writes(self) -> bool:
        return self.verb in WRITES


Fault = Callable[[Request], ClusterError | None]


def no_fault(_request: Request) -> ClusterError | None:
    """All is well."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What lies between this client and the server."""

    latency_seconds: Callable[[Request], float] = lambda _request: 0.005
    """There and back."""
    timeout_seconds: float = 10.0
    """A request that takes longer is Unreachable, and never arrives."""
    before: Fault = no_fault
    """An error instead of the request: the server does nothing."""
    after: Fault = no_fault
    """Called when the server has acted. An error instead of the answer; it may also kill the client."""


@dataclass(slots=True)
class Outage:
    """Until when the server does not answer; watches end with an error when it begins."""

    begin_at: float = 0
    end_at: float = 0

    def refuse(self, now: float) -> None:
        """Unreachable while it lasts."""
        if self.begin_at <= now < self.end_at:
            raise Unreachable("connection refused: the API server is down")


@dataclass(slots=True)
class _Breakage:
    """The error with which all watches that are open now end."""

    times: int = 0
    error: ClusterError = field(default_factory=lambda: Unreachable("the connection was closed"))


class Connection:
    """The API server as one client sees it."""

    def __init__(self, store: Store, clock: Clock, outage: Outage, link: Link, *, may_delete: bool) -> None:
        self._store = store
        self._clock = clock
        self._outage = outage
        self._link = link
        self._may_delete = may_delete
        self._breakage = _Breakage()
        self.requests: list[Request] = []
        """Everything that was asked, in order, also what failed."""

    @property
    def writes(self) -> tuple[Request, ...]:
        """The requests that would change something."""
        return tuple(request for request in self.requests if request.writes)

    def break_watches(self, error: ClusterError) -> None:
        """Every open watch ends with this error."""
        self._breakage = _Breakage(self._breakage.times + 1, error)
        self._store.wake_watches()

    async def read_node(self, name: str) -> Node:
        return await self._call("read_node", name, lambda: self._node(name))

    async def find_node(self, *, name: str, instance_id: str) -> Node:
        return await self._call("find_node", f"{name} {instance_id}", lambda: self._find(name, instance_id))

    async def patch_node(self, name: str, patch: NodePatch) -> Node:
        return await self._call("patch_node", name, lambda: self._patch(name, patch))

    async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
        return await self._call("list_pods", _words(scope), lambda: self._list(scope), cached=cached)

    async def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
        inside = _matcher(scope)
        breakage = self._breakage
        version = await self._call("watch_pods", _words(scope), lambda: _version(resource_version))
        while True:
            wake = self._store.wake
            for change in self._store.changes_after(version):
                version = change.version
                if (seen := _seen(change, inside)) is not None:
                    yield seen
            await wake.wait()
            if self._breakage is not breakage:
                raise self._breakage.error
            self._outage.refuse(self._clock.now())

    async def evict_pod(self, ref: PodRef, *, grace_seconds: int | None) -> None:
        await self._call(
            "evict_pod", str(ref), lambda: evict_pod(self._store, ref, grace_seconds, self._clock.now())
        )

    async def delete_pod(self, ref: PodRef, *, grace_seconds: int) -> None:
        await self._call("delete_pod", str(ref), lambda: self._delete(ref, grace_seconds))

    async def list_budgets(self, namespace: str) -> tuple[Budget, ...]:
        return await self._call("list_budgets", namespace, lambda: self._budgets(namespace))

    # Between client and server

    async def _call(self, verb: Verb, what: str, act: Callable[[], T], *, cached: bool = False) -> T:
        request = Request(verb, what, self._clock.now(), cached)
        self.requests.append(request)
        latency_seconds = self._link.latency_seconds(request)
        await self._travel(latency_seconds, what)
        self._outage.refuse(self._clock.now())
        if (error := self._link.before(request)) is not None:
            raise error
        answer = act()
        error = self._link.after(request)
        await asyncio.sleep(latency_seconds / 2)
        if error is not None:
            raise error
        return answer

    async def _travel(self, latency_seconds: float, what: str) -> None:
        if latency_seconds > self._link.timeout_seconds:
            await asyncio.sleep(self._link.timeout_seconds)
            raise Unreachable(f"{what}: no answer in time")
        await asyncio.sleep(latency_seconds / 2)

    # On the server

    def _node(self, name: str) -> Node:
        if name not in self._store.nodes:
            raise Missing(f'read node {name}: 404: nodes "{name}" not found')
        return self._store.nodes[name].fact

    def _find(self, name: str, instance_id: str) -> Node:
        nodes = [node.fact for node in self._store.nodes.values()]
        hostnames = (name, name.split(".")[0])
        by_name = [node for node in nodes if node.name == name]
        by_label = [node for node in nodes if node.labels.get(HOSTNAME_LABEL) in hostnames]
        by_instance = [n for n in nodes if instance_id and n.provider_id.endswith(f"/{instance_id}")]
        for found in (by_name, by_label, by_instance):
            # Never a guess between several.
            if len(found) == 1:
                return found[0]
        raise Missing(f"no node is named {name!r} or alone has that hostname or instance {instance_id!r}")

    def _patch(self, name: str, patch: NodePatch) -> Node:
        node = self._node(name)
        return self._store.change_node(self._store.nodes[name], patched(node, patch.body)).fact

    def _list(self, scope: PodScope) -> PodList:
        inside = _matcher(scope)
        pods = tuple(pod.fact for pod in self._store.pods.values() if inside(pod.fact))
        return PodList(pods, str(self._store.version))

    def _delete(self, ref: PodRef, grace_seconds: int) -> None:
        if not self._may_delete:
            raise Forbidden(
                f'delete pod {ref}: 403: pods "{ref.name}" is forbidden: cannot delete resource "pods"'
            )
        delete_pod(self._store, self._store.pod(ref), grace_seconds, self._clock.now())

    def _budgets(self, namespace: str) -> tuple[Budget, ...]:
        return tuple(
            Budget(
                namespace=namespace,
                name=budget.spec.name,
                disruptions_allowed=budget.disruptions_allowed,
                match_labels=budget.spec.match_labels,
            )
            for budget in self._store.budgets.values()
            if budget.spec.namespace == namespace
        )


def _matcher(scope: PodScope) -> Callable[[Pod], bool]:
    matches = parse_selector(scope.label_selector)
    return lambda pod: (
        scope.node_name in ("", pod.node_name)
        and scope.namespace in ("", pod.ref.namespace)
        and matches(pod.labels)
    )


def _seen(change: PodChanged, inside: Callable[[Pod], bool]) -> PodChange | None:
    """What a watch of that scope says of this change; a pod that leaves the scope is gone for it."""
    if change.after is not None and inside(change.after):
        return PodSeen(change.after)
    if change.before is not None and inside(change.before):
        return PodGone(change.before.ref)
    return None


def _version(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise Rejected(f"watch pods: 400: resourceVersion: Invalid value: {text!r}")
    return int(text)


def _words(scope: PodScope) -> str:
    return " ".join(word for word in (scope.namespace, scope.node_name, scope.label_selector) if word)
