"""The verbs: what is asked, what is made of the answers, and what a bad server can do to us.

Scripted answers run in virtual time; broken connections are real ones (`fake_api_server`).
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

import httpx2
import pytest

from nth.adapters.kubernetes import KubernetesCluster, connect
from nth.core.facts import Node, NodePatch, Pod, PodChange, PodCondition, PodGone, PodRef, PodScope, PodSeen
from nth.errors import (
    Blocked,
    ClusterError,
    Conflict,
    Expired,
    Missing,
    SettingError,
    Throttled,
    Unreachable,
)
from tests.adapters.fake_api_server import (
    Answer,
    FakeApiServer,
    answer,
    cluster_at,
    drip,
    hang,
    hang_up,
    raw,
    reset,
)
from tests.adapters.scripted import play, says

REF = PodRef("s", "p", "uid-1")
SCOPE = PodScope(node_name="n")


def _node(name: str, instance_id: str = "") -> dict[str, object]:
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": "5"},
        "spec": {"providerID": f"aws:///z/{instance_id}"},
    }


def _pod(name: str, version: str = "1", uid: str = "") -> dict[str, object]:
    uid = uid or f"u-{name}"
    return {"metadata": {"namespace": "s", "name": name, "uid": uid, "resourceVersion": version}}


def _fact(name: str) -> Pod:
    return Pod(ref=PodRef("s", name, f"u-{name}"), phase="Unknown")


def _event(kind: str, document: object) -> bytes:
    return json.dumps({"type": kind, "object": document}).encode() + b"\n"


async def _first(count: int, changes: AsyncGenerator[PodChange, None]) -> list[PodChange]:
    seen: list[PodChange] = []
    async with aclosing(changes):
        async for change in changes:
            seen.append(change)
            if len(seen) == count:
                break
    return seen


def test_a_node_is_read_by_its_name() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        assert await cluster.read_node("a/b") == Node(
            name="n", uid="uid-n", resource_version="5", provider_id="aws:///z/i-1"
        )
        assert cluster.requests_seen == {("get", 200): 1}
        assert cluster.last_answer_at == 1234.0

    (request,) = play(says(_node("n", "i-1")), test)
    assert (request.method, request.url.raw_path) == ("GET", b"/api/v1/nodes/a%2Fb")


def test_a_patch_is_a_merge_patch_and_returns_the_new_node() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        patch = NodePatch({"metadata": {"resourceVersion": "4", "labels": {"a": None}}})
        assert (await cluster.patch_node("n", patch)).resource_version == "5"

    (request,) = play(says(_node("n")), test)
    assert (request.method, request.url.path) == ("PATCH", "/api/v1/nodes/n")
    assert request.headers["Content-Type"] == "application/merge-patch+json"
    assert json.loads(request.content) == {"metadata": {"resourceVersion": "4", "labels": {"a": None}}}


def test_pods_are_listed_page_by_page() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        listed = await cluster.list_pods(PodScope(node_name="n", namespace="s", label_selector="a in (b)"))
        assert [pod.ref.name for pod in listed.pods] == ["p", "q", "r"]
        assert listed.resource_version == "9"

    pages = [
        {"items": [_pod("p"), _pod("q")], "metadata": {"resourceVersion": "9", "continue": "more"}},
        {"items": [_pod("r")], "metadata": {"resourceVersion": "9"}},
    ]
    first, second = play(says(*pages), test)
    asked = {"fieldSelector": "spec.nodeName=n", "labelSelector": "a in (b)", "limit": "50"}
    assert first.url.path == "/api/v1/namespaces/s/pods"
    assert dict(first.url.params) == asked
    assert dict(second.url.params) == asked | {"limit": "500", "continue": "more"}, (
        "pods of this size are few bytes"
    )


def test_needs_W7_a_list_from_the_cache_comes_in_one_piece() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        listed = await cluster.list_pods(PodScope(node_name="n"), cached=True)
        assert listed.resource_version == "9"

    (request,) = play(says({"items": [_pod("p")], "metadata": {"resourceVersion": "9"}}), test)
    assert dict(request.url.params) == {"fieldSelector": "spec.nodeName=n", "resourceVersion": "0"}


def test_all_namespaces_are_listed_without_a_scope() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        assert (await cluster.list_pods(PodScope())).pods == ()

    (request,) = play(says({"items": None, "metadata": {"resourceVersion": "9"}}), test)
    assert str(request.url) == "http://api/api/v1/pods?limit=50"


@pytest.mark.parametrize(("grace_seconds", "grace"), [(None, {}), (7, {"gracePeriodSeconds": 7})])
def test_an_eviction_names_the_pod_for_good(grace_seconds: int | None, grace: dict[str, int]) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        await cluster.evict_pod(REF, grace_seconds=grace_seconds)

    (request,) = play(lambda request: httpx2.Response(201, json={}), test)
    assert (request.method, request.url.path) == ("POST", "/api/v1/namespaces/s/pods/p/eviction")
    assert json.loads(request.content) == {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "p", "namespace": "s"},
        "deleteOptions": {"preconditions": {"uid": "uid-1"}, **grace},
    }


def test_a_deletion_names_the_pod_for_good() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        await cluster.delete_pod(REF, grace_seconds=0)

    (request,) = play(says({}), test)
    assert (request.method, request.url.path) == ("DELETE", "/api/v1/namespaces/s/pods/p")
    assert json.loads(request.content) == {"preconditions": {"uid": "uid-1"}, "gracePeriodSeconds": 0}


def test_safe_16_a_condition_is_merged_by_its_type_into_that_very_pod() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        condition = PodCondition(kind="DisruptionTarget", reason="Because", message="so", changed_at=0.0)
        await cluster.mark_pod(REF, condition)

    (request,) = play(says({}), test)
    assert (request.method, request.url.path) == ("PATCH", "/api/v1/namespaces/s/pods/p/status")
    assert request.headers["Content-Type"] == "application/strategic-merge-patch+json"
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "Because",
        "message": "so",
        "lastTransitionTime": "1970-01-01T00:00:00Z",
    }
    assert json.loads(request.content) == {
        "metadata": {"uid": "uid-1"},
        "status": {"conditions": [condition]},
    }


def test_safe_16_a_condition_for_another_pod_of_that_name_finds_none() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(Missing):
            await cluster.mark_pod(REF, PodCondition(kind="A", reason="B", message="c", changed_at=0.0))

    message = 'Pod "p" is invalid: metadata.uid: Invalid value: "uid-1": field is immutable'
    play(lambda request: httpx2.Response(422, json={"message": message}), test)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (httpx2.Response(404, json={"message": "not found"}), Missing),
        (httpx2.Response(200, json=_pod("p", uid="uid-2")), Missing),
        (
            httpx2.Response(200, json=_pod("p", uid="uid-1")),
            Unreachable,
        ),
        (httpx2.Response(403, json={"message": "no rule"}), Unreachable),
    ],
    ids=["nobody", "another", "still-there", "unknown"],
)
def test_an_eviction_that_gets_no_answer_asks_whether_the_pod_is_gone(
    found: httpx2.Response, expected: type[ClusterError]
) -> None:
    async def silent() -> httpx2.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(expected):
            await cluster.evict_pod(REF, grace_seconds=None)
        assert asyncio.get_running_loop().time() == 5.0
        assert cluster.requests_seen["evict", 0] == 1

    requests = play(lambda request: silent() if request.method == "POST" else found, test)
    assert [request.method for request in requests] == ["POST", "GET"]


def test_a_budget_that_refuses_is_named() -> None:
    words = "The disruption budget web needs 1 healthy pods and has 1 currently"
    causes = {"causes": [{"reason": "DisruptionBudget", "message": words}]}

    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(Blocked) as caught:
            await cluster.evict_pod(REF, grace_seconds=None)
        assert str(caught.value) == words

    play(lambda request: httpx2.Response(429, json={"message": "Cannot evict", "details": causes}), test)


def test_budgets_of_a_namespace_are_listed() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        (budget,) = await cluster.list_budgets("s")
        assert (budget.name, budget.disruptions_allowed) == ("b", 1)

    budget = {
        "metadata": {"namespace": "s", "name": "b"},
        "spec": {"selector": {}},
        "status": {"disruptionsAllowed": 1},
    }
    without_selector = {"metadata": {"namespace": "s", "name": "c"}, "spec": {}}
    (request,) = play(says({"items": [budget, without_selector]}), test)
    assert request.url.path == "/apis/policy/v1/namespaces/s/poddisruptionbudgets"


class Nodes:
    """A server with some nodes, found as the real one finds them."""

    def __init__(self, **hostnames: str) -> None:
        self._nodes = hostnames

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        name = request.url.path.removeprefix("/api/v1/nodes").removeprefix("/")
        if name:
            known = name in self._nodes
            return httpx2.Response(200 if known else 404, json=_node(name) if known else {"message": "no"})
        selector = request.url.params.get("labelSelector")
        hosts = selector.partition("(")[2].rstrip(")").split(",") if selector else None
        found = [_node(name, f"i-{name}") for name, host in self._nodes.items() if not hosts or host in hosts]
        return httpx2.Response(200, json={"items": found, "metadata": {"resourceVersion": "1"}})


@pytest.mark.parametrize(
    ("name", "instance_id", "found", "requests"),
    [
        ("a", "", "a", 1),
        ("host-b", "", "b", 2),
        ("host-b.ec2.internal", "", "b", 2),
        ("", "i-c", "c", 1),
        ("unknown", "i-c", "c", 3),
        ("twin", "i-d", "d", 2),
        ("no label, no/name!", "i-c", "c", 2),
    ],
)
def test_needs_W18_needs_W23_a_node_is_found_by_name_hostname_and_instance(
    name: str, instance_id: str, found: str, requests: int
) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        assert (await cluster.find_node(name=name, instance_id=instance_id)).name == found

    handler = Nodes(a="host-a", b="host-b", c="host-c", d="twin", e="twin")
    assert len(play(handler, test)) == requests


@pytest.mark.parametrize(("name", "instance_id"), [("twin", ""), ("x", ""), ("x", "i-"), ("", "d"), ("", "")])
def test_needs_W23_it_never_guesses(name: str, instance_id: str) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(Missing, match="no node is named"):
            await cluster.find_node(name=name, instance_id=instance_id)

    play(Nodes(d="twin", e="twin"), test)


def test_needs_W8_could_not_ask_is_not_the_same_as_not_found() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(Unreachable):
            await cluster.find_node(name="n", instance_id="i-1")

    assert len(play(lambda request: httpx2.Response(503, text="down"), test)) == 1


def test_a_watch_tells_changes_and_goes_on_where_it_ended() -> None:
    marked = _event("BOOKMARK", {"metadata": {"resourceVersion": "30"}})
    bodies = [
        _event("ADDED", _pod("p", "11")) + _event("MODIFIED", _pod("p", "12")),
        _event("DELETED", _pod("p", "20")) + marked,
        _event("ADDED", _pod("q", "31")),
    ]
    starts: list[float] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        starts.append(asyncio.get_running_loop().time())
        return httpx2.Response(200, content=bodies.pop(0))

    async def test(cluster: KubernetesCluster) -> None:
        seen = await _first(4, cluster.watch_pods(SCOPE, "10"))
        assert seen == [
            PodSeen(_fact("p")),
            PodSeen(_fact("p")),
            PodGone(PodRef("s", "p", "u-p")),
            PodSeen(_fact("q")),
        ]

    requests = play(handler, test)
    assert [request.url.params["resourceVersion"] for request in requests] == ["10", "12", "30"]
    assert dict(requests[0].url.params) == {
        "fieldSelector": "spec.nodeName=n",
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "10",
        "timeoutSeconds": "15",
    }
    # A server that ends each watch at once is not asked more than once a second.
    assert starts == [0.0, 1.0, 2.0]


def test_a_line_ends_at_a_line_feed_and_at_nothing_else() -> None:
    document = {
        "metadata": {"name": "p", "annotations": {"aws-node-termination-handler/a": "one\x85two\u2028three"}}
    }
    line = json.dumps({"type": "ADDED", "object": document}, ensure_ascii=False).encode() + b"\n"

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(line), 7):
            yield line[start : start + 7]

    async def test(cluster: KubernetesCluster) -> None:
        (change,) = await _first(1, cluster.watch_pods(SCOPE, "1"))
        assert isinstance(change, PodSeen)
        assert change.pod.annotations == {"aws-node-termination-handler/a": "one\x85two\u2028three"}

    play(lambda request: httpx2.Response(200, content=chunks()), test)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (_event("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"}), Expired),
        (_event("ERROR", {"kind": "Status", "code": 500, "message": "etcd"}), Unreachable),
        (b"<html>login</html>\n", Unreachable),
        (_event("ADDED", 5), Unreachable),
    ],
    ids=["too-old", "server-error", "not-json", "not-a-pod"],
)
def test_a_watch_that_goes_wrong(body: bytes, expected: type[ClusterError]) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(expected):
            await _first(1, cluster.watch_pods(SCOPE, "1"))

    assert len(play(lambda request: httpx2.Response(200, content=body), test)) == 1


@pytest.mark.parametrize(("code", "expected"), [(410, Expired), (403, ClusterError), (500, Unreachable)])
def test_a_watch_that_is_refused(code: int, expected: type[ClusterError]) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(expected, match="too old"):
            await _first(1, cluster.watch_pods(SCOPE, "1"))
        assert cluster.requests_seen == {("watch", code): 1}

    play(lambda request: httpx2.Response(code, json={"message": "too old"}), test)


def test_needs_W34_a_watch_that_neither_speaks_nor_ends_counts_as_dead() -> None:
    async def silence() -> AsyncIterator[bytes]:
        yield _event("ADDED", _pod("p"))
        await asyncio.sleep(3600)

    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(Unreachable, match="no answer in time"):
            await _first(2, cluster.watch_pods(SCOPE, "1"))
        assert asyncio.get_running_loop().time() == 18.0

    play(lambda request: httpx2.Response(200, content=silence()), test)


def test_a_watch_keeps_nobody_from_asking() -> None:
    async def silence() -> AsyncIterator[bytes]:
        await asyncio.sleep(10)
        yield b""

    def handler(request: httpx2.Request) -> httpx2.Response:
        if "watch" in request.url.params:
            return httpx2.Response(200, content=silence())
        return httpx2.Response(200, json=_node("n"))

    async def test(cluster: KubernetesCluster) -> None:
        watches = [asyncio.create_task(_first(1, cluster.watch_pods(SCOPE, "1"))) for _ in range(9)]
        await asyncio.sleep(1)
        assert (await cluster.read_node("n")).name == "n"
        assert asyncio.get_running_loop().time() == 1.0
        for watch in watches:
            watch.cancel()
        await asyncio.wait(watches)

    play(handler, test)


def test_needs_W34_waiting_for_a_turn_does_not_count_as_silence_of_the_server() -> None:
    async def slow() -> httpx2.Response:
        await asyncio.sleep(3)
        return httpx2.Response(201, json={})

    async def test(cluster: KubernetesCluster) -> None:
        await asyncio.gather(*(cluster.evict_pod(REF, grace_seconds=None) for _ in range(12)))
        assert asyncio.get_running_loop().time() == 9.0
        assert cluster.requests_seen == {("evict", 201): 12}

    play(lambda request: slow(), test)


def test_writes_are_never_tried_again() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        with pytest.raises(Conflict):
            await cluster.patch_node("n", NodePatch({}))
        with pytest.raises(Conflict):
            await cluster.delete_pod(REF, grace_seconds=1)
        with pytest.raises(Conflict):
            await cluster.evict_pod(REF, grace_seconds=1)

    assert len(play(lambda request: httpx2.Response(409, json={"message": "modified"}), test)) == 3


def test_no_connection_is_made_by_connecting(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="KUBECONFIG"):
        connect(
            kubeconfig=str(tmp_path / "none"),
            service_host="",
            service_port="",
            user_agent="x",
            qps=1,
            burst=1,
        )


NODE_ANSWER = answer(200, _node("n"))
HTML = answer(502, b"<html><title>502 Bad Gateway</title></html>", {"Content-Type": "text/html"})
CUT_OFF = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", then=hang_up)
HALF_THEN_SILENT = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", then=hang)
NO_HTTP = raw(b"SSH-2.0-OpenSSH_9.9\r\n\r\n", then=hang_up)
THROTTLED = answer(429, {"message": "busy"}, {"Retry-After": "3"})


@pytest.mark.parametrize(
    ("fault", "expected", "words"),
    [
        (hang, Unreachable, "no answer in time"),
        (drip, Unreachable, "no answer in time"),
        (HALF_THEN_SILENT, Unreachable, "no answer in time"),
        (reset, Unreachable, "delete /api/v1/namespaces/s/pods/p: "),
        (hang_up, Unreachable, "RemoteProtocolError"),
        (CUT_OFF, Unreachable, "RemoteProtocolError"),
        (NO_HTTP, Unreachable, "RemoteProtocolError"),
        (HTML, Unreachable, "502: an answer that is not from the Kubernetes API"),
        (answer(500, {"message": "etcd"}), Unreachable, "500: etcd"),
        (answer(409, {"message": "modified"}), Conflict, "409: modified"),
        (answer(410, {"message": "too old"}), Expired, "410: too old"),
        (THROTTLED, Throttled, "429: busy"),
    ],
    ids=lambda value: getattr(value, "__name__", "") if callable(value) else "",
)
def test_needs_W34_a_bad_server_costs_one_verb_and_the_next_goes_through(
    fault: Answer, expected: type[ClusterError], words: str
) -> None:
    async def scene() -> None:
        async with FakeApiServer.running(fault, NODE_ANSWER) as server, cluster_at(server.port) as cluster:
            with pytest.raises(expected) as caught:
                await cluster.delete_pod(REF, grace_seconds=1)
            assert type(caught.value) is expected
            assert words in str(caught.value)
            assert caught.value.retry_after_seconds == (3.0 if fault is THROTTLED else None)
            assert (await cluster.read_node("n")).name == "n"

    asyncio.run(scene())


def test_a_refused_connection_is_unreachable() -> None:
    async def scene() -> None:
        async with FakeApiServer.running(NODE_ANSWER) as server:
            port = server.port
        async with cluster_at(port) as cluster:
            with pytest.raises(Unreachable, match="ConnectError"):
                await cluster.read_node("n")
            assert cluster.requests_seen == {("get", 0): 1}
            assert cluster.last_answer_at is None

    asyncio.run(scene())


def test_a_server_error_is_no_sign_of_life() -> None:
    async def scene() -> None:
        async with FakeApiServer.running(HTML) as server, cluster_at(server.port) as cluster:
            with pytest.raises(Unreachable):
                await cluster.read_node("n")
            assert cluster.last_answer_at is None

    asyncio.run(scene())


def test_connections_are_kept_and_no_more_than_allowed() -> None:
    async def scene() -> None:
        async with FakeApiServer.running(NODE_ANSWER) as server, cluster_at(server.port) as cluster:
            for _ in range(3):
                await asyncio.gather(*(cluster.read_node("n") for _ in range(6)))
            assert len(server.requests) == 18
            assert server.connections == 2

    asyncio.run(scene())


@pytest.mark.parametrize("fault", [reset, hang, drip, hang_up], ids=lambda fault: fault.__name__)
def test_a_watch_whose_connection_breaks_is_unreachable(fault: Answer) -> None:
    event = _event("ADDED", _pod("p"))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    stream = raw(head + f"{len(event):x}\r\n".encode() + event + b"\r\n", then=fault)

    async def scene() -> None:
        async with FakeApiServer.running(stream) as server, cluster_at(server.port) as cluster:
            changes = cluster.watch_pods(SCOPE, "1")
            assert await anext(changes) == PodSeen(_fact("p"))
            with pytest.raises(Unreachable):
                await anext(changes)

    asyncio.run(scene())
