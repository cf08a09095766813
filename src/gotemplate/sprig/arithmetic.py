"""These functions compute with integers and floats. Integers have 64 bits and overflow silently, as in Go."""

import math
from collections.abc import Callable
from functools import reduce

from gotemplate.calls import function
from gotemplate.errors import Problem
from gotemplate.literals import float_of, integer_of
from gotemplate.run import Run
from gotemplate.sprig.texts import string_of
from gotemplate.values import GoSlice, Int64, Uint8, wrapped

MAX_INT = (1 << 63) - 1
_NUMBERS = (int, Int64, Uint8, bool)
"""Months and durations are not here: sprig takes them for 0."""


def in_64_bits(value: int) -> bool:
    """Return whether the number fits into 64 bits."""
    return wrapped(value) == value


def integer(value: object) -> int:
    """Return any value as an integer, or 0 if it is no number."""
    if isinstance(value, int) and type(value) in _NUMBERS:
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value) or not in_64_bits(int(value)):
            return -MAX_INT - 1
        return int(value)
    if isinstance(value, str):
        found = integer_of(value)
        return found if found is not None and in_64_bits(found) else 0
    return 0


def real(value: object) -> float:
    """Return any value as a float64, or 0 if it is no number."""
    if isinstance(value, int) and type(value) in _NUMBERS:
        return float(value)
    if isinstance(value, float):
        return value
    if isinstance(value, str):
        found = float_of(value)
        return 0.0 if found is None or (math.isinf(found) and "i" not in value.lower()) else found
    return 0.0


def atoi(text: str) -> int:
    """Return a decimal integer, 0 if it is none, and the largest if it is larger."""
    found = integer_of(text, 10)
    return 0 if found is None else max(min(found, MAX_INT), -MAX_INT - 1)


def _total(values: tuple[object, ...], operation: Callable[[int, int], int], start: int) -> Int64:
    return Int64(reduce(lambda one, other: wrapped(operation(one, other)), map(integer, values), start))


def div(first: object, second: object) -> Int64:
    """Return the quotient, rounded toward zero. Raises Problem for a division by 0."""
    dividend, divisor = integer(first), integer(second)
    if not divisor:
        raise Problem("integer divide by zero")
    quotient = abs(dividend) // abs(divisor)
    return Int64(wrapped(quotient if (dividend < 0) == (divisor < 0) else -quotient))


def mod(first: object, second: object) -> Int64:
    """Return the remainder of `div`, which has the sign of the dividend. Raises Problem."""
    return Int64(integer(first) - div(first, second) * integer(second))


def floor(value: object) -> float:
    """Return the value rounded down."""
    number = real(value)
    return float(math.floor(number)) if math.isfinite(number) and number else number


def ceil(value: object) -> float:
    """Return the value rounded up."""
    number = real(value)
    return math.copysign(math.ceil(number), number) if math.isfinite(number) else number


def round_(value: object, places: int, *half: float) -> float:
    """Return the value with so many decimal places; fractions from the third argument (0.5) on go up."""
    try:
        power = 10.0**places
    except OverflowError:
        power = math.inf
    digit = power * real(value)
    fraction = math.copysign(0.0, digit) if math.isinf(digit) else math.fmod(digit, 1.0)
    up = fraction >= (half[0] if half else 0.5)
    whole = ceil(digit) if up else floor(digit)
    if power == 0:
        return math.nan if not whole or math.isnan(whole) else math.copysign(math.inf, whole)
    return whole / power


def until_step(run: Run, start: int, stop: int, step: int) -> GoSlice:
    """Return the numbers from `start` to before `stop`, or none if the step leads away from it."""
    leads = step < 0 if stop < start else step > 0
    numbers = range(start, stop, step) if leads else range(0)
    run.budget.spend((max(start, stop) - min(start, stop)) // abs(step) if leads else 0)
    return GoSlice(numbers, "int")


def until(run: Run, count: int) -> GoSlice:
    """Return the numbers from 0 to before `count`."""
    return until_step(run, 0, count, -1 if count < 0 else 1)


def seq(run: Run, *numbers: int) -> str:
    """Return numbers in one line: `seq LAST`, `seq FIRST LAST` or `seq FIRST STEP LAST`."""
    if not 1 <= len(numbers) <= 3:
        return ""
    first, last = (1, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[-1])
    direction = -1 if last < first else 1
    step = numbers[1] if len(numbers) == 3 else direction
    if len(numbers) == 3 and direction < 0 and step > 0:
        return ""
    return " ".join(map(str, until_step(run, first, last + direction, step).items))


def to_decimal(run: Run, value: object) -> Int64:
    """Return the value of an octal number, such as a file's mode, or 0 if it is none."""
    found = integer_of(string_of(run, value), 8)
    return Int64(found if found is not None and in_64_bits(found) else 0)


def _largest(first: object, *others: object) -> Int64:
    return Int64(max(map(integer, (first, *others))))


def _smallest(first: object, *others: object) -> Int64:
    return Int64(min(map(integer, (first, *others))))


def _extreme(pick: Callable[[list[float]], float]) -> Callable[..., float]:
    def chosen(*values: object) -> float:
        numbers = list(map(real, values))
        infinite = pick([number for number in numbers if not math.isnan(number)] or [0.0])
        if any(map(math.isnan, numbers)) and not (
            math.isinf(infinite) and infinite == pick([-math.inf, math.inf])
        ):
            return math.nan
        return infinite

    return chosen


FUNCTIONS = {
    "add": function(lambda *values: _total(values, int.__add__, 0), "...any"),
    "add1": function(lambda value: Int64(wrapped(integer(value) + 1)), "any"),
    "sub": function(lambda first, second: Int64(wrapped(integer(first) - integer(second))), "any any"),
    "mul": function(lambda *values: _total(values, int.__mul__, 1), "any ...any"),
    "div": function(div, "any any"),
    "mod": function(mod, "any any"),
    "biggest": function(_largest, "any ...any"),
    "max": function(_largest, "any ...any"),
    "min": function(_smallest, "any ...any"),
    "maxf": function(_extreme(max), "any ...any"),
    "minf": function(_extreme(min), "any ...any"),
    "floor": function(floor, "any"),
    "ceil": function(ceil, "any"),
    "round": function(round_, "any int ...float64"),
    "until": function(until, "int", run=True),
    "untilStep": function(until_step, "int int int", run=True),
    "seq": function(seq, "...int", run=True),
    "toDecimal": function(to_decimal, "any", run=True),
    "atoi": function(atoi, "string"),
    "int": function(integer, "any"),
    "int64": function(lambda value: Int64(integer(value)), "any"),
    "float64": function(real, "any"),
}
