"""What queue mode asks of the API server: nodes, deadlines, Leases; and what is made of the answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import httpx2
import pytest

from nth.adapters.kubernetes import KubernetesCluster
from nth.adapters.kubernetes_leases import KubernetesLeases
from nth.core.facts import Lease, Node, NodeGone, NodePatch, NodeSeen, PodGone, PodRef, PodScope, PodSeen
from nth.errors import Conflict, Expired, Missing, Unreachable
from tests.adapters.scripted import play, says


def _node(name: str, version: str = "5", ready: str = "True") -> dict[str, object]:
    conditions = [
        {"type": "MemoryPressure", "status": "False"},
        {"type": "Ready", "status": ready, "message": "kubelet is posting ready status"},
    ]
    # What is not needed is not read, whatever it is.
    status = {"conditions": conditions, "images": [{"names": 5}], "nodeInfo": None}
    return {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": version}, "status": status}


def _event(kind: str, document: object) -> bytes:
    return json.dumps({"type": kind, "object": document}).encode() + b"\n"


# Nodes


def test_nodes_are_listed_page_by_page() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        listed = await cluster.list_nodes()
        assert [(node.name, node.ready) for node in listed.nodes] == [("a", True), ("b", False), ("c", False)]
        assert listed.resource_version == "9"

    pages = [
        {"items": [_node("a"), _node("b", ready="Unknown")], "metadata": {"continue": "more"}},
        {"items": [_node("c", ready="False")], "metadata": {"resourceVersion": "9"}},
    ]
    first, second = play(says(*pages), test)
    assert str(first.url) == "http://api/api/v1/nodes?limit=50"
    assert dict(second.url.params) == {"limit": "500", "continue": "more"}


@pytest.mark.parametrize("status", [None, {"conditions": None}, {"conditions": []}])
def test_a_node_that_no_kubelet_has_spoken_for_is_not_ready(status: object) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        assert not (await cluster.read_node("a")).ready

    document = _node("a") | {"status": status}
    if status is None:
        del document["status"]
    play(says(document), test)


def test_a_watch_of_nodes_tells_changes_and_goes_on_where_it_ended() -> None:
    bodies = [
        _event("ADDED", _node("a", "11", ready="False")) + _event("MODIFIED", _node("a", "12")),
        _event("BOOKMARK", {"metadata": {"resourceVersion": "30"}}),
        _event("DELETED", _node("a", "31")),
    ]

    async def test(cluster: KubernetesCluster) -> None:
        async with aclosing(cluster.watch_nodes("10")) as changes:
            seen = [await anext(changes) for _ in range(3)]
        node = Node(name="a", uid="uid-a", resource_version="11")
        assert seen == [
            NodeSeen(node),
            NodeSeen(replace(node, resource_version="12", ready=True)),
            NodeGone("a", "uid-a"),
        ]

    requests = play(lambda request: httpx2.Response(200, content=bodies.pop(0)), test)
    assert [request.url.params["resourceVersion"] for request in requests] == ["10", "12", "30"]
    assert dict(requests[0].url.params) == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "10",
        "timeoutSeconds": "15",
    }


def test_a_watch_of_nodes_that_has_expired() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(Expired, match="too old"):
            await anext(cluster.watch_nodes("1"))

    error = _event("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})
    play(lambda request: httpx2.Response(200, content=error), test)


def test_needs_W34_a_silent_watch_of_nodes_counts_as_dead() -> None:
    async def silence() -> httpx2.Response:
        async def chunks() -> AsyncIterator[bytes]:
            yield _event("ADDED", _node("a"))
            await asyncio.sleep(3600)

        return httpx2.Response(200, content=chunks())

    async def test(cluster: KubernetesCluster) -> None:
        changes = cluster.watch_nodes("1")
        assert isinstance(await anext(changes), NodeSeen)
        with pytest.raises(Unreachable, match="no answer in time"):
            await anext(changes)
        assert asyncio.get_running_loop().time() == 18.0

    play(lambda request: silence(), test)


def test_needs_W34_waiting_for_a_turn_is_no_silence_of_the_watch() -> None:
    async def answered(request: httpx2.Request) -> httpx2.Response:
        if "watch" in request.url.params:
            return httpx2.Response(200, content=late())
        await asyncio.sleep(4)
        return httpx2.Response(200, json=_node("a"))

    async def late() -> AsyncIterator[bytes]:
        await asyncio.sleep(14)
        yield _event("ADDED", _node("a"))

    async def test(cluster: KubernetesCluster) -> None:
        busy = [asyncio.create_task(cluster.read_node("a")) for _ in range(2)]
        await asyncio.sleep(0)
        async with aclosing(cluster.watch_nodes("1")) as changes:
            assert isinstance(await anext(changes), NodeSeen)
        # Two turns of four seconds each, and fourteen more: longer than a watch may be silent.
        assert asyncio.get_running_loop().time() == 22.0
        await asyncio.gather(*busy)

    play(answered, test, in_flight=1)


# Deadlines


def test_who_has_the_earliest_deadline_goes_first() -> None:
    async def slow(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(1)
        return httpx2.Response(200, json=_node("a"))

    async def test(cluster: KubernetesCluster) -> None:
        def pod(name: str) -> PodRef:
            return PodRef("s", name, "u")

        asked = [
            cluster.evict_pod(pod("first-come"), grace_seconds=None),
            cluster.evict_pod(pod("whenever"), grace_seconds=None),
            cluster.evict_pod(pod("later"), grace_seconds=None, deadline_at=1e9 + 90),
            cluster.delete_pod(pod("now"), grace_seconds=1, deadline_at=1e9),
            cluster.patch_node("late", NodePatch({}), deadline_at=1e9 + 9),
            cluster.patch_node("soon", NodePatch({}), deadline_at=1e9 + 1),
        ]
        await asyncio.gather(*(asyncio.create_task(each) for each in asked))

    requests = play(slow, test, in_flight=1)
    names = [request.url.path.removesuffix("/eviction").rpartition("/")[2] for request in requests]
    assert names == ["first-come", "soon", "late", "now", "later", "whenever"]


# Pods


def test_changes_of_pods_carry_their_version() -> None:
    def pod(version: str) -> dict[str, object]:
        return {"metadata": {"namespace": "s", "name": "p", "uid": "u", "resourceVersion": version}}

    async def test(cluster: KubernetesCluster) -> None:
        async with aclosing(cluster.watch_pods(PodScope(), "1")) as changes:
            seen = [await anext(changes) for _ in range(2)]
        assert isinstance(seen[0], PodSeen)
        assert isinstance(seen[1], PodGone)
        assert [change.resource_version for change in seen] == ["7", "8"]

    body = _event("ADDED", pod("7")) + _event("DELETED", pod("8"))
    play(lambda request: httpx2.Response(200, content=body), test)


# Leases

LEASE = Lease(name="replica-1", holder="me", duration_seconds=5, renewed_at=1_795_336_200.25)
PATH = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"


def _stored(version: str, **spec: object) -> dict[str, object]:
    common = {"holderIdentity": "me", "leaseDurationSeconds": 5, "renewTime": "2026-11-22T08:30:00.250000Z"}
    metadata = {"name": "replica-1", "resourceVersion": version}
    return {"metadata": metadata, "spec": {**common, **spec}}


def leases_of(cluster: KubernetesCluster) -> KubernetesLeases:
    return KubernetesLeases(cluster.server, "kube-system")


def test_a_new_lease_is_created_with_our_label() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        assert await leases_of(cluster).write_lease(LEASE) == replace(LEASE, resource_version="7")

    (request,) = play(says(_stored("7")), test)
    assert (request.method, request.url.path) == ("POST", PATH)
    assert json.loads(request.content) == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "replica-1", "labels": {"aws-node-termination-handler/replica": "true"}},
        "spec": {
            "holderIdentity": "me",
            "leaseDurationSeconds": 5,
            "renewTime": "2026-11-22T08:30:00.250000Z",
            "acquireTime": "2026-11-22T08:30:00.250000Z",
        },
    }


def test_a_lease_that_was_read_is_patched_as_it_was_read() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        lease = replace(LEASE, resource_version="7", holder="", renewed_at=1_795_336_201.0)
        await leases_of(cluster).write_lease(lease)

    (request,) = play(says(_stored("8")), test)
    assert (request.method, request.url.path) == ("PATCH", f"{PATH}/replica-1")
    assert request.headers["Content-Type"] == "application/merge-patch+json"
    assert json.loads(request.content) == {
        "metadata": {"resourceVersion": "7"},
        "spec": {
            "holderIdentity": "",
            "leaseDurationSeconds": 5,
            # Six digits also where there are none to show.
            "renewTime": "2026-11-22T08:30:01.000000Z",
        },
    }


@pytest.mark.parametrize(("code", "expected"), [(409, Conflict), (404, Missing)])
@pytest.mark.parametrize("version", ["", "7"])
def test_a_lease_that_cannot_be_written(code: int, expected: type[Exception], version: str) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(expected):
            await leases_of(cluster).write_lease(replace(LEASE, resource_version=version))

    assert len(play(lambda request: httpx2.Response(code, json={"message": "no"}), test)) == 1


def test_only_leases_with_our_label_are_asked_for_and_any_can_be_read() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        assert await leases_of(cluster).list_leases() == (
            replace(LEASE, resource_version="7"),
            Lease(name="", holder="", duration_seconds=0, renewed_at=0.0),
        )

    empty = {"metadata": {}, "spec": {"holderIdentity": None, "renewTime": None}}
    (request,) = play(says({"items": [_stored("7"), empty]}), test)
    assert request.url.path == PATH
    assert request.url.params["labelSelector"] == "aws-node-termination-handler/replica=true"


def test_a_lease_is_deleted_by_its_name() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        await leases_of(cluster).delete_lease("a/b")

    (request,) = play(says({}), test)
    assert (request.method, request.url.raw_path.decode()) == ("DELETE", f"{PATH}/a%2Fb")


def test_renewing_does_not_starve_in_a_storm() -> None:
    async def slow(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(1)
        return httpx2.Response(200, json=_stored("7"))

    async def test(cluster: KubernetesCluster) -> None:
        storm = [
            asyncio.create_task(cluster.evict_pod(PodRef("s", "p", "u"), grace_seconds=None, deadline_at=1.0))
            for _ in range(9)
        ]
        await asyncio.sleep(0)
        await leases_of(cluster).write_lease(LEASE)
        assert asyncio.get_running_loop().time() == 2.0
        await asyncio.gather(*storm)

    play(slow, test, in_flight=1)
