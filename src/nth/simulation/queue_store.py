"""A standard SQS queue on the server's side: pure, `now` (epoch seconds) is an argument.

It keeps visibility, receipt handles, receive counts, the dead-letter queue. `sqs` is how a client
gets to it. It is stricter than AWS where AWS says "might": an old receipt handle never deletes.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from zlib import crc32

from nth.core.notices.aws_facts import EntryFailure, Message

MAX_VISIBILITY_SECONDS = 12 * 3600
MAX_MESSAGES = 10
RETENTION_SECONDS = 4 * 24 * 3600.0

NOT_IN_FLIGHT = EntryFailure(
    "InvalidParameterValue",
    "Message does not exist or is not available for visibility timeout change.",
    final=True,
)
TOO_LONG = EntryFailure(
    "InvalidParameterValue",
    "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
    final=True,
)
INVALID_HANDLE = EntryFailure("ReceiptHandleIsInvalid", "The input receipt handle is invalid.", final=True)


@dataclass(slots=True)
class _Stored:
    message_id: str
    body: str
    sent_at: float
    visible_at: float
    receive_count: int = 0
    handle: str = ""
    received_at: float = 0.0
    """The begin of the newest delivery: the 12 hours count from there."""


class QueueStore:
    """One queue; `dead_letters` takes messages that come back after `max_receive_count` deliveries."""

    def __init__(
        self,
        url: str,
        *,
        retention_seconds: float = RETENTION_SECONDS,
        dead_letters: "QueueStore | None" = None,
        max_receive_count: int = 0,
    ) -> None:
        self.url = url
        self._retention_seconds = retention_seconds
        self._dead_letters = dead_letters
        self._max_receive_count = max_receive_count
        self._messages: dict[str, _Stored] = {}
        self._queue: list[tuple[float, int, str]] = []
        """A heap of (visible at, order, message id); entries that no longer hold are skipped."""
        self._order = 0
        self._mark = crc32(url.encode()) % 0x10000
        """It makes message ids unique beyond their queue."""
        self.deleted: list[str] = []
        """Message ids, in the order of their deletion."""

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def bodies(self) -> tuple[str, ...]:
        """The bodies of all messages, also of those in flight."""
        return tuple(stored.body for stored in self._messages.values())

    def in_flight(self, now: float) -> int:
        """Returns how many messages are hidden now."""
        return sum(stored.visible_at > now for stored in self._messages.values())

    def put(self, body: str, now: float, message_id: str = "") -> str:
        """Add a new message and return its id."""
        self._order += 1
        message_id = message_id or f"{self._order:08x}-{self._mark:04x}-4000-8000-{self._order:012x}"
        self._messages[message_id] = stored = _Stored(message_id, body, now, now)
        self._show(stored, now)
        return message_id

    def purge(self) -> None:
        """Delete all messages, also those in flight."""
        self._messages.clear()

    def duplicate(self, message_id: str, now: float) -> None:
        """Deliver it once more although a receiver has it: a standard queue may do that."""
        self._show(self._messages[message_id], now)

    def next_visible_at(self) -> float | None:
        """Returns when there is something to receive, in the past if there is now; None: it is empty."""
        while self._queue and not self._is_true(self._queue[0]):
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def take(self, now: float, visibility_seconds: float, count: int = MAX_MESSAGES) -> tuple[Message, ...]:
        """Deliver at most so many messages, hidden from now on."""
        visible = islice(self._visible(now), count)
        return tuple([self._deliver(stored, now, visibility_seconds) for stored in visible])

    def delete(self, handle: str) -> EntryFailure | None:
        """Delete by a handle; with an old handle, or a second time, it succeeds and deletes nothing.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
        """
        message_id = _message_id(handle)
        if message_id is None:
            return INVALID_HANDLE
        stored = self._messages.get(message_id)
        if stored is not None and stored.handle == handle:
            del self._messages[message_id]
            self.deleted.append(message_id)
        return None

    def change_visibility(self, handle: str, seconds: float, now: float) -> EntryFailure | None:
        """Change it for a message in flight, by its newest handle, until 12 hours after its delivery at most.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
        """
        message_id = _message_id(handle)
        if message_id is None:
            return INVALID_HANDLE
        stored = self._messages.get(message_id)
        if stored is None or stored.handle != handle or stored.visible_at <= now:
            return NOT_IN_FLIGHT
        if now + seconds > stored.received_at + MAX_VISIBILITY_SECONDS:
            return TOO_LONG
        self._show(stored, now + seconds)
        return None

    def _visible(self, now: float) -> Iterator[_Stored]:
        while (at := self.next_visible_at()) is not None and at <= now:
            stored = self._messages[heapq.heappop(self._queue)[2]]
            if stored.sent_at + self._retention_seconds <= now:
                del self._messages[stored.message_id]
            elif self._dead_letters is not None and stored.receive_count >= self._max_receive_count:
                del self._messages[stored.message_id]
                self._dead_letters.put(stored.body, now, stored.message_id)
            else:
                yield stored

    def _deliver(self, stored: _Stored, now: float, visibility_seconds: float) -> Message:
        stored.receive_count += 1
        stored.received_at = now
        stored.handle = f"{stored.message_id}#{stored.receive_count}"
        self._show(stored, now + visibility_seconds)
        return Message(
            queue_url=self.url,
            message_id=stored.message_id,
            receipt_handle=stored.handle,
            body=stored.body,
            sent_at=stored.sent_at,
            receive_count=stored.receive_count,
        )

    def _show(self, stored: _Stored, at: float) -> None:
        stored.visible_at = at
        self._order += 1
        heapq.heappush(self._queue, (at, self._order, stored.message_id))

    def _is_true(self, entry: tuple[float, int, str]) -> bool:
        stored = self._messages.get(entry[2])
        return stored is not None and stored.visible_at == entry[0]


def _message_id(handle: str) -> str | None:
    """Returns the id in a handle; None: it is none of ours."""
    message_id, _, count = handle.rpartition("#")
    return message_id if message_id and count.isdecimal() else None
