"""Somebody takes the cordon off a node that goes away, or registers it anew: in both modes."""

import asyncio
from collections import Counter

import pytest

from nth.core.facts import Node, NodePatch
from nth.core.node.phases import Phase
from nth.core.reports import CordonLifted, DrainEnded, NodeMarked, NodeReturned, SessionEnded
from nth.errors import ClusterError, Expired, Forbidden, Unreachable
from nth.simulation.connection import Request
from nth.simulation.objects import MachineSpec, WorkloadSpec
from tests import worlds
from tests.queue_mode import fleet_worlds
from tests.worlds import VICTIM, Stage, play

UNCORDON = NodePatch({"spec": {"unschedulable": None}})


def uncordon(stage: Stage) -> None:
    stage.cluster.change_node(VICTIM, UNCORDON)


def more_pods(stage: Stage, count: int = 4) -> None:
    """They are put on the emptiest node, which is the doomed one if it may be."""
    stage.cluster.add_workload(WorkloadSpec(name="more", replicas=count))


class SlowPatches(worlds.Passing):
    """So that pods land before the cordon is back."""

    async def patch_node(self, name: str, patch: NodePatch, *, deadline_at: float | None = None) -> Node:
        await asyncio.sleep(0.5)
        return await self.inner.patch_node(name, patch, deadline_at=deadline_at)


async def drained_node(stage: Stage) -> worlds.Process:
    process = stage.process(around=SlowPatches)
    await asyncio.sleep(2)
    stage.cloud.interrupt(stage.clock.now() + 120)
    await stage.cluster.wait_until(lambda: bool(process.reports(DrainEnded)), timeout_seconds=60)
    return process


async def nothing_is_lost(stage: Stage) -> None:
    """At the deadline the machine goes, and the API server agrees with what was said."""
    await asyncio.sleep(130)
    assert VICTIM in stage.cluster.dead
    assert stage.cluster.lost == ()


def watches(process: worlds.Process) -> list[Request]:
    return [request for request in process.connection.requests if request.verb == "watch_nodes"]


def reads(process: worlds.Process) -> list[Request]:
    return [request for request in process.connection.requests if request.verb == "read_node"]


def test_safe_15_a_cordon_that_is_taken_off_is_back_within_seconds_and_nothing_is_lost() -> None:
    async def story(stage: Stage) -> None:
        process = await drained_node(stage)
        uncordon(stage)
        more_pods(stage)
        await asyncio.sleep(1.5)
        assert stage.is_cordoned()
        assert len(stage.movable()) == 4
        (lift,) = process.reports(CordonLifted)
        assert lift.again_at is not None
        await stage.cluster.wait_until(lambda: stage.movable() == (), timeout_seconds=30)
        assert [report.drained for report in process.reports(DrainEnded)] == [True, True]
        assert stage.record is not None
        assert stage.record.marks.cordoned
        await nothing_is_lost(stage)

    play(story)


def test_safe_15_one_watch_is_all_that_it_costs() -> None:
    async def story(stage: Stage) -> None:
        process = await drained_node(stage)
        assert [(each.verb, each.what) for each in watches(process)] == [("watch_nodes", VICTIM)]

    play(story)


@pytest.mark.parametrize(
    "error", [Expired("410"), Unreachable("the connection was closed")], ids=["expired", "closed"]
)
def test_safe_15_the_watch_survives_its_end(error: ClusterError) -> None:
    async def story(stage: Stage) -> None:
        process = await drained_node(stage)
        process.connection.break_watches(error)
        if isinstance(error, Expired):
            stage.cluster.forget_history()
        uncordon(stage)
        more_pods(stage)
        await asyncio.sleep(4)
        assert stage.is_cordoned()
        assert len(process.reports(CordonLifted)) == 1
        await nothing_is_lost(stage)

    play(story)


def test_safe_15_a_watch_that_hangs_is_noticed() -> None:
    class Deaf(worlds.Passing):
        async def watch_nodes(self, resource_version: str, *, name: str = ""):  # type: ignore[no-untyped-def]
            await asyncio.sleep(3600)
            async for change in self.inner.watch_nodes(resource_version, name=name):
                yield change

    async def story(stage: Stage) -> None:
        process = stage.process(around=Deaf)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await stage.cluster.wait_until(lambda: bool(process.reports(DrainEnded)), timeout_seconds=60)
        uncordon(stage)
        more_pods(stage)
        await asyncio.sleep(32)
        assert stage.is_cordoned()
        await nothing_is_lost(stage)

    play(story)


def test_safe_15_without_the_right_to_watch_the_node_is_read(caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: Stage) -> None:
        def before(request: Request) -> ClusterError | None:
            return Forbidden("403: nodes is forbidden") if request.verb == "watch_nodes" else None

        process = stage.process(before=before)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await stage.cluster.wait_until(lambda: bool(process.reports(DrainEnded)), timeout_seconds=60)
        uncordon(stage)
        more_pods(stage)
        await asyncio.sleep(6)
        assert stage.is_cordoned()
        await nothing_is_lost(stage)
        assert sum("may not be watched" in record.getMessage() for record in caplog.records) == 1

    play(story)


def test_safe_15_while_nothing_goes_away_no_node_is_watched() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(600)
        assert watches(process) == []

    play(story)


def test_safe_15_without_a_deadline_an_uncordon_is_heeded() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.rebalance(stage.clock.now())
        await stage.cluster.wait_until(stage.is_cordoned, timeout_seconds=10)
        await asyncio.sleep(5)
        uncordon(stage)
        await asyncio.sleep(300)
        assert not stage.is_cordoned()
        assert [report.again_at for report in process.reports(CordonLifted)] == [None]

    play(story, "--enable-rebalance-monitoring")


def test_safe_15_a_dry_run_leaves_the_cordon_alone() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(20)
        uncordon(stage)
        await asyncio.sleep(20)
        assert process.connection.writes == ()
        assert watches(process) == []

    play(story, "--dry-run")


# The Node object is another one


@pytest.mark.parametrize("when_seconds", [0.5, 4.0, 30.0])
def test_safe_15_a_node_that_is_registered_anew_is_marked_anew(when_seconds: float) -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await stage.cluster.wait_until(stage.is_cordoned, timeout_seconds=10)
        await asyncio.sleep(when_seconds)
        uid = stage.cluster.register_anew(VICTIM).uid
        more_pods(stage)
        await asyncio.sleep(2.5)
        assert stage.is_cordoned()
        assert "aws-node-termination-handler/spot-itn" in stage.taints
        assert stage.record is not None
        assert [seen.event.kind.name for seen in stage.record.events] == ["SPOT_ITN"]
        assert [report.uid for report in process.reports(NodeReturned)] == [uid]
        await stage.cluster.wait_until(lambda: stage.movable() == (), timeout_seconds=40)
        await nothing_is_lost(stage)

    play(story, "--taint-node")


def test_safe_15_a_node_that_comes_back_after_a_while_is_marked_anew() -> None:
    async def story(stage: Stage) -> None:
        process = await drained_node(stage)
        node = stage.node
        stage.cluster._store.remove_node(VICTIM)
        await asyncio.sleep(10)
        assert process.reports(SessionEnded)
        stage.cluster.add_node(MachineSpec(name=VICTIM, instance_id="i-1"))
        assert stage.node.uid != node.uid
        await asyncio.sleep(2.5)
        assert stage.is_cordoned()
        assert stage.record is not None

    play(story)


def test_safe_15_another_machine_of_the_same_name_is_left_alone() -> None:
    async def story(stage: Stage) -> None:
        process = await drained_node(stage)
        stage.cluster._store.remove_node(VICTIM)
        await asyncio.sleep(5)
        stage.cluster.add_node(MachineSpec(name=VICTIM, instance_id="i-another"))
        await asyncio.sleep(20)
        assert not stage.is_cordoned()
        assert stage.record is None
        assert process.reports(NodeReturned) == []

    play(story)


def test_safe_15_who_is_gone_for_good_is_asked_for_no_longer_than_its_machine_may_run() -> None:
    async def story(stage: Stage) -> None:
        process = await drained_node(stage)
        stage.cluster.remove_node(VICTIM)
        await asyncio.sleep(300)
        asked = len(process.connection.requests)
        await asyncio.sleep(600)
        assert len(process.connection.requests) == asked
        assert process.mode.phases() == {}

    play(story)


# Queue mode


def lifts_of(stage: fleet_worlds.Stage) -> list[CordonLifted]:
    return stage.reports(CordonLifted)


async def fleet_ready(stage: fleet_worlds.Stage, *replicas: str) -> None:
    for name in replicas or ("nth-0",):
        stage.replica(name)
    await asyncio.sleep(3)


def test_safe_15_queue_mode_a_cordon_that_is_taken_off_is_set_again() -> None:
    async def story(stage: fleet_worlds.Stage) -> None:
        await fleet_ready(stage)
        stage.spot("n0")
        await stage.until(lambda: bool(stage.reports(DrainEnded)), 40)
        stage.cluster.change_node("n0", UNCORDON)
        stage.cluster.add_workload(WorkloadSpec(name="more", replicas=4))
        await asyncio.sleep(1)
        assert stage.is_cordoned("n0")
        await stage.until(lambda: stage.movable("n0") == (), 30)
        assert len(lifts_of(stage)) == 1
        await stage.end_well("n0")

    fleet_worlds.play(story)


def test_safe_15_queue_mode_only_one_of_two_replicas_sets_it_again() -> None:
    async def story(stage: fleet_worlds.Stage) -> None:
        await fleet_ready(stage, "nth-0", "nth-1")
        stage.spot("n0")
        await stage.until(lambda: bool(stage.reports(DrainEnded)), 40)
        before = Counter(each.name for each in stage.replicas for _ in each.connection.writes)
        stage.cluster.change_node("n0", UNCORDON)
        await asyncio.sleep(2)
        assert stage.is_cordoned("n0")
        assert len(lifts_of(stage)) == 1
        patched = [
            each.name
            for each in stage.replicas
            if sum(request.verb == "patch_node" for request in each.connection.writes)
        ]
        assert len(patched) == 1
        assert before
        await stage.end_well("n0")

    fleet_worlds.play(story)


def test_safe_15_queue_mode_a_node_that_is_registered_anew_is_marked_anew() -> None:
    async def story(stage: fleet_worlds.Stage) -> None:
        await fleet_ready(stage)
        stage.spot("n0")
        await stage.until(lambda: bool(stage.reports(DrainEnded)), 40)
        stage.cluster.register_anew("n0")
        stage.cluster.add_workload(WorkloadSpec(name="more", replicas=4))
        await asyncio.sleep(1)
        assert stage.is_cordoned("n0")
        assert len(stage.reports(NodeReturned)) == 1
        await stage.until(lambda: stage.movable("n0") == (), 30)
        await stage.end_well("n0")

    fleet_worlds.play(story)


def test_safe_15_queue_mode_a_rebalanced_node_stays_as_a_person_wants_it() -> None:
    async def story(stage: fleet_worlds.Stage) -> None:
        await fleet_ready(stage)
        stage.rebalance("n0")
        await stage.until(lambda: bool(stage.reports(DrainEnded)), 40)
        marked = len(stage.reports(NodeMarked))
        stage.cluster.change_node("n0", UNCORDON)
        await asyncio.sleep(60)
        assert not stage.is_cordoned("n0")
        assert [report.again_at for report in lifts_of(stage)] == [None]
        assert len(stage.reports(NodeMarked)) == marked
        assert stage.replicas[0].engine.phases == {Phase.DRAINED.value: 1}

    fleet_worlds.play(story)
