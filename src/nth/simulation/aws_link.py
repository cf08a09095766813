"""The way between a client and the simulated AWS: latency, faults, outages, and a log of requests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from nth.core.notices.aws_facts import EntryFailure
from nth.errors import AwsError, AwsUnreachable
from nth.ports import Clock

SERVICES = ("sqs", "ec2", "autoscaling")


@dataclass(frozen=True, slots=True)
class Request:
    """One call of one action; `at` is when it was sent (epoch seconds)."""

    service: str
    """One of `SERVICES`."""
    action: str
    """As AWS names it: `ReceiveMessage` ..."""
    what: tuple[str, ...]
    """The queue's URL, or receipt handles, instance ids, or group, hook and token."""
    at: float


Fault = Callable[[Request], AwsError | None]
EntryFault = Callable[[Request, str], EntryFailure | None]


def no_fault(_request: Request) -> AwsError | None:
    """Let every request through."""
    return None


def no_entry_fault(_request: Request, _receipt_handle: str) -> EntryFailure | None:
    """Let every entry through."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsLink:
    """The behaviour of the way between this client and AWS."""

    latency_seconds: Callable[[Request], float] = lambda _request: 0.01
    """Returns a request's seconds there and back."""
    timeout_seconds: float = 7.0
    """A request whose latency is longer is AwsUnreachable, and never arrives."""
    before: Fault = no_fault
    """Returns an error in place of the request: the server does nothing."""
    after: Fault = no_fault
    """Called when the server has acted; returns an error in place of the answer, or kills the client."""
    entry_fault: EntryFault = no_entry_fault
    """Returns the failure of a batch's entry, which is not carried out; the other entries are."""


@dataclass(slots=True)
class Outages:
    """The end of each service's outage; long polls end with an error when it begins."""

    until_at: dict[str, float] = field(default_factory=dict)

    def refuse(self, service: str, now: float) -> None:
        """Raise AwsUnreachable while the outage lasts."""
        if now < self.until_at.get(service, 0.0):
            raise AwsUnreachable(f"{service}: connection refused")


class Wire:
    """A client's way to AWS."""

    def __init__(self, clock: Clock, outages: Outages, link: AwsLink) -> None:
        self.clock = clock
        self.link = link
        self._outages = outages
        self.requests: list[Request] = []
        """Every request, in order, also those that failed."""

    def asked(self, action: str) -> list[Request]:
        """Returns the requests of one action."""
        return [request for request in self.requests if request.action == action]

    def refuse(self, service: str) -> None:
        """Raise AwsUnreachable while that service is down."""
        self._outages.refuse(service, self.clock.now())

    @asynccontextmanager
    async def exchange(self, service: str, action: str, *what: str) -> AsyncIterator[Request]:
        """Travel there, run the block (the server's part), and travel back."""
        request = Request(service, action, what, self.clock.now())
        self.requests.append(request)
        latency_seconds = self.link.latency_seconds(request)
        if latency_seconds > self.link.timeout_seconds:
            await asyncio.sleep(self.link.timeout_seconds)
            raise AwsUnreachable(f"{service} {action}: no answer in time")
        await asyncio.sleep(latency_seconds / 2)
        self.refuse(service)
        if (error := self.link.before(request)) is not None:
            raise error
        yield request
        error = self.link.after(request)
        await asyncio.sleep(latency_seconds / 2)
        if error is not None:
            raise error
