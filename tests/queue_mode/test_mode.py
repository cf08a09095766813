"""One replica of queue mode and everything that AWS may send: what is drained, and what is settled when."""

import asyncio
import logging

import pytest

from nth.core.reports import DrainEnded, EvictionAccepted, NodeMarked, NoticeReceived, PodForced
from nth.errors import AwsThrottled
from nth.simulation.aws_link import Request
from nth.simulation.objects import BudgetSpec, MachineSpec, PodTemplate, WorkloadSpec
from tests.core import queue_samples as samples
from tests.queue_mode.fleet_worlds import MANAGED, Stage, instance_of, play

READY_SECONDS = 3.0
"""Until a replica knows the nodes and the other replicas."""


async def ready(stage: Stage) -> None:
    stage.replica()
    await asyncio.sleep(READY_SECONDS)


def asked_at(stage: Stage, action: str) -> list[float]:
    """When the first replica asked AWS for that."""
    return [request.at for request in stage.replicas[0].aws.asked(action)]


def drained_at(stage: Stage, name: str) -> float:
    (at,) = [
        told.at
        for told in stage.replicas[0].told
        if told.node_name == name and isinstance(told.report, DrainEnded)
    ]
    return at


# Spot


def test_T22_a_spot_warning_cordons_drains_and_is_deleted_only_then() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        message_id = stage.spot("n0")
        assert await stage.until(lambda: stage.is_cordoned("n0")) < 0.5
        # There is nothing to wait for: it is no storm.
        assert await stage.until(lambda: sum(stage.evicted.values()) == 4) < 0.5
        assert stage.in_flight == 1
        await stage.settled()
        assert stage.aws.queue_store(stage.urls[0]).deleted == [message_id]
        (deleted_at,) = asked_at(stage, "DeleteMessageBatch")
        assert deleted_at > drained_at(stage, "n0")
        assert [report.drained for report in stage.reports(DrainEnded)] == [True]
        assert len(stage.reports(NoticeReceived)) == 1
        await stage.end_well("n0")

    play(story)


def test_needs_W33_a_message_stays_hidden_as_long_as_its_drain_lasts() -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.set_budget(BudgetSpec(name="all", match_labels={"app": "web"}, max_unavailable=0))
        await ready(stage)
        stage.spot("n0")
        await asyncio.sleep(80)
        (source,) = stage.replicas[0].mode.sources.values()
        counts = source.statistics().counts
        assert (counts.received, counts.duplicates) == (1, 0)
        assert counts.extended > 5
        # The budget never allows it: forced at the latest moment, and settled only when all are gone.
        await stage.settled()
        assert len(stage.reports(PodForced)) == 4
        await stage.end_well("n0")

    play(story)


def test_P14_needs_W17_a_hundred_notices_of_one_node_leave_nothing_behind() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        for _ in range(50):
            stage.spot("n0")
            stage.rebalance("n0")
        await stage.settled()
        assert set(stage.evicted.values()) == {1}
        assert len(stage.reports(DrainEnded)) == 1
        await stage.end_well("n0")

    play(story)


def test_needs_W17_the_end_of_maintenance_that_was_never_begun_leaves_nothing_behind() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        body = samples.health_message([instance_of("n0")], stage.clock.now(), status="closed")
        stage.aws.send(stage.urls[0], body)
        await stage.settled(5)
        assert not stage.is_cordoned("n0")
        assert stage.replicas[0].remembered == {}

    play(story)


# Lifecycle hooks


def test_T4_a_hook_is_completed_once_after_the_drain_and_before_its_message_is_deleted() -> None:
    async def story(stage: Stage) -> None:
        stage.hook()
        await ready(stage)
        stage.asg("n0")
        await stage.settled()
        (completed_at,) = asked_at(stage, "CompleteLifecycleAction")
        (deleted_at,) = asked_at(stage, "DeleteMessageBatch")
        assert drained_at(stage, "n0") <= completed_at < deleted_at
        assert stage.how_ended() == {"CONTINUE": 1}
        await stage.until(lambda: stage.aws.state_of(instance_of("n0")) == "Terminated")
        await stage.end_well("n0")

    play(story)


def test_Q16_the_completion_waits_for_its_delay() -> None:
    async def story(stage: Stage) -> None:
        stage.hook()
        await ready(stage)
        stage.asg("n0")
        await stage.settled()
        (completed_at,) = asked_at(stage, "CompleteLifecycleAction")
        (deleted_at,) = asked_at(stage, "DeleteMessageBatch")
        assert completed_at - drained_at(stage, "n0") == pytest.approx(40, abs=0.1)
        assert deleted_at > completed_at
        await stage.end_well("n0")

    play(story, COMPLETE_LIFECYCLE_ACTION_DELAY_SECONDS="40")


def test_T3_three_heartbeats_then_the_deadline_and_after_the_delay_the_completion(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def story(stage: Stage) -> None:
        stage.hook(seconds=300)
        await ready(stage)
        began_at = stage.clock.now()
        stage.asg("n0")
        await stage.settled()
        beats = [at - began_at for at in asked_at(stage, "RecordLifecycleActionHeartbeat")]
        # The event's time is in whole seconds.
        assert beats == pytest.approx([30, 60, 90], abs=1)
        (completed_at,) = asked_at(stage, "CompleteLifecycleAction")
        assert completed_at - drained_at(stage, "n0") == pytest.approx(120, abs=0.1)
        assert stage.how_ended() == {"CONTINUE": 1}
        await stage.end_well("n0")

    play(
        story,
        COMPLETE_LIFECYCLE_ACTION_DELAY_SECONDS="120",
        HEARTBEAT_INTERVAL="30",
        HEARTBEAT_UNTIL="100",
    )
    said = [record.message for record in caplog.records]
    assert said.count("Heartbeat deadline exceeded, stopping heartbeat") == 1
    assert said.count("Successfully sent lifecycle heartbeat") == 3


def test_heartbeats_by_the_hooks_own_timeout_keep_it_open_while_a_budget_blocks_the_drain() -> None:
    async def story(stage: Stage) -> None:
        stage.hook(seconds=60)
        stage.cluster.set_budget(BudgetSpec(name="all", match_labels={"app": "web"}, max_unavailable=0))
        await ready(stage)
        stage.asg("n0")
        await asyncio.sleep(200)
        assert stage.aws.state_of(instance_of("n0")) == "Terminating:Wait"
        assert stage.reports(PodForced) == []
        stage.cluster.set_budget(BudgetSpec(name="all", match_labels={"app": "web"}, max_unavailable=4))
        await stage.settled()
        assert stage.how_ended() == {"CONTINUE": 1}
        await stage.end_well("n0")

    play(story, HEARTBEAT_AUTO="true")


# AWS Health


def test_needs_W30_a_health_message_of_three_instances_is_deleted_when_all_are_done() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        stage.health("n0", "n1", "n2")
        late = next(pod for pod in stage.cluster.pods_of("late"))
        await stage.until(lambda: len(stage.reports(DrainEnded)) == 2)
        assert stage.queued == 1
        await stage.settled()
        assert late not in stage.cluster.pods
        assert len(stage.reports(DrainEnded)) == 3
        await stage.end_well("n0", "n1", "n2")

    slow = PodTemplate(
        grace_seconds=60, stop_seconds=(45, 50), node_selector={"kubernetes.io/hostname": "n2"}
    )
    play(story, doomed=3, workloads=[WorkloadSpec(name="late", kind="StatefulSet", template=slow)])


def test_a_health_message_about_one_of_ours_and_a_foreign_instance_is_deleted_after_the_drain() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        ids = [instance_of("n0"), "i-0fedcba9876543210"]
        stage.send(samples.health_message(ids, stage.clock.now()), "n0")
        await stage.settled()
        await stage.end_well("n0")

    play(story)


def test_T20_a_scheduled_change_taints_its_node() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        stage.health("n0")
        await stage.settled()
        keys = [taint.key for taint in stage.node("n0").taints]
        assert "aws-node-termination-handler/scheduled-maintenance" in keys
        await stage.end_well("n0")

    play(story, TAINT_NODE="true")


def test_T6_a_state_change_drains_and_each_pod_has_its_own_grace() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        stage.state("n0")
        await stage.settled()
        assert set(stage.evicted.values()) == {1}
        assert {(each.grace_seconds, each.cut) for each in stage.reports(EvictionAccepted)} == {(20, False)}
        assert stage.reports(PodForced) == []
        await stage.end_well("n0")

    play(story)


def test_T18_a_rebalance_recommendation_cordons_taints_and_drains() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        stage.rebalance("n0")
        await stage.settled()
        keys = [taint.key for taint in stage.node("n0").taints]
        assert "aws-node-termination-handler/rebalance-recommendation" in keys
        await stage.end_well("n0")

    play(story, TAINT_NODE="true")


# Launches


@pytest.mark.parametrize("tags", ["true", "false"])
def test_Q18_a_launch_hook_is_completed_the_moment_its_node_is_ready_and_not_before(tags: str) -> None:
    async def story(stage: Stage) -> None:
        stage.hook(launching=True)
        await ready(stage)
        stage.launch("new")
        # Longer than any visibility timeout: the node takes its time to register.
        await asyncio.sleep(75)
        assert stage.queued == 1
        stage.cluster.add_node(MachineSpec(name="new", instance_id=instance_of("new")))
        stage.cluster.set_ready("new", False)
        await asyncio.sleep(30)
        assert asked_at(stage, "CompleteLifecycleAction") == []
        assert stage.aws.state_of(instance_of("new")) == "Pending:Wait"
        ready_at = stage.clock.now()
        stage.cluster.set_ready("new", True)
        await stage.settled()
        (completed_at,) = asked_at(stage, "CompleteLifecycleAction")
        assert completed_at - ready_at < 0.2
        await stage.until(lambda: stage.aws.state_of(instance_of("new")) == "InService")
        assert stage.how_ended() == {"CONTINUE": 1}
        await stage.end_well()

    play(story, CHECK_TAG_BEFORE_DRAINING=tags)


@pytest.mark.parametrize("tags", ["true", "false"])
def test_Q18_a_node_that_is_ready_before_the_message_comes(tags: str) -> None:
    async def story(stage: Stage) -> None:
        stage.hook(launching=True)
        await ready(stage)
        stage.cluster.add_node(MachineSpec(name="new", instance_id=instance_of("new")))
        stage.launch("new")
        assert await stage.settled() < 1.0
        assert stage.how_ended() == {"CONTINUE": 1}
        assert not stage.is_cordoned("new")
        await stage.end_well()

    play(story, CHECK_TAG_BEFORE_DRAINING=tags)


@pytest.mark.parametrize("tags", ["true", "false"])
def test_Q18_a_node_that_registers_late_and_ready(tags: str) -> None:
    async def story(stage: Stage) -> None:
        stage.hook(launching=True)
        await ready(stage)
        stage.launch("new")
        await asyncio.sleep(75)
        stage.cluster.add_node(MachineSpec(name="new", instance_id=instance_of("new")))
        assert await stage.settled() < 0.5
        assert stage.how_ended() == {"CONTINUE": 1}
        await stage.end_well()

    play(story, CHECK_TAG_BEFORE_DRAINING=tags)


def test_a_launch_whose_node_never_comes_is_left_to_its_hook_even_with_the_delete_flag() -> None:
    async def story(stage: Stage) -> None:
        stage.hook(launching=True, seconds=600)
        await ready(stage)
        stage.launch("new")
        await stage.settled(1500)
        assert asked_at(stage, "CompleteLifecycleAction") == []
        assert stage.how_ended() == {"timed out": 1}
        await stage.end_well()

    play(story, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


# EC2 is slow


def test_needs_W5_throttled_ec2_delays_no_doomed_node_and_others_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    throttled = True

    def fault(request: Request) -> AwsThrottled | None:
        busy = throttled and request.service == "ec2"
        return AwsThrottled("Request limit exceeded.") if busy else None

    async def story(stage: Stage) -> None:
        nonlocal throttled
        stage.aws_fault = fault
        await ready(stage)
        stage.rebalance("n1")
        stage.spot("n0")
        assert await stage.until(lambda: stage.is_cordoned("n0")) < 4
        await stage.until(lambda: stage.movable("n0") == ())
        await asyncio.sleep(30)
        assert not stage.is_cordoned("n1")
        assert stage.queued == 1
        throttled = False
        await stage.settled()
        await stage.end_well("n0", "n1")

    play(story, doomed=2)
    warnings = [record for record in caplog.records if "certainly goes away" in record.message]
    assert len(warnings) == 1
    assert MANAGED in str(warnings[0].fields)  # type: ignore[attr-defined]


def test_one_taint_and_one_set_of_reports_for_each_node() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        stage.spot("n0")
        stage.spot("n1")
        await stage.settled()
        for name in ("n0", "n1"):
            assert len(stage.reports_of(name, NodeMarked)) == 1
            assert len(stage.reports_of(name, DrainEnded)) == 1
        await stage.end_well("n0", "n1")

    play(story, doomed=2, TAINT_NODE="true")
