"""What a pattern is made of, once it is read."""

from __future__ import annotations

from dataclasses import dataclass

from gotemplate.regex.classes import LetterClass


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter."""

    letters: LetterClass


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place: `start`, `end`, `line start`, `line end`, `word`, `no word`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; nothing if there are none."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The first that fits."""

    options: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """From `least` to `most` times; None = without end."""

    part: Pattern
    least: int
    most: int | None
    greedy: bool


@dataclass(frozen=True, slots=True)
class Group:
    """What is remembered by its number."""

    number: int
    part: Pattern


Pattern = Letter | Assertion | Sequence | Alternatives | Repeat | Group


def may_be_empty(pattern: Pattern) -> bool:
    """Whether it fits where nothing is left."""
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
