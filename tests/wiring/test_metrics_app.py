"""The metrics of a handler: in simulated worlds through whole stories, and of a real process over HTTP."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from nth import ports
from nth.adapters.metrics_registry import MetricsRegistry
from nth.queue_mode.managed_tag import TaggedInstances
from nth.report.metrics.figures import HookFigures, TaggedFigures
from nth.report.metrics.table import METRICS
from nth.reporters.fanout import FanOut
from nth.reporters.metrics import Metrics, Pulls
from nth.wiring.metrics_app import node_instances
from tests import worlds
from tests.queue_mode import fleet_worlds
from tests.report.stories import fed
from tests.servers.aws import ENVIRONMENT, REGION, running

SCOPED = 'otel_scope_name="aws.node.termination.handler",otel_scope_version=""'
TIMEOUT_SECONDS = 30.0


def new_metrics(clock: ports.Clock, mode: str) -> Metrics:
    return Metrics(clock, MetricsRegistry().text, mode=mode, version="1")


def scraped(metrics: Metrics) -> dict[str, float]:
    """By series."""
    lines = metrics.exposition().decode().splitlines()
    return {name: float(value) for name, value in (x.rsplit(" ", 1) for x in lines if x[0] != "#")}


def action(name: str, status: str = "success") -> str:
    return f'actions_total{{node_action="{name}",node_status="{status}",{SCOPED}}}'


# Whole stories


def test_T14_a_spot_notice_in_metadata_mode_is_counted_and_timed() -> None:
    async def story(stage: worlds.Stage) -> None:
        metrics = new_metrics(stage.clock, "metadata")
        process = stage.process(tell=FanOut(metrics))
        metrics.pulls = Pulls(sessions=process.mode.phases, monitors=process.mode.monitors)
        process.start()
        await asyncio.sleep(3)
        assert scraped(metrics)[action("cordon-and-drain")] == 0
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(100)
        figures = scraped(metrics)
        assert figures[action("pre-drain")] == 1
        assert figures[action("cordon-and-drain")] == 1
        assert figures['nth_interruptions_total{kind="SPOT_ITN",result="drained"}'] == 1
        assert figures['nth_notice_to_cordoned_seconds_bucket{kind="SPOT_ITN",le="1.0"}'] == 1
        assert figures['nth_deadline_margin_seconds_count{kind="SPOT_ITN"}'] == 1
        assert figures['nth_pods_left_total{how="politely"}'] > 0
        assert figures['nth_pods_total{outcome="lost"}'] == 0
        assert figures['nth_active_sessions{phase="drained"}'] == 1
        assert figures['nth_source_last_answer_age_seconds{source="SPOT_ITN_MONITOR"}'] < 3
        assert figures[f'events_error_total{{event_error_where="SPOT_ITN_MONITOR",{SCOPED}}}'] == 0
        assert figures['nth_build_info{mode="metadata",version="1"}'] == 1

    worlds.play(story)


class Tags:
    """EC2's search."""

    async def tagged(self, key: str, value: str | None) -> frozenset[str]:
        names = ("n0", "rest-0", "rest-1", "elsewhere")
        return frozenset(fleet_worlds.instance_of(name) for name in names)


def test_T13_a_termination_in_queue_mode_is_counted_to_the_end() -> None:
    async def story(stage: fleet_worlds.Stage) -> None:
        stage.hook()
        replica = stage.replica()
        mode, metrics = replica.mode, new_metrics(stage.clock, "queue")
        tagged = TaggedInstances(Tags(), stage.clock, "managed", of_nodes=partial(node_instances, mode))
        looking = asyncio.create_task(tagged.run())

        def figures_of_tagged() -> TaggedFigures | None:
            counts = tagged.counts()
            return None if counts is None else TaggedFigures(*counts)

        metrics.pulls = Pulls(
            sessions=lambda: mode.sessions.phases,
            queues=lambda: [source.statistics() for source in mode.sources.values()],
            items=lambda: mode.dispatch.counts,
            lookups=lambda: mode.directory.statistics,
            hooks=lambda: HookFigures(
                ended=mode.hooks.ended, waiting=mode.hooks.waiting, stuck=mode.hooks.stuck
            ),
            tagged=figures_of_tagged,
        )
        await asyncio.sleep(3)
        stage.asg("n0")
        stage.state("n0")
        await asyncio.sleep(0.8)
        before = scraped(metrics)
        assert before["nth_hooks_waiting"] == 1
        assert before['nth_queue_messages_in_hand{queue="queue",state="held"}'] == 2
        assert 0.5 < before['nth_queue_oldest_message_age_seconds{queue="queue"}'] < 1
        await stage.settled()
        fed(metrics, replica.told)
        after = scraped(metrics)
        assert after[action("cordon-and-drain")] == 1
        assert after[action("post-drain")] == 2
        # The shutdown ends before the hook times out: it gives the interruption its kind.
        assert after['nth_interruptions_total{kind="STATE_CHANGE",result="drained"}'] == 1
        assert after['nth_hooks_total{outcome="completed"}'] == 1
        assert after["nth_hooks_waiting"] == 0
        assert after['nth_queue_messages_total{queue="queue",what="deleted"}'] == 2
        assert after['nth_queue_items_total{result="ours"}'] == 2
        assert after['nth_queue_oldest_message_age_seconds{queue="queue"}'] == 0
        assert after[f"nth_tagged_instances{{{SCOPED}}}"] == 4
        assert after[f"nth_tagged_nodes{{{SCOPED}}}"] == 3
        looking.cancel()

    fleet_worlds.play(story)


class Clock:
    def now(self) -> float:
        return 1_795_336_200.0


def test_a_scrape_tells_only_what_is_in_the_table() -> None:
    metrics = new_metrics(Clock(), "metadata")
    names = {metric.name for metric in METRICS}
    families = [line.split()[2] for line in metrics.exposition().decode().splitlines() if "# TYPE" in line]
    ours = {name for name in families if not name.startswith(("process_", "python_"))}
    assert {"nth_build_info", "actions_total", "nth_pods_total"} <= ours <= names


# A real process


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def fetched(port: int, path: str) -> tuple[int, str, str]:
    """(status, type, body); waits until somebody answers."""
    until_at = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, "", ""
        except OSError:
            if time.monotonic() > until_at:
                raise
            time.sleep(0.05)


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    """One that leads nowhere."""
    path = tmp_path / "kubeconfig"
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n"
        "contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n"
    )
    return str(path)


@contextmanager
def handler(*flags: str) -> Iterator[None]:
    """A handler as a process; it ends well when it is told to."""
    command = [sys.executable, "-m", "nth", *flags]
    with subprocess.Popen(command, env={**os.environ, **ENVIRONMENT}, stderr=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 0, errors.decode()


def flags_of(kubeconfig: str) -> list[str]:
    return ["--node-name=one", f"--kubeconfig={kubeconfig}", "--shutdown-grace-period=0"]


@pytest.mark.parametrize("probes", [False, True])
def test_M7_M8_a_process_in_metadata_mode_serves_metrics_on_each_of_its_ports(
    kubeconfig: str, probes: bool
) -> None:
    port, other = free_port(), free_port()
    servers = ["--enable-prometheus-server", f"--prometheus-server-port={port}"]
    if probes:
        servers += ["--enable-probes-server", f"--probes-server-port={other}"]
    with handler(*flags_of(kubeconfig), "--metadata-url=http://127.0.0.1:9", *servers):
        for each in (port, other) if probes else (port,):
            status, kind, body = fetched(each, "/metrics")
            assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
            assert f"{action('cordon-and-drain')} 0\n" in body
            assert fetched(each, "/healthz")[0] == 200
        if not probes:
            with pytest.raises(OSError, match="refused"):
                socket.create_connection(("127.0.0.1", other))


def test_M4_M5_a_process_in_queue_mode_tells_what_its_parts_count(kubeconfig: str) -> None:
    port = free_port()
    with running() as aws:
        url = aws.create_queue("my-queue")
        aws.add_instance(tags={"team": "a"})
        aws.add_instance(tags={"team": "b"})
        with handler(
            *flags_of(kubeconfig),
            "--enable-sqs-termination-draining",
            f"--queue-url={url}",
            f"--aws-endpoint={aws.url}",
            f"--aws-region={REGION}",
            "--managed-tag=team=a",
            "--enable-prometheus-server",
            f"--prometheus-server-port={port}",
        ):
            until_at = time.monotonic() + TIMEOUT_SECONDS
            while "nth_tagged_instances{" not in (body := fetched(port, "/metrics")[2]):
                assert time.monotonic() < until_at, body
                time.sleep(0.1)
    assert f"nth_tagged_instances{{{SCOPED}}} 1\n" in body
    assert f"nth_tagged_nodes{{{SCOPED}}} 0\n" in body
    assert 'nth_aws_requests_total{code="ok",operation="DescribeInstances",service="ec2"} 1\n' in body
    assert 'nth_kubernetes_requests_total{code="none",verb="list"}' in body
    assert 'nth_source_last_answer_age_seconds{source="my-queue"}' in body
    assert "nth_hooks_waiting 0\n" in body
