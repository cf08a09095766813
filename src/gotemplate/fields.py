"""What a template reads of a value by name: a struct's fields, a map's keys, the methods of Go's types."""

from gotemplate.calls import Function
from gotemplate.errors import Problem
from gotemplate.values import NO_VALUE, GoMap, GoStruct, Int64, Uint8, type_name


def method_of(receiver: object, name: str) -> Function | None:
    """A method; its first argument is the receiver."""
    methods = getattr(receiver, "methods", None)
    return None if methods is None else methods().get(name)


def field_of(receiver: object, name: str) -> object:
    """A field. Raises Problem; a key that a map has not is no error."""
    match receiver:
        case GoStruct(found=found) if name in found:
            return found[name]
        case GoMap(entries=entries):
            return entries.get(name, NO_VALUE)
        case None:
            raise Problem(f"nil pointer evaluating interface {{}}.{name}")
    raise Problem(f"can't evaluate field {name} in type {type_name(receiver)}")


def as_integer(type_: str, value: int) -> object:
    """An integer of a Go type."""
    if type_ == "int64":
        return Int64(value)
    if type_ == "uint8":
        return Uint8(value)
    if type_.startswith("time."):
        from gotemplate.durations import NAMED

        return NAMED[type_](value)
    return value
