"""A parsed template consists of these nodes. Their positions count characters from the text's beginning."""

from __future__ import annotations

from dataclasses import dataclass

from gotemplate.calls import Function
from gotemplate.literals import Number


@dataclass(frozen=True, slots=True)
class Dot:
    """The operand `.`."""

    position: int


@dataclass(frozen=True, slots=True)
class Nil:
    """The operand `nil`."""

    position: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant that is a string or bool."""

    position: int
    value: str | bool


@dataclass(frozen=True, slots=True)
class NumberConstant:
    """A constant that is a number or character; its type depends on its place."""

    position: int
    number: Number


@dataclass(frozen=True, slots=True)
class Field:
    """An operand such as `.Name.Name`."""

    position: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """An operand such as `$name.Field.Field`; `name` includes the `$`."""

    position: int
    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FunctionName:
    """An operand that is a function."""

    position: int
    name: str
    function: Function


@dataclass(frozen=True, slots=True)
class Chain:
    """An operand such as `(pipeline).Field` or `function.Field`."""

    position: int
    operand: Operand
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A command is a row of operands."""

    position: int
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipeline such as `$variables := command | command`."""

    position: int
    variables: tuple[str, ...]
    assigns: bool
    """It is true for `=`, where the variables exist already."""
    commands: tuple[Command, ...]


Operand = Dot | Nil | Constant | NumberConstant | Field | Variable | FunctionName | Chain | Pipe


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is printed as it is."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """An action such as `{{ pipeline }}`."""

    position: int
    pipe: Pipe


@dataclass(frozen=True, slots=True)
class Choice:
    """`if` or `with` takes the body of the first true branch, or else `otherwise`."""

    position: int
    is_with: bool
    branches: tuple[tuple[Pipe, Body], ...]
    otherwise: Body


@dataclass(frozen=True, slots=True)
class Range:
    """`range` takes its body for each item, or `otherwise` if there are none."""

    position: int
    pipe: Pipe
    body: Body
    otherwise: Body


@dataclass(frozen=True, slots=True)
class Invocation:
    """An action such as `template "name" pipeline`."""

    position: int
    name: str
    pipe: Pipe | None


@dataclass(frozen=True, slots=True)
class Leave:
    """`break` or `continue` leaves the body of a `range`."""

    position: int
    is_break: bool


Node = Text | Action | Choice | Range | Invocation | Leave
Body = tuple[Node, ...]


def is_blank(body: Body) -> bool:
    """Return whether a body is nothing but white space."""
    return all(isinstance(node, Text) and not node.text.strip() for node in body)
