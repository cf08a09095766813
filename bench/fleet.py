"""Builds a cluster's nodes and pods, an AWS with their machines, and queue mode as a process, for figures.

The handler has its least rights and default settings; instants are the API server's own, from its audit log.
"""

import asyncio
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nth.core.facts import Pod
from testbed.audit import Request
from testbed.bed import RealBed
from testbed.build import assets_folder
from testbed.control_plane import ControlPlane, running
from testbed.rights import QUEUE_HANDLER
from tests.contract.bed import NodeSpec, Workload
from tests.e2e.handler import Handler
from tests.servers import aws
from tests.servers.aws import AwsServer

HANDLER = "aws-node-termination-handler"
MANAGED = {"aws-node-termination-handler/managed": "true"}
SETTLE_SECONDS = 3.0
READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The size of a storm."""

    nodes: int
    doomed: int
    pods_on_doomed: int
    pods_elsewhere: int
    deployments: int


@contextmanager
def control_plane() -> Iterator[ControlPlane]:
    """Yield the one that NTH_TESTBED names, or a new one."""
    if folder := os.environ.get("NTH_TESTBED"):
        plane = ControlPlane.attach(Path(folder))
        with (plane.folder / "in-use").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield plane
        return
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(assets_folder(), Path(scratch) / "plane") as plane,
    ):
        yield plane


@contextmanager
def empty_cluster(plane: ControlPlane) -> Iterator[RealBed]:
    """Yield an empty cluster, which is emptied again at the end."""
    bed = RealBed(plane)
    try:
        yield bed
    finally:
        bed.clear()


def instance_id(number: int) -> str:
    """Returns the id of the node of that number."""
    return f"i-{number:017x}"


def node_name(number: int) -> str:
    return f"node-{number}"


async def add_nodes(bed: RealBed, numbers: range) -> None:
    """Add Ready nodes."""
    specs = [NodeSpec(name=node_name(number), instance_id=instance_id(number)) for number in numbers]
    await asyncio.gather(*map(bed.add_node, specs))


async def set_up(bed: RealBed, size: Size) -> list[Pod]:
    """Set the cluster up; returns the pods of the doomed nodes, which are the first ones."""
    await add_nodes(bed, range(size.doomed))
    await run_pods(bed, "web", size.deployments, size.pods_on_doomed)
    await add_nodes(bed, range(size.doomed, size.nodes))
    await run_pods(bed, "rest", 1, size.pods_elsewhere)
    doomed = {node_name(number) for number in range(size.doomed)}
    return [pod for pod in await bed.pods() if pod.node_name in doomed]


async def run_pods(bed: RealBed, name: str, deployments: int, pods: int) -> None:
    """Run so many Ready pods, evenly shared by so many Deployments."""
    for number in range(deployments):
        await bed.run(Workload(name=f"{name}-{number}", replicas=pods // deployments))
    for number in range(deployments):
        await bed.wait_ready(f"{name}-{number}", pods // deployments, timeout_seconds=READY_SECONDS)


@contextmanager
def amazon(machines: int) -> Iterator[tuple[AwsServer, str]]:
    """Yield an AWS that knows so many nodes' instances as managed ones, and the URL of its queue."""
    with aws.running() as server:
        queue_url = server.create_queue("nth")
        for number in range(machines):
            server.add_instance(instance_id(number), tags=MANAGED)
        yield server, queue_url


@contextmanager
def handler(
    plane: ControlPlane, server: AwsServer, queue_url: str, folder: Path, **env: str
) -> Iterator[Handler]:
    """Yield queue mode, not started yet; `env` adds to the default settings."""
    folder.mkdir(parents=True, exist_ok=True)
    process = Handler(
        node_name="",
        kubeconfig=plane.handler_kubeconfig(QUEUE_HANDLER),
        metadata_url="http://127.0.0.1:9",
        folder=folder,
        developer_mode=False,
        env={
            **aws.ENVIRONMENT,
            "ENABLE_SQS_TERMINATION_DRAINING": "true",
            "QUEUE_URL": queue_url,
            "AWS_ENDPOINT": server.url,
            "AWS_REGION": aws.REGION,
            "POD_NAME": "nth-0",
            "NAMESPACE": "kube-system",
            **env,
        },
    )
    try:
        yield process
    finally:
        process.kill()


async def start(process: Handler) -> None:
    """Start it; returns when it is at rest."""
    process.start()
    await process.wait_said("Started watching for interruption events")
    await asyncio.sleep(SETTLE_SECONDS)


def answered_at(requests: list[Request], verb: str, resource: str) -> dict[str, float]:
    """Returns, by object, when the first such request about it was answered with success."""
    first: dict[str, float] = {}
    for request in requests:
        if (request.verb, request.resource) == (verb, resource) and request.code < 300:
            first.setdefault(request.name, request.answered_at)
    return first
