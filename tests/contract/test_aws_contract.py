"""What EC2 and Auto Scaling do: here the simulation, in tests/adapters our adapter with a server.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html
"""

import asyncio
import dataclasses

import pytest

from nth.core.notices.aws_facts import HookTimeouts, Instance, LifecycleAction
from nth.errors import ActionGone, AwsRefused
from nth.simulation.lifecycle import LAUNCHING, HookSpec
from tests.contract.aws_stage import Play, Stage

ONE = "i-0123456789abcdef0"
TWO = "i-0123456789abcdef1"
HOOK = HookSpec(group="fleet", name="drain", heartbeat_seconds=300.0, default_result="CONTINUE")
GOES = {"Terminating:Proceed", "Terminated"}


@pytest.fixture
def play(play_aws: Play) -> Play:
    return play_aws


async def waiting(stage: Stage, hook: HookSpec = HOOK) -> LifecycleAction:
    """An instance of the hook's group that waits in it."""
    await stage.put_hook(hook)
    await stage.add_instance(ONE, group=hook.group)
    (action,) = await stage.begin_termination(ONE)
    return action


# EC2


def test_Q13_an_instance_is_described_with_state_name_tags_and_group(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        name = "ip-10-0-0-1.eu-west-1.compute.internal"
        await stage.add_instance(ONE, group="fleet", private_dns_name=name, tags={"managed": ""})
        found = (await stage.instances.describe([ONE]))[ONE]
        tags = {"managed": "", "aws:autoscaling:groupName": "fleet"}
        assert dataclasses.replace(found, launched_at=None) == Instance(
            instance_id=ONE, state="running", private_dns_name=name, tags=tags
        )
        assert found.group == "fleet"

    play(scenario)


def test_Q11_ids_that_do_not_exist_are_left_out(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.add_instance(ONE)
        assert set(await stage.instances.describe(["i-0", TWO, ONE, "nonsense"])) == {ONE}
        assert await stage.instances.describe([]) == {}

    play(scenario)


def test_Q12_a_terminated_instance_is_still_described_and_has_no_name(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.add_instance(ONE, private_dns_name="ip-10-0-0-1.eu-west-1.compute.internal")
        await stage.set_instance_state(ONE, "terminated")
        found = (await stage.instances.describe([ONE]))[ONE]
        assert (found.state, found.private_dns_name) == ("terminated", "")

    play(scenario)


def test_needs_W5_many_instances_are_described_at_once(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        ids = [f"i-{i:017x}" for i in range(450)]
        here = [ids[0], ids[199], ids[200], ids[449]]
        for instance_id in here:
            await stage.add_instance(instance_id)
        assert sorted(await stage.instances.describe(ids)) == here

    play(scenario)


def test_safe_5_a_start_gives_an_instance_a_new_launch_time(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.add_instance(ONE)
        before = (await stage.instances.describe([ONE]))[ONE]
        await stage.set_instance_state(ONE, "stopped")
        stopped = (await stage.instances.describe([ONE]))[ONE]
        await asyncio.sleep(1.1)
        await stage.start_instance(ONE)
        after = (await stage.instances.describe([ONE]))[ONE]
        assert before.launched_at is not None
        assert after.launched_at is not None
        assert abs(before.launched_at - stage.now()) < 60
        assert (stopped.state, stopped.launched_at) == ("stopped", before.launched_at)
        assert (after.state, after.launched_at > before.launched_at) == ("running", True)

    play(scenario)


# Auto Scaling


def test_safe_5_lifecycle_states_are_told_of_instances_in_groups(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await waiting(stage)
        await stage.put_hook(dataclasses.replace(HOOK, name="launch", transition=LAUNCHING))
        await stage.begin_launch("fleet", TWO)
        await stage.add_instance(f"{TWO[:-1]}2")
        ids = [ONE, TWO, f"{TWO[:-1]}2", "i-0"]
        assert await stage.hooks.states(ids) == {ONE: "Terminating:Wait", TWO: "Pending:Wait"}
        assert await stage.hooks.states([]) == {}

    play(scenario)


def test_safe_5_lifecycle_states_of_many_instances_are_told(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        ids = [f"i-{i:017x}" for i in range(120)]
        here = [ids[0], ids[49], ids[50], ids[119]]
        for instance_id in here:
            await stage.add_instance(instance_id, group="fleet")
        assert await stage.hooks.states(ids) == dict.fromkeys(here, "InService")

    play(scenario)


def test_safe_5_an_instance_that_has_left_its_group_has_no_lifecycle_state(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.hooks.complete(await waiting(stage), "CONTINUE")
        await stage.let_hooks_wait(10)
        assert await stage.hooks.states([ONE]) == {}

    play(scenario)


def test_Q16_a_completed_action_lets_the_instance_go_and_is_gone(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        action = await waiting(stage)
        assert await stage.state_of(ONE) == "Terminating:Wait"
        await stage.hooks.complete(action, "CONTINUE")
        assert await stage.state_of(ONE) in GOES
        for _ in range(2):
            with pytest.raises(ActionGone, match=f"instance ID {ONE}"):
                await stage.hooks.complete(action, "CONTINUE")
        with pytest.raises(ActionGone):
            await stage.hooks.heartbeat(action)

    play(scenario)


def test_an_abandoned_termination_lets_the_instance_go_too(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.hooks.complete(await waiting(stage), "ABANDON")
        await stage.let_hooks_wait(10)
        assert await stage.state_of(ONE) == "Terminated"
        assert (await stage.instances.describe([ONE]))[ONE].state == "terminated"

    play(scenario)


def test_an_action_is_named_by_token_or_by_instance(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        action = await waiting(stage)
        await stage.hooks.heartbeat(dataclasses.replace(action, instance_id=""))
        await stage.hooks.heartbeat(dataclasses.replace(action, token=""))
        await stage.hooks.complete(dataclasses.replace(action, token=""), "CONTINUE")
        assert await stage.state_of(ONE) in GOES

    play(scenario)


def test_safe_1_without_a_token_an_action_is_that_of_its_instance_and_of_no_other(play: Play) -> None:
    """All that is known of a hook that only a record tells of."""

    async def scenario(stage: Stage) -> None:
        first = dataclasses.replace(await waiting(stage), token="")
        await stage.add_instance(TWO, group=HOOK.group)
        await stage.begin_termination(TWO)
        second = dataclasses.replace(first, instance_id=TWO)
        await stage.let_hooks_wait(200)
        await stage.hooks.heartbeat(second)
        await stage.let_hooks_wait(200)
        assert await stage.state_of(ONE) == "Terminated"
        for ask in (stage.hooks.heartbeat(first), stage.hooks.complete(first, "CONTINUE")):
            with pytest.raises(ActionGone):
                await ask
        assert await stage.state_of(TWO) == "Terminating:Wait"
        await stage.hooks.complete(second, "CONTINUE")
        assert await stage.state_of(TWO) in GOES

    play(scenario)


@pytest.mark.parametrize("field", ["group", "hook", "token", "instance_id"])
def test_an_action_with_another_name_is_not_there(play: Play, field: str) -> None:
    async def scenario(stage: Stage) -> None:
        action = await waiting(stage)
        with pytest.raises(ActionGone):
            await stage.hooks.complete(dataclasses.replace(action, **{field: "another"}), "CONTINUE")
        assert await stage.state_of(ONE) == "Terminating:Wait"

    play(scenario)


def test_a_result_that_does_not_exist_is_refused_and_the_instance_waits_on(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        action = await waiting(stage)
        with pytest.raises(AwsRefused) as caught:
            await stage.hooks.complete(action, "PERHAPS")
        assert not isinstance(caught.value, ActionGone)
        assert caught.value.code == "ValidationError"
        assert await stage.state_of(ONE) == "Terminating:Wait"

    play(scenario)


def test_needs_W11_a_hook_that_nobody_completes_times_out(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        action = await waiting(stage)
        await stage.let_hooks_wait(290)
        assert await stage.state_of(ONE) == "Terminating:Wait"
        await stage.let_hooks_wait(20)
        assert await stage.state_of(ONE) == "Terminated"
        with pytest.raises(ActionGone):
            await stage.hooks.complete(action, "CONTINUE")

    play(scenario)


def test_Q17_a_heartbeat_begins_the_timeout_anew(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        action = await waiting(stage)
        for _ in range(3):
            await stage.let_hooks_wait(200)
            await stage.hooks.heartbeat(action)
        assert await stage.state_of(ONE) == "Terminating:Wait"
        await stage.let_hooks_wait(310)
        assert await stage.state_of(ONE) == "Terminated"

    play(scenario)


def test_Q17_heartbeats_do_not_outlast_the_global_timeout(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        action = await waiting(stage, dataclasses.replace(HOOK, heartbeat_seconds=100_000.0))
        await stage.let_hooks_wait(90_000)
        await stage.hooks.heartbeat(action)
        await stage.let_hooks_wait(82_000)
        assert await stage.state_of(ONE) == "Terminating:Wait"
        await stage.let_hooks_wait(900)
        assert await stage.state_of(ONE) == "Terminated"

    play(scenario)


@pytest.mark.parametrize(("heartbeat", "total"), [(30.0, 3000.0), (3600.0, 172_800.0)])
def test_Q17_a_hook_tells_its_timeouts(play: Play, heartbeat: float, total: float) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.put_hook(dataclasses.replace(HOOK, heartbeat_seconds=heartbeat))
        told = await stage.hooks.timeouts("fleet", "drain")
        assert told == HookTimeouts(heartbeat_seconds=heartbeat, global_seconds=total)
        with pytest.raises(AwsRefused):
            await stage.hooks.timeouts("fleet", "another")
        with pytest.raises(AwsRefused):
            await stage.hooks.timeouts("another", "drain")

    play(scenario)


@pytest.mark.parametrize(("result", "state"), [("CONTINUE", "InService"), ("ABANDON", "Terminated")])
def test_Q18_a_launch_hook_decides_whether_the_instance_serves(play: Play, result: str, state: str) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.put_hook(dataclasses.replace(HOOK, transition=LAUNCHING))
        (action,) = await stage.begin_launch("fleet", ONE)
        assert await stage.state_of(ONE) == "Pending:Wait"
        await stage.hooks.complete(action, result)
        await stage.let_hooks_wait(10)
        assert await stage.state_of(ONE) == state

    play(scenario)


def test_an_instance_waits_in_each_hook_of_its_group(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        for name in ("first", "second"):
            await stage.put_hook(dataclasses.replace(HOOK, name=name))
        await stage.put_hook(dataclasses.replace(HOOK, name="launch", transition=LAUNCHING))
        await stage.add_instance(ONE, group="fleet")
        first, second = await stage.begin_termination(ONE)
        assert [first.hook, second.hook] == ["first", "second"]
        await stage.hooks.complete(first, "CONTINUE")
        assert await stage.state_of(ONE) == "Terminating:Wait"
        await stage.hooks.complete(second, "CONTINUE")
        assert await stage.state_of(ONE) in GOES

    play(scenario)


def test_an_abandoned_action_ends_the_other_hooks(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        for name in ("first", "second"):
            await stage.put_hook(dataclasses.replace(HOOK, name=name))
        await stage.add_instance(ONE, group="fleet")
        first, second = await stage.begin_termination(ONE)
        await stage.hooks.complete(first, "ABANDON")
        with pytest.raises(ActionGone):
            await stage.hooks.complete(second, "CONTINUE")

    play(scenario)


def test_without_a_hook_nobody_waits(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.add_instance(ONE, group="fleet")
        assert await stage.begin_termination(ONE) == ()
        assert await stage.state_of(ONE) in GOES

    play(scenario)
