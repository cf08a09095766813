"""Writes for our commands: no text that they show can command the terminal.

(The log has formatters of its own, `nth.reporters.log_lines`; the live view is drawn by `live`.)
"""

import os
import signal
import sys
from typing import TextIO

from nth.core.visible import visible, visible_lines


def say(text: str) -> None:
    """Write lines to standard output at once, as they are but for hidden characters, which are escaped."""
    _write(sys.stdout, visible_lines(text))


def complain(text: str) -> None:
    """Write one line to standard error, which begins with our name."""
    _write(sys.stderr, f"nth: {visible(text)}\n")


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
