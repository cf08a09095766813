"""How many pods a controller wants, and by which label the pods in the place of others are found."""

from dataclasses import replace

import pytest

from nth.core.drain.replacement import Replacement
from nth.core.facts import Controller, Pod, Wanted
from nth.errors import Forbidden, Missing
from nth.ports import Cluster
from tests.contract.bed import Bed, NodeSpec, Workload
from tests.contract.simulated import Play
from tests.contract.steps import SLOW, WEB, seen, started, wait_gone

DB = replace(WEB, name="db", kind="StatefulSet", replicas=2)
JOB = replace(WEB, name="job", kind="Job")
STOPPED = 143


def owner_of(pod: Pod) -> Controller:
    assert pod.controller is not None
    return pod.controller


@pytest.mark.parametrize("workload", [replace(WEB, replicas=3), DB, JOB], ids=lambda workload: workload.kind)
def test_a_controller_says_how_many_pods_it_wants(play: Play, workload: Workload) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        pod, *_ = await started(bed, workload)
        wanted = Wanted(pods=workload.replicas)
        assert await cluster.read_wanted(bed.namespace, owner_of(pod)) == wanted

    play(scenario)


def test_a_controller_that_was_scaled_wants_as_many_as_that(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def wants_one() -> bool:
            return await cluster.read_wanted(bed.namespace, owner_of(pod)) == Wanted(pods=1)

        await bed.add_node(NodeSpec(name="a"))
        pod, *_ = await started(bed, replace(WEB, replicas=4))
        await bed.scale("web", 1)
        await bed.wait_until(wants_one)

    play(scenario)


@pytest.mark.parametrize("workload", [WEB, DB, JOB], ids=lambda workload: workload.kind)
def test_a_controller_that_was_deleted_is_missing(play: Play, workload: Workload) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def gone() -> bool:
            try:
                await cluster.read_wanted(bed.namespace, owner_of(pod))
            except Missing:
                return True
            return False

        await bed.add_node(NodeSpec(name="a"))
        pod, *_ = await started(bed, workload)
        await bed.delete(workload.name)
        await bed.wait_until(gone)

    play(scenario)


def test_another_controller_of_that_name_is_not_the_one_that_is_asked(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, WEB)
        other = replace(owner_of(pod), uid="0e0e0e0e-0e0e-4e0e-8e0e-0e0e0e0e0e0e")
        with pytest.raises(Missing):
            await cluster.read_wanted(bed.namespace, other)

    play(scenario)


def test_a_rollout_leaves_no_wish_for_the_old_pods(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def wants_none() -> bool:
            return await cluster.read_wanted(bed.namespace, owner_of(pod)) == Wanted(pods=0)

        await bed.add_node(NodeSpec(name="a"))
        pod, *_ = await started(bed, replace(WEB, replicas=2))
        await bed.roll_out("web")
        await bed.wait_until(wants_none, timeout_seconds=30)
        await wait_gone(bed, pod)
        assert all(owner_of(new) != owner_of(pod) for new in await bed.wait_ready("web", 2))

    play(scenario)


def test_a_job_that_has_ended_well_wants_no_more_pods(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def ended() -> bool:
            return await cluster.read_wanted(bed.namespace, owner_of(pod)) == Wanted(pods=0)

        await bed.add_node(NodeSpec(name="a"))
        await bed.run(replace(JOB, finishes=True))
        await bed.wait_until(lambda: exists(bed))
        pod, *_ = await bed.pods("job")
        await bed.wait_until(ended)

    play(scenario)


async def exists(bed: Bed) -> bool:
    return bool(await bed.pods("job"))


def test_a_job_that_has_failed_says_why(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def failed() -> bool:
            wanted = await cluster.read_wanted(bed.namespace, owner_of(pod))
            return wanted is not None and "BackoffLimitExceeded" in wanted.failure

        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, replace(JOB, backoff_limit=0, exit_code=STOPPED))
        await bed.delete_pod(pod.ref)
        await bed.wait_until(failed)
        wanted = await cluster.read_wanted(bed.namespace, owner_of(pod))
        assert wanted is not None
        assert wanted.pods == 0

    play(scenario)


def test_kinds_that_are_not_asked_are_not_known(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        stranger = Controller("Workflow", "w", "uid", "argoproj.io/v1alpha1")
        assert await cluster.read_wanted(bed.namespace, stranger) is None

    play(scenario)


def test_reading_controllers_needs_a_right_of_its_own(play: Play) -> None:
    async def scenario(bed: Bed, _: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, WEB)
        async with bed.dry_run() as cluster:
            with pytest.raises(Forbidden):
                await cluster.read_wanted(bed.namespace, owner_of(pod))

    play(scenario)


def test_the_pod_in_the_place_of_a_statefulsets_is_found_though_its_template_was_changed(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        pod, *_ = await started(bed, replace(DB, on_delete=True))
        replacement = Replacement("a")
        (scope,) = replacement.add((pod,))
        await bed.roll_out("db")
        await bed.delete_pod(pod.ref)
        await wait_gone(bed, pod)
        new, *_ = await bed.wait_ready("db", 2)
        assert (new.ref.name, new.controller) == (pod.ref.name, pod.controller)
        assert new.labels["controller-revision-hash"] != pod.labels["controller-revision-hash"]
        assert (await cluster.list_pods(scope)).pods == (new,)

    play(scenario)


def test_a_terminating_pod_shows_that_it_was_ready_until_it_was_deleted(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def stopped() -> bool:
            now = await seen(bed, pod)
            return now is not None and now.finished

        await bed.add_node(NodeSpec(name="a"))
        # A finalizer keeps its object when its kubelet is done.
        held = replace(WEB, finalizers=("example.com/hold",))
        (pod,) = await started(bed, held)
        assert (pod.was_ready, pod.created_at is not None) == (True, True)
        await bed.delete_pod(pod.ref)
        await bed.wait_until(stopped)
        last = await seen(bed, pod)
        assert last is not None
        assert (last.ready, last.was_ready) == (False, True)
        await bed.drop_finalizers(pod.ref)

    play(scenario)


def test_a_pod_that_was_never_ready_was_not_ready_when_it_was_deleted(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def runs() -> bool:
            pods = await bed.pods("web")
            return bool(pods) and bool(pods[0].node_name)

        async def older() -> bool:
            return pod.created_at is not None and bed.now() > pod.created_at + 2

        await bed.add_node(NodeSpec(name="a"))
        await bed.run(replace(SLOW, ready_after_seconds=float("inf")))
        await bed.wait_until(runs)
        (pod,) = await bed.pods("web")
        await bed.wait_until(older)
        await bed.delete_pod(pod.ref)
        last = await seen(bed, pod)
        assert last is not None
        assert (last.ready, last.was_ready) == (False, False)

    play(scenario)
