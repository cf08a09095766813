"""This module describes functions, converts their arguments, and finds the methods and fields of values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gotemplate.errors import Problem
from gotemplate.literals import Number
from gotemplate.values import NO_VALUE, GoMap, GoStruct, type_name, zero_of

ANYTHING = ("any", "value")
"""Parameters of these types take any value; `value` is Go's reflect.Value, which makes no difference here."""
INTEGERS = ("int", "int64", "time.Duration")
GO_NAMES = {"any": "interface {}", "map": "map[string]interface {}", "value": "reflect.Value"}


@dataclass(frozen=True, slots=True)
class Function:
    """A function that templates can call, with the types of its parameters."""

    call: Callable[..., Any]
    """It may raise Problem."""
    parameters: tuple[str, ...] = ()
    """The types are any value string bool int int64 float64 map time.Time time.Duration."""
    rest: str | None = None
    """This is the type of all further arguments; None means that there can be none."""
    short_circuits: bool = False
    """For `and` and `or`, `call` returns for each argument in turn whether it is the result."""
    needs_run: bool = False
    """Its first argument is the Run, with the budget, the clock and the time zones."""

    def parameter(self, index: int) -> str:
        """Return the type of the argument at this index."""
        return self.parameters[index] if index < len(self.parameters) else self.rest or "any"

    def check_count(self, name: str, count: int) -> None:
        """Raise Problem for too few or too many arguments."""
        wanted = len(self.parameters)
        if self.rest is not None and count < wanted:
            raise Problem(f"wrong number of arguments for {name}: want at least {wanted} got {count}")
        if self.rest is None and count != wanted:
            raise Problem(f"wrong number of arguments for {name}: want {wanted} got {count}")


def function(call: Callable[..., Any], parameters: str = "", *, run: bool = False) -> Function:
    """Return a Function; `parameters` are types with spaces between, as in `string int ...any`."""
    names = parameters.split()
    rest = names.pop().removeprefix("...") if names and names[-1].startswith("...") else None
    return Function(call, tuple(names), rest, needs_run=run)


def accepted(value: object, wanted: str) -> object:
    """Return the value as an argument of this type. Raises Problem: as in Go, nothing is converted."""
    if wanted in ANYTHING:
        return None if value is NO_VALUE else value
    if value is NO_VALUE:
        if wanted == "map":
            return GoMap(is_nil=True)
        raise Problem(f"invalid value; expected {GO_NAMES.get(wanted, wanted)}")
    name = GO_NAMES.get(wanted, wanted)
    if type_name(value) != name:
        got = "interface {}" if value is None else type_name(value)
        raise Problem(f"wrong type for value; expected {name}; got {got}")
    return value


def accepted_nil(wanted: str) -> object:
    """Return `nil` as an argument of this type. Raises Problem if the type has no nil."""
    if wanted in ANYTHING:
        return None
    if wanted == "map":
        return zero_of("map[string]interface {}")
    raise Problem(f"cannot assign nil to {wanted}")


def accepted_number(number: Number, wanted: str, as_int: Callable[[int], object]) -> object:
    """Return a constant as an argument of this type, which `as_int` makes of an integer. Raises Problem."""
    if wanted in ANYTHING:
        return ideal(number)
    if wanted in INTEGERS:
        if number.integer is None:
            raise Problem(f"expected integer; found {number.text}")
        return as_int(number.integer)
    if wanted == "float64" and number.real is not None:
        return number.real
    raise Problem(f"expected {wanted}; found {number.text}")


def ideal(number: Number) -> int | float:
    """Return the constant as an int or a float, where any type is right. Raises Problem."""
    if number.is_float and number.real is not None:
        return number.real
    if number.integer is None:
        raise Problem(f"{number.text} overflows int")
    return number.integer


def accepted_constant(value: str | bool, wanted: str) -> object:
    """Return a string or bool constant as an argument of this type. Raises Problem for another type."""
    if wanted in ANYTHING or type_name(value) == wanted:
        return value
    raise Problem(f"expected {wanted}; found {value!r}")


def method_of(receiver: object, name: str) -> Function | None:
    """Return the method of this name, which takes the receiver first, or None if there is none."""
    methods = getattr(receiver, "methods", None)
    return None if methods is None else methods().get(name)


def field_of(receiver: object, name: str) -> object:
    """Return the field, or NO_VALUE for a key that a map does not have. Raises Problem if there is none."""
    match receiver:
        case GoStruct(found=found) if name in found:
            return found[name]
        case GoMap(entries=entries):
            return entries.get(name, NO_VALUE)
        case None:
            raise Problem(f"nil pointer evaluating interface {{}}.{name}")
    raise Problem(f"can't evaluate field {name} in type {type_name(receiver)}")
