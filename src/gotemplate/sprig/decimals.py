"""These functions compute floats as decimal numbers, so that 0.1 + 0.2 is 0.3."""

import math
from collections.abc import Callable

from gotemplate.calls import function
from gotemplate.errors import Problem
from gotemplate.numerals import shortest
from gotemplate.sprig.arithmetic import real

Decimal = tuple[int, int]
"""It has a coefficient and the exponent of ten."""
PLACES = 16


def decimal_of(value: object) -> Decimal:
    """Return the shortest decimal number that means this float. Raises Problem for infinities and NaN."""
    number = real(value)
    if not math.isfinite(number):
        raise Problem(f"cannot make a decimal number of {number}")
    digits, point = shortest(number)
    return int(digits) * (-1 if number < 0 else 1), point - len(digits)


def float_of(number: Decimal) -> float:
    """Return the nearest float."""
    coefficient, exponent = number
    try:
        return float(coefficient * 10**exponent) if exponent > 0 else coefficient / 10**-exponent
    except OverflowError:
        return math.copysign(math.inf, coefficient)


def _add(first: Decimal, second: Decimal) -> Decimal:
    exponent = min(first[1], second[1])
    return first[0] * 10 ** (first[1] - exponent) + second[0] * 10 ** (second[1] - exponent), exponent


def _subtract(first: Decimal, second: Decimal) -> Decimal:
    return _add(first, (-second[0], second[1]))


def _multiply(first: Decimal, second: Decimal) -> Decimal:
    return first[0] * second[0], first[1] + second[1]


def _divide(first: Decimal, second: Decimal) -> Decimal:
    if not second[0]:
        raise Problem("decimal division by 0")
    shift = first[1] - second[1] + PLACES
    dividend = abs(first[0]) * 10 ** max(shift, 0)
    divisor = abs(second[0]) * 10 ** max(-shift, 0)
    quotient = (2 * dividend + divisor) // (2 * divisor)
    return quotient if (first[0] < 0) == (second[0] < 0) else -quotient, -PLACES


def _chain(operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[..., float]:
    def computed(first: object, *others: object) -> float:
        number = decimal_of(first)
        for other in others:
            number = operation(number, decimal_of(other))
        return float_of(number)

    return computed


FUNCTIONS = {
    "addf": function(lambda *values: _chain(_add)(0.0, *values), "...any"),
    "add1f": function(lambda value: _chain(_add)(value, 1), "any"),
    "subf": function(_chain(_subtract), "any ...any"),
    "mulf": function(_chain(_multiply), "any ...any"),
    "divf": function(_chain(_divide), "any ...any"),
}
