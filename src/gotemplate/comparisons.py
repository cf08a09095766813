"""These functions compare values: `eq`, `ne`, `lt`, `le`, `gt`, `ge` and `not`.

Values of one kind can be compared, and integers of all sizes.

https://pkg.go.dev/text/template#hdr-Functions
"""

from gotemplate.calls import function
from gotemplate.errors import Problem
from gotemplate.values import GoMap, GoSlice, GoStruct, is_true, kind_name, type_name

_COMPARED = {bool: "bool", str: "string", float: "float"}


def basic_kind(value: object) -> str:
    """Return bool, string, float, int or uint, or an empty text for a value of another kind."""
    if type(value) in _COMPARED:
        return _COMPARED[type(value)]
    if isinstance(value, int):
        return "uint" if kind_name(value).startswith("uint") else "int"
    return ""


def eq(first: object, *others: object) -> bool:
    """Return whether the first equals one of the others. Raises Problem."""
    if not others:
        raise Problem("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def _equal(first: object, second: object) -> bool:
    kinds = {basic_kind(first), basic_kind(second)}
    if kinds == {"int", "uint"}:
        return first == second
    if len(kinds) > 1:
        if first is None or second is None:
            return False
        raise _incompatible(first, second)
    if kinds != {""}:
        return first == second
    return _equal_others(first, second)


def _equal_others(first: object, second: object) -> bool:
    if first is not None and second is not None and kind_name(first) != kind_name(second):
        raise _incompatible(first, second)
    nils = [value is None or getattr(value, "is_nil", False) for value in (first, second)]
    if any(nils):
        return all(nils)
    if not _is_comparable(second):
        raise Problem(f"non-comparable type {type_name(second)}")
    if type_name(first) != type_name(second):
        return False
    if isinstance(first, GoStruct) and isinstance(second, GoStruct):
        pairs = zip(first.fields, second.fields, strict=True)
        return all(_equal(one.value, other.value) for one, other in pairs)
    return first == second


def _is_comparable(value: object) -> bool:
    if isinstance(value, GoStruct):
        return all(_is_comparable(field.value) for field in value.fields)
    return not isinstance(value, GoSlice | GoMap)


def _incompatible(first: object, second: object) -> Problem:
    return Problem(f"incompatible types for comparison: {type_name(first)} and {type_name(second)}")


def lt(first: object, second: object) -> bool:
    """Return whether the first is less than the second. Raises Problem."""
    kinds = {basic_kind(first), basic_kind(second)}
    if "" in kinds or kinds == {"bool"}:
        raise Problem("invalid type for comparison")
    if len(kinds) > 1 and kinds != {"int", "uint"}:
        raise _incompatible(first, second)
    if isinstance(first, str) and isinstance(second, str):
        return first < second
    return isinstance(first, int | float) and isinstance(second, int | float) and first < second


def le(first: object, second: object) -> bool:
    """Return whether the first is less than the second or equal to it. Raises Problem."""
    return lt(first, second) or eq(first, second)


FUNCTIONS = {
    "eq": function(eq, "value ...value"),
    "ne": function(lambda first, second: not eq(first, second), "value value"),
    "lt": function(lt, "value value"),
    "le": function(le, "value value"),
    "gt": function(lambda first, second: not le(first, second), "value value"),
    "ge": function(lambda first, second: not lt(first, second), "value value"),
    "not": function(lambda value: not is_true(value), "value"),
}
