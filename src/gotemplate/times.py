"""This is Go's time.Time: an instant and the zone that it is shown in, with methods for templates.

https://pkg.go.dev/time#Time
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Final

from gotemplate.calls import Function, function
from gotemplate.durations import SECOND, Duration, Month, Weekday
from gotemplate.layouts import Clock, formatted
from gotemplate.run import UTC, Run, Zone
from gotemplate.values import Int64, wrapped

DAY_SECONDS: Final = 86_400
ZERO_SECONDS: Final = -62_135_596_800
"""This is Go's zero time, 0001-01-01 00:00 UTC, in epoch seconds."""
_DAYS_BEFORE_EPOCH: Final = 719_468
"""It counts days from 0000-03-01: here years begin in March, so that leap days are last."""
_ERA_DAYS: Final = 146_097
STRING_LAYOUT: Final = "2006-01-02 15:04:05.999999999 -0700 MST"


def days_of(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 to a date; months and days may be out of range, and carry over."""
    year += (month - 1) // 12
    month = (month - 1) % 12 + 1
    if month <= 2:
        year -= 1
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * ((month - 3) % 12) + 2) // 5 + day - 1
    return (
        era * _ERA_DAYS
        + year_of_era * 365
        + year_of_era // 4
        - year_of_era // 100
        + day_of_year
        - _DAYS_BEFORE_EPOCH
    )


def date_of(days: int) -> tuple[int, int, int]:
    """Return year, month and day; this is the inverse of `days_of`."""
    era, day = divmod(days + _DAYS_BEFORE_EPOCH, _ERA_DAYS)
    year_of_era = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day_of_year = day - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * day_of_year + 2) // 153
    day_of_month = day_of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return era * 400 + year_of_era + (month <= 2), month, day_of_month


@dataclass(frozen=True, slots=True)
class GoTime:
    """A GoTime is an instant, shown in a zone."""

    TYPE: ClassVar = "time.Time"
    KIND: ClassVar = "struct"

    seconds: int = ZERO_SECONDS
    """It counts from the epoch."""
    nanoseconds: int = 0
    zone: Zone = UTC

    @classmethod
    def at(cls, epoch_seconds: float, zone: Zone = UTC) -> GoTime:
        """Return the time of an instant in epoch seconds, to the microsecond."""
        whole = math.floor(epoch_seconds)
        microseconds = round((epoch_seconds - whole) * 1e6)
        return cls(whole + microseconds // 1_000_000, microseconds % 1_000_000 * 1000, zone)

    def clock(self) -> Clock:
        """Return date, time of day and zone."""
        offset, zone = self.zone.offset_at(self.seconds)
        days, rest = divmod(self.seconds + offset, DAY_SECONDS)
        year, month, day = date_of(days)
        year_day = days - days_of(year, 1, 1) + 1
        return Clock(
            year, month, day, rest // 3600, rest // 60 % 60, rest % 60, (days + 4) % 7, year_day, offset, zone
        )

    def go_string(self) -> str:
        """Return a text such as `2026-11-22 08:30:00 +0000 UTC`."""
        return self.format(STRING_LAYOUT)

    def format(self, layout: str) -> str:
        """Return the time in a layout, as Go's Time.Format does."""
        return formatted(self.clock(), self.nanoseconds, layout)

    def plus(self, nanoseconds: int) -> GoTime:
        """Return the time that is later by this duration."""
        seconds, rest = divmod(self.nanoseconds + nanoseconds, SECOND)
        return GoTime(wrapped(self.seconds + seconds), rest, self.zone)

    def since(self, other: GoTime) -> Duration:
        """Return how long this is after the other, or as much of it as a duration can hold."""
        span = (self.seconds - other.seconds) * SECOND + self.nanoseconds - other.nanoseconds
        return Duration(max(min(span, (1 << 63) - 1), -(1 << 63)))

    def at_zone(self, zone: Zone) -> GoTime:
        """Return the same instant in another zone."""
        return GoTime(self.seconds, self.nanoseconds, zone)

    def instant(self) -> tuple[int, int]:
        """Return the part that comparisons look at: the instant without the zone."""
        return self.seconds, self.nanoseconds

    @staticmethod
    def methods() -> dict[str, Function]:
        """Return the methods by name."""
        return _METHODS


def instant_of(year: int, month: int, day: int, second_of_day: int, nanoseconds: int, zone: Zone) -> GoTime:
    """Return the instant of a date and time of day in a zone; they may be out of range, and carry over."""
    local = days_of(year, month, day) * DAY_SECONDS + second_of_day
    offset = zone.offset_at(local)[0]
    offset = zone.offset_at(local - offset)[0]
    return GoTime(wrapped(local - offset), nanoseconds, zone)


def _add_date(time: GoTime, years: int, months: int, days: int) -> GoTime:
    clock = time.clock()
    second = clock.hour * 3600 + clock.minute * 60 + clock.second
    year, month, day = clock.year + years, clock.month + months, clock.day + days
    return instant_of(year, month, day, second, time.nanoseconds, time.zone)


def _since_zero(time: GoTime) -> int:
    return (time.seconds - ZERO_SECONDS) * SECOND + time.nanoseconds


def _truncate(time: GoTime, unit: int) -> GoTime:
    return time.plus(-(_since_zero(time) % unit)) if unit > 0 else time


def _round(time: GoTime, unit: int) -> GoTime:
    if unit <= 0:
        return time
    rest = _since_zero(time) % unit
    return time.plus(-rest if rest * 2 < unit else unit - rest)


def _compare(first: GoTime, second: GoTime) -> int:
    return (first.instant() > second.instant()) - (first.instant() < second.instant())


def _unix(time: GoTime, unit: int) -> Int64:
    return Int64(wrapped((time.seconds * SECOND + time.nanoseconds) // unit))


def _local(run: Run, time: GoTime) -> GoTime:
    return time.at_zone(run.zone("Local"))


_TIME = "time.Time"
_METHODS: Final = {
    "String": function(GoTime.go_string),
    "Format": function(GoTime.format, "string"),
    "Unix": function(lambda time: Int64(time.seconds)),
    "UnixMilli": function(lambda time: _unix(time, 1_000_000)),
    "UnixMicro": function(lambda time: _unix(time, 1000)),
    "UnixNano": function(lambda time: _unix(time, 1)),
    "Year": function(lambda time: time.clock().year),
    "Month": function(lambda time: Month(time.clock().month)),
    "Day": function(lambda time: time.clock().day),
    "Hour": function(lambda time: time.clock().hour),
    "Minute": function(lambda time: time.clock().minute),
    "Second": function(lambda time: time.clock().second),
    "Nanosecond": function(lambda time: time.nanoseconds),
    "Weekday": function(lambda time: Weekday(time.clock().weekday)),
    "YearDay": function(lambda time: time.clock().year_day),
    "Add": function(GoTime.plus, "time.Duration"),
    "AddDate": function(_add_date, "int int int"),
    "Sub": function(GoTime.since, _TIME),
    "After": function(lambda time, other: time.instant() > other.instant(), _TIME),
    "Before": function(lambda time, other: time.instant() < other.instant(), _TIME),
    "Equal": function(lambda time, other: time.instant() == other.instant(), _TIME),
    "Compare": function(_compare, _TIME),
    "IsZero": function(lambda time: time.instant() == (ZERO_SECONDS, 0)),
    "UTC": function(lambda time: time.at_zone(UTC)),
    "Local": function(_local, run=True),
    "Truncate": function(_truncate, "time.Duration"),
    "Round": function(_round, "time.Duration"),
}
