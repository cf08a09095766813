"""This writes JSON as Go's encoding/json does: keys in order, <, > and & escaped, short floats as decimals.

https://pkg.go.dev/encoding/json#Marshal
"""

import math
import re
from collections.abc import Iterator

from gotemplate.budget import Budget, check_length, check_nesting
from gotemplate.errors import Problem
from gotemplate.numerals import float_text, shortest
from gotemplate.quoting import REPLACEMENT, is_bare_byte
from gotemplate.times import GoTime
from gotemplate.values import GoField, GoMap, GoSlice, GoStruct, type_name

_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPECIAL = re.compile('["\\\\\x00-\x1f\u2028\u2029\udc80-\udcff]')
_SPECIAL_HTML = re.compile('["\\\\\x00-\x1f\u2028\u2029\udc80-\udcff<>&]')
_TIME_LAYOUT = "2006-01-02T15:04:05.999999999Z07:00"


def json_text(value: object, budget: Budget, *, html: bool = True, pretty: bool = False) -> str:
    """Return the value as JSON; `html` escapes <, > and &. Raises Problem if JSON cannot hold it."""
    writer = _Writer(budget, html, pretty)
    writer.value(value, 0)
    return "".join(writer.parts)


class _Writer:
    def __init__(self, budget: Budget, html: bool, pretty: bool) -> None:
        self.parts: list[str] = []
        self._length = 0
        self._budget = budget
        self._special = _SPECIAL_HTML if html else _SPECIAL
        self._pretty = pretty

    def _write(self, text: str) -> None:
        self._length += len(text)
        check_length(self._length)
        self.parts.append(text)

    def value(self, value: object, depth: int) -> None:
        check_nesting(depth)
        self._budget.spend()
        match value:
            case GoSlice(is_nil=True) | GoMap(is_nil=True) | None:
                self._write("null")
            case GoSlice(items=items):
                self._members(((None, item) for item in items), "[]", depth)
            case GoMap():
                self._members(iter(value.sorted_items()), "{}", depth)
            case GoStruct():
                self._members(iter(_json_fields(value)), "{}", depth)
            case str():
                self._write(self._string(value))
            case GoTime():
                self._write(f'"{_time(value)}"')
            case _:
                self._write(_scalar(value))

    def _members(self, members: Iterator[tuple[str | None, object]], brackets: str, depth: int) -> None:
        self._write(brackets[0])
        some = False
        for name, value in members:
            if some:
                self._write(",")
            some = True
            self._line(depth + 1)
            if name is not None:
                self._write(self._string(name) + (": " if self._pretty else ":"))
            self.value(value, depth + 1)
        if some:
            self._line(depth)
        self._write(brackets[1])

    def _line(self, depth: int) -> None:
        if self._pretty:
            self._write("\n" + "  " * depth)

    def _string(self, text: str) -> str:
        self._budget.spend_text(len(text))
        return '"' + self._special.sub(_escaped, text) + '"'


def _escaped(found: re.Match[str]) -> str:
    letter = found.group()
    if is_bare_byte(letter):
        return f"\\u{ord(REPLACEMENT):04x}"
    return _SHORT.get(letter) or f"\\u{ord(letter):04x}"


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float(value)
    raise Problem(f"no JSON for a {type_name(value)}")


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise Problem(f"no JSON for {value}")
    if value and not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = float_text(value, "e").partition("e")
        return f"{mantissa}e{exponent[0]}{exponent[1:].lstrip('0')}"
    digits, point = shortest(value)
    sign = "-" if math.copysign(1, value) < 0 else ""
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    digits = digits.ljust(point, "0")
    return sign + digits[:point] + ("." + digits[point:] if digits[point:] else "")


def _time(value: GoTime) -> str:
    if not 0 <= value.clock().year <= 9999:
        raise Problem("no JSON for a year of more than four digits")
    return value.format(_TIME_LAYOUT)


def _json_fields(value: GoStruct) -> list[tuple[str, object]]:
    """Return the fields with those of embedded structs; of two of a name, the outermost or the tagged one."""
    found = [
        (field.json_name or field.name, (depth, not field.json_name), field.value)
        for depth, field in _all_fields(value, 0)
    ]
    ranks: dict[str, list[tuple[int, bool]]] = {}
    for name, rank, _ in found:
        ranks.setdefault(name, []).append(rank)
    return [
        (name, item)
        for name, rank, item in found
        if rank == min(ranks[name]) and ranks[name].count(rank) == 1
    ]


def _all_fields(value: GoStruct, depth: int) -> Iterator[tuple[int, GoField]]:
    for field in value.fields:
        if field.embedded and not field.json_name and isinstance(field.value, GoStruct):
            yield from _all_fields(field.value, depth + 1)
        elif field.json_name != "-":
            yield depth, field
