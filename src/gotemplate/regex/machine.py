"""A program finds a pattern in a text by going through the text once, on all ways of matching side by side.

The pattern becomes a program of small steps; a thread is a place in it. Of two threads that come to the same
place the first is kept, so there are never more threads than steps, and the leftmost, first alternative wins.

https://swtch.com/~rsc/regexp/regexp2.html
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from gotemplate.budget import Budget
from gotemplate.errors import LimitReached
from gotemplate.regex.classes import LetterClass
from gotemplate.regex.patterns import (
    Alternatives,
    Assertion,
    Group,
    Letter,
    Pattern,
    Repeat,
    Sequence,
    may_be_empty,
)
from gotemplate.regex.reading import read_pattern

MAX_PROGRAM = 4000
"""A program has at most this many steps; repetitions of repetitions need many."""
Spans = tuple[int | None, ...]
"""The match begins and ends at 0 and 1, then each group has two positions; None means it took no part."""


@dataclass(slots=True)
class _Step:
    letters: LetterClass | None = None
    place: str = ""
    save: int = -1
    targets: tuple[int, ...] = ()
    """The search goes on at these steps, the preferred first; there is none after a match."""


class Program:
    """A program is a pattern in the form in which it can be searched for."""

    def __init__(self, text: str) -> None:
        """Compile the pattern. Raises Problem if it is wrong."""
        pattern, self.names = read_pattern(text)
        self._steps: list[_Step] = []
        self._emit(Group(0, pattern))
        self._add(_Step())

    # The program

    def _add(self, step: _Step) -> int:
        if len(self._steps) >= MAX_PROGRAM:
            raise LimitReached(f"regular expression: it comes to more than {MAX_PROGRAM} steps")
        self._steps.append(step)
        return len(self._steps) - 1

    def _next(self) -> tuple[int, ...]:
        return (len(self._steps) + 1,)

    def _emit(self, pattern: Pattern) -> None:
        match pattern:
            case Letter(letters=letters):
                self._add(_Step(letters=letters, targets=self._next()))
            case Assertion(kind=kind):
                self._add(_Step(place=kind, targets=self._next()))
            case Sequence(parts=parts):
                for part in parts:
                    self._emit(part)
            case Group(number=number, part=part):
                self._add(_Step(save=2 * number, targets=self._next()))
                self._emit(part)
                self._add(_Step(save=2 * number + 1, targets=self._next()))
            case Alternatives(options=options):
                self._emit_options(options)
            case Repeat():
                self._emit_repeat(pattern)
            case _:
                assert_never(pattern)

    def _emit_options(self, options: tuple[Pattern, ...]) -> None:
        leaps = []
        for option in options[:-1]:
            fork = self._add(_Step())
            self._emit(option)
            leaps.append(self._add(_Step()))
            self._steps[fork].targets = (fork + 1, len(self._steps))
        self._emit(options[-1])
        for leap in leaps:
            self._steps[leap].targets = (len(self._steps),)

    def _emit_repeat(self, repeat: Repeat) -> None:
        part, least, most, greedy = repeat.part, repeat.least, repeat.most, repeat.greedy
        if most is None:
            for _ in range(least - 1):
                self._emit(part)
            if least:
                self._emit_plus(part, greedy)
            elif may_be_empty(part):
                self._emit_optional(part, greedy, plus=True)
            else:
                self._emit_star(part, greedy)
            return
        for _ in range(least):
            self._emit(part)
        forks = []
        for _ in range(most - least):
            forks.append(self._add(_Step()))
            self._emit(part)
        for fork in forks:
            self._fork(fork, fork + 1, len(self._steps), greedy)

    def _fork(self, at: int, into: int, past: int, greedy: bool) -> None:
        self._steps[at].targets = (into, past) if greedy else (past, into)

    def _emit_plus(self, part: Pattern, greedy: bool) -> None:
        start = len(self._steps)
        self._emit(part)
        fork = self._add(_Step())
        self._fork(fork, start, fork + 1, greedy)

    def _emit_star(self, part: Pattern, greedy: bool) -> None:
        fork = self._add(_Step())
        self._emit(part)
        self._add(_Step(targets=(fork,)))
        self._fork(fork, fork + 1, len(self._steps), greedy)

    def _emit_optional(self, part: Pattern, greedy: bool, *, plus: bool) -> None:
        fork = self._add(_Step())
        if plus:
            self._emit_plus(part, greedy)
        else:
            self._emit(part)
        self._fork(fork, fork + 1, len(self._steps), greedy)

    # The search

    def search(self, text: str, start: int, budget: Budget) -> Spans | None:
        """Return the leftmost match from `start` on, or None. Spends steps; raises LimitReached."""
        threads: list[tuple[int, Spans]] = []
        seen: set[int] = set()
        found: Spans | None = None
        nothing: Spans = (None,) * (2 * len(self.names))
        for at in range(start, len(text) + 1):
            if found is None:
                self._follow(threads, seen, 0, nothing, text, at)
            if not threads:
                if found is not None:
                    break
                budget.spend()
                seen.clear()
                continue
            budget.spend(1 + len(seen) // 4)
            following: list[tuple[int, Spans]] = []
            seen = set()
            for place, spans in threads:
                step = self._steps[place]
                if step.letters is None:
                    found = spans
                    break
                if at < len(text) and step.letters.takes(text[at]):
                    self._follow(following, seen, place + 1, spans, text, at + 1)
            threads = following
        return found

    def _follow(
        self, threads: list[tuple[int, Spans]], seen: set[int], place: int, spans: Spans, text: str, at: int
    ) -> None:
        """Follow a thread until it needs a letter or the match is complete."""
        waiting = [(place, spans)]
        while waiting:
            place, spans = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            step = self._steps[place]
            if step.letters is not None or not step.targets:
                threads.append((place, spans))
                continue
            if step.place and not _holds(step.place, text, at):
                continue
            if step.save >= 0:
                spans = (*spans[: step.save], at, *spans[step.save + 1 :])
            waiting.extend((target, spans) for target in reversed(step.targets))


def _holds(place: str, text: str, at: int) -> bool:
    match place:
        case "start":
            return at == 0
        case "end":
            return at == len(text)
        case "line start":
            return at == 0 or text[at - 1] == "\n"
        case "line end":
            return at == len(text) or text[at] == "\n"
    word = _is_word(text[at - 1 : at] if at else "") != _is_word(text[at : at + 1])
    return word == (place == "word")


def _is_word(letter: str) -> bool:
    return letter.isascii() and (letter.isalnum() or letter == "_")


@lru_cache(maxsize=32)
def compiled(text: str) -> Program:
    """Return a pattern's program. Raises Problem."""
    return Program(text)
