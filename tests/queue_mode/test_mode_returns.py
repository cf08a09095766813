"""A machine that comes back from a warm pool: what we did to its node is undone before it serves again."""

import asyncio
import logging

import pytest

from nth.core.facts import NodePatch
from nth.core.node.node_annotation import (
    ACTION_LABEL,
    ACTION_TIME_LABEL,
    RECORD_ANNOTATION,
    THE_ORIGINALS_MANAGER,
    UNCORDON_AFTER_REBOOT,
)
from nth.core.reports import DrainEnded, NodeRestored, NoticeWithdrawn
from nth.errors import ClusterError, Rejected
from nth.simulation.connection import Request
from tests.core import queue_samples as samples
from tests.queue_mode.fleet_replica import Replica
from tests.queue_mode.fleet_worlds import Stage, instance_of, play

COMPLETE = "CompleteLifecycleAction"


async def drained(stage: Stage) -> None:
    """n0 is stopped, as an instance that goes back to a warm pool; it was drained, and stays marked."""
    if not stage.replicas:
        stage.replica()
    await asyncio.sleep(3)
    stage.hook(launching=True, name="launch-first")
    stage.state("n0", state="stopping")
    await stage.settled(60)
    assert stage.is_cordoned("n0")
    assert stage.movable("n0") == ()
    stage.aws.terminate_instance(instance_of("n0"), "stopped")
    stage.cluster.set_ready("n0", False)


def launch(stage: Stage) -> None:
    """The group takes it into service again: same id, same Node."""
    (action,) = stage.aws.begin_launch(instance_of("n0"), group="fleet")
    stage.tokens.pop(action.token, None)
    stage.send(stage.hook_body("n0", action, transition=samples.LAUNCHING), token=action.token)


def assert_given_back(stage: Stage) -> None:
    node = stage.node("n0")
    assert not node.unschedulable
    assert RECORD_ANNOTATION not in node.annotations
    assert not any(key.startswith("aws-node-termination-handler") for key in node.labels)
    assert node.taints == ()


def completed_after_undo(stage: Stage) -> None:
    """At the instant of the completion nothing of ours stood on the node: `watch_completions` has looked."""
    assert stage.how_ended()["CONTINUE"] == 1
    assert stage.aws.state_of(instance_of("n0")) in ("Pending:Proceed", "InService")
    assert stage.violations == []


def watch_completions(stage: Stage) -> None:
    """Note a completion of the launch hook while the node is still cordoned."""

    def look(request: object) -> None:
        if getattr(request, "action", "") == COMPLETE and stage.is_cordoned("n0"):
            stage.violations.append("the launch hook was completed while the node was cordoned")

    stage.aws_fault = look


@pytest.mark.parametrize("taint", ["true", "false"])
def test_safe_17_the_marks_are_undone_before_the_launch_hook_is_completed(
    taint: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: Stage) -> None:
        watch_completions(stage)
        await drained(stage)
        await asyncio.sleep(600)
        launch(stage)
        await asyncio.sleep(5)
        # Not Ready yet, but given back already.
        assert_given_back(stage)
        assert stage.how_ended() == {}
        stage.cluster.set_ready("n0", True)
        await stage.settled(30)
        completed_after_undo(stage)
        assert_given_back(stage)
        assert len(stage.reports(NodeRestored)) == len(stage.reports(NoticeWithdrawn)) == 1

    with caplog.at_level(logging.INFO, "nth.queue_mode.returns"):
        play(story, TAINT_NODE=taint)
    assert [record.message for record in caplog.records] == [
        "An instance is launched again, its node is given back first"
    ]


def test_safe_17_a_node_that_is_ready_at_once_is_given_back_first() -> None:
    async def story(stage: Stage) -> None:
        watch_completions(stage)
        await drained(stage)
        stage.cluster.set_ready("n0", True)
        launch(stage)
        await stage.settled(30)
        completed_after_undo(stage)
        assert_given_back(stage)

    play(story)


def test_safe_17_while_the_node_cannot_be_given_back_the_hook_waits_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(stage: Stage) -> None:
        watch_completions(stage)
        await drained(stage)
        refused_until_at = stage.clock.now() + 40

        def fault(replica: Replica, request: Request) -> ClusterError | None:
            refused = request.verb == "patch_node" and stage.clock.now() < refused_until_at
            return Rejected("a webhook says no") if refused else None

        stage.kube_fault = fault
        stage.cluster.set_ready("n0", True)
        launch(stage)
        await asyncio.sleep(30)
        assert stage.how_ended() == {}
        assert stage.is_cordoned("n0")
        await stage.settled(120)
        completed_after_undo(stage)
        assert_given_back(stage)

    with caplog.at_level(logging.WARNING, "nth.queue_mode.returns"):
        play(story)
    warned = [record.message for record in caplog.records if record.name == "nth.queue_mode.returns"]
    assert warned == ["The launch hook waits: what earlier events did to its node is not undone yet"]


def test_safe_17_a_launch_hook_waits_no_longer_than_its_time(caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: Stage) -> None:
        await drained(stage)
        stage.hook(launching=True, name="launch-first", seconds=60)

        def fault(replica: Replica, request: Request) -> ClusterError | None:
            return Rejected("a webhook says no") if request.verb == "patch_node" else None

        stage.kube_fault = fault
        stage.cluster.set_ready("n0", True)
        launch(stage)
        await stage.until(lambda: stage.queued == 0, 90)
        assert stage.how_ended() == {"timed out": 1}

    play(story)
    assert "The launch hook's time is over, and its node is not Ready yet" in caplog.text


def test_safe_17_what_is_newer_than_the_launch_stands() -> None:
    async def story(stage: Stage) -> None:
        await drained(stage)
        launch(stage)
        await asyncio.sleep(3)
        stage.cluster.set_ready("n0", True)
        stage.spot("n0")
        await stage.settled(60)
        record = stage.record("n0")
        assert record is not None
        assert [seen.event.kind.name for seen in record.events] == ["SPOT_ITN"]
        assert stage.is_cordoned("n0")
        assert stage.how_ended()["CONTINUE"] == 1

    play(story)


def test_safe_17_a_message_that_was_overtaken_by_the_launch_is_over() -> None:
    async def story(stage: Stage) -> None:
        await drained(stage)
        event_id = stage.event_id()
        body = samples.state_message(instance_of("n0"), stage.clock.now(), state="stopped", event_id=event_id)
        await asyncio.sleep(30)
        launch(stage)
        stage.cluster.set_ready("n0", True)
        await asyncio.sleep(2)
        stage.send(body)
        await stage.settled(30)
        assert_given_back(stage)

    play(story)


@pytest.mark.parametrize("how", ["killed", "terminated"])
@pytest.mark.parametrize("pause_seconds", [0.0, 300.0])
def test_safe_17_a_successor_that_knows_only_the_record_gives_the_node_back(
    how: str, pause_seconds: float
) -> None:
    async def story(stage: Stage) -> None:
        watch_completions(stage)
        await drained(stage)
        first = stage.replicas[0]
        first.die() if how == "killed" else first.terminate()
        await first.gone()
        stage.cluster.set_ready("n0", True)
        await asyncio.sleep(pause_seconds)
        launch(stage)
        stage.replica("nth-b")
        await stage.settled(60)
        completed_after_undo(stage)
        assert_given_back(stage)

    play(story)


@pytest.mark.parametrize("after_seconds", [0.0, 0.02, 0.05, 0.2, 1.0])
def test_safe_17_a_restart_in_the_middle_changes_nothing(after_seconds: float) -> None:
    async def story(stage: Stage) -> None:
        watch_completions(stage)
        await drained(stage)
        stage.cluster.set_ready("n0", True)
        launch(stage)
        await asyncio.sleep(after_seconds)
        stage.replicas[0].die()
        await stage.replicas[0].gone()
        stage.replica("nth-b")
        await stage.until(lambda: stage.how_ended()["CONTINUE"] == 1, 120)
        await asyncio.sleep(5)
        completed_after_undo(stage)
        assert_given_back(stage)

    play(story)


@pytest.mark.parametrize("seed", range(4))
def test_safe_17_another_replica_has_the_node(seed: int) -> None:
    """Whoever receives the launch, the holder undoes its marks and the hook is completed after that."""

    async def story(stage: Stage) -> None:
        watch_completions(stage)
        stage.replica("nth-a")
        stage.replica("nth-b", "rest-1")
        await asyncio.sleep(seed * 0.37)
        await drained(stage)
        record = stage.record("n0")
        assert record is not None
        holder = record.holder
        assert holder
        # The holder hears of nothing: the other one receives the launch.
        for each in stage.replicas:
            if each.name == holder:
                for source in each.mode.sources.values():
                    source.stop_receiving()
        await asyncio.sleep(25)
        stage.cluster.set_ready("n0", True)
        launch(stage)
        await stage.until(lambda: stage.how_ended()["CONTINUE"] == 1, 60)
        await stage.settled(60)
        completed_after_undo(stage)
        assert_given_back(stage)

    play(story)


def test_safe_17_a_node_that_flaps_is_completed_once_it_is_ready_and_given_back() -> None:
    async def story(stage: Stage) -> None:
        watch_completions(stage)
        await drained(stage)
        launch(stage)
        for _ in range(5):
            stage.cluster.set_ready("n0", True)
            stage.cluster.set_ready("n0", False)
            await asyncio.sleep(0.01)
        await asyncio.sleep(5)
        assert stage.how_ended()["CONTINUE"] <= 1
        stage.cluster.set_ready("n0", True)
        await stage.settled(30)
        completed_after_undo(stage)
        assert_given_back(stage)

    play(story)


def test_safe_17_marks_of_the_original_handler_are_undone_too() -> None:
    async def story(stage: Stage) -> None:
        watch_completions(stage)
        stage.hook(launching=True, name="launch-first")
        labels = {ACTION_LABEL: UNCORDON_AFTER_REBOOT, ACTION_TIME_LABEL: str(int(stage.clock.now()) - 60)}
        patch = {"metadata": {"labels": labels}, "spec": {"unschedulable": True}}
        stage.cluster.change_node("n0", NodePatch(patch), manager=THE_ORIGINALS_MANAGER)
        stage.replica()
        await asyncio.sleep(3)
        launch(stage)
        await stage.settled(30)
        completed_after_undo(stage)
        assert_given_back(stage)

    play(story)


def test_safe_17_an_administrators_cordon_stays_and_holds_up_no_launch() -> None:
    async def story(stage: Stage) -> None:
        stage.hook(launching=True, name="launch-first")
        stage.cluster.change_node("n0", NodePatch({"spec": {"unschedulable": True}}))
        stage.replica()
        await asyncio.sleep(3)
        launch(stage)
        await stage.settled(30)
        assert stage.how_ended() == {"CONTINUE": 1}
        assert stage.is_cordoned("n0")

    play(story)


@pytest.mark.parametrize("cordoned", [True, False])
def test_safe_17_a_record_that_cannot_be_read_leaves_a_cordon_and_that_is_said(
    cordoned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: Stage) -> None:
        stage.hook(launching=True, name="launch-first")
        body = {"metadata": {"annotations": {RECORD_ANNOTATION: "{"}}, "spec": {"unschedulable": cordoned}}
        stage.cluster.change_node("n0", NodePatch(body))
        stage.replica()
        await asyncio.sleep(3)
        launch(stage)
        await stage.settled(30)
        assert stage.how_ended() == {"CONTINUE": 1}
        assert stage.is_cordoned("n0") is cordoned

    play(story)
    assert sum("stays cordoned" in message for message in caplog.messages) == cordoned


def test_safe_17_a_drain_that_is_under_way_is_called_off_by_the_launch() -> None:
    async def story(stage: Stage) -> None:
        stage.replica()
        await asyncio.sleep(3)
        stage.hook(launching=True, name="launch-first")
        stage.rebalance("n0")
        await stage.until(lambda: stage.is_cordoned("n0"), 10)
        await asyncio.sleep(2)
        launch(stage)
        await stage.settled(60)
        assert_given_back(stage)
        assert stage.how_ended()["CONTINUE"] == 1
        assert len(stage.reports(DrainEnded)) <= 1

    play(story)
