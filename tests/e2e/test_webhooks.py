"""The original's webhook scenarios (T26-T28) on a real control plane, with a real forward proxy."""

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from testbed import processes
from testbed.bed import RealBed
from testbed.build import BuildError
from testbed.debian import ensure_installed
from testbed.metadata_mock import MetadataMock
from tests.e2e.handler import Handler
from tests.e2e.test_scenarios import Stage, spot
from tests.servers.http import Reply
from tests.servers.posts import Receiver

SENT = "Webhook Success: Notification Sent!"


@pytest.fixture
def stage(bed: RealBed, metadata_mock: MetadataMock, handler: Handler) -> Stage:
    return Stage(bed, metadata_mock, handler)


@contextlib.asynccontextmanager
async def receiving(reply: Reply | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver(reply=reply or Reply(status=200))
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    async with server:
        receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook/S3CRET"
        yield receiver


def test_T28_webhook(stage: Stage) -> None:
    async def scenario() -> None:
        async with receiving() as receiver:
            await stage.set_up()
            await stage.hear(spot(), f"--webhook-url={receiver.url}")
            await stage.assert_cordoned()
            await stage.handler.wait_said(SENT)
            (request,) = receiver.requests
            assert request.method == "POST"
            assert request.headers["content-type"] == "application/json"
            text = json.loads(request.body)["text"]
            assert text.startswith("[NTH][Instance Interruption] EventID: spot-itn-")
            assert f"Kind: SPOT_ITN - Instance: {stage.mock.instance_id} - Node: doomed" in text
            await stage.assert_evicted()
        assert "S3CRET" not in stage.handler.log_file.read_text()

    asyncio.run(scenario())


def test_T27_webhook_whose_url_is_in_a_secret(stage: Stage) -> None:
    """The chart hands the Secret's key on as a variable (tests/e2e/test_chart_upgrade.py)."""

    async def scenario() -> None:
        async with receiving() as receiver:
            stage.handler.env["WEBHOOK_URL"] = receiver.url
            await stage.set_up()
            await stage.hear(spot())
            await stage.assert_cordoned()
            await stage.handler.wait_said(SENT)
            assert len(receiver.requests) == 1
        assert "S3CRET" not in stage.handler.log_file.read_text()

    asyncio.run(scenario())


@contextlib.asynccontextmanager
async def a_real_proxy(folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """tinyproxy of Debian; its URL, and its log."""
    try:
        ensure_installed(["tinyproxy"], "the test of the webhook's proxy")
    except BuildError as error:
        pytest.fail(str(error))
    (port,) = processes.free_ports(1)
    log = folder / "tinyproxy.log"
    config = folder / "tinyproxy.conf"
    config.write_text(f'Port {port}\nListen 127.0.0.1\nLogLevel Connect\nLogFile "{log}"\n')
    program = shutil.which("tinyproxy") or ""
    pid = processes.spawn([program, "-d", "-c", str(config)], folder / "tinyproxy.out", dict(os.environ))
    try:
        assert await asyncio.to_thread(
            processes.wait_for, lambda: processes.accepts(port), timeout_seconds=10.0
        )
        yield f"http://127.0.0.1:{port}", log
    finally:
        processes.stop(pid, patience_seconds=2.0)


def test_T26_webhook_through_an_http_proxy(stage: Stage, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving() as receiver, a_real_proxy(tmp_path) as (proxy, log):
            await stage.set_up()
            await stage.hear(spot(), f"--webhook-url={receiver.url}", f"--webhook-proxy={proxy}")
            await stage.assert_cordoned()
            await stage.assert_evicted()
            await stage.handler.wait_said(SENT)
            assert len(receiver.requests) == 1
            assert "POST http://127.0.0.1:" in log.read_text()

    asyncio.run(scenario())


def test_needs_W27_phases_and_retries_tell_the_result(stage: Stage) -> None:
    async def scenario() -> None:
        async with receiving(Reply(status=500)) as receiver:
            await stage.set_up()
            flags = ("--webhook-phases=received,drained,replaced", "--webhook-tries=5")
            body = '{"phase":{{.Phase | toJson}},"result":{{.Result | toJson}},"kind":{{.Kind | toJson}}}'
            template = f"--webhook-template={body}"
            await stage.hear(spot(), f"--webhook-url={receiver.url}", template, *flags)
            await stage.bed.wait_until(lambda: _asked(receiver, 1))
            receiver.reply = Reply(status=200)
            await stage.assert_evicted()
            await stage.handler.wait_said(SENT, count=3)
            bodies = [json.loads(request.body) for request in receiver.requests]
            assert [body["phase"] for body in bodies][-2:] == ["drained", "replaced"]
            assert {body["kind"] for body in bodies} == {"SPOT_ITN"}
            first, *again = [r for r in receiver.requests if json.loads(r.body)["phase"] == "received"]
            assert again
            assert {each.headers["idempotency-key"] for each in again} == {first.headers["idempotency-key"]}

    asyncio.run(scenario())


async def _asked(receiver: Receiver, count: int) -> bool:
    return len(receiver.requests) >= count


def test_W1_a_webhook_that_hangs_delays_nothing(stage: Stage) -> None:
    async def scenario() -> None:
        async with receiving(Reply(hang=True)) as receiver:
            await stage.set_up()
            flags = ("--webhook-phases=received,cordoned,drained", f"--webhook-url={receiver.url}")
            await stage.hear(spot(), *flags)
            await stage.assert_cordoned()
            drained = await stage.handler.wait_said("Node successfully cordoned and drained")
            assert float(str(drained["seconds"])) < 15
            assert not stage.handler.said(SENT)

    asyncio.run(scenario())


def test_W7_a_template_that_cannot_be_used_ends_the_start(stage: Stage) -> None:
    async def scenario() -> None:
        stage.handler.start("--webhook-url=http://127.0.0.1:1/x", "--webhook-template={{ .NoSuchField }}")
        assert await stage.handler.wait_ended() == 2
        (line,) = stage.handler.log_file.read_text().splitlines()[-1:]
        assert "WEBHOOK_TEMPLATE" in line
        assert "NoSuchField" in line

    asyncio.run(scenario())
