"""The command line: it runs the named command, and turns errors into exit codes.

Exit codes: 0 done, 1 something failed, 2 a setting cannot be used, 130 Ctrl-C.
"""

import os
import sys
from collections.abc import Sequence

from nth import __version__
from nth.errors import SettingError
from nth.ui.terminal import complain, say

HELP_FLAGS = frozenset({"-h", "-help", "--help"})
VERSION_FLAGS = frozenset({"-version", "--version"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; without one, the handler."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except SettingError as error:
        complain(str(error))
        return 2
    except KeyboardInterrupt:
        return 130


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == ["demo"]:
        from nth.demo import main as demo

        return demo(arguments[1:])
    if arguments[:1] in (["report"], ["explain"]):
        from nth.reading import commands

        return (commands.report if arguments[0] == "report" else commands.explain)(arguments[1:])
    if HELP_FLAGS & set(arguments):
        from nth.settings.text import help_text

        say(help_text())
        return 0
    if VERSION_FLAGS & set(arguments):
        say(f"aws-node-termination-handler {__version__}\n")
        return 0
    from nth.settings import read_settings
    from nth.wiring.app import run

    return run(read_settings(arguments, os.environ))


if __name__ == "__main__":
    sys.exit(main())
