"""The simulated AWS where the contract does not look: links, faults, outages, timers."""

import asyncio
from collections.abc import Coroutine

import pytest

from nth.core.notices.aws_facts import EntryFailure
from nth.errors import ActionGone, AwsThrottled, AwsUnreachable
from nth.simulation.aws import AwsConnection, SimulatedAws
from nth.simulation.aws_link import AwsLink, Request
from nth.simulation.clock import VirtualClock, run
from nth.simulation.lifecycle import HookSpec

ONE = "i-0123456789abcdef0"
SLOW = AwsLink(latency_seconds=lambda request: 1.0)


def receive(
    client: AwsConnection, url: str, wait_seconds: int = 0
) -> Coroutine[object, object, tuple[object, ...]]:
    return client.queue(url).receive(wait_seconds=wait_seconds, visibility_seconds=20)


def test_a_request_takes_its_latency_and_is_noted() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        client = aws.connect(SLOW)
        begin_at = clock.now()
        await client.instances.describe([ONE])
        assert clock.now() - begin_at == 1.0
        assert client.requests == [Request("ec2", "DescribeInstances", (ONE,), begin_at)]
        assert client.asked("DescribeInstances") == client.requests
        assert client.asked("ReceiveMessage") == []

    run(main)


def test_a_request_that_takes_too_long_never_arrives() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        url = aws.create_queue()
        aws.send(url, "hello")
        client = aws.connect(AwsLink(latency_seconds=lambda request: 8.0))
        begin_at = clock.now()
        with pytest.raises(AwsUnreachable):
            await receive(client, url)
        assert clock.now() - begin_at == 7.0
        assert aws.queue_store(url).in_flight(clock.now()) == 0

    run(main)


def test_a_fault_before_keeps_the_server_from_acting_and_one_after_does_not() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        url = aws.create_queue()
        aws.send(url, "hello")
        with pytest.raises(AwsThrottled):
            await receive(aws.connect(AwsLink(before=lambda request: AwsThrottled("slow down"))), url)
        assert aws.queue_store(url).in_flight(clock.now()) == 0
        with pytest.raises(AwsUnreachable):
            await receive(aws.connect(AwsLink(after=lambda request: AwsUnreachable("reset"))), url)
        assert aws.queue_store(url).in_flight(clock.now()) == 1

    run(main)


def test_an_entry_that_fails_on_demand_is_not_carried_out() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        url = aws.create_queue()
        first, second = aws.send(url, "a"), aws.send(url, "b")
        failure = EntryFailure("InternalError", "try again", final=False)

        def fault(request: Request, handle: str) -> EntryFailure | None:
            return failure if handle.startswith(first) else None

        queue = aws.connect(AwsLink(entry_fault=fault)).queue(url)
        handles = [m.receipt_handle for m in await queue.receive(wait_seconds=0, visibility_seconds=20)]
        assert await queue.delete(handles) == {handles[0]: failure}
        assert aws.queue_store(url).deleted == [second]

    run(main)


def test_an_outage_refuses_requests_and_ends_long_polls_and_then_is_over() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        url = aws.create_queue()
        client = aws.connect()
        poll = asyncio.create_task(receive(client, url, wait_seconds=20))
        await asyncio.sleep(5)
        down_at = clock.now()
        aws.go_down(30, "sqs")
        with pytest.raises(AwsUnreachable):
            await poll
        assert clock.now() == down_at
        with pytest.raises(AwsUnreachable):
            await receive(client, url)
        assert await client.instances.describe([ONE]) == {}
        await asyncio.sleep(30)
        assert await receive(client, url) == ()

    run(main)


def test_what_a_cancelled_receive_was_given_is_hidden_from_all() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        url = aws.create_queue()
        aws.send(url, "hello")
        call = asyncio.create_task(receive(aws.connect(SLOW), url))
        await asyncio.sleep(0.7)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        other = aws.connect()
        assert await receive(other, url) == ()
        assert len(await receive(other, url, wait_seconds=20)) == 1

    run(main)


def test_two_clients_share_the_messages_and_a_duplicate_goes_to_both() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        url = aws.create_queue()
        message_id = aws.send(url, "hello")
        one, two = aws.connect(), aws.connect()
        assert len(await receive(one, url)) == 1
        assert await receive(two, url) == ()
        aws.duplicate(url, message_id)
        assert len(await receive(two, url)) == 1

    run(main)


def test_a_message_that_is_too_old_is_gone() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        url = aws.create_queue(retention_seconds=60)
        aws.send(url, "hello")
        await asyncio.sleep(60)
        assert await receive(aws.connect(), url) == ()
        assert aws.queue_store(url).bodies == ()

    run(main)


def test_a_hook_that_times_out_takes_the_machine_at_that_moment() -> None:
    async def main(clock: VirtualClock) -> None:
        off: list[tuple[str, float]] = []
        begin_at = clock.now()
        aws = SimulatedAws(clock, power_off=lambda one: off.append((one, clock.now() - begin_at)))
        aws.put_hook(HookSpec(group="fleet", name="drain", heartbeat_seconds=300))
        aws.add_instance(ONE, group="fleet", private_dns_name="ip-10-0-0-1.ec2.internal")
        (action,) = aws.begin_termination(ONE)
        await asyncio.sleep(100)
        await aws.connect().hooks.heartbeat(action)
        await asyncio.sleep(1000)
        ((instance_id, seconds),) = off
        assert instance_id == ONE
        assert seconds == pytest.approx(100 + 300 + 1, abs=0.1)
        (ended,) = aws.ended
        assert (ended.action, ended.how) == (action, "timed out")
        assert ended.at - begin_at == pytest.approx(400, abs=0.1)
        assert aws.lifecycles.heartbeats == [action]

    run(main)


def test_a_completion_whose_answer_is_lost_has_happened() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        aws.put_hook(HookSpec(group="fleet", name="drain"))
        aws.add_instance(ONE, group="fleet")
        (action,) = aws.begin_termination(ONE)
        lost = aws.connect(AwsLink(after=lambda request: AwsUnreachable("reset")))
        with pytest.raises(AwsUnreachable):
            await lost.hooks.complete(action, "CONTINUE")
        assert aws.state_of(ONE) == "Terminating:Proceed"
        with pytest.raises(ActionGone):
            await aws.connect().hooks.complete(action, "CONTINUE")

    run(main)


def test_a_terminated_instance_is_forgotten_in_the_end() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        aws.add_instance(ONE)
        aws.terminate_instance(ONE)
        client = aws.connect()
        assert (await client.instances.describe([ONE]))[ONE].state == "terminated"
        aws.ec2.forget(ONE)
        assert await client.instances.describe([ONE]) == {}

    run(main)
