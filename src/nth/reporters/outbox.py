"""A bounded outbox: items wait in it to be sent, and no caller waits for them.

If there is no room, the oldest item is dropped: the newest matter more.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

logger = logging.getLogger("nth.reporters")

ANEW_SECONDS = 1.0

T = TypeVar("T")


@dataclass(slots=True)
class SendStats:
    """Counts of the items since the start, by outcome."""

    sent: int = 0
    failed: int = 0
    """Given up, after all tries."""
    dropped: int = 0
    """There was no room or no time, or no use in asking."""
    retried: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The limits of an outbox, its pace, and the log lines about dropped items."""

    items: int
    """The most that may wait."""
    size: float = float("inf")
    """The most that may wait, in the sum of sizes; a single item may be larger."""
    senders: int = 1
    batch_size: int = 0
    """A request is filled up to this size; with 0, each item has a request of its own."""
    pause_seconds: float = 0.0
    """The pause of each sender, after each request."""
    counts_in_flight: bool = True
    """True if an item in flight when time is up counts as dropped."""
    full: str = ""
    late: str
    """Logged if time is up before all are sent."""
    fields: Mapping[str, object] = field(default_factory=dict)
    """Fields of both log lines."""


@dataclass(slots=True, eq=False)
class _Waiting(Generic[T]):
    item: T
    size: int
    group: object
    due_at: float
    """In the loop's time."""


class Outbox(ABC, Generic[T]):
    """Keeps the waiting items, and runs the tasks that `send` them."""

    def __init__(self, rules: Rules, logger: logging.Logger) -> None:
        self.stats = SendStats()
        self._rules = rules
        self._logger = logger
        self._waiting: list[_Waiting[T]] = []
        """Sorted by the time when they are due."""
        self._size = 0
        self._busy: list[object] = []
        """The groups of the items in flight."""
        self._told_full = False
        self._hurry = False
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def queued(self) -> int:
        """Returns how many items wait."""
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """Returns how many items are being sent."""
        return len(self._busy)

    @abstractmethod
    async def send(self, items: Sequence[T]) -> None:
        """Send them in one request, and count all that are not dropped."""

    def put(self, item: T, *, size: int = 1, group: str = "", after_seconds: float = 0.0) -> None:
        """Add an item. Items of one group go out one after the other; an empty group is none."""
        due_at = asyncio.get_running_loop().time() + after_seconds
        self._size += size
        insort(self._waiting, _Waiting(item, size, group or object(), due_at), key=lambda each: each.due_at)
        while self._is_too_full():
            self._drop_oldest()
            if not self._told_full:
                self._told_full = True
                self._logger.warning(self._rules.full, extra={"fields": {**self._rules.fields}})
        self._changed()

    def take_back(self, item: T) -> None:
        """Remove an item that need not be sent any more."""
        for each in [each for each in self._waiting if each.item is item]:
            self._take_out(each)
        self._changed()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(self._rules.senders):
                tasks.create_task(self._send_on(), name=f"{type(self).__name__} {number}")

    async def flush(self, seconds: float) -> None:
        """Send all waiting items at once, within so long; the rest is dropped. `run` has to be running."""
        self._hurry = True
        for each in self._waiting:
            each.due_at = min(each.due_at, asyncio.get_running_loop().time())
        self._news.set()
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            left = self.queued + self.in_flight * self._rules.counts_in_flight
            while self._waiting:
                self._drop_oldest()
            fields = {**self._rules.fields, "number": left}
            self._logger.warning(self._rules.late, extra={"fields": fields})

    async def _send_on(self) -> None:
        """Send batch after batch; a defect costs one of them, and must not end a drain."""
        while True:
            try:
                await self._send_next()
            except Exception:
                logger.exception("%s failed, and begins anew", type(self).__name__)
                await asyncio.sleep(ANEW_SECONDS)

    async def _send_next(self) -> None:
        batch = self._next_batch()
        if not batch:
            await self._wait()
            return
        await self._send_batch(batch)
        if self._rules.pause_seconds and not self._hurry:
            await asyncio.sleep(self._rules.pause_seconds)

    async def _wait(self) -> None:
        """Wait for news, or until an item is due."""
        self._news.clear()
        first = self._first()
        try:
            async with asyncio.timeout_at(None if first is None else first.due_at):
                await self._news.wait()
        except TimeoutError:
            return

    async def _send_batch(self, batch: Sequence[_Waiting[T]]) -> None:
        try:
            await self.send([each.item for each in batch])
        except asyncio.CancelledError:
            self.stats.dropped += len(batch) * self._rules.counts_in_flight
            raise
        finally:
            for each in batch:
                self._busy.remove(each.group)
            self._changed()

    def _next_batch(self) -> list[_Waiting[T]]:
        """Returns the items for the next request: the oldest, as many as fit into it, at least one."""
        batch: list[_Waiting[T]] = []
        now, room = asyncio.get_running_loop().time(), self._rules.batch_size
        while (first := self._first()) and first.due_at <= now and (not batch or first.size <= room):
            self._take_out(first)
            self._busy.append(first.group)
            batch.append(first)
            room -= first.size
        return batch

    def _first(self) -> _Waiting[T] | None:
        """Returns the oldest item whose group has none in flight."""
        return next((each for each in self._waiting if each.group not in self._busy), None)

    def _is_too_full(self) -> bool:
        too_large = self._size > self._rules.size and self.queued > 1
        return too_large or self.queued > self._rules.items

    def _drop_oldest(self) -> None:
        self._take_out(self._waiting[0])
        self.stats.dropped += 1

    def _take_out(self, waiting: _Waiting[T]) -> None:
        self._waiting.remove(waiting)
        self._size -= waiting.size
        self._told_full &= bool(self._waiting)

    def _changed(self) -> None:
        if self._waiting or self._busy:
            self._idle.clear()
        else:
            self._idle.set()
        self._news.set()
