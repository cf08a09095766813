"""Every pod's life as the API server told it: the truth that the handler's words are held against.

One watch of all pods, by a person with all rights. It knows nothing of the handler.
"""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2

from testbed.control_plane import ControlPlane

Json = Any


@dataclass(slots=True, kw_only=True)
class Life:
    """One pod, from its first appearance on. Instants are epoch seconds; None = has not happened."""

    uid: str
    namespace: str
    name: str
    app: str
    owner: str
    """The UID of its controller; empty = it has none."""
    born_at: float
    own_grace_seconds: int
    node_name: str = ""
    ready_at: float | None = None
    """When it was Ready first."""
    asked_at: float | None = None
    """When it was seen with a deletion timestamp first, whoever asked."""
    grace_seconds: int | None = None
    """The time that it was given, at last."""
    phase: str = ""
    exit_code: int | None = None
    """Of its container; 137 = it was killed when its grace was over."""
    gone_at: float | None = None

    def see(self, pod: Json, at: float) -> None:
        """Take the pod's state as of now."""
        metadata, status = pod["metadata"], pod["status"]
        self.node_name = pod["spec"].get("nodeName", "")
        self.phase = status.get("phase", "")
        conditions = {each["type"]: each["status"] for each in status.get("conditions", ())}
        for container in status.get("containerStatuses", ()):
            self.exit_code = container["state"].get("terminated", {}).get("exitCode", self.exit_code)
        if self.ready_at is None and conditions.get("Ready") == "True":
            self.ready_at = at
        if "deletionTimestamp" in metadata:
            self.asked_at = self.asked_at or at
            # A pod that has stopped is deleted once more, without any grace.
            self.grace_seconds = metadata["deletionGracePeriodSeconds"] or self.grace_seconds


class Lives:
    """All pods that were there since the watch began."""

    def __init__(self) -> None:
        self._by_uid: dict[str, Life] = {}

    @property
    def all(self) -> list[Life]:
        """Returns them in the order of their birth."""
        return sorted(self._by_uid.values(), key=lambda life: (life.born_at, life.name))

    def take(self, kind: str, pod: Json, at: float) -> None:
        """Take one event of the watch."""
        metadata = pod["metadata"]
        life = self._by_uid.get(metadata["uid"])
        if life is None:
            life = self._by_uid[metadata["uid"]] = _born(pod, at)
        life.see(pod, at)
        if kind == "DELETED":
            life.gone_at = at


def _born(pod: Json, at: float) -> Life:
    metadata = pod["metadata"]
    owners = [each for each in metadata.get("ownerReferences", ()) if each.get("controller")]
    return Life(
        uid=metadata["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        app=metadata.get("labels", {}).get("app", ""),
        owner=owners[0]["uid"] if owners else "",
        born_at=at,
        own_grace_seconds=pod["spec"]["terminationGracePeriodSeconds"],
    )


@contextlib.asynccontextmanager
async def watched(plane: ControlPlane) -> AsyncIterator[Lives]:
    """Yield the lives of all pods, kept up to date until the end of the block."""
    lives, begun = Lives(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_watch(plane, lives, begun))
        await begun.wait()
        try:
            yield lives
        finally:
            task.cancel()


async def _watch(plane: ControlPlane, lives: Lives, begun: asyncio.Event) -> None:
    document = json.loads(plane.kubeconfig.read_text())
    client = httpx2.AsyncClient(
        base_url=plane.url,
        verify=ssl.create_default_context(cafile=plane.authority),
        headers={"Authorization": f"Bearer {document['users'][0]['user']['token']}"},
        timeout=None,
        trust_env=False,
    )
    async with client, client.stream("GET", "/api/v1/pods", params={"watch": "true"}) as answer:
        answer.raise_for_status()
        begun.set()
        async for line in answer.aiter_lines():
            event = json.loads(line)
            lives.take(event["type"], event["object"], time.time())
    raise AssertionError("the watch of all pods has ended")
