"""The parser makes nodes of tokens by the grammar of text/template, and refuses what Go refuses.

It also refuses undefined templates and unsupported functions anywhere in the text. Go finds an undefined
template only when it comes to it, which may be too late.
"""

from collections.abc import Callable

from gotemplate.budget import MAX_TEMPLATE_CHARACTERS
from gotemplate.errors import Problem
from gotemplate.nodes import (
    Action,
    Body,
    Choice,
    Invocation,
    Leave,
    Node,
    Range,
    Text,
    is_blank,
)
from gotemplate.pipelines import PipelineReader, unexpected
from gotemplate.tokens import Kind, Token


def parse_text(text: str, name: str) -> dict[str, Body]:
    """Return all templates that the text defines; `name` is its own. Raises Problem with its position."""
    if len(text) > MAX_TEMPLATE_CHARACTERS:
        raise Problem(f"the template is longer than {MAX_TEMPLATE_CHARACTERS} characters", 0)
    return _Parser(text).parse(name)


class _Parser(PipelineReader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._bodies: dict[str, Body] = {}
        self._invoked: list[Invocation] = []
        self._ranges = 0
        """The parser is inside of this many `range`s."""

    def parse(self, name: str) -> dict[str, Body]:
        """Return the bodies by name. Raises Problem."""
        nodes: list[Node] = []
        while self.peek().kind is not Kind.END:
            if self._at_definition():
                self._definition()
                continue
            found = self._text_or_action()
            if isinstance(found, Token):
                raise unexpected(found, "input")
            nodes.append(found)
        self._add(name, tuple(nodes), 0)
        for invoked in self._invoked:
            if invoked.name not in self._bodies:
                raise Problem(f"template {invoked.name!r} is not defined", invoked.position)
        return self._bodies

    def _add(self, name: str, body: Body, position: int) -> None:
        known = self._bodies.get(name)
        if known is None or is_blank(known):
            self._bodies[name] = body
        elif not is_blank(body):
            raise Problem(f"multiple definition of template {name!r}", position)

    # Definitions

    def _at_definition(self) -> bool:
        start = self._next
        if self.take().kind is Kind.LEFT:
            token = self.take_solid()
            if token.kind is Kind.KEYWORD and token.text == "define":
                return True
        self._next = start
        return False

    def _definition(self) -> None:
        name = self.expect(Kind.STRING, "define clause")
        self.expect(Kind.RIGHT, "define clause")
        body = self._own_body("define clause")
        self._add(self.text_of(name), body, name.position)

    def _own_body(self, context: str) -> Body:
        """Return the body of a definition, which knows no outer variables but `$`, and no outer `range`."""
        variables, ranges = self.variables, self._ranges
        self.variables, self._ranges = ["$"], 0
        body, end = self._body()
        if end.text != "end":
            raise unexpected(end, context)
        self.variables, self._ranges = variables, ranges
        return body

    # Nodes

    def _body(self) -> tuple[Body, Token]:
        """Return the body before the next `end` or `else`, and the token of that keyword."""
        self.deeper(1)
        nodes: list[Node] = []
        while self.peek_solid().kind is not Kind.END:
            found = self._text_or_action()
            if isinstance(found, Token):
                self.deeper(-1)
                return tuple(nodes), found
            nodes.append(found)
        raise Problem("unexpected end of the template: an {{end}} is missing", self.peek().position)

    def _text_or_action(self) -> Node | Token:
        """Return a node, or the token `end` or `else` that closes a body."""
        token = self.take_solid()
        if token.kind is Kind.TEXT:
            return Text(token.position, token.text)
        if token.kind is not Kind.LEFT:
            raise unexpected(token, "input")
        token = self.peek_solid()
        if token.kind is not Kind.KEYWORD:
            return Action(token.position, self.pipeline("command", Kind.RIGHT))
        self.take()
        return self._keyword(token)

    def _keyword(self, token: Token) -> Node | Token:
        readers: dict[str, Callable[[Token], Node | Token]] = {
            "if": self._choice,
            "with": self._choice,
            "range": self._range,
            "template": self._invocation,
            "block": self._block,
            "break": self._leave,
            "continue": self._leave,
            "end": self._end,
            "else": self._else,
        }
        read = readers.get(token.text)
        if read is None:
            raise unexpected(token, "command")
        return read(token)

    def _end(self, token: Token) -> Token:
        self.expect(Kind.RIGHT, "end")
        return token

    def _else(self, token: Token) -> Token:
        following = self.peek_solid()
        if following.kind is not Kind.KEYWORD or following.text not in ("if", "with"):
            self.expect(Kind.RIGHT, "else")
        return token

    def _choice(self, token: Token) -> Node:
        known = len(self.variables)
        branches = []
        otherwise: Body = ()
        while True:
            pipe = self.pipeline(token.text, Kind.RIGHT)
            body, closing = self._body()
            branches.append((pipe, body))
            if closing.text == "end":
                break
            following = self.peek()
            if following.kind is Kind.KEYWORD and following.text == token.text:
                self.take()
                continue
            otherwise = self._otherwise()
            break
        del self.variables[known:]
        return Choice(token.position, token.text == "with", tuple(branches), otherwise)

    def _otherwise(self) -> Body:
        body, closing = self._body()
        if closing.text != "end":
            raise unexpected(closing, "else")
        return body

    def _range(self, token: Token) -> Node:
        known = len(self.variables)
        pipe = self.pipeline("range", Kind.RIGHT)
        self._ranges += 1
        body, closing = self._body()
        self._ranges -= 1
        otherwise = () if closing.text == "end" else self._otherwise()
        del self.variables[known:]
        return Range(token.position, pipe, body, otherwise)

    def _leave(self, token: Token) -> Node:
        self.expect(Kind.RIGHT, token.text)
        if not self._ranges:
            raise Problem(f"{{{{{token.text}}}}} outside {{{{range}}}}", token.position)
        return Leave(token.position, token.text == "break")

    def _invocation(self, token: Token) -> Node:
        name = self.expect(Kind.STRING, "template clause")
        pipe = None
        if self.peek_solid().kind is Kind.RIGHT:
            self.take()
        else:
            pipe = self.pipeline("template clause", Kind.RIGHT)
        return self._invoke(Invocation(token.position, self.text_of(name), pipe))

    def _invoke(self, invocation: Invocation) -> Invocation:
        self._invoked.append(invocation)
        return invocation

    def _block(self, token: Token) -> Node:
        name = self.expect(Kind.STRING, "block clause")
        pipe = self.pipeline("block clause", Kind.RIGHT)
        body = self._own_body("block clause")
        self._add(self.text_of(name), body, token.position)
        return self._invoke(Invocation(name.position, self.text_of(name), pipe))
