"""A pattern that has been read consists of these parts."""

from __future__ import annotations

from dataclasses import dataclass

from gotemplate.regex.classes import LetterClass


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter of a class."""

    letters: LetterClass


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place in the text: `start`, `end`, `line start`, `line end`, `word` or `no word`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """The parts match one after the other."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The first option that matches is taken."""

    options: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The part matches from `least` to `most` times; None means without end."""

    part: Pattern
    least: int
    most: int | None
    greedy: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The match of the part is kept under a number."""

    number: int
    part: Pattern


Pattern = Letter | Assertion | Sequence | Alternatives | Repeat | Group


def may_be_empty(pattern: Pattern) -> bool:
    """Return whether the pattern can match the empty text."""
    match pattern:
        case Letter():
            return False
        case Sequence(parts=parts):
            return all(map(may_be_empty, parts))
        case Alternatives(options=options):
            return any(map(may_be_empty, options))
        case Repeat(part=part, least=least):
            return least == 0 or may_be_empty(part)
        case Group(part=part):
            return may_be_empty(part)
        case Assertion():
            return True
