"""A Job that asked to be spared: its pod is forced, and the real Job controller runs it again elsewhere."""

import asyncio
import math
import time
from pathlib import Path

from testbed.bed import RealBed
from tests.contract.bed import BudgetSpec, Workload
from tests.e2e.stage import DRAINED, FORCED, QUICK, staged

NOTICE_SECONDS = 25.0
RESERVE_SECONDS = 5.0
"""The setting's default."""
GRACE_SECONDS = 5
LATE_SECONDS = 1.0
"""How late a pod may be forced: timers, requests and a shared machine."""
AGAIN_SECONDS = 30.0
"""The Job controller waits ten seconds after a pod that has failed."""

JOB = Workload(
    name="job",
    kind="Job",
    backoff_limit=0,
    spares_disrupted=True,
    exit_code=143,
    grace_seconds=GRACE_SECONDS,
    ready_after_seconds=0.1,
    stops_after_seconds=QUICK,
)
WEB = Workload(name="web", replicas=2, ready_after_seconds=0.1, stops_after_seconds=QUICK)


def test_safe_16_a_job_that_asked_to_be_spared_runs_again_elsewhere(bed: RealBed, tmp_path: Path) -> None:
    async def scene() -> None:
        async with staged(bed, tmp_path) as stage:

            async def again() -> bool:
                pods = await bed.pods("one-job")
                return [pod.node_name for pod in pods if pod.ready] == [stage.haven]

            await stage.set_up(JOB, WEB)
            budget = BudgetSpec(name="never", match_labels={"app": "one-job"}, min_available=1)
            await bed.set_budget(budget)
            await stage.listen()
            interrupted_at = math.ceil(time.time() + NOTICE_SECONDS)
            stage.say_spot(interrupted_at)
            await stage.handler.wait_said(DRAINED, timeout_seconds=NOTICE_SECONDS + 5)
            assert len(stage.handler.said(FORCED)) == 1
            asked = stage.proxy.asked
            (mark,) = [each for each in asked if each.method == "PATCH" and "/pods/" in each.path]
            (deletion,) = [each for each in asked if each.method == "DELETE"]
            latest_at = interrupted_at - RESERVE_SECONDS - GRACE_SECONDS
            # One request more, for the forced pod alone, and the delete is as punctual as ever.
            assert mark.path.endswith("/status")
            assert (mark.status, deletion.status) == (200, 200)
            assert mark.at < deletion.at
            assert latest_at <= deletion.at <= latest_at + LATE_SECONDS
            await bed.wait_until(again, timeout_seconds=AGAIN_SECONDS)

    asyncio.run(scene())
