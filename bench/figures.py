"""Rows of figures: several runs, their median, and the limit that the median has to keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. `most` is the limit; the unit stands in the name."""

    name: str
    values: Sequence[float]
    most: float

    @property
    def middle(self) -> float:
        return median(self.values)

    @property
    def holds(self) -> bool:
        return self.middle <= self.most


def table(figures: Sequence[Figure]) -> str:
    """Returns the rows as text, 100 columns wide at most."""
    head = f"{'figure':58} {'median':>8} {'least':>8} {'most':>8} {'limit':>7}  holds"
    rows = [
        f"{f.name:58} {f.middle:8.2f} {min(f.values):8.2f} {max(f.values):8.2f} {f.most:7.1f}  "
        f"{'yes' if f.holds else 'NO'}"
        for f in figures
    ]
    return "\n".join([head, *rows])
