"""What type a value has, and whether two are the same."""

from gotemplate.budget import check_nesting
from gotemplate.calls import function
from gotemplate.run import Run
from gotemplate.values import GoMap, GoSlice, GoStruct, kind_name, type_name


def deep_equal(run: Run, first: object, second: object, depth: int = 0) -> bool:
    """Go's reflect.DeepEqual: the types must be the same too, and nil is not empty."""
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


FUNCTIONS = {
    "deepEqual": function(deep_equal, "any any", run=True),
    "kindIs": function(lambda kind, value: kind_name(value) == kind, "string any"),
    "kindOf": function(kind_name, "any"),
    "typeIs": function(lambda name, value: type_name(value) == name, "string any"),
    "typeIsLike": function(lambda name, value: type_name(value) in (name, f"*{name}"), "string any"),
    "typeOf": function(type_name, "any"),
}
