"""Events and node conditions on the wire: path, body, and that both wait until nobody else asks."""

import asyncio
import json

import httpx2
import pytest

from nth.adapters.kubernetes import KubernetesCluster
from nth.adapters.kubernetes_reporting import KubernetesEventWriter, KubernetesNodeStatus
from nth.errors import Forbidden
from tests.adapters.scripted import play, says

DOCUMENT = {"metadata": {"name": "n.1"}, "reason": "PreDrain"}


def answers(code: int) -> httpx2.Response:
    return httpx2.Response(code, json={"kind": "Status", "code": code, "message": "words"})


def test_an_event_is_created_in_its_namespace() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        await KubernetesEventWriter(cluster.server).create("a/b", DOCUMENT)
        assert cluster.requests_seen == {("create", 200): 1}

    (request,) = play(says({}), test)
    assert (request.method, request.url.raw_path) == ("POST", b"/api/v1/namespaces/a%2Fb/events")
    assert json.loads(request.content) == DOCUMENT


def test_an_event_that_is_there_already_is_fine_and_a_refusal_is_not() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        writer = KubernetesEventWriter(cluster.server)
        await writer.create("default", DOCUMENT)
        with pytest.raises(Forbidden):
            await writer.create("default", DOCUMENT)

    codes = [409, 403]
    play(lambda request: answers(codes.pop(0)), test)


def test_a_condition_is_patched_on_the_status_by_its_type() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        await KubernetesNodeStatus(cluster.server).patch("n", {"status": {}})

    (request,) = play(says({}), test)
    assert (request.method, request.url.path) == ("PATCH", "/api/v1/nodes/n/status")
    assert request.headers["Content-Type"] == "application/strategic-merge-patch+json"
    assert json.loads(request.content) == {"status": {}}


def test_needs_W6_both_wait_until_nobody_else_has_anything_to_ask() -> None:
    async def slow(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(1)
        return httpx2.Response(200, json={"metadata": {"name": "n"}})

    async def test(cluster: KubernetesCluster) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(cluster.read_node("first"))
            await asyncio.sleep(0.1)
            tasks.create_task(KubernetesEventWriter(cluster.server).create("default", DOCUMENT))
            tasks.create_task(KubernetesNodeStatus(cluster.server).patch("n", {}))
            await asyncio.sleep(0.1)
            tasks.create_task(cluster.read_node("later"))

    requests = play(slow, test, in_flight=1)
    assert [request.url.path for request in requests] == [
        "/api/v1/nodes/first",
        "/api/v1/nodes/later",
        "/api/v1/namespaces/default/events",
        "/api/v1/nodes/n/status",
    ]


def test_E11_a_nodes_addresses_the_first_of_each_type_that_is_asked_for() -> None:
    addresses = [
        {"type": "InternalIP", "address": "10.0.0.1"},
        {"type": "InternalIP", "address": "10.0.0.2"},
        {"type": "Hostname", "address": "host"},
        {"type": "ExternalDNS", "address": "ec2.example"},
    ]
    document = {"metadata": {"name": "n"}, "status": {"addresses": addresses}}

    async def test(cluster: KubernetesCluster) -> None:
        node = await cluster.read_node("n")
        assert node.addresses == (("InternalIP", "10.0.0.1"), ("ExternalDNS", "ec2.example"))

    play(says(document), test)


def test_a_node_without_addresses() -> None:
    async def test(cluster: KubernetesCluster) -> None:
        assert (await cluster.read_node("n")).addresses == ()

    play(says({"metadata": {"name": "n"}, "status": {"addresses": None}}), test)
