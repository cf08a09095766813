"""A client's connection to the simulated API server: `ports.Cluster` with latency, faults and a log.

Each connection stands for one process with its own rights. The server's decisions are in the
other modules; here is only the way between it and a client.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from nth.core.drain.disruption import DISRUPTION_TARGET
from nth.core.facts import (
    Budget,
    Controller,
    Node,
    NodeChange,
    NodeGone,
    NodeList,
    NodePatch,
    PodChange,
    PodCondition,
    PodList,
    PodRef,
    PodScope,
    Wanted,
)
from nth.core.node.node_annotation import FIELD_MANAGER
from nth.errors import ClusterError, Forbidden, Rejected, Unreachable
from nth.ports import Clock
from nth.simulation import queries
from nth.simulation.admission import admit
from nth.simulation.controllers import CAN_BE_ASKED, wanted_of
from nth.simulation.deletion import delete_pod
from nth.simulation.eviction import evict_pod
from nth.simulation.node_documents import patched
from nth.simulation.store import Change, History, Store

T = TypeVar("T")

Verb = Literal[
    "read_node",
    "find_node",
    "list_nodes",
    "watch_nodes",
    "patch_node",
    "list_pods",
    "watch_pods",
    "evict_pod",
    "delete_pod",
    "mark_pod",
    "read_wanted",
    "list_budgets",
    "list_leases",
    "write_lease",
    "delete_lease",
]
WRITES: frozenset[Verb] = frozenset(
    {"patch_node", "evict_pod", "delete_pod", "mark_pod", "write_lease", "delete_lease"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a verb; `at` is when it was sent (epoch seconds)."""

    verb: Verb
    what: str
    at: float
    cached: bool = False
    """True for a list that may come from the server's cache; here that is as fresh as any."""
    deadline_at: float | None = None
    """The client's deadline; here every request is served at once."""

    @property
    def writes(self) -> bool:
        return self.verb in WRITES


Fault = Callable[[Request], ClusterError | None]


def no_fault(_request: Request) -> ClusterError | None:
    """Let every request through."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The behaviour of the way between this client and the server."""

    latency_seconds: Callable[[Request], float] = lambda _request: 0.005
    """Returns a request's seconds there and back."""
    timeout_seconds: float = 10.0
    """A request that takes longer is Unreachable, and never arrives."""
    before: Fault = no_fault
    """Returns an error in place of the request: the server does nothing."""
    after: Fault = no_fault
    """Called when the server has acted; returns an error in place of the answer, or kills the client."""


@dataclass(slots=True)
class Outage:
    """The time in which the server does not answer; watches end with an error when it begins."""

    begin_at: float = 0
    end_at: float = 0

    def refuse(self, now: float) -> None:
        """Raise Unreachable while the outage lasts."""
        if self.begin_at <= now < self.end_at:
            raise Unreachable("connection refused: the API server is down")


@dataclass(slots=True)
class _Breakage:
    """The error with which all watches that are open now end."""

    times: int = 0
    error: ClusterError = field(default_factory=lambda: Unreachable("the connection was closed"))


class Connection:
    """The API server as one client sees it."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        outage: Outage,
        link: Link,
        *,
        may_delete: bool,
        may_mark: bool,
        may_read_controllers: bool,
    ) -> None:
        self._store = store
        self._clock = clock
        self._outage = outage
        self._link = link
        self._may_delete = may_delete
        self._may_mark = may_mark
        self._may_read_controllers = may_read_controllers
        self._breakage = _Breakage()
        self.requests: list[Request] = []
        """Every request, in order, also those that failed."""

    @property
    def writes(self) -> tuple[Request, ...]:
        """The requests that would change something."""
        return tuple(request for request in self.requests if request.writes)

    def break_watches(self, error: ClusterError) -> None:
        """End every open watch with this error."""
        self._breakage = _Breakage(self._breakage.times + 1, error)
        self._store.wake_watches()

    async def read_node(self, name: str) -> Node:
        return await self.call("read_node", name, lambda: queries.read_node(self._store, name))

    async def find_node(self, *, name: str, instance_id: str) -> Node:
        return await self.call(
            "find_node", f"{name} {instance_id}", lambda: queries.find_node(self._store, name, instance_id)
        )

    async def list_nodes(self) -> NodeList:
        return await self.call("list_nodes", "", lambda: queries.list_nodes(self._store))

    async def watch_nodes(self, resource_version: str, *, name: str = "") -> AsyncGenerator[NodeChange, None]:
        history = self._store.node_history
        async with aclosing(self._watch("watch_nodes", name, resource_version, history)) as changes:
            async for change in changes:
                news = queries.node_news(change)
                if name in ("", news.name if isinstance(news, NodeGone) else news.node.name):
                    yield news

    async def patch_node(self, name: str, patch: NodePatch, *, deadline_at: float | None = None) -> Node:
        return await self.call("patch_node", name, lambda: self._patch(name, patch), deadline_at=deadline_at)

    async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
        return await self.call(
            "list_pods", _words(scope), lambda: queries.list_pods(self._store, scope), cached=cached
        )

    async def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
        inside, history = queries.inside_of(scope), self._store.pod_history
        async with aclosing(self._watch("watch_pods", _words(scope), resource_version, history)) as changes:
            async for change in changes:
                if (news := queries.pod_news(change, inside)) is not None:
                    yield news

    async def evict_pod(
        self, ref: PodRef, *, grace_seconds: int | None, deadline_at: float | None = None
    ) -> None:
        def evict() -> None:
            admit(self._store.admission, "pods/eviction", ref.name)
            evict_pod(self._store, ref, grace_seconds, self._clock.now())

        await self.call("evict_pod", str(ref), evict, deadline_at=deadline_at)

    async def delete_pod(self, ref: PodRef, *, grace_seconds: int, deadline_at: float | None = None) -> None:
        await self.call(
            "delete_pod", str(ref), lambda: self._delete(ref, grace_seconds), deadline_at=deadline_at
        )

    async def mark_pod(
        self, ref: PodRef, condition: PodCondition, *, deadline_at: float | None = None
    ) -> None:
        await self.call("mark_pod", str(ref), lambda: self._mark(ref, condition), deadline_at=deadline_at)

    async def read_wanted(self, namespace: str, controller: Controller) -> Wanted | None:
        if controller.kind not in CAN_BE_ASKED:
            return None
        what = f"{controller.kind} {namespace}/{controller.name}"
        return await self.call("read_wanted", what, lambda: self._read_wanted(namespace, controller))

    async def list_budgets(self, namespace: str) -> tuple[Budget, ...]:
        return await self.call(
            "list_budgets", namespace, lambda: queries.list_budgets(self._store, namespace)
        )

    # Between client and server

    async def call(
        self,
        verb: Verb,
        what: str,
        act: Callable[[], T],
        *,
        cached: bool = False,
        deadline_at: float | None = None,
    ) -> T:
        """Send one request and return the answer, if no fault comes in between."""
        request = Request(verb, what, self._clock.now(), cached, deadline_at)
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

    async def _watch(
        self, verb: Verb, what: str, resource_version: str, history: History[T]
    ) -> AsyncGenerator[Change[T], None]:
        breakage = self._breakage
        version = await self.call(verb, what, lambda: _version(resource_version))
        while True:
            wake = self._store.wake
            for change in history.after(version):
                version = change.version
                yield change
            await wake.wait()
            if self._breakage is not breakage:
                raise self._breakage.error
            self._outage.refuse(self._clock.now())

    # On the server

    def _patch(self, name: str, patch: NodePatch) -> Node:
        node = queries.read_node(self._store, name)
        admit(self._store.admission, "nodes", name)
        after = patched(node, patch.body, FIELD_MANAGER)
        return self._store.change_node(self._store.nodes[name], after).fact

    def _delete(self, ref: PodRef, grace_seconds: int) -> None:
        if not self._may_delete:
            raise _forbidden("delete", ref, "pods")
        admit(self._store.admission, "pods", ref.name)
        delete_pod(self._store, self._store.pod(ref), grace_seconds, self._clock.now())

    def _read_wanted(self, namespace: str, controller: Controller) -> Wanted:
        if not self._may_read_controllers:
            raise Forbidden(f"get {controller.kind} {controller.name}: 403: forbidden: cannot get resource")
        return wanted_of(self._store, namespace, controller)

    def _mark(self, ref: PodRef, condition: PodCondition) -> None:
        if not self._may_mark:
            raise _forbidden("patch", ref, "pods/status")
        pod = self._store.pod(ref)
        if condition.kind == DISRUPTION_TARGET:
            pod = replace(pod, fact=replace(pod.fact, disrupted_by=condition.reason))
        self._store.put_pod(pod)


def _forbidden(verb: str, ref: PodRef, right: str) -> Forbidden:
    return Forbidden(
        f'{verb} pod {ref}: 403: pods "{ref.name}" is forbidden: cannot {verb} resource "{right}"'
    )


def _version(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise Rejected(f"watch: 400: resourceVersion: Invalid value: {text!r}")
    return int(text)


def _words(scope: PodScope) -> str:
    return " ".join(word for word in (scope.namespace, scope.node_name, scope.label_selector) if word)
