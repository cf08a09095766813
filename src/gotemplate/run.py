"""One rendering: its budget, its clock and its time zones, for the functions that need them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gotemplate.budget import Budget


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone."""

    name: str
    offset_at: Callable[[int], tuple[int, str]]
    """Seconds east of UTC and the abbreviation (`CEST`), for an instant in epoch seconds."""


def fixed(name: str, offset_seconds: int) -> Zone:
    """The same offset at all times."""
    return Zone(name, lambda _: (offset_seconds, name))


UTC = fixed("UTC", 0)
ZoneOf = Callable[[str], Zone | None]
"""The time zone of a name such as `Europe/Berlin`; None = it is not known, and UTC counts, as in Go."""


def only_utc(name: str) -> Zone | None:
    """Without a time zone database."""
    return UTC if name in ("", "UTC", "Local") else None


@dataclass(frozen=True, slots=True)
class Run:
    """What a rendering has."""

    now_at: float
    """Epoch seconds."""
    zone_of: ZoneOf = only_utc
    budget: Budget = field(default_factory=Budget)

    def zone(self, name: str) -> Zone:
        """A zone by its name; `Local` is the handler's own."""
        if name in ("", "UTC"):
            return UTC
        return self.zone_of(name) or UTC
