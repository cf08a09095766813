"""This module reads Go's constants: numbers, characters, strings. https://go.dev/ref/spec#Lexical_elements"""

import re
from dataclasses import dataclass

from gotemplate.errors import Problem
from gotemplate.values import from_bytes

_DIGITS = {2: "01", 8: "01234567", 10: "0123456789", 16: "0123456789abcdefABCDEF"}
_PREFIXES = {"0x": 16, "0o": 8, "0b": 2}
_FLOAT = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?inf(?:inity)?|nan", re.ASCII | re.IGNORECASE
)
_HEX_FLOAT = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_ESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92}
_CODES = {"x": 2, "u": 4, "U": 8}
MAX_NUMBER_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Number:
    """The type of a number is not known yet: it has its values as an int and as a float64, or None."""

    text: str
    integer: int | None
    real: float | None

    @property
    def is_float(self) -> bool:
        """Return whether its syntax makes it a float64 where any type is right."""
        hexadecimal = self.text[:2].lower() == "0x" and not set(self.text) & set("pP")
        return not hexadecimal and not self.text.startswith("'") and bool(set(self.text) & set(".eEpP"))


def integer_of(text: str, base: int = 0) -> int | None:
    """Return what strconv.ParseInt reads, of any size, or None; base 0 means that the prefix decides."""
    digits = unsigned(text)
    if base == 0:
        if not _underscores_are_right(digits):
            return None
        base, digits = _base_of(digits.replace("_", ""))
    if not digits or len(digits) > MAX_NUMBER_CHARACTERS or digits.strip(_DIGITS[base]):
        return None
    return int(digits, base) * (-1 if text.startswith("-") else 1)


def unsigned(text: str) -> str:
    """Return the text without a sign at its beginning."""
    return text[1:] if text[:1] in ("+", "-") else text


def _base_of(digits: str) -> tuple[int, str]:
    """Return the base of a number by its prefix, and the digits after the prefix."""
    base = _PREFIXES.get(digits[:2].lower())
    if base:
        return base, digits[2:]
    return 8 if digits[:1] == "0" and len(digits) > 1 else 10, digits


def _underscores_are_right(digits: str) -> bool:
    """Return whether underscores are only between digits or after the prefix of a base."""
    base = _PREFIXES.get(digits[:2].lower())
    digit = f"[{_DIGITS[16 if base == 16 else 10]}]"
    return not re.search(f"(?<!{digit})_|_(?!{digit})", "0" + digits[2:] if base else digits)


def float_of(text: str) -> float | None:
    """Return what strconv.ParseFloat reads, infinity if it is too large, or None if it is no number."""
    if len(text) > MAX_NUMBER_CHARACTERS or not _underscores_are_right(unsigned(text)):
        return None
    text = text.replace("_", "")
    if _FLOAT.fullmatch(text):
        return float(text)
    if not _HEX_FLOAT.fullmatch(text):
        return None
    try:
        return float.fromhex(text)
    except OverflowError:
        return float("-inf") if text.startswith("-") else float("inf")


def number_of(text: str) -> Number:
    """Return the number of a constant. Raises Problem."""
    if text.startswith("'"):
        code = _character(text)
        return Number(text, code, float(code))
    if text.endswith("i"):
        raise Problem(f"complex numbers are not supported: {text}")
    integer = integer_of(text)
    if integer is not None:
        if not -(1 << 63) <= integer < 1 << 64:
            raise Problem(f"integer overflow: {text}")
        return Number(text, integer if integer < 1 << 63 else None, float(integer))
    real = float_of(text)
    if real is None or real - real != 0:
        raise Problem(f"illegal number syntax: {text}")
    if not set(text) & set(".eEpP"):
        raise Problem(f"integer overflow: {text}")
    whole = real == int(real) and -(1 << 63) <= int(real) < 1 << 63
    return Number(text, int(real) if whole else None, real)


def _character(text: str) -> int:
    if not text[1:-1] or text[1] == "'":
        raise Problem(f"malformed character constant: {text}")
    code, _, end = _unquoted_character(text, 1, "'")
    if end != len(text) - 1:
        raise Problem(f"malformed character constant: {text}")
    return code


def string_of(text: str) -> str:
    """Return the value of a quoted or raw string. Raises Problem."""
    if text.startswith("`"):
        return text[1:-1].replace("\r", "")
    if "\\" not in text:
        return text[1:-1]
    parts = []
    at = 1
    while at < len(text) - 1:
        code, is_byte, at = _unquoted_character(text, at, '"')
        parts.append(bytes([code]) if is_byte else chr(code).encode("utf-8", "surrogatepass"))
    return from_bytes(b"".join(parts))


def _unquoted_character(text: str, at: int, quote: str) -> tuple[int, bool, int]:
    """Return the code of one character, whether it is a bare byte, and where the next character begins."""
    if text[at] != "\\":
        return ord(text[at]), False, at + 1
    letter = text[at + 1]
    if letter == quote:
        return ord(quote), False, at + 2
    if letter in _ESCAPES:
        return _ESCAPES[letter], False, at + 2
    if letter in _CODES:
        width = _CODES[letter]
        code = _code(text[at + 2 : at + 2 + width], width, 16)
        if letter != "x" and (code > 0x10FFFF or 0xD800 <= code < 0xE000):
            raise Problem(f"invalid escape in {text}")
        return code, letter == "x", at + 2 + width
    code = _code(text[at + 1 : at + 4], 3, 8)
    if code > 255:
        raise Problem(f"invalid escape in {text}")
    return code, True, at + 4


def _code(digits: str, width: int, base: int) -> int:
    if len(digits) != width or digits.strip(_DIGITS[base]):
        raise Problem("invalid escape in a string or character")
    return int(digits, base)
