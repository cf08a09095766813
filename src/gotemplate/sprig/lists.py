"""These functions make, join, cut and search lists. None changes a list that it is given."""

from gotemplate.calls import Function, function
from gotemplate.errors import Problem
from gotemplate.run import Run
from gotemplate.sprig.arithmetic import integer
from gotemplate.sprig.types import deep_equal, empty
from gotemplate.values import GoSlice, kind_name


def items_of(run: Run, value: object) -> list[object]:
    """Return the items of a list. Raises Problem for anything else."""
    if not isinstance(value, GoSlice):
        raise Problem(f"a list is wanted, not a {kind_name(value)}")
    run.budget.spend(len(value.items))
    return value.items


def append(run: Run, value: object, item: object) -> GoSlice:
    """Return the list with one more item at the end."""
    return GoSlice([*items_of(run, value), item])


def prepend(run: Run, value: object, item: object) -> GoSlice:
    """Return the list with one more item at the beginning."""
    return GoSlice([item, *items_of(run, value)])


def concat(run: Run, *lists: object) -> GoSlice:
    """Return all lists as one."""
    joined = [item for value in lists for item in items_of(run, value)]
    return GoSlice(joined, is_nil=not joined)


def chunk(run: Run, size: int, value: object) -> GoSlice:
    """Return the items in lists of at most `size`. Raises Problem for a size that is not positive."""
    items = items_of(run, value)
    if size <= 0:
        raise Problem("the size of a chunk is to be positive")
    chunks = [GoSlice(items[start : start + size]) for start in range(0, len(items), size)]
    return GoSlice(chunks, "[]interface {}")


def first(run: Run, value: object) -> object:
    """Return the first item, or nil if there is none."""
    items = items_of(run, value)
    return items[0] if items else None


def last(run: Run, value: object) -> object:
    """Return the last item, or nil if there is none."""
    items = items_of(run, value)
    return items[-1] if items else None


def rest(run: Run, value: object) -> GoSlice:
    """Return all items but the first, or nil for an empty list."""
    items = items_of(run, value)
    return GoSlice(items[1:], is_nil=not items)


def initial(run: Run, value: object) -> GoSlice:
    """Return all items but the last, or nil for an empty list."""
    items = items_of(run, value)
    return GoSlice(items[:-1], is_nil=not items)


def reverse(run: Run, value: object) -> GoSlice:
    """Return the items in the opposite order."""
    return GoSlice(reversed(items_of(run, value)))


def compact(run: Run, value: object) -> GoSlice:
    """Return the list without its empty items."""
    return GoSlice(item for item in items_of(run, value) if not empty(item))


def uniq(run: Run, value: object) -> GoSlice:
    """Return each item once."""
    kept: list[object] = []
    for item in items_of(run, value):
        if not _is_in(run, item, kept):
            kept.append(item)
    return GoSlice(kept)


def without(run: Run, value: object, *omitted: object) -> GoSlice:
    """Return the list without these items."""
    return GoSlice(item for item in items_of(run, value) if not _is_in(run, item, list(omitted)))


def has(run: Run, needle: object, value: object) -> bool:
    """Return whether the item is in the list."""
    return value is not None and _is_in(run, needle, items_of(run, value))


def _is_in(run: Run, needle: object, items: list[object]) -> bool:
    return any(deep_equal(run, needle, item) for item in items)


def slice_(run: Run, value: object, *indexes: object) -> object:
    """Return the items from an index to before another, or nil for an empty list. Raises Problem."""
    items = items_of(run, value)
    if not items:
        return None
    start = integer(indexes[0]) if indexes else 0
    end = integer(indexes[1]) if len(indexes) > 1 else len(items)
    if not 0 <= start <= end <= len(items):
        raise Problem(f"slice index out of bounds: [{start}:{end}] of {len(items)}")
    element = value.element if isinstance(value, GoSlice) else ""
    return GoSlice(items[start:end], element)


def _names(plain: str, made: Function) -> dict[str, Function]:
    """Return a function under its name and under that with `must`; here both raise Problem."""
    return {plain: made, f"must{plain[0].upper()}{plain[1:]}": made}


FUNCTIONS = {
    "list": function(lambda *items: GoSlice(items), "...any"),
    "tuple": function(lambda *items: GoSlice(items), "...any"),
    "concat": function(concat, "...any", run=True),
    **_names("append", function(append, "any any", run=True)),
    **_names("push", function(append, "any any", run=True)),
    **_names("prepend", function(prepend, "any any", run=True)),
    **_names("chunk", function(chunk, "int any", run=True)),
    **_names("compact", function(compact, "any", run=True)),
    **_names("first", function(first, "any", run=True)),
    **_names("has", function(has, "any any", run=True)),
    **_names("initial", function(initial, "any", run=True)),
    **_names("last", function(last, "any", run=True)),
    **_names("rest", function(rest, "any", run=True)),
    **_names("reverse", function(reverse, "any", run=True)),
    **_names("slice", function(slice_, "any ...any", run=True)),
    **_names("uniq", function(uniq, "any", run=True)),
    **_names("without", function(without, "any ...any", run=True)),
}
