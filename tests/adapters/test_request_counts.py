"""What adapters count of their requests, for the metrics; and the search for tagged instances."""

import httpx2
import pytest

from nth.adapters.aws import MAX_CODES, TAGGED_PER_PAGE
from nth.adapters.kubernetes import KubernetesCluster
from nth.errors import AwsError, ClusterError
from tests.adapters.aws_client import Session
from tests.adapters.scripted import play
from tests.servers.aws import AwsServer
from tests.servers.aws_faults import Fault


def test_requests_to_the_api_server_are_timed_by_verb_whatever_comes_of_them() -> None:
    answers = iter([httpx2.Response(200, json={"metadata": {"name": "n"}}), httpx2.Response(500)])

    async def test(cluster: KubernetesCluster) -> None:
        await cluster.read_node("n")
        with pytest.raises(ClusterError):
            await cluster.read_node("n")
        assert cluster.requests_seen == {("get", 200): 1, ("get", 500): 1}
        (histogram,) = cluster.server.seconds_seen.values()
        assert sum(histogram.counts) == 2
        assert 0 < histogram.total < 5

    play(lambda request: next(answers), test)


def test_requests_to_aws_are_counted_by_what_came_of_them(
    aws_server: AwsServer, aws_session: Session
) -> None:
    url, client = aws_server.create_queue("queue"), aws_session.client
    before = client.requests_seen.copy()

    async def receive() -> None:
        await client.queue(url).receive(wait_seconds=0, visibility_seconds=30)

    async def refused(status: int, code: str) -> None:
        aws_server.fault(Fault(service="sqs", action="ReceiveMessage", status=status, code=code))
        with pytest.raises(AwsError):
            await receive()
        aws_server.clear_faults()

    async def main() -> None:
        await receive()
        await receive()
        await refused(403, "AccessDenied")
        await refused(400, "Throttling")
        await refused(500, "InternalError")
        assert client.requests_seen - before == {
            ("sqs", "ReceiveMessage", "ok"): 2,
            ("sqs", "ReceiveMessage", "AccessDenied"): 1,
            ("sqs", "ReceiveMessage", "throttled"): 1,
            ("sqs", "ReceiveMessage", "unreachable"): 1,
        }
        for number in range(MAX_CODES):
            client.requests_seen["sqs", "ReceiveMessage", f"code-{number}"] += 1
        await refused(403, "Unheard")
        assert client.requests_seen["sqs", "ReceiveMessage", "other"] == 1
        client.requests_seen.clear()

    aws_session.run(main())


def test_M5_tagged_instances_are_found_page_by_page_by_key_and_by_value(
    aws_server: AwsServer, aws_session: Session
) -> None:
    number = TAGGED_PER_PAGE + 5
    ids = [f"i-{index:017x}" for index in range(number)]
    for index, instance_id in enumerate(ids):
        aws_server.add_instance(instance_id, tags={"managed": "a" if index else "b"})
    aws_server.add_instance(f"i-{number:017x}", tags={"other": ""})
    instances = aws_session.client.instances

    async def main() -> None:
        before = len(aws_server.calls("DescribeInstances"))
        assert await instances.tagged("managed", None) == frozenset(ids)
        assert len(aws_server.calls("DescribeInstances")) == before + 2
        assert await instances.tagged("managed", "b") == {ids[0]}
        assert await instances.tagged("nobody", None) == frozenset()

    aws_session.run(main())
