"""A real Prometheus looks at running handlers: the original's metrics, the dashboard, the rules.

NTH_KEEP_PICTURE names a file for the dashboard as it looked after the storm: `make dashboard` draws
docs/dashboard.svg so.
"""

import asyncio
import math
import os
import time
import urllib.request
from pathlib import Path

import pytest

from testbed.bed import RealBed
from testbed.control_plane import ControlPlane
from testbed.processes import free_ports
from tests.core import queue_samples
from tests.e2e import storm
from tests.e2e.storm import JOB, NODES, PODS, Seen, scraped_fleet
from tests.e2e.test_scenarios import SPOT_TAINT, Stage, spot
from tests.e2e.test_scenarios import stage as stage
from tests.servers.aws import AwsServer
from tools.plot_dashboard import panels

SCOPE = {"otel_scope_name": "aws.node.termination.handler", "otel_scope_version": ""}
SCOPED = ",".join(f'{name}="{value}"' for name, value in SCOPE.items())
OF_PROMETHEUS = {"__name__", "instance", "job"}
PANELS = [each["title"] for each in panels() if each["type"] != "row"]


@pytest.fixture(scope="module")
def seen(
    control_plane: ControlPlane, aws_server: AwsServer, tmp_path_factory: pytest.TempPathFactory
) -> Seen:
    bed = RealBed(control_plane)
    try:
        seen = asyncio.run(storm.storm(bed, aws_server, tmp_path_factory.mktemp("storm")))
    finally:
        bed.clear()
    if path := os.environ.get("NTH_KEEP_PICTURE"):
        Path(path).write_text(seen.picture, encoding="utf-8")
    return seen


def lines_of(port: int) -> list[str]:
    """As curl has them."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text: str = answer.read().decode()
    return text.splitlines()


def action(name: str, number: int) -> str:
    return f'actions_total{{node_action="{name}",node_status="success",{SCOPED}}} {number}'


# The original's scenarios


def test_T13_prometheus_metrics_of_queue_mode(bed: RealBed, aws_server: AwsServer, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scraped_fleet(bed, aws_server, tmp_path) as (fleet, port):
            await fleet.set_up(2)
            await fleet.listen()
            before = await asyncio.to_thread(lines_of, port)
            assert action("cordon-and-drain", 0) in before
            await asyncio.to_thread(fleet.aws.set_instance_state, fleet.instances["doomed-0"], "stopping")
            fleet.say(queue_samples.state_message(fleet.instances["doomed-0"], time.time(), state="stopping"))
            await fleet.wait_until(lambda: action("post-drain", 1) in lines_of(port))
            await fleet.assert_queue_empty(deleted=1)
            tagged = [f"nth_tagged_{what}{{{SCOPED}}} 2" for what in ("instances", "nodes")]
            await fleet.wait_until(lambda: set(tagged) <= set(lines_of(port)), timeout_seconds=40)
            lines = await asyncio.to_thread(lines_of, port)
            assert action("cordon-and-drain", 1) in lines
            assert action("pre-drain", 1) in lines
            assert f'events_error_total{{event_error_where="SQS_MONITOR",{SCOPED}}} 0' in lines
            assert not any(line.startswith("actions_node_total") for line in lines)

    asyncio.run(scenario())


def test_T14_prometheus_metrics_of_metadata_mode(stage: Stage) -> None:
    (port,) = free_ports(1)

    async def scenario() -> None:
        await stage.set_up()
        servers = ("--enable-prometheus-server", f"--prometheus-server-port={port}")
        await stage.hear(spot(), "--taint-node", "--enable-per-node-metrics", *servers)
        await stage.assert_cordoned(SPOT_TAINT)
        await stage.assert_evicted()
        lines = await asyncio.to_thread(lines_of, port)
        assert action("cordon-and-drain", 1) in lines
        assert action("pre-drain", 1) in lines
        assert action("post-drain", 0) in lines
        assert f'events_error_total{{event_error_where="SPOT_ITN_MONITOR",{SCOPED}}} 0' in lines
        (of_node,) = [
            line for line in lines if line.startswith("actions_node_total{") and "cordon-and-drain" in line
        ]
        assert 'node_name="doomed"' in of_node
        assert 'node_event_id="spot-itn-' in of_node
        assert of_node.endswith(" 1")

    asyncio.run(scenario())


# The storm


def one(seen: Seen, name: str, **labels: str) -> float:
    """The figure of the only series with exactly these labels, besides Prometheus' own."""
    (found,) = [
        curve.last
        for curve in seen.series
        if curve.labels["__name__"] == name
        and {key: value for key, value in curve.labels.items() if key not in OF_PROMETHEUS} == labels
    ]
    return found


def test_M1_to_M5_have_the_contracts_names_labels_and_values(seen: Seen) -> None:
    # Prometheus drops a label whose value is empty.
    scope = {"otel_scope_name": SCOPE["otel_scope_name"]}

    def actions(name: str, status: str) -> float:
        return one(seen, "actions_total", node_action=name, node_status=status, **scope)

    # A node is marked once for each of its two events, or once for both if they come together.
    assert NODES <= actions("pre-drain", "success") <= 2 * NODES
    assert actions("cordon-and-drain", "success") == NODES
    assert actions("post-drain", "success") == 2 * NODES
    assert actions("cordon-and-drain", "error") == actions("post-drain", "error") == 0
    assert actions("cordon", "success") == actions("uncordon", "success") == 0
    assert one(seen, "events_error_total", event_error_where="SQS_MONITOR", **scope) == 0
    assert one(seen, "nth_tagged_nodes", **scope) == NODES
    assert one(seen, "nth_tagged_instances", **scope) == NODES
    assert not [curve for curve in seen.series if curve.labels["__name__"] == "actions_node_total"]


def test_the_storm_was_counted(seen: Seen) -> None:
    assert one(seen, "nth_interruptions_total", kind="SPOT_ITN", result="drained") == NODES
    assert one(seen, "nth_deadline_margin_seconds_count", kind="SPOT_ITN") == NODES
    assert one(seen, "nth_pods_left_total", how="politely") >= PODS
    assert one(seen, "nth_missed_deadlines_total") == 0
    assert one(seen, "nth_hooks_total", outcome="completed") == NODES
    assert one(seen, "nth_webhook_posts_total", target="webhook", result="sent") == NODES
    assert one(seen, "nth_kubernetes_events_total", result="written") > 3 * NODES
    (blocked,) = [x for x in seen.series if x.labels["__name__"] == "nth_evictions_blocked_total"]
    assert blocked.labels["budget"] == "web"
    assert 0 < blocked.last <= PODS


@pytest.mark.parametrize("title", PANELS)
def test_every_panel_of_the_dashboard_has_data(seen: Seen, title: str) -> None:
    (panel,) = [each for each in panels() if each["title"] == title]
    found = seen.panels[title]
    assert len(found) >= len(panel["targets"])
    assert all(len(curve.points) >= 2 for _, curve in found)
    assert all(legend.strip() and "{{" not in legend for legend, _ in found)


def test_panels_say_what_happened(seen: Seen) -> None:
    def highest(title: str, legend: str) -> float:
        (curve,) = [curve for name, curve in seen.panels[title] if name == legend]
        return max(value for _, value in curve.points)

    assert highest("Interruptions", "drained") == pytest.approx(NODES - 1, rel=0.25)
    assert highest("Missed deadlines", "missed") == 0
    assert highest("Nodes that are being handled", "draining") >= 2
    assert highest("Messages in hand", "held") >= 2
    assert highest("Running handlers", "queue 0.1.0") == 1
    assert 60 < highest("Margin", "5 %") < 120


def test_every_recording_rule_has_data(seen: Seen) -> None:
    assert len(seen.records) >= 8
    for name, found in seen.records.items():
        assert found, name
        assert any(math.isfinite(curve.last) for curve in found), name
        assert {curve.labels["job"] for curve in found} == {JOB}, name


def test_rules_are_healthy_and_no_alert_fires_in_a_storm_that_went_well(seen: Seen) -> None:
    assert {rule["health"] for rule in seen.rules} == {"ok"}
    alerts = [rule for rule in seen.rules if rule["type"] == "alerting"]
    assert len(alerts) >= 15
    assert [rule["name"] for rule in alerts if rule["state"] == "firing"] == []


def test_the_dashboard_can_be_looked_at(seen: Seen) -> None:
    assert seen.picture.count("<polyline") >= len(PANELS)
    assert "No data" not in seen.picture
