"""A storm ends well whatever happens: each node drained once, each hook completed once, nothing in the queue.

Replicas are killed or stopped in its middle, the API server goes away, EC2 throttles.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from nth.core.node.phases import TAKEN
from testbed.bed import RealBed
from tests.core import queue_samples
from tests.core.queue_samples import GROUP
from tests.e2e.fleet import COMPLETED, HAVEN, Fleet, Replica, at, fleet_of
from tests.e2e.proxy import Asked, status_reply
from tests.e2e.stage import DRAINED
from tests.servers.aws import AwsServer
from tests.servers.aws_faults import Fault
from tests.servers.http import Reply

NODES = 7
PODS = 21
STOPS = (1.0, 2.0)
A, B = "nth-a", "nth-b"
TAKEOVER_SECONDS = 15.0
VISIBILITY_SECONDS = 8
GONE_SECONDS = 10.0

Scene = Callable[[Fleet], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play(bed: RealBed, aws_server: AwsServer, tmp_path: Path) -> Play:
    def played(scene: Scene, *names: str, **settings: str) -> None:
        async def scenario() -> None:
            visibility = {"SQS_MSG_VISIBILITY_TIMEOUT_SEC": str(VISIBILITY_SECONDS)}
            async with fleet_of(bed, aws_server, tmp_path, *names, **visibility, **settings) as fleet:
                await scene(fleet)

        asyncio.run(scenario())

    return played


async def set_up(fleet: Fleet) -> None:
    fleet.put_hook()
    await fleet.set_up(NODES, pods=PODS, stops=STOPS, group=GROUP)
    await fleet.listen("--taint-node")


def storm(fleet: Fleet) -> None:
    """A Spot warning and a termination by its group for every node: two messages and one hook each."""
    now = time.time()
    fleet.say(
        *(
            queue_samples.spot_message(instance_id, now, event_id=f"spot-{i}")
            for i, instance_id in enumerate(fleet.instances.values())
        )
    )
    for instance_id in fleet.instances.values():
        fleet.aws.begin_termination(instance_id, queue_url=fleet.queue_url)


async def records_drained(fleet: Fleet) -> bool:
    records = [await fleet.record(name) for name in fleet.instances]
    return all(record is not None and record.drained for record in records)


async def wait_drained(fleet: Fleet, *, timeout_seconds: float = 40.0) -> float:
    """As the nodes' records say; when that was seen."""
    try:
        await fleet.bed.wait_until(lambda: records_drained(fleet), timeout_seconds=timeout_seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{fleet.tails()}") from error
    return time.time()


async def assert_all_done(fleet: Fleet) -> None:
    """Nodes, pods, hooks, messages and what was said."""
    await wait_drained(fleet)
    await fleet.assert_queue_empty(deleted=2 * NODES, timeout_seconds=40)
    pods = await fleet.bed.wait_ready("web", PODS)
    assert {pod.node_name for pod in pods} == {HAVEN}
    for name in fleet.instances:
        node, record = await fleet.node(name), await fleet.record(name)
        assert node.unschedulable
        assert record is not None
        assert [seen.settled for seen in record.events] == [True, True]
    fleet.assert_hooks_completed(["CONTINUE"] * NODES)
    fleet.assert_evicted_once()
    for replica in fleet.replicas.values():
        # Who is killed may have said it and not have written it: its successor looks, and says it again.
        drained = [line["node"] for line in replica.handler.said(DRAINED)]
        assert len(drained) == len(set(drained))
    fleet.assert_no_tracebacks()


Moment = Callable[[Replica], bool]


def has_marked(replica: Replica) -> bool:
    return any(asked.is_node_patch and asked.accepted for asked in replica.proxy.asked)


def has_evicted(replica: Replica) -> bool:
    return sum(asked.is_eviction and asked.accepted for asked in replica.proxy.asked) >= 2


def has_drained(replica: Replica) -> bool:
    return bool(replica.handler.said(DRAINED))


def has_completed_a_hook(replica: Replica) -> bool:
    return bool(replica.handler.said(COMPLETED))


async def first_at(fleet: Fleet, moment: Moment) -> tuple[Replica, Replica]:
    """The replica that gets there first, and the other one."""
    one, other = fleet.replicas.values()
    until_at = time.time() + 20
    while time.time() < until_at:
        if moment(one):
            return one, other
        if moment(other):
            return other, one
        await asyncio.sleep(0.02)
    raise AssertionError(f"neither replica got there\n{fleet.tails()}")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("moment", [has_marked, has_evicted, has_drained, has_completed_a_hook])
def test_killed_mid_storm_the_other_replica_finishes(play: Play, moment: Moment) -> None:
    async def scene(fleet: Fleet) -> None:
        await set_up(fleet)
        storm(fleet)
        victim, heir = await first_at(fleet, moment)
        os.kill(victim.handler.pid, signal.SIGKILL)
        killed_at = time.time()
        await victim.handler.wait_ended()
        drained_at = await wait_drained(fleet)
        assert drained_at - killed_at < TAKEOVER_SECONDS, fleet.tails()
        await assert_all_done(fleet)
        assert len(heir.handler.said("another replica is gone")) == 1
        assert await heir.handler.stop() == 0

    play(scene, A, B)


@pytest.mark.timeout(120)
def test_SIGTERM_mid_storm_hands_over_within_seconds(play: Play) -> None:
    async def scene(fleet: Fleet) -> None:
        await set_up(fleet)
        storm(fleet)
        leaver, heir = await first_at(fleet, has_evicted)
        stopped_at = time.time()
        assert await leaver.handler.stop() == 0
        assert time.time() - stopped_at < 5
        # No message has to become visible again by itself: they were given back.
        drained_at = await wait_drained(fleet)
        assert drained_at - stopped_at < VISIBILITY_SECONDS
        await assert_all_done(fleet)
        assert await heir.handler.stop() == 0

    play(scene, A, B)


@pytest.mark.timeout(120)
def test_the_API_server_goes_away_mid_storm(play: Play) -> None:
    async def scene(fleet: Fleet) -> None:
        await set_up(fleet)
        storm(fleet)
        await first_at(fleet, has_evicted)
        await asyncio.gather(*(replica.proxy.close() for replica in fleet.replicas.values()))
        await asyncio.sleep(GONE_SECONDS)
        for replica in fleet.replicas.values():
            await replica.proxy.open()
        back_at = time.time()
        drained_at = await wait_drained(fleet)
        assert drained_at - back_at < TAKEOVER_SECONDS
        await assert_all_done(fleet)
        # Neither took the other for dead.
        assert not fleet.said("another replica is gone")
        for replica in fleet.replicas.values():
            assert await replica.handler.stop() == 0

    play(scene, A, B)


@pytest.mark.timeout(120)
def test_replicas_that_have_lost_sight_of_the_nodes_do_not_fight_for_them(play: Play) -> None:
    """What took a node from a replica is in the answer to its own request, and not only in the watch."""

    async def scene(fleet: Fleet) -> None:
        await set_up(fleet)
        await asyncio.gather(*(replica.proxy.close() for replica in fleet.replicas.values()))
        storm(fleet)
        # Both have heard of the same nodes, if by different messages.
        await asyncio.sleep(3.0)
        blind_until_at = time.time() + 5.0

        def blind(asked: Asked) -> Reply | None:
            nodes = asked.method == "GET" and asked.path.startswith("/api/v1/nodes?")
            return status_reply(500) if nodes and asked.at < blind_until_at else None

        for replica in fleet.replicas.values():
            replica.proxy.fault = blind
            await replica.proxy.open()
        await assert_all_done(fleet)
        displaced = [(line["node"], line["session"]) for line in fleet.said(f"Session ended: {TAKEN}")]
        assert len(displaced) <= NODES + 2, displaced
        for replica in fleet.replicas.values():
            assert await replica.handler.stop() == 0

    play(scene, A, B)


@pytest.mark.timeout(120)
def test_AWS_in_trouble_mid_storm_delays_no_drain(play: Play) -> None:
    async def scene(fleet: Fleet) -> None:
        await set_up(fleet)
        for service, code in (("ec2", "RequestLimitExceeded"), ("autoscaling", "Throttling")):
            fleet.aws.fault(Fault(service=service, status=503, code=code, seconds=GONE_SECONDS))
        storm_at = time.time()
        storm(fleet)
        assert await wait_drained(fleet) - storm_at < GONE_SECONDS
        await assert_all_done(fleet)
        assert min(ended.at for ended in fleet.aws.ended()) >= storm_at + GONE_SECONDS
        assert all(at(line) < storm_at + GONE_SECONDS for line in fleet.said(DRAINED))
        assert await fleet.handler.stop() == 0

    play(scene)
