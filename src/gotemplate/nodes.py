"""What a template is made of, once it is parsed. Positions are characters from the text's beginning."""

from __future__ import annotations

from dataclasses import dataclass

from gotemplate.calls import Function
from gotemplate.literals import Number


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`"""

    position: int


@dataclass(frozen=True, slots=True)
class Nil:
    """`nil`"""

    position: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A string or bool."""

    position: int
    value: str | bool


@dataclass(frozen=True, slots=True)
class NumberConstant:
    """A number or character, the type of which depends on where it stands."""

    position: int
    number: Number


@dataclass(frozen=True, slots=True)
class Field:
    """`.Name.Name`"""

    position: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name.Field.Field`; the name has its `$`."""

    position: int
    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function."""

    position: int
    name: str
    function: Function


@dataclass(frozen=True, slots=True)
class Chain:
    """`(pipeline).Field` or `function.Field`."""

    position: int
    operand: Operand
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """`operand operand ...`"""

    position: int
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Pipe:
    """`$variables := command | command`"""

    position: int
    variables: tuple[str, ...]
    assigns: bool
    """`=`: the variables exist."""
    commands: tuple[Command, ...]


Operand = Dot | Nil | Constant | NumberConstant | Field | Variable | FunctionName | Chain | Pipe


@dataclass(frozen=True, slots=True)
class Text:
    """What is printed as it is."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """`{{ pipeline }}`"""

    position: int
    pipe: Pipe


@dataclass(frozen=True, slots=True)
class Choice:
    """`if` or `with`: the body of the first true branch, or `otherwise`."""

    position: int
    is_with: bool
    branches: tuple[tuple[Pipe, Body], ...]
    otherwise: Body


@dataclass(frozen=True, slots=True)
class Range:
    """`range`"""

    position: int
    pipe: Pipe
    body: Body
    otherwise: Body


@dataclass(frozen=True, slots=True)
class Invocation:
    """`template "name" pipeline`"""

    position: int
    name: str
    pipe: Pipe | None


@dataclass(frozen=True, slots=True)
class Leave:
    """`break`, or `continue`."""

    position: int
    is_break: bool


Node = Text | Action | Choice | Range | Invocation | Leave
Body = tuple[Node, ...]


def is_blank(body: Body) -> bool:
    """Whether it is nothing but white space."""
    return all(isinstance(node, Text) and not node.text.strip() for node in body)
