"""The tests' AWS does what other tests rely on, seen through our adapter."""

import asyncio

import pytest

from nth.core.notices.eventbridge import read_message
from nth.core.notices.events import AsgLaunch, AsgTermination
from nth.core.notices.message import Heard, Item
from nth.errors import AwsThrottled, AwsUnreachable
from nth.simulation.lifecycle import LAUNCHING, HookSpec
from tests.adapters.aws_client import Session
from tests.servers.aws import AwsServer, running
from tests.servers.aws_faults import Fault

ONE = "i-0123456789abcdef0"


def heard(session: Session, url: str) -> list[Item]:
    """What the queue's messages are about."""
    items: list[Item] = []

    async def main() -> None:
        for message in await session.client.queue(url).receive(wait_seconds=0, visibility_seconds=30):
            reading = read_message(message.body, received_at=message.sent_at)
            assert isinstance(reading, Heard)
            items.extend(reading.items)

    session.run(main())
    return items


@pytest.mark.parametrize("direct", [False, True])
def test_a_termination_is_told_to_the_queue(
    aws_server: AwsServer, aws_session: Session, direct: bool
) -> None:
    url = aws_server.create_queue("queue")
    aws_server.put_hook(HookSpec(group="fleet", name="drain"))
    aws_server.add_instance(ONE, group="fleet")
    (action,) = aws_server.begin_termination(ONE, queue_url=url, direct=direct)
    (event,) = heard(aws_session, url)
    assert isinstance(event, AsgTermination)
    assert (event.instance_id, event.action) == (ONE, action)


def test_a_launch_is_told_to_the_queue_with_made_up_names(
    aws_server: AwsServer, aws_session: Session
) -> None:
    url = aws_server.create_queue("queue")
    aws_server.put_hook(HookSpec(group="fleet", name="ready", transition=LAUNCHING))
    machines = [aws_server.begin_launch("fleet", queue_url=url) for _ in range(2)]
    events = heard(aws_session, url)
    assert [event.instance_id for event in events if isinstance(event, AsgLaunch)] == [
        machine.instance_id for machine in machines
    ]
    assert all(m.private_dns_name.endswith(".eu-west-1.compute.internal") for m in machines)
    assert len({m.private_dns_name for m in machines}) == 2


def test_calls_heartbeats_and_ends_are_noted(aws_server: AwsServer, aws_session: Session) -> None:
    aws_server.put_hook(HookSpec(group="fleet", name="drain"))
    aws_server.add_instance(ONE, group="fleet")
    (action,) = aws_server.begin_termination(ONE)
    aws_server.fault(Fault(service="autoscaling", action="CompleteLifecycleAction", kind="drop", after=True))

    async def main() -> None:
        await aws_session.client.hooks.heartbeat(action)
        with pytest.raises(AwsUnreachable):
            await aws_session.client.hooks.complete(action, "CONTINUE")

    aws_session.run(main())
    assert [call.action for call in aws_server.calls()] == [
        "RecordLifecycleActionHeartbeat",
        "CompleteLifecycleAction",
    ]
    assert [call.service for call in aws_server.calls("CompleteLifecycleAction")] == ["autoscaling"]
    assert aws_server.heartbeats() == [action]
    (ended,) = aws_server.ended()
    assert (ended.action, ended.how) == (action, "CONTINUE"), "the answer was lost, not the request"


def test_a_fault_hits_so_many_calls_of_its_action_and_then_no_more(
    aws_server: AwsServer, aws_session: Session
) -> None:
    aws_server.fault(Fault(service="ec2", times=2))
    hits = []

    async def main() -> None:
        for _ in range(4):
            try:
                await aws_session.client.instances.describe([ONE])
                hits.append(False)
            except AwsThrottled:
                hits.append(True)

    aws_session.run(main())
    assert hits == [True, True, False, False]


def test_what_a_client_that_has_left_would_get_goes_to_another(
    aws_server: AwsServer, aws_session: Session
) -> None:
    url = aws_server.create_queue("queue")

    async def main() -> None:
        queue = aws_session.client.queue(url)
        left = asyncio.create_task(queue.receive(wait_seconds=20, visibility_seconds=30))
        await asyncio.sleep(0.2)
        left.cancel()
        await asyncio.sleep(0.1)
        aws_server.send(url, "hello")
        (message,) = await queue.receive(wait_seconds=2, visibility_seconds=30)
        assert message.receive_count == 1

    aws_session.run(main())


def test_a_second_server_is_another_aws_and_ends_when_its_block_does(aws_server: AwsServer) -> None:
    url = aws_server.create_queue("queue")
    aws_server.send(url, "hello")
    with running() as other:
        assert other.url != aws_server.url
        other_url = other.create_queue("queue")
        assert other.queue_counts(other_url).messages == 0
    assert aws_server.queue_counts(url).messages == 1
    with pytest.raises(OSError):
        other.calls()
