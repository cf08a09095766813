"""What every `Cluster` does, evicting and deleting: here the simulation, in tests/e2e the real API server."""

from dataclasses import replace

import pytest

from nth.core.facts import PodScope, Taint
from nth.errors import Blocked, Forbidden, Missing
from nth.ports import Cluster
from tests.contract.bed import Bed, BudgetSpec, NodeSpec
from tests.contract.simulated import Play
from tests.contract.steps import SLOW, WEB, change_spec, deleting, seen, started, wait_gone

# Evicting


def test_A12_an_evicted_pod_gets_its_own_grace_or_the_given_one(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        own, given = await started(bed, replace(SLOW, replicas=2))
        now = bed.now()
        await cluster.evict_pod(own.ref, grace_seconds=None)
        await cluster.evict_pod(given.ref, grace_seconds=7)
        until_at, grace_seconds = await deleting(bed, own)
        assert grace_seconds == 120
        assert now + 118 <= until_at <= now + 123
        until_at, grace_seconds = await deleting(bed, given)
        assert grace_seconds == 7
        assert now + 5 <= until_at <= now + 10

    play(scenario)


def test_a_deployments_pod_is_replaced_on_another_node(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (old,) = await started(bed, WEB)
        await bed.add_node(NodeSpec(name="b"))
        await change_spec(cluster, "a", unschedulable=True)
        await cluster.evict_pod(old.ref, grace_seconds=None)
        await wait_gone(bed, old)
        (new,) = await bed.wait_ready("web", 1)
        assert (new.node_name, new.controller) == ("b", old.controller)
        assert new.ref != old.ref

    play(scenario)


def test_a_daemon_sets_pod_comes_back_on_a_cordoned_node(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (old,) = await started(bed, replace(WEB, kind="DaemonSet"))
        await change_spec(cluster, "a", unschedulable=True)
        await cluster.evict_pod(old.ref, grace_seconds=None)
        await wait_gone(bed, old)
        (new,) = await bed.wait_ready("web", 1)
        assert new.node_name == "a"
        assert new.ref != old.ref

    play(scenario)


def test_a_recreated_pod_has_another_uid_and_is_not_its_forerunner(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (old,) = await started(bed, replace(WEB, kind="StatefulSet"))
        await cluster.evict_pod(old.ref, grace_seconds=None)
        await wait_gone(bed, old)
        (new,) = await bed.wait_ready("web", 1)
        assert new.ref.name == old.ref.name
        with pytest.raises(Missing):
            await cluster.evict_pod(old.ref, grace_seconds=None)
        with pytest.raises(Missing):
            await cluster.delete_pod(old.ref, grace_seconds=1)
        assert await seen(bed, new) == new

    play(scenario)


def test_a_pod_that_is_gone_is_missing(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, replace(WEB, kind="Pod"))
        await cluster.evict_pod(pod.ref, grace_seconds=None)
        await wait_gone(bed, pod)
        with pytest.raises(Missing):
            await cluster.evict_pod(pod.ref, grace_seconds=None)
        with pytest.raises(Missing):
            await cluster.delete_pod(pod.ref, grace_seconds=1)

    play(scenario)


def test_budgets_are_listed_with_what_they_allow(play: Play) -> None:
    async def scenario(bed: Bed, _: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        await started(bed, replace(WEB, replicas=3))
        await bed.set_budget(BudgetSpec(name="some", match_labels={"app": "web"}, max_unavailable=2))
        async with bed.dry_run() as cluster:
            (budget,) = await cluster.list_budgets(bed.namespace)
            assert (budget.namespace, budget.name, budget.disruptions_allowed) == (bed.namespace, "some", 2)
            assert budget.match_labels == {"app": "web"}
            assert await cluster.list_budgets("elsewhere") == ()

    play(scenario)


def test_a_budget_refuses_and_is_named(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, WEB)
        await bed.set_budget(BudgetSpec(name="never", match_labels={"app": "web"}, min_available=1))
        with pytest.raises(Blocked) as refusal:
            await cluster.evict_pod(pod.ref, grace_seconds=None)
        assert str(refusal.value) == "The disruption budget never needs 1 healthy pods and has 1 currently"
        assert await seen(bed, pod) == pod

    play(scenario)


def test_a_budget_allows_the_next_when_the_replacement_is_ready(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def accepted() -> bool:
            try:
                await cluster.evict_pod(second.ref, grace_seconds=None)
            except Blocked:
                refusals.append(bed.now())
                return False
            return True

        refusals: list[float] = []
        await bed.add_node(NodeSpec(name="a"))
        first, second = await started(bed, replace(WEB, replicas=2, ready_after_seconds=1.0))
        await bed.set_budget(BudgetSpec(name="one-by-one", match_labels={"app": "web"}, max_unavailable=1))
        await cluster.evict_pod(first.ref, grace_seconds=None)
        await bed.wait_until(accepted)
        assert refusals
        ready = [pod for pod in await bed.pods("web") if pod.ready and pod.ref != second.ref]
        assert len(ready) == 1

    play(scenario)


def test_more_than_one_budget_blocks_for_good(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, replace(WEB, labels={"tier": "back"}))
        await bed.set_budget(BudgetSpec(name="one", match_labels={"app": "web"}, max_unavailable=1))
        await bed.set_budget(BudgetSpec(name="two", match_labels={"tier": "back"}, max_unavailable=1))
        with pytest.raises(Blocked, match="more than one PodDisruptionBudget"):
            await cluster.evict_pod(pod.ref, grace_seconds=None)
        assert await seen(bed, pod) == pod

    play(scenario)


def test_pods_that_serve_nobody_need_no_budget(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def finished() -> bool:
            return any(pod.finished for pod in await bed.pods("job"))

        async def placed() -> bool:
            return any(pod.node_name for pod in await bed.pods("starting"))

        await bed.add_node(NodeSpec(name="a"))
        await bed.set_budget(BudgetSpec(name="never", match_labels={"tier": "all"}, min_available=9))
        await bed.run(replace(WEB, name="job", kind="Job", finishes=True, labels={"tier": "all"}))
        await bed.run(replace(WEB, name="starting", ready_after_seconds=float("inf"), labels={"tier": "all"}))
        await bed.wait_until(finished)
        await bed.wait_until(placed)
        done, pending = await bed.pods()
        assert (done.phase, done.ready, done.finished) == ("Succeeded", False, True)
        assert (pending.phase, pending.ready) == ("Pending", False)
        for pod in (done, pending):
            await cluster.evict_pod(pod.ref, grace_seconds=None)
            await wait_gone(bed, pod)

    play(scenario)


# Deleting


def test_a_deletion_passes_over_a_budget_with_the_grace_it_is_given(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, SLOW)
        await bed.set_budget(BudgetSpec(name="never", match_labels={"app": "web"}, min_available=1))
        began_at = bed.now()
        await cluster.delete_pod(pod.ref, grace_seconds=2)
        assert (await deleting(bed, pod))[1] == 2
        await wait_gone(bed, pod)
        assert 1 <= bed.now() - began_at <= 6

    play(scenario)


def test_a_deletion_needs_a_right_that_an_eviction_does_not(play: Play) -> None:
    async def scenario(bed: Bed, _: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, WEB)
        async with bed.cluster(may_delete=False) as polite:
            with pytest.raises(Forbidden):
                await polite.delete_pod(pod.ref, grace_seconds=1)
            assert await seen(bed, pod) == pod
            await polite.evict_pod(pod.ref, grace_seconds=None)
        await wait_gone(bed, pod)

    play(scenario)


def test_a_grace_can_be_shortened_and_not_lengthened(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, SLOW)
        await cluster.evict_pod(pod.ref, grace_seconds=60)
        first = await deleting(bed, pod)
        await cluster.delete_pod(pod.ref, grace_seconds=90)
        await cluster.evict_pod(pod.ref, grace_seconds=None)
        assert await deleting(bed, pod) == first
        await cluster.delete_pod(pod.ref, grace_seconds=20)
        # Counted from the first request on.
        assert await deleting(bed, pod) == (first[0] - 40, 20)
        await cluster.delete_pod(pod.ref, grace_seconds=1)
        await wait_gone(bed, pod)

    play(scenario)


def test_a_grace_of_zero_removes_at_once(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, SLOW)
        await cluster.delete_pod(pod.ref, grace_seconds=0)
        assert await seen(bed, pod) is None

    play(scenario)


def test_a_finalizer_holds_a_pod_that_has_stopped(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def stopped() -> bool:
            return (await deleting(bed, pod))[1] == 0

        await bed.add_node(NodeSpec(name="a"))
        held = replace(WEB, kind="Pod", finalizers=("example.com/hold",))
        (pod,) = await started(bed, held)
        assert pod.finalizers == ("example.com/hold",)
        await cluster.evict_pod(pod.ref, grace_seconds=None)
        await bed.wait_until(stopped)
        assert await seen(bed, pod) is not None
        await bed.drop_finalizers(pod.ref)
        await wait_gone(bed, pod)

    play(scenario)


def test_the_scheduler_says_why_a_pod_is_pending(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def told() -> bool:
            return [bool(pod.pending_reason) for pod in await bed.pods("big")] == [True]

        await bed.add_node(NodeSpec(name="full", cpu_millis=1000))
        await started(bed, replace(WEB, name="filler", cpu_millis=600))
        await bed.add_node(NodeSpec(name="tainted", taints=(Taint("dedicated", "NoSchedule"),)))
        await bed.add_node(NodeSpec(name="cordoned"))
        await change_spec(cluster, "cordoned", unschedulable=True)
        await bed.run(replace(WEB, name="big", cpu_millis=600))
        await bed.wait_until(told)
        scope = PodScope(namespace=bed.namespace, label_selector="app=big")
        (pod,) = (await cluster.list_pods(scope)).pods
        assert (pod.node_name, pod.phase, pod.ready) == ("", "Pending", False)
        assert pod.pending_reason == (
            "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), "
            "1 node(s) were unschedulable. no new claims to deallocate, preemption: "
            "0/3 nodes are available: 1 No preemption victims found for incoming pod, "
            "2 Preemption is not helpful for scheduling."
        )

    play(scenario)


def test_a_machine_that_vanishes_takes_its_pods_with_it(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def moved() -> bool:
            return [pod.node_name for pod in await bed.pods("web") if pod.ready] == ["b"]

        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, SLOW)
        await bed.add_node(NodeSpec(name="b"))
        await bed.remove_node("a")
        with pytest.raises(Missing):
            await cluster.read_node("a")
        assert await seen(bed, pod) is None
        await bed.wait_until(moved)

    play(scenario)
