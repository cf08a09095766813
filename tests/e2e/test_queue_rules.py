"""The rules of queue mode, and that metadata mode does without them."""

import asyncio

import pytest

from nth.adapters.kubernetes import KubernetesCluster
from nth.adapters.kubernetes_leases import KubernetesLeases
from nth.core.facts import Lease
from nth.errors import Forbidden
from testbed.bed import RealBed
from testbed.helm import NAMESPACE
from tests.contract.bed import NodeSpec
from tests.contract.simulated import Play
from tests.contract.test_cluster_contract import (
    test_a_watch_of_a_node_tells_of_no_other,  # noqa: F401
    test_a_watch_tells_everything_after_the_list,  # noqa: F401
)
from tests.queue_mode.test_shared_contract import play_shared


@pytest.fixture
def play(bed: RealBed) -> Play:
    """Pods are watched through one watch for all; needs no rule that a watch of one's own does not."""
    return lambda scenario: asyncio.run(play_shared(bed, scenario))


def test_metadata_mode_has_none_of_the_rules_of_queue_mode_and_lists_nodes(bed: RealBed) -> None:
    async def scenario() -> None:
        await bed.add_node(NodeSpec(name="a"))
        async with bed.cluster() as cluster:
            assert isinstance(cluster, KubernetesCluster)
            listed = await cluster.list_nodes()
            assert [node.name for node in listed.nodes] == ["a"]
            leases = KubernetesLeases(cluster.server, NAMESPACE)
            lease = Lease(name="a", holder="a", duration_seconds=5, renewed_at=bed.now())
            for asking in (
                leases.list_leases(),
                leases.write_lease(lease),
                leases.delete_lease("a"),
            ):
                with pytest.raises(Forbidden):
                    await asking

    asyncio.run(scenario())


def test_the_replicas_leases_are_the_only_ones_in_reach(bed: RealBed) -> None:
    async def scenario() -> None:
        async with bed.fleet() as (cluster, _):
            assert isinstance(cluster, KubernetesCluster)
            with pytest.raises(Forbidden):
                await KubernetesLeases(cluster.server, bed.namespace).list_leases()

    asyncio.run(scenario())
