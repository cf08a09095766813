"""Several replicas share the work; one is killed or stopped in a storm, and another goes on."""

import asyncio
from collections import Counter

import pytest

from nth.core.reports import DrainEnded
from nth.errors import ClusterError, Forbidden
from nth.simulation.connection import Request
from nth.simulation.objects import BudgetSpec
from tests.queue_mode.fleet_replica import Replica
from tests.queue_mode.fleet_worlds import Stage, play

KILL_AT_SECONDS = (0.0, 0.05, 0.1, 0.3, 0.7, 1.1, 2.0, 3.5, 5.0, 7.0, 9.0, 12.0)
DOOMED = 6
NAMES = [f"n{number}" for number in range(DOOMED)]
SPREAD_SECONDS = 0.006
"""Between two messages: so that not one replica receives them all."""


async def storm(stage: Stage, replicas: int, *, slow: bool) -> list[Replica]:
    """Every node has two messages; `slow`: a budget makes it last for half a minute."""
    if slow:
        stage.cluster.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=4))
    stage.hook(seconds=3600)
    started = [stage.replica(f"nth-{number}", f"rest-{number}") for number in range(replicas)]
    await asyncio.sleep(5)
    for number, name in enumerate(NAMES):
        for tell in (stage.asg, stage.health) if number % 2 else (stage.spot, stage.rebalance):
            tell(name)
            await asyncio.sleep(SPREAD_SECONDS)
    return started


async def all_well(stage: Stage) -> None:
    """Every node drained, each pod evicted once, every hook completed once, nothing left anywhere."""
    await stage.end_well(*NAMES)
    assert set(stage.evicted.values()) == {1}
    assert stage.how_ended() == {"CONTINUE": DOOMED // 2}
    assert sum(stage.evicted.values()) == DOOMED * 4


def busiest(stage: Stage) -> Replica:
    """Who has most of the nodes, by their records."""
    holders = Counter(
        record.holder for name in NAMES if not stage.is_gone(name) and (record := stage.record(name))
    )
    names = [name for name, _ in holders.most_common(1)]
    return next((each for each in stage.replicas if each.name in names), stage.replicas[0])


@pytest.mark.parametrize("replicas", [2, 3])
def test_a_storm_that_several_replicas_share_cordons_every_node_before_the_first_eviction(
    replicas: int,
) -> None:
    async def story(stage: Stage) -> None:
        for number in range(replicas):
            stage.replica(f"nth-{number}", f"rest-{number}")
        await asyncio.sleep(5)
        names = [f"n{number}" for number in range(30)]
        for name in names:
            stage.spot(name)
            await asyncio.sleep(SPREAD_SECONDS)
        await stage.until(lambda: len(stage.evicted_by) == 30, 3)
        assert len(set.union(*stage.evicted_by.values())) > 1
        assert stage.cordoned_at_first_eviction >= set(names)
        await stage.end_well(*names)

    play(story, doomed=30, rest=8)


@pytest.mark.parametrize("replicas", [2, 3])
def test_replicas_share_the_work_and_no_node_is_drained_by_two(replicas: int) -> None:
    async def story(stage: Stage) -> None:
        await storm(stage, replicas, slow=False)
        await stage.until(lambda: len(stage.evicted_by) == DOOMED, 3)
        assert all(len(names) == 1 for names in stage.evicted_by.values())
        assert len(set.union(*stage.evicted_by.values())) > 1
        await all_well(stage)
        for name in NAMES:
            assert sum(report.drained for report in stage.reports_of(name, DrainEnded)) == 1

    play(story, doomed=DOOMED, rest=4)


@pytest.mark.parametrize("slow", [False, True], ids=["fast", "slow"])
@pytest.mark.parametrize("replicas", [2, 3])
@pytest.mark.parametrize("at_seconds", KILL_AT_SECONDS)
def test_one_replica_is_killed_in_the_storm(at_seconds: float, replicas: int, slow: bool) -> None:
    async def story(stage: Stage) -> None:
        await storm(stage, replicas, slow=slow)
        await asyncio.sleep(at_seconds)
        dead = busiest(stage)
        dead.die()
        await dead.gone()
        # As long as the dead one's lease is believed, and no longer.
        await stage.until(lambda: not abandoned(stage, dead.name), 12)
        await all_well(stage)

    play(story, doomed=DOOMED, rest=4)


def abandoned(stage: Stage, holder: str) -> list[str]:
    """Nodes on which still stands that this replica has them."""
    here = [name for name in NAMES if not stage.is_gone(name)]
    return [name for name in here if (record := stage.record(name)) and record.holder == holder]


@pytest.mark.parametrize("nth_write", range(1, 38, 3))
def test_a_replica_is_killed_right_after_a_write(nth_write: int) -> None:
    async def story(stage: Stage) -> None:
        writes = 0

        def on_write(replica: Replica, request: Request) -> None:
            nonlocal writes
            writes += request.verb in ("patch_node", "evict_pod")
            if writes == nth_write and not replica.dead:
                writes += 1
                replica.die()

        stage.on_write = on_write
        await storm(stage, 2, slow=False)
        await asyncio.sleep(1)
        await all_well(stage)
        assert [replica.dead for replica in stage.replicas].count(True) == 1

    play(story, doomed=DOOMED, rest=4)


def test_both_replicas_are_killed_and_others_come() -> None:
    async def story(stage: Stage) -> None:
        for replica in await storm(stage, 2, slow=True):
            await asyncio.sleep(1)
            replica.die()
        stage.replica("nth-8", "rest-2")
        stage.replica("nth-9", "rest-3")
        await all_well(stage)

    play(story, doomed=DOOMED, rest=4)


@pytest.mark.parametrize("slow", [False, True], ids=["fast", "slow"])
@pytest.mark.parametrize("at_seconds", KILL_AT_SECONDS)
def test_sigterm_in_the_storm_hands_everything_over_within_seconds(at_seconds: float, slow: bool) -> None:
    async def story(stage: Stage) -> None:
        await storm(stage, 2, slow=slow)
        await asyncio.sleep(at_seconds)
        leaving = busiest(stage)
        leaving.terminate()
        began_at = stage.clock.now()
        await leaving.ended()
        assert stage.clock.now() - began_at < 3
        assert leaving.in_hand.keys() <= {"handoffs"}
        await stage.until(lambda: not abandoned(stage, leaving.name), 5)
        assert all(len(names) <= 2 for names in stage.evicted_by.values())
        await all_well(stage)

    play(story, doomed=DOOMED, rest=4)


def test_messages_that_a_leaving_replica_gives_back_are_visible_at_once() -> None:
    async def story(stage: Stage) -> None:
        (first,) = await storm(stage, 1, slow=True)
        await asyncio.sleep(2)
        second = stage.replica("nth-b", "rest-1")
        await asyncio.sleep(3)
        first.terminate()
        await first.ended()
        await asyncio.sleep(3)
        # All are in the hands of the second one: none waits for its visibility timeout.
        assert second.in_hand["events"] == stage.in_flight == stage.queued > 0
        await all_well(stage)

    play(story, doomed=DOOMED, rest=4)


def test_a_rolling_update_of_both_replicas_in_the_storm() -> None:
    async def story(stage: Stage) -> None:
        for number, old in enumerate(await storm(stage, 2, slow=True)):
            stage.replica(f"new-{number}", f"rest-{number + 2}")
            await asyncio.sleep(3)
            old.terminate()
            await old.ended()
        await all_well(stage)

    play(story, doomed=DOOMED, rest=4)


def test_the_same_pod_name_comes_back_after_a_kill() -> None:
    async def story(stage: Stage) -> None:
        first, _ = await storm(stage, 2, slow=True)
        await asyncio.sleep(2)
        first.die()
        await first.gone()
        await asyncio.sleep(1)
        stage.replica(first.name, "rest-0")
        await all_well(stage)

    play(story, doomed=DOOMED, rest=4)


def forbidden(replica: Replica, request: Request) -> ClusterError | None:
    return Forbidden("leases is forbidden") if "lease" in request.verb else None


@pytest.mark.parametrize("start_seconds", [0.0, 3.0, 20.0])
def test_leases_that_rbac_forbids_are_no_ping_pong(start_seconds: float) -> None:
    async def story(stage: Stage) -> None:
        stage.kube_fault = forbidden
        await asyncio.sleep(start_seconds)
        await storm(stage, 2, slow=True)
        await asyncio.sleep(10)
        await all_well(stage)
        patches = Counter(
            request.what
            for replica in stage.replicas
            for request in replica.connection.requests
            if request.verb == "patch_node"
        )
        assert max(patches.values()) < 20

    play(story, doomed=DOOMED, rest=4)


@pytest.mark.parametrize("at_seconds", KILL_AT_SECONDS)
def test_a_kill_where_rbac_forbids_leases(at_seconds: float) -> None:
    async def story(stage: Stage) -> None:
        stage.kube_fault = forbidden
        await storm(stage, 2, slow=True)
        await asyncio.sleep(at_seconds)
        dead = busiest(stage)
        dead.die()
        await dead.gone()
        await all_well(stage)

    play(story, doomed=DOOMED, rest=4)
