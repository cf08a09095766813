"""This module cuts a template's text into tokens as text/template does: text, delimiters, names, constants.

White space within an action is a token, since it separates arguments. `{{- ` and ` -}}` remove the space of
the text beside them.

https://pkg.go.dev/text/template#hdr-Text_and_spaces
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

SPACES: Final = " \t\r\n"


class Kind(Enum):
    """The kind of a token says what it is."""

    TEXT = auto()
    LEFT = auto()
    RIGHT = auto()
    SPACE = auto()
    NAME = auto()
    KEYWORD = auto()
    FIELD = auto()
    VARIABLE = auto()
    DOT = auto()
    NIL = auto()
    BOOL = auto()
    NUMBER = auto()
    STRING = auto()
    OPEN = auto()
    CLOSE = auto()
    PIPE = auto()
    DECLARE = auto()
    ASSIGN = auto()
    OTHER = auto()
    END = auto()
    ERROR = auto()


KEYWORDS: Final = frozenset(
    ("block", "break", "continue", "define", "else", "end", "if", "range", "template", "with")
)
_WORDS = {"nil": Kind.NIL, "true": Kind.BOOL, "false": Kind.BOOL}
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_QUOTED = {
    '"': re.compile(r'"(?:[^"\\\n]|\\[^\n])*"'),
    "'": re.compile(r"'(?:[^'\\\n]|\\[^\n])*'"),
    "`": re.compile(r"`[^`]*`"),
}
_QUOTED_KINDS = {'"': Kind.STRING, "'": Kind.NUMBER, "`": Kind.STRING}
_QUOTED_NAMES = {'"': "quoted string", "'": "character constant", "`": "raw quoted string"}
_DIGITS = tuple("0123456789")
_SINGLE = {"=": Kind.ASSIGN, "|": Kind.PIPE, "(": Kind.OPEN, ")": Kind.CLOSE}


@dataclass(frozen=True, slots=True)
class Token:
    """A token is a piece of the text."""

    kind: Kind
    text: str
    """This is the text as it is written, or the message of an ERROR."""
    position: int
    """It counts characters from the beginning."""


def tokens(text: str) -> list[Token]:
    """Return all tokens; the last is END, or ERROR at the first mistake."""
    return list(_Lexer(text).run())


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._open = 0
        """This many parentheses are open."""

    def run(self) -> Iterator[Token]:
        text = self._text
        while True:
            left = text.find("{{", self._at)
            end = len(text) if left < 0 else left
            plain = text[self._at : end]
            if left >= 0 and self._trims_left(left + 2):
                plain = plain.rstrip(SPACES)
            if plain:
                yield Token(Kind.TEXT, plain, self._at)
            self._at = end
            if left < 0:
                yield Token(Kind.END, "", end)
                return
            failed = False
            for token in self._after_left():
                yield token
                failed = token.kind is Kind.ERROR
            if failed:
                return

    def _trims_left(self, at: int) -> bool:
        return self._text[at : at + 1] == "-" and self._text[at + 1 : at + 2] in tuple(SPACES)

    def _after_left(self) -> Iterator[Token]:
        start = self._at
        self._at += 2
        after = self._at + (2 if self._trims_left(self._at) else 0)
        if self._text.startswith("/*", after):
            yield from self._comment(after)
            return
        yield Token(Kind.LEFT, "{{", start)
        self._at = after
        self._open = 0
        while True:
            token = self._inside()
            yield token
            if token.kind in (Kind.RIGHT, Kind.ERROR):
                return

    def _comment(self, start: int) -> Iterator[Token]:
        end = self._text.find("*/", start + 2)
        if end < 0:
            yield Token(Kind.ERROR, "unclosed comment", start)
            return
        self._at = end + 2
        if not self._skip_right():
            yield Token(Kind.ERROR, "comment ends before closing delimiter", start)

    def _skip_right(self) -> bool:
        """Skip the right delimiter, and return whether it was here."""
        text, at = self._text, self._at
        trims = text[at : at + 1] in tuple(SPACES) and text.startswith("-}}", at + 1)
        if not trims and not text.startswith("}}", at):
            return False
        self._at = at + (4 if trims else 2)
        while trims and text[self._at : self._at + 1] in tuple(SPACES):
            self._at += 1
        return True

    def _inside(self) -> Token:
        start = self._at
        if self._skip_right():
            if self._open:
                return Token(Kind.ERROR, "unclosed left paren", start)
            return Token(Kind.RIGHT, "}}", start)
        if start >= len(self._text):
            return Token(Kind.ERROR, "unclosed action", start)
        letter = self._text[start]
        if letter in SPACES or letter == ":":
            return self._space() if letter in SPACES else self._declare()
        if letter in _QUOTED or letter in _SINGLE:
            return self._quoted(letter) if letter in _QUOTED else self._single(letter)
        return self._constant_or_word(letter)

    def _constant_or_word(self, letter: str) -> Token:
        start = self._at
        if letter in "+-0123456789" or (letter == "." and self._text[start + 1 : start + 2] in _DIGITS):
            return self._number()
        if letter in "$." or _in_name(letter):
            return self._word()
        if " " <= letter <= "~":
            self._at += 1
            return Token(Kind.OTHER, letter, start)
        return Token(Kind.ERROR, f"unrecognized character in action: U+{ord(letter):04X}", start)

    def _space(self) -> Token:
        start = end = self._at
        while self._text[end : end + 1] in tuple(SPACES):
            end += 1
        if self._text.startswith("-}}", end) and end - 1 > start:
            end -= 1
        self._at = end
        return Token(Kind.SPACE, self._text[start:end], start)

    def _quoted(self, quote: str) -> Token:
        start = self._at
        found = _QUOTED[quote].match(self._text, start)
        if not found:
            return Token(Kind.ERROR, f"unterminated {_QUOTED_NAMES[quote]}", start)
        self._at = found.end()
        return Token(_QUOTED_KINDS[quote], found.group(), start)

    def _single(self, letter: str) -> Token:
        self._open += {"(": 1, ")": -1}.get(letter, 0)
        if self._open < 0:
            return Token(Kind.ERROR, "unexpected right paren", self._at)
        self._at += 1
        return Token(_SINGLE[letter], letter, self._at - 1)

    def _declare(self) -> Token:
        if not self._text.startswith(":=", self._at):
            return Token(Kind.ERROR, "expected :=", self._at)
        self._at += 2
        return Token(Kind.DECLARE, ":=", self._at - 2)

    def _number(self) -> Token:
        start = self._at
        found = _NUMBER.match(self._text, start)
        end = found.end() if found else start
        following = self._text[end : end + 1]
        if following in ("+", "-"):
            return Token(Kind.ERROR, "complex numbers are not supported", start)
        if end == start or (following and _in_name(following)):
            return Token(Kind.ERROR, f"bad number syntax: {self._text[start : end + 1]}", start)
        self._at = end
        return Token(Kind.NUMBER, self._text[start:end], start)

    def _word(self) -> Token:
        start = self._at
        first = self._text[start]
        end = start + 1
        while _in_name(self._text[end : end + 1]):
            end += 1
        if not self._ends_word(end):
            return Token(Kind.ERROR, f"bad character {self._text[end]!r} after {self._text[start:end]}", end)
        self._at = end
        word = self._text[start:end]
        if first == "$":
            return Token(Kind.VARIABLE, word, start)
        if first == ".":
            return Token(Kind.FIELD if len(word) > 1 else Kind.DOT, word, start)
        return Token(_WORDS.get(word, Kind.KEYWORD if word in KEYWORDS else Kind.NAME), word, start)

    def _ends_word(self, at: int) -> bool:
        following = self._text[at : at + 1]
        return following in ("", *SPACES, *".,|:)(") or self._text.startswith("}}", at)


def _in_name(letter: str) -> bool:
    return letter == "_" or letter.isalpha() or letter.isdecimal()
