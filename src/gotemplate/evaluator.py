"""The evaluator renders the nodes of a template: it walks bodies, evaluates pipelines and calls functions.

Every node costs a step of the budget. The position is kept for the message of an error.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain

from gotemplate.budget import MAX_NESTING, check_length
from gotemplate.calls import (
    Function,
    accepted,
    accepted_constant,
    accepted_nil,
    accepted_number,
    field_of,
    ideal,
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
    Leave,
    Nil,
    NumberConstant,
    Operand,
    Pipe,
    Range,
    Text,
    Variable,
)
from gotemplate.printing import printed
from gotemplate.run import Run
from gotemplate.values import NO_VALUE, GoMap, GoSlice, is_true, type_name

_NOTHING = object()
"""The first command of a pipeline gets no value from another."""


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class Evaluator:
    """An evaluator renders one template once."""

    def __init__(self, bodies: Mapping[str, Body], run: Run) -> None:
        self._bodies = bodies
        self._run = run
        self._budget = run.budget
        self._output: list[str] = []
        self._written = 0
        self._variables: list[tuple[str, object]] = []
        self._depth = 0
        """This many templates are being rendered, each called by the one before."""
        self.position = 0
        """This is the place that is evaluated, or where an error was raised."""

    def render(self, name: str, data: object) -> str:
        """Return the output of the template of this name. Raises Problem."""
        self._invoke(name, data)
        return "".join(self._output)

    def _invoke(self, name: str, dot: object) -> None:
        if self._depth >= MAX_NESTING:
            raise Problem(f"templates call each other too deeply: more than {MAX_NESTING} levels")
        outer = self._variables
        self._variables = [("$", dot)]
        self._depth += 1
        self._walk(dot, self._bodies[name])
        self._depth -= 1
        self._variables = outer

    def _write(self, text: str) -> None:
        self._written += len(text)
        check_length(self._written)
        self._output.append(text)

    # Nodes

    def _walk(self, dot: object, body: Body) -> None:
        self._budget.spend(1 + len(body))
        for node in body:
            self.position = node.position
            match node:
                case Text(text=text):
                    self._write(text)
                case Action(pipe=pipe):
                    value = self._pipeline(dot, pipe)
                    if not pipe.variables:
                        self.position = node.position
                        self._write(printed(value, self._budget))
                case Choice():
                    self._choose(dot, node)
                case Range():
                    self._range(dot, node)
                case Invocation(name=name, pipe=pipe):
                    self._invoke(name, NO_VALUE if pipe is None else self._pipeline(dot, pipe))
                case Leave(is_break=is_break):
                    raise _Break if is_break else _Continue

    def _choose(self, dot: object, node: Choice) -> None:
        mark = len(self._variables)
        body = node.otherwise
        inner = dot
        for pipe, branch in node.branches:
            value = self._pipeline(dot, pipe)
            if is_true(value):
                body = branch
                inner = value if node.is_with else dot
                break
        self._walk(inner, body)
        del self._variables[mark:]

    def _range(self, dot: object, node: Range) -> None:
        mark = len(self._variables)
        value = self._pipeline(dot, node.pipe)
        inner = len(self._variables)
        some = False
        # Go catches a break in `else` here too, although it means the range around this one.
        with suppress(_Break):
            for key, item in self._pairs(value, len(node.pipe.variables)):
                some = True
                self._set_range_variables(node.pipe, key, item, inner)
                with suppress(_Continue):
                    self._walk(item, node.body)
                del self._variables[inner:]
            if not some:
                self._walk(dot, node.otherwise)
        del self._variables[mark:]

    def _pairs(self, value: object, variables: int) -> Iterator[tuple[object, object]]:
        match value:
            case GoSlice():
                return enumerate(value.items)
            case GoMap():
                self._budget.spend(len(value.entries))
                return iter(value.sorted_items())
            case int() if not isinstance(value, bool):
                if variables > 1:
                    raise Problem(f"can't use {value} to iterate over more than one variable")
                return ((NO_VALUE, as_integer(type_name(value), i)) for i in range(value))
        if value is NO_VALUE:
            return iter(())
        raise Problem(f"range can't iterate over a {type_name(value)}")

    def _set_range_variables(self, pipe: Pipe, key: object, item: object, top: int) -> None:
        if not pipe.variables:
            return
        values = [item] if len(pipe.variables) == 1 else [key, item]
        for index, (name, value) in enumerate(zip(pipe.variables, values, strict=True)):
            if pipe.assigns:
                self._assign(name, value)
            else:
                self._variables[top - len(values) + index] = (name, value)

    # Variables

    def _assign(self, name: str, value: object) -> None:
        for index in range(len(self._variables) - 1, -1, -1):
            if self._variables[index][0] == name:
                self._variables[index] = (name, value)
                return
        raise Problem(f"undefined variable {name}")

    def _variable(self, wanted: str) -> object:
        for name, value in reversed(self._variables):
            if name == wanted:
                return value
        raise Problem(f"undefined variable {wanted}")

    # Pipelines

    def _pipeline(self, dot: object, pipe: Pipe) -> object:
        value: object = _NOTHING
        for command in pipe.commands:
            self._budget.spend()
            value = self._command(dot, command, value)
            if value is None:
                value = NO_VALUE
        for name in pipe.variables:
            if pipe.assigns:
                self._assign(name, value)
            else:
                self._variables.append((name, value))
        return value

    def _command(self, dot: object, command: Command, final: object) -> object:
        first = command.operands[0]
        arguments = command.operands[1:]
        self.position = first.position
        match first:
            case Field(names=names):
                return self._fields(dot, dot, names, arguments, final)
            case Chain(operand=operand, fields=names):
                return self._fields(dot, self._plain(dot, operand), names, arguments, final)
            case FunctionName(name=name, function=function):
                return self._call(dot, name, function, arguments, final)
            case Variable(name=name, fields=names) if names:
                return self._fields(dot, self._variable(name), names, arguments, final)
        if arguments or final is not _NOTHING:
            raise Problem("can't give argument to what is no function")
        match first:
            case NumberConstant(number=number):
                return ideal(number)
            case Nil():
                raise Problem("nil is not a command")
        return self._plain(dot, first)

    def _plain(self, dot: object, operand: Operand) -> object:
        """Return the value of an operand where any type is right."""
        match operand:
            case Dot():
                return dot
            case Constant(value=constant):
                return constant
            case Field(names=names):
                return self._fields(dot, dot, names, (), _NOTHING)
            case Variable(name=name, fields=names):
                value = self._variable(name)
                return self._fields(dot, value, names, (), _NOTHING) if names else value
            case Pipe():
                return self._pipeline(dot, operand)
            case FunctionName(name=name, function=function):
                return self._call(dot, name, function, (), _NOTHING)
            case Chain(operand=inner, fields=names):
                return self._fields(dot, self._plain(dot, inner), names, (), _NOTHING)
        raise Problem("this cannot be evaluated")

    def _fields(
        self,
        dot: object,
        receiver: object,
        names: tuple[str, ...],
        arguments: tuple[Operand, ...],
        final: object,
    ) -> object:
        for name in names[:-1]:
            receiver = self._field(dot, receiver, name, (), _NOTHING)
        return self._field(dot, receiver, names[-1], arguments, final)

    def _field(
        self, dot: object, receiver: object, name: str, arguments: tuple[Operand, ...], final: object
    ) -> object:
        self._budget.spend()
        if receiver is NO_VALUE:
            return NO_VALUE
        method = method_of(receiver, name)
        if method is not None:
            return self._call(dot, name, method, arguments, final, (receiver,))
        if arguments or final is not _NOTHING:
            raise Problem(f"{name} is not a method but has arguments")
        return field_of(receiver, name)

    # Calls

    def _call(
        self,
        dot: object,
        name: str,
        function: Function,
        operands: tuple[Operand, ...],
        final: object,
        receiver: tuple[object, ...] = (),
    ) -> object:
        self._budget.spend()
        position = self.position
        count = len(operands) + (final is not _NOTHING)
        function.check_count(name, count)
        if function.short_circuits:
            return self._logic(dot, function, operands, final)
        values = [self._argument(dot, function.parameter(i), o) for i, o in enumerate(operands)]
        self.position = position
        if final is not _NOTHING:
            values.append(accepted(final, function.parameter(count - 1)))
        self._charge(receiver, values)
        run = (self._run,) if function.needs_run else ()
        try:
            return self._measured(function.call(*run, *receiver, *values))
        except Problem as problem:
            raise Problem(f"error calling {name}: {problem}") from None

    def _charge(self, *arguments: Iterable[object]) -> None:
        for value in chain(*arguments):
            if isinstance(value, str):
                self._budget.spend_text(len(value))

    def _measured(self, value: object) -> object:
        if isinstance(value, str):
            self._budget.spend_text(len(value))
        elif isinstance(value, GoSlice):
            self._budget.spend(len(value.items) // 10)
        return value

    def _logic(self, dot: object, function: Function, operands: tuple[Operand, ...], final: object) -> object:
        value: object = NO_VALUE
        for operand in operands:
            value = self._argument(dot, "value", operand)
            if function.call(value):
                return value
        return value if final is _NOTHING else final

    def _argument(self, dot: object, wanted: str, operand: Operand) -> object:
        self.position = operand.position
        match operand:
            case Nil():
                return accepted_nil(wanted)
            case NumberConstant(number=number):
                return accepted_number(number, wanted, lambda value: as_integer(wanted, value))
            case Constant(value=constant):
                return accepted_constant(constant, wanted)
        return accepted(self._plain(dot, operand), wanted)
