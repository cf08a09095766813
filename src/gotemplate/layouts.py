"""A layout shows how Go writes a time, by the example of Mon Jan 2 15:04:05 MST 2006.

https://pkg.go.dev/time#pkg-constants
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gotemplate.durations import DAYS, MONTHS

_ELEMENT = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|__2|_2(?!006)|2|3|4|5|PM|pm"
    r"|[-Z]07(?:0000|:00:00|00|:00|)|[.,](?:0+|9+)(?![0-9])"
)


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock holds the date, the time of day and the zone of an instant."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    weekday: int
    """0 is Sunday."""
    year_day: int
    """It counts from 1."""
    offset: int
    """It counts seconds east of UTC."""
    zone: str


def elements(layout: str) -> Iterator[tuple[str, str]]:
    """Yield each element after the text before it, and at the end the rest of the text and no element."""
    at = 0
    for found in _ELEMENT.finditer(layout):
        yield layout[at : found.start()], found.group()
        at = found.end()
    yield layout[at:], ""


def formatted(clock: Clock, nanoseconds: int, layout: str) -> str:
    """Return the time in this layout."""
    return "".join(text + _element(clock, nanoseconds, name) for text, name in elements(layout))


def _element(clock: Clock, nanoseconds: int, name: str) -> str:
    if not name:
        return ""
    if name[0] in ".,":
        return _fraction(nanoseconds, name)
    if name[0] in "-Z":
        return offset_text(clock.offset, name)
    return _ELEMENTS[name](clock)


def _fraction(nanoseconds: int, name: str) -> str:
    digits = f"{nanoseconds:09d}".ljust(len(name) - 1, "0")[: len(name) - 1]
    if name[1] == "9":
        digits = digits.rstrip("0")
    return name[0] + digits if digits else ""


def offset_text(offset: int, name: str) -> str:
    """Return an offset in seconds as the element `name` shows it: `-0700`, `Z07:00` and others."""
    if name[0] == "Z" and offset == 0:
        return "Z"
    sign = "-" if offset < 0 else "+"
    minutes, seconds = divmod(abs(offset), 60)
    hours, minutes = divmod(minutes, 60)
    colon = ":" if ":" in name else ""
    text = f"{sign}{hours:02d}"
    if len(name) > 3:
        text += f"{colon}{minutes:02d}"
    if len(name) > 6:
        text += f"{colon}{seconds:02d}"
    return text


def _zone(clock: Clock) -> str:
    return clock.zone or offset_text(clock.offset, "-0700")


def _long_year(clock: Clock) -> str:
    return f"{clock.year:04d}" if clock.year >= 0 else f"-{-clock.year:04d}"


_ELEMENTS: dict[str, Callable[[Clock], str]] = {
    "January": lambda clock: MONTHS[clock.month - 1],
    "Jan": lambda clock: MONTHS[clock.month - 1][:3],
    "Monday": lambda clock: DAYS[clock.weekday],
    "Mon": lambda clock: DAYS[clock.weekday][:3],
    "MST": _zone,
    "002": lambda clock: f"{clock.year_day:03d}",
    "__2": lambda clock: f"{clock.year_day:3d}",
    "01": lambda clock: f"{clock.month:02d}",
    "1": lambda clock: str(clock.month),
    "02": lambda clock: f"{clock.day:02d}",
    "_2": lambda clock: f"{clock.day:2d}",
    "2": lambda clock: str(clock.day),
    "03": lambda clock: f"{clock.hour % 12 or 12:02d}",
    "3": lambda clock: str(clock.hour % 12 or 12),
    "15": lambda clock: f"{clock.hour:02d}",
    "04": lambda clock: f"{clock.minute:02d}",
    "4": lambda clock: str(clock.minute),
    "05": lambda clock: f"{clock.second:02d}",
    "5": lambda clock: str(clock.second),
    "06": lambda clock: f"{max(clock.year, 0) % 100:02d}",
    "2006": _long_year,
    "PM": lambda clock: "PM" if clock.hour >= 12 else "AM",
    "pm": lambda clock: "pm" if clock.hour >= 12 else "am",
}
