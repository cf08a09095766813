"""A terminal that keeps what is written to it."""

import io
from collections.abc import Iterable
from contextlib import redirect_stdout

from nth.ui.terminal import StyledLine, say_lines


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown_at_a_terminal(lines: Iterable[StyledLine]) -> str:
    """All that a terminal gets, codes included."""
    terminal = Terminal()
    with redirect_stdout(terminal):
        say_lines(lines)
    return terminal.getvalue()
