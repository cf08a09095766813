"""A queue source over a simulated queue, in virtual time, and a scene to play with it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from nth.core.notices.aws_facts import EntryFailure, Message
from nth.errors import AwsRefused
from nth.ports import Queue
from nth.queue_mode.sqs_receiver import QueueSource
from nth.simulation.aws import AwsConnection, SimulatedAws
from nth.simulation.aws_link import AwsLink
from nth.simulation.clock import VirtualClock, run
from nth.simulation.queue_store import QueueStore

DENIED = AwsRefused("User: x is not authorized to perform: sqs:y", code="AccessDenied")
BUSY = EntryFailure("InternalError", "We encountered an internal error.", final=False)


@dataclass
class Bed:
    """A queue, and a source that receives from it."""

    clock: VirtualClock
    aws: SimulatedAws
    url: str
    link: AwsConnection
    source: QueueSource
    seen: list[Message] = field(default_factory=list)
    """All that was handed on."""
    started_at: float = 0.0

    def send(self, number: int = 1) -> list[str]:
        return [self.aws.send(self.url, "") for _ in range(number)]

    @property
    def store(self) -> QueueStore:
        return self.aws.queue_store(self.url)

    @property
    def seconds(self) -> float:
        return self.clock.now() - self.started_at

    def keep(self, messages: Sequence[Message]) -> None:
        """As an intake that has not decided."""
        self.seen.extend(messages)

    def hold(self, messages: Sequence[Message]) -> None:
        """As an intake whose sessions work on everything."""
        self.keep(messages)
        for message in messages:
            self.source.hold(message.message_id)

    def settle(self, messages: Sequence[Message]) -> None:
        """As an intake that needs nothing."""
        self.keep(messages)
        for message in messages:
            self.source.settle(message.message_id)

    async def received_by_another(self) -> list[str]:
        """What another reader finds now."""
        other = self.aws.connect().queue(self.url)
        return [each.message_id for each in await other.receive(wait_seconds=0, visibility_seconds=600)]


Take = Callable[[Bed], Callable[[Sequence[Message]], None]]
Play = Callable[[Bed], Awaitable[None]]
HOLD: Take = lambda bed: bed.hold  # noqa: E731
SETTLE: Take = lambda bed: bed.settle  # noqa: E731
KEEP: Take = lambda bed: bed.keep  # noqa: E731


def play(
    scene: Play,
    *,
    take: Take = SETTLE,
    link: AwsLink | None = None,
    around: Callable[[Queue], Queue] = lambda queue: queue,
    before: Callable[[SimulatedAws, str], None] = lambda aws, url: None,
) -> Bed:
    """Run a source and, at the same time, the scene; then drain it, with everything in the queue's log."""

    async def main(clock: VirtualClock) -> Bed:
        aws = SimulatedAws(clock)
        url = aws.create_queue()
        before(aws, url)
        connection = aws.connect(link)
        source = QueueSource(around(connection.queue(url)), clock, visibility_seconds=20, jitter=lambda: 0.5)
        bed = Bed(clock, aws, url, connection, source, started_at=clock.now())
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(source.run(take(bed)))
            await scene(bed)
            await source.flush(60.0)
            await running
        return bed

    return run(main)


def texts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "nth.sources.sqs"]


@dataclass
class Recording:
    """A queue that notes how it is asked."""

    inner: Queue
    asked: list[tuple[str, int, int]]

    @property
    def url(self) -> str:
        return self.inner.url

    async def receive(self, *, wait_seconds: int, visibility_seconds: int) -> tuple[Message, ...]:
        self.asked.append(("receive", wait_seconds, visibility_seconds))
        return await self.inner.receive(wait_seconds=wait_seconds, visibility_seconds=visibility_seconds)

    async def delete(self, receipt_handles: Sequence[str]) -> Mapping[str, EntryFailure]:
        self.asked.append(("delete", len(receipt_handles), 0))
        return await self.inner.delete(receipt_handles)

    async def change_visibility(
        self, receipt_handles: Sequence[str], seconds: int
    ) -> Mapping[str, EntryFailure]:
        self.asked.append(("change", len(receipt_handles), seconds))
        return await self.inner.change_visibility(receipt_handles, seconds)
