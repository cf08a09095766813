"""What commands write: colours and width, by where it goes."""

import io
from contextlib import redirect_stdout

import pytest

from nth.ui.terminal import StyledLine, say_lines, width
from tests.ui.terminals import Terminal, shown_at_a_terminal

LINES = [StyledLine("good", "Nothing was lost."), StyledLine("plain", "7 pods"), StyledLine("head", "")]


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_terminal_gets_colours() -> None:
    assert shown_at_a_terminal(LINES) == "\x1b[1;32mNothing was lost.\x1b[0m\n7 pods\n\n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_color_and_a_dumb_terminal_get_none(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert shown_at_a_terminal(LINES) == "Nothing was lost.\n7 pods\n\n"


def test_a_file_gets_no_colours() -> None:
    out = io.StringIO()
    with redirect_stdout(out):
        say_lines(LINES)
    assert out.getvalue() == "Nothing was lost.\n7 pods\n\n"


def test_a_text_cannot_command_the_terminal() -> None:
    shown = shown_at_a_terminal([StyledLine("plain", "\x1b[2Jgone"), StyledLine("bad", "\x07")])
    assert shown == "\\u001b[2Jgone\n\x1b[1;31m\\u0007\x1b[0m\n"


@pytest.mark.parametrize(("columns", "used"), [("132", 132), ("60", 80), ("300", 160)])
def test_a_terminals_width_is_used_within_reason_and_100_elsewhere(
    columns: str, used: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with redirect_stdout(Terminal()):
        assert width() == used
    with redirect_stdout(io.StringIO()):
        assert width() == 100
