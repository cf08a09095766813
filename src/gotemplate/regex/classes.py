"""A letter class says which letters match at one place of a pattern."""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from gotemplate.errors import LimitReached
from gotemplate.quoting import REPLACEMENT, is_bare_byte

Range = tuple[int, int]
MAX_RUNE: Final = 0x10FFFF
PERL: Final[dict[str, tuple[Range, ...]]] = {
    "d": ((48, 57),),
    "s": ((9, 10), (12, 13), (32, 32)),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
}
POSIX: Final[dict[str, tuple[Range, ...]]] = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": ((48, 57),),
    "graph": ((33, 126),),
    "lower": ((97, 122),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),),
    "word": PERL["w"],
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
_CATEGORIES: Final = re.compile("C[cfos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?")
_ODD_FOLDS: Final = {"k": "\u212a", "s": "\u017f"}


@dataclass(frozen=True, slots=True)
class Part:
    """A part is ranges of letters or a Unicode category, or with `negated` all other letters."""

    ranges: tuple[Range, ...] = ()
    category: str = ""
    negated: bool = False

    def has(self, letter: str) -> bool:
        """Return whether the letter belongs to the part."""
        if self.category == "Any":
            found = True
        elif self.category:
            found = unicodedata.category(letter).startswith(self.category)
        else:
            code = ord(letter)
            found = any(low <= code <= high for low, high in self.ranges)
        return found != self.negated


@dataclass(slots=True)
class LetterClass:
    """A class matches the letters of its parts, or with `negated` all other letters."""

    parts: list[Part] = field(default_factory=list)
    negated: bool = False
    any_case: bool = False
    known: dict[str, bool] = field(default_factory=dict)
    """These are earlier answers of `takes`."""

    def takes(self, letter: str) -> bool:
        """Return whether this letter matches."""
        answer = self.known.get(letter)
        if answer is None:
            seen = REPLACEMENT if is_bare_byte(letter) else letter
            forms = cases_of(seen) if self.any_case else {seen}
            answer = any(part.has(form) for part in self.parts for form in forms) != self.negated
            self.known[letter] = answer
        return answer


def single(letter: str, *, any_case: bool = False) -> LetterClass:
    """Return the class of only this letter."""
    return LetterClass([Part(((ord(letter), ord(letter)),))], any_case=any_case)


def unicode_part(name: str, negated: bool) -> Part:
    """Return the Unicode class of the name in \\p{name}. Raises LimitReached if it is not known."""
    if name.startswith("^"):
        name, negated = name[1:], not negated
    if name != "Any" and not _CATEGORIES.fullmatch(name):
        raise LimitReached(f"regular expression: the class \\p{{{name}}} is not supported")
    return Part(category=name, negated=negated)


def cases_of(letter: str) -> set[str]:
    """Return the letter in all its cases."""
    lower = letter.lower() if len(letter.lower()) == 1 else letter
    upper = lower.upper() if len(lower.upper()) == 1 else lower
    forms = {letter, lower, upper}
    if lower in _ODD_FOLDS:
        forms.add(_ODD_FOLDS[lower])
    if letter in _ODD_FOLDS.values():
        forms |= {lower, upper.lower(), upper.lower().upper()}
    return forms
