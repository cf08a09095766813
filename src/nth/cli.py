"""The programs' entry points: they find out whether the handler or a tool is meant, and return an exit code.

Exit codes: 0 done, 1 something failed, 2 a setting cannot be used, 130 Ctrl-C, 141 (SIGPIPE) nobody
reads the output.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from nth import __version__
from nth.errors import SettingError
from nth.ui.terminal import complain, say

HELP_FLAGS = frozenset({"-h", "-help", "--help"})
VERSION_FLAGS = frozenset({"-version", "--version"})
STARTS_WITH = ("NODE_NAME", "ENABLE_SQS_TERMINATION_DRAINING")
"""Without any of these variables and without a flag, the handler cannot start."""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code of `nth`: of a tool if the first argument is a word, otherwise of the handler."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if "_NTH_COMPLETE" in os.environ:
        from nth.commands import complete

        return complete(os.environ["_NTH_COMPLETE"])
    if is_for_a_tool(arguments, os.environ):
        return _ended(lambda: _tool(arguments, "nth"), complain)
    return _ended(lambda: _handler(arguments), lambda text: _log_or_complain(text, arguments))


def handler(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code of `node-termination-handler`, the image's program.

    Without a word it is always the handler, whatever is in the environment.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    tool = is_word(arguments)
    return _ended(
        lambda: _tool(arguments, "node-termination-handler") if tool else _handler(arguments),
        lambda text: _log_or_complain(text, arguments),
    )


def kubectl() -> int:
    """Returns the exit code of `kubectl nth`, which is always a tool."""
    return _ended(lambda: _tool(sys.argv[1:], "kubectl nth"), complain)


def complete_for_kubectl() -> int:
    """Returns the exit code of kubectl's question for completions of `kubectl nth`."""
    from nth.commands import complete_for_kubectl as complete

    return complete(sys.argv[1:])


def is_for_a_tool(arguments: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Returns whether a tool is meant, or their overview; False: the handler.

    In a container the handler may have variables only. So `nth` alone is for the overview only if the
    handler could not start.
    """
    if arguments:
        return is_word(arguments)
    return not any(environ.get(name) for name in STARTS_WITH)


def is_word(arguments: Sequence[str]) -> bool:
    """Returns whether the first argument names a tool: the handler's flags begin with a dash."""
    return bool(arguments) and arguments[0] != "" and not arguments[0].startswith("-")


def _tool(arguments: list[str], program: str) -> int:
    from nth.commands import main as tool

    return tool(arguments, program)


def _ended(command: Callable[[], int], fail: Callable[[str], None]) -> int:
    try:
        return command()
    except SettingError as error:
        fail(str(error))
        return 2
    except KeyboardInterrupt:
        return 130


def _log_or_complain(text: str, arguments: list[str]) -> None:
    """Write a failed start as a line of the log where that is JSON, so that a collector can read it."""
    from nth.settings import wants_json

    if not wants_json(arguments, os.environ):
        complain(text)
        return
    import logging

    from nth.reporters.log import configure

    configure("error", json=True)
    logging.getLogger("nth.cli").error("%s", text)


def _handler(arguments: list[str]) -> int:
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
