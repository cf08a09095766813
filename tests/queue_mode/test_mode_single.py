"""Queue mode as the only replica (`USE_LEASES=false`): no Lease is asked for, and its successor goes on."""

import asyncio
from collections import Counter

import pytest

from nth.errors import ClusterError, Forbidden
from nth.simulation.connection import Request
from nth.simulation.objects import BudgetSpec
from tests.queue_mode.fleet_replica import Replica
from tests.queue_mode.fleet_worlds import Stage, play

NODES = ("n0", "n1", "n2")


def no_leases(replica: Replica, request: Request) -> ClusterError | None:
    return Forbidden("leases is forbidden") if "lease" in request.verb else None


async def storm(stage: Stage) -> Replica:
    """A budget makes it last for half a minute."""
    stage.kube_fault = no_leases
    stage.cluster.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=2))
    stage.hook(seconds=3600)
    replica = stage.replica()
    await asyncio.sleep(5)
    for name in NODES:
        stage.rebalance(name)
        stage.asg(name)
    return replica


async def all_well(stage: Stage) -> None:
    await stage.end_well(*NODES)
    assert set(stage.evicted.values()) == {1}
    assert stage.how_ended() == {"CONTINUE": len(NODES)}


def requests(stage: Stage, verb: str) -> list[Request]:
    return [each for replica in stage.replicas for each in replica.connection.requests if verb in each.verb]


@pytest.mark.parametrize("at_seconds", [0.1, 0.5, 2.0, 6.0])
def test_a_successor_goes_on_at_once(at_seconds: float) -> None:
    async def story(stage: Stage) -> None:
        first = await storm(stage)
        await asyncio.sleep(at_seconds)
        first.die()
        await first.gone()
        stage.replica("nth-b", "rest-1")
        began_at = stage.clock.now()
        await stage.until(lambda: any("nth-b" in names for names in stage.evicted_by.values()), 5)
        assert stage.clock.now() - began_at < 5
        await all_well(stage)
        assert not requests(stage, "lease")

    play(story, doomed=3, rest=4, USE_LEASES="false")


@pytest.mark.parametrize("at_seconds", [0.0, 0.5, 2.0, 6.0])
def test_the_two_of_a_rolling_update_do_no_harm(at_seconds: float) -> None:
    async def story(stage: Stage) -> None:
        first = await storm(stage)
        await asyncio.sleep(at_seconds)
        stage.replica("nth-b", "rest-1")
        await asyncio.sleep(2)
        first.terminate()
        await first.ended()
        await all_well(stage)
        patches = Counter(request.what for request in requests(stage, "patch_node"))
        assert max(patches.values()) < 20

    play(story, doomed=3, rest=4, USE_LEASES="false")
