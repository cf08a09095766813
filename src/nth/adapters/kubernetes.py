"""The Kubernetes API server behind `ports.Cluster`.

One request for one verb, within a time limit and the request budget. It never tries a write again:
what to do after an error is the session's decision. Only a watch that the server ends is taken up again.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from nth.adapters.kubernetes_credentials import SERVICE_ACCOUNT_DIR, find_access, new_client
from nth.adapters.kubernetes_errors import Status, decoded, error_of_answer, error_of_status, translated
from nth.adapters.kubernetes_objects import (
    BudgetObject,
    NodeObject,
    ObjectList,
    PodObject,
    WatchEvent,
    budget_of,
    node_of,
    pod_of,
    ref_of,
)
from nth.adapters.request_budget import RequestBudget, RequestClass
from nth.core.facts import (
    Budget,
    Node,
    NodePatch,
    PodChange,
    PodGone,
    PodList,
    PodRef,
    PodScope,
    PodSeen,
)
from nth.errors import ClusterError, Missing, Unreachable

CONNECT_SECONDS = 2.0
REQUEST_SECONDS = 5.0
WATCH_SECONDS = 15
WATCH_SLACK_SECONDS = 3.0
"""How much later than promised a watch may end before its connection counts as dead."""
WATCH_PAUSE_SECONDS = 1.0
"""Between two starts of a watch, should a server end each at once."""
PAGE_SIZE = 500
CONNECTIONS = 32
"""An eviction takes a modern API server about 0.1 s of waiting (it reads the budgets consistently, which
waits for etcd), so a few connections alone would hold a drain back; each costs about 0.06 MiB."""

HOSTNAME_LABEL = "kubernetes.io/hostname"
LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")

Query = dict[str, str]
T = TypeVar("T")


class KubernetesCluster:
    """`ports.Cluster` on the real API server.

    `requests_seen` counts answers by (verb, status code), code 0 = no answer. `last_answer_at` is when
    the API server last answered without a server error, or None.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        budget: RequestBudget,
        *,
        now: Callable[[], float] = time.time,
        request_seconds: float = REQUEST_SECONDS,
        watch_seconds: int = WATCH_SECONDS,
        watch_slack_seconds: float = WATCH_SLACK_SECONDS,
    ) -> None:
        self.requests_seen: Counter[tuple[str, int]] = Counter()
        self.last_answer_at: float | None = None
        self._client = client
        self._budget = budget
        self._now = now
        self._request_seconds = request_seconds
        self._watch_seconds = watch_seconds
        self._watch_slack_seconds = watch_slack_seconds

    async def close(self) -> None:
        """Close the connections; no verb may be used after it."""
        await self._client.aclose()

    async def read_node(self, name: str) -> Node:
        body = await self._ask(RequestClass.READ, "get", "GET", _node_path(name))
        return node_of(decoded(body, NodeObject, f"node {name}"))

    async def find_node(self, *, name: str, instance_id: str) -> Node:
        found = await self._node_by_name(name) if name else None
        if found is None and name:
            found = await self._node_by_hostname(name)
        if found is None and instance_id:
            found = await self._node_by_instance(instance_id)
        if found is None:
            raise Missing(f"no node is named {name!r} or alone has that hostname or instance {instance_id!r}")
        return found

    async def patch_node(self, name: str, patch: NodePatch) -> Node:
        body = await self._ask(
            RequestClass.CORDON,
            "patch",
            "PATCH",
            _node_path(name),
            content=patch.body,
            content_type="application/merge-patch+json",
        )
        return node_of(decoded(body, NodeObject, f"node {name}"))

    async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
        path, query = _pods_path(scope), _selectors(scope)
        pods, resource_version = await self._list_all(path, query, ObjectList[PodObject], cached=cached)
        return PodList(tuple(map(pod_of, pods)), resource_version)

    async def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
        """As the port says; close it (`contextlib.aclosing`) to give its connection back at once."""
        loop = asyncio.get_running_loop()
        while True:
            next_start_at = loop.time() + WATCH_PAUSE_SECONDS
            async with aclosing(self._watch_once(scope, resource_version)) as events:
                async for kind, found in events:
                    resource_version = found.metadata.resource_version
                    if kind == "DELETED":
                        yield PodGone(ref_of(found))
                    elif kind != "BOOKMARK":
                        yield PodSeen(pod_of(found))
            await asyncio.sleep(next_start_at - loop.time())

    async def evict_pod(self, ref: PodRef, *, grace_seconds: int | None) -> None:
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": ref.name, "namespace": ref.namespace},
            "deleteOptions": _delete_options(ref, grace_seconds),
        }
        path = f"{_pod_path(ref)}/eviction"
        try:
            await self._ask(RequestClass.EVICT, "evict", "POST", path, content=eviction)
        except Unreachable as error:
            # Where another pod has the name and is not Ready, the server tries again by itself for
            # 10 s before it says so (its EvictionsRetry): longer than we wait for an answer.
            if isinstance(error.__cause__, TimeoutError) and await self._is_gone(ref):
                raise Missing(f"pod {ref} is gone: another one has its name, or none") from error
            raise

    async def delete_pod(self, ref: PodRef, *, grace_seconds: int) -> None:
        options = _delete_options(ref, grace_seconds)
        await self._ask(RequestClass.EVICT, "delete", "DELETE", _pod_path(ref), content=options)

    async def list_budgets(self, namespace: str) -> tuple[Budget, ...]:
        path = f"/apis/policy/v1/namespaces/{_quoted(namespace)}/poddisruptionbudgets"
        found, _ = await self._list_all(path, {}, ObjectList[BudgetObject])
        return tuple(budget for budget in map(budget_of, found) if budget)

    async def _is_gone(self, ref: PodRef) -> bool:
        """Whether it is known that this pod is gone."""
        path = _pod_path(ref)
        try:
            found = decoded(await self._ask(RequestClass.READ, "get", "GET", path), PodObject, path)
        except ClusterError as error:
            return isinstance(error, Missing)
        return ref_of(found) != ref

    async def _node_by_name(self, name: str) -> Node | None:
        try:
            return await self.read_node(name)
        except Missing:
            return None

    async def _node_by_hostname(self, name: str) -> Node | None:
        names = sorted({text for text in (name, name.split(".")[0]) if LABEL_VALUE.fullmatch(text)})
        if not names:
            return None
        return _only(await self._list_nodes({"labelSelector": f"{HOSTNAME_LABEL} in ({','.join(names)})"}))

    async def _node_by_instance(self, instance_id: str) -> Node | None:
        nodes = await self._list_nodes({})
        return _only([node for node in nodes if node.provider_id.endswith(f"/{instance_id}")])

    async def _list_nodes(self, query: Query) -> list[Node]:
        nodes, _ = await self._list_all("/api/v1/nodes", query, ObjectList[NodeObject])
        return [node_of(node) for node in nodes]

    async def _list_all(
        self, path: str, query: Query, kind: type[ObjectList[T]], *, cached: bool = False
    ) -> tuple[list[T], str]:
        """All objects, page by page, and the resource version of the list.

        https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
        """
        items: list[T] = []
        # Version 0 is whatever the cache has, and that comes in one piece.
        position: Query = {"resourceVersion": "0"} if cached else {"limit": str(PAGE_SIZE)}
        while True:
            paged = {**query, **position}
            page = decoded(await self._ask(RequestClass.READ, "list", "GET", path, query=paged), kind, path)
            items += page.items or ()
            if not page.metadata.next_page:
                return items, page.metadata.resource_version
            position = {"limit": str(PAGE_SIZE), "continue": page.metadata.next_page}

    async def _watch_once(
        self, scope: PodScope, resource_version: str
    ) -> AsyncGenerator[tuple[str, PodObject], None]:
        """One watch request: (type, pod) until the server ends it as asked; any `ClusterError`."""
        path = _pods_path(scope)
        query = _selectors(scope) | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(self._watch_seconds),
        }
        silent_at = asyncio.get_running_loop().time() + self._watch_seconds + self._watch_slack_seconds
        what = f"watch {path}"
        # Not for as long as it lasts: a watch must not keep anybody from asking.
        async with self._budget.turn(RequestClass.READ):
            response = await self._send("watch", self._client.build_request("GET", path, params=query), what)
        try:
            lines = _lines(response.aiter_bytes())
            while True:
                with translated(what):
                    async with asyncio.timeout_at(silent_at):
                        line = await anext(lines, b"")
                if not line:
                    return
                yield _event(line, what)
        finally:
            await response.aclose()

    async def _ask(
        self,
        request_class: RequestClass,
        verb: str,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        content: object = None,
        content_type: str = "application/json",
    ) -> bytes:
        """One request when its turn has come, and the whole answer; any `ClusterError`."""
        body = None if content is None else msgspec.json.encode(content)
        request = self._client.build_request(
            method, path, params=query, content=body, headers={"Content-Type": content_type} if body else None
        )
        async with self._budget.turn(request_class):
            response = await self._send(verb, request, f"{verb} {path}")
        return response.content

    async def _send(self, verb: str, request: httpx2.Request, what: str) -> httpx2.Response:
        """The answer; a watch's without its body. Counts it, and raises for all that is not 2xx."""
        code = 0
        try:
            with translated(what):
                async with asyncio.timeout(self._request_seconds):
                    response = await self._client.send(request, stream=True)
                    if verb != "watch" or not response.is_success:
                        await response.aread()
            code = response.status_code
        finally:
            self.requests_seen[verb, code] += 1
        if code < 500:
            self.last_answer_at = self._now()
        if not response.is_success:
            raise error_of_answer(code, response.content, response.headers.get("Retry-After"), what)
        return response


def connect(
    *,
    kubeconfig: str,
    service_host: str,
    service_port: str,
    user_agent: str,
    qps: float,
    burst: int,
    connections: int = CONNECTIONS,
    service_account_dir: Path = SERVICE_ACCOUNT_DIR,
) -> KubernetesCluster:
    """The cluster of that kubeconfig, or else the one that the pod runs in. Sends nothing yet.

    `service_host` and `service_port` are KUBERNETES_SERVICE_HOST and _PORT; `connections` is how many
    requests may be in flight, watches not counted. SettingError: no way in.
    """
    access = find_access(
        kubeconfig=kubeconfig,
        service_host=service_host,
        service_port=service_port,
        service_account_dir=service_account_dir,
    )
    client = new_client(
        access, user_agent=user_agent, connect_seconds=CONNECT_SECONDS, keep_alive=connections
    )
    return KubernetesCluster(client, RequestBudget(qps=qps, burst=burst, in_flight=connections))


def _only(nodes: list[Node]) -> Node | None:
    """Never a guess between several: draining the wrong machine is worse than draining none."""
    return nodes[0] if len(nodes) == 1 else None


def _event(line: bytes, what: str) -> tuple[str, PodObject]:
    event = decoded(line, WatchEvent, what)
    if event.type == "ERROR":
        status = decoded(event.object, Status, what)
        raise error_of_status(status, status.code, None, what)
    return event.type, decoded(event.object, PodObject, what)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Whole lines, cut at line feeds only: JSON may carry what Unicode also calls a line's end.

    A line that the connection's end cuts off was never said.
    """
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _node_path(name: str) -> str:
    return f"/api/v1/nodes/{_quoted(name)}"


def _pods_path(scope: PodScope) -> str:
    return f"/api/v1/namespaces/{_quoted(scope.namespace)}/pods" if scope.namespace else "/api/v1/pods"


def _pod_path(ref: PodRef) -> str:
    return f"/api/v1/namespaces/{_quoted(ref.namespace)}/pods/{_quoted(ref.name)}"


def _selectors(scope: PodScope) -> Query:
    query = {"labelSelector": scope.label_selector} if scope.label_selector else {}
    return query | {"fieldSelector": f"spec.nodeName={scope.node_name}"} if scope.node_name else query


def _delete_options(ref: PodRef, grace_seconds: int | None) -> dict[str, object]:
    """https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/delete-options/"""
    grace = {} if grace_seconds is None else {"gracePeriodSeconds": grace_seconds}
    return {"preconditions": {"uid": ref.uid}, **grace}
