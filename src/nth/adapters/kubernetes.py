"""The Kubernetes API server behind `ports.Cluster`: its verbs, each one request or few.

The session decides how to go on after an error: nothing is tried again here.
"""

import re
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from nth.adapters.kubernetes_credentials import SERVICE_ACCOUNT_DIR, find_access, new_client
from nth.adapters.kubernetes_errors import decoded
from nth.adapters.kubernetes_objects import (
    BudgetObject,
    NodeObject,
    ObjectList,
    PodObject,
    budget_of,
    node_of,
    pod_of,
    ref_of,
)
from nth.adapters.kubernetes_paths import NODES, budgets_path, node_path, pod_path, pods_path, selectors
from nth.adapters.kubernetes_requests import ApiServer, Query
from nth.adapters.request_budget import RequestBudget, RequestClass
from nth.core.facts import (
    Budget,
    Controller,
    Node,
    NodeChange,
    NodeGone,
    NodeList,
    NodePatch,
    NodeSeen,
    PodChange,
    PodCondition,
    PodGone,
    PodList,
    PodRef,
    PodScope,
    PodSeen,
    Wanted,
)
from nth.core.node.node_annotation import FIELD_MANAGER
from nth.core.node.which_node import of_hostname, of_instance
from nth.core.times import utc_text
from nth.errors import ClusterError, Missing, Unreachable

CONNECT_SECONDS = 2.0
CONNECTIONS = 80
"""An eviction takes a modern API server tenths of a second, most of it waiting (it reads the budgets
consistently, which waits for etcd): in a storm it is their number in flight that limits us, not our CPU.
Measured in turns, three times each: 400 evictions took 4.5 s with 32, 3.1 s with 50, 2.5 s with 80 (medians).
Each costs about 0.06 MiB, and is opened when needed."""

SET_BY_US: Query = {"fieldManager": FIELD_MANAGER}
"""With this a cordon can be shown to be ours.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers
"""
HOSTNAME_LABEL = "kubernetes.io/hostname"
LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


class KubernetesCluster:
    """`ports.Cluster` on the real API server. Other adapters of the same server share its `server`."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server

    @property
    def requests_seen(self) -> Counter[tuple[str, int]]:
        """Counts answers by (verb, status code); code 0 = no answer."""
        return self.server.requests_seen

    @property
    def last_answer_at(self) -> float | None:
        """When the API server last answered without a server error."""
        return self.server.last_answer_at

    async def close(self) -> None:
        """Close the connections; no verb may be used after it."""
        await self.server.close()

    async def read_node(self, name: str) -> Node:
        body = await self.server.ask(RequestClass.READ, "get", "GET", node_path(name))
        return node_of(decoded(body, NodeObject, f"node {name}"))

    async def find_node(self, *, name: str, instance_id: str) -> Node:
        found = await self._node_by_name(name) if name else None
        if found is None and name:
            found = await self._node_by_hostname(name, instance_id)
        if found is None and instance_id:
            found = await self._node_by_instance(instance_id)
        if found is None:
            raise Missing(f"no node is named {name!r} or alone has that hostname or instance {instance_id!r}")
        return found

    async def list_nodes(self) -> NodeList:
        return await self._list_nodes({})

    async def watch_nodes(self, resource_version: str, *, name: str = "") -> AsyncGenerator[NodeChange, None]:
        """Yield changes as the port says; `contextlib.aclosing` gives their connection back at once."""
        query = {"fieldSelector": f"metadata.name={name}"} if name else {}
        async with aclosing(self.server.watch(NODES, query, NodeObject, resource_version)) as events:
            async for event, found in events:
                if event == "DELETED":
                    yield NodeGone(found.metadata.name, found.metadata.uid)
                else:
                    yield NodeSeen(node_of(found))

    async def patch_node(self, name: str, patch: NodePatch, *, deadline_at: float | None = None) -> Node:
        body = await self.server.ask(
            RequestClass.CORDON,
            "patch",
            "PATCH",
            node_path(name),
            query=SET_BY_US,
            content=patch.body,
            content_type="application/merge-patch+json",
            deadline_at=deadline_at,
        )
        return node_of(decoded(body, NodeObject, f"node {name}"))

    async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
        pods, resource_version = await self.server.list_all(
            pods_path(scope), selectors(scope), ObjectList[PodObject], pod_of, cached=cached
        )
        return PodList(tuple(pods), resource_version)

    async def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
        """Yield changes as the port says; `contextlib.aclosing` gives their connection back at once."""
        path, query = pods_path(scope), selectors(scope)
        async with aclosing(self.server.watch(path, query, PodObject, resource_version)) as events:
            async for event, found in events:
                version = found.metadata.resource_version
                yield (
                    PodGone(ref_of(found), version) if event == "DELETED" else PodSeen(pod_of(found), version)
                )

    async def evict_pod(
        self, ref: PodRef, *, grace_seconds: int | None, deadline_at: float | None = None
    ) -> None:
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": ref.name, "namespace": ref.namespace},
            "deleteOptions": _delete_options(ref, grace_seconds),
        }
        path = f"{pod_path(ref)}/eviction"
        try:
            await self.server.ask(
                RequestClass.EVICT, "evict", "POST", path, content=eviction, deadline_at=deadline_at
            )
        except Unreachable as error:
            # Where another pod has the name and is not Ready, the server tries again by itself for
            # 10 s before it says so (its EvictionsRetry): longer than we wait for an answer.
            if isinstance(error.__cause__, TimeoutError) and await self._is_gone(ref):
                raise Missing(f"pod {ref} is gone: another one has its name, or none") from error
            raise

    async def delete_pod(self, ref: PodRef, *, grace_seconds: int, deadline_at: float | None = None) -> None:
        options = _delete_options(ref, grace_seconds)
        await self.server.ask(
            RequestClass.EVICT, "delete", "DELETE", pod_path(ref), content=options, deadline_at=deadline_at
        )

    async def mark_pod(
        self, ref: PodRef, condition: PodCondition, *, deadline_at: float | None = None
    ) -> None:
        # Conditions are merged by their type; the UID lets the server refuse another pod of that name.
        patch = {"metadata": {"uid": ref.uid}, "status": {"conditions": [_condition(condition)]}}
        await self.server.ask(
            # After every delete that waits for its turn: no mark may cost a pod its time.
            RequestClass.READ,
            "patch",
            "PATCH",
            f"{pod_path(ref)}/status",
            content=patch,
            content_type="application/strategic-merge-patch+json",
            deadline_at=deadline_at,
        )

    async def list_budgets(self, namespace: str) -> tuple[Budget, ...]:
        found, _ = await self.server.list_all(
            budgets_path(namespace), {}, ObjectList[BudgetObject], budget_of
        )
        return tuple(budget for budget in found if budget)

    async def read_wanted(self, namespace: str, controller: Controller) -> Wanted | None:
        # Imported here: each node would pay for it, and few drains ask.
        from nth.adapters.kubernetes_controllers import ControllerObject, controller_path, wanted_of

        path = controller_path(namespace, controller)
        if path is None:
            return None
        body = await self.server.ask(RequestClass.READ, "get", "GET", path)
        return wanted_of(decoded(body, ControllerObject, path), controller)

    async def _is_gone(self, ref: PodRef) -> bool:
        """Returns whether it is known that this pod is gone."""
        path = pod_path(ref)
        try:
            found = decoded(await self.server.ask(RequestClass.READ, "get", "GET", path), PodObject, path)
        except ClusterError as error:
            return isinstance(error, Missing)
        return ref_of(found) != ref

    async def _node_by_name(self, name: str) -> Node | None:
        try:
            return await self.read_node(name)
        except Missing:
            return None

    async def _node_by_hostname(self, name: str, instance_id: str) -> Node | None:
        names = sorted({text for text in (name, name.split(".")[0]) if LABEL_VALUE.fullmatch(text)})
        if not names:
            return None
        listed = await self._list_nodes({"labelSelector": f"{HOSTNAME_LABEL} in ({','.join(names)})"})
        return of_hostname(listed.nodes, instance_id)

    async def _node_by_instance(self, instance_id: str) -> Node | None:
        return of_instance((await self.list_nodes()).nodes, instance_id)

    async def _list_nodes(self, query: Query) -> NodeList:
        nodes, resource_version = await self.server.list_all(NODES, query, ObjectList[NodeObject], node_of)
        return NodeList(tuple(nodes), resource_version)


def connect(
    *,
    kubeconfig: str,
    service_host: str,
    service_port: str,
    user_agent: str,
    qps: float,
    burst: int,
    context: str = "",
    connections: int = CONNECTIONS,
    service_account_dir: Path = SERVICE_ACCOUNT_DIR,
) -> KubernetesCluster:
    """Returns the cluster of that kubeconfig, or else the one that the pod runs in. Sends nothing yet.

    `service_host` and `service_port` are KUBERNETES_SERVICE_HOST and _PORT; `context` is the kubeconfig's,
    empty its current one; `connections` is how many requests may be in flight, watches not counted.
    SettingError: no way in.
    """
    access = find_access(
        kubeconfig=kubeconfig,
        context=context,
        service_host=service_host,
        service_port=service_port,
        service_account_dir=service_account_dir,
    )
    client = new_client(
        access, user_agent=user_agent, connect_seconds=CONNECT_SECONDS, keep_alive=connections
    )
    budget = RequestBudget(qps=qps, burst=burst, in_flight=connections)
    return KubernetesCluster(ApiServer(client=client, budget=budget))


def _condition(condition: PodCondition) -> dict[str, str]:
    return {
        "type": condition.kind,
        "status": "True",
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": utc_text(condition.changed_at),
    }


def _delete_options(ref: PodRef, grace_seconds: int | None) -> dict[str, object]:
    """Returns a DeleteOptions with the pod's UID as a precondition."""
    grace = {} if grace_seconds is None else {"gracePeriodSeconds": grace_seconds}
    return {"preconditions": {"uid": ref.uid}, **grace}
