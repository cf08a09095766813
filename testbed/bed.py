"""Lets a test act on the real control plane: `tests.contract.bed.Bed`, one for each test.

Bound to no event loop: it asks in threads, so a fixture can make and clear it outside of
the test's own loop.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec

from nth.adapters.kubernetes import KubernetesCluster, connect
from nth.adapters.kubernetes_leases import REPLICA_LABEL, KubernetesLeases
from nth.adapters.kubernetes_objects import NodeObject, ObjectList, PodObject, node_of, pod_of
from nth.adapters.kubernetes_paths import leases_path
from nth.core.facts import Node, Pod, PodRef
from nth.core.times import utc_text
from nth.errors import Missing
from nth.ports import Cluster, Leases
from testbed import admission
from testbed.admission import AdmissionWebhook
from testbed.api import Api
from testbed.control_plane import ControlPlane
from testbed.helm import NAMESPACE
from testbed.rights import DRY_HANDLER, HANDLER, POLITE_HANDLER, QUEUE_HANDLER
from testbed.workloads import FOLDERS, budget_document, node_document, workload_document
from tests.contract.bed import BudgetSpec, Guard, NodeSpec, Workload

_NODES = "/api/v1/nodes"
_AT_ONCE = {"gracePeriodSeconds": 0}
_POLL_SECONDS = 0.05
_FOREIGN = "testbed/foreign"
_UNREADY = "testbed/unready"
"""An annotation that keeps the fake kubelet from making the node Ready (stages.yaml)."""

T = TypeVar("T")


class RealBed:
    """A namespace of its own in a cluster that no other test uses meanwhile."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self._api = Api(plane.kubeconfig)
        self._namespace = f"test-{uuid.uuid4().hex[:8]}"
        self._kinds: dict[str, str] = {}
        self._webhook: AdmissionWebhook | None = None
        self._api.post("/api/v1/namespaces", {"metadata": {"name": self._namespace}})

    @property
    def namespace(self) -> str:
        return self._namespace

    def now(self) -> float:
        return time.time()

    @contextlib.asynccontextmanager
    async def cluster(self, *, may_delete: bool = True) -> AsyncIterator[Cluster]:
        async with self.connected(HANDLER if may_delete else POLITE_HANDLER) as cluster:
            yield cluster

    @contextlib.asynccontextmanager
    async def dry_run(self) -> AsyncIterator[Cluster]:
        async with self.connected(DRY_HANDLER) as cluster:
            yield cluster

    @contextlib.asynccontextmanager
    async def fleet(self) -> AsyncIterator[tuple[Cluster, Leases]]:
        async with self.connected(QUEUE_HANDLER) as cluster:
            yield cluster, KubernetesLeases(cluster.server, NAMESPACE)

    @contextlib.asynccontextmanager
    async def connected(self, account: str) -> AsyncIterator[KubernetesCluster]:
        """Yield an adapter with the rights of that service account."""
        kubeconfig = await asyncio.to_thread(self.plane.handler_kubeconfig, account)
        cluster = connect(
            kubeconfig=str(kubeconfig),
            service_host="",
            service_port="",
            user_agent="testbed",
            qps=100,
            burst=200,
        )
        try:
            yield cluster
        finally:
            await cluster.close()

    async def add_foreign_lease(self, name: str) -> None:
        body = {
            "metadata": {"name": name, "labels": {_FOREIGN: "yes"}},
            "spec": {"holderIdentity": "somebody"},
        }
        await self._ask(self._api.post, leases_path(NAMESPACE), body)

    async def add_node(self, spec: NodeSpec) -> Node:
        await self._ask(self._api.post, _NODES, node_document(spec))
        await self.wait_until(lambda: self._node_is_up(spec.name))
        return await self.node(spec.name)

    async def remove_node(self, name: str) -> None:
        await self._ask(self._api.delete, f"{_NODES}/{name}")
        await asyncio.to_thread(self._kill_pods, fieldSelector=f"spec.nodeName={name}")

    async def node(self, name: str) -> Node:
        return node_of(_decoded(await self._ask(self._api.get, f"{_NODES}/{name}"), NodeObject))

    async def change_node(self, name: str, body: Mapping[str, object]) -> Node:
        return node_of(_decoded(await self._ask(self._api.merge, f"{_NODES}/{name}", body), NodeObject))

    async def set_ready(self, name: str, ready: bool) -> Node:
        mark = {"metadata": {"annotations": {_UNREADY: None if ready else "yes"}}}
        await self._ask(self._api.merge, f"{_NODES}/{name}", mark)
        if not ready:
            status = {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Test"}]}}
            await self._ask(self._api.merge, f"{_NODES}/{name}/status", status)

        async def so() -> bool:
            return (await self.node(name)).ready is ready

        await self.wait_until(so)
        return await self.node(name)

    async def forget_history(self) -> None:
        # A new API server has no memory of changes before its own first list.
        await asyncio.to_thread(self.plane.stop_part, "kube-apiserver")
        await asyncio.to_thread(self.plane.start_missing)

    async def run(self, workload: Workload) -> None:
        uid = (await self.node(workload.node_name)).uid if workload.kind == "Mirror" else ""
        self._kinds[workload.name] = workload.kind
        folder = FOLDERS[workload.kind].format(self._namespace)
        await self._ask(self._api.post, f"/{folder}", workload_document(workload, uid))

    async def scale(self, name: str, replicas: int) -> None:
        folder = FOLDERS[self._kinds[name]].format(self._namespace)
        await self._ask(self._api.merge, f"/{folder}/{name}", {"spec": {"replicas": replicas}})

    async def roll_out(self, name: str) -> None:
        folder = FOLDERS[self._kinds[name]].format(self._namespace)
        stamp = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": utc_text(self.now())}}}
        await self._ask(self._api.merge, f"/{folder}/{name}", {"spec": {"template": stamp}})

    async def delete(self, name: str) -> None:
        folder = FOLDERS[self._kinds[name]].format(self._namespace)
        await self._ask(self._api.delete, f"/{folder}/{name}", {"propagationPolicy": "Background"})

    async def set_budget(self, spec: BudgetSpec) -> None:
        path = f"/apis/policy/v1/namespaces/{self._namespace}/poddisruptionbudgets/{spec.name}"
        generation = _decoded(await self._ask(self._api.apply, path, budget_document(spec)), _Generations)

        async def counted() -> bool:
            seen = _decoded(await self._ask(self._api.get, path), _Generations)
            return seen.status.observed_generation >= generation.metadata.generation

        await self.wait_until(counted)

    async def set_guard(self, guard: Guard | None) -> None:
        if guard is None:
            await self._ask(admission.remove, self._api)
        else:
            self._webhook = self._webhook or AdmissionWebhook(self.plane.authority)
            await self._ask(admission.install, self._api, self._webhook, guard)
        (pod, *_), account = await self.pods(), await asyncio.to_thread(self.plane.handler_kubeconfig)

        def in_force() -> bool:
            with Api(account) as api:
                return admission.is_in_force(api, pod, guard)

        await self.wait_until(lambda: asyncio.to_thread(in_force))

    async def pods(self, app: str = "") -> tuple[Pod, ...]:
        query = {"labelSelector": f"app={app}"} if app else {}
        return await self._list_pods(f"/api/v1/namespaces/{self._namespace}/pods", query)

    async def pods_on(self, node_name: str) -> tuple[Pod, ...]:
        return await self._list_pods("/api/v1/pods", {"fieldSelector": f"spec.nodeName={node_name}"})

    async def delete_pod(self, ref: PodRef, *, grace_seconds: int | None = None) -> None:
        options: dict[str, object] = {"preconditions": {"uid": ref.uid}}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        await self._ask(self._api.delete, _pod_path(ref), options)

    async def drop_finalizers(self, ref: PodRef) -> None:
        await self._ask(self._api.merge, _pod_path(ref), {"metadata": {"uid": ref.uid, "finalizers": None}})

    async def wait_ready(self, app: str, count: int, *, timeout_seconds: float = 20.0) -> tuple[Pod, ...]:
        found: tuple[Pod, ...] = ()

        async def ready() -> bool:
            nonlocal found
            found = await self.pods(app)
            return len(found) == count and all(p.ready and p.deleting_until_at is None for p in found)

        await self.wait_until(ready, timeout_seconds=timeout_seconds)
        return found

    async def wait_until(
        self, condition: Callable[[], Awaitable[bool]], *, timeout_seconds: float = 20.0
    ) -> None:
        end = time.monotonic() + timeout_seconds
        while not await condition():
            assert time.monotonic() < end, f"not true within {timeout_seconds} s"
            await asyncio.sleep(_POLL_SECONDS)

    def clear(self) -> None:
        """End the test: no node, pod, budget or Lease is left; a namespace controller removes the rest."""
        admission.remove(self._api)
        if self._webhook is not None:
            self._webhook.stop()
        self._api.delete(f"/api/v1/namespaces/{self._namespace}")
        self._api.delete(_NODES)
        for label in (REPLICA_LABEL, _FOREIGN):
            self._api.delete(leases_path(NAMESPACE), labelSelector=label)
        # A controller that has not seen yet that the namespace is ending may make one more.
        while self._kill_pods():
            pass
        self._api.close()

    def _kill_pods(self, **selector: str) -> bool:
        """Delete pods past grace and finalizers, as if a machine vanishes; returns whether there were any."""
        folder = f"/api/v1/namespaces/{self._namespace}/pods"
        there = bool(_decoded(self._api.get(folder, **selector), ObjectList[PodObject]).items)
        self._api.delete(folder, _AT_ONCE, **selector)
        for kept in _decoded(self._api.get(folder, **selector), ObjectList[PodObject]).items or []:
            with contextlib.suppress(Missing):
                self._api.merge(f"{folder}/{kept.metadata.name}", {"metadata": {"finalizers": None}})
        return there

    async def _node_is_up(self, name: str) -> bool:
        node = await self.node(name)
        # The control plane's own taint goes a moment after the condition has come.
        return node.ready and not any(taint.key == "node.kubernetes.io/not-ready" for taint in node.taints)

    async def _list_pods(self, path: str, query: Mapping[str, str]) -> tuple[Pod, ...]:
        body = await asyncio.to_thread(self._api.get, path, **query)
        pods = [pod_of(found) for found in _decoded(body, ObjectList[PodObject]).items or []]
        return tuple(sorted(pods, key=lambda pod: pod.ref.name))

    async def _ask(self, verb: Callable[..., T], *arguments: object) -> T:
        return await asyncio.to_thread(verb, *arguments)


class _Meta(msgspec.Struct):
    generation: int = 0


class _Status(msgspec.Struct, rename="camel"):
    observed_generation: int = 0


class _Generations(msgspec.Struct):
    metadata: _Meta
    status: _Status = msgspec.field(default_factory=_Status)


def _pod_path(ref: PodRef) -> str:
    return f"/api/v1/namespaces/{ref.namespace}/pods/{ref.name}"


def _decoded(body: bytes, kind: type[T]) -> T:
    return msgspec.json.decode(body, type=kind)
