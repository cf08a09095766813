"""Writes reports into Kubernetes itself: it creates events, and patches the status of Nodes.

No event is ever changed, and nothing but a node's status is patched here.
"""

from collections.abc import Mapping

from nth.adapters.kubernetes_paths import events_path, node_status_path
from nth.adapters.kubernetes_requests import ApiServer
from nth.adapters.request_budget import RequestClass
from nth.errors import Conflict


class KubernetesEventWriter:
    """`reporters.kubernetes_events.EventWriter`; shares client and budget with the cluster's adapter."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    async def create(self, namespace: str, document: Mapping[str, object]) -> None:
        """Create it after all requests that wait; any `ClusterError`. One that is there already is fine."""
        path = events_path(namespace)
        try:
            await self._server.ask(RequestClass.REPORT, "create", "POST", path, content=document)
        except Conflict:
            return


class KubernetesNodeStatus:
    """`reporters.node_condition.StatusWriter`; shares client and budget with the cluster's adapter."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    async def patch(self, node_name: str, body: Mapping[str, object]) -> None:
        """Patch it after all other requests that wait; any `ClusterError`.

        The body is a strategic merge patch: of the list of conditions it changes those that it names.
        https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
        """
        await self._server.ask(
            RequestClass.REPORT,
            "patch",
            "PATCH",
            node_status_path(node_name),
            content=body,
            content_type="application/strategic-merge-patch+json",
        )
