"""Decides when the next batch of one kind goes out, and which keys are in it.

Each kind of batch call has one `Line`: the keys that wait, until when each waits, how many calls may be under
way and how long a failure holds all of them up. It has no clock and makes no requests.
"""

import heapq

from nth.core.backoff import Backoff

MAX_ENTRIES = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""
MAX_CALLS = 8
"""Calls at the same time; one while calls fail."""
BACKOFF = Backoff(0.2, 5.0)
REFUSED_PAUSE_SECONDS = 60.0
"""Without permission asking is no use until the policy is changed."""


class Line:
    """Keys that wait for one kind of batch call, each until its own instant (epoch seconds).

    Keys that are due within `ahead_seconds` go along with one that is due. `eager`: ten of those go
    without waiting for the first to be due.
    """

    def __init__(self, *, ahead_seconds: float, eager: bool) -> None:
        self._ahead_seconds = ahead_seconds
        self._eager = eager
        self._due_at: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        """Outdated entries are skipped, and thrown out when they are most of it."""
        self._calls = 0
        self._paused_until_at = float("-inf")
        self.failures = 0
        """Calls that failed as a whole, in a row."""
        self.refused = False
        """True if the last answered call was refused."""

    def __len__(self) -> int:
        return len(self._due_at)

    def __contains__(self, key: str) -> bool:
        return key in self._due_at

    def put(self, key: str, due_at: float) -> None:
        """Let the key wait until then, wherever it stood before."""
        self._due_at[key] = due_at
        heapq.heappush(self._heap, (due_at, key))
        if len(self._heap) > 2 * len(self._due_at) + 64:
            self._heap = [(at, each) for each, at in self._due_at.items()]
            heapq.heapify(self._heap)

    def drop(self, key: str) -> None:
        """Remove the key."""
        self._due_at.pop(key, None)

    @property
    def next_at(self) -> float | None:
        """Returns when `take` returns something; None: not before something else happens."""
        self._skip_stale()
        if not self._heap or self._calls >= (1 if self.failures else MAX_CALLS):
            return None
        early_seconds = self._ahead_seconds if self._eager and len(self) >= MAX_ENTRIES else 0.0
        return max(self._heap[0][0] - early_seconds, self._paused_until_at)

    def take(self, now: float) -> tuple[str, ...]:
        """Returns the keys of one call, which is then under way until its answer; none if it is not time."""
        next_at = self.next_at
        if next_at is None or next_at > now:
            return ()
        taken: list[str] = []
        while len(taken) < MAX_ENTRIES and self._heap and self._heap[0][0] <= now + self._ahead_seconds:
            key = heapq.heappop(self._heap)[1]
            del self._due_at[key]
            taken.append(key)
            self._skip_stale()
        self._calls += 1
        return tuple(taken)

    def worked(self) -> None:
        """Take the answer of a call, good or bad for each of its entries."""
        self._calls -= 1
        self.failures, self.refused, self._paused_until_at = 0, False, float("-inf")

    def failed(self, now: float, *, refused: bool) -> None:
        """Take the failure of a whole call; all keys wait, for long if it was refused."""
        self._calls -= 1
        if self.paused(now) and not refused:
            return  # It was under way when another one failed, for the same reason.
        self.failures += 1
        self.refused = refused
        pause_seconds = REFUSED_PAUSE_SECONDS if refused else BACKOFF.pause_seconds(self.failures)
        self._paused_until_at = now + pause_seconds

    def paused(self, now: float) -> bool:
        """True if nothing goes out because calls fail."""
        return now < self._paused_until_at

    def _skip_stale(self) -> None:
        while self._heap and self._due_at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
