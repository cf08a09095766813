"""Writes for our commands: no text that they show can command the terminal.

Lines with a style get colours where standard output is a terminal, unless `NO_COLOR` is set
(https://no-color.org) or the terminal has none. (The log has formatters of its own,
`nth.reporters.log_lines`; the live view is drawn by `live`.)
"""

import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TextIO

from nth.core.visible import visible, visible_lines

Style = Literal["title", "good", "bad", "head", "plain", "dim", "warn", "error"]
PIPED_WIDTH, LEAST_WIDTH, MOST_WIDTH = 100, 80, 160
"""Columns. Sentences of more than the last are hard to read."""
STYLES: dict[Style, str] = {
    "title": "1",
    "good": "1;32",
    "bad": "1;31",
    "head": "1;36",
    "plain": "",
    "dim": "2",
    "warn": "33",
    "error": "1;31",
}
"""ECMA-48's Select Graphic Rendition."""


@dataclass(frozen=True, slots=True)
class StyledLine:
    """One line of text, at most as wide as asked for."""

    style: Style
    text: str


def width() -> int:
    """Returns the columns to write in: the terminal's, or 100 where standard output is none."""
    if not sys.stdout.isatty():
        return PIPED_WIDTH
    # Only here: the handler imports this module, too.
    from shutil import get_terminal_size

    return min(MOST_WIDTH, max(LEAST_WIDTH, get_terminal_size((PIPED_WIDTH, 24)).columns))


def say(text: str) -> None:
    """Write lines to standard output at once, as they are but for hidden characters, which are escaped."""
    _write(sys.stdout, visible_lines(text))


def say_lines(lines: Iterable[StyledLine]) -> None:
    """Write lines to standard output, in colours where it has them."""
    coloured = _has_colours(sys.stdout)
    texts = (_styled(line) if coloured else visible(line.text) for line in lines)
    _write(sys.stdout, "".join(f"{text}\n" for text in texts))


def complain(text: str) -> None:
    """Write one line to standard error, which begins with our name."""
    _write(sys.stderr, f"nth: {visible(text)}\n")


def _has_colours(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _styled(line: StyledLine) -> str:
    code = STYLES[line.style]
    return f"\x1b[{code}m{visible(line.text)}\x1b[0m" if code and line.text else visible(line.text)


def _write(stream: TextIO, text: str) -> None:
    """Write; if nobody reads any more (`nth report | head`), end as other programs do: quietly, by SIGPIPE.

    At once, from wherever this is called: an exception would be the end of each task on its way.
    """
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
