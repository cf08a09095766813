"""Label selectors as the API takes them in a query: `app=web,tier!=db,pod-template-hash in (a,b),!old`.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

import re
from collections.abc import Callable, Mapping

from nth.errors import Rejected

Matches = Callable[[Mapping[str, str]], bool]

_KEY = r"[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?"
_SET = re.compile(rf"(?P<key>{_KEY})\s+(?P<operator>in|notin)\s+\((?P<values>[^()]*)\)")
_EQUAL = re.compile(rf"(?P<key>{_KEY})\s*(?P<operator>==|=|!=)\s*(?P<value>[A-Za-z0-9._-]*)")
_EXISTS = re.compile(rf"(?P<absent>!?)\s*(?P<key>{_KEY})")


def parse_selector(text: str) -> Matches:
    """Returns a test of labels; an empty text matches all. Rejected: not a selector."""
    # Commas also stand inside the parentheses of a set.
    parts = [part.strip() for part in re.split(r",(?![^()]*\))", text)] if text.strip() else []
    rules = [_rule(part) for part in parts]
    return lambda labels: all(rule(labels) for rule in rules)


def _rule(part: str) -> Matches:
    if found := _SET.fullmatch(part):
        values = frozenset(value.strip() for value in found["values"].split(","))
        return _one_of(found["key"], values, wanted=found["operator"] == "in")
    if found := _EQUAL.fullmatch(part):
        return _one_of(found["key"], frozenset({found["value"]}), wanted=found["operator"] != "!=")
    if found := _EXISTS.fullmatch(part):
        key, absent = found["key"], bool(found["absent"])
        return lambda labels: (key in labels) is not absent
    raise Rejected(f"400: unable to parse requirement: {part!r} is not a label selector")


def _one_of(key: str, values: frozenset[str], *, wanted: bool) -> Matches:
    """Returns a test for `in`, or for `notin`, which a missing label satisfies too."""
    if wanted:
        return lambda labels: key in labels and labels[key] in values
    return lambda labels: key not in labels or labels[key] not in values
