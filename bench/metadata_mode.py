"""Metadata mode: from the notice on the metadata service to 30 pods gone from the node.

The handler is a process with its least rights and default settings; the metadata service is
amazon-ec2-metadata-mock; instants are the API server's own, from its audit log. The pods need
1.5 s to become Ready and 3-6 s to stop.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure, table
from bench.process import cpu_seconds, resident_mib
from testbed.audit import AuditLog, Request
from testbed.bed import RealBed
from testbed.build import assets_folder, ensure_built
from testbed.control_plane import ControlPlane, running
from testbed.metadata_mock import MetadataMock, SpotNotices
from testbed.rights import TOLD_HANDLER
from tests.contract.bed import NodeSpec, Workload
from tests.e2e.handler import Handler

PODS = 30
DEPLOYMENTS = 3
IDLE_SECONDS = 10.0
SETTLE_SECONDS = 3.0
HANDLER = "aws-node-termination-handler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The figures of one run; seconds are counted from the notice."""

    cordoned_seconds: float
    evicted_seconds: float
    gone_seconds: float
    requests: int
    idle_mib: float
    end_mib: float
    idle_cpu_ms_per_second: float


async def set_up(bed: RealBed, mock: MetadataMock) -> None:
    """Put all pods on the node that is going to be taken away, and make room elsewhere."""
    await bed.add_node(NodeSpec(name="doomed", instance_id=mock.instance_id))
    for number in range(DEPLOYMENTS):
        await bed.run(Workload(name=f"web-{number}", replicas=PODS // DEPLOYMENTS))
    await bed.run(Workload(name="agent", kind="DaemonSet"))
    for number in range(DEPLOYMENTS):
        await bed.wait_ready(f"web-{number}", PODS // DEPLOYMENTS, timeout_seconds=60.0)
    for number in range(2):
        await bed.add_node(NodeSpec(name=f"other-{number}", instance_id=f"i-{number:017}"))
    mock.hear(SpotNotices())


async def measure(bed: RealBed, mock: MetadataMock, handler: Handler, audit: AuditLog) -> Run:
    """Play one interruption from start to end; returns its figures."""
    await set_up(bed, mock)
    handler.start()
    await handler.wait_said("Started watching for interruption events")
    await asyncio.sleep(SETTLE_SECONDS)
    began_at, began_cpu = time.monotonic(), cpu_seconds(handler.pid)
    await asyncio.sleep(IDLE_SECONDS)
    idle_cpu = (cpu_seconds(handler.pid) - began_cpu) / (time.monotonic() - began_at)
    idle_mib = resident_mib(handler.pid)
    before = len(_of_handler(audit))
    # The mock speaks from a whole second on; the handler's polls are at any point of a second.
    noticed_at = float(int(time.time()) + 3)
    mock.hear(SpotNotices(interrupted_at=noticed_at + 120, said_at=noticed_at))
    gone_at = await _gone_at(bed)
    await handler.wait_said("Node successfully cordoned and drained")
    end_mib = resident_mib(handler.pid)
    await asyncio.sleep(1.0)
    requests = _of_handler(audit)[before:]
    await handler.stop()
    return Run(
        cordoned_seconds=_last_answer(requests, "patch", "nodes", count=1) - noticed_at,
        evicted_seconds=_last_answer(requests, "create", "pods/eviction", count=PODS) - noticed_at,
        gone_seconds=gone_at - noticed_at,
        requests=len(requests),
        idle_mib=idle_mib,
        end_mib=end_mib,
        idle_cpu_ms_per_second=1000 * idle_cpu,
    )


def _of_handler(audit: AuditLog) -> list[Request]:
    return audit.requests(HANDLER)


def _last_answer(requests: list[Request], verb: str, resource: str, *, count: int) -> float:
    """Returns when the `count`th such request was answered with success."""
    done = [r.answered_at for r in requests if (r.verb, r.resource) == (verb, resource) and r.code < 300]
    if len(done) < count:
        raise RuntimeError(f"{len(done)} of {count} times: {verb} {resource}")
    return sorted(done)[count - 1]


async def _gone_at(bed: RealBed) -> float:
    """Returns when the last pod of a Deployment is seen to have left the node."""

    async def all_gone() -> bool:
        return not any(pod.labels["app"].startswith("web") for pod in await bed.pods_on("doomed"))

    await bed.wait_until(all_gone, timeout_seconds=60.0)
    return time.time()


def one_run(plane: ControlPlane, folder: Path, env: dict[str, str]) -> Run:
    """Run on a cluster that is emptied again; with `env`, also with the rights to report in Kubernetes."""
    bed = RealBed(plane)
    mock = MetadataMock(assets_folder() / "ec2-metadata-mock", folder)
    handler = Handler(
        node_name="doomed",
        kubeconfig=plane.handler_kubeconfig(TOLD_HANDLER if env else HANDLER),
        env=env,
        metadata_url=mock.url,
        folder=folder,
        developer_mode=False,
    )
    try:
        return asyncio.run(measure(bed, mock, handler, AuditLog(plane.audit_log)))
    finally:
        handler.kill()
        mock.stop()
        bed.clear()


def figures(runs: list[Run]) -> list[Figure]:
    """Returns the rows of the design's table."""
    return [
        Figure("notice -> cordoned, s", [r.cordoned_seconds for r in runs], 0.8),
        Figure(f"-> {PODS} pods' evictions accepted, s", [r.evicted_seconds for r in runs], 1.3),
        Figure(f"-> {PODS} pods gone (each needs 3-6 s to stop), s", [r.gone_seconds for r in runs], 7.5),
        Figure(f"API requests for those {PODS} pods", [r.requests for r in runs], 40),
        Figure("memory idle, RSS MiB", [r.idle_mib for r in runs], 45),
        Figure("memory at the end of the drain, RSS MiB", [r.end_mib for r in runs], 55),
        Figure("CPU idle, ms per s", [r.idle_cpu_ms_per_second for r in runs], 5),
    ]


def main() -> int:
    """Print the table; returns 1 if a row does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.metadata_mode", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="a setting, to see its cost"
    )
    options = parser.parse_args()
    runs_wanted: int = options.runs
    env = dict(each.split("=", 1) for each in options.env)
    ensure_built(assets_folder())
    runs: list[Run] = []
    with tempfile.TemporaryDirectory() as folder, running(assets_folder(), Path(folder) / "plane") as plane:
        for number in range(runs_wanted):
            scratch = Path(folder) / f"run-{number}"
            scratch.mkdir()
            runs.append(one_run(plane, scratch, env))
            print(f"run {number + 1} of {runs_wanted}: {runs[-1]}", file=sys.stderr, flush=True)
    rows = figures(runs)
    print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
