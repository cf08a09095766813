"""A doomed node, a haven for its pods, and its handler between a metadata service and a proxy of ours.

Several stages fit into one cluster and one event loop: the pods of each know only their own two nodes.
"""

import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from nth.core.facts import Node
from nth.core.node.node_annotation import RECORD_ANNOTATION, NodeRecord, decode
from nth.core.notices.imds import REBALANCE_PATH, SCHEDULED_PATH, SPOT_PATH
from nth.core.policy import PREFIX
from nth.core.times import utc_text
from testbed.bed import RealBed
from testbed.rights import HANDLER
from tests.contract.bed import NodeSpec, Workload
from tests.e2e.handler import Handler
from tests.e2e.proxy import Proxy, proxying, write_kubeconfig
from tests.servers.http import Server, serving
from tests.servers.imds import MetadataServer

LISTENS = "Started watching for interruption events"
DRAINED = "Node successfully cordoned and drained"
RESTORED = "Node successfully uncordoned"
FORCED = "Pod deleted past its budget"
WAITING_FOR_API = "Waiting for the Kubernetes API server"
API_ANSWERS_AGAIN = "The Kubernetes API server answers again"

MAINTENANCE_ID = "instance-event-0123456789abcdef0"
QUICK = (0.3, 0.6)
"""Between so many seconds a pod stops, unless a test says otherwise."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """One node's interruption."""

    name: str
    bed: RealBed
    handler: Handler
    proxy: Proxy
    metadata: MetadataServer
    metadata_server: Server

    @property
    def doomed(self) -> str:
        return f"{self.name}-doomed"

    @property
    def haven(self) -> str:
        return f"{self.name}-haven"

    async def add_node(self, name: str) -> Node:
        """One that only this stage's pods go to."""
        spec = NodeSpec(name=name, instance_id=f"i-{name}", labels={"stage": self.name})
        return await self.bed.add_node(spec)

    async def run(self, workload: Workload) -> str:
        """Its full name."""
        name = f"{self.name}-{workload.name}"
        await self.bed.run(replace(workload, name=name, node_selector={"stage": self.name}))
        return name

    async def set_up(self, *workloads: Workload) -> None:
        """All pods Ready on the doomed node, and an empty haven."""
        await self.add_node(self.doomed)
        names = [await self.run(workload) for workload in workloads]
        for name, workload in zip(names, workloads, strict=True):
            await self.bed.wait_ready(name, workload.replicas)
        await self.add_node(self.haven)

    async def listen(self, *flags: str) -> None:
        """Start the handler; returns when it watches the metadata service."""
        before = len(self.handler.said(LISTENS))
        self.handler.start(*flags)
        await self.handler.wait_said(LISTENS, count=before + 1)

    def say_spot(self, interrupted_at: float) -> None:
        """A Spot notice, from now on."""
        self.metadata.documents[SPOT_PATH] = spot_document(interrupted_at)

    def say_rebalance(self) -> None:
        """A rebalance recommendation, from now on."""
        text = json.dumps({"noticeTime": utc_text(time.time())})
        self.metadata.documents[REBALANCE_PATH] = text.encode()

    def say_maintenance(self, state: str = "active") -> None:
        """A reboot far in the future: `active`, `canceled` or `completed`."""
        event = {
            "NotBefore": "2 Oct 2096 07:06:40 GMT",
            "NotAfter": "2 Oct 2096 08:06:40 GMT",
            "Code": "system-reboot",
            "Description": "scheduled reboot",
            "EventId": MAINTENANCE_ID,
            "State": state,
        }
        self.metadata.documents[SCHEDULED_PATH] = json.dumps([event]).encode()

    async def node(self) -> Node:
        return await self.bed.node(self.doomed)

    async def record(self) -> NodeRecord | None:
        """What the handler has written on the doomed node."""
        text = (await self.node()).annotations.get(RECORD_ANNOTATION)
        return None if text is None else decode(text)

    async def is_drained(self) -> bool:
        """As the node's record says."""
        record = await self.record()
        return record is not None and record.drained

    async def wait_drained(self, *, timeout_seconds: float = 30.0) -> None:
        try:
            await self.bed.wait_until(self.is_drained, timeout_seconds=timeout_seconds)
        except AssertionError as error:
            raise AssertionError(f"{self.doomed} is not drained\n{self.handler.tail()}") from error

    async def wait_moved(self, app: str, count: int) -> None:
        """All pods of that workload Ready in the haven."""

        async def moved() -> bool:
            pods = await self.bed.pods(f"{self.name}-{app}")
            return [pod.node_name for pod in pods if pod.ready] == [self.haven] * count

        await self.bed.wait_until(moved)

    def assert_nobody_removed_twice(self) -> None:
        """The API server has accepted one eviction or deletion per pod, at most."""
        uids = [asked.pod_uid for asked in self.proxy.removals()]
        assert len(uids) == len(set(uids)), [asked.path for asked in self.proxy.removals()]


def spot_document(interrupted_at: float) -> bytes:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html"""
    return json.dumps({"action": "terminate", "time": utc_text(interrupted_at)}).encode()


def taint_keys(node: Node) -> set[str]:
    """But for the one that the control plane itself gives to a cordoned node, a moment later."""
    return {taint.key for taint in node.taints} - {"node.kubernetes.io/unschedulable"}


def ours_on(node: Node) -> list[str]:
    """The names of all labels, annotations and taints on the node that are the handler's."""
    names = (*node.labels, *node.annotations, *(taint.key for taint in node.taints))
    return sorted(name for name in names if name.startswith(PREFIX))


@contextlib.asynccontextmanager
async def staged(
    bed: RealBed, folder: Path, *, name: str = "one", account: str = HANDLER
) -> AsyncIterator[Stage]:
    """The handler is not started yet, and there are no nodes; `account` is whose rights it has."""
    folder = folder / name
    folder.mkdir()
    metadata = MetadataServer({"/latest/meta-data/instance-id": f"i-{name}-doomed".encode()})
    async with proxying(bed.plane) as proxy, serving(metadata) as server:
        kubeconfig = folder / "kubeconfig"
        write_kubeconfig(kubeconfig, proxy, bed.plane.handler_token(account))
        handler = Handler(
            node_name=f"{name}-doomed", kubeconfig=kubeconfig, metadata_url=server.url, folder=folder
        )
        try:
            yield Stage(
                name=name,
                bed=bed,
                handler=handler,
                proxy=proxy,
                metadata=metadata,
                metadata_server=server,
            )
        finally:
            handler.kill()
