"""Leases that cannot be had, for long: what that costs, what is done meanwhile, and how it ends."""

import asyncio
import logging

import pytest

from nth.core.backoff import LONGEST_SECONDS
from nth.core.replicas.membership import TAKEN_AWAY_SECONDS
from nth.errors import ClusterError, Forbidden
from nth.queue_mode.replicas import ALONE, NOWHERE
from nth.simulation.connection import Verb
from tests.queue_mode.test_replicas import Scene, infos_of, play, warnings_of

HOUR_SECONDS = 3600.0
DENIED = Forbidden("leases.coordination.k8s.io is forbidden")
ALL: dict[Verb, ClusterError] = {"list_leases": DENIED, "write_lease": DENIED, "delete_lease": DENIED}


async def hourly(scene: Scene) -> list[int]:
    """The requests of all replicas in this hour and the next."""
    numbers = []
    for _ in range(2):
        before = sum(len(replica.connection.requests) for replica in scene.replicas)
        await asyncio.sleep(HOUR_SECONDS)
        numbers.append(sum(len(replica.connection.requests) for replica in scene.replicas) - before)
    return numbers


def test_safe_18_leases_in_a_namespace_that_is_not_there_cost_next_to_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(scene: Scene) -> None:
        scene.cluster.set_lease_namespace(there=False)
        replica = scene.start("a")
        assert replica.watch.is_alive("b")
        first, second = await hourly(scene)
        assert (first, second) <= (100, 40), (first, second)
        assert replica.watch.alone
        assert replica.watch.known.is_set()
        assert not replica.watch.is_alive("b")
        # Somebody makes the namespace.
        scene.cluster.set_lease_namespace(there=True)
        await asyncio.sleep(LONGEST_SECONDS + 5)
        other = scene.start("b")
        await asyncio.sleep(5)
        assert replica.watch.others_alive() == ("b",)
        assert other.watch.others_alive() == ("a",)

    with caplog.at_level(logging.INFO):
        play(story)
    assert warnings_of(caplog) == [NOWHERE]
    assert infos_of(caplog)[-1] == "leases can be listed now: other replicas are seen"


def test_safe_18_a_namespace_that_vanishes_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        scene.cluster.set_lease_namespace(there=False)
        first, second = await hourly(scene)
        assert second <= 80, (first, second)
        assert a.watch.alone
        assert b.watch.alone
        scene.cluster.set_lease_namespace(there=True)
        await asyncio.sleep(LONGEST_SECONDS + 10)
        assert (a.watch.others_alive(), b.watch.others_alive()) == (("b",), ("a",))
        assert await hourly(scene) == pytest.approx([7200, 7200], rel=0.05), "as usual: two each 2 s"

    play(story)
    assert warnings_of(caplog) == [NOWHERE, NOWHERE]


def test_safe_18_a_replica_that_ends_without_a_namespace_warns_of_nothing_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(scene: Scene) -> None:
        scene.cluster.set_lease_namespace(there=False)
        replica = scene.start("a")
        await asyncio.sleep(60)
        await replica.watch.release()

    play(story)
    assert warnings_of(caplog) == [NOWHERE]


def test_safe_18_without_rights_on_leases_it_asks_rarely(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        scene.start("a", errors=dict(ALL))
        first, second = await hourly(scene)
        assert (first, second) <= (60, 26), (first, second)

    play(story)
    assert warnings_of(caplog) == [ALONE]


def test_safe_18_rights_that_are_taken_away_are_waited_for_and_then_it_acts_alone() -> None:
    async def story(scene: Scene) -> None:
        a, b = await scene.start_two()
        for replica in (a, b):
            replica.errors.update(ALL)
        await asyncio.sleep(TAKEN_AWAY_SECONDS - 10)
        assert (a.watch.others_alive(), a.deaths) == (("b",), [])
        await asyncio.sleep(120)
        assert a.watch.alone
        assert [identity for _, identity in a.deaths] == ["b"]
        _, second = await hourly(scene)
        assert second <= 52
        for replica in (a, b):
            replica.errors.clear()
        await asyncio.sleep(LONGEST_SECONDS + 10)
        assert a.watch.others_alive() == ("b",)
        assert b.watch.others_alive() == ("a",)

    play(story)


def test_safe_18_who_may_list_and_not_write_goes_on_heeding_others() -> None:
    async def story(scene: Scene) -> None:
        scene.start("b")
        a = scene.start("a", errors={"write_lease": DENIED})
        await asyncio.sleep(HOUR_SECONDS)
        assert a.watch.others_alive() == ("b",)
        before = len(a.asked("write_lease"))
        await asyncio.sleep(HOUR_SECONDS)
        assert len(a.asked("write_lease")) - before <= 13

    play(story)
