"""Whose node a message is about, end to end: index, tags, EC2, foreign accounts, nodes that are not there."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from nth.core.queue.node_table import EKSCTL_INSTANCE_LABEL, HOSTNAME_LABEL
from nth.core.reports import DrainEnded
from nth.errors import AwsRefused, AwsUnreachable
from nth.simulation.objects import MachineSpec
from tests.core import queue_samples as samples
from tests.queue_mode.fleet_worlds import MANAGED, Stage, instance_of, play

FOREIGN = "i-0fedcba9876543210"


async def ready(stage: Stage) -> None:
    stage.replica()
    await asyncio.sleep(3)


def ec2_calls(stage: Stage) -> int:
    return len(stage.replicas[0].aws.asked("DescribeInstances"))


def nothing_happened(stage: Stage) -> bool:
    return not stage.evicted and not any(node.unschedulable for node in stage.cluster.nodes)


# Not found


@pytest.mark.parametrize("tags", ["true", "false"])
def test_T17_Q20_with_the_flag_a_message_without_a_node_is_deleted(tags: str) -> None:
    async def story(stage: Stage) -> None:
        stage.aws.add_instance(FOREIGN, group="other", tags={MANAGED: ""}, private_dns_name="a.internal")
        await ready(stage)
        stage.send(samples.rebalance_message(FOREIGN, stage.clock.now()))
        await stage.settled(60)
        assert nothing_happened(stage)
        await stage.end_well()

    play(story, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true", CHECK_TAG_BEFORE_DRAINING=tags)


def test_Q20_with_the_flag_the_hook_of_an_instance_without_a_node_is_completed() -> None:
    async def story(stage: Stage) -> None:
        stage.hook()
        stage.aws.add_instance(FOREIGN, group="fleet", tags={MANAGED: ""}, private_dns_name="a.internal")
        await ready(stage)
        (action,) = stage.aws.begin_termination(FOREIGN)
        body = samples.asg_message(
            FOREIGN, stage.clock.now(), token=action.token, group=action.group, hook=action.hook
        )
        stage.send(body, token=action.token)
        await stage.settled(300)
        assert stage.how_ended() == {"CONTINUE": 1}
        await stage.end_well()

    play(story, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


def test_without_the_flag_a_message_without_a_node_is_left_in_the_queue() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        stage.send(samples.spot_message(FOREIGN, stage.clock.now()))
        await asyncio.sleep(300)
        assert stage.queued == 1
        assert nothing_happened(stage)
        assert stage.replicas[0].in_hand == {}

    play(story, CHECK_TAG_BEFORE_DRAINING="false")


def test_a_maintenance_weeks_ahead_for_an_instance_without_a_node_is_not_kept_for_weeks() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        now = stage.clock.now()
        stage.send(samples.health_message([FOREIGN], now, starts_at=now + 14 * 86_400))
        await stage.settled(200)
        await stage.end_well()

    play(story, CHECK_TAG_BEFORE_DRAINING="false", DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


def test_needs_W8_an_api_outage_is_not_a_node_that_is_not_found() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        now = stage.clock.now()
        stage.cluster.set_outage(now, now + 40)
        await asyncio.sleep(1)
        stage.rebalance("n0")
        await asyncio.sleep(35)
        assert stage.queued == 1
        await stage.settled()
        assert [report.drained for report in stage.reports(DrainEnded)] == [True]
        await stage.end_well("n0")

    play(story, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


def test_needs_W8_an_api_that_is_gone_at_the_start_is_waited_for() -> None:
    async def story(stage: Stage) -> None:
        now = stage.clock.now()
        stage.cluster.set_outage(now, now + 30)
        stage.rebalance("n0")
        await ready(stage)
        await asyncio.sleep(25)
        assert stage.replicas[0].aws.asked("ReceiveMessage") == []
        await stage.settled()
        assert [report.drained for report in stage.reports(DrainEnded)] == [True]
        await stage.end_well("n0")

    play(story, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


def test_needs_W8_an_ec2_outage_is_not_an_instance_that_is_not_found() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        stage.aws_fault = lambda request: AwsUnreachable("gone") if request.service == "ec2" else None
        stage.rebalance("n0")
        await asyncio.sleep(100)
        assert stage.queued == 1
        stage.aws_fault = lambda request: None
        await stage.settled()
        assert [report.drained for report in stage.reports(DrainEnded)] == [True]
        await stage.end_well("n0")

    play(story, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


def test_a_node_that_registers_a_moment_after_its_message_is_drained() -> None:
    async def story(stage: Stage) -> None:
        stage.aws.add_instance(
            instance_of("late"), group="fleet", tags={MANAGED: ""}, private_dns_name="late.internal"
        )
        await ready(stage)
        stage.spot("late")
        stage.state("late")
        await asyncio.sleep(7)
        stage.cluster.add_node(MachineSpec(name="late", instance_id=instance_of("late")))
        assert await stage.until(lambda: stage.is_cordoned("late")) < 0.5
        await stage.settled()
        await stage.end_well("late")

    play(story)


# Tags


@pytest.mark.parametrize(
    ("tag", "has", "drains"),
    [
        (MANAGED, {MANAGED: ""}, True),
        (MANAGED, {MANAGED: "false"}, True),
        (MANAGED, {"other": ""}, False),
        ("cluster=blue", {"cluster": "blue"}, True),
        ("cluster=blue", {"cluster": "green"}, False),
        ("cluster=blue", {}, False),
        ("cluster=", {"cluster": ""}, True),
    ],
)
def test_Q14_the_tag_decides_by_key_and_by_value_when_one_is_given(
    tag: str, has: dict[str, str], drains: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)

    async def story(stage: Stage) -> None:
        stage.aws.add_instance(instance_of("n0"), group="fleet", tags=has, private_dns_name="n0.internal")
        await ready(stage)
        body = samples.spot_message(instance_of("n0"), stage.clock.now())
        stage.send(body, *(["n0"] if drains else []))
        stage.aws.send(stage.urls[0], body)
        await stage.settled()
        assert stage.is_cordoned("n0") == drains
        assert ec2_calls(stage) == 1
        await stage.end_well(*(["n0"] if drains else []))

    play(story, MANAGED_TAG=tag)
    # needs_W35: nobody has to guess why nothing happens.
    told = [
        record for record in caplog.records if "Doing nothing for a node of our cluster" in record.message
    ]
    assert len(told) == (0 if drains else 1)


def test_without_the_tag_check_ec2_is_never_asked() -> None:
    async def story(stage: Stage) -> None:
        stage.hook()
        await ready(stage)
        stage.spot("n0")
        stage.asg("n1")
        for number in range(50):
            body = samples.spot_message(f"i-{number:017x}", stage.clock.now(), event_id=stage.event_id())
            stage.send(body)
        await stage.settled(300)
        assert ec2_calls(stage) == 0
        await stage.end_well("n0", "n1")

    play(story, doomed=2, CHECK_TAG_BEFORE_DRAINING="false", DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


def test_many_foreign_instances_are_looked_up_in_few_calls() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        for number in range(300):
            body = samples.spot_message(f"i-{number:017x}", stage.clock.now(), event_id=stage.event_id())
            stage.send(body)
        stage.spot("n0")
        assert await stage.until(lambda: stage.is_cordoned("n0")) < 2
        await stage.settled()
        assert ec2_calls(stage) < 20
        await stage.end_well("n0")

    play(story)


@pytest.mark.parametrize("doomed", [True, False])
def test_without_the_permission_to_ask_ec2(doomed: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        stage.aws_fault = lambda request: (
            AwsRefused("not authorized", code="UnauthorizedOperation") if request.service == "ec2" else None
        )
        if doomed:
            stage.spot("n0")
            await stage.settled()
            await stage.end_well("n0")
        else:
            stage.rebalance("n0")
            await asyncio.sleep(100)
            assert nothing_happened(stage)
            assert stage.queued == 1

    play(story)
    assert [record.message for record in caplog.records].count("EC2 cannot be asked about instances") == 1


# Whose account


def test_instances_of_foreign_accounts_are_none_of_ours_and_ec2_is_not_asked() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        body = samples.spot_message(FOREIGN, stage.clock.now(), account="210987654321")
        stage.send(body)
        await stage.settled(5)
        assert nothing_happened(stage)
        assert ec2_calls(stage) == 0
        await stage.end_well()

    play(story)


def test_a_node_of_our_cluster_is_ours_whatever_account_its_message_names() -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        body = samples.spot_message(instance_of("n0"), stage.clock.now(), account="210987654321")
        stage.send(body, "n0")
        await stage.settled()
        await stage.end_well("n0")

    play(story)


# Names


def nameless(name: str) -> MachineSpec:
    return MachineSpec(name=f"{name}.eu-west-1.compute.internal", instance_id="")


@pytest.mark.parametrize("tags", ["true", "false"])
def test_Q13_Q19_a_node_without_a_provider_id_is_found_by_the_instances_dns_name(tags: str) -> None:
    async def story(stage: Stage) -> None:
        await ready(stage)
        name = nameless("n0").name
        stage.send(samples.spot_message(instance_of("n0"), stage.clock.now()), name)
        await stage.until(lambda: stage.is_cordoned(name), 5)
        await stage.settled()
        assert stage.movable(name) == ()
        assert stage.violations == []
        stage.cluster.remove_node(name)
        await stage.end_well()

    play(story, machine=nameless, CHECK_TAG_BEFORE_DRAINING=tags)


# Somebody else's node says that it is the instance


def labelled(name: str) -> MachineSpec:
    """The node without provider id carries the label of the doomed node's instance."""
    if name == "rest-1":
        labels = {EKSCTL_INSTANCE_LABEL: instance_of("n0"), HOSTNAME_LABEL: "n0"}
        return MachineSpec(name=name, instance_id="", labels=labels)
    return MachineSpec(name=name, instance_id=instance_of(name))


def twin(name: str) -> MachineSpec:
    """A second node with the provider id of the doomed one."""
    return MachineSpec(name=name, instance_id=instance_of("n0" if name == "rest-1" else name))


@pytest.mark.parametrize("machine", [labelled, twin])
@pytest.mark.parametrize("kind", ["spot", "state", "asg"])
def test_safe_4_a_doomed_node_is_drained_whoever_else_claims_its_instance(
    kind: str, machine: Callable[[str], MachineSpec]
) -> None:
    async def story(stage: Stage) -> None:
        stage.hook()
        await ready(stage)
        getattr(stage, kind)("n0")
        await stage.until(lambda: stage.movable("n0") == (), 40)
        assert not stage.node("rest-1").unschedulable
        assert set(stage.evicted_by) == {"n0"}
        await stage.end_well("n0")
        assert stage.how_ended() == ({"CONTINUE": 1} if kind == "asg" else {})

    play(story, rest=3, machine=machine)


def test_safe_4_where_no_node_has_a_provider_id_names_decide_and_labels_do_not() -> None:
    def nameless(name: str) -> MachineSpec:
        forged = {EKSCTL_INSTANCE_LABEL: instance_of("n0")} if name == "rest-1" else {}
        hostname = "n0" if name == "rest-0" else ""
        return MachineSpec(name=name, instance_id="", hostname=hostname, labels=forged)

    async def story(stage: Stage) -> None:
        stage.hook()
        await ready(stage)
        stage.asg("n0")
        await stage.until(lambda: stage.movable("n0") == (), 40)
        assert set(stage.evicted_by) == {"n0"}
        await stage.end_well("n0")
        assert stage.how_ended() == {"CONTINUE": 1}

    play(story, rest=3, machine=nameless)


def test_safe_4_between_two_nodes_a_hook_waits_until_ec2_can_be_asked() -> None:
    async def story(stage: Stage) -> None:
        stage.hook()
        await ready(stage)
        stage.cluster.set_ready("n0", False)
        silent_until_at = stage.clock.now() + 60
        stage.aws_fault = lambda request: (
            AwsUnreachable("down")
            if request.action == "DescribeInstances" and stage.clock.now() < silent_until_at
            else None
        )
        stage.asg("n0")
        await asyncio.sleep(55)
        assert nothing_happened(stage)
        assert stage.how_ended() == {}
        await stage.until(lambda: stage.movable("n0") == (), 60)
        assert set(stage.evicted_by) == {"n0"}
        await stage.end_well("n0")

    play(story, rest=3, machine=twin)


def test_safe_4_a_label_completes_no_launch_hook_of_a_node_that_is_not_ready() -> None:
    async def story(stage: Stage) -> None:
        stage.hook(launching=True)
        await ready(stage)
        stage.launch("new")
        stage.cluster.add_node(MachineSpec(name="new", instance_id=instance_of("new")))
        stage.cluster.set_ready("new", False)
        await asyncio.sleep(1)
        forged = {EKSCTL_INSTANCE_LABEL: instance_of("new")}
        stage.cluster.add_node(MachineSpec(name="forged", instance_id="", labels=forged))
        await asyncio.sleep(5)
        assert stage.how_ended() == {}
        stage.cluster.set_ready("new", True)
        await stage.settled(30)
        assert stage.how_ended() == {"CONTINUE": 1}

    play(story)
