"""These functions write and read JSON."""

import math

from gotemplate.calls import function
from gotemplate.errors import LimitReached, Problem
from gotemplate.json_writing import json_text
from gotemplate.run import Run
from gotemplate.values import go_value, valid


def must_to_json(run: Run, value: object) -> str:
    """Return JSON in one line. Raises Problem for a value that JSON cannot hold."""
    return json_text(value, run.budget)


def must_to_pretty_json(run: Run, value: object) -> str:
    """Return JSON that is indented by two spaces. Raises Problem for a value that JSON cannot hold."""
    return json_text(value, run.budget, pretty=True)


def to_raw_json(run: Run, value: object) -> str:
    """Return JSON in one line, with <, > and & as they are. Raises Problem if JSON cannot hold the value."""
    return json_text(value, run.budget, html=False)


def to_json(run: Run, value: object) -> str:
    """Return JSON in one line, or an empty text for a value that JSON cannot hold."""
    return _or_empty(run, value, pretty=False)


def to_pretty_json(run: Run, value: object) -> str:
    """Return indented JSON, or an empty text for a value that JSON cannot hold."""
    return _or_empty(run, value, pretty=True)


def _or_empty(run: Run, value: object, *, pretty: bool) -> str:
    try:
        return json_text(value, run.budget, pretty=pretty)
    except LimitReached:
        raise
    except Problem:
        return ""


def must_from_json(run: Run, text: str) -> object:
    """Return a document's value; numbers are floats. Raises Problem if it is no JSON."""
    try:
        value, complete = _read(run, text)
    except ValueError as error:
        raise Problem(f"no JSON: {error}") from None
    if not complete:
        raise Problem("a number of the JSON document does not fit into a float64")
    return value


def from_json(run: Run, text: str) -> object:
    """Return a document's value, or nil if it is no JSON."""
    try:
        return _read(run, text)[0]
    except ValueError:
        return None


def _read(run: Run, text: str) -> tuple[object, bool]:
    """Return the value, and whether all its numbers fit into floats."""
    import json  # few templates read JSON

    run.budget.spend(len(text))
    numbers = _Numbers()
    value = json.loads(
        valid(text), parse_float=numbers.read, parse_int=numbers.read, parse_constant=_refuse_constant
    )
    return go_value(value), numbers.complete


class _Numbers:
    def __init__(self) -> None:
        self.complete = True

    def read(self, text: str) -> float | None:
        number = float(text)
        if math.isfinite(number):
            return number
        self.complete = False
        return None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


FUNCTIONS = {
    "toJson": function(to_json, "any", run=True),
    "toPrettyJson": function(to_pretty_json, "any", run=True),
    "toRawJson": function(to_raw_json, "any", run=True),
    "mustToJson": function(must_to_json, "any", run=True),
    "mustToPrettyJson": function(must_to_pretty_json, "any", run=True),
    "mustToRawJson": function(to_raw_json, "any", run=True),
    "fromJson": function(from_json, "string", run=True),
    "mustFromJson": function(must_from_json, "string", run=True),
}
