"""needs_W9: what stands in a dry run in the place of AWS's writing verbs writes nothing."""

import asyncio

from nth.core.notices.aws_facts import LifecycleAction
from nth.queue_mode.dry_run import Alone, DryHooks, DryQueue
from nth.simulation.aws import SimulatedAws
from nth.simulation.clock import VirtualClock, run
from nth.simulation.lifecycle import HookSpec


def test_needs_W9_messages_are_received_and_never_changed() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        url = aws.create_queue("nth")
        connection = aws.connect()
        aws.send(url, "one")
        queue = DryQueue(connection.queue(url))
        assert queue.url == url
        [message] = await queue.receive(wait_seconds=0, visibility_seconds=20)
        assert await queue.delete([message.receipt_handle]) == {}
        assert await queue.change_visibility([message.receipt_handle], 600) == {}
        assert {request.action for request in connection.requests} == {"ReceiveMessage"}
        await asyncio.sleep(21)
        assert len(await queue.receive(wait_seconds=0, visibility_seconds=20)) == 1

    run(main)


def test_needs_W9_hooks_are_asked_and_never_completed() -> None:
    async def main(clock: VirtualClock) -> None:
        aws = SimulatedAws(clock)
        aws.put_hook(HookSpec(group="g", name="h", transition="autoscaling:EC2_INSTANCE_TERMINATING"))
        connection = aws.connect()
        hooks = DryHooks(connection.hooks)
        action = LifecycleAction(group="g", hook="h", token="t", instance_id="i-1")
        await hooks.complete(action, "CONTINUE")
        await hooks.heartbeat(action)
        assert (await hooks.timeouts("g", "h")).heartbeat_seconds > 0
        assert {request.action for request in connection.requests} == {"DescribeLifecycleHooks"}

    run(main)


def test_alone_there_is_nobody_else() -> None:
    async def main(clock: VirtualClock) -> None:
        alone = Alone()
        assert alone.known.is_set()
        assert (alone.is_alive("nth-b"), alone.others_alive()) == (False, ())
        await alone.release()
        running = asyncio.create_task(alone.run())
        await asyncio.sleep(600)
        assert not running.done()
        running.cancel()

    run(main)
