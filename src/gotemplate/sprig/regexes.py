"""These functions match, find, replace and split by regular expressions. https://pkg.go.dev/regexp"""

import re
from collections.abc import Callable, Iterator
from itertools import islice

from gotemplate.budget import check_length
from gotemplate.calls import Function, function
from gotemplate.errors import LimitReached, Problem
from gotemplate.regex.machine import Program, Spans, compiled
from gotemplate.run import Run
from gotemplate.values import GoSlice

_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")
_QUOTED = re.compile(r"[\\.+*?()|\[\]{}^$]")


def must_match(run: Run, pattern: str, text: str) -> bool:
    """Return whether the pattern is anywhere in the text. Raises Problem for a wrong pattern."""
    return compiled(pattern).search(text, 0, run.budget) is not None


def match(run: Run, pattern: str, text: str) -> bool:
    """Return whether the pattern is anywhere in the text, and false for a wrong pattern."""
    try:
        program = compiled(pattern)
    except LimitReached:
        raise
    except Problem:
        return False
    return program.search(text, 0, run.budget) is not None


def find(run: Run, pattern: str, text: str) -> str:
    """Return the first match, or an empty text if there is none."""
    spans = compiled(pattern).search(text, 0, run.budget)
    return "" if spans is None else _text_of(text, spans, 0)


def find_all(run: Run, pattern: str, text: str, limit: int) -> GoSlice:
    """Return up to `limit` matches, or all if it is negative."""
    found = [_text_of(text, spans, 0) for spans in _limited(_all(run, compiled(pattern), text), limit)]
    return GoSlice(found, "string", is_nil=not found)


def replace_all(run: Run, pattern: str, text: str, replacement: str) -> str:
    """Replace every match; $1 and ${name} in the replacement mean its groups."""
    program = compiled(pattern)
    return _replaced(run, program, text, lambda spans: _expanded(program, replacement, text, spans))


def replace_all_literal(run: Run, pattern: str, text: str, replacement: str) -> str:
    """Replace every match by the replacement as it is."""
    return _replaced(run, compiled(pattern), text, lambda _: replacement)


def split(run: Run, pattern: str, text: str, limit: int) -> GoSlice:
    """Return the parts between the matches, up to `limit`, or all if it is negative."""
    program = compiled(pattern)
    if limit == 0:
        return GoSlice(element="string", is_nil=True)
    if pattern and not text:
        return GoSlice.of_strings([""])
    parts: list[str] = []
    begin = end = 0
    for spans in _limited(_all(run, program, text), limit):
        if limit > 0 and len(parts) == limit - 1:
            break
        end, following = _span(spans, 0)
        if following:
            parts.append(text[begin:end])
        begin = following
    if end != len(text):
        parts.append(text[begin:])
    return GoSlice.of_strings(parts)


def quote_meta(text: str) -> str:
    """Return a pattern that means exactly this text."""
    return _QUOTED.sub(lambda found: "\\" + found.group(), text)


def _span(spans: Spans, group: int) -> tuple[int, int]:
    begin, end = spans[2 * group], spans[2 * group + 1]
    return (0, 0) if begin is None or end is None else (begin, end)


def _text_of(text: str, spans: Spans, group: int) -> str:
    begin, end = _span(spans, group)
    return text[begin:end]


def _limited(found: Iterator[Spans], limit: int) -> Iterator[Spans]:
    return found if limit < 0 else islice(found, limit)


def _all(run: Run, program: Program, text: str) -> Iterator[Spans]:
    """Yield the matches that do not overlap; an empty one never touches the one before."""
    at = 0
    previous = -1
    while at <= len(text):
        spans = program.search(text, at, run.budget)
        if spans is None:
            return
        begin, end = _span(spans, 0)
        accepted = end != at or begin != previous
        at = at + 1 if end == at else end
        previous = end
        if accepted:
            yield spans


def _replaced(run: Run, program: Program, text: str, replacement: Callable[[Spans], str]) -> str:
    parts = []
    length = 0
    last = at = 0
    while at <= len(text):
        spans = program.search(text, at, run.budget)
        if spans is None:
            break
        begin, end = _span(spans, 0)
        parts.append(text[last:begin])
        if end > last or begin == 0:
            parts.append(replacement(spans))
            length += len(parts[-1])
            check_length(length)
        last = end
        at = max(at + 1, end)
    parts.append(text[last:])
    return "".join(parts)


def _expanded(program: Program, replacement: str, text: str, spans: Spans) -> str:
    def group_of(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        name = found[2] or found[3]
        if name.isascii() and name.isdigit() and (name == "0" or name[0] != "0") and len(name) < 9:
            return _text_of(text, spans, int(name)) if int(name) < len(program.names) else ""
        groups = [group for group, known in enumerate(program.names) if known == name]
        return next((_text_of(text, spans, group) for group in groups if spans[2 * group] is not None), "")

    return _REFERENCE.sub(group_of, replacement)


_FIND = function(find, "string string", run=True)
_FIND_ALL = function(find_all, "string string int", run=True)
_REPLACE = function(replace_all, "string string string", run=True)
_REPLACE_LITERAL = function(replace_all_literal, "string string string", run=True)
_SPLIT = function(split, "string string int", run=True)
FUNCTIONS: dict[str, Function] = {
    "regexMatch": function(match, "string string", run=True),
    "mustRegexMatch": function(must_match, "string string", run=True),
    "regexFind": _FIND,
    "mustRegexFind": _FIND,
    "regexFindAll": _FIND_ALL,
    "mustRegexFindAll": _FIND_ALL,
    "regexReplaceAll": _REPLACE,
    "mustRegexReplaceAll": _REPLACE,
    "regexReplaceAllLiteral": _REPLACE_LITERAL,
    "mustRegexReplaceAllLiteral": _REPLACE_LITERAL,
    "regexSplit": _SPLIT,
    "mustRegexSplit": _SPLIT,
    "regexQuoteMeta": function(quote_meta, "string"),
}
