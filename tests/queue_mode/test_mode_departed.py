"""Lifecycle hooks of instances whose Node has left the cluster before: nothing is left to drain (Q20)."""

import asyncio
import logging
from dataclasses import replace

import pytest

from nth.core.notices.aws_facts import LifecycleAction
from nth.core.queue.node_table import EKSCTL_INSTANCE_LABEL
from nth.errors import AwsRefused, AwsThrottled
from nth.simulation.aws_link import Request
from nth.simulation.lifecycle import HookSpec
from nth.simulation.objects import BudgetSpec, MachineSpec, PodTemplate, WorkloadSpec
from tests.core.queue_samples import spot_message
from tests.queue_mode.fleet_worlds import GROUP, MANAGED, Stage, instance_of, play

LEAVING = "No node for a lifecycle hook, leaving its message; with DELETE_SQS_MSG_IF_NODE_NOT_FOUND"
FOREIGN = "i-0fedcba9876543210"


async def ready(stage: Stage) -> None:
    stage.hook(seconds=3600)
    stage.replica()
    await asyncio.sleep(3)


def remove(stage: Stage, name: str = "n0") -> None:
    """As a tool does that has drained the node."""
    stage.cluster.remove_node(name)


@pytest.mark.parametrize("tags", ["true", "false"])
@pytest.mark.parametrize("after_seconds", [0.0, 1.0, 60.0, 1800.0])
@pytest.mark.parametrize("result", ["CONTINUE", "ABANDON"])
def test_safe_13_a_hook_whose_node_has_left_is_completed_at_once(
    tags: str, after_seconds: float, result: str
) -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        remove(stage)
        await asyncio.sleep(after_seconds)
        stage.asg("n0")
        assert await stage.settled() < 3
        assert stage.how_ended() == {result: 1}
        assert stage.violations == []

    play(
        story,
        pods=0,
        CHECK_TAG_BEFORE_DRAINING=tags,
        LIFECYCLE_ACTION_RESULT=result,
        DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true",
    )


def test_safe_13_without_the_flag_its_message_stays_and_that_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        remove(stage)
        stage.asg("n0")
        await asyncio.sleep(110)
        assert stage.queued == 1
        assert stage.how_ended() == {}
        assert stage.replicas[0].in_hand == {}

    play(story, pods=0)
    told = [record for record in caplog.records if record.message.startswith(LEAVING)]
    assert [record.levelno for record in told] == [logging.WARNING]


def test_an_event_whose_node_is_not_found_is_logged_once_at_info(caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        name = "ip-10-9-9-9.eu-west-1.compute.internal"
        stage.aws.add_instance(FOREIGN, group=GROUP, tags={MANAGED: ""}, private_dns_name=name)
        stage.send(spot_message(FOREIGN, stage.clock.now(), event_id=stage.event_id()))
        await asyncio.sleep(110)
        assert stage.queued == 1

    with caplog.at_level(logging.DEBUG, logger="nth"):
        play(story, pods=0, CHECK_TAG_BEFORE_DRAINING="false")
    told = [record for record in caplog.records if FOREIGN in str(record.__dict__.get("fields"))]
    assert [(record.levelno, record.message) for record in told] == [(logging.INFO, "An event has to wait")]
    assert told[0].__dict__["fields"]["reason"] == "the cluster has no such node"


@pytest.mark.parametrize("at_seconds", [-0.05, -0.01, 0.0, 0.01, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("tags", ["true", "false"])
def test_safe_13_a_node_that_goes_at_about_the_time_of_its_hook(at_seconds: float, tags: str) -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        if at_seconds < 0:
            remove(stage)
            await asyncio.sleep(-at_seconds)
        stage.asg("n0")
        if at_seconds >= 0:
            await asyncio.sleep(at_seconds)
            remove(stage)
        assert await stage.settled() < 10
        assert stage.how_ended() == {"CONTINUE": 1}

    play(story, pods=0, CHECK_TAG_BEFORE_DRAINING=tags, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


def test_safe_13_both_hooks_of_an_instance_are_completed() -> None:
    async def story(stage: Stage) -> None:
        stage.hook(seconds=3600, name="second")
        await ready(stage)
        remove(stage)
        actions = stage.aws.begin_termination(instance_of("n0"))
        assert len(actions) == 2
        for action in actions:
            stage.tell_hook("n0", action)
        assert await stage.until(lambda: stage.queued == 0) < 3
        assert stage.how_ended() == {"CONTINUE": 2}

    play(story, pods=0, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


def test_safe_13_two_hooks_that_name_the_same_token_are_two_actions() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        one, two = (
            LifecycleAction(group=GROUP, hook=hook, token="same", instance_id=instance_of("n0"))
            for hook in ("one", "two")
        )
        hooks = stage.replicas[0].mode.hooks
        for action in (one, two):
            hooks.begin(action, noticed_at=stage.clock.now())
        assert hooks.waiting == 2
        hooks.abandon(one)
        hooks.abandon(two)

    play(story, pods=0)


def test_safe_13_a_hook_that_comes_after_its_spot_drain_when_the_node_is_gone() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        stage.spot("n0")
        await stage.settled()
        assert stage.movable("n0") == ()
        (action,) = stage.aws.begin_termination(instance_of("n0"))
        remove(stage)
        await asyncio.sleep(5)
        stage.tell_hook("n0", action)
        assert await stage.until(lambda: stage.queued == 0) < 3
        assert stage.how_ended() == {"CONTINUE": 1}
        assert stage.violations == []

    play(story, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


@pytest.mark.parametrize("flag", ["true", "false"])
def test_safe_13_a_hook_that_is_over_leaves_no_message_of_its_late_duplicate(flag: str) -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        (action,) = stage.aws.begin_termination(instance_of("n0"))
        stage.tell_hook("n0", action)
        await stage.until(lambda: stage.queued == 0, 120)
        remove(stage)
        await asyncio.sleep(30)
        stage.tell_hook("n0", action)
        assert await stage.until(lambda: stage.queued == 0) < 3
        assert stage.how_ended() == {"CONTINUE": 1}

    play(story, DELETE_SQS_MSG_IF_NODE_NOT_FOUND=flag)


@pytest.mark.parametrize("kill", [False, True])
def test_safe_13_with_two_replicas_it_is_completed_by_whoever_gets_the_message(kill: bool) -> None:
    async def story(stage: Stage) -> None:
        stage.hook(seconds=3600)
        one, _ = stage.replica("nth-a"), stage.replica("nth-b", "rest-1")
        await asyncio.sleep(3)
        remove(stage)
        await asyncio.sleep(1)
        stage.asg("n0")
        if kill:
            await asyncio.sleep(0.05)
            one.die()
        assert await stage.settled() < 40
        assert stage.how_ended() == {"CONTINUE": 1}
        assert stage.violations == []

    play(story, pods=0, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


def test_safe_13_a_replica_that_never_knew_the_node_completes_it_when_no_node_can_register_any_more() -> None:
    async def story(stage: Stage) -> None:
        stage.hook(seconds=3600)
        remove(stage)
        stage.replica()
        await asyncio.sleep(3)
        stage.asg("n0")
        assert await stage.settled() < 160
        assert stage.how_ended() == {"CONTINUE": 1}

    play(story, pods=0, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


def test_safe_13_a_node_that_only_eksctls_label_named_is_known_too() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        remove(stage)
        stage.asg("n0")
        assert await stage.settled() < 3
        assert stage.how_ended() == {"CONTINUE": 1}

    def machine(name: str) -> MachineSpec:
        return MachineSpec(name=name, instance_id="", labels={EKSCTL_INSTANCE_LABEL: instance_of(name)})

    play(story, pods=0, machine=machine, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


@pytest.mark.parametrize("ec2", ["answers", "refuses", "is silent"])
@pytest.mark.parametrize("flag", ["true", "false"])
def test_safe_13_a_node_that_only_claimed_an_instance_completes_no_strangers_hook(
    ec2: str, flag: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With the flag it ends as for any instance without a node (T17): when none can register any more."""
    fault = {
        "answers": None,
        "refuses": AwsRefused("no", code="UnauthorizedOperation"),
        "is silent": AwsThrottled("slow"),
    }[ec2]

    def deny(request: Request) -> AwsRefused | AwsThrottled | None:
        return fault if request.action == "DescribeInstances" else None

    async def story(stage: Stage) -> None:
        stage.aws_fault = deny
        name = "ip-10-9-9-9.eu-west-1.compute.internal"
        stage.aws.add_instance(FOREIGN, group=GROUP, tags={MANAGED: ""}, private_dns_name=name)
        await ready(stage)
        stage.cluster.add_node(MachineSpec(name="mallory", instance_id=FOREIGN))
        await asyncio.sleep(1)
        remove(stage, "mallory")
        await asyncio.sleep(1)
        (action,) = stage.aws.begin_termination(FOREIGN)
        stage.send(stage.hook_body("n0", action).replace(instance_of("n0"), FOREIGN))
        await asyncio.sleep(90)
        assert stage.how_ended() == {}
        assert stage.queued == 1
        await asyncio.sleep(90)
        assert stage.how_ended() == ({"CONTINUE": 1} if flag == "true" else {})

    play(story, pods=0, CHECK_TAG_BEFORE_DRAINING="false", DELETE_SQS_MSG_IF_NODE_NOT_FOUND=flag)
    assert not [record for record in caplog.records if record.message.startswith(LEAVING)]


NONE_MAY_GO = BudgetSpec(name="web", match_labels={"app": "web"}, min_available=4)


async def blocked(stage: Stage) -> None:
    """n0's hook waits, and a budget lets none of its pods go."""
    await ready(stage)
    stage.cluster.set_budget(NONE_MAY_GO)
    stage.asg("n0")
    await asyncio.sleep(5)
    assert len(stage.movable("n0")) == 4


async def drained_first(stage: Stage) -> None:
    """The hook waits until the budget lets the pods go, and no longer."""
    await asyncio.sleep(30)
    assert stage.how_ended() == {}
    assert len(stage.movable("n0")) == 4
    stage.cluster.set_budget(replace(NONE_MAY_GO, min_available=0))
    await stage.settled(60)
    assert stage.movable("n0") == ()
    assert stage.how_ended() == {"CONTINUE": 1}
    assert stage.violations == []
    await asyncio.sleep(60)
    assert stage.cluster.lost == ()
    assert stage.is_forgotten()


@pytest.mark.parametrize("replicas", [1, 2])
def test_safe_13_a_node_that_is_registered_anew_amid_its_drain_is_drained_before_its_hook_is_completed(
    replicas: int,
) -> None:
    async def story(stage: Stage) -> None:
        if replicas == 2:
            stage.replica("nth-b", "rest-1")
        await blocked(stage)
        stage.cluster.register_anew("n0")
        await asyncio.sleep(3)
        assert stage.is_cordoned("n0")
        await drained_first(stage)

    play(story)


@pytest.mark.parametrize("back_after_seconds", [None, 0.2, 10.0])
def test_safe_13_pods_that_run_on_without_their_node_object_go_before_its_hook_is_completed(
    back_after_seconds: float | None,
) -> None:
    async def story(stage: Stage) -> None:
        await blocked(stage)
        stage.cluster._store.remove_node("n0")
        if back_after_seconds is not None:
            await asyncio.sleep(back_after_seconds)
            stage.cluster.add_node(MachineSpec(name="n0", instance_id=instance_of("n0")))
            await asyncio.sleep(3)
            assert stage.is_cordoned("n0")
        await drained_first(stage)

    play(story)


def test_safe_13_pods_without_a_node_object_hold_the_hook_no_longer_than_a_shutdown() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        stage.cluster.add_workload(
            WorkloadSpec(name="held", template=PodTemplate(node_name="n0", finalizers=("example.com/never",)))
        )
        await stage.cluster.come_to_rest()
        stage.aws.put_hook(HookSpec(group=GROUP, name="drain-first", heartbeat_seconds=300.0))
        stage.asg("n0")
        await asyncio.sleep(20)
        stage.cluster._store.remove_node("n0")
        await asyncio.sleep(60)
        assert stage.how_ended() == {}
        for replica in stage.replicas:
            replica.terminate()
            began_at = stage.clock.now()
            await replica.ended()
            assert stage.clock.now() - began_at < 40
        assert stage.how_ended() == {}
        assert stage.queued == 1

    play(story)


def test_safe_13_a_machine_that_goes_amid_its_drain_takes_its_pods_along_and_nobody_waits() -> None:
    async def story(stage: Stage) -> None:
        await blocked(stage)
        remove(stage)
        assert await stage.settled() < 3
        assert stage.how_ended() == {"CONTINUE": 1}

    play(story)
