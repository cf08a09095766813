"""These classes stand for Go's types.

`str`, `bool`, `int` and `float` are Go's string, bool, int and float64; None is a nil interface. Go's other
types have classes here, because a template can see the difference (`eq`, `%T`, `toJson` of a nil slice). Go's
functions can cut a character in the middle, so a `str` may hold bytes that are no text, as surrogates.
Callers may give lists, tuples and mappings; `go_value` copies them into these classes.

https://go.dev/ref/spec#Types
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from gotemplate.budget import check_nesting
from gotemplate.errors import Problem

ANY: Final = "interface {}"


class _NoValue:
    """A missing field of a map has this value. It prints as `<no value>`, and so do its own fields."""

    def __repr__(self) -> str:
        return "<no value>"


NO_VALUE: Final = _NoValue()


class SizedInt(int):
    """An integer of another Go type than `int`."""

    __slots__ = ()
    TYPE: ClassVar[str]
    KIND: ClassVar[str]
    SIGNED: ClassVar = True


class Int64(SizedInt):
    """An int64, which sprig's arithmetic returns."""

    __slots__ = ()
    TYPE = KIND = "int64"


class Uint8(SizedInt):
    """A byte of a string, which `index` returns."""

    __slots__ = ()
    TYPE = KIND = "uint8"
    SIGNED: ClassVar = False


def wrapped(number: int) -> int:
    """Return the number as 64 bits hold it, since Go's integers overflow silently."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


class GoSlice:
    """A slice has items of the Go type `element`. A nil slice is empty, and `null` in JSON."""

    __slots__ = ("element", "is_nil", "items")

    def __init__(self, items: Iterable[object] = (), element: str = ANY, *, is_nil: bool = False) -> None:
        self.items = list(items)
        self.element = element
        self.is_nil = is_nil

    @classmethod
    def of_strings(cls, items: Iterable[str]) -> "GoSlice":
        """Return a []string."""
        return cls(items, "string")


class GoMap:
    """A map has string keys, and values of the Go type `element`."""

    __slots__ = ("element", "entries", "is_nil")

    def __init__(
        self, entries: Mapping[str, object] | None = None, element: str = ANY, *, is_nil: bool = False
    ) -> None:
        self.entries: dict[str, object] = dict(entries or {})
        self.element = element
        self.is_nil = is_nil

    def sorted_items(self) -> list[tuple[str, object]]:
        """Return the items in the order of their keys, as Go's templates and its JSON do."""
        return sorted(self.entries.items())


@dataclass(frozen=True, slots=True)
class GoField:
    """A struct has fields with names and values."""

    name: str
    value: object
    json_name: str = ""
    """This is its JSON name if that is not `name`; `-` leaves it out."""
    embedded: bool = False
    """If true, its value is a GoStruct, whose fields count as the outer one's."""


class GoStruct:
    """A struct has fields in order. Those of embedded structs are found too, the outermost first."""

    __slots__ = ("fields", "found", "name")

    def __init__(self, name: str, fields: Iterable[GoField]) -> None:
        self.name = name
        """The name includes the package, as in `main.Event`."""
        self.fields = tuple(fields)
        self.found = _promoted(self.fields)
        """A template reads these values by name. A name that two embedded structs have is missing."""


def _promoted(fields: tuple[GoField, ...]) -> dict[str, object]:
    """Return the values by name: the outermost counts, and two at one depth count as none.

    https://go.dev/ref/spec#Selectors
    """
    found: dict[str, object] = {field.name: field.value for field in fields}
    seen: dict[str, int] = {}
    inner: dict[str, object] = {}
    for field in fields:
        if field.embedded and isinstance(field.value, GoStruct):
            for name, value in field.value.found.items():
                seen[name] = seen.get(name, 0) + 1
                inner[name] = value
    return {**{name: value for name, value in inner.items() if seen[name] == 1}, **found}


def go_value(value: object, depth: int = 0) -> object:
    """Return a copy in the classes of this module. Raises Problem if Go has no type for it."""
    check_nesting(depth)
    match value:
        case GoSlice():
            copies = [go_value(item, depth + 1) for item in value.items]
            return GoSlice(copies, value.element, is_nil=value.is_nil)
        case GoMap():
            entries = {key: go_value(item, depth + 1) for key, item in value.entries.items()}
            return GoMap(entries, value.element, is_nil=value.is_nil)
        case list() | tuple():
            return GoSlice(go_value(item, depth + 1) for item in value)
        case Mapping():
            return _go_map(value, depth)
        case GoStruct():
            return _go_struct(value, depth)
    return _go_scalar(value)


def _go_map(value: Mapping[object, object], depth: int) -> GoMap:
    entries = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise Problem(f"a map's key is a {type(key).__name__}, not a text")
        entries[clean(key)] = go_value(item, depth + 1)
    return GoMap(entries)


def _go_struct(value: GoStruct, depth: int) -> GoStruct:
    fields = (
        GoField(field.name, go_value(field.value, depth + 1), field.json_name, field.embedded)
        for field in value.fields
    )
    return GoStruct(value.name, fields)


def _go_scalar(value: object) -> object:
    match value:
        case str():
            return clean(value)
        case None | bool() | float() | SizedInt():
            return value
        case int():
            if wrapped(value) != value:
                raise Problem("a number does not fit into 64 bits")
            return int(value)
    if hasattr(value, "TYPE"):
        return value
    raise Problem(f"a {type(value).__name__} cannot be given to a template")


def clean(text: str) -> str:
    """Return the text with U+FFFD in place of surrogates, as Go's JSON reads them."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def valid(text: str) -> str:
    """Return the text with U+FFFD in place of bytes that are no UTF-8."""
    return text if text.isascii() else to_bytes(text).decode("utf-8", "replace")


def to_bytes(text: str) -> bytes:
    """Return the bytes that Go would have."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(data: bytes) -> str:
    """Return the text of these bytes; `to_bytes` makes the same bytes of it, also those that are no UTF-8."""
    return data.decode("utf-8", "surrogateescape")


def type_name(value: object) -> str:
    """Return the type's name as Go's %T prints it."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "bool"
        case str():
            return "string"
        case float():
            return "float64"
        case GoSlice():
            return f"[]{value.element}"
        case GoMap():
            return f"map[string]{value.element}"
        case GoStruct():
            return value.name
    return str(getattr(value, "TYPE", "int"))


def kind_name(value: object) -> str:
    """Return the kind's name as Go's reflect.Kind prints it."""
    match value:
        case None:
            return "invalid"
        case GoSlice():
            return "slice"
        case GoMap():
            return "map"
        case GoStruct():
            return "struct"
    return str(getattr(value, "KIND", type_name(value)))


def is_true(value: object) -> bool:
    """Return whether the value is not the zero of its type, so that `if` is true. Structs always are."""
    match value:
        case GoSlice():
            return bool(value.items)
        case GoMap():
            return bool(value.entries)
        case str() | bool() | int() | float():
            return bool(value)
    return value is not None and value is not NO_VALUE


def zero_of(element: str) -> object:
    """Return the zero value of a slice's or map's element type."""
    if element.startswith("[]"):
        return GoSlice(element=element[2:], is_nil=True)
    if element.startswith("map[string]"):
        return GoMap(element=element.removeprefix("map[string]"), is_nil=True)
    return {"string": "", "int": 0, "bool": False, "float64": 0.0}.get(element)
