"""These functions tell types, compare values, and give defaults for empty ones."""

from gotemplate.budget import check_nesting
from gotemplate.calls import function
from gotemplate.errors import Problem
from gotemplate.run import Run
from gotemplate.values import GoMap, GoSlice, GoStruct, is_true, kind_name, type_name


def deep_equal(run: Run, first: object, second: object, depth: int = 0) -> bool:
    """Return what Go's reflect.DeepEqual does: the types have to be the same, and nil is not empty."""
    check_nesting(depth)
    run.budget.spend()
    if type_name(first) != type_name(second):
        return False
    if getattr(first, "is_nil", False) != getattr(second, "is_nil", False):
        return False
    match first, second:
        case GoSlice(items=one), GoSlice(items=other):
            return len(one) == len(other) and all(
                deep_equal(run, item, twin, depth + 1) for item, twin in zip(one, other, strict=True)
            )
        case GoMap(entries=one), GoMap(entries=other):
            return one.keys() == other.keys() and all(
                deep_equal(run, item, other[key], depth + 1) for key, item in one.items()
            )
        case GoStruct(fields=one), GoStruct(fields=other):
            return all(
                deep_equal(run, field.value, twin.value, depth + 1)
                for field, twin in zip(one, other, strict=True)
            )
    return first == second


def empty(value: object) -> bool:
    """Return whether it is the zero of its type: 0, "", false, nil, an empty list or map. A time never is."""
    return not is_true(value)


def default(fallback: object, *given: object) -> object:
    """Return the given value, or `fallback` if that is empty."""
    return fallback if not given or empty(given[0]) else given[0]


def coalesce(*values: object) -> object:
    """Return the first value that is not empty, or nil."""
    return next((value for value in values if not empty(value)), None)


def fail(message: str) -> object:
    """Raise Problem with this message, which ends the rendering."""
    raise Problem(message)


FUNCTIONS = {
    "deepEqual": function(deep_equal, "any any", run=True),
    "kindIs": function(lambda kind, value: kind_name(value) == kind, "string any"),
    "kindOf": function(kind_name, "any"),
    "typeIs": function(lambda name, value: type_name(value) == name, "string any"),
    "typeIsLike": function(lambda name, value: type_name(value) in (name, f"*{name}"), "string any"),
    "typeOf": function(type_name, "any"),
    "all": function(lambda *values: not any(map(empty, values)), "...any"),
    "any": function(lambda *values: not all(map(empty, values)), "...any"),
    "coalesce": function(coalesce, "...any"),
    "default": function(default, "any ...any"),
    "empty": function(empty, "any"),
    "fail": function(fail, "string"),
    "ternary": function(lambda yes, no, condition: yes if condition else no, "any any bool"),
}
