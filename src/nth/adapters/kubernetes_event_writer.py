"""Creates Kubernetes events. Nothing needs another verb, for no event is ever changed."""

from collections.abc import Mapping

from nth.adapters.kubernetes_paths import events_path
from nth.adapters.kubernetes_requests import ApiServer
from nth.adapters.request_budget import RequestClass
from nth.errors import Conflict


class KubernetesEventWriter:
    """`reporters.kubernetes_events.EventWriter`; shares client and budget with the cluster's adapter."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    async def create(self, namespace: str, document: Mapping[str, object]) -> None:
        """When nobody else has anything to ask; any `ClusterError`. One that is there already is fine."""
        path = events_path(namespace)
        try:
            await self._server.ask(RequestClass.REPORT, "create", "POST", path, content=document)
        except Conflict:
            return
