"""What the modes tell beside their sessions: that AWS waits no longer, and that a source hears nothing."""

import asyncio

from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgTermination, SpotInterruption
from nth.core.reports import AwsSettled, MonitorFailed
from nth.errors import AwsUnreachable
from tests.queue_mode.fleet_worlds import Stage, play


def test_each_event_is_settled_with_aws_once_its_node_is_drained() -> None:
    async def story(stage: Stage) -> None:
        stage.hook(seconds=3600)
        stage.replica()
        await asyncio.sleep(5)
        stage.spot("n0")
        stage.asg("n0")
        await stage.end_well("n0")
        settled = stage.reports_of("n0", AwsSettled)
        assert {type(report.event) for report in settled} == {SpotInterruption, AsgTermination}
        assert all(report.completed for report in settled)
        assert len(settled) == 2

    play(story, doomed=1, rest=2)


def test_a_hook_that_nobody_drains_for_is_not_said_to_be_completed() -> None:
    async def story(stage: Stage) -> None:
        stage.hook(seconds=60)
        stage.replica()
        await asyncio.sleep(5)
        stage.asg("n0")
        await stage.until(lambda: bool(stage.reports_of("n0", AwsSettled)), 60)
        (settled,) = stage.reports_of("n0", AwsSettled)
        assert not settled.completed
        assert isinstance(settled.event, AsgTermination)
        assert isinstance(settled.event.action, LifecycleAction)

    play(story, doomed=1, rest=2, CORDON_ONLY="true")


def test_E1_a_queue_that_does_not_answer_is_told_once() -> None:
    async def story(stage: Stage) -> None:
        stage.replica()
        await asyncio.sleep(5)
        silent = AwsUnreachable("no answer")
        stage.aws_fault = lambda request: silent if request.action == "ReceiveMessage" else None
        await asyncio.sleep(30)
        failures = stage.reports(MonitorFailed)
        assert [report.monitor for report in failures] == ["SQS_MONITOR"]

    play(story, doomed=1, rest=2)
