"""What queue mode needs of `Cluster` and `Leases`: here the simulation, in tests/e2e the real API server."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

import pytest

from nth.core.facts import Lease, Node, NodeChange, NodeGone, NodeSeen, PodGone, PodScope
from nth.errors import Conflict, Expired, Missing
from nth.ports import Cluster
from tests.contract.bed import Bed, NodeSpec
from tests.contract.simulated import Play
from tests.contract.steps import WEB, started

# Nodes


async def _until(
    changes: AsyncGenerator[NodeChange, None], wanted: Callable[[NodeChange], bool]
) -> list[str]:
    """What is told of nodes until that is told, and nothing twice in a row."""
    words: list[str] = []
    async for change in changes:
        if isinstance(change, NodeGone):
            word = f"{change.name} gone"
        else:
            word = f"{change.node.name} {'Ready' if change.node.ready else 'not Ready'}"
        if words[-1:] != [word]:
            words.append(word)
        if wanted(change):
            return words
    raise AssertionError(words)


def _seen(name: str, condition: Callable[[Node], bool]) -> Callable[[NodeChange], bool]:
    def is_so(change: NodeChange) -> bool:
        return isinstance(change, NodeSeen) and change.node.name == name and condition(change.node)

    return is_so


def test_nodes_are_listed_as_they_are(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        assert (await cluster.list_nodes()).nodes == ()
        for name in ("a", "b"):
            await bed.add_node(NodeSpec(name=name, instance_id=f"i-{name * 17}", labels={"group": name}))
        await bed.set_ready("b", False)
        listed = await cluster.list_nodes()
        found = {node.name: (node.instance_id, node.labels["group"], node.ready) for node in listed.nodes}
        assert found == {"a": (f"i-{'a' * 17}", "a", True), "b": (f"i-{'b' * 17}", "b", False)}
        assert {node.uid for node in listed.nodes} == {(await cluster.read_node(name)).uid for name in "ab"}

    play(scenario)


def test_a_watch_of_nodes_tells_everything_after_the_list(play: Play) -> None:
    async def scenario(bed: Bed, _: Cluster) -> None:
        async with bed.fleet() as (cluster, _leases):
            await bed.add_node(NodeSpec(name="old"))
            listed = await cluster.list_nodes()
            # Before the watch begins, and yet after the list.
            await bed.add_node(NodeSpec(name="new", labels={"group": "x"}))
            async with aclosing(cluster.watch_nodes(listed.resource_version)) as changes:
                words = await _until(changes, _seen("new", lambda node: node.ready))
                assert words[-1] == "new Ready"
                assert not any(word.startswith("old not") for word in words)
                await bed.change_node("new", {"metadata": {"labels": {"group": "y"}}})
                await _until(changes, _seen("new", lambda node: node.labels.get("group") == "y"))
                await bed.change_node("new", {"spec": {"unschedulable": True}})
                await _until(changes, _seen("new", lambda node: node.unschedulable))
                await bed.set_ready("new", False)
                await _until(changes, _seen("new", lambda node: not node.ready))
                await bed.set_ready("new", True)
                await _until(changes, _seen("new", lambda node: node.ready))
                gone = await bed.node("old")
                await bed.remove_node("old")
                await _until(changes, lambda change: change == NodeGone("old", gone.uid))

    play(scenario)


def test_safe_15_a_watch_of_one_node_tells_of_that_one_through_its_next_life(play: Play) -> None:
    async def scenario(bed: Bed, _: Cluster) -> None:
        async with bed.fleet() as (cluster, _leases):
            await bed.add_node(NodeSpec(name="ours"))
            await bed.add_node(NodeSpec(name="other"))
            before = await cluster.read_node("ours")
            await bed.change_node("other", {"metadata": {"labels": {"group": "x"}}})
            await bed.change_node("ours", {"spec": {"unschedulable": True}})
            async with aclosing(cluster.watch_nodes(before.resource_version, name="ours")) as changes:
                words = await _until(changes, _seen("ours", lambda node: node.unschedulable))
                gone = await bed.node("ours")
                await bed.remove_node("ours")
                words += await _until(changes, lambda change: change == NodeGone("ours", gone.uid))
                await bed.add_node(NodeSpec(name="ours"))
                words += await _until(
                    changes, _seen("ours", lambda node: node.uid != gone.uid and not node.unschedulable)
                )
                assert not any("other" in word for word in words)

    play(scenario)


def test_a_watch_of_nodes_from_a_forgotten_version_has_expired(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        before = (await cluster.list_nodes()).resource_version
        await bed.add_node(NodeSpec(name="b"))
        await bed.forget_history()
        async with bed.fleet() as (fresh, _):
            with pytest.raises(Expired):
                await anext(fresh.watch_nodes(before))
            listed = await fresh.list_nodes()
            await bed.change_node("a", {"spec": {"unschedulable": True}})
            async with aclosing(fresh.watch_nodes(listed.resource_version)) as changes:
                await _until(changes, _seen("a", lambda node: node.unschedulable))

    play(scenario)


def test_changes_of_pods_have_versions_that_grow(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        scope = PodScope(namespace=bed.namespace)
        listed = await cluster.list_pods(scope)
        (pod,) = await started(bed, replace(WEB, kind="Pod"))
        versions = [int(listed.resource_version)]
        async with aclosing(cluster.watch_pods(scope, listed.resource_version)) as changes:
            await bed.delete_pod(pod.ref)
            async for change in changes:
                versions.append(int(change.resource_version))
                if isinstance(change, PodGone):
                    break
        assert versions == sorted(set(versions))
        assert int((await cluster.list_pods(scope)).resource_version) >= versions[-1]

    play(scenario)


# Leases


def a_lease(bed: Bed, name: str = "replica-1") -> Lease:
    return Lease(name=name, holder=name, duration_seconds=5, renewed_at=round(bed.now(), 3))


def test_a_lease_is_created_and_renewed(play: Play) -> None:
    async def scenario(bed: Bed, _: Cluster) -> None:
        async with bed.fleet() as (_cluster, leases):
            lease = a_lease(bed)
            created = await leases.write_lease(lease)
            assert replace(created, resource_version="") == lease
            assert created.resource_version
            assert await leases.list_leases() == (created,)
            renewed = await leases.write_lease(replace(created, renewed_at=lease.renewed_at + 1.5, holder=""))
            assert (renewed.renewed_at, renewed.holder) == (lease.renewed_at + 1.5, "")
            assert renewed.resource_version != created.resource_version
            assert await leases.list_leases() == (renewed,)

    play(scenario)


def test_a_lease_is_created_once(play: Play) -> None:
    async def scenario(bed: Bed, _: Cluster) -> None:
        async with bed.fleet() as (_cluster, leases):
            created = await leases.write_lease(a_lease(bed))
            with pytest.raises(Conflict):
                await leases.write_lease(replace(a_lease(bed), holder="another"))
            assert await leases.list_leases() == (created,)

    play(scenario)


def test_a_lease_that_was_changed_since_is_not_written_over(play: Play) -> None:
    async def scenario(bed: Bed, _: Cluster) -> None:
        async with bed.fleet() as (_cluster, mine), bed.fleet() as (_other, others):
            created = await mine.write_lease(a_lease(bed))
            taken = await others.write_lease(replace(created, holder="another"))
            with pytest.raises(Conflict):
                await mine.write_lease(replace(created, renewed_at=created.renewed_at + 1))
            assert await mine.list_leases() == (taken,)

    play(scenario)


def test_a_lease_that_was_read_and_is_not_there_is_missing(play: Play) -> None:
    async def scenario(bed: Bed, _: Cluster) -> None:
        async with bed.fleet() as (_cluster, leases):
            with pytest.raises(Missing):
                await leases.write_lease(replace(a_lease(bed), resource_version="123"))
            assert await leases.list_leases() == ()

    play(scenario)


def test_only_the_replicas_leases_are_listed(play: Play) -> None:
    async def scenario(bed: Bed, _: Cluster) -> None:
        await bed.add_foreign_lease("somebody-elses")
        async with bed.fleet() as (_cluster, leases):
            written = [await leases.write_lease(a_lease(bed, name)) for name in ("replica-1", "replica-2")]
            found = await leases.list_leases()
            assert sorted(found, key=lambda lease: lease.name) == written

    play(scenario)


def test_a_lease_is_deleted_by_its_name(play: Play) -> None:
    async def scenario(bed: Bed, _: Cluster) -> None:
        async with bed.fleet() as (_cluster, leases):
            kept, gone = [await leases.write_lease(a_lease(bed, name)) for name in ("kept", "gone")]
            # Somebody else has written it since, and that does not matter.
            await leases.write_lease(replace(gone, holder="another"))
            await leases.delete_lease("gone")
            assert await leases.list_leases() == (kept,)
            with pytest.raises(Missing):
                await leases.delete_lease("gone")
            await leases.write_lease(a_lease(bed, "gone"))

    play(scenario)
