"""This module reads patterns. It raises Problem for patterns that Go refuses, and for Unicode scripts."""

import re
from dataclasses import dataclass, replace

from gotemplate.budget import MAX_NESTING
from gotemplate.errors import LimitReached, Problem
from gotemplate.quoting import is_bare_byte
from gotemplate.regex.classes import MAX_RUNE, PERL, POSIX, LetterClass, Part, single, unicode_part
from gotemplate.regex.patterns import (
    Alternatives,
    Assertion,
    Group,
    Letter,
    Pattern,
    Repeat,
    Sequence,
)

MAX_PATTERN = 1000
"""A pattern has at most this many characters."""
MAX_REPEAT = 1000
"""Go has the same limit."""
_COUNTS = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_GROUP_NAME = re.compile(r"\?P?<([A-Za-z0-9_]+)>")
_FLAGS = re.compile(r"\?([imsU]*)(?:(-)([imsU]+))?([:)])")
_CONTROLS = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_PLACES = {"A": "start", "z": "end", "b": "word", "B": "no word"}


@dataclass(frozen=True, slots=True)
class _Flags:
    any_case: bool = False
    lines: bool = False
    dot_takes_all: bool = False
    ungreedy: bool = False


_FLAG_NAMES = {"i": "any_case", "m": "lines", "s": "dot_takes_all", "U": "ungreedy"}


def read_pattern(text: str) -> tuple[Pattern, list[str]]:
    """Return the pattern and the names of its groups; the first, empty one is that of the whole match."""
    if len(text) > MAX_PATTERN:
        raise LimitReached(f"regular expression: longer than {MAX_PATTERN} characters")
    if any(map(is_bare_byte, text)):
        raise Problem("regular expression: it is no UTF-8")
    reader = _Reader(text)
    pattern = reader.alternatives(0)
    if not reader.at_end():
        raise Problem("regular expression: unexpected )")
    return pattern, reader.names


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._flags = _Flags()
        self.names = [""]

    def at_end(self) -> bool:
        return self._at >= len(self._text)

    def _here(self, ahead: int = 0) -> str:
        return self._text[self._at + ahead : self._at + ahead + 1]

    def _take(self) -> str:
        letter = self._here()
        if not letter:
            raise Problem("regular expression: it ends too early")
        self._at += 1
        return letter

    def alternatives(self, depth: int) -> Pattern:
        """Return the pattern up to the closing parenthesis or the end."""
        if depth > MAX_NESTING:
            raise LimitReached(f"regular expression: nested deeper than {MAX_NESTING} levels")
        options = [self._sequence(depth)]
        while self._here() == "|":
            self._at += 1
            options.append(self._sequence(depth))
        return options[0] if len(options) == 1 else Alternatives(tuple(options))

    def _sequence(self, depth: int) -> Pattern:
        parts: list[Pattern] = []
        repeated = False
        while self._here() not in ("", "|", ")"):
            if self._text.startswith("\\Q", self._at):
                parts += self._literal()
                repeated = False
                continue
            counts = self._repetition()
            if counts is None:
                part = self._part(depth)
                if part is not None:
                    parts.append(part)
                repeated = False
                continue
            if repeated or not parts:
                raise Problem("regular expression: nothing that can be repeated before a repetition")
            least, most, greedy = counts
            parts[-1] = Repeat(parts[-1], least, most, greedy != self._flags.ungreedy)
            repeated = True
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repetition(self) -> tuple[int, int | None, bool] | None:
        """Return the least, the most and whether it is greedy, or None if no repetition is here."""
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self._here())
        if simple:
            self._at += 1
            least, most = simple
        else:
            found = _COUNTS.match(self._text, self._at)
            if not found:
                return None
            self._at = found.end()
            least = int(found[1])
            most = least if not found[2] else int(found[3]) if found[3] else None
            if least > MAX_REPEAT or (most is not None and not least <= most <= MAX_REPEAT):
                raise Problem(f"regular expression: invalid repeat count {found.group()}")
        greedy = self._here() != "?"
        self._at += not greedy
        return least, most, greedy

    def _part(self, depth: int) -> Pattern | None:
        letter = self._take()
        flags = self._flags
        match letter:
            case "(":
                return self._group(depth)
            case "[":
                return Letter(self._class())
            case ".":
                parts = [Part(((0, MAX_RUNE),))] if flags.dot_takes_all else [Part(((10, 10),), negated=True)]
                return Letter(LetterClass(parts))
            case "^":
                return Assertion("line start" if flags.lines else "start")
            case "$":
                return Assertion("line end" if flags.lines else "end")
            case "\\":
                return self._escape()
        return Letter(single(letter, any_case=flags.any_case))

    def _group(self, depth: int) -> Pattern | None:
        outer = self._flags
        number = None
        name = _GROUP_NAME.match(self._text, self._at)
        if name:
            self._at = name.end()
        if self._here() != "?":
            number = len(self.names)
            self.names.append(name[1] if name else "")
        else:
            self._set_flags()
            if self._text[self._at - 1] == ")":
                return None
        part = self.alternatives(depth + 1)
        if self._here() != ")":
            raise Problem("regular expression: missing )")
        self._at += 1
        self._flags = outer
        return part if number is None else Group(number, part)

    def _set_flags(self) -> None:
        found = _FLAGS.match(self._text, self._at)
        if not found:
            raise Problem("regular expression: invalid group")
        self._at = found.end()
        self._flags = replace(
            self._flags,
            **{_FLAG_NAMES[flag]: True for flag in found[1]},
            **{_FLAG_NAMES[flag]: False for flag in found[3] or ""},
        )

    # Escapes

    def _escape(self) -> Pattern:
        letter = self._here()
        if letter in _PLACES and letter:
            self._at += 1
            return Assertion(_PLACES[letter])
        part = self._escaped_class()
        if part is not None:
            return Letter(LetterClass([part], any_case=self._flags.any_case and not part.ranges))
        return Letter(single(chr(self._escaped_code()), any_case=self._flags.any_case))

    def _literal(self) -> list[Pattern]:
        """Return what is between \\Q and \\E, letter by letter."""
        end = self._text.find("\\E", self._at)
        stop = len(self._text) if end < 0 else end
        letters = self._text[self._at + 2 : stop]
        self._at = stop if end < 0 else stop + 2
        return [Letter(single(each, any_case=self._flags.any_case)) for each in letters]

    def _escaped_class(self) -> Part | None:
        letter = self._here()
        if letter.lower() in PERL and letter:
            self._at += 1
            return Part(PERL[letter.lower()], negated=letter.isupper())
        if letter not in ("p", "P"):
            return None
        self._at += 1
        name = self._take()
        if name == "{":
            end = self._text.find("}", self._at)
            if end < 0:
                raise Problem("regular expression: invalid \\p")
            name, self._at = self._text[self._at : end], end + 1
        return unicode_part(name, letter == "P")

    def _escaped_code(self) -> int:
        letter = self._take()
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter == "x":
            return self._hexadecimal()
        if letter == "0" or (letter in "1234567" and self._here() in tuple("01234567")):
            digits = letter
            while len(digits) < 3 and self._here() in tuple("01234567"):
                digits += self._take()
            return int(digits, 8)
        if letter.isascii() and not letter.isalnum():
            return ord(letter)
        raise Problem(f"regular expression: invalid escape \\{letter}")

    def _hexadecimal(self) -> int:
        digits = self._take()
        if digits == "{":
            end = self._text.find("}", self._at)
            digits, self._at = self._text[self._at : max(end, self._at)], end + 1
        else:
            digits += self._take()
        if not re.fullmatch("[0-9a-fA-F]{1,8}", digits) or int(digits, 16) > MAX_RUNE:
            raise Problem("regular expression: invalid \\x")
        return int(digits, 16)

    # Classes in brackets

    def _class(self) -> LetterClass:
        letters = LetterClass(any_case=self._flags.any_case)
        if self._here() == "^":
            self._at += 1
            letters.negated = True
        first = True
        while first or self._here() != "]":
            if self.at_end():
                raise Problem("regular expression: missing ]")
            first = False
            letters.parts.append(self._class_part())
        self._at += 1
        return letters

    def _class_part(self) -> Part:
        if self._text.startswith("[:", self._at):
            end = self._text.find(":]", self._at + 2)
            if end > 0:
                return self._posix(end)
        if self._here() == "\\":
            self._at += 1
            part = self._escaped_class()
            if part is not None:
                return part
            self._at -= 1
        low = self._class_code()
        if self._here() != "-" or self._here(1) in ("]", ""):
            return Part(((low, low),))
        self._at += 1
        high = self._class_code()
        if high < low:
            raise Problem("regular expression: invalid range in [ ]")
        return Part(((low, high),))

    def _class_code(self) -> int:
        letter = self._take()
        return self._escaped_code() if letter == "\\" else ord(letter)

    def _posix(self, end: int) -> Part:
        name = self._text[self._at + 2 : end]
        self._at = end + 2
        negated = name.startswith("^")
        if name.removeprefix("^") not in POSIX:
            raise Problem(f"regular expression: invalid class [:{name}:]")
        return Part(POSIX[name.removeprefix("^")], negated=negated)
