"""The condition DisruptionTarget: who sets it, and what a Job makes of it. The real Job controller, too."""

import asyncio
from dataclasses import replace

import pytest

from nth.core.drain.disruption import EVICTED, REASON, condition_of
from nth.core.facts import Pod, PodRef
from nth.errors import Forbidden, Missing
from nth.ports import Cluster
from tests.contract.bed import Bed, BudgetSpec, NodeSpec
from tests.contract.simulated import Play
from tests.contract.steps import SLOW, WEB, seen, started, wait_gone

ONE_CHANCE = replace(WEB, kind="Job", backoff_limit=0, spares_disrupted=True, exit_code=143)
"""A pod of it fails when it is told to stop, as most programs do that catch no SIGTERM."""


async def others(bed: Bed, pod: Pod) -> list[Pod]:
    return [one for one in await bed.pods("web") if one.ref != pod.ref]


async def disrupted_by(bed: Bed, pod: Pod) -> str | None:
    now = await seen(bed, pod)
    return now.disrupted_by if now else None


def test_safe_16_a_pod_is_marked_and_stays_as_it_is(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, SLOW)
        assert pod.disrupted_by == ""
        for _ in range(2):
            await cluster.mark_pod(pod.ref, condition_of(pod, bed.now()))
            # Its other conditions are left, among them that it is Ready.
            assert await seen(bed, pod) == replace(pod, disrupted_by=REASON)
        # Also while it terminates, which is how a late mark still counts.
        await cluster.delete_pod(pod.ref, grace_seconds=30)
        await cluster.mark_pod(pod.ref, condition_of(pod, bed.now()))
        assert await disrupted_by(bed, pod) == REASON

    play(scenario)


def test_safe_16_another_pod_of_that_name_is_not_marked(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, WEB)
        other = PodRef(pod.ref.namespace, pod.ref.name, "0e0e0e0e-0e0e-4e0e-8e0e-0e0e0e0e0e0e")
        nobody = PodRef(pod.ref.namespace, "nobody", pod.ref.uid)
        for ref in (other, nobody):
            with pytest.raises(Missing):
                await cluster.mark_pod(ref, condition_of(pod, bed.now()))
        assert await disrupted_by(bed, pod) == ""

    play(scenario)


def test_safe_16_a_mark_needs_a_right_that_goes_with_deleting(play: Play) -> None:
    async def scenario(bed: Bed, _: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, WEB)
        async with bed.cluster(may_delete=False) as polite:
            with pytest.raises(Forbidden):
                await polite.mark_pod(pod.ref, condition_of(pod, bed.now()))

    play(scenario)


def test_safe_16_an_eviction_marks_by_itself(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, SLOW)
        await cluster.evict_pod(pod.ref, grace_seconds=30)
        assert await disrupted_by(bed, pod) == EVICTED == "EvictionByEvictionAPI"

    play(scenario)


def test_safe_16_a_job_that_spares_disrupted_pods_makes_a_new_one_for_a_marked_one(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def again() -> bool:
            return [one.ready for one in await others(bed, pod)] == [True]

        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, ONE_CHANCE)
        await bed.set_budget(BudgetSpec(name="never", match_labels={"app": "web"}, min_available=1))
        await cluster.mark_pod(pod.ref, condition_of(pod, bed.now()))
        await cluster.delete_pod(pod.ref, grace_seconds=5)
        # The real controller waits ten seconds before it begins anew.
        await bed.wait_until(again, timeout_seconds=30)

    play(scenario)


def test_safe_16_without_the_mark_such_a_job_has_failed_for_good(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, ONE_CHANCE)
        await cluster.delete_pod(pod.ref, grace_seconds=5)
        await wait_gone(bed, pod)
        await asyncio.sleep(13)
        assert await others(bed, pod) == []

    play(scenario)
