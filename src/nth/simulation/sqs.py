"""A simulated queue as a client sees it: `ports.Queue` in virtual time.

The queue itself is in `queue_store`, the way to it in `aws_link`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from nth.core.notices.aws_facts import EntryFailure, Message
from nth.errors import AwsRefused
from nth.simulation.aws_link import Request, Wire
from nth.simulation.queue_store import MAX_MESSAGES, MAX_VISIBILITY_SECONDS, QueueStore

MAX_WAIT_SECONDS = 20


class QueueServer:
    """A queue, and the receivers that wait for its messages."""

    def __init__(self, store: QueueStore) -> None:
        self.store = store
        self._wake = asyncio.Event()

    def stir(self) -> None:
        """Let every receiver that waits look again."""
        self._wake.set()
        self._wake = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait for the next `stir`, but no longer than that."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return


class SimulatedQueue:
    """One client's queue. `server` is a function because the queue may be missing (NoSuchQueue)."""

    def __init__(self, url: str, server: Callable[[str], QueueServer], wire: Wire) -> None:
        self._url = url
        self._server = server
        self._wire = wire

    @property
    def url(self) -> str:
        return self._url

    async def receive(self, *, wait_seconds: int, visibility_seconds: int) -> tuple[Message, ...]:
        async with self._wire.exchange("sqs", "ReceiveMessage", self._url):
            server = self._server(self._url)
            _check("WaitTimeSeconds", wait_seconds, MAX_WAIT_SECONDS)
            _check("VisibilityTimeout", visibility_seconds, MAX_VISIBILITY_SECONDS)
            return await self._receive(server, wait_seconds, visibility_seconds)

    async def _receive(
        self, server: QueueServer, wait_seconds: float, visibility_seconds: int
    ) -> tuple[Message, ...]:
        now = self._wire.clock.now()
        end_at = now + wait_seconds
        while not (taken := server.store.take(now, visibility_seconds)) and now < end_at:
            next_at = server.store.next_visible_at()
            await server.wait((end_at if next_at is None else min(end_at, next_at)) - now)
            self._wire.refuse("sqs")
            now = self._wire.clock.now()
        return taken

    async def delete(self, receipt_handles: Sequence[str]) -> Mapping[str, EntryFailure]:
        async with self._wire.exchange("sqs", "DeleteMessageBatch", *receipt_handles) as request:
            store = self._server(self._url).store
            return self._batch(request, store.delete)

    async def change_visibility(
        self, receipt_handles: Sequence[str], seconds: int
    ) -> Mapping[str, EntryFailure]:
        async with self._wire.exchange("sqs", "ChangeMessageVisibilityBatch", *receipt_handles) as request:
            server = self._server(self._url)
            _check("VisibilityTimeout", seconds, MAX_VISIBILITY_SECONDS)
            now = self._wire.clock.now()
            failures = self._batch(request, lambda one: server.store.change_visibility(one, seconds, now))
            server.stir()
            return failures

    def _batch(
        self, request: Request, act: Callable[[str], EntryFailure | None]
    ) -> Mapping[str, EntryFailure]:
        if not request.what:
            raise AwsRefused("There should be at least one entry", code="EmptyBatchRequest")
        if len(request.what) > MAX_MESSAGES:
            raise AwsRefused("Maximum number of entries is 10", code="TooManyEntriesInBatchRequest")
        answers = {one: self._wire.link.entry_fault(request, one) or act(one) for one in request.what}
        return {one: failure for one, failure in answers.items() if failure is not None}


def _check(name: str, value: int, most: int) -> None:
    if not 0 <= value <= most:
        raise AwsRefused(
            f"Value {value} for parameter {name} is invalid: 0 to {most}", code="InvalidParameterValue"
        )
