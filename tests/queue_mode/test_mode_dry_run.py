"""Queue mode as a dry run: it tells what would be done, and changes nothing in Kubernetes or AWS."""

import asyncio
import logging
import re

import pytest

from nth.core.reports import Planned, Told
from nth.simulation.objects import MachineSpec
from tests.core import queue_samples as samples
from tests.queue_mode.fleet_worlds import Stage, instance_of, play

READING = {"ReceiveMessage", "DescribeInstances", "DescribeLifecycleHooks"}


def nothing_written(stage: Stage) -> bool:
    (replica,) = stage.replicas
    return replica.connection.writes == () and {each.action for each in replica.aws.requests} <= READING


@pytest.mark.parametrize("seconds", [10, 300])
def test_needs_W9_every_kind_of_message_changes_nothing(
    seconds: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def story(stage: Stage) -> None:
        stage.hook(seconds=3600)
        stage.hook(seconds=3600, name="launch-first", launching=True)
        stage.replica()
        await asyncio.sleep(3)
        for tell, name in (
            (stage.spot, "n0"),
            (stage.rebalance, "n1"),
            (stage.state, "n2"),
            (stage.asg, "n3"),
        ):
            tell(name)
        stage.health("n4", "n5")
        stage.aws.send(stage.urls[0], "{")
        stage.aws.send(stage.urls[0], samples.spot_message("i-0fedcba9876543210", stage.clock.now()))
        stage.launch("new")
        stage.cluster.add_node(MachineSpec(name="new", instance_id=instance_of("new")))
        await asyncio.sleep(seconds)
        assert nothing_written(stage)
        assert stage.queued == 8
        assert stage.how_ended() == {}
        assert sorted(told.node_name for told in plans(stage)) == [f"n{number}" for number in range(6)]

    play(
        story,
        doomed=6,
        rest=4,
        DRY_RUN="true",
        DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true",
        UNREADABLE_MESSAGES="delete",
        HEARTBEAT_AUTO="true",
        CHECK_TAG_BEFORE_DRAINING="false",
    )
    said = [record.message for record in caplog.records if record.name.startswith("nth")]
    assert "A message cannot be read; it would have been deleted, but dry-run flag was set" in said
    assert "Lifecycle hook would have been completed, but dry-run flag was set" in said
    claims = re.compile(r"deleting|deleted|completing|is completed")
    assert [line for line in said if claims.search(line) and "would have been" not in line] == []


def plans(stage: Stage) -> list[Told]:
    return [told for told in stage.replicas[0].told if isinstance(told.report, Planned)]


def test_needs_W9_a_plan_is_told_once_though_its_message_comes_again_and_again() -> None:
    async def story(stage: Stage) -> None:
        stage.replica()
        await asyncio.sleep(3)
        stage.spot("n0")
        await asyncio.sleep(100)
        (source,) = stage.replicas[0].mode.sources.values()
        assert source.statistics().counts.received >= 4
        assert len(plans(stage)) == 1
        (plan,) = [told.report for told in plans(stage) if isinstance(told.report, Planned)]
        assert plan.drain
        assert any("cordon" in step.lower() for step in plan.steps)
        assert any("evict" in step.lower() for step in plan.steps)
        assert nothing_written(stage)

    play(story, DRY_RUN="true")


def test_a_dry_run_beside_a_real_replica_takes_nothing_from_it() -> None:
    async def story(stage: Stage) -> None:
        stage.env["DRY_RUN"] = "true"
        stage.replica("dry", "rest-0")
        stage.env["DRY_RUN"] = "false"
        stage.replica("real", "rest-1")
        await asyncio.sleep(4)
        for number in range(4):
            stage.spot(f"n{number}")
            await asyncio.sleep(0.006)
        # What the dry run has received comes back when its visibility timeout ends.
        await stage.until(lambda: all(stage.movable(f"n{each}") == () for each in range(4)), 110)
        assert stage.replicas[0].connection.writes == ()
        assert stage.violations == []

    play(story, doomed=4)


def test_a_dry_run_ends_at_once_on_sigterm(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    async def story(stage: Stage) -> None:
        replica = stage.replica()
        await asyncio.sleep(3)
        stage.spot("n0")
        await asyncio.sleep(1)
        began_at = stage.clock.now()
        replica.terminate()
        await replica.ended()
        assert stage.clock.now() - began_at < 1
        assert nothing_written(stage)

    play(story, DRY_RUN="true")
    assert [record for record in caplog.records if record.name.startswith("nth")] == []
