"""SIGTERM with nobody else there, restarts, and the node that the handler itself runs on."""

import asyncio

import pytest

from nth.simulation.objects import BudgetSpec, PodTemplate, WorkloadSpec
from tests.queue_mode.fleet_replica import NAMESPACE, Replica
from tests.queue_mode.fleet_worlds import HANDLER, Stage, play

NAMES = ["n0", "n1", "n2", "n3"]


async def storm(stage: Stage, node_name: str = "rest-0") -> Replica:
    stage.hook(seconds=3600)
    replica = stage.replica("nth-a", node_name)
    await asyncio.sleep(5)
    for name in NAMES[:2]:
        stage.asg(name)
    for name in NAMES[2:]:
        stage.spot(name)
    return replica


async def all_well(stage: Stage) -> None:
    await stage.end_well(*NAMES)
    assert set(stage.evicted.values()) == {1}
    assert stage.how_ended() == {"CONTINUE": 2}


@pytest.mark.parametrize("at_seconds", [0.1, 0.5, 1.2, 3.0])
def test_alone_it_finishes_what_is_under_way_within_its_grace(at_seconds: float) -> None:
    async def story(stage: Stage) -> None:
        replica = await storm(stage)
        await asyncio.sleep(at_seconds)
        replica.terminate()
        began_at = stage.clock.now()
        await replica.ended()
        assert stage.clock.now() - began_at < 30
        assert all(stage.movable(name) == () for name in NAMES)
        await all_well(stage)

    play(story, doomed=4, rest=3)


def test_alone_it_goes_on_with_drains_that_wait_for_their_slot() -> None:
    async def story(stage: Stage) -> None:
        replica = stage.replica()
        await asyncio.sleep(3)
        names = [f"n{number}" for number in range(10)]
        for name in names:
            stage.spot(name)
        # Ten at once are taken for the begin of a storm: all are cordoned, and nothing is evicted yet.
        await stage.until(lambda: all(map(stage.is_cordoned, names)), 1)
        assert not stage.evicted
        replica.terminate()
        await replica.ended()
        assert not any(stage.movable(name) for name in names)
        await stage.end_well(*names)

    play(story, doomed=10, rest=3)


@pytest.mark.parametrize("at_seconds", [0.02, 0.5, 2.0])
def test_alone_without_time_it_leaves_everything_to_its_successor(at_seconds: float) -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=2))
        replica = await storm(stage)
        await asyncio.sleep(at_seconds)
        replica.terminate()
        began_at = stage.clock.now()
        await replica.ended()
        assert stage.clock.now() - began_at < 9
        await asyncio.sleep(5)
        stage.replica("nth-b", "rest-1")
        await all_well(stage)

    play(story, doomed=4, rest=3, SHUTDOWN_GRACE_PERIOD="5")


def test_alone_and_killed_its_successor_of_any_name_goes_on() -> None:
    async def story(stage: Stage) -> None:
        for name in ("nth-b", "nth-b", "nth-c"):
            replica = stage.replicas[-1] if stage.replicas else await storm(stage)
            await asyncio.sleep(1.5)
            replica.die()
            await replica.gone()
            stage.replica(name, "rest-1")
        await all_well(stage)

    play(story, doomed=4, rest=3)


def test_sigterm_before_it_has_begun_and_with_the_api_gone() -> None:
    async def story(stage: Stage) -> None:
        now = stage.clock.now()
        stage.cluster.set_outage(now, now + 300)
        replica = stage.replica()
        await asyncio.sleep(2)
        replica.terminate()
        await replica.ended()
        assert stage.clock.now() - now < 40

    play(story)


def test_idle_it_ends_within_a_second() -> None:
    async def story(stage: Stage) -> None:
        replica = stage.replica()
        await asyncio.sleep(30)
        began_at = stage.clock.now()
        replica.terminate()
        await replica.ended()
        assert stage.clock.now() - began_at < 1

    play(story)


# Our own node


def own_pod(name: str, node_name: str) -> WorkloadSpec:
    return WorkloadSpec(
        name=name,
        kind="Pod",
        namespace=NAMESPACE,
        template=PodTemplate(node_name=node_name, labels={"app": HANDLER}, grace_seconds=30),
    )


async def kubelet(stage: Stage, replica: Replica) -> tuple[float, list[str]]:
    """Until our pod is deleted: SIGTERM, and SIGKILL when its grace is over.

    When it was deleted, and which pods were still to go then.
    """

    def deleting() -> bool:
        own = [pod for pod in stage.cluster.pods if pod.ref.name == replica.name]
        return not own or own[0].deleting_until_at is not None

    await stage.until(deleting, 200)
    deleted_at = stage.clock.now()
    left = [pod.ref.name for name in NAMES for pod in stage.movable(name)]
    replica.terminate()
    try:
        async with asyncio.timeout(30):
            await replica.ended()
    except TimeoutError:
        replica.die()
    return deleted_at, left


@pytest.mark.parametrize("replicas", [1, 2])
def test_on_its_own_doomed_node_it_finishes_the_others_and_goes_last(replicas: int) -> None:
    async def story(stage: Stage) -> None:
        replica = await storm(stage, "n2")
        if replicas == 2:
            # Only now: which of two replicas receives the messages is a matter of chance.
            stage.replica("nth-b", "rest-1")
        _, left = await kubelet(stage, replica)
        assert left == []
        assert stage.evicted[f"{NAMESPACE}/nth-a"] == 1
        await stage.until(lambda: not [pod for pod in stage.cluster.pods if pod.ref.name == "nth-a"])
        stage.replica("nth-c", "rest-2")
        await all_well(stage)

    slow = PodTemplate(
        grace_seconds=60, stop_seconds=(20, 25), node_selector={"kubernetes.io/hostname": "n0"}
    )
    late = WorkloadSpec(name="late", kind="StatefulSet", template=slow)
    play(story, doomed=4, rest=3, workloads=[own_pod("nth-a", "n2"), late])


def test_on_its_own_doomed_node_without_time_it_leaves_before_the_machine_goes() -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=0))
        replica = await storm(stage, "n2")
        sent_at = stage.clock.now()
        # The Spot warning gives 120 s; the hooks of other nodes far more.
        deleted_at, _ = await kubelet(stage, replica)
        assert 100 < deleted_at - sent_at < 112
        stage.replica("nth-c", "rest-2")
        await asyncio.sleep(20)
        stage.cluster.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=8))
        await stage.end_well(*NAMES)
        assert stage.how_ended() == {"CONTINUE": 2}

    play(story, doomed=4, rest=3, workloads=[own_pod("nth-a", "n2")])


async def an_own_node_that_is_doomed(stage: Stage) -> None:
    stage.replica("nth-a", "n0")
    await asyncio.sleep(5)
    stage.spot("n0")
    await asyncio.sleep(118)
    assert not stage.evicted
    assert not [each for each in stage.replicas[0].connection.requests if each.verb == "evict_pod"]


def test_with_cordon_only_our_own_pod_is_not_evicted_either() -> None:
    pods = [own_pod("nth-a", "n0")]
    play(an_own_node_that_is_doomed, doomed=1, rest=3, workloads=pods, CORDON_ONLY="true")


def test_needs_W9_a_dry_run_does_not_evict_our_own_pod_either() -> None:
    play(an_own_node_that_is_doomed, doomed=1, rest=3, workloads=[own_pod("nth-a", "n0")], DRY_RUN="true")
