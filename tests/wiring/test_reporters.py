"""Who listens, as the settings say; and one outbox's defect harms nobody."""

import asyncio
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from nth.adapters.kubernetes import connect
from nth.core.reports import PodLeft
from nth.errors import SettingError
from nth.reporters.outbox import Outbox, Rules
from nth.reporters.webhook import DryWebhooks
from nth.settings import read_settings
from nth.simulation.clock import VirtualClock, run
from nth.wiring.reporters import Reporters, flushed
from tests.report.stories import BEGUN, ENCODER, WEB, told

METADATA_MODE = {"NODE_NAME": "n"}
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    "current-context": "x",
}


class Broken(Outbox[int]):
    """Fails twice, then sends."""

    def __init__(self) -> None:
        super().__init__(Rules(items=9, late="late"), logging.getLogger("nth"))
        self.sent: list[int] = []

    async def send(self, items: Sequence[int]) -> None:
        self.sent += items
        if len(self.sent) < 3:
            raise ValueError("broken")

    async def flush(self, seconds: float) -> None:
        raise ValueError("broken at the end")


def test_an_outbox_that_fails_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(clock: VirtualClock) -> list[int]:
        outbox = Broken()
        for number in (1, 2, 3):
            outbox.put(number)
        task = asyncio.create_task(outbox.run())
        await asyncio.sleep(10)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])
        return outbox.sent

    with caplog.at_level(logging.ERROR):
        assert run(scene) == [1, 2, 3]
    assert [record.getMessage() for record in caplog.records] == ["Broken failed, and begins anew"] * 2


def test_an_outbox_that_fails_at_its_end_keeps_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        run(lambda clock: flushed(Broken()))
    assert [record.getMessage() for record in caplog.records] == ["Broken failed at its end"]


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(KUBECONFIG))
    return str(path)


def reporters(kubeconfig: str, **env: str) -> Reporters:
    settings = read_settings([], METADATA_MODE | env).settings

    async def made(clock: VirtualClock) -> Reporters:
        cluster = connect(
            kubeconfig=kubeconfig, service_host="", service_port="", user_agent="test", qps=1, burst=1
        )
        try:
            return Reporters(settings, clock, cluster)
        finally:
            await cluster.close()

    return run(made)


WANTED = {
    "WEBHOOK_URL": "http://127.0.0.1:1/x",
    "EMIT_KUBERNETES_EVENTS": "true",
    "ENABLE_NODE_CONDITION": "true",
}


def outboxes(found: Reporters) -> list[str]:
    return [type(each).__name__ for each in found.outboxes]


def test_nobody_but_the_log_and_its_report_by_default(kubeconfig: str) -> None:
    assert outboxes(reporters(kubeconfig)) == []
    assert reporters(kubeconfig).metrics is None


def test_each_setting_brings_its_outbox(kubeconfig: str) -> None:
    assert outboxes(reporters(kubeconfig, **WANTED)) == ["TargetQueue", "KubernetesEvents", "NodeConditions"]


def test_needs_W9_a_dry_run_tells_nobody_outside(kubeconfig: str) -> None:
    found = reporters(kubeconfig, **WANTED, DRY_RUN="true")
    assert (outboxes(found), type(found.webhooks)) == ([], DryWebhooks)


def test_W7_a_template_that_cannot_be_used_is_one_line(kubeconfig: str) -> None:
    wrong = {"WEBHOOK_URL": "http://127.0.0.1:1/x", "WEBHOOK_TEMPLATE": "{{ .NoSuchField }}"}
    with pytest.raises(SettingError, match=r"WEBHOOK_TEMPLATE.*:1:"):
        reporters(kubeconfig, **wrong)


def left_to_be_said(found: Reporters, caplog: pytest.LogCaptureFixture) -> list[list[str]]:
    """What is logged of an interruption that goes on: when we are to stop, and at our end."""
    said: list[list[str]] = []

    async def scene(clock: VirtualClock) -> None:
        stop = asyncio.Event()
        async with found.running(stop):
            for one in told(*BEGUN):
                found.tell(one)
            await asyncio.sleep(0.1)
            found.tell(told((5.0, PodLeft(pod=WEB, how="evicted", seconds=4.6)))[0])
            caplog.clear()
            stop.set()
            await asyncio.sleep(0.1)
            said.append([record.getMessage() for record in caplog.records if record.name == "nth.report"])
            caplog.clear()
            found.tell(told((6.0, PodLeft(pod=ENCODER, how="evicted", seconds=5.5)))[0])
        said.append([record.getMessage() for record in caplog.records if record.name == "nth.report"])

    with caplog.at_level(logging.INFO, logger="nth.report"):
        run(scene)
    return said


def test_what_is_known_is_logged_when_we_are_to_stop_and_at_the_end(
    kubeconfig: str, caplog: pytest.LogCaptureFixture
) -> None:
    words = "The interruption goes on: draining, {} of 3 pods gone"
    assert left_to_be_said(reporters(kubeconfig), caplog) == [[words.format(1)], [words.format(2)]]
    quiet = reporters(kubeconfig, ENABLE_INTERRUPTION_REPORT="false")
    assert left_to_be_said(quiet, caplog) == [[], []]
