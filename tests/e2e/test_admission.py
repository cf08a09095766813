"""An admission webhook or policy refuses evictions: what the real handler says of it."""

import asyncio
import time
from pathlib import Path

import pytest

from testbed.bed import RealBed
from tests.contract.bed import Guard, Workload
from tests.e2e.stage import DRAINED, QUICK, WAITING_FOR_API, Stage, staged
from tests.e2e.test_reports import nth

NAME = "guard.example.com"
GUARDS = {
    "denies": Guard(name=NAME, code=429, message="it evacuates the machine"),
    "fails": Guard(name=NAME, code=500, message="out of order"),
    "dead": Guard(name=NAME, reachable=False),
    "policy": Guard(name="keep", kind="policy", message="keep it"),
}
NOTICE_SECONDS = 20.0
WEB = Workload(name="web", grace_seconds=5, ready_after_seconds=0.1, stops_after_seconds=QUICK)


async def _forced(stage: Stage, guard: Guard) -> None:
    await stage.bed.set_guard(guard)
    await stage.listen()
    stage.say_spot(time.time() + NOTICE_SECONDS)
    await stage.handler.wait_said(DRAINED, timeout_seconds=NOTICE_SECONDS + 5)
    await stage.wait_moved("web", 1)
    assert await stage.handler.stop() == 0


@pytest.mark.parametrize("guard", GUARDS.values(), ids=GUARDS.keys())
def test_a_refusal_of_admission_is_said_of_the_pod_with_its_reason(
    bed: RealBed, tmp_path: Path, guard: Guard
) -> None:
    async def scenario() -> None:
        async with staged(bed, tmp_path) as stage:
            await stage.set_up(WEB)
            (pod,) = await bed.pods("one-web")
            await _forced(stage, guard)
            said = stage.handler.said
            assert not said(WAITING_FOR_API)
            (refused,) = said("Pod may not be evicted now")
            reason = str(refused["reason"])
            assert refused["pod"] == str(pod.ref)
            assert guard.name in reason
            assert guard.message in reason
            (forced,) = said("Pod deleted although its eviction was refused")
            assert forced["reason"] == reason
            (removal,) = [asked for asked in stage.proxy.removals() if asked.method == "DELETE"]
            assert removal.pod_uid == pod.ref.uid
            text = await asyncio.to_thread(nth, "report", str(stage.handler.log_file))
            assert guard.name in text
            assert "budget" not in text

    asyncio.run(scenario())
