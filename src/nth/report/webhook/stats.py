"""What became of the posts to one target: figures for metrics."""

from dataclasses import dataclass, field
from typing import Final

BOUNDS_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper limits of the histogram's buckets; a try ends after 5 s."""


@dataclass(slots=True)
class TargetStats:
    """Counters since the start, and how it is now. Only its own queue changes it."""

    target: str
    sent: int = 0
    failed: int = 0
    """Given up, after all tries."""
    dropped: int = 0
    """The queue was full, or the handler ended before an answer came."""
    retried: int = 0
    queued: int = 0
    """Waiting, not counting those in flight."""
    in_flight: int = 0
    last_status: int = 0
    """Of the last answer; 0 = none came."""
    tries: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_SECONDS) + 1))
    """How many took up to the bound at the same place (not cumulative); the last: longer than any."""
    tries_seconds: float = 0.0
    """All tries together."""

    def tried(self, status: int, seconds: float) -> None:
        """One try has ended."""
        self.last_status = status
        place = sum(seconds > bound for bound in BOUNDS_SECONDS)
        self.tries[place] += 1
        self.tries_seconds += seconds
