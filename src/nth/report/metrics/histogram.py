"""Counts observations by bound. A module of its own, because adapters observe, too."""

from bisect import bisect_left
from dataclasses import dataclass, field

REQUEST_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
"""Of requests, in seconds."""


@dataclass(slots=True)
class Histogram:
    """Counts observations below each bound, and their sum."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    """One for each bound, and one for those above all. Not added up."""
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Add an observation. A bound belongs to the bucket that it ends (`le`)."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value
