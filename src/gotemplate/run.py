"""A run holds the budget, the clock and the time zones of one rendering, for functions that need them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gotemplate.budget import Budget


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone gives its offset and abbreviation for each instant."""

    name: str
    offset_at: Callable[[int], tuple[int, str]]
    """It returns seconds east of UTC and the abbreviation (`CEST`), for an instant in epoch seconds."""


def fixed(name: str, offset_seconds: int) -> Zone:
    """Return a zone with the same offset at all times."""
    return Zone(name, lambda _: (offset_seconds, name))


UTC = fixed("UTC", 0)
ZoneOf = Callable[[str], Zone | None]
"""It returns the time zone of a name such as `Europe/Berlin`, or None for UTC if the name is unknown."""


def only_utc(name: str) -> Zone | None:
    """Return UTC for its own names and for `Local`, and None for others."""
    return UTC if name in ("", "UTC", "Local") else None


@dataclass(frozen=True, slots=True)
class Run:
    """A run belongs to one rendering."""

    now_at: float
    """It is in epoch seconds."""
    zone_of: ZoneOf = only_utc
    budget: Budget = field(default_factory=Budget)

    def zone(self, name: str) -> Zone:
        """Return the zone of a name, or UTC if it is unknown; `Local` is the caller's own."""
        if name in ("", "UTC"):
            return UTC
        return self.zone_of(name) or UTC
