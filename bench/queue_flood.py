"""The flood: thousands of messages about foreign instances, and a few about ours among them."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench import fleet
from bench.figures import Figure
from bench.process import cpu_seconds, peak_mib, resident_mib
from testbed.audit import AuditLog
from testbed.bed import RealBed
from testbed.control_plane import ControlPlane
from tests.e2e.handler import Handler
from tests.servers.aws import AwsServer

OURS = 20
FEW, MANY = 2_000, 10_000
LIMIT_SECONDS = 5.0
AFTER_SECONDS = 25.0
"""The time after the last message: leftovers have been delivered again, and memory is at rest."""
FLAT_MIB = 10.0
"""The most that 8,000 more messages may cost, remembered ids included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """The figures of one flood."""

    tag_check: bool
    messages: int
    sending_seconds: float
    cordoned: int
    slowest_seconds: float
    """The longest time from the moment before one of ours was sent to its node's cordon."""
    ec2_calls: int
    sqs_calls: int
    cpu_seconds: float
    before_mib: float
    peak_mib: float
    after_mib: float


def one_flood(plane: ControlPlane, folder: Path, messages: int, *, tag_check: bool) -> Flood:
    """Run on a cluster with our nodes and no pods: only the queue matters here."""
    setting = {"CHECK_TAG_BEFORE_DRAINING": str(tag_check).lower()}
    with (
        fleet.empty_cluster(plane) as bed,
        fleet.amazon(OURS) as (server, queue_url),
        fleet.handler(plane, server, queue_url, folder, **setting) as process,
    ):
        return asyncio.run(_flood(plane, bed, server, queue_url, process, messages, tag_check=tag_check))


async def _flood(
    plane: ControlPlane,
    bed: RealBed,
    server: AwsServer,
    queue_url: str,
    process: Handler,
    messages: int,
    *,
    tag_check: bool,
) -> Flood:
    await fleet.add_nodes(bed, range(OURS))
    await fleet.start(process)
    before_mib, began_cpu = resident_mib(process.pid), cpu_seconds(process.pid)
    audit, began_at = AuditLog(plane.audit_log), time.monotonic()
    sent_at = await _feed(server, queue_url, messages)
    sending_seconds = time.monotonic() - began_at
    await asyncio.sleep(AFTER_SECONDS)
    cordons = fleet.answered_at(audit.requests(fleet.HANDLER), "patch", "nodes")
    waits = [
        cordons[fleet.node_name(number)] - sent_at[fleet.instance_id(number)]
        for number in range(OURS)
        if fleet.node_name(number) in cordons
    ]
    calls = server.calls()
    return Flood(
        tag_check=tag_check,
        messages=messages,
        sending_seconds=sending_seconds,
        cordoned=len(waits),
        slowest_seconds=max(waits, default=float("inf")),
        ec2_calls=sum(call.service == "ec2" for call in calls),
        sqs_calls=sum(call.service == "sqs" for call in calls),
        cpu_seconds=cpu_seconds(process.pid) - began_cpu,
        before_mib=before_mib,
        peak_mib=peak_mib(process.pid),
        after_mib=resident_mib(process.pid),
    )


async def _feed(server: AwsServer, queue_url: str, messages: int) -> dict[str, float]:
    feeder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.feeder", server.url, queue_url, str(messages), str(OURS)),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await feeder.communicate()
    sent_at: dict[str, float] = json.loads(told)
    return sent_at


def figures(few: Flood, many: Flood) -> list[Figure]:
    """Returns rows of two floods that differ in size alone."""
    check = "tag check on" if many.tag_check else "tag check off"
    what = f"{many.messages} messages, {check}"
    return [
        Figure(f"{what}: ours not cordoned, of {OURS}", [float(OURS - many.cordoned)], 0.0),
        Figure("  the slowest of ours: sent -> cordoned, s", [many.slowest_seconds], LIMIT_SECONDS),
        Figure("  EC2 calls", [float(many.ec2_calls)], many.messages / 10 if many.tag_check else 0.0),
        Figure("  SQS calls", [float(many.sqs_calls)], float("inf")),
        Figure("  memory before, RSS MiB", [many.before_mib], float("inf")),
        Figure("  at the peak, VmHWM MiB", [many.peak_mib], 100.0),
        Figure("  after, RSS MiB", [many.after_mib], 100.0),
        Figure(
            f"  peak above that of {few.messages} messages, MiB", [many.peak_mib - few.peak_mib], FLAT_MIB
        ),
        Figure("  sending, s", [many.sending_seconds], float("inf")),
        Figure("  CPU of the handler, s", [many.cpu_seconds], float("inf")),
    ]
