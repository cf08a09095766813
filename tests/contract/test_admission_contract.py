"""What every `Cluster` says of a request that admission refuses: simulated here, real in tests/e2e."""

import pytest

from nth.errors import AdmissionFailed, Denied
from nth.ports import Cluster
from tests.contract.bed import Bed, Guard, NodeSpec, Resource
from tests.contract.simulated import Play
from tests.contract.steps import WEB, change_spec, seen, started, wait_gone

NAME = "guard.example.com"
DENIED = f'admission webhook "{NAME}" denied the request'
EVERYTHING: frozenset[Resource] = frozenset({"pods/eviction", "pods", "nodes"})


def test_a_webhooks_denial_is_one_whatever_code_it_chooses(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, WEB)
        for code in (0, 403, 404, 409, 410, 422, 429, 500, 503):
            message = f"the code is {code}"
            await bed.set_guard(Guard(name=NAME, code=code, message=message))
            with pytest.raises(Denied) as refusal:
                await cluster.evict_pod(pod.ref, grace_seconds=None)
            assert str(refusal.value) == f"{DENIED}: {message}"
        await bed.set_guard(Guard(name=NAME, code=429))
        with pytest.raises(Denied) as refusal:
            await cluster.evict_pod(pod.ref, grace_seconds=None)
        assert str(refusal.value) == f"{DENIED} without explanation"
        assert await seen(bed, pod) == pod
        await bed.set_guard(None)
        await cluster.evict_pod(pod.ref, grace_seconds=None)
        await wait_gone(bed, pod)

    play(scenario)


def test_a_webhook_that_does_not_answer_is_not_the_server_that_is_silent(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, WEB)
        await bed.set_guard(Guard(name=NAME, resources=EVERYTHING, reachable=False))
        for asking in (
            cluster.evict_pod(pod.ref, grace_seconds=None),
            cluster.delete_pod(pod.ref, grace_seconds=1),
            change_spec(cluster, "a", unschedulable=True),
        ):
            with pytest.raises(AdmissionFailed) as refusal:
                await asking
            text = str(refusal.value)
            assert text.startswith(
                f'Internal error occurred: failed calling webhook "{NAME}": failed to call'
            )
            assert text.endswith("connect: connection refused")
        assert await seen(bed, pod) == pod

    play(scenario)


def test_a_policys_denial_is_no_lack_of_rights(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, WEB)
        await bed.set_guard(Guard(name="keep", kind="policy", resources=EVERYTHING, message="keep it"))
        about_pod, about_node = f'pods "{pod.ref.name}"', 'nodes "a"'
        for asking, what in (
            (cluster.evict_pod(pod.ref, grace_seconds=None), about_pod),
            (cluster.delete_pod(pod.ref, grace_seconds=1), about_pod),
            (change_spec(cluster, "a", unschedulable=True), about_node),
        ):
            with pytest.raises(Denied) as refusal:
                await asking
            policy = "ValidatingAdmissionPolicy 'keep' with binding 'keep' denied request: keep it"
            assert str(refusal.value) == f"{what} is forbidden: {policy}"
        assert await seen(bed, pod) == pod
        assert not (await bed.node("a")).unschedulable

    play(scenario)
