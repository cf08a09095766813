"""The common base of our tools' command lines (`nth report`, `nth demo` ...), on click.

https://click.palletsprojects.com. The handler itself never imports it: its flags are Go's, and it starts on
every node. Errors end as SettingError, in the one line that the handler's own flags have.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from nth.errors import SettingError
from nth.ui.terminal import say

WIDTH = 80
FILE = click.Path(allow_dash=True)
"""A file's name, which shells complete; it is opened later, by the command itself."""
_WITH_NEAREST = (click.NoSuchOption, click.NoSuchCommand)


class Tool(click.Command):
    """A command whose help is shown as it is written, for 80 columns.

    In the help, `{nth}` becomes the program's name as it was called, such as `kubectl nth`.
    """

    def get_help_option(self, ctx: click.Context) -> click.Option | None:  # noqa: ARG002
        return HELP

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write("\n" + (self.help or "").replace("{nth}", ctx.find_root().command_path) + "\n")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            # Its parser does not always know whose arguments they were.
            error.ctx = error.ctx or ctx
            raise


def _show_help(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        say(ctx.get_help() + "\n")
        ctx.exit()


HELP = click.Option(
    ["-h", "--help"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_help,
    help="show this and exit",
)


def check_output(flag: str, target: str, others: Iterable[str] = ()) -> None:
    """Check that a file can be meant. SettingError: `-`, or one of the others, which would be lost."""
    if target == "-":
        raise SettingError(f"{flag} is '-'; allowed: the name of a file")
    if target and any(_same(target, other) for other in others):
        raise SettingError(f"{flag} is {target!r}; allowed: a file that is not used otherwise")


def _same(one: str, other: str) -> bool:
    return one == other or (Path(one).exists() and Path(other).exists() and Path(one).samefile(other))


def run(command: click.Command, arguments: Sequence[str], program: str) -> int:
    """Returns the command's exit code. SettingError: an argument cannot be used, in one line.

    `program` is its name in help and errors.
    """
    try:
        with command.make_context(program, list(arguments), max_content_width=WIDTH) as ctx:
            code: int = command.invoke(ctx)
            return code
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.UsageError as error:
        raise SettingError(_in_one_line(error)) from None


def _in_one_line(error: click.UsageError) -> str:
    message = error.message if isinstance(error, _WITH_NEAREST) else error.format_message()
    message = " ".join(message.split())
    message = message[0].lower() + message[1:].rstrip(".")
    ctx = error.ctx
    assert ctx is not None, message
    own = ctx.command_path.removeprefix(ctx.find_root().command_path).strip()
    said = f"{own}: {message}" if own else message
    if isinstance(error, _WITH_NEAREST) and error.possibilities:
        return f"{said}; did you mean {error.possibilities[0]}?"
    return f"{said}; {ctx.command_path} --help shows what is allowed"
