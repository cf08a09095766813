"""These functions change the case of texts, letter by letter as Go does."""

import re
import unicodedata
from typing import Final

from gotemplate.calls import function
from gotemplate.quoting import REPLACEMENT
from gotemplate.sprig.strings import SPACES

_CONNECTORS: Final = "-_" + SPACES
_BARE_BYTES: Final = re.compile("[\udc80-\udcff]")
_CJK: Final = ((0x3400, 0x4D85), (0x4E00, 0x9FCC), (0x20000, 0x2B81D))
_WORDS: Final = re.compile(r"C+|P+|U+(?=UA)|UA+|U+|A+|N+|O+")
"""It finds words by their letters' classes: Connector, Punctuation, Upper, Alphabetic, Number, Other."""


def upper_letter(letter: str) -> str:
    """Return its upper case, if that is one letter, or else its title case."""
    upper = letter.upper()
    return upper if len(upper) == 1 else title_letter(letter)


def title_letter(letter: str) -> str:
    """Return its title case, if that is one letter, or else the letter."""
    title = letter.title()
    return title if len(title) == 1 else letter


def lower_letter(letter: str) -> str:
    """Return its lower case."""
    return letter.lower()[0]


def _runes(text: str) -> str:
    """Return the text with U+FFFD for bytes that are no UTF-8, as Go reads a string letter by letter."""
    return text if text.isascii() else _BARE_BYTES.sub(REPLACEMENT, text)


def upper(text: str) -> str:
    """Return the text in upper case."""
    return text.upper() if text.isascii() else "".join(map(upper_letter, _runes(text)))


def lower(text: str) -> str:
    """Return the text in lower case."""
    return text.lower() if text.isascii() else "".join(map(lower_letter, _runes(text)))


def title(text: str) -> str:
    """Return the text with the first letter of each word in title case; words have letters, digits and _."""
    out = []
    previous = " "
    for letter in _runes(text):
        out.append(title_letter(letter) if _separates(previous) else letter)
        previous = letter
    return "".join(out)


def _separates(letter: str) -> bool:
    if letter < "\x80":
        return not (letter.isalnum() or letter == "_")
    return not (letter.isalpha() or letter.isdecimal()) and letter in SPACES


def untitle(text: str) -> str:
    """Return the text with the first letter of each word in lower case."""
    out = []
    first = True
    for letter in _runes(text):
        is_space = letter in SPACES
        out.append(lower_letter(letter) if first and not is_space else letter)
        first = is_space
    return "".join(out)


def swapcase(text: str) -> str:
    """Return the text with cases swapped; lower case after white space becomes title case."""
    out = []
    after_space = True
    for letter in _runes(text):
        if letter.isupper() or unicodedata.category(letter) == "Lt":
            out.append(lower_letter(letter))
            after_space = False
        elif unicodedata.category(letter) == "Ll":
            out.append(title_letter(letter) if after_space else upper_letter(letter))
            after_space = False
        else:
            out.append(letter)
            after_space = letter in SPACES
    return "".join(out)


def camelcase(text: str) -> str:
    """Return `SomeWords` for `some_words`; connectors at the beginning stay."""
    text = _runes(text)
    rest = text.lstrip(_CONNECTORS)
    out = list(text[: len(text) - len(rest)])
    if not rest:
        return text + text[-1:]
    pending = upper_letter(rest[0])
    for letter in rest[1:]:
        if letter in _CONNECTORS and pending in _CONNECTORS:
            out.append(pending)
        elif pending in _CONNECTORS:
            letter = upper_letter(letter)
        else:
            out.append(pending)
            letter = lower_letter(letter)
        pending = letter
    return "".join([*out, pending])


def _class(letter: str) -> str:
    if letter in _CONNECTORS:
        return "C"
    category = unicodedata.category(letter)
    if category[0] == "P":
        return "P"
    if category == "Lu":
        return "U"
    if category[0] == "L":
        return "O" if any(low <= ord(letter) <= high for low, high in _CJK) else "A"
    return "N" if category[0] == "N" else "O"


class _Joined:
    """The words of a text are joined in lower case, with a connector between them."""

    def __init__(self, text: str, connector: str) -> None:
        classes = "".join(map(_class, text))
        self._words = [
            (found.group()[0], text[found.start() : found.end()]) for found in _WORDS.finditer(classes)
        ]
        self._at = 0
        self._connector = connector
        self._out: list[str] = []

    def text(self) -> str:
        last = len(self._words) - 1
        while self._at < last:
            kind = self._kind()
            if kind == "N":
                self._emit()
                self._with_numbers()
            elif kind in "CP":
                self._emit()
            else:
                self._emit()
                self._after_word(last)
        if self._at <= last:
            self._emit()
        return "".join(self._out)

    def _kind(self) -> str:
        return self._words[self._at][0] if self._at < len(self._words) else ""

    def _emit(self) -> None:
        kind, word = self._words[self._at]
        self._at += 1
        if kind == "C":
            word = self._connector * len(word)
        elif kind == "U":
            word = "".join(lower_letter(letter) if letter.isupper() else letter for letter in word)
        self._out.append(word)

    def _connect(self, unless: str) -> None:
        if self._kind() not in unless:
            self._out.append(self._connector)

    def _with_numbers(self) -> None:
        """Emit what belongs to the number before: numbers and letters in lower case."""
        while self._kind() in ("A", "N"):
            self._emit()
        if self._kind():
            self._connect("CP")

    def _after_word(self, last: int) -> None:
        if self._kind() != "N":
            self._connect("CP")
            return
        if self._at == last:
            return
        if self._words[self._at + 1][0] != "A":
            self._emit()
            self._connect("CP")
            return
        self._out.append(self._connector)
        self._emit()
        self._with_numbers()


FUNCTIONS = {
    "camelcase": function(camelcase, "string"),
    "kebabcase": function(lambda text: _Joined(text, "-").text(), "string"),
    "lower": function(lower, "string"),
    "snakecase": function(lambda text: _Joined(text, "_").text(), "string"),
    "swapcase": function(swapcase, "string"),
    "title": function(title, "string"),
    "untitle": function(untitle, "string"),
    "upper": function(upper, "string"),
}
