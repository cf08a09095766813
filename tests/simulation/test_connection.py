"""What lies between a client and the simulated API server: latency, faults, outages, and the log."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from nth.core.facts import NodePatch, PodScope
from nth.errors import ClusterError, Forbidden, Missing, Rejected, Throttled, Unreachable
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.connection import Link, Request
from nth.simulation.objects import MachineSpec, WorkloadSpec

CORDON = NodePatch({"spec": {"unschedulable": True}})


def play(scenario: Callable[[SimulatedCluster, VirtualClock], Coroutine[object, object, None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        cluster = SimulatedCluster(clock)
        cluster.add_node(MachineSpec(name="a"))
        cluster.add_workload(WorkloadSpec(name="web"))
        await cluster.come_to_rest()
        await scenario(cluster, clock)

    run(main)


def test_every_request_is_logged_with_its_instant() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        connection = cluster.connect()
        (pod,) = cluster.pods
        began_at = clock.now()
        await connection.find_node(name="a", instance_id="")
        await connection.patch_node("a", CORDON)
        await connection.list_pods(PodScope(node_name="a"))
        with pytest.raises(Missing):
            await connection.read_node("b")
        await connection.evict_pod(pod.ref, grace_seconds=None)
        assert [(request.verb, request.what) for request in connection.requests] == [
            ("find_node", "a "),
            ("patch_node", "a"),
            ("list_pods", "a"),
            ("read_node", "b"),
            ("evict_pod", str(pod.ref)),
        ]
        assert [request.verb for request in connection.writes] == ["patch_node", "evict_pod"]
        assert connection.requests[0].at == began_at
        assert connection.requests[1].at == pytest.approx(began_at + 0.005)

    play(scenario)


def test_latency_is_each_requests_own() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        slow_writes = Link(latency_seconds=lambda request: 3.0 if request.writes else 0.5)
        connection = cluster.connect(slow_writes)
        began_at = clock.now()
        await connection.read_node("a")
        assert clock.now() - began_at == pytest.approx(0.5)
        await connection.patch_node("a", CORDON)
        assert clock.now() - began_at == pytest.approx(3.5)

    play(scenario)


def test_a_request_that_hangs_times_out_and_does_nothing() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        connection = cluster.connect(Link(latency_seconds=lambda _: 1e6, timeout_seconds=7))
        began_at = clock.now()
        with pytest.raises(Unreachable, match="no answer in time"):
            await connection.patch_node("a", CORDON)
        assert clock.now() - began_at == pytest.approx(7)
        assert not cluster.node("a").unschedulable

    play(scenario)


def test_a_fault_before_means_that_nothing_was_done() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        def fault(request: Request) -> ClusterError | None:
            return Throttled("busy", retry_after_seconds=1) if request.verb == "patch_node" else None

        connection = cluster.connect(Link(before=fault))
        assert (await connection.read_node("a")).name == "a"
        with pytest.raises(Throttled):
            await connection.patch_node("a", CORDON)
        assert not cluster.node("a").unschedulable

    play(scenario)


def test_a_fault_after_means_that_only_the_answer_is_lost() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        connection = cluster.connect(Link(after=lambda _: Unreachable("connection reset")))
        with pytest.raises(Unreachable, match="connection reset"):
            await connection.patch_node("a", CORDON)
        assert cluster.node("a").unschedulable

    play(scenario)


def test_a_client_can_be_killed_when_a_write_is_done_and_before_it_knows() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        async def client() -> None:
            await connection.patch_node("a", CORDON)
            pytest.fail("it went on")

        def kill(request: Request) -> None:
            task.cancel()

        connection = cluster.connect(Link(after=kill))
        task = asyncio.create_task(client())
        await asyncio.wait([task])
        assert task.cancelled()
        assert cluster.node("a").unschedulable

    play(scenario)


def test_in_an_outage_nobody_gets_an_answer_and_watches_end() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        connection = cluster.connect()
        version = (await connection.list_pods(PodScope())).resource_version
        watch = asyncio.ensure_future(anext(connection.watch_pods(PodScope(), version)))
        begin_at = clock.now() + 10
        cluster.set_outage(begin_at, begin_at + 20)
        await asyncio.wait([watch])
        assert clock.now() == pytest.approx(begin_at)
        assert isinstance(watch.exception(), Unreachable)
        with pytest.raises(Unreachable, match="the API server is down"):
            await connection.read_node("a")
        # The machines go on.
        cluster.scale("web", 3)
        await asyncio.sleep(19)
        assert len([pod for pod in cluster.pods if pod.ready]) == 3
        with pytest.raises(Unreachable):
            await connection.read_node("a")
        await asyncio.sleep(1)
        assert (await connection.read_node("a")).name == "a"

    play(scenario)


def test_watches_can_be_broken_and_begun_again() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        connection = cluster.connect()
        version = (await connection.list_pods(PodScope())).resource_version
        watch = asyncio.ensure_future(anext(connection.watch_pods(PodScope(), version)))
        await asyncio.sleep(1)
        connection.break_watches(Forbidden("the token is refused"))
        await asyncio.wait([watch])
        assert isinstance(watch.exception(), Forbidden)
        cluster.scale("web", 2)
        await anext(connection.watch_pods(PodScope(), version))

    play(scenario)


def test_a_resource_version_that_is_none_is_rejected() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        with pytest.raises(Rejected, match="resourceVersion: Invalid value"):
            await anext(cluster.connect().watch_pods(PodScope(), "now"))

    play(scenario)
