"""This module reads times that are written in Go's layouts. https://pkg.go.dev/time#ParseInLocation"""

import re
from dataclasses import dataclass, field
from typing import Final

from gotemplate.durations import DAYS, MONTHS
from gotemplate.errors import Problem
from gotemplate.layouts import elements
from gotemplate.run import UTC, Zone, fixed
from gotemplate.times import GoTime, days_of, instant_of

_SHORT_MONTHS: Final = [name[:3] for name in MONTHS]
_SHORT_DAYS: Final = [name[:3] for name in DAYS]


def _one_of(names: list[str]) -> str:
    return "(?i:" + "|".join(names) + ")"


_TWO = r"[0-9]{2}"
_FEW = r"[0-9]{1,2}"
_HOURS = r"[+-](?:2[0-3]|1[0-9]|0*[0-9])(?![0-9])"
_PATTERNS: Final = {
    "06": _TWO,
    "2006": r"[0-9]{4}",
    "January": _one_of(MONTHS),
    "Jan": _one_of(_SHORT_MONTHS),
    "Monday": _one_of(DAYS),
    "Mon": _one_of(_SHORT_DAYS),
    "1": _FEW,
    "01": _TWO,
    "2": _FEW,
    "_2": r" ?" + _FEW,
    "02": _TWO,
    "__2": r" {0,2}[0-9]{1,3}",
    "002": r"[0-9]{3}",
    "15": _FEW,
    "3": _FEW,
    "03": _TWO,
    "4": _FEW,
    "04": _TWO,
    "5": _FEW,
    "05": _TWO,
    "PM": "PM|AM",
    "pm": "pm|am",
    "MST": rf"UTC|ChST|MeST|GMT{_HOURS}|GMT(?![+-])|{_HOURS}|[A-Z]{{4}}T(?![A-Z])"
    r"|(?:[A-Z]{3}T|WITA)(?![A-Z])|[A-Z]{3}(?![A-Z])",
    "07": rf"[+-]{_TWO}",
    "0700": rf"[+-]{_TWO}{_TWO}",
    "07:00": rf"[+-]{_TWO}:{_TWO}",
    "070000": rf"[+-]{_TWO}{_TWO}{_TWO}",
    "07:00:00": rf"[+-]{_TWO}:{_TWO}:{_TWO}",
}
_MEANINGS: Final = {
    "2006": "year",
    "1": "month",
    "01": "month",
    "2": "day",
    "_2": "day",
    "02": "day",
    "__2": "year_day",
    "002": "year_day",
    "15": "hour",
    "3": "hour",
    "03": "hour",
    "4": "minute",
    "04": "minute",
    "5": "second",
    "05": "second",
}
_RANGES: Final = {"15": (0, 23), "3": (0, 12), "03": (0, 12), "1": (1, 12), "01": (1, 12)}
_SECONDS: Final = {"minute": (0, 59), "second": (0, 59)}
_FRACTION: Final = re.compile(r"[.,]([0-9]+)")


@dataclass
class _Reading:
    layout: str
    value: str
    numbers: dict[str, int] = field(default_factory=dict)
    """The keys are year, month, day, year_day, hour, minute and second, as far as they are known."""
    nanoseconds: int = 0
    half: str = ""
    """It is AM, PM or empty."""
    zone: Zone | None = None
    offset: int | None = None
    zone_name: str = ""

    def error(self) -> Problem:
        return Problem(f"cannot read the time {self.value!r} as {self.layout!r}")


def read_time(layout: str, value: str, local: Zone) -> GoTime:
    """Return the time in `value`; its zone is `local` if it names none. Raises Problem."""
    reading = _Reading(layout, value)
    rest = value
    parts = list(elements(layout))
    for index, (prefix, name) in enumerate(parts):
        rest = _skip(reading, rest, prefix)
        if not name:
            break
        following = parts[index + 1][1]
        rest = _element(reading, rest, name, following)
    if rest:
        raise reading.error()
    return _time(reading, local)


def _skip(reading: _Reading, value: str, prefix: str) -> str:
    """Return the value without the layout's own text at its beginning; several spaces count as one."""
    while prefix:
        if prefix[0] == " ":
            if value and value[0] != " ":
                raise reading.error()
            prefix, value = prefix.lstrip(" "), value.lstrip(" ")
        elif value[:1] == prefix[0]:
            prefix, value = prefix[1:], value[1:]
        else:
            raise reading.error()
    return value


def _element(reading: _Reading, value: str, name: str, following: str) -> str:
    if name[0] in ".,":
        return _fraction(reading, value, name)
    if name[0] == "Z" and value[:1] == "Z":
        reading.zone = UTC
        return value[1:]
    found = re.match(_PATTERNS[name[1:] if name[0] in "-Z" else name], value)
    if not found:
        raise reading.error()
    text, rest = found.group(), value[found.end() :]
    if name[0] in "-Z":
        _offset(reading, text)
    elif name == "MST":
        _zone(reading, text)
    else:
        _number(reading, name, text)
    if name in ("5", "05") and following[:1] not in (".", ","):
        fraction = _FRACTION.match(rest)
        if fraction:
            reading.nanoseconds = int(fraction[1][:9].ljust(9, "0"))
            rest = rest[fraction.end() :]
    return rest


def _fraction(reading: _Reading, value: str, name: str) -> str:
    found = _FRACTION.match(value)
    if name[1] == "9":
        if not found:
            return value
        digits = found[1]
    else:
        digits = found[1][: len(name) - 1] if found else ""
        if len(digits) < len(name) - 1:
            raise reading.error()
    reading.nanoseconds = int(digits[:9].ljust(9, "0"))
    return value[1 + len(digits) :]


def _number(reading: _Reading, name: str, text: str) -> None:
    numbers = reading.numbers
    if name in ("January", "Jan"):
        numbers["month"] = _SHORT_MONTHS.index(text[:3].capitalize()) + 1
    elif name == "06":
        numbers["year"] = int(text) + (1900 if int(text) >= 69 else 2000)
    elif name in ("PM", "pm"):
        reading.half = text.upper()
    elif name in _MEANINGS:
        meaning = _MEANINGS[name]
        low, high = _RANGES.get(name, _SECONDS.get(meaning, (0, 9999)))
        if not low <= int(text) <= high:
            raise reading.error()
        numbers[meaning] = int(text)


def _offset(reading: _Reading, text: str) -> None:
    digits = text[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if hours > 24 or minutes > 60 or seconds > 60:
        raise reading.error()
    offset = (hours * 60 + minutes) * 60 + seconds
    reading.offset = -offset if text[0] == "-" else offset


def _zone(reading: _Reading, text: str) -> None:
    if text == "UTC":
        reading.zone = UTC
    else:
        reading.zone_name = text


def _date(reading: _Reading) -> tuple[int, int, int]:
    numbers = reading.numbers
    year = numbers.get("year", 0)
    if "year_day" not in numbers:
        return year, numbers.get("month", 1), numbers.get("day", 1)
    year_day = numbers["year_day"]
    first = days_of(year, 1, 1)
    if not 1 <= year_day <= days_of(year + 1, 1, 1) - first:
        raise reading.error()
    month = max(number for number in range(1, 13) if days_of(year, number, 1) < first + year_day)
    day = first + year_day - days_of(year, month, 1)
    if numbers.get("month", month) != month or numbers.get("day", day) != day:
        raise reading.error()
    return year, month, day


def _time(reading: _Reading, local: Zone) -> GoTime:
    numbers = reading.numbers
    hour = numbers.get("hour", 0)
    if reading.half == "PM" and hour < 12:
        hour += 12
    elif reading.half == "AM" and hour == 12:
        hour = 0
    year, month, day = _date(reading)
    if not 1 <= day <= days_of(year, month + 1, 1) - days_of(year, month, 1):
        raise reading.error()
    second = hour * 3600 + numbers.get("minute", 0) * 60 + numbers.get("second", 0)
    zone = reading.zone
    if zone is None and (reading.offset is not None or reading.zone_name):
        in_utc = instant_of(year, month, day, second, 0, UTC).seconds
        zone = _own_zone(reading, in_utc, local)
    return instant_of(year, month, day, second, reading.nanoseconds, zone or local)


def _own_zone(reading: _Reading, in_utc: int, local: Zone) -> Zone:
    """Return the local zone if the text may mean it, or else a zone of only this offset or name."""
    name = reading.zone_name
    if reading.offset is not None:
        offset, local_name = local.offset_at(in_utc - reading.offset)
        if offset == reading.offset and name in ("", local_name):
            return local
        return fixed(name, reading.offset)
    if local.offset_at(in_utc)[1] == name:
        return local
    hours = int(name[3:]) if name.startswith("GMT") and len(name) > 3 else 0
    return fixed(name, hours * 3600)
