"""This module writes floats as Go's strconv does: shortest, with exponents of two digits, or hexadecimal.

https://pkg.go.dev/strconv#FormatFloat
"""

import math
from typing import Final

SHORTEST_EXPONENT: Final = 6
"""%v and %g write an exponent for numbers from 10 to this power on."""


def shortest(value: float) -> tuple[str, int]:
    """Return the fewest digits that mean exactly this finite number, without sign, and where the point is.

    0.00123 is ("123", -2).
    """
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    point = len(whole) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    stripped = stripped.rstrip("0")
    return (stripped, point) if stripped else ("0", 1)


def float_text(value: float, verb: str, precision: int = -1) -> str:
    """Return the float64 in Go's form b e E f g G x or X; precision -1 means as many digits as needed."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "-Inf" if value < 0 else "+Inf"
    sign = "-" if math.copysign(1, value) < 0 else ""
    if verb == "b":
        return sign + _binary(abs(value))
    if verb in "xX":
        text = _hexadecimal(abs(value), precision)
        return sign + (text.upper() if verb == "X" else text)
    if precision < 0:
        text = _shortest_form(abs(value), verb.lower())
    else:
        text = format(abs(value), f".{precision}{verb.lower()}")
    return sign + (text.upper() if verb in "EG" else text)


def _shortest_form(value: float, verb: str) -> str:
    digits, point = shortest(value)
    exponent = point - 1
    if value == 0:
        exponent = 0
    if verb == "e" or (verb == "g" and not -4 <= exponent < SHORTEST_EXPONENT):
        fraction = "." + digits[1:] if len(digits) > 1 else ""
        return f"{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if value == 0:
        return "0"
    if point <= 0:
        return "0." + "0" * -point + digits
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


def _binary(value: float) -> str:
    mantissa, exponent = _parts(value)
    return f"{mantissa}p{exponent:+d}"


def _parts(value: float) -> tuple[int, int]:
    """Return the mantissa of 53 bits (fewer if it is subnormal) and the exponent of two."""
    if value == 0:
        return 0, -1074
    fraction, exponent = math.frexp(value)
    shift = max(exponent - 53, -1074)
    return int(math.ldexp(fraction, exponent - shift)), shift


def _hexadecimal(value: float, precision: int) -> str:
    if value == 0:
        return "0x0" + ("." + "0" * precision if precision > 0 else "") + "p+00"
    mantissa, exponent = _parts(value)
    bits = mantissa.bit_length()
    exponent += bits - 1
    mantissa <<= 53 - bits
    if 0 <= precision < 13:
        drop = 52 - 4 * precision
        half = 1 << (drop - 1)
        rest = mantissa & ((1 << drop) - 1)
        mantissa >>= drop
        mantissa += rest > half or (rest == half and mantissa & 1)
        mantissa <<= drop
        if mantissa >> 53:
            exponent += 1
            mantissa >>= 1
    digits = f"{mantissa & ((1 << 52) - 1):013x}"
    digits = digits.rstrip("0") if precision < 0 else digits.ljust(precision, "0")[:precision]
    return f"0x1{'.' + digits if digits else ''}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
