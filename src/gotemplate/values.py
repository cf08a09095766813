"""How Python's values stand for Go's.

`str`, `bool`, `int` and `float` are Go's string, bool, int and float64; None is a nil interface. Go's other
types have classes here: a template can see the difference (`eq`, `%T`, `toJson` of a nil slice). A `str` may
hold bytes that are no text, as Python's surrogates: Go's functions cut strings in the middle of a character.
Callers may give lists, tuples and mappings; `go_value` makes the classes of them, and a copy.

https://go.dev/ref/spec#Types
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from gotemplate.budget import check_nesting
from gotemplate.errors import Problem

ANY: Final = "interface {}"


class _NoValue:
    """What a missing field of a map gives: it prints as `<no value>`, and so do its own fields."""

    def __repr__(self) -> str:
        return "<no value>"


NO_VALUE: Final = _NoValue()


class SizedInt(int):
    """An integer of another type than Go's `int`."""

    __slots__ = ()
    TYPE: ClassVar[str]
    KIND: ClassVar[str]
    SIGNED: ClassVar = True


class Int64(SizedInt):
    """What sprig's arithmetic gives."""

    __slots__ = ()
    TYPE = KIND = "int64"


class Uint8(SizedInt):
    """A byte of a string, which `index` gives."""

    __slots__ = ()
    TYPE = KIND = "uint8"
    SIGNED: ClassVar = False


def wrapped(number: int) -> int:
    """As 64 bits hold it: Go's integers overflow silently."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


class GoSlice:
    """A slice; `element` is the Go type of its items. A nil slice is empty, and `null` in JSON."""

    __slots__ = ("element", "is_nil", "items")

    def __init__(self, items: Iterable[object] = (), element: str = ANY, *, is_nil: bool = False) -> None:
        self.items = list(items)
        self.element = element
        self.is_nil = is_nil

    @classmethod
    def of_strings(cls, items: Iterable[str]) -> "GoSlice":
        """Go's []string."""
        return cls(items, "string")


class GoMap:
    """A map with string keys; `element` is the Go type of its values."""

    __slots__ = ("element", "entries", "is_nil")

    def __init__(
        self, entries: Mapping[str, object] | None = None, element: str = ANY, *, is_nil: bool = False
    ) -> None:
        self.entries: dict[str, object] = dict(entries or {})
        self.element = element
        self.is_nil = is_nil

    @classmethod
    def of_strings(cls, entries: Mapping[str, str]) -> "GoMap":
        """Go's map[string]string: labels."""
        return cls(entries, "string")

    def sorted_items(self) -> list[tuple[str, object]]:
        """In key order, which is the order of Go's templates and of its JSON."""
        return sorted(self.entries.items())


@dataclass(frozen=True, slots=True)
class GoField:
    """A field of a struct."""

    name: str
    value: object
    json_name: str = ""
    """Its JSON name if it is not `name`; `-` leaves it out."""
    embedded: bool = False
    """Its value is a GoStruct, the fields of which count as the outer one's."""


class GoStruct:
    """A struct: fields in order; those of embedded structs are found too, the outermost first."""

    __slots__ = ("fields", "found", "name")

    def __init__(self, name: str, fields: Iterable[GoField]) -> None:
        self.name = name
        """With its package: `webhook.combinedDrainData`."""
        self.fields = tuple(fields)
        self.found = _promoted(self.fields)
        """By name, what a template reads; a name that two embedded structs have is not there."""


def _promoted(fields: tuple[GoField, ...]) -> dict[str, object]:
    """https://go.dev/ref/spec#Selectors: the shallowest depth counts, twice at one depth is no field."""
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
    """A copy of `value` in the classes of this module. Raises Problem for what stands for nothing in Go."""
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
    """Without surrogates, which no UTF-8 has: U+FFFD in their place, as Go's JSON reads them."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def valid(text: str) -> str:
    """What goes out: bytes that are no UTF-8 become U+FFFD."""
    return text if text.isascii() else to_bytes(text).decode("utf-8", "replace")


def to_bytes(text: str) -> bytes:
    """The bytes that Go would have."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(data: bytes) -> str:
    """A text again; what is no UTF-8 stays what it is."""
    return data.decode("utf-8", "surrogateescape")


def type_name(value: object) -> str:
    """As Go's %T has it."""
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
    """As Go's reflect.Kind has it."""
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
    """What `if` takes for true: everything but the zero of its type. Structs are always true."""
    match value:
        case GoSlice():
            return bool(value.items)
        case GoMap():
            return bool(value.entries)
        case str() | bool() | int() | float():
            return bool(value)
    return value is not None and value is not NO_VALUE


def zero_of(element: str) -> object:
    """The zero value of a slice's or map's element type."""
    if element.startswith("[]"):
        return GoSlice(element=element[2:], is_nil=True)
    if element.startswith("map[string]"):
        return GoMap(element=element.removeprefix("map[string]"), is_nil=True)
    return {"string": "", "int": 0, "bool": False, "float64": 0.0}.get(element)
