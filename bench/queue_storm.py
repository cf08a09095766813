"""The storm: Spot warnings for most nodes of a cluster at once, in the queue."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bench import fleet, webhooks
from bench.figures import Figure
from bench.process import cpu_seconds, peak_mib
from nth.core.facts import Pod
from testbed.audit import AuditLog
from testbed.bed import RealBed
from testbed.control_plane import ControlPlane
from testbed.rights import QUEUE_HANDLER
from tests.core import queue_samples
from tests.e2e.handler import Handler
from tests.servers.aws import AwsServer

SIZES = {
    60: fleet.Size(nodes=60, doomed=40, pods_on_doomed=400, pods_elsewhere=27, deployments=10),
    100: fleet.Size(nodes=100, doomed=80, pods_on_doomed=980, pods_elsewhere=20, deployments=20),
    6: fleet.Size(nodes=6, doomed=4, pods_on_doomed=40, pods_elsewhere=2, deployments=2),
}
LIMIT_SECONDS = 120.0
"""The time that a Spot warning leaves."""
LOOK_SECONDS = 1.0
BARE_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The figures of one run; seconds are counted from the sending of the first message."""

    doomed: int
    pods: int
    sending_seconds: float
    cordoned: int
    cordoned_seconds: float
    evicted: int
    evicted_seconds: float
    settled_seconds: float
    requests: int
    peak_mib: float
    cpu_seconds: float
    bare_seconds: float
    kinds: dict[str, int]
    """Requests by verb and resource."""


def one_run(plane: ControlPlane, folder: Path, size: fleet.Size, webhook: str = "") -> Run:
    """Run the bare client on a cluster, then the handler on an equal one; `webhook`: as `webhooks.KINDS`."""
    with fleet.empty_cluster(plane) as bed:
        bare_seconds = asyncio.run(_bare(plane, bed, size))
    with (
        fleet.empty_cluster(plane) as bed,
        fleet.amazon(size.nodes) as (server, queue_url),
        webhooks.told(webhook) as variables,
        fleet.handler(plane, server, queue_url, folder, **variables) as process,
    ):
        return asyncio.run(_storm(plane, bed, server, queue_url, process, size, bare_seconds))


async def _bare(plane: ControlPlane, bed: RealBed, size: fleet.Size) -> float:
    """Returns the API server's seconds for the evictions alone: the nodes are cordoned before."""
    pods = await fleet.set_up(bed, size)
    for number in range(size.doomed):
        await bed.change_node(fleet.node_name(number), {"spec": {"unschedulable": True}})
    await asyncio.sleep(fleet.SETTLE_SECONDS)
    told = await asyncio.to_thread(_run_bare, plane.handler_kubeconfig(QUEUE_HANDLER), pods)
    if told["accepted"] != len(pods):
        raise RuntimeError(f"the bare client evicted {told['accepted']} of {len(pods)} pods")
    return told["seconds"]


def _run_bare(kubeconfig: Path, pods: list[Pod]) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.bare_evictions", str(kubeconfig)]
    lines = "".join(f"{pod.ref.namespace} {pod.ref.name} {pod.ref.uid}\n" for pod in pods)
    ended = subprocess.run(
        command, input=lines.encode(), stdout=subprocess.PIPE, timeout=BARE_SECONDS, check=True
    )
    told: dict[str, float] = json.loads(ended.stdout)
    return told


async def _storm(
    plane: ControlPlane,
    bed: RealBed,
    server: AwsServer,
    queue_url: str,
    process: Handler,
    size: fleet.Size,
    bare_seconds: float,
) -> Run:
    pods = await fleet.set_up(bed, size)
    await fleet.start(process)
    audit = AuditLog(plane.audit_log)
    began_cpu, sent_at = cpu_seconds(process.pid), time.time()
    bodies = [_warning(number, sent_at) for number in range(size.doomed)]
    await asyncio.to_thread(server.send, queue_url, *bodies)
    sent_until = time.time()
    settled_at = await _settled_at(server, queue_url, sent_at)
    requests = audit.requests(fleet.HANDLER)
    cordons = fleet.answered_at(requests, "patch", "nodes")
    evictions = fleet.answered_at(requests, "create", "pods/eviction")
    return Run(
        doomed=size.doomed,
        pods=len(pods),
        sending_seconds=sent_until - sent_at,
        cordoned=_within(cordons, sent_at),
        cordoned_seconds=max(cordons.values()) - sent_at,
        evicted=_within(evictions, sent_at),
        evicted_seconds=max(evictions.values()) - sent_at,
        settled_seconds=settled_at - sent_at,
        requests=len(requests),
        peak_mib=peak_mib(process.pid),
        cpu_seconds=cpu_seconds(process.pid) - began_cpu,
        bare_seconds=bare_seconds,
        kinds=dict(Counter(f"{each.verb} {each.resource} {each.code}" for each in requests)),
    )


def _warning(number: int, at: float) -> str:
    return queue_samples.spot_message(fleet.instance_id(number), at, event_id=f"event-{number}")


async def _settled_at(server: AwsServer, queue_url: str, sent_at: float) -> float:
    """Returns when the queue is seen to be empty; looked at seldom, because looking costs time, too."""
    while time.time() < sent_at + LIMIT_SECONDS:
        await asyncio.sleep(LOOK_SECONDS)
        if not (await asyncio.to_thread(server.queue_counts, queue_url)).messages:
            break
    return time.time()


def _within(moments: dict[str, float], sent_at: float) -> int:
    return sum(at <= sent_at + LIMIT_SECONDS for at in moments.values())


def figures(runs: list[Run]) -> list[Figure]:
    """Returns the storm's rows of the design's table; seconds and bytes have limits at its size only."""
    doomed, pods = runs[0].doomed, runs[0].pods
    none = float("inf")
    cordon_s, evict_s, peak = (2.0, 7.0, 100.0) if doomed == SIZES[60].doomed else (none, none, none)
    lost_nodes = [float(doomed - run.cordoned) for run in runs]
    lost_pods = [float(pods - run.evicted) for run in runs]
    return [
        Figure("first message sent -> last node cordoned, s", [r.cordoned_seconds for r in runs], cordon_s),
        Figure(f"-> last of {pods} evictions accepted, s", [r.evicted_seconds for r in runs], evict_s),
        Figure("  a bare client, 50 in flight, in the same run, s", [r.bare_seconds for r in runs], none),
        Figure("  times what the bare client needs", [r.evicted_seconds / r.bare_seconds for r in runs], 1.7),
        Figure(f"nodes of {doomed} not cordoned within 120 s", lost_nodes, 0.0),
        Figure(f"pods of {pods} not evicted within 120 s", lost_pods, 0.0),
        Figure("API requests", [float(r.requests) for r in runs], 700 * max(1, doomed // 40)),
        Figure("memory at its peak, VmHWM MiB", [r.peak_mib for r in runs], peak),
        Figure("CPU of the handler, s", [r.cpu_seconds for r in runs], none),
        Figure("-> queue empty (a look each second), s", [r.settled_seconds for r in runs], none),
    ]
