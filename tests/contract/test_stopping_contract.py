"""How pods end: a kubelet shows the final phase first, in a write of its own, and then deletes the object.

So it has been since Kubernetes 1.27 (kubernetes/pkg/kubelet/status/status_manager.go, `canBeDeleted`).
"""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from nth.core.facts import Pod, PodGone, PodScope
from nth.ports import Cluster
from tests.contract.bed import Bed, NodeSpec, Workload
from tests.contract.simulated import Play
from tests.contract.steps import SLOW, WEB, deleting, seen, started, wait_gone

ALONE = replace(WEB, kind="Pod")


async def states_until_gone(bed: Bed, cluster: Cluster, pod: Pod) -> list[Pod]:
    """Everything that a watch shows of a pod after its eviction."""
    scope = PodScope(namespace=bed.namespace)
    listed = await cluster.list_pods(scope)
    await cluster.evict_pod(pod.ref, grace_seconds=None)
    states: list[Pod] = []
    async with aclosing(cluster.watch_pods(scope, listed.resource_version)) as changes:
        async for change in changes:
            if isinstance(change, PodGone):
                if change.ref == pod.ref:
                    break
            elif change.pod.ref == pod.ref:
                states.append(change.pod)
    return states


@pytest.mark.parametrize(
    ("workload", "phase"),
    [
        (ALONE, "Succeeded"),
        (replace(WEB, kind="Deployment"), "Succeeded"),
        (replace(ALONE, exit_code=3), "Failed"),
        (replace(ALONE, stops_after_seconds=(100.0, 100.0), grace_seconds=1), "Failed"),
    ],
    ids=["exits with 0", "of a controller", "exits with 3", "is killed"],
)
def test_safe_a_pod_is_seen_in_its_final_phase_before_it_is_gone(
    play: Play, workload: Workload, phase: str
) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, workload)
        *earlier, last = await states_until_gone(bed, cluster, pod)
        assert (last.phase, last.ready, last.finished) == (phase, False, True)
        assert last.deleting_until_at is not None
        # While it stops it is as it was: the final phase is a write of its own.
        stopping = [state for state in earlier if state.deleting_until_at is not None and not state.finished]
        assert {(state.phase, state.ready) for state in stopping} == {("Running", True)}

    play(scenario)


def test_safe_a_pod_that_has_never_run_ends_as_failed(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def placed() -> bool:
            return [bool(pod.node_name) for pod in await bed.pods()] == [True]

        await bed.add_node(NodeSpec(name="a"))
        await bed.run(replace(ALONE, ready_after_seconds=float("inf")))
        await bed.wait_until(placed)
        (pod,) = await bed.pods()
        last = (await states_until_gone(bed, cluster, pod))[-1]
        assert (last.phase, last.ready) == ("Failed", False)

    play(scenario)


def test_safe_a_finished_pod_is_gone_with_the_answer(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def finished() -> bool:
            return [pod.phase for pod in await bed.pods()] == ["Failed", "Succeeded"]

        await bed.add_node(NodeSpec(name="a"))
        await bed.run(replace(ALONE, name="bad", finishes=True, exit_code=1))
        await bed.run(replace(ALONE, name="good", finishes=True))
        await bed.wait_until(finished)
        bad, good = await bed.pods()
        await cluster.delete_pod(bad.ref, grace_seconds=30)
        await cluster.evict_pod(good.ref, grace_seconds=None)
        assert await bed.pods() == ()

    play(scenario)


def test_safe_a_finalizer_holds_a_pod_in_its_final_phase(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def stopped() -> bool:
            return (await deleting(bed, pod))[1] == 0

        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, replace(ALONE, finalizers=("example.com/hold",)))
        await cluster.evict_pod(pod.ref, grace_seconds=None)
        await bed.wait_until(stopped)
        held = await seen(bed, pod)
        assert held is not None
        assert (held.phase, held.ready) == ("Succeeded", False)
        await bed.drop_finalizers(pod.ref)
        await wait_gone(bed, pod)

    play(scenario)


def test_safe_a_grace_that_is_over_is_shortened_to_a_second(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, replace(SLOW, kind="Pod"))
        await cluster.delete_pod(pod.ref, grace_seconds=60)
        await asyncio.sleep(4)
        await cluster.delete_pod(pod.ref, grace_seconds=2)
        until_at, grace_seconds = await deleting(bed, pod)
        assert grace_seconds == 1
        assert bed.now() - 2 <= until_at <= bed.now() + 1
        await wait_gone(bed, pod)

    play(scenario)


def test_safe_a_job_makes_a_new_pod_for_one_that_was_evicted_however_it_ended(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def again() -> bool:
            return [one.ready for one in await bed.pods("web") if one.ref != pod.ref] == [True]

        await bed.add_node(NodeSpec(name="a"))
        # The real controller looks once a second: it would take one that stops sooner for a success.
        (pod,) = await started(bed, replace(WEB, kind="Job", stops_after_seconds=(3.0, 3.0)))
        last = (await states_until_gone(bed, cluster, pod))[-1]
        assert last.phase == "Succeeded"
        # The controller waits ten seconds after a pod that it counts as failed.
        await bed.wait_until(again, timeout_seconds=30)

    play(scenario)


def test_safe_a_job_does_not_repeat_what_has_succeeded(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def counted() -> bool:
            return [(pod.phase, pod.finalizers) for pod in await bed.pods("web")] == [("Succeeded", ())]

        await bed.add_node(NodeSpec(name="a"))
        await bed.run(replace(WEB, kind="Job", finishes=True))
        await bed.wait_until(counted)
        (pod,) = await bed.pods("web")
        await cluster.evict_pod(pod.ref, grace_seconds=None)
        await asyncio.sleep(2)
        assert await bed.pods("web") == ()

    play(scenario)


def test_safe_a_stateful_set_waits_until_the_object_of_its_pod_is_gone(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def stopped() -> bool:
            return (await deleting(bed, pod))[1] == 0

        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, replace(WEB, kind="StatefulSet", finalizers=("example.com/hold",)))
        await cluster.evict_pod(pod.ref, grace_seconds=None)
        await bed.wait_until(stopped)
        await asyncio.sleep(1)
        assert [one.ref for one in await bed.pods("web")] == [pod.ref]
        await bed.drop_finalizers(pod.ref)
        (new,) = await bed.wait_ready("web", 1)
        assert new.ref != pod.ref

    play(scenario)


def test_safe_a_daemon_set_does_not_wait_for_the_object_of_a_stopped_pod(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def again() -> bool:
            return [one.ready for one in await bed.pods("web") if one.ref != pod.ref] == [True]

        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, replace(WEB, kind="DaemonSet", finalizers=("example.com/hold",)))
        await cluster.evict_pod(pod.ref, grace_seconds=None)
        await bed.wait_until(again)
        assert await seen(bed, pod) is not None

    play(scenario)
