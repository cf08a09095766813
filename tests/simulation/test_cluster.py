"""The simulated cluster beyond the contract: power cuts, controllers in detail, and its speed."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace

import pytest

from nth.core.facts import NodePatch, Pod, PodScope, Taint
from nth.errors import Expired, Missing
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import REACTION_SECONDS, SILENCE_SECONDS, SimulatedCluster
from nth.simulation.kubelet import REMOVAL_SECONDS
from nth.simulation.objects import BudgetSpec, MachineSpec, PodTemplate, Toleration, WorkloadSpec

WEB = WorkloadSpec(name="web", template=PodTemplate(ready_seconds=1.0, stop_seconds=(3.0, 6.0)))


def template(**changes: object) -> PodTemplate:
    return replace(WEB.template, **changes)  # type: ignore[arg-type]


def play(scenario: Callable[[SimulatedCluster, VirtualClock], Coroutine[object, object, None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        await scenario(SimulatedCluster(clock), clock)

    run(main)


def cordon(cluster: SimulatedCluster, name: str) -> None:
    cluster.change_node(name, NodePatch({"spec": {"unschedulable": True}}))


def where(cluster: SimulatedCluster, app: str) -> list[tuple[str, bool]]:
    return [(pod.node_name, pod.ready) for pod in cluster.pods_of(app)]


def gone(cluster: SimulatedCluster, pod: Pod) -> bool:
    return pod.ref not in {other.ref for other in cluster.pods}


# Kubelets


def test_pods_start_and_stop_in_their_own_time() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        began_at = clock.now()
        cluster.add_workload(replace(WEB, replicas=20))
        await cluster.come_to_rest()
        assert 1.0 <= clock.now() - began_at <= 1.0 + 4 * REACTION_SECONDS + 0.1
        stopped: dict[str, float] = {}
        pods = cluster.pods
        cluster.scale("web", 0)
        began_at = clock.now()
        while len(stopped) < 20:
            await asyncio.sleep(0.01)
            for pod in pods:
                if gone(cluster, pod):
                    stopped.setdefault(pod.ref.uid, clock.now() - began_at)
        assert min(stopped.values()) >= 3
        assert max(stopped.values()) <= 6.1 + REMOVAL_SECONDS
        # Each has its own.
        assert len({round(seconds, 1) for seconds in stopped.values()}) >= 10

    play(scenario)


def test_a_pod_never_outlives_its_grace() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        cluster.add_workload(
            replace(WEB, kind="Pod", template=template(grace_seconds=2, stop_seconds=(50, 60)))
        )
        await cluster.come_to_rest()
        (pod,) = cluster.pods
        cluster.delete_pod(pod.ref)
        await asyncio.sleep(1.9)
        assert not gone(cluster, pod)
        await asyncio.sleep(0.2)
        assert cluster.pods[0].phase == "Failed"
        await asyncio.sleep(REMOVAL_SECONDS)
        assert gone(cluster, pod)

    play(scenario)


def test_a_shortened_grace_counts_from_now_for_the_kubelet() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        slow = template(grace_seconds=100, stop_seconds=(90, 90))
        cluster.add_workload(replace(WEB, kind="Pod", template=slow))
        await cluster.come_to_rest()
        (pod,) = cluster.pods
        cluster.delete_pod(pod.ref)
        await asyncio.sleep(30)
        cluster.delete_pod(pod.ref, grace_seconds=40)
        await asyncio.sleep(39.9)
        assert not gone(cluster, pod)
        await asyncio.sleep(0.2)
        assert cluster.pods[0].phase == "Failed"
        await asyncio.sleep(REMOVAL_SECONDS)
        assert gone(cluster, pod)

    play(scenario)


# Power cuts


def test_a_power_cut_loses_what_has_not_stopped_and_nothing_else() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        cluster.add_workload(replace(WEB, name="running", kind="Pod"))
        going = template(stop_seconds=(20.0, 20.0))
        cluster.add_workload(replace(WEB, name="going", kind="Pod", template=going))
        quick = template(stop_seconds=(1.0, 1.0))
        cluster.add_workload(replace(WEB, name="went", kind="Pod", template=quick))
        cluster.add_workload(replace(WEB, name="agent", kind="DaemonSet"))
        cluster.add_workload(replace(WEB, name="static", kind="Mirror", template=template(node_name="a")))
        job = replace(WEB, name="job", kind="Job", template=template(finishes_seconds=0.1))
        cluster.add_workload(job)
        await cluster.come_to_rest()
        # settle() does not wait for what will finish.
        await asyncio.sleep(1)
        for app in ("going", "went"):
            cluster.delete_pod(cluster.pods_of(app)[0].ref)
        await asyncio.sleep(2)
        cluster.add_workload(replace(WEB, name="starting", kind="Pod"))
        await asyncio.sleep(0.5)
        cluster.kill_node("a")
        assert sorted(pod.ref.name for pod in cluster.lost) == ["going", "running"]
        assert cluster.dead == {"a"}
        await asyncio.sleep(40)
        # Nobody is left to finish it.
        assert not gone(cluster, cluster.lost[0])
        assert [pod.phase for pod in cluster.pods_of("starting")] == ["Pending"]

    play(scenario)


def test_a_dead_machine_falls_silent_and_its_pods_are_replaced_after_five_minutes() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        cluster.add_workload(WEB)
        await cluster.come_to_rest()
        cluster.add_node(MachineSpec(name="b"))
        cluster.kill_node("a")
        await asyncio.sleep(SILENCE_SECONDS - 1)
        assert where(cluster, "web") == [("a", True)]
        await asyncio.sleep(2)
        assert where(cluster, "web") == [("a", False)]
        keys = [(taint.key, taint.effect) for taint in cluster.node("a").taints]
        unreachable = "node.kubernetes.io/unreachable"
        assert keys == [(unreachable, "NoSchedule"), (unreachable, "NoExecute")]
        await asyncio.sleep(297)
        assert where(cluster, "web") == [("a", False)]
        await asyncio.sleep(10)
        # The old one can never be seen to stop.
        assert where(cluster, "web") == [("a", False), ("b", True)]

    play(scenario)


def test_A9_pods_of_a_dead_machine_go_when_it_is_declared_out_of_service() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        cluster.add_workload(replace(WEB, kind="StatefulSet"))
        await cluster.come_to_rest()
        cluster.add_node(MachineSpec(name="b"))
        cluster.kill_node("a")
        await asyncio.sleep(SILENCE_SECONDS + 1)
        taint = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
        cluster.change_node("a", NodePatch({"spec": {"taints": [taint]}}))
        await asyncio.sleep(2)
        assert where(cluster, "web") == [("b", True)]

    play(scenario)


def test_a_machine_that_is_removed_takes_its_pods_and_loses_them() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        cluster.add_workload(WEB)
        await cluster.come_to_rest()
        cluster.remove_node("a")
        assert [pod.labels["app"] for pod in cluster.lost] == ["web"]
        assert cluster.pods == ()
        with pytest.raises(Missing):
            cluster.node("a")
        with pytest.raises(Missing):
            cluster.kill_node("a")

    play(scenario)


# Controllers


def test_a_stateful_set_starts_and_ends_in_order_and_reuses_names() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        cluster.add_workload(replace(WEB, kind="StatefulSet", replicas=3))
        await asyncio.sleep(0.5)
        assert [pod.ref.name for pod in cluster.pods] == ["web-0"]
        await asyncio.sleep(3)
        assert [pod.ref.name for pod in cluster.pods] == ["web-0", "web-1", "web-2"]
        old = cluster.pods[1]
        cluster.delete_pod(old.ref)
        await asyncio.sleep(2)
        # Still stopping: its name is taken.
        assert [pod.ref.uid for pod in cluster.pods if pod.ref.name == "web-1"] == [old.ref.uid]
        await asyncio.sleep(6)
        assert {pod.ref.name: pod.ready for pod in cluster.pods} == dict.fromkeys(
            ("web-0", "web-1", "web-2"), True
        )
        cluster.scale("web", 1)
        await asyncio.sleep(1)
        assert [pod.ref.name for pod in cluster.pods if pod.deleting_until_at] == ["web-2"]
        await asyncio.sleep(13)
        assert [pod.ref.name for pod in cluster.pods] == ["web-0"]

    play(scenario)


def test_a_replica_set_ends_what_serves_least() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a", cpu_millis=200))
        cluster.add_workload(replace(WEB, replicas=3))
        await asyncio.sleep(2)
        assert [pod.ready for pod in cluster.pods] == [True, True, False]
        serving = cluster.pods[:2]
        cluster.scale("web", 2)
        await asyncio.sleep(1)
        assert cluster.pods == serving

    play(scenario)


def test_a_job_is_done_when_its_pods_have_succeeded() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        cluster.add_workload(replace(WEB, kind="Job", replicas=2, template=template(finishes_seconds=5.0)))
        await cluster.come_to_rest()
        cluster.delete_pod(cluster.pods[0].ref)
        await asyncio.sleep(20)
        assert [pod.phase for pod in cluster.pods] == ["Succeeded", "Succeeded"]

    play(scenario)


def test_a_mirror_comes_back_as_long_as_its_machine_is_there() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        cluster.add_workload(replace(WEB, kind="Mirror", template=template(node_name="a")))
        await cluster.come_to_rest()
        (old,) = cluster.pods
        cluster.delete_pod(old.ref, grace_seconds=0)
        await cluster.come_to_rest()
        (new,) = cluster.pods
        assert (new.mirror, new.node_name, new.ref.uid == old.ref.uid) == (True, "a", False)
        cluster.remove_node("a")
        await asyncio.sleep(1)
        assert cluster.pods == ()

    play(scenario)


def test_a_daemon_set_avoids_tainted_nodes_unless_it_tolerates_them() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        cluster.add_node(MachineSpec(name="b", taints=(Taint("dedicated", "NoSchedule"),)))
        cluster.add_workload(replace(WEB, name="some", kind="DaemonSet"))
        everywhere = template(tolerations=(Toleration(),))
        cluster.add_workload(replace(WEB, name="all", kind="DaemonSet", template=everywhere))
        await cluster.come_to_rest()
        assert where(cluster, "some") == [("a", True)]
        assert sorted(where(cluster, "all")) == [("a", True), ("b", True)]

    play(scenario)


def test_a_noexecute_taint_is_tolerated_for_as_long_as_the_pod_says() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        patient = template(tolerations=(Toleration(key="leave", seconds=60),))
        cluster.add_workload(replace(WEB, kind="Pod", template=patient))
        await cluster.come_to_rest()
        (pod,) = cluster.pods
        taint = {"key": "leave", "effect": "NoExecute", "timeAdded": "2026-11-22T08:30:01Z"}
        cluster.change_node("a", NodePatch({"spec": {"taints": [taint]}}))
        await asyncio.sleep(58)
        assert cluster.pods == (pod,)
        await asyncio.sleep(3)
        assert cluster.pods[0].deleting_until_at is not None

    play(scenario)


def test_a_budget_counts_what_its_controllers_want() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a", cpu_millis=300))
        cluster.add_workload(replace(WEB, replicas=4))
        cluster.set_budget(BudgetSpec(name="most", match_labels={"app": "web"}, max_unavailable=1))
        cluster.set_budget(BudgetSpec(name="none", match_labels={"app": "no-such"}, min_available=0))
        await asyncio.sleep(2)
        counted = [(b.desired_healthy, b.current_healthy, b.disruptions_allowed) for b in cluster.budgets]
        assert counted == [(3, 3, 0), (0, 0, 0)]

    play(scenario)


def test_a_budget_says_one_number() -> None:
    with pytest.raises(ValueError, match="exactly one of min_available and max_unavailable"):
        BudgetSpec(name="none", match_labels={})
    with pytest.raises(ValueError, match="exactly one"):
        BudgetSpec(name="both", match_labels={}, min_available=1, max_unavailable=1)


# As a whole


def test_a_watch_from_before_a_compaction_is_expired() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        connection = cluster.connect()
        before = (await connection.list_pods(PodScope())).resource_version
        cluster.add_node(MachineSpec(name="a"))
        cluster.add_workload(WEB)
        await cluster.come_to_rest()
        cluster.forget_history()
        with pytest.raises(Expired, match="410: too old resource version"):
            await anext(connection.watch_pods(PodScope(), before))
        now = (await connection.list_pods(PodScope())).resource_version
        cluster.scale("web", 0)
        await anext(connection.watch_pods(PodScope(), now))

    play(scenario)


def test_nothing_runs_when_nothing_changes() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        cluster.add_workload(replace(WEB, replicas=3))
        cluster.set_budget(BudgetSpec(name="some", match_labels={"app": "web"}, min_available=1))
        await cluster.come_to_rest()
        connection = cluster.connect()
        version = (await connection.list_pods(PodScope())).resource_version
        await asyncio.sleep(3600)
        assert (await connection.list_pods(PodScope())).resource_version == version

    play(scenario)


def test_two_minutes_of_a_drain_of_thirty_pods_take_well_under_a_second() -> None:
    async def scenario(cluster: SimulatedCluster, clock: VirtualClock) -> None:
        cluster.add_node(MachineSpec(name="a"))
        for number in range(6):
            cluster.add_workload(replace(WEB, name=f"web-{number}", replicas=5))
            budget = BudgetSpec(
                name=f"web-{number}", match_labels={"app": f"web-{number}"}, max_unavailable=5
            )
            cluster.set_budget(budget)
        await cluster.come_to_rest()
        for name in "bcd":
            cluster.add_node(MachineSpec(name=name))
        began_at = clock.now()
        connection = cluster.connect()
        cordon(cluster, "a")
        for pod in cluster.pods_on("a"):
            await connection.evict_pod(pod.ref, grace_seconds=None)
        await cluster.wait_until(lambda: not cluster.pods_on("a"))
        await asyncio.sleep(120 - (clock.now() - began_at))
        assert len([pod for pod in cluster.pods if pod.ready and pod.node_name in "bcd"]) == 30
        assert len(connection.requests) == 30

    began = time.process_time()
    play(scenario)
    assert time.process_time() - began < 1
