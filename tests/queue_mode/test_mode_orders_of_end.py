"""What has to come before what when a session fails, a replica leaves, or a node is handed over."""

import asyncio
from collections.abc import Callable

import pytest

from nth.core.facts import PodRef
from nth.errors import ClusterError, Unreachable
from nth.simulation.connection import Request
from nth.simulation.objects import BudgetSpec, PodTemplate, WorkloadSpec
from tests.queue_mode.fleet_replica import Replica
from tests.queue_mode.fleet_worlds import Stage, play


class Strange(ClusterError):
    """An answer that no code expects: the session fails over it."""

    def __str__(self) -> str:
        raise RuntimeError("a defect")


def fails_once_at_evictions_from(stage: Stage, replica: Replica, name: str) -> list[float]:
    """The session of that node fails at its first eviction; when it did."""
    failed_at: list[float] = []
    evict = replica.pods.evict_pod

    async def strange(ref: PodRef, *, grace_seconds: int | None, deadline_at: float | None = None) -> None:
        if not failed_at and ref in {pod.ref for pod in stage.cluster.pods_on(name)}:
            failed_at.append(stage.clock.now())
            raise Strange("a defect")
        await evict(ref, grace_seconds=grace_seconds, deadline_at=deadline_at)

    replica.pods.evict_pod = strange
    return failed_at


def evictions(replica: Replica) -> list[Request]:
    return [each for each in replica.connection.requests if each.verb == "evict_pod"]


def test_safe_12_a_session_that_failed_gives_its_turn_back(caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: Stage) -> None:
        replica = stage.replica()
        await asyncio.sleep(3)
        failed_at = fails_once_at_evictions_from(stage, replica, "n0")
        stage.rebalance("n0")
        await asyncio.sleep(0.2)
        stage.rebalance("n1")
        await stage.until(lambda: bool(failed_at), 10)
        # It is begun anew after a second; until then its turn is another's.
        await stage.until(lambda: "n1" in stage.evicted_by, 0.9)
        assert "n0" not in stage.evicted_by
        # And it gets one itself, though it had one when it failed.
        await stage.until(lambda: stage.movable("n0") == stage.movable("n1") == (), 120)
        await stage.end_well("n0", "n1")

    play(story, doomed=2, WORKERS="1")
    assert sum("session failed" in message for message in caplog.messages) == 1


def slow(name: str) -> WorkloadSpec:
    template = PodTemplate(
        grace_seconds=300, stop_seconds=(200, 200), node_selector={"kubernetes.io/hostname": name}
    )
    return WorkloadSpec(name=f"slow-{name}", kind="StatefulSet", template=template)


def first_at(requests: list[tuple[float, str]], which: Callable[[str], bool]) -> float:
    return next(at for at, what in requests if which(what))


def given_back(replica: Replica, after_at: float) -> list[float]:
    """When it asked for messages to be visible to others at once."""
    asked = replica.aws.asked("ChangeMessageVisibilityBatch")
    return [each.at for each in asked if each.at >= after_at]


async def leaving_with_work(stage: Stage) -> tuple[Replica, float]:
    """A replica whose drains go on is told to end while another one is there."""
    stage.hook(seconds=3600)
    replica = stage.replica("nth-a")
    handed_off: list[str] = []
    replica.mode.dispatch.handoffs.add = lambda node_name, event: handed_off.append(node_name)  # type: ignore[method-assign]
    await asyncio.sleep(3)
    stage.asg("n0")
    stage.spot("n1")
    await stage.until(lambda: {"n0", "n1"} <= stage.evicted_by.keys(), 20)
    stage.replica("nth-b", "rest-1")
    await stage.until(lambda: bool(replica.mode.replicas.others_alive()), 20)
    began_at = stage.clock.now()
    replica.terminate()
    await replica.ended()
    # It knows that it leaves before it lets go: the events are no longer its to pass on.
    assert handed_off == []
    return replica, began_at


def test_safe_12_nodes_are_handed_over_then_the_lease_is_released_then_messages_are_given_back() -> None:
    async def story(stage: Stage) -> None:
        replica, began_at = await leaving_with_work(stage)
        requests = [each for each in replica.connection.requests if each.at >= began_at]
        patched = [each.at for each in requests if each.verb == "patch_node"]
        (released_at,) = [each.at for each in requests if each.verb == "delete_lease"]
        assert len(patched) >= 2
        assert max(patched) < released_at
        back = given_back(replica, began_at)
        assert back
        assert min(back) > released_at
        for name in ("n0", "n1"):
            record = stage.record(name)
            assert record is not None
            assert record.holder != "nth-a"
        await stage.end_well("n0", "n1", seconds=400)
        assert stage.how_ended() == {"CONTINUE": 1}

    play(story, doomed=2, workloads=[slow("n0"), slow("n1")], pods=2)


def test_safe_12_a_replica_that_leaves_takes_nothing_over_and_posts_to_nobody() -> None:
    async def story(stage: Stage) -> None:
        replica, _ = await leaving_with_work(stage)
        assert "handoffs" not in replica.in_hand
        assert replica.in_hand.get("events", 0) == 0
        await stage.end_well("n0", "n1", seconds=400)

    play(story, doomed=2, workloads=[slow("n0"), slow("n1")], pods=2)


def test_safe_12_who_cannot_hand_over_in_time_is_known_to_have_left_when_its_messages_come_back() -> None:
    """Were they given back before, the other would leave the node to us, and lose seconds of the notice."""

    async def story(stage: Stage) -> None:
        leaving = False

        def fault(replica: Replica, request: Request) -> ClusterError | None:
            hit = leaving and replica.name == "nth-a" and request.verb == "patch_node"
            return Unreachable("no answer") if hit else None

        stage.kube_fault = fault
        stage.hook(seconds=3600)
        replica = stage.replica("nth-a")
        await asyncio.sleep(3)
        stage.spot("n0")
        await stage.until(lambda: "n0" in stage.evicted_by, 20)
        other = stage.replica("nth-b", "rest-1")
        await stage.until(lambda: bool(replica.mode.replicas.others_alive()), 20)
        leaving = True
        began_at = stage.clock.now()
        replica.terminate()
        await replica.ended()
        (released_at,) = [each.at for each in replica.connection.requests if each.verb == "delete_lease"]
        assert min(given_back(replica, began_at)) > released_at
        await stage.until(lambda: "n0" in other.engine.node_names, 4)
        assert len(other.mode.dispatch.handoffs) == 0
        await stage.end_well("n0", seconds=400)

    play(story, workloads=[slow("n0")], pods=2)


def test_safe_12_a_hook_that_is_completed_while_we_leave_settles_its_message() -> None:
    async def story(stage: Stage) -> None:
        stage.hook(seconds=3600)
        replica = stage.replica("nth-a")
        await asyncio.sleep(3)
        stage.asg("n0")
        await stage.until(lambda: replica.mode.hooks.waiting == 1, 10)
        stage.cluster.remove_node("n0")
        await stage.until(lambda: not replica.engine.node_names, 2)
        settled_at = stage.clock.now()
        stage.replica("nth-b", "rest-1")
        await stage.until(lambda: bool(replica.mode.replicas.others_alive()), 4)
        await asyncio.sleep(settled_at + 4 - stage.clock.now())
        replica.terminate()
        await replica.ended()
        assert stage.queued == 0
        assert stage.how_ended() == {"CONTINUE": 1}

    play(
        story,
        pods=0,
        COMPLETE_LIFECYCLE_ACTION_DELAY_SECONDS="5",
    )


def test_safe_12_a_drain_that_a_budget_blocks_is_handed_over_with_its_message() -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=0))
        replica = stage.replica("nth-a")
        await asyncio.sleep(3)
        stage.rebalance("n0")
        await asyncio.sleep(10)
        stage.replica("nth-b", "rest-1")
        await asyncio.sleep(5)
        replica.terminate()
        await replica.ended()
        stage.cluster.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=9))
        await stage.end_well("n0")
        assert set(stage.evicted.values()) == {1}

    play(story)
