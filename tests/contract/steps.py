"""Steps that the tests of the cluster's contract have in common."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from nth.core.facts import Node, NodePatch, Pod
from nth.errors import Conflict
from nth.ports import Cluster
from tests.contract.bed import Bed, Workload

# MarkTimeout is not what is tested here: pods start and stop at once.
WEB = Workload(name="web", ready_after_seconds=0.1, stops_after_seconds=(0.1, 0.3))
SLOW = replace(WEB, stops_after_seconds=(100.0, 100.0), grace_seconds=120)


async def patch(cluster: Cluster, node: Node, **parts: Mapping[str, object]) -> Node:
    """On the node as it was read; the parts are `metadata` and `spec`."""
    metadata = {**parts.get("metadata", {}), "resourceVersion": node.resource_version}
    return await cluster.patch_node(node.name, NodePatch({**parts, "metadata": metadata}))


async def change(cluster: Cluster, name: str, **parts: Mapping[str, object]) -> tuple[Node, Node]:
    """On the node as it is, however often its kubelet writes in between; before and after."""
    while True:
        before = await cluster.read_node(name)
        with suppress(Conflict):
            return before, await patch(cluster, before, **parts)


async def change_spec(cluster: Cluster, name: str, **spec: object) -> Node:
    return (await change(cluster, name, spec=spec))[1]


async def started(bed: Bed, workload: Workload) -> tuple[Pod, ...]:
    await bed.run(workload)
    return await bed.wait_ready(workload.name, workload.replicas)


async def seen(bed: Bed, pod: Pod) -> Pod | None:
    """That very pod as it is now."""
    return next((other for other in await bed.pods() if other.ref == pod.ref), None)


async def wait_gone(bed: Bed, pod: Pod) -> None:
    async def gone() -> bool:
        return await seen(bed, pod) is None

    await bed.wait_until(gone)


async def deleting(bed: Bed, pod: Pod) -> tuple[float, int]:
    """Until when, and the grace."""
    found = await seen(bed, pod)
    assert found is not None
    assert found.deleting_until_at is not None
    assert found.deletion_grace_seconds is not None
    return found.deleting_until_at, found.deletion_grace_seconds
