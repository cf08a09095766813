"""This module prints values as Go's fmt does, with the verbs %v, %d, %q and all others.

https://pkg.go.dev/fmt#hdr-Printing
"""

from collections.abc import Callable
from dataclasses import dataclass

from gotemplate.budget import Budget, check_length, check_nesting
from gotemplate.errors import Problem
from gotemplate.numerals import float_text
from gotemplate.quoting import can_backquote, quoted, quoted_rune, rune
from gotemplate.values import (
    ANY,
    NO_VALUE,
    GoMap,
    GoSlice,
    GoStruct,
    SizedInt,
    to_bytes,
    type_name,
)

_BASES = {"d": 10, "v": 10, "b": 2, "o": 8, "O": 8, "x": 16, "X": 16}
_DIGITS = {10: "d", 2: "b", 8: "o", 16: "x"}
_PREFIXES = {2: "0b", 16: "0x"}
_UNSIGNED_64 = 1 << 64


@dataclass(slots=True)
class Flags:
    """These are the flags between % and the verb."""

    width: int | None = None
    precision: int | None = None
    minus: bool = False
    plus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    plus_v: bool = False
    sharp_v: bool = False


def printed(value: object, budget: Budget) -> str:
    """Return the text that an action prints for this value."""
    if isinstance(value, str):
        return value
    if value is NO_VALUE:
        return "<no value>"
    return sprint([value], budget)


def sprint(values: list[object], budget: Budget) -> str:
    """Return what Go's fmt.Sprint returns: it puts a space between two values that are no strings."""
    printer = Printer(budget)
    was_text = True
    for value in values:
        is_text = isinstance(value, str)
        if not was_text and not is_text:
            printer.write(" ")
        printer.argument(value, "v")
        was_text = is_text
    return printer.text()


def sprintln(values: list[object], budget: Budget) -> str:
    """Return what Go's fmt.Sprintln returns: it puts spaces between values and a line break at the end."""
    printer = Printer(budget)
    for index, value in enumerate(values):
        if index:
            printer.write(" ")
        printer.argument(value, "v")
    printer.write("\n")
    return printer.text()


class Printer:
    """A printer writes values with the current flags."""

    def __init__(self, budget: Budget) -> None:
        self.flags = Flags()
        self._budget = budget
        self._parts: list[str] = []
        self._length = 0
        self._erring = False
        """While this is set, no String method is called: the text for a wrong verb is written."""

    def text(self) -> str:
        """Return all that has been written."""
        return "".join(self._parts)

    def write(self, text: str) -> None:
        """Append the text. Raises Problem when all gets too long."""
        self._length += len(text)
        check_length(self._length)
        self._parts.append(text)

    def pad(self, text: str) -> None:
        """Append the text, filled up to the width in characters."""
        flags = self.flags
        missing = (flags.width or 0) - len(text)
        if missing <= 0:
            self.write(text)
            return
        check_length(self._length + missing)
        filler = ("0" if flags.zero and not flags.minus else " ") * missing
        self.write(text + filler if flags.minus else filler + text)

    def pad_spaces(self, text: str) -> None:
        """Append the text, filled up with spaces and never with zeros."""
        zero, self.flags.zero = self.flags.zero, False
        self.pad(text)
        self.flags.zero = zero

    def argument(self, value: object, verb: str) -> None:
        """Write one argument of a print function."""
        self._budget.spend()
        if value is None or value is NO_VALUE:
            if verb in "Tv":
                self.pad("<nil>")
            else:
                self._bad_verb(None, verb)
        elif verb == "T":
            self._string(type_name(value), "s")
        elif verb == "p" and isinstance(value, GoSlice | GoMap):
            raise Problem("%p prints an address, which is not supported")
        else:
            self._value(value, verb, 0)

    def _value(self, value: object, verb: str, depth: int) -> None:
        check_nesting(depth)
        self._budget.spend()
        if verb == "w" and not self._erring:
            self._bad_verb(value, verb)
            return
        go_string = getattr(value, "go_string", None)
        if go_string is not None and self._by_method(value, go_string, verb):
            return
        match value:
            case str():
                self._string(value, verb)
            case bool():
                self._bool(value, verb)
            case int():
                self._integer(value, verb)
            case float():
                self._float(value, verb)
            case GoSlice() | GoMap() | GoStruct():
                self._composite(value, verb, depth)
            case _:
                raise Problem(f"cannot print a {type_name(value)} with %{verb}")

    def _by_method(self, value: object, go_string: Callable[[], str], verb: str) -> bool:
        """Write the value by its own String method, and return whether this was done."""
        if self._erring or verb not in "vsxXq":
            return False
        if not self.flags.sharp_v:
            self._string(go_string(), verb)
            return True
        if isinstance(value, int):
            return False
        raise Problem(f"cannot print a {type_name(value)} with %#v")

    def _bad_verb(self, value: object, verb: str) -> None:
        self._erring = True
        self.write(f"%!{verb}(")
        if value is None:
            self.write("<nil>")
        else:
            self.write(f"{type_name(value)}=")
            self._value(value, "v", 0)
        self.write(")")
        self._erring = False

    # Composite values

    def _composite(self, value: GoSlice | GoMap | GoStruct, verb: str, depth: int) -> None:
        sharp = self.flags.sharp_v
        if sharp and getattr(value, "is_nil", False):
            self.write(f"{type_name(value)}(nil)")
            return
        opening, closing = _brackets(value, sharp)
        self.write(opening)
        element = getattr(value, "element", None)
        for index, (label, item) in enumerate(self._members(value)):
            if index:
                self.write(", " if sharp else " ")
            if isinstance(value, GoMap):
                self._value(label, verb, depth + 1)
                self.write(":")
            else:
                self.write(label)
            self._member(item, verb, depth + 1, element)
        self.write(closing)

    def _members(self, value: GoSlice | GoMap | GoStruct) -> list[tuple[str, object]]:
        match value:
            case GoSlice(items=items):
                return [("", item) for item in items]
            case GoMap():
                return value.sorted_items()
        named = self.flags.plus_v or self.flags.sharp_v
        return [(f"{field.name}:" if named else "", field.value) for field in value.fields]

    def _member(self, value: object, verb: str, depth: int, element: str | None) -> None:
        if value is not None:
            self._value(value, verb, depth)
        elif self.flags.sharp_v:
            self.write(f"{ANY if element is None else element}(nil)")
        else:
            self.write("<nil>")

    # Scalars

    def _bool(self, value: bool, verb: str) -> None:
        if verb in "tv":
            self.pad("true" if value else "false")
        else:
            self._bad_verb(value, verb)

    def _string(self, value: str, verb: str) -> None:
        flags = self.flags
        if verb == "v" and flags.sharp_v:
            verb = "q"
        if verb in "xX":
            self._hexadecimal(to_bytes(value), verb)
            return
        if verb not in "vsq":
            self._bad_verb(value, verb)
            return
        if flags.precision is not None:
            value = value[: flags.precision]
        if verb == "q":
            if flags.sharp and can_backquote(value):
                value = f"`{value}`"
            else:
                self._budget.spend_text(len(value))
                value = quoted(value, ascii_only=flags.plus)
        self.pad(value)

    def _hexadecimal(self, data: bytes, verb: str) -> None:
        flags = self.flags
        data = data if flags.precision is None else data[: flags.precision]
        self._budget.spend_text(5 * len(data))
        digits = [f"{byte:02x}" for byte in data]
        if not digits:
            self.pad("")
            return
        prefix = "0x" if flags.sharp else ""
        text = f" {prefix}".join(digits) if flags.space else "".join(digits)
        text = prefix + text
        self.pad(text.upper() if verb == "X" else text)

    def _integer(self, value: int, verb: str) -> None:
        signed = not isinstance(value, SizedInt) or value.SIGNED
        code = value % _UNSIGNED_64
        if verb == "v" and self.flags.sharp_v and not signed:
            sharp, self.flags.sharp = self.flags.sharp, True
            self._based(value, "x")
            self.flags.sharp = sharp
        elif verb in _BASES:
            self._based(value, verb)
        elif verb == "c":
            self.pad(rune(code))
        elif verb == "q":
            self.pad(quoted_rune(code, ascii_only=self.flags.plus))
        elif verb == "U":
            self._code_point(code)
        else:
            self._bad_verb(value, verb)

    def _code_point(self, code: int) -> None:
        flags = self.flags
        self._budget.spend_text(flags.precision or 0)
        text = f"U+{code:0{max(4, flags.precision or 0)}X}"
        if flags.sharp and code <= 0x10FFFF and rune(code).isprintable():
            text += f" '{rune(code)}'"
        self.pad_spaces(text)

    def _based(self, value: int, verb: str) -> None:
        flags = self.flags
        base = _BASES[verb]
        if flags.precision == 0 and value == 0:
            self.pad_spaces("")
            return
        sign = _shown_sign("-" if value < 0 else "+", flags)
        width = flags.precision
        if width is None and flags.zero and not flags.minus and flags.width is not None:
            width = flags.width - len(sign)
        width = max(width or 0, 1)
        self._budget.spend_text(width)
        digits = format(abs(value), f"0{width}{_DIGITS[base]}")
        if flags.sharp:
            digits = _PREFIXES.get(base, "0" if base == 8 and digits[0] != "0" else "") + digits
        if verb == "O":
            digits = "0o" + digits
        self.pad_spaces(sign + (digits.upper() if verb == "X" else digits))

    def _float(self, value: float, verb: str) -> None:
        if verb not in "vbgGxXfFeE":
            self._bad_verb(value, verb)
            return
        flags = self.flags
        form = {"v": "g", "F": "f"}.get(verb, verb)
        default = 6 if form in "feE" else -1
        precision = default if flags.precision is None else flags.precision
        self._budget.spend_text(400 + max(precision, 0))
        text = float_text(value, form, precision)
        sign = text[0] if text[0] in "+-" else "+"
        text = text.lstrip("+-")
        if text in ("Inf", "NaN"):
            self.pad_spaces((_shown_sign(sign, flags) or "+" * (text == "Inf")) + text)
            return
        if flags.sharp and form != "b":
            text = _with_point(text, form, precision)
        shown = _shown_sign(sign, flags)
        if shown and flags.zero and not flags.minus:
            self._budget.spend_text(flags.width or 0)
            text = text.rjust((flags.width or 0) - len(shown), "0")
        self.pad(shown + text)


def _brackets(value: GoSlice | GoMap | GoStruct, sharp: bool) -> tuple[str, str]:
    if sharp:
        return type_name(value) + "{", "}"
    if isinstance(value, GoStruct):
        return "{", "}"
    return "map[" if isinstance(value, GoMap) else "[", "]"


def _shown_sign(sign: str, flags: Flags) -> str:
    if sign == "-" or flags.plus:
        return sign
    return " " if flags.space else ""


def _with_point(text: str, form: str, precision: int) -> str:
    """Return the text as the # flag asks for it: with a point, and for g with the zeros that it would cut."""
    mantissa, mark, exponent = text, "", ""
    for candidate in ("p", "P") if form in "xX" else ("e", "E"):
        if candidate in text:
            mantissa, mark, exponent = text.partition(candidate)
    wanted = 0
    if form in "gGx":
        wanted = 6 if precision < 0 else precision
        # As Go counts: leading zeros are no digits, but the x of a hexadecimal number is one.
        wanted -= len(mantissa.replace(".", "").lstrip("0"))
    if "." not in mantissa:
        if mantissa == "0":
            wanted -= 1
        mantissa += "."
    return mantissa + "0" * max(wanted, 0) + mark + exponent
