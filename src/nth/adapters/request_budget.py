"""Orders requests to the API server: by KUBE_API_QPS and KUBE_API_BURST, and by requests in flight.

`WaitingLine` is pure and decides; `RequestBudget` waits. A doomed node's cordon passes before any
eviction, an eviction before any list, a list before any report: when the budget is short, this order
saves pods. It knows nothing of HTTP.
"""

import asyncio
import heapq
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum

ONE_TOKEN = 1 - 1e-9
"""A token, but for the rounding of a clock."""


class RequestClass(IntEnum):
    """The purpose of a request; the lower goes first."""

    CORDON = 0
    EVICT = 1
    READ = 2
    REPORT = 3


@dataclass(frozen=True, slots=True, order=True)
class Ticket:
    """A place in the line: by class, then the earliest deadline, then by arrival."""

    request_class: RequestClass
    deadline_at: float
    number: int


@dataclass(slots=True)
class WaitingLine:
    """A token bucket of `burst` tokens, refilled at `qps` a second, and `slots` places in flight.

    `now` is in seconds of any clock that never goes back.
    """

    qps: float
    burst: int
    slots: int
    _tokens: float = field(init=False)
    _counted_at: float = field(init=False, default=-math.inf)
    _waiting: list[Ticket] = field(init=False, default_factory=list)
    _joined: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._tokens = float(self.burst)

    def join(self, request_class: RequestClass, deadline_at: float = math.inf) -> Ticket:
        """Take a place; `next_served` says when it is served."""
        self._joined += 1
        ticket = Ticket(request_class, deadline_at, self._joined)
        heapq.heappush(self._waiting, ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give up waiting."""
        self._waiting.remove(ticket)
        heapq.heapify(self._waiting)

    def next_served(self, now: float) -> Ticket | None:
        """Takes the next ticket out of the line, with a token and a slot; None if none may go now."""
        self._refill(now)
        if not self._waiting or self.slots < 1 or self._tokens < ONE_TOKEN:
            return None
        self._tokens -= 1
        self.slots -= 1
        return heapq.heappop(self._waiting)

    def release(self) -> None:
        """Free the slot of a request that is no longer in flight."""
        self.slots += 1

    def refund(self, now: float) -> None:
        """Take back the token and slot of a request that was never sent."""
        self._refill(now)
        self._tokens = min(self._tokens + 1, self.burst)
        self.slots += 1

    def wake_at(self, now: float) -> float | None:
        """Returns when the clock alone lets the next request go; None: it takes a release or a new ticket."""
        if not self._waiting or self.slots < 1:
            return None
        self._refill(now)
        return now + max(0.0, 1 - self._tokens) / self.qps

    def _refill(self, now: float) -> None:
        passed_seconds = max(0.0, now - self._counted_at)
        self._tokens = min(self._tokens + passed_seconds * self.qps, self.burst)
        self._counted_at = max(now, self._counted_at)


class RequestBudget:
    """The line, with a loop to wait in."""

    def __init__(self, *, qps: float, burst: int, in_flight: int) -> None:
        self._line = WaitingLine(qps, burst, in_flight)
        self._turns: dict[Ticket, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(
        self, request_class: RequestClass, *, deadline_at: float = math.inf
    ) -> AsyncIterator[None]:
        """Wait until the request may be sent, and count it as in flight until the end of the block."""
        await self._wait_turn(self._line.join(request_class, deadline_at))
        try:
            yield
        finally:
            self._line.release()
            self._serve()

    async def _wait_turn(self, ticket: Ticket) -> None:
        loop = asyncio.get_running_loop()
        turn = self._turns[ticket] = loop.create_future()
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._give_up(ticket)
            else:
                self._line.refund(loop.time())
            self._serve()
            raise

    def _give_up(self, ticket: Ticket) -> None:
        if self._turns.pop(ticket, None):
            self._line.leave(ticket)

    def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while ticket := self._line.next_served(now):
            turn = self._turns.pop(ticket)
            if turn.done():  # It was cancelled a moment ago, and its task has not run yet.
                self._line.refund(now)
            else:
                turn.set_result(None)
        if self._timer:
            self._timer.cancel()
        wake_at = self._line.wake_at(now)
        self._timer = None if wake_at is None else loop.call_at(wake_at, self._serve)
