"""What is said of the replacements when the node is gone before they are Ready: followed to their end."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

from nth.core.facts import NodePatch
from nth.core.reports import Replaced, ReplacementEnded, Report, SessionEnded
from nth.simulation.objects import MachineSpec, PodTemplate, WorkloadSpec
from tests.queue_mode.fleet_replica import Replica
from tests.queue_mode.fleet_worlds import Stage, instance_of, play

PINNED = WorkloadSpec(name="db", replicas=2, template=PodTemplate(node_selector={"disk": "fast"}))
"""Its pods have no room on any other node."""


R = TypeVar("R", bound=Report)


def machine(name: str) -> MachineSpec:
    return MachineSpec(name=name, instance_id=instance_of(name))


def labelled(disk: str) -> NodePatch:
    return NodePatch({"metadata": {"labels": {"disk": disk}}})


def reports(replica: Replica, kind: type[R]) -> list[R]:
    return [told.report for told in replica.told if isinstance(told.report, kind)]


def asked(replica: Replica) -> int:
    return sum(request.verb == "read_wanted" for request in replica.connection.requests)


def ends(replica: Replica) -> list[tuple[bool, int, int]]:
    """(final, missing, released) of each report about replacements."""
    found = reports(replica, ReplacementEnded)
    return [(each.final, len(each.missing), len(each.released)) for each in found]


def last_reports(replica: Replica) -> list[type[Report]]:
    return [type(told.report) for told in replica.told[-2:]]


async def interrupted(stage: Stage) -> Replica:
    """A Spot interruption whose machine and Node are gone, and the pods have no other place yet."""
    stage.cluster.change_node("n0", labelled("fast"))
    stage.cluster.add_workload(PINNED)
    await stage.cluster.wait_until(lambda: sum(pod.ready for pod in stage.cluster.pods_of("db")) == 2)
    replica = stage.replica()
    await asyncio.sleep(3)
    stage.spot("n0")
    await asyncio.sleep(121)
    stage.cluster.remove_node("n0")
    await asyncio.sleep(19)
    assert ends(replica) == [(False, 1, 0)]
    assert reports(replica, SessionEnded) == []
    return replica


def test_a_storm_of_pending_pods_is_followed_after_the_node_is_gone() -> None:
    async def story(stage: Stage) -> None:
        replica = await interrupted(stage)
        fast = stage.cluster.add_node(machine("fast"))
        stage.cluster.change_node(fast.name, labelled("fast"))
        await asyncio.sleep(60)
        assert ends(replica) == [(False, 1, 0), (True, 0, 0)]
        assert last_reports(replica) == [ReplacementEnded, SessionEnded]

    play(story, doomed=1)


def test_what_is_deleted_meanwhile_is_released() -> None:
    async def story(stage: Stage) -> None:
        replica = await interrupted(stage)
        stage.cluster.delete_workload("db")
        await asyncio.sleep(200)
        assert ends(replica) == [(False, 1, 0), (True, 0, 1)]

    play(story, doomed=1)


def test_after_ten_minutes_it_is_said_that_they_are_missing() -> None:
    async def story(stage: Stage) -> None:
        replica = await interrupted(stage)
        await asyncio.sleep(700)
        assert ends(replica) == [(False, 1, 0), (True, 1, 0)]
        assert last_reports(replica) == [ReplacementEnded, SessionEnded]
        # Asked when it was to be told, and ever less often since; then no more.
        assert asked(replica) == 6
        await asyncio.sleep(700)
        assert asked(replica) == 6

    play(story, doomed=1)


def test_another_node_of_that_name_ends_what_was_followed() -> None:
    """What is said of a node is written on it, where that is asked for: this one is not going away."""

    async def story(stage: Stage) -> None:
        replica = await interrupted(stage)
        stage.cluster.add_node(replace(machine("n0"), instance_id="i-0aaaaaaaaaaaaaaaa"))
        await asyncio.sleep(3)
        assert last_reports(replica)[-1] is SessionEnded
        before = len(replica.told)
        fast = stage.cluster.add_node(machine("fast"))
        stage.cluster.change_node(fast.name, labelled("fast"))
        await asyncio.sleep(60)
        assert len(replica.told) == before

    play(story, doomed=1)


def test_a_node_of_that_name_that_is_interrupted_anew_ends_what_was_followed() -> None:
    async def story(stage: Stage) -> None:
        replica = await interrupted(stage)
        stage.cluster.add_node(machine("n0"))
        stage.spot("n0")
        await asyncio.sleep(20)
        sessions = [told.session_id for told in replica.told if told.session_id]
        # Reports of two sessions never mix.
        changes = sum(one != other for one, other in pairwise(sessions))
        assert changes == len(set(sessions)) - 1 == 1
        assert len(reports(replica, SessionEnded)) == 1

    play(story, doomed=1)


APART = WorkloadSpec(
    name="apart", replicas=3, template=PodTemplate(node_selector={"disk": "fast"}, cpu_millis=9000)
)
"""A machine has room for one of its pods."""


def test_one_replacement_in_a_storm_is_not_taken_for_that_of_each_node() -> None:
    async def story(stage: Stage) -> None:
        doomed = ("n0", "n1", "n2")
        for name in doomed:
            stage.cluster.change_node(name, labelled("fast"))
        stage.cluster.add_workload(APART)
        await stage.cluster.wait_until(lambda: sum(pod.ready for pod in stage.cluster.pods_of("apart")) == 3)
        stage.cluster.add_node(machine("only"))
        stage.cluster.change_node("only", labelled("fast"))
        replica = stage.replica()
        await asyncio.sleep(3)
        for name in doomed:
            stage.spot(name)
        await asyncio.sleep(119)
        assert sum(pod.ready for pod in stage.cluster.pods_of("apart")) == 1
        # The pods leave within a second: some of their lists are read when others are on their way out.
        assert reports(replica, Replaced) == []
        assert [
            (one.ready, one.before) for end in reports(replica, ReplacementEnded) for one in end.missing
        ] == [(1, 3)] * 3

    play(story, doomed=3, pods=0)
