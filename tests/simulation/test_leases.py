"""Leases and watches of nodes in the simulation, beyond the contract: they are one client's requests."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing

import pytest

from nth.core.facts import Lease, NodeGone, NodePatch, NodeSeen
from nth.errors import ClusterError, Throttled, Unreachable
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SILENCE_SECONDS, SimulatedCluster
from nth.simulation.connection import Link, Request
from nth.simulation.objects import MachineSpec

LEASE = Lease(name="one", holder="one", duration_seconds=5, renewed_at=1.0)


def play(scenario: Callable[[SimulatedCluster, VirtualClock], Coroutine[object, object, None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        cluster = SimulatedCluster(clock)
        cluster.add_node(MachineSpec(name="a"))
        await scenario(cluster, clock)

    run(main)


def test_what_happens_to_the_connection_happens_to_its_leases() -> None:
    def busy(request: Request) -> ClusterError | None:
        return Throttled("busy") if request.verb == "list_leases" else None

    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        connection = cluster.connect(Link(latency_seconds=lambda _: 2.0, before=busy))
        leases = cluster.leases_through(connection)
        began_at = clock.now()
        await leases.write_lease(LEASE)
        assert clock.now() - began_at == 2.0
        with pytest.raises(Throttled):
            await leases.list_leases()
        cluster.set_outage(clock.now(), clock.now() + 10)
        with pytest.raises(Unreachable):
            await leases.delete_lease("one")
        asked = [(request.verb, request.writes) for request in connection.requests]
        assert asked == [("write_lease", True), ("list_leases", False), ("delete_lease", True)]
        await asyncio.sleep(10)
        (kept,) = await cluster.leases_through(cluster.connect()).list_leases()
        assert kept.holder == "one"

    play(scenario)


def test_a_watch_of_nodes_ends_with_the_outage_and_when_it_is_broken() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        connection = cluster.connect()
        version = (await connection.list_nodes()).resource_version
        ends: tuple[Callable[[], None], ...] = (
            lambda: connection.break_watches(Throttled("busy")),
            lambda: cluster.set_outage(clock.now(), clock.now() + 1),
        )
        for end in ends:
            watch = asyncio.ensure_future(anext(connection.watch_nodes(version)))
            await asyncio.sleep(1)
            end()
            await asyncio.wait([watch])
            assert isinstance(watch.exception(), Throttled | Unreachable)

    play(scenario)


def test_a_machine_without_power_is_not_ready_once_its_silence_is_noticed() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        connection = cluster.connect()
        listed = await connection.list_nodes()
        assert [node.ready for node in listed.nodes] == [True]
        async with aclosing(connection.watch_nodes(listed.resource_version)) as changes:
            cluster.kill_node("a")
            died_at = clock.now()
            change = await anext(changes)
            assert isinstance(change, NodeSeen)
            assert not change.node.ready
            assert clock.now() - died_at == pytest.approx(SILENCE_SECONDS)
            cluster.change_node("a", NodePatch({"metadata": {"labels": {"x": "y"}}}))
            change = await anext(changes)
            # A patch of something else leaves it as it is.
            assert isinstance(change, NodeSeen)
            assert (change.node.labels["x"], change.node.ready) == ("y", False)
            cluster.remove_node("a")
            assert await anext(changes) == NodeGone("a", change.node.uid)

    play(scenario)


def test_the_deadline_of_a_request_is_in_the_log() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        connection = cluster.connect()
        await connection.patch_node("a", NodePatch({}), deadline_at=7.0)
        await connection.patch_node("a", NodePatch({}))
        assert [request.deadline_at for request in connection.requests] == [7.0, None]

    play(scenario)
