"""Reads the fields of one line of a log, in JSON or as text, whatever has passed it on.

`kubectl logs --prefix` and `--timestamps`, stern, `logcli`, `aws logs tail` and files of container
runtimes put something before our line; log collectors and exports wrap it into the field `log` or another
one of an object of their own.
"""

import json
import re

Fields = dict[str, object]
WRAPPERS = ("log", "message", "msg", "line", "@message", "value")
"""Fields that hold the line as others found it: collectors, Loki (`line`), CloudWatch (the last two)."""
_LABELS = re.compile(r"\S+\s+\{(?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*\}\s+(?=\S)")
"""An instant and labels, which `logcli` puts before a line: https://grafana.com/docs/loki/latest/query/logcli/"""
_TIME = re.compile(r"\d{4}-[01]\d-[0-3]\dT")
_TEXT = re.compile(r"\d{4}/[01]\d/[0-3]\d \d\d:\d\d:\d\d (?:DBG|INF|WRN|ERR|FTL)(?: (.*))?$")
_FIELD = re.compile(r" ([A-Za-z_][A-Za-z0-9_]*)=")
_ITEM = re.compile(r"[^\"\];][^\];]*")
"""An item of a list that needs no quotes."""


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)


def parse(text: str) -> Fields | None:
    """Returns the fields; None: not our line, or cut off. The form that begins first may quote the other."""
    match = _TEXT.search(text.rstrip())
    labels = _LABELS.match(text)
    begin = text.find("{", labels.end() if labels is not None else 0)
    if match is not None and (begin < 0 or match.start() < begin):
        return _from_text(match[1] or "")
    return None if begin < 0 else _from_json(text, begin)


def _from_json(text: str, begin: int) -> Fields | None:
    try:
        found, _ = _DECODER.raw_decode(text, begin)
    except (ValueError, RecursionError):
        return None
    return _from_object(found) if isinstance(found, dict) else None


def _from_object(found: Fields) -> Fields | None:
    own = _own(found)
    if own is not None:
        return own
    inner = next((value for name in WRAPPERS if isinstance(value := found.get(name), str | dict)), None)
    return parse(inner) if isinstance(inner, str) else _own(inner) if isinstance(inner, dict) else None


def _own(found: Fields) -> Fields | None:
    """Returns an object's fields without those that each line has; None: the handler did not write it."""
    level, at, message = (found.get(name) for name in ("level", "time", "message"))
    if not (isinstance(level, str) and isinstance(message, str) and _TIME.match(str(at))):
        return None
    return {name: value for name, value in found.items() if name not in ("level", "time", "message")}


def _from_text(rest: str) -> Fields:
    """Returns the fields. No message holds text that looks like one, so the first match begins them."""
    match = _FIELD.search(rest)
    return (_fields(rest, match.start()) if match is not None else None) or {}


def _fields(rest: str, begin: int) -> Fields | None:
    """Returns the fields; None: from there on it is not all fields."""
    fields: Fields = {}
    while begin < len(rest):
        match = _FIELD.match(rest, begin)
        if match is None:
            return None
        found = _value(rest, match.end())
        if found is None:
            return None
        fields[match[1]], begin = found
    return fields


def _value(rest: str, begin: int) -> tuple[object, int] | None:
    """Returns (value, its end); None if it does not end."""
    first = rest[begin : begin + 1]
    if first in ('"', "{"):
        try:
            return _DECODER.raw_decode(rest, begin)
        except (ValueError, RecursionError):
            return None
    if first == "[":
        return _list(rest, begin + 1)
    space = rest.find(" ", begin)
    end_at = len(rest) if space < 0 else space
    value = rest[begin:end_at]
    return (None if value == "None" else value), end_at


def _list(rest: str, begin: int) -> tuple[list[object], int] | None:
    """Returns (items, their end), from behind the bracket on; None if it does not end."""
    items: list[object] = []
    if rest.startswith("]", begin):
        return items, begin + 1
    while True:
        plain = _ITEM.match(rest, begin)
        if plain is not None:
            item, begin = plain[0], plain.end()
        else:
            try:
                item, begin = _DECODER.raw_decode(rest, begin)
            except ValueError:
                return None
        items.append(item)
        if rest.startswith("]", begin):
            return items, begin + 1
        if not rest.startswith("; ", begin):
            return None
        begin += 2
