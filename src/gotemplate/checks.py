"""The checker looks at the fields, the arguments and the `range`s in every branch of a template.

It knows the fields of structs and their types from sample data, so that it finds a wrong field in a branch
that the sample does not take. The results of maps and functions are unknown, and pass the check.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from gotemplate.calls import (
    Function,
    accepted,
    accepted_constant,
    accepted_nil,
    accepted_number,
    field_of,
    method_of,
)
from gotemplate.durations import as_integer
from gotemplate.errors import Problem
from gotemplate.nodes import (
    Action,
    Body,
    Chain,
    Choice,
    Command,
    Constant,
    Dot,
    Field,
    FunctionName,
    Invocation,
    Nil,
    Node,
    NumberConstant,
    Operand,
    Pipe,
    Range,
    Variable,
)
from gotemplate.values import NO_VALUE, GoMap, GoSlice, is_true, type_name, zero_of


class _Unknown:
    pass


UNKNOWN: Final = _Unknown()
_NOTHING: Final = object()


def check_bodies(bodies: Mapping[str, Body], name: str, sample: object) -> None:
    """Raise Problem, with its position, for the first thing that would fail."""
    checker = _Checker(bodies)
    checker.template(name, sample)
    for other in bodies:
        checker.template(other, UNKNOWN, only_new=True)


class _Checker:
    def __init__(self, bodies: Mapping[str, Body]) -> None:
        self._bodies = bodies
        self._seen: set[tuple[str, int]] = set()
        self._variables: list[tuple[str, object]] = []
        self._assigned = {
            name
            for body in bodies.values()
            for pipe in _pipes(body)
            if pipe.assigns
            for name in pipe.variables
        }
        """These variables are assigned to somewhere, so their values are unknown."""

    def template(self, name: str, dot: object, *, only_new: bool = False) -> None:
        """Check a template with the value that it is invoked with, unless that has been done before."""
        known = (name, id(dot))
        if known in self._seen or (only_new and any(seen == name for seen, _ in self._seen)):
            return
        self._seen.add(known)
        outer = self._variables
        self._variables = [("$", dot)]
        self._body(dot, self._bodies[name])
        self._variables = outer

    def _body(self, dot: object, body: Body) -> None:
        for node in body:
            self._node(dot, node)

    def _node(self, dot: object, node: Node) -> None:
        mark = len(self._variables)
        match node:
            case Action(pipe=pipe):
                self._pipe(dot, pipe)
                return
            case Invocation(name=name, pipe=pipe):
                self.template(name, NO_VALUE if pipe is None else self._pipe(dot, pipe))
                return
            case Choice():
                for pipe, body in node.branches:
                    value = self._pipe(dot, pipe)
                    self._body(value if node.is_with else dot, body)
                self._body(dot, node.otherwise)
            case Range():
                self._range(dot, node)
        del self._variables[mark:]

    def _range(self, dot: object, node: Range) -> None:
        value = self._pipe(dot, node.pipe)
        names = node.pipe.variables
        key, item = _item_of(value, node.position, len(names))
        values = [item] if len(names) == 1 else [key, item]
        if names and not node.pipe.assigns:
            self._variables[-len(names) :] = zip(names, values, strict=True)
        self._body(item, node.body)
        self._body(dot, node.otherwise)

    # Pipelines

    def _pipe(self, dot: object, pipe: Pipe) -> object:
        value: object = _NOTHING
        for command in pipe.commands:
            value = self._command(dot, command, value)
        if not pipe.assigns:
            for name in pipe.variables:
                self._variables.append((name, UNKNOWN if name in self._assigned else value))
        return value

    def _command(self, dot: object, command: Command, final: object) -> object:
        first, arguments = command.operands[0], command.operands[1:]
        match first:
            case Field(names=names):
                return self._fields(dot, dot, names, first.position, arguments, final)
            case Chain(operand=operand, fields=names):
                start = self._operand(dot, operand)
                return self._fields(dot, start, names, first.position, arguments, final)
            case Variable(name=name, fields=names) if names:
                start = self._variable(name)
                return self._fields(dot, start, names, first.position, arguments, final)
            case FunctionName(name=name, function=function):
                return self._call(dot, name, function, first.position, arguments, final)
            case Nil():
                raise Problem("nil is not a command", first.position)
        if arguments or final is not _NOTHING:
            raise Problem("can't give argument to what is no function", first.position)
        return self._operand(dot, first)

    def _operand(self, dot: object, operand: Operand) -> object:
        match operand:
            case Dot():
                return dot
            case Constant(value=value):
                return value
            case Variable(name=name, fields=()):
                return self._variable(name)
            case Pipe():
                return self._pipe(dot, operand)
            case Nil() | NumberConstant():
                return UNKNOWN
        return self._command(dot, Command(operand.position, (operand,)), _NOTHING)

    def _variable(self, wanted: str) -> object:
        return next((value for name, value in reversed(self._variables) if name == wanted), UNKNOWN)

    def _fields(
        self,
        dot: object,
        value: object,
        names: tuple[str, ...],
        position: int,
        arguments: tuple[Operand, ...],
        final: object,
    ) -> object:
        for index, name in enumerate(names):
            if value is UNKNOWN or value is NO_VALUE or value is None:
                return UNKNOWN
            last = index == len(names) - 1
            method = method_of(value, name)
            if method is not None:
                given = (arguments, final) if last else ((), _NOTHING)
                value = self._call(dot, name, method, position, *given)
            elif last and (arguments or final is not _NOTHING):
                raise Problem(f"{name} is not a method but has arguments", position)
            else:
                value = _field(value, name, position)
        return value

    def _call(
        self,
        dot: object,
        name: str,
        function: Function,
        position: int,
        arguments: tuple[Operand, ...],
        final: object,
    ) -> object:
        count = len(arguments) + (final is not _NOTHING)
        try:
            function.check_count(name, count)
            for index, operand in enumerate(arguments):
                self._argument(dot, operand, function.parameter(index))
            if final is not _NOTHING and final is not UNKNOWN:
                accepted(final, function.parameter(count - 1))
        except Problem as problem:
            if problem.position is not None:
                raise
            raise Problem(f"{name}: {problem}", position) from None
        return UNKNOWN

    def _argument(self, dot: object, operand: Operand, wanted: str) -> None:
        match operand:
            case Nil():
                accepted_nil(wanted)
            case NumberConstant(number=number):
                accepted_number(number, wanted, lambda value: as_integer(wanted, value))
            case Constant(value=value):
                accepted_constant(value, wanted)
            case _:
                found = self._operand(dot, operand)
                if found is not UNKNOWN and found is not None:
                    accepted(found, wanted)


def _field(value: object, name: str, position: int) -> object:
    if isinstance(value, GoMap):
        found = zero_of(value.element)
        return UNKNOWN if found is None else found
    try:
        found = field_of(value, name)
    except Problem as problem:
        raise Problem(str(problem), position) from None
    return UNKNOWN if found is None else found


def _item_of(value: object, position: int, variables: int) -> tuple[object, object]:
    """Return the key and the item that `range` sets its variables to. Raises Problem."""
    match value:
        case GoSlice(element=element):
            found = zero_of(element)
            return 0, UNKNOWN if found is None else found
        case GoMap(element=element):
            found = zero_of(element)
            return "", UNKNOWN if found is None else found
        case bool() | str() | float():
            raise Problem(f"range can't iterate over a {type_name(value)}", position)
        case int():
            if variables > 1:
                raise Problem("can't iterate over a number with more than one variable", position)
            return UNKNOWN, value
    if value is UNKNOWN or not is_true(value):
        return UNKNOWN, UNKNOWN
    raise Problem(f"range can't iterate over a {type_name(value)}", position)


def _pipes(body: Body) -> Iterator[Pipe]:
    """Yield all pipelines of a body, with those inside of others."""
    for node in body:
        match node:
            case Action(pipe=pipe):
                yield from _inner_pipes(pipe)
            case Choice():
                for pipe, branch in node.branches:
                    yield from _inner_pipes(pipe)
                    yield from _pipes(branch)
                yield from _pipes(node.otherwise)
            case Range():
                yield from _inner_pipes(node.pipe)
                yield from _pipes(node.body)
                yield from _pipes(node.otherwise)
            case Invocation(pipe=pipe) if pipe is not None:
                yield from _inner_pipes(pipe)


def _inner_pipes(pipe: Pipe) -> Iterator[Pipe]:
    yield pipe
    for command in pipe.commands:
        for operand in command.operands:
            inner = operand.operand if isinstance(operand, Chain) else operand
            if isinstance(inner, Pipe):
                yield from _inner_pipes(inner)
