"""A drain goes on as soon as it can, whatever API server and metadata service do, and says so once."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from nth.core.notices.imds import SCHEDULED_PATH, SPOT_PATH
from testbed.bed import RealBed
from testbed.metadata_mock import MetadataMock, SpotNotices
from tests.contract.bed import BudgetSpec, NodeSpec, Workload
from tests.e2e.handler import Handler
from tests.e2e.proxy import Asked, Fault, no_fault, status_reply
from tests.e2e.stage import (
    API_ANSWERS_AGAIN,
    DRAINED,
    LISTENS,
    QUICK,
    WAITING_FOR_API,
    Stage,
    staged,
)
from tests.servers.http import Reply

FAULT_SECONDS = 3.0
SOON_SECONDS = 3.0
"""The drain goes on within this once the API server is back."""
NOTICE_SECONDS = 120.0
WEB = Workload(name="web", replicas=3, ready_after_seconds=0.2, stops_after_seconds=QUICK)

Scene = Callable[[Stage], Awaitable[None]]


def play(bed: RealBed, folder: Path, scene: Scene) -> None:
    async def scenario() -> None:
        async with staged(bed, folder) as stage:
            await scene(stage)

    asyncio.run(scenario())


async def assert_drained(stage: Stage) -> None:
    """Completely, politely, and no pod was asked for again once it was on its way."""
    await stage.handler.wait_said(DRAINED)
    await stage.wait_moved("web", WEB.replicas)
    await stage.wait_drained()
    removals = stage.proxy.removals()
    assert len(removals) == WEB.replicas
    assert all(asked.is_eviction for asked in removals)
    stage.assert_nobody_removed_twice()
    assert_no_tracebacks(stage)


def assert_no_tracebacks(stage: Stage) -> None:
    assert not [line for line in stage.handler.lines if "Traceback" in str(line)]


def assert_told_once(stage: Stage) -> None:
    """That it waited, and that it waits no longer."""
    assert len(stage.handler.said(WAITING_FOR_API)) == 1, stage.handler.tail()
    assert len(stage.handler.said(API_ANSWERS_AGAIN)) == 1, stage.handler.tail()


# The API server


def test_an_eviction_is_asked_for_again_when_retry_after_says_so(bed: RealBed, tmp_path: Path) -> None:
    retry_after_seconds = 2

    async def scene(stage: Stage) -> None:
        await stage.set_up(WEB)
        refused: dict[str, float] = {}

        def once_each(asked: Asked) -> Reply | None:
            if not asked.is_eviction or asked.path in refused:
                return None
            refused[asked.path] = asked.at
            return status_reply(429, ("Retry-After", str(retry_after_seconds)))

        stage.proxy.fault = once_each
        await stage.listen()
        stage.say_spot(time.time() + NOTICE_SECONDS)
        await assert_drained(stage)
        assert len(refused) == WEB.replicas
        waited = [asked.at - refused[asked.path] for asked in stage.proxy.removals()]
        assert all(retry_after_seconds <= seconds <= retry_after_seconds + 1 for seconds in waited), waited
        assert_told_once(stage)

    play(bed, tmp_path, scene)


def test_conflicts_on_every_patch_of_the_node_only_delay_the_cordon(bed: RealBed, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.set_up(WEB)
        await stage.listen("--taint-node")
        over_at = time.time() + FAULT_SECONDS

        def conflict(asked: Asked) -> Reply | None:
            return status_reply(409) if asked.is_node_patch and asked.at < over_at else None

        stage.proxy.fault = conflict
        stage.say_spot(over_at + NOTICE_SECONDS)
        await assert_drained(stage)
        patches = [asked for asked in stage.proxy.asked if asked.is_node_patch]
        marked = next(asked for asked in patches if asked.accepted)
        assert marked.at <= over_at + 1
        # Each was made from a node that had been read anew, and there were not hundreds.
        assert 5 <= len(patches) <= 60
        # The pods had not waited for the cordon any longer than that either.
        assert min(asked.at for asked in stage.proxy.removals()) <= marked.at + 1
        assert not stage.handler.said(WAITING_FOR_API)

    play(bed, tmp_path, scene)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda _: status_reply(500), id="500"),
        pytest.param(lambda _: status_reply(503), id="503"),
        pytest.param(lambda _: Reply(status=502, body=b"<html>Bad Gateway</html>"), id="502-not-json"),
        pytest.param(lambda _: Reply(hang=True), id="hangs"),
        pytest.param(lambda _: Reply(raw=b"HTTP/1.1 200 O", close=True), id="cut-off"),
        pytest.param(lambda _: Reply(body=b'{"kind":"Status"', cut_at=9), id="truncated"),
        pytest.param(lambda _: Reply(body=b"x" * 600, drip_seconds=0.05), id="drips"),
    ],
)
def test_the_drain_goes_on_after_an_api_server_that(bed: RealBed, tmp_path: Path, fault: Fault) -> None:
    async def scene(stage: Stage) -> None:
        await stage.set_up(WEB)
        await stage.listen("--taint-node")
        stage.proxy.fault = fault
        stage.say_spot(time.time() + NOTICE_SECONDS)
        await stage.handler.wait_said(WAITING_FOR_API)
        await asyncio.sleep(FAULT_SECONDS)
        stage.proxy.fault = no_fault
        over_at = time.time()
        await assert_drained(stage)
        # What hangs is given up after the request's own limit.
        assert max(asked.at for asked in stage.proxy.removals()) <= over_at + SOON_SECONDS + 2
        assert_told_once(stage)

    play(bed, tmp_path, scene)


def test_the_drain_goes_on_after_an_api_server_that_is_gone_for_20_s(bed: RealBed, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.set_up(WEB)
        app = f"{stage.name}-web"
        # One after the other, so that it is the middle of the drain.
        await bed.set_budget(BudgetSpec(name=app, match_labels={"app": app}, max_unavailable=1))
        await stage.listen("--taint-node")
        stage.say_spot(time.time() + NOTICE_SECONDS)
        await stage.handler.wait_said("Pod evicted")
        await stage.proxy.close()
        gone_at = time.time()
        pid = stage.handler.pid
        await asyncio.sleep(20)
        await stage.proxy.open()
        back_at = time.time()
        await assert_drained(stage)
        assert stage.handler.pid == pid
        assert len([asked for asked in stage.proxy.removals() if asked.at < gone_at]) < WEB.replicas
        later = [asked.at for asked in stage.proxy.removals() if asked.at > gone_at]
        assert back_at <= min(later) <= back_at + SOON_SECONDS
        assert_told_once(stage)

    play(bed, tmp_path, scene)


@pytest.mark.timeout(90)
def test_the_drain_goes_on_after_a_real_api_server_was_restarted(bed: RealBed, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.set_up(WEB)
        await stage.listen("--taint-node")
        await asyncio.to_thread(bed.plane.stop_part, "kube-apiserver")
        stage.say_spot(time.time() + NOTICE_SECONDS)
        await stage.handler.wait_said(WAITING_FOR_API)
        await asyncio.to_thread(bed.plane.start_missing)
        back_at = time.time()
        await assert_drained(stage)
        assert max(asked.at for asked in stage.proxy.removals()) <= back_at + SOON_SECONDS + 2
        assert len(stage.handler.said(WAITING_FOR_API)) == 1

    play(bed, tmp_path, scene)


@pytest.mark.parametrize(
    "expired",
    [
        pytest.param(status_reply(410), id="refused"),
        pytest.param(
            Reply(body=b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n'),
            id="in-the-middle",
        ),
    ],
)
def test_a_watch_whose_version_is_too_old_is_begun_anew(bed: RealBed, tmp_path: Path, expired: Reply) -> None:
    async def scene(stage: Stage) -> None:
        await stage.set_up(WEB)
        await stage.listen()
        over_at = time.time() + FAULT_SECONDS
        stage.proxy.fault = lambda asked: expired if asked.is_watch and asked.at < over_at else None
        stage.say_spot(time.time() + NOTICE_SECONDS)
        await assert_drained(stage)
        watches = [asked for asked in stage.proxy.asked if asked.is_watch and asked.at < over_at]
        assert 2 <= len(watches) <= 60
        assert not stage.handler.said(WAITING_FOR_API)

    play(bed, tmp_path, scene)


# The metadata service

CORDONED = "Node successfully cordoned"
PROBLEM = "There was a problem monitoring for events"
WORKS_AGAIN = "Monitoring for events works again"
MONITORS = {"SPOT_ITN_MONITOR": SPOT_PATH, "SCHEDULED_EVENT_MONITOR": SCHEDULED_PATH}
WORST_PAUSE_SECONDS = 6.0
"""Between two tries, when nothing works."""
CUT = json.dumps({"action": "terminate", "time": "2096-10-02T07:06:40Z"}).encode()


async def idle(stage: Stage) -> None:
    await stage.set_up()
    await stage.listen("--cordon-only", "--metadata-poll-interval=0.5")


async def hears_of_spot(stage: Stage, pid: int) -> None:
    """The same process does what a notice asks for."""
    stage.say_spot(time.time() + NOTICE_SECONDS)
    await stage.handler.wait_said(CORDONED, timeout_seconds=WORST_PAUSE_SECONDS + 2)
    assert (await stage.node()).unschedulable
    assert stage.handler.pid == pid
    assert_no_tracebacks(stage)


def assert_problem_told_once(handler: Handler) -> None:
    """Once for each monitor and each reason that it had, and that it is over."""
    told = [(line["event_type"], line["error"]) for line in handler.said(PROBLEM)]
    assert {event_type for event_type, _ in told} == set(MONITORS)
    assert len(told) == len(set(told)) <= 2 * len(MONITORS), told
    over = [str(line["event_type"]) for line in handler.said(WORKS_AGAIN)]
    assert sorted(over) == sorted(MONITORS)


def test_S9_a_token_that_is_refused_once_is_renewed_without_a_word(bed: RealBed, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await idle(stage)
        pid, issued = stage.handler.pid, stage.metadata.issued
        stage.metadata.valid = "another"
        await hears_of_spot(stage, pid)
        assert stage.metadata.issued == issued + 1
        assert not stage.handler.said(PROBLEM)

    play(bed, tmp_path, scene)


def test_needs_W29_a_spot_notice_is_heard_after_a_metadata_service_that_is_gone(
    bed: RealBed, metadata_mock: MetadataMock, handler: Handler
) -> None:
    async def scenario() -> None:
        await bed.add_node(NodeSpec(name=handler.node_name, instance_id=metadata_mock.instance_id))
        metadata_mock.hear(SpotNotices())
        handler.start("--cordon-only", "--metadata-poll-interval=0.5")
        pid = handler.pid
        await handler.wait_said(LISTENS)
        metadata_mock.stop()
        await handler.wait_said(PROBLEM, count=2)
        await asyncio.sleep(FAULT_SECONDS)
        metadata_mock.hear(SpotNotices(interrupted_at=time.time() + NOTICE_SECONDS))
        await handler.wait_said(CORDONED, timeout_seconds=WORST_PAUSE_SECONDS + 2)
        await handler.wait_said(WORKS_AGAIN, count=2)
        assert handler.pid == pid
        assert_problem_told_once(handler)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(status=500), id="500"),
        pytest.param(Reply(status=503), id="503"),
        pytest.param(Reply(hang=True), id="hangs"),
        pytest.param(Reply(body=CUT, cut_at=20), id="truncated"),
        pytest.param(Reply(body=CUT, drip_seconds=0.5), id="drips"),
        pytest.param(Reply(raw=b"\x00\x01 what?\r\n\r\n", close=True), id="no-http"),
        pytest.param(Reply(body=b'{"action": 7, "time": ["now"]}'), id="wrong-types"),
        pytest.param(Reply(body=b"<html>hello</html>"), id="html"),
        pytest.param(Reply(status=401), id="401-for-ever"),
    ],
)
def test_needs_W14_needs_W29_a_spot_notice_is_heard_after_a_metadata_service_that(
    bed: RealBed, tmp_path: Path, reply: Reply
) -> None:
    async def scene(stage: Stage) -> None:
        await idle(stage)
        pid = stage.handler.pid
        stage.metadata.documents |= dict.fromkeys(MONITORS.values(), reply)
        await stage.handler.wait_said(PROBLEM, count=2)
        await asyncio.sleep(FAULT_SECONDS)
        del stage.metadata.documents[SCHEDULED_PATH]
        await hears_of_spot(stage, pid)
        await stage.handler.wait_said(WORKS_AGAIN, count=2)
        assert_problem_told_once(stage.handler)

    play(bed, tmp_path, scene)
