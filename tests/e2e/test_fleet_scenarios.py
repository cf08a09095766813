"""The original's end-to-end scenarios of queue mode (contract 1.11), on a real control plane.

The handler is a process with the rules of queue mode and no others; AWS is the tests' server. Each test
looks at the node, the pods, the hook, the message and the log together.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from nth.errors import Missing
from testbed.bed import RealBed
from tests.contract.bed import NodeSpec, Workload
from tests.core import queue_samples
from tests.core.queue_samples import GROUP
from tests.e2e.fleet import COMPLETED, HAVEN, MANAGED, Fleet, at, fleet_of
from tests.e2e.stage import DRAINED
from tests.servers.aws import AwsServer
from tests.servers.aws_faults import Fault

SPOT_TAINT = "aws-node-termination-handler/spot-itn"
SCHEDULED_TAINT = "aws-node-termination-handler/scheduled-maintenance"
REBALANCE_TAINT = "aws-node-termination-handler/rebalance-recommendation"
ASG_TAINT = "aws-node-termination-handler/asg-lifecycle-termination"
SLOW = (2.0, 3.0)
UNREADY = {"testbed/unready": "yes"}
HEARTBEAT = "Successfully sent lifecycle heartbeat"
HEARTBEATS_OVER = "Heartbeat deadline exceeded"

Scene = Callable[[Fleet], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play(bed: RealBed, aws_server: AwsServer, tmp_path: Path) -> Play:
    def played(scene: Scene, **settings: str) -> None:
        async def scenario() -> None:
            async with fleet_of(bed, aws_server, tmp_path, **settings) as fleet:
                await scene(fleet)
                assert await fleet.handler.stop() == 0
                fleet.assert_no_tracebacks()

        asyncio.run(scenario())

    return played


async def assert_done(fleet: Fleet, *, messages: int = 1, results: tuple[str, ...] = ()) -> None:
    """One drain, the messages deleted once each, and these hooks completed."""
    await fleet.assert_evicted()
    await fleet.assert_queue_empty(deleted=messages)
    fleet.assert_hooks_completed(results)
    fleet.assert_evicted_once()
    assert len(fleet.said(DRAINED)) == 1
    await assert_recorded(fleet)


async def assert_recorded(fleet: Fleet) -> None:
    """Drained, and each event settled: that is written a moment after its message is deleted."""

    async def recorded() -> bool:
        record = await fleet.record()
        return record is not None and record.drained and all(seen.settled for seen in record.events)

    try:
        await fleet.bed.wait_until(recorded)
    except AssertionError as error:
        raise AssertionError(f"{await fleet.record()}\n{fleet.tails()}") from error


async def watch_order(fleet: Fleet) -> None:
    """Until the message is deleted: the hook is never completed before the pods are gone, nor after that."""
    deleted = 0
    while not deleted:
        # What comes last is read first.
        state = fleet.aws.state_of(fleet.instance_id)
        deleted = fleet.aws.queue_counts(fleet.queue_url).deleted
        ended = fleet.aws.ended()
        left = await fleet.web_pods_on(fleet.doomed)
        assert not (deleted and not ended), "the message was deleted before its hook was completed"
        assert not (ended and left), f"the hook was completed before these were gone: {left}"
        assert ended or state == "Terminating:Wait"


def terminate_by_eventbridge(fleet: Fleet) -> None:
    fleet.aws.begin_termination(fleet.instance_id, queue_url=fleet.queue_url)


def terminate_directly(fleet: Fleet) -> None:
    fleet.aws.begin_termination(fleet.instance_id, queue_url=fleet.queue_url, direct=True)


def terminate_through_sns(fleet: Fleet) -> None:
    (action,) = fleet.aws.begin_termination(fleet.instance_id)
    body = queue_samples.direct_asg_message(
        action.instance_id, time.time(), token=action.token, group=action.group, hook=action.hook
    )
    fleet.say(queue_samples.sns_wrapped(body))


def test_T1_launch_hook_is_completed_when_the_node_is_ready_and_not_before(play: Play) -> None:
    async def scene(fleet: Fleet) -> None:
        fleet.put_hook(launching=True)
        await fleet.bed.run(Workload(name="web", replicas=2, ready_after_seconds=0.2))
        await fleet.listen()
        machine = fleet.aws.begin_launch(GROUP, tags=MANAGED, queue_url=fleet.queue_url)
        spec = NodeSpec(name="doomed-0", instance_id=machine.instance_id, annotations=UNREADY)
        fleet.instances[spec.name] = machine.instance_id
        await asyncio.sleep(1.0)
        joining = asyncio.create_task(fleet.bed.add_node(spec))
        await fleet.bed.wait_until(lambda: has_registered(fleet))
        await asyncio.sleep(1.5)
        assert not (await fleet.node()).ready
        assert fleet.aws.state_of(machine.instance_id) == "Pending:Wait"
        assert fleet.aws.ended() == []
        ready_from_at = time.time()
        await fleet.bed.set_ready(spec.name, True)
        ready_by_at = time.time()
        await joining
        await fleet.wait_until(lambda: fleet.aws.state_of(machine.instance_id) == "InService")
        fleet.assert_hooks_completed(["CONTINUE"])
        assert ready_from_at <= fleet.aws.ended()[0].at <= ready_by_at + 1.0
        await fleet.assert_queue_empty(deleted=1)
        assert len(fleet.said("Node is Ready, so its launch hook is to be completed")) == 1
        assert len(fleet.said(COMPLETED)) == 1
        assert not (await fleet.node()).unschedulable

        fleet.pods_before = await fleet.bed.wait_ready("web", 2)
        await fleet.bed.run(Workload(name="agent", kind="DaemonSet", ready_after_seconds=0.1))
        await fleet.bed.wait_ready("agent", 1)
        await fleet.bed.add_node(NodeSpec(name=HAVEN, instance_id="i-0fedcba9876543210"))
        fleet.say(queue_samples.spot_message(machine.instance_id, time.time()))
        await assert_done(fleet, messages=2, results=("CONTINUE",))

    play(scene)


async def has_registered(fleet: Fleet) -> bool:
    try:
        await fleet.node()
    except Missing:
        return False
    return True


@pytest.mark.timeout(120)
def test_T3_heartbeats_keep_the_hook_waiting_until_their_time_is_over(play: Play) -> None:
    """120 s, 30 s and 100 s in the original; here the notice is late, so that the first one is due soon."""
    late_seconds, timeout_seconds, until_seconds, delay_seconds = 27, 40, 65, 68

    async def scene(fleet: Fleet) -> None:
        fleet.put_hook(heartbeat_seconds=timeout_seconds)
        await fleet.set_up(group=GROUP)
        await fleet.listen("--taint-node")
        (action,) = fleet.aws.begin_termination(fleet.instance_id)
        fleet.aws.skip(late_seconds)
        began_at = time.time()
        body = queue_samples.asg_message(
            action.instance_id,
            began_at - late_seconds,
            token=action.token,
            group=action.group,
            hook=action.hook,
        )
        fleet.say(body)
        await fleet.assert_cordoned(ASG_TAINT)
        await fleet.assert_evicted()
        over = await fleet.handler.wait_said(HEARTBEATS_OVER, timeout_seconds=until_seconds + 5)
        assert len(fleet.aws.heartbeats()) == len(fleet.said(HEARTBEAT)) == 3
        beats_at = [at(line) - began_at for line in fleet.said(HEARTBEAT)]
        assert beats_at == pytest.approx([3, 33, 63], abs=2.0)
        assert at(over) - began_at == pytest.approx(until_seconds, abs=2.0)
        # Without heartbeats it had timed out by now; and nobody has completed it yet.
        assert time.time() - began_at + late_seconds > timeout_seconds
        assert fleet.aws.state_of(fleet.instance_id) == "Terminating:Wait"
        assert fleet.aws.queue_counts(fleet.queue_url).in_flight == 1
        await fleet.handler.wait_said(COMPLETED)
        drained_at = at(fleet.said(DRAINED)[0])
        assert fleet.aws.ended()[0].at - drained_at == pytest.approx(delay_seconds, abs=1.0)
        await assert_done(fleet, results=("CONTINUE",))
        assert len(fleet.aws.heartbeats()) == 3

    play(
        scene,
        COMPLETE_LIFECYCLE_ACTION_DELAY_SECONDS=str(delay_seconds),
        HEARTBEAT_INTERVAL="30",
        HEARTBEAT_UNTIL=str(until_seconds),
    )


@pytest.mark.parametrize(
    "terminate",
    [
        pytest.param(terminate_by_eventbridge, id="eventbridge"),
        pytest.param(terminate_directly, id="direct"),
        pytest.param(terminate_through_sns, id="sns"),
    ],
)
def test_T4_asg_termination_completes_the_hook_when_the_pods_are_gone(
    play: Play, terminate: Callable[[Fleet], None]
) -> None:
    async def scene(fleet: Fleet) -> None:
        fleet.put_hook()
        await fleet.set_up(stops=SLOW, group=GROUP)
        await fleet.listen("--taint-node")
        # needs_W11; and it shows which comes first, the hook or the message.
        fleet.aws.fault(Fault(service="autoscaling", action="CompleteLifecycleAction", times=2))
        terminate(fleet)
        watching = asyncio.create_task(watch_order(fleet))
        await fleet.assert_cordoned(ASG_TAINT)
        await asyncio.wait_for(watching, timeout=30)
        assert fleet.aws.state_of(fleet.instance_id) in ("Terminating:Proceed", "Terminated")
        await fleet.wait_until(lambda: fleet.aws.state_of(fleet.instance_id) == "Terminated")
        await assert_done(fleet, results=("CONTINUE",))
        assert len(fleet.said("ASG Lifecycle Termination event received")) == 1
        assert len(fleet.said(COMPLETED)) == 1
        assert len(fleet.said("cannot complete the lifecycle action, trying again")) == 1
        assert len(fleet.aws.calls("CompleteLifecycleAction")) == 3

    play(scene)


def test_a_hook_that_nobody_completes_times_out_and_a_late_handler_is_told_so(play: Play) -> None:
    async def scene(fleet: Fleet) -> None:
        fleet.put_hook(heartbeat_seconds=300)
        await fleet.set_up(group=GROUP)
        terminate_by_eventbridge(fleet)
        fleet.aws.skip(299)
        assert fleet.aws.state_of(fleet.instance_id) == "Terminating:Wait"
        fleet.aws.skip(2)
        fleet.assert_hooks_completed(["timed out"])
        await fleet.listen()
        await assert_done(fleet, results=("timed out",))
        assert len(fleet.said("the lifecycle action was over already")) == 1
        assert not fleet.said(COMPLETED)

    play(scene)


def test_T6_state_change_drains_and_empties_the_queue(play: Play) -> None:
    async def scene(fleet: Fleet) -> None:
        await fleet.set_up()
        await fleet.listen()
        fleet.aws.set_instance_state(fleet.instance_id, "stopping")
        fleet.say(queue_samples.state_message(fleet.instance_id, time.time(), state="stopping"))
        await fleet.assert_cordoned()
        await fleet.assert_evicted()
        await fleet.assert_queue_empty(deleted=1)
        assert len(fleet.said("EC2 State Change event received")) == 1

    play(scene)


def test_T17_message_is_deleted_when_the_cluster_has_no_such_node(play: Play) -> None:
    async def scene(fleet: Fleet) -> None:
        await fleet.set_up()
        await fleet.listen()
        stranger = fleet.aws.add_instance(tags=MANAGED)
        fleet.say(queue_samples.rebalance_message(stranger.instance_id, time.time()))
        await fleet.handler.wait_said("No node for an event, deleting its message", timeout_seconds=30)
        await fleet.assert_queue_empty(deleted=1)
        node = await fleet.node()
        assert not node.unschedulable
        assert await fleet.record() is None
        assert {pod.node_name for pod in await fleet.bed.wait_ready("web", 2)} == {fleet.doomed}

    play(scene, DELETE_SQS_MSG_IF_NODE_NOT_FOUND="true")


def test_T18_rebalance_recommendation_taints_and_drains(play: Play) -> None:
    async def scene(fleet: Fleet) -> None:
        await fleet.set_up()
        await fleet.listen("--taint-node")
        fleet.say(queue_samples.rebalance_message(fleet.instance_id, time.time()))
        await fleet.assert_cordoned(REBALANCE_TAINT)
        await assert_done(fleet)
        assert len(fleet.said("Rebalance recommendation event received")) == 1

    play(scene)


def test_T20_scheduled_change_taints_and_drains(play: Play) -> None:
    async def scene(fleet: Fleet) -> None:
        await fleet.set_up()
        await fleet.listen("--taint-node")
        fleet.say(queue_samples.health_message([fleet.instance_id], time.time()))
        await fleet.assert_cordoned(SCHEDULED_TAINT)
        await assert_done(fleet)
        assert len(fleet.said("AWS Health scheduled change event received")) == 1

    play(scene)


def test_T22_spot_interruption_drains_and_empties_the_queue(play: Play) -> None:
    async def scene(fleet: Fleet) -> None:
        await fleet.set_up()
        await fleet.listen("--taint-node")
        fleet.say(queue_samples.spot_message(fleet.instance_id, time.time()))
        await fleet.assert_cordoned(SPOT_TAINT)
        await assert_done(fleet)
        assert len(fleet.said("Spot Interruption notice for instance")) == 1

    play(scene)
