"""Ten nodes go at once, while a real Prometheus with the chart's rules looks on; what it knows afterwards."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.bed import RealBed
from testbed.build import assets_folder
from testbed.helm import Helm
from testbed.processes import free_ports
from testbed.prometheus import Curve, Prometheus, scraping
from testbed.rights import QUEUE_HANDLER
from tests.chart.rendering import QUEUE, Chart
from tests.contract.bed import BudgetSpec
from tests.core import queue_samples
from tests.core.queue_samples import GROUP
from tests.e2e.fleet import Fleet, fleet_of
from tests.e2e.trials import trial
from tests.servers.aws import AwsServer
from tests.servers.posts import Receiver, listening
from tools.plot_dashboard import Window, curves, drawing, panels

JOB = "aws-node-termination-handler"
NODES = 10
PODS = 30
AT_ONCE = 2
"""So many pods may be missing at a time: some evictions are refused at first."""
STOPS = (1.0, 2.0)
VALUES = ("enableSqsTerminationDraining=true", "replicas=2", "emitKubernetesEvents=true")
"""Of the chart, for the handler's rights."""
BEFORE_SECONDS = 10.0
"""A quiet time at the curves' beginning."""
SCRAPE_SECONDS = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """After the storm."""

    panels: dict[str, list[tuple[str, Curve]]]
    """By title: (legend, curve)."""
    records: dict[str, list[Curve]]
    """By recording rule: its last figures."""
    rules: list[Any]
    """What Prometheus says of its rules."""
    series: list[Curve]
    """Everything that the handler served, as Prometheus keeps it."""
    picture: str
    """An SVG document."""


def rule_file(folder: Path) -> Path:
    """The chart's rules of queue mode, as Prometheus itself reads them."""
    values = {**QUEUE, "enablePrometheusServer": True, "prometheusRule": {"create": True}}
    rule = Chart(Helm(assets_folder(), folder)).one("PrometheusRule", values)
    path = folder / "rules.json"
    path.write_text(json.dumps(rule["spec"]))
    return path


@contextlib.asynccontextmanager
async def scraped_fleet(
    bed: RealBed, aws: AwsServer, folder: Path, *, account: str = QUEUE_HANDLER, **settings: str
) -> AsyncIterator[tuple[Fleet, int]]:
    """A fleet whose handler serves metrics at that port."""
    (port,) = free_ports(1)
    told = {"ENABLE_PROMETHEUS_SERVER": "true", "PROMETHEUS_SERVER_PORT": str(port), **settings}
    async with fleet_of(bed, aws, folder, account=account, **told) as fleet:
        yield fleet, port


async def storm(bed: RealBed, aws: AwsServer, folder: Path) -> Seen:
    """One node first, so that its counters are known, and then all others at once."""
    receiver = Receiver()
    async with (
        listening(receiver.serve) as port,
        trial(bed, aws, folder, VALUES) as rights,
        scraped_fleet(
            bed,
            aws,
            folder,
            account=rights.account,
            WEBHOOK_URL=f"http://127.0.0.1:{port}/",
            EMIT_KUBERNETES_EVENTS="true",
        ) as (fleet, metrics_port),
    ):
        rules = rule_file(folder)
        with scraping(folder / "tsdb", job=JOB, ports=[metrics_port], rules=rules) as prometheus:
            seen = await _played(fleet, prometheus)
        assert await fleet.handler.stop() == 0
        return seen


async def _played(fleet: Fleet, prometheus: Prometheus) -> Seen:
    await _set_up(fleet)
    began_at = time.time()
    await asyncio.sleep(BEFORE_SECONDS)
    first, *others = fleet.instances.values()
    await _interrupt(fleet, first)
    await _wait_replaced(fleet, prometheus, 1)
    await _interrupt(fleet, *others)
    await fleet.assert_evicted()
    await _wait_replaced(fleet, prometheus, NODES)
    await fleet.assert_queue_empty(deleted=2 * NODES)
    await asyncio.sleep(SCRAPE_SECONDS)
    return await asyncio.to_thread(look, prometheus, began_at)


async def _set_up(fleet: Fleet) -> None:
    fleet.put_hook()
    await fleet.set_up(NODES, pods=PODS, stops=STOPS, group=GROUP)
    await fleet.bed.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=AT_ONCE))
    await fleet.listen("--taint-node")


async def _interrupt(fleet: Fleet, *instance_ids: str) -> None:
    """A Spot warning and a termination by its group for each."""
    now = time.time()
    fleet.say(*(queue_samples.spot_message(each, now, event_id=f"spot-{each}") for each in instance_ids))
    for each in instance_ids:
        await asyncio.to_thread(fleet.aws.begin_termination, each, queue_url=fleet.queue_url)


async def _wait_replaced(fleet: Fleet, prometheus: Prometheus, nodes: int) -> None:
    """As Prometheus knows it, and with it all that came before."""

    def so() -> bool:
        found = prometheus.query("sum(nth_notice_to_replaced_seconds_count)")
        return bool(found) and found[0].last >= nodes

    await fleet.wait_until(so, timeout_seconds=90)


def look(prometheus: Prometheus, since: float) -> Seen:
    """All that tests want to know."""
    window = Window(since, time.time())
    groups = prometheus.ask("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    recorded = [rule["name"] for rule in rules if rule["type"] == "recording"]
    return Seen(
        panels={each["title"]: curves(prometheus, each, window) for each in panels()},
        records={name: prometheus.query(name) for name in recorded},
        rules=rules,
        series=prometheus.query(f'{{job="{JOB}"}}'),
        picture=drawing(prometheus, window),
    )
