"""Defaults: what stands in for what is empty."""

from gotemplate.calls import function
from gotemplate.errors import Problem
from gotemplate.values import is_true


def empty(value: object) -> bool:
    """Whether it is the zero of its type: 0, "", false, nil, an empty list or map. A time never is."""
    return not is_true(value)


def default(fallback: object, *given: object) -> object:
    """`given`, or `fallback` if that is empty."""
    return fallback if not given or empty(given[0]) else given[0]


def coalesce(*values: object) -> object:
    """The first that is not empty."""
    return next((value for value in values if not empty(value)), None)


def fail(message: str) -> object:
    """End the rendering with this message."""
    raise Problem(message)


FUNCTIONS = {
    "all": function(lambda *values: not any(map(empty, values)), "...any"),
    "any": function(lambda *values: not all(map(empty, values)), "...any"),
    "coalesce": function(coalesce, "...any"),
    "default": function(default, "any ...any"),
    "empty": function(empty, "any"),
    "fail": function(fail, "string"),
    "ternary": function(lambda yes, no, condition: yes if condition else no, "any any bool"),
}
