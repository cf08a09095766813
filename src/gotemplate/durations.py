"""These are Go's time.Duration, time.Month and time.Weekday: integers that print as words.

https://pkg.go.dev/time#Duration
"""

import re
from typing import Final, Protocol

from gotemplate.calls import Function, function
from gotemplate.errors import Problem
from gotemplate.literals import unsigned
from gotemplate.values import Int64, SizedInt, Uint8, wrapped

NANOSECOND: Final = 1
MICROSECOND: Final = 1000
MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS: Final = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
_UNITS: Final = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "µs": MICROSECOND,
    "μs": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_TERM = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_DURATION = re.compile(r"0|(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+")
_MAX_CHARACTERS = 200


class _IntegerOf(Protocol):
    def __call__(self, value: int, /) -> SizedInt: ...


class Duration(SizedInt):
    """A duration is a number of nanoseconds."""

    __slots__ = ()
    TYPE = "time.Duration"
    KIND = "int64"

    def go_string(self) -> str:
        """Return a text such as `1h30m0s`, `1.5s` or `300ms`."""
        nanoseconds = abs(int(self))
        sign = "-" if self < 0 else ""
        if nanoseconds == 0:
            return "0s"
        if nanoseconds < SECOND:
            unit = "ms" if nanoseconds >= MILLISECOND else "µs" if nanoseconds >= MICROSECOND else "ns"
            return sign + _decimal(nanoseconds, _UNITS[unit]) + unit
        hours, rest = divmod(nanoseconds, HOUR)
        minutes, rest = divmod(rest, MINUTE)
        text = f"{hours}h" if hours else ""
        text += f"{minutes}m" if hours or minutes else ""
        return f"{sign}{text}{_decimal(rest, SECOND)}s"

    @staticmethod
    def methods() -> dict[str, Function]:
        """Return the methods by name."""
        return _METHODS


class Month(SizedInt):
    """A month is a number; 1 is January."""

    __slots__ = ()
    TYPE = "time.Month"
    KIND = "int"

    def go_string(self) -> str:
        """Return its English name."""
        return MONTHS[self - 1] if 1 <= self <= 12 else f"%!Month({int(self) % (1 << 64)})"

    @staticmethod
    def methods() -> dict[str, Function]:
        """Return the methods by name."""
        return {"String": function(Month.go_string)}


class Weekday(SizedInt):
    """A weekday is a number; 0 is Sunday."""

    __slots__ = ()
    TYPE = "time.Weekday"
    KIND = "int"

    def go_string(self) -> str:
        """Return its English name."""
        return DAYS[self] if 0 <= self <= 6 else f"%!Weekday({int(self) % (1 << 64)})"

    @staticmethod
    def methods() -> dict[str, Function]:
        """Return the methods by name."""
        return {"String": function(Weekday.go_string)}


_SIZED: Final[dict[str, _IntegerOf]] = {
    "int64": Int64,
    "uint8": Uint8,
    "time.Duration": Duration,
    "time.Month": Month,
    "time.Weekday": Weekday,
}


def as_integer(type_: str, value: int) -> int:
    """Return the integer as a value of this Go type."""
    return _SIZED[type_](value) if type_ in _SIZED else value


def duration_of(text: str) -> Duration:
    """Return the duration that Go's time.ParseDuration reads in a text such as `-1h30m`. Raises Problem."""
    size = unsigned(text)
    if len(size) <= _MAX_CHARACTERS and _DURATION.fullmatch(size):
        total = sum(map(_nanoseconds, _TERM.finditer(size))) * (-1 if text.startswith("-") else 1)
        if wrapped(total) == total:
            return Duration(total)
    raise Problem(f"invalid duration {text!r}")


def _nanoseconds(term: re.Match[str]) -> int:
    unit = _UNITS[term[3]]
    fraction = int(int(term[2]) * (unit / 10 ** len(term[2]))) if term[2] else 0
    return int(term[1] or 0) * unit + fraction


def rounded(duration: int, unit: int) -> Duration:
    """Return the nearest multiple of `unit`, for halves the one away from zero; 0 or less changes nothing."""
    if unit <= 0:
        return Duration(duration)
    size = (abs(duration) + unit // 2 + unit % 2) // unit * unit if unit > 1 else abs(duration)
    if abs(duration) % unit * 2 < unit:
        size = abs(duration) // unit * unit
    return Duration(max(min(size if duration >= 0 else -size, (1 << 63) - 1), -(1 << 63)))


def _truncated(duration: int, unit: int) -> Duration:
    if unit <= 0:
        return Duration(duration)
    size = abs(duration) // unit * unit
    return Duration(size if duration >= 0 else -size)


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    fraction = str(rest).zfill(len(str(unit)) - 1).rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def _toward_zero(value: int, unit: int) -> Int64:
    return Int64(abs(value) // unit * (1 if value >= 0 else -1))


def _in(value: int, unit: int) -> float:
    """Return the value in this unit. As in Go, the whole part and the fraction are computed apart."""
    whole = int(_toward_zero(value, unit))
    return whole + (value - whole * unit) / float(unit)


_METHODS: Final = {
    "String": function(Duration.go_string),
    "Hours": function(lambda value: _in(value, HOUR)),
    "Minutes": function(lambda value: _in(value, MINUTE)),
    "Seconds": function(lambda value: _in(value, SECOND)),
    "Milliseconds": function(lambda value: _toward_zero(value, MILLISECOND)),
    "Microseconds": function(lambda value: _toward_zero(value, MICROSECOND)),
    "Nanoseconds": function(lambda value: Int64(value)),
    "Round": function(rounded, "time.Duration"),
    "Truncate": function(_truncated, "time.Duration"),
    "Abs": function(lambda value: Duration(min(abs(value), (1 << 63) - 1))),
}
