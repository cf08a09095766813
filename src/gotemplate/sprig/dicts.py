"""These functions work on maps. `keys` and `values` follow the order of the keys; Go's order is random."""

from gotemplate.budget import check_nesting
from gotemplate.calls import function
from gotemplate.errors import Problem
from gotemplate.run import Run
from gotemplate.sprig.texts import string_of
from gotemplate.sprig.types import empty
from gotemplate.values import ANY, GoMap, GoSlice, go_value, kind_name, type_name


def dict_(run: Run, *values: object) -> GoMap:
    """Return a map of keys and values in turn; a last key without a value gets an empty text."""
    keys = [string_of(run, key) for key in values[::2]]
    items = [*values[1::2], ""][: len(keys)]
    return GoMap(dict(zip(keys, items, strict=True)))


def set_(target: GoMap, key: str, value: object) -> GoMap:
    """Set the key in the map itself, and return it. Raises Problem for a nil map."""
    if target.is_nil:
        raise Problem("assignment to entry in nil map")
    target.entries[key] = value
    return target


def unset(target: GoMap, key: str) -> GoMap:
    """Remove the key from the map itself, and return it."""
    target.entries.pop(key, None)
    return target


def pluck(key: str, *dicts: GoMap) -> GoSlice:
    """Return the values that these maps have for the key."""
    return GoSlice(each.entries[key] for each in dicts if key in each.entries)


def keys_(run: Run, *dicts: GoMap) -> GoSlice:
    """Return the keys of all maps."""
    run.budget.spend(sum(len(each.entries) for each in dicts))
    return GoSlice.of_strings(key for each in dicts for key in sorted(each.entries))


def values_(run: Run, source: GoMap) -> GoSlice:
    """Return all values."""
    run.budget.spend(len(source.entries))
    return GoSlice(value for _, value in source.sorted_items())


def pick(source: GoMap, *keys: str) -> GoMap:
    """Return a map of only these keys."""
    return GoMap({key: source.entries[key] for key in keys if key in source.entries})


def omit(run: Run, source: GoMap, *keys: str) -> GoMap:
    """Return a map without these keys."""
    run.budget.spend(len(source.entries))
    omitted = set(keys)
    return GoMap({key: value for key, value in source.entries.items() if key not in omitted})


def dig(*arguments: object) -> object:
    """Return the value at a path of keys, as in `dig "a" "b" default dict`. Raises Problem."""
    if len(arguments) < 3:
        raise Problem("dig needs at least three arguments")
    *path, fallback, value = arguments
    if not all(isinstance(key, str) for key in path):
        raise Problem("dig: a key is no string")
    for key in path:
        if type_name(value) != f"map[string]{ANY}" or not isinstance(value, GoMap):
            raise Problem(f"dig: a {kind_name(value)} is no dictionary")
        if key not in value.entries:
            return fallback
        value = value.entries[str(key)]
    return value


def merge(run: Run, target: GoMap, *sources: GoMap) -> GoMap:
    """Fill what the first map lacks or has empty from the others, and return it."""
    return _merged(run, target, sources, overwrite=False)


def merge_overwrite(run: Run, target: GoMap, *sources: GoMap) -> GoMap:
    """Overwrite the first map with the values of the others, and return it."""
    return _merged(run, target, sources, overwrite=True)


def _merged(run: Run, target: GoMap, sources: tuple[GoMap, ...], *, overwrite: bool) -> GoMap:
    if target.is_nil and not all(source.is_nil for source in sources):
        target = GoMap()
    for source in sources:
        _merge(run, target, source, overwrite, 0)
    return target


def _merge(run: Run, target: GoMap, source: GoMap, overwrite: bool, depth: int) -> None:
    check_nesting(depth)
    known_empty = not target.entries
    for key, value in list(source.entries.items()):
        run.budget.spend()
        present = target.entries.get(key)
        if value is None:
            if overwrite:
                _put(target, key, value)
            continue
        if isinstance(value, GoMap) and isinstance(present, GoMap):
            _merge(run, present, value, overwrite, depth + 1)
        if isinstance(value, GoSlice) and (overwrite or known_empty):
            _put(target, key, value)
        if not empty(present) and isinstance(value, GoMap | GoSlice):
            continue
        if overwrite or empty(present):
            _put(target, key, value)


def _put(target: GoMap, key: str, value: object) -> None:
    if target.element not in (ANY, type_name(value)):
        raise Problem(f"a {type_name(value)} cannot be put into a {type_name(target)}")
    target.entries[key] = value


def deep_copy(run: Run, value: object) -> object:
    """Return a deep copy."""
    run.budget.spend(_size(run, value, 0))
    return None if value is None else go_value(value)


def _size(run: Run, value: object, depth: int) -> int:
    check_nesting(depth)
    run.budget.spend()
    inner = value.items if isinstance(value, GoSlice) else ()
    inner = list(value.entries.values()) if isinstance(value, GoMap) else inner
    return 1 + sum(_size(run, item, depth + 1) for item in inner)


FUNCTIONS = {
    "dict": function(dict_, "...any", run=True),
    "get": function(lambda source, key: source.entries.get(key, ""), "map string"),
    "set": function(set_, "map string any"),
    "unset": function(unset, "map string"),
    "hasKey": function(lambda source, key: key in source.entries, "map string"),
    "pluck": function(pluck, "string ...map"),
    "keys": function(keys_, "...map", run=True),
    "values": function(values_, "map", run=True),
    "pick": function(pick, "map ...string"),
    "omit": function(omit, "map ...string", run=True),
    "dig": function(dig, "...any"),
    "merge": function(merge, "map ...map", run=True),
    "mustMerge": function(merge, "map ...map", run=True),
    "mergeOverwrite": function(merge_overwrite, "map ...map", run=True),
    "mustMergeOverwrite": function(merge_overwrite, "map ...map", run=True),
    "deepCopy": function(deep_copy, "any", run=True),
    "mustDeepCopy": function(deep_copy, "any", run=True),
}
