"""This is Go's fmt.Sprintf: flags, width, precision, argument numbers, and its texts for wrong formats.

https://pkg.go.dev/fmt#hdr-Printing
"""

from gotemplate.budget import Budget
from gotemplate.printing import Flags, Printer
from gotemplate.values import type_name

_FLAGS = {"#": "sharp", "0": "zero", "+": "plus", "-": "minus", " ": "space"}
MAX_WIDTH = 1_000_000
"""Go accepts no larger width or precision."""


def sprintf(format_: str, values: list[object], budget: Budget) -> str:
    """Return the formatted text. Raises Problem for `%p` and when the text gets too long."""
    return _Formatter(format_, values, budget).run()


class _Formatter:
    def __init__(self, format_: str, values: list[object], budget: Budget) -> None:
        self._format = format_
        self._values = values
        self._printer = Printer(budget)
        self._at = 0
        self._argument = 0
        self._reordered = False
        self._good_number = True
        self._after_number = False
        """An argument number such as [3] was just read."""

    def run(self) -> str:
        write = self._printer.write
        while self._at < len(self._format):
            percent = self._format.find("%", self._at)
            if percent < 0:
                write(self._format[self._at :])
                break
            if percent > self._at:
                write(self._format[self._at : percent])
            self._at = percent + 1
            self._good_number = True
            self._read_flags()
            self._read_number()
            self._read_width()
            self._read_precision()
            if not self._after_number:
                self._read_number()
            if self._at >= len(self._format):
                write("%!(NOVERB)")
                break
            self._verb()
        self._extra()
        return self._printer.text()

    def _here(self) -> str:
        return self._format[self._at : self._at + 1]

    def _read_flags(self) -> None:
        flags = self._printer.flags = Flags()
        while self._here() in _FLAGS:
            setattr(flags, _FLAGS[self._here()], True)
            self._at += 1

    def _read_number(self) -> None:
        """Read an argument number in brackets, if one is here."""
        self._after_number = False
        if self._here() != "[":
            return
        self._reordered = True
        end = self._format.find("]", self._at)
        if len(self._format) - self._at < 3 or end < 0:
            self._good_number = False
            self._at += 1
            return
        digits = self._format[self._at + 1 : end]
        self._at = end + 1
        known = digits.isascii() and digits.isdigit() and len(digits) < 8
        if known and 1 <= int(digits) <= len(self._values):
            self._argument = int(digits) - 1
            self._after_number = True
            return
        self._good_number = False
        self._after_number = known

    def _read_digits(self) -> int | None:
        start = end = self._at
        while self._format[end : end + 1] in tuple("0123456789"):
            end += 1
            if int(self._format[start : end - 1] or "0") > MAX_WIDTH:
                self._at = len(self._format)
                return None
        self._at = end
        return int(self._format[start:end]) if end > start else None

    def _take_integer(self) -> int | None:
        """Return the next argument as a width or precision, or None if it is none."""
        if self._argument >= len(self._values):
            return None
        value = self._values[self._argument]
        self._argument += 1
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_WIDTH:
            return None
        return int(value)

    def _read_width(self) -> None:
        flags = self._printer.flags
        if self._here() != "*":
            flags.width = self._read_digits()
            if self._after_number and flags.width is not None:
                self._good_number = False
            return
        self._at += 1
        flags.width = self._take_integer()
        if flags.width is None:
            self._printer.write("%!(BADWIDTH)")
        elif flags.width < 0:
            flags.width = -flags.width
            flags.minus = True
            flags.zero = False
        self._after_number = False

    def _read_precision(self) -> None:
        flags = self._printer.flags
        if self._here() != "." or self._at + 1 >= len(self._format):
            return
        self._at += 1
        if self._after_number:
            self._good_number = False
        self._read_number()
        if self._here() != "*":
            flags.precision = self._read_digits() or 0
            return
        self._at += 1
        flags.precision = self._take_integer()
        if flags.precision is None or flags.precision < 0:
            flags.precision = None
            self._printer.write("%!(BADPREC)")
        self._after_number = False

    def _verb(self) -> None:
        verb = self._here()
        self._at += 1
        printer = self._printer
        if verb == "%":
            printer.write("%")
        elif not self._good_number:
            printer.write(f"%!{verb}(BADINDEX)")
        elif self._argument >= len(self._values):
            printer.write(f"%!{verb}(MISSING)")
        else:
            flags = printer.flags
            if verb in "vw":
                flags.sharp_v, flags.sharp = flags.sharp, False
                flags.plus_v, flags.plus = flags.plus, False
            printer.argument(self._values[self._argument], verb)
            self._argument += 1

    def _extra(self) -> None:
        if self._reordered or self._argument >= len(self._values):
            return
        printer = self._printer
        printer.flags = Flags()
        printer.write("%!(EXTRA ")
        for index, value in enumerate(self._values[self._argument :]):
            if index:
                printer.write(", ")
            if value is None:
                printer.write("<nil>")
            else:
                printer.write(f"{type_name(value)}=")
                printer.argument(value, "v")
        printer.write(")")
