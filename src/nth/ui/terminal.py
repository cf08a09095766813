"""Writes for our commands: no text that they show can command the terminal.

(The log has formatters of its own, `nth.reporters.log_lines`; the live view is drawn by `live`.)
"""

import sys

from nth.core.visible import visible, visible_lines


def say(text: str) -> None:
    """Write lines to standard output, as they are but for hidden characters, which are escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(visible_lines(text).encode(encoding, "backslashreplace").decode(encoding))


def complain(text: str) -> None:
    """Write one line to standard error, which begins with our name."""
    sys.stderr.write(f"nth: {visible(text)}\n")
