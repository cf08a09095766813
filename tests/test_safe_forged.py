"""What a kubelet may write on its own Node completes nobody else's hook, and keeps no node undrained."""

import asyncio
import json
from collections.abc import Callable

import pytest

from nth.core.facts import NodePatch
from nth.core.node.node_annotation import RECORD_ANNOTATION, NodeRecord, Seen, encode
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgTermination
from nth.core.queue.node_table import EKSCTL_INSTANCE_LABEL, HOSTNAME_LABEL
from nth.errors import AwsUnreachable, Forbidden
from nth.simulation.objects import MachineSpec
from tests.queue_mode.fleet_worlds import GROUP, MANAGED, Stage, instance_of, play

VICTIM, ATTACKER = "n0", "rest-1"
LONG_SECONDS = "119"
"""So long a message stays hidden whose replica has died."""


def write(stage: Stage, name: str, *events: AsgTermination, holder: str = "", drained: bool = True) -> None:
    """As the kubelet of that node may do: its own annotation."""
    record = NodeRecord(
        session_id="forged",
        holder=holder,
        drained=drained,
        marked_at=stage.clock.now(),
        events=tuple(Seen(event, stage.clock.now(), drained) for event in events),
    )
    annotate(stage, name, encode(record))


def annotate(stage: Stage, name: str, text: str) -> None:
    stage.cluster.change_node(name, NodePatch({"metadata": {"annotations": {RECORD_ANNOTATION: text}}}))


def event_of(stage: Stage, instance_id: str, action: LifecycleAction) -> AsgTermination:
    return AsgTermination(
        event_id="asg-lifecycle-term-1",
        instance_id=instance_id,
        action=action,
        noticed_at=stage.clock.now(),
        deadline_at=stage.clock.now() + 600,
    )


def own(name: str) -> MachineSpec:
    return MachineSpec(name=name, instance_id=instance_of(name))


def twin(name: str) -> MachineSpec:
    """The attacker's kubelet has registered with the victim's provider id."""
    return own(name) if name != ATTACKER else MachineSpec(name=name, instance_id=instance_of(VICTIM))


def bare(name: str) -> MachineSpec:
    """The attacker's node has no provider id, and the victim's labels."""
    labels = {EKSCTL_INSTANCE_LABEL: instance_of(VICTIM), HOSTNAME_LABEL: VICTIM}
    return own(name) if name != ATTACKER else MachineSpec(name=name, instance_id="", labels=labels)


def all_bare(name: str) -> MachineSpec:
    return bare(name) if name == ATTACKER else MachineSpec(name=name, instance_id="")


@pytest.mark.parametrize("machine", [own, twin, bare, all_bare])
@pytest.mark.parametrize("named", ["event and action", "action", "event", "token"])
@pytest.mark.parametrize("replicas", [1, 2])
def test_safe_1_a_forged_record_completes_no_other_instances_hook(
    replicas: int, named: str, machine: Callable[[str], MachineSpec]
) -> None:
    async def story(stage: Stage) -> None:
        stage.hook()
        for number in range(replicas):
            stage.replica(f"nth-{number}", f"rest-{2 * number}")
        await asyncio.sleep(5)
        victim, attacker = instance_of(VICTIM), instance_of(ATTACKER)
        # The message that tells of it is still on its way.
        (action,) = stage.aws.begin_termination(victim)
        stage.tokens[action.token] = VICTIM
        forged = (
            action
            if named in ("event and action", "action")
            else LifecycleAction(
                group=action.group, hook=action.hook, token=action.token, instance_id=attacker
            )
        )
        write(stage, ATTACKER, event_of(stage, attacker if named in ("action", "token") else victim, forged))
        await asyncio.sleep(60)
        assert stage.aws.state_of(victim) == "Terminating:Wait"
        assert stage.how_ended() == {}
        assert len(stage.movable(VICTIM)) == 4
        assert not stage.is_cordoned(VICTIM)
        # And the true message is acted upon as ever.
        stage.tell_hook(VICTIM, action)
        await stage.until(lambda: stage.how_ended() == {"CONTINUE": 1}, 60)
        assert stage.violations == []

    play(story, rest=4, machine=machine)


def test_safe_1_a_hook_known_from_a_record_is_completed_by_instance_id() -> None:
    """The replica that has the message dies, and the message stays hidden for two minutes."""

    async def story(stage: Stage) -> None:
        stage.hook()
        first = stage.replica("nth-a", "rest-0")
        await asyncio.sleep(5)
        stage.asg(VICTIM)
        await stage.until(lambda: stage.is_cordoned(VICTIM))
        second = stage.replica("nth-b", "rest-1")
        await asyncio.sleep(0.01)
        first.die()
        await stage.until(lambda: stage.how_ended() == {"CONTINUE": 1}, 60)
        (completion,) = second.aws.asked("CompleteLifecycleAction")
        assert completion.what == (GROUP, "drain-first", "", instance_of(VICTIM))
        assert stage.violations == []

    play(story, rest=4, SQS_MSG_VISIBILITY_TIMEOUT_SEC=LONG_SECONDS)


def test_safe_1_while_ec2_cannot_be_asked_the_drain_goes_on_and_the_hook_waits() -> None:
    async def story(stage: Stage) -> None:
        stage.hook(seconds=600)
        first = stage.replica("nth-a", "rest-0")
        await asyncio.sleep(5)
        stage.asg(VICTIM)
        await stage.until(lambda: stage.is_cordoned(VICTIM))
        silent_until_at = stage.clock.now() + 80
        stage.aws_fault = lambda request: (
            AwsUnreachable("down")
            if request.action == "DescribeInstances" and stage.clock.now() < silent_until_at
            else None
        )
        second = stage.replica("nth-b", "rest-1")
        first.die()
        await stage.until(lambda: stage.movable(VICTIM) == (), 60)
        await asyncio.sleep(silent_until_at - stage.clock.now() - 1)
        assert second.aws.asked("CompleteLifecycleAction") == []
        assert second.aws.asked("RecordLifecycleActionHeartbeat") == []
        await stage.until(lambda: stage.how_ended() == {"CONTINUE": 1}, 60)

    play(
        story,
        rest=4,
        HEARTBEAT_INTERVAL="30",
        HEARTBEAT_UNTIL="500",
        SQS_MSG_VISIBILITY_TIMEOUT_SEC=LONG_SECONDS,
    )


def test_safe_1_while_another_node_claims_the_instance_its_hook_waits_for_the_message() -> None:
    async def story(stage: Stage) -> None:
        stage.hook()
        first = stage.replica("nth-a", "rest-0")
        await asyncio.sleep(5)
        stage.asg(VICTIM)
        await stage.until(lambda: stage.is_cordoned(VICTIM))
        stage.cluster.add_node(MachineSpec(name="twin", instance_id=instance_of(VICTIM)))
        second = stage.replica("nth-b", "rest-1")
        first.die()
        await stage.until(lambda: stage.movable(VICTIM) == (), 60)
        await asyncio.sleep(30)
        assert second.aws.asked("CompleteLifecycleAction") == []
        # The message comes again: now it is known from the queue.
        await stage.until(lambda: stage.how_ended() == {"CONTINUE": 1}, 240)
        assert not stage.is_cordoned("twin")

    play(story, rest=4, SQS_MSG_VISIBILITY_TIMEOUT_SEC="90")


@pytest.mark.parametrize("name_fits", [True, False])
def test_safe_1_who_has_the_message_completes_the_hook_of_another_replicas_node(name_fits: bool) -> None:
    """The holder knows of the hook from its record only, and may be unable to prove whose it is."""

    async def story(stage: Stage) -> None:
        stage.hook()
        if not name_fits:
            stage.aws.add_instance(
                instance_of(VICTIM), group=GROUP, private_dns_name="custom.internal", tags={MANAGED: ""}
            )
        holder = stage.replica("nth-a", "rest-0")
        await asyncio.sleep(5)
        stage.rebalance(VICTIM)
        await stage.until(lambda: (record := stage.record(VICTIM)) is not None and record.holder == "nth-a")
        other_queue = stage.aws.create_queue("other")
        stage.urls = [other_queue]
        stage.replica("nth-b", "rest-1")
        await asyncio.sleep(5)
        stage.asg(VICTIM)
        await stage.until(lambda: stage.how_ended() == {"CONTINUE": 1}, 60)
        assert stage.violations == []
        await stage.until(lambda: len(stage.aws.queue_store(other_queue)) == 0, 30)
        assert holder.running

    play(story, rest=4)


# A holder that is made up


@pytest.mark.parametrize("replicas", [1, 2, 3])
@pytest.mark.parametrize("holders", ["made up", "made up anew each time", "the others"])
@pytest.mark.parametrize("every_seconds", [0.02, 0.5, 5.0])
@pytest.mark.parametrize("lives", ["leases", "no leases"])
def test_safe_1_a_forged_holder_keeps_no_doomed_node_undrained(
    lives: str, every_seconds: float, holders: str, replicas: int
) -> None:
    async def story(stage: Stage) -> None:
        if lives == "no leases":
            stage.kube_fault = lambda replica, request: (
                Forbidden("no leases") if "lease" in request.verb else None
            )
        for number in range(replicas):
            stage.replica(f"nth-{number}", f"rest-{number}")
        await asyncio.sleep(10)

        async def forge() -> None:
            number = 0
            while not stage.is_gone(VICTIM):
                number += 1
                holder = {
                    "made up": "nth-x",
                    "made up anew each time": f"nth-x{number}",
                    "the others": f"nth-{number % 3}",
                }[holders]
                write(stage, VICTIM, holder=holder, drained=False)
                await asyncio.sleep(every_seconds)

        forging = asyncio.create_task(forge())
        await asyncio.sleep(1)
        stage.spot(VICTIM)
        took = await stage.until(lambda: stage.movable(VICTIM) == (), 110)
        forging.cancel()
        assert took < (70 if lives == "no leases" else 50)
        assert stage.cluster.lost == ()

    play(story, rest=4)


def test_safe_1_a_forged_record_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: Stage) -> None:
        stage.replica()
        await asyncio.sleep(5)
        action = LifecycleAction(group=GROUP, hook="h", token="t", instance_id=instance_of("rest-0"))
        for _ in range(20):
            write(stage, VICTIM, event_of(stage, instance_of("rest-0"), action))
            await asyncio.sleep(0.3)
        stage.spot(VICTIM)
        await stage.until(lambda: stage.movable(VICTIM) == (), 60)

    play(story)
    assert len([line for line in caplog.messages if "claims what is not ours" in line]) == 1
    assert json.dumps(caplog.messages).isprintable()
