"""This module reads pipelines: declarations, commands, operands. `parser` reads the actions around them."""

from gotemplate.budget import MAX_NESTING
from gotemplate.calls import Function
from gotemplate.errors import Problem
from gotemplate.functions import look_up
from gotemplate.literals import number_of, string_of
from gotemplate.nodes import (
    Chain,
    Command,
    Constant,
    Dot,
    Field,
    FunctionName,
    Nil,
    NumberConstant,
    Operand,
    Pipe,
    Variable,
)
from gotemplate.tokens import Kind, Token, tokens

_STARTS_OPERAND = frozenset(
    (
        Kind.BOOL,
        Kind.NUMBER,
        Kind.DOT,
        Kind.FIELD,
        Kind.NAME,
        Kind.NIL,
        Kind.STRING,
        Kind.VARIABLE,
        Kind.OPEN,
    )
)
_NOT_CALLABLE = (Constant, Dot, Nil, NumberConstant)


class PipelineReader:
    """A reader holds the tokens of a text, a place in them, and the variables that are known there."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._next = 0
        self._depth = 0
        self.variables = ["$"]

    # Tokens

    def peek(self) -> Token:
        return self._tokens[self._next]

    def take(self) -> Token:
        token = self._tokens[self._next]
        if self._next < len(self._tokens) - 1:
            self._next += 1
        return token

    def peek_solid(self) -> Token:
        while self.peek().kind is Kind.SPACE:
            self._next += 1
        return self.peek()

    def take_solid(self) -> Token:
        self.peek_solid()
        return self.take()

    def expect(self, kind: Kind, context: str) -> Token:
        token = self.take_solid()
        if token.kind is not kind:
            raise unexpected(token, context)
        return token

    def deeper(self, by: int) -> None:
        self._depth += by
        if self._depth > MAX_NESTING:
            raise Problem(f"nested too deeply: more than {MAX_NESTING} levels", self.peek().position)

    def text_of(self, token: Token) -> str:
        constant = self._constant(token)
        return str(constant.value) if isinstance(constant, Constant) else ""

    # Pipelines

    def pipeline(self, context: str, end: Kind) -> Pipe:
        position = self.peek_solid().position
        variables, assigns = self._declarations(context)
        commands: list[Command] = []
        while True:
            token = self.peek_solid()
            if token.kind is end:
                self.take()
                break
            if token.kind not in _STARTS_OPERAND:
                raise unexpected(token, context)
            commands.append(self._command())
        if not commands:
            raise Problem(f"missing value for {context}", position)
        for command in commands[1:]:
            if isinstance(command.operands[0], _NOT_CALLABLE):
                raise Problem("a constant cannot stand after a |", command.position)
        return Pipe(position, tuple(variables), assigns, tuple(commands))

    def _declarations(self, context: str) -> tuple[list[str], bool]:
        names: list[str] = []
        while self.peek_solid().kind is Kind.VARIABLE:
            start = self._next
            token = self.take()
            following = self.peek_solid()
            if following.kind in (Kind.ASSIGN, Kind.DECLARE):
                self.take()
                names.append(token.text)
                assigns = following.kind is Kind.ASSIGN
                self._declare(names, assigns, token.position)
                return names, assigns
            if following.text != "," or following.kind is not Kind.OTHER:
                self._next = start
                break
            self.take()
            names.append(token.text)
            if context != "range" or len(names) > 1:
                raise Problem(f"too many declarations in {context}", token.position)
        if names and self.peek().kind not in (Kind.VARIABLE, Kind.RIGHT, Kind.CLOSE):
            raise Problem("range can only initialize variables", self.peek().position)
        self._declare(names, False, self.peek().position)
        return names, False

    def _declare(self, names: list[str], assigns: bool, position: int) -> None:
        for name in names:
            if assigns and name not in self.variables:
                raise Problem(f"undefined variable {name}", position)
        if not assigns:
            self.variables += names

    def _command(self) -> Command:
        position = self.peek_solid().position
        operands: list[Operand] = []
        while True:
            operand = self._operand()
            if operand is not None:
                operands.append(operand)
            token = self.peek()
            if token.kind is Kind.SPACE:
                self.peek_solid()
                continue
            if token.kind is Kind.PIPE:
                self.take()
            elif token.kind not in (Kind.RIGHT, Kind.CLOSE):
                raise unexpected(token, "operand")
            return Command(position, tuple(operands))

    def _operand(self) -> Operand | None:
        if self.peek_solid().kind not in _STARTS_OPERAND:
            return None
        token = self.take()
        term = self._term(token)
        fields = []
        while self.peek().kind is Kind.FIELD:
            fields.append(self.take().text[1:])
        if not fields:
            return term
        match term:
            case Field(position, names):
                return Field(position, (*names, *fields))
            case Variable(position, name, _):
                return Variable(position, name, tuple(fields))
            case FunctionName() | Pipe():
                return Chain(token.position, term, tuple(fields))
        raise Problem(f"unexpected . after {token.text}", token.position)

    def _term(self, token: Token) -> Operand:
        match token.kind:
            case Kind.NAME:
                return FunctionName(token.position, token.text, self._function(token))
            case Kind.DOT:
                return Dot(token.position)
            case Kind.NIL:
                return Nil(token.position)
            case Kind.FIELD:
                return Field(token.position, (token.text[1:],))
            case Kind.VARIABLE:
                if token.text not in self.variables:
                    raise Problem(f"undefined variable {token.text}", token.position)
                return Variable(token.position, token.text, ())
            case Kind.OPEN:
                return self._parenthesized()
        return self._constant(token)

    def _function(self, token: Token) -> Function:
        try:
            return look_up(token.text)
        except Problem as problem:
            raise Problem(str(problem), token.position) from None

    def _parenthesized(self) -> Pipe:
        self.deeper(1)
        pipe = self.pipeline("parenthesized pipeline", Kind.CLOSE)
        self.deeper(-1)
        return pipe

    def _constant(self, token: Token) -> Operand:
        if token.kind is Kind.BOOL:
            return Constant(token.position, token.text == "true")
        try:
            if token.kind is Kind.STRING:
                return Constant(token.position, string_of(token.text))
            return NumberConstant(token.position, number_of(token.text))
        except Problem as problem:
            raise Problem(str(problem), token.position) from None


def unexpected(token: Token, context: str) -> Problem:
    if token.kind is Kind.ERROR:
        return Problem(token.text, token.position)
    what = "end of the template" if token.kind is Kind.END else repr(token.text.strip() or token.text)
    return Problem(f"unexpected {what} in {context}", token.position)
