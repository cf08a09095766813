"""Time zones, as far as pure code can know them: an offset and an abbreviation for each instant."""

from collections.abc import Callable
from dataclasses import dataclass


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
