"""These are text/template's functions `and`, `or`, `index`, `len`, `call`, `print`, `printf` and `println`.

Its `slice` is not here, because sprig's takes its place. `comparisons` and `escaping` have the others.
"""

from dataclasses import replace

from gotemplate.calls import function
from gotemplate.errors import Problem
from gotemplate.formats import sprintf
from gotemplate.printing import sprint, sprintln
from gotemplate.run import Run
from gotemplate.values import (
    GoMap,
    GoSlice,
    Uint8,
    is_true,
    kind_name,
    to_bytes,
    type_name,
    zero_of,
)


def length(value: object) -> int:
    """Return how many bytes a string has, or how many items a slice or map."""
    match value:
        case str():
            return len(value) if value.isascii() else len(to_bytes(value))
        case GoSlice():
            return len(value.items)
        case GoMap():
            return len(value.entries)
    raise Problem(f"len of type {type_name(value)}")


def index(value: object, *indexes: object) -> object:
    """Return x[1][2] for `index x 1 2`, and the zero value for a key that a map does not have."""
    if value is None:
        raise Problem("index of untyped nil")
    for key in indexes:
        value = _indexed(value, key)
    return value


def _indexed(value: object, key: object) -> object:
    match value:
        case GoMap():
            if not isinstance(key, str):
                raise Problem(f"value has type {type_name(key)}; should be string")
            return value.entries[key] if key in value.entries else zero_of(value.element)
        case GoSlice():
            return value.items[_position(key, len(value.items))]
        case str():
            data = to_bytes(value)
            return Uint8(data[_position(key, len(data))])
    raise Problem(f"can't index item of type {type_name(value)}")


def _position(key: object, size: int) -> int:
    if isinstance(key, bool) or not isinstance(key, int):
        raise Problem(f"cannot index slice/array with type {type_name(key)}")
    if not 0 <= key < size:
        raise Problem(f"index out of range: {int(key)}")
    return int(key)


def call(value: object, *_: object) -> object:
    """Raise Problem: data contains no functions."""
    raise Problem(f"call of a {kind_name(value)}, which is no function")


def print_(run: Run, *values: object) -> str:
    """Return what Go's fmt.Sprint returns."""
    return sprint(list(values), run.budget)


def println(run: Run, *values: object) -> str:
    """Return what Go's fmt.Sprintln returns."""
    return sprintln(list(values), run.budget)


def printf(run: Run, format_: str, *values: object) -> str:
    """Return what Go's fmt.Sprintf returns."""
    return sprintf(format_, list(values), run.budget)


FUNCTIONS = {
    "and": replace(function(lambda value: not is_true(value), "value ...value"), short_circuits=True),
    "or": replace(function(is_true, "value ...value"), short_circuits=True),
    "call": function(call, "value ...value"),
    "index": function(index, "value ...value"),
    "len": function(length, "value"),
    "print": function(print_, "...any", run=True),
    "printf": function(printf, "string ...any", run=True),
    "println": function(println, "...any", run=True),
}
