"""The tools beside the handler, as one command line: `nth report`, `nth demo`, `nth completion` ...

Each is imported only when it is called, or listed.
"""

from collections.abc import Sequence
from importlib import import_module

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

from nth import __version__
from nth.ui.command_line import Tool, run
from nth.ui.terminal import say

TOOLS = {
    "report": "nth.reading.arguments",
    "explain": "nth.reading.arguments",
    "demo": "nth.demo.arguments",
    "restore": "nth.restore.arguments",
    "completion": "nth.commands",
    "help": "nth.commands",
    "version": "nth.commands",
}
"""The module of each tool, which has it by this name."""
COMPLETE_VARIABLE = "_NTH_COMPLETE"
"""The shell's completion calls us with it."""

_HELP = """\
Moves the pods off an EC2 instance before it is taken away.

The handler itself runs in the cluster: nth --help lists its flags. These
commands are for people: they look at what it did, and put nodes in order."""

_COMPLETION = """\
Prints the script by which a shell completes commands, flags and files:

  source <(nth completion bash)        in ~/.bashrc (bash 4.4 or newer)
  source <(nth completion zsh)         in ~/.zshrc, after compinit
  nth completion fish > ~/.config/fish/completions/nth.fish

For kubectl nth: kubectl completes plugins by itself, because the program
kubectl_complete-nth is installed beside it."""


class _Tools(Tool, click.Group):
    """The tools by name; without a name, the help."""

    def __init__(self) -> None:
        super().__init__(invoke_without_command=True, callback=_no_tool, help=_HELP)
        self.params.append(
            click.Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_show_version,
                help="show the version and exit",
            )
        )

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(TOOLS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in TOOLS:
            tool: click.Command = getattr(import_module(TOOLS[cmd_name]), cmd_name)
            return tool
        if ctx.resilient_parsing:
            return None
        raise click.NoSuchCommand(cmd_name, possibilities=TOOLS, ctx=ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Returns tools, and of flags also those of the handler."""
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            from nth.settings.table import TABLE

            found += [CompletionItem(row.flag) for row in TABLE if row.flag.startswith(incomplete)]
        return found


def _no_tool() -> None:
    ctx = click.get_current_context()
    if ctx.invoked_subcommand is None:
        say(ctx.get_help() + "\n")
        ctx.exit()


def _show_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        say(version_text())
        ctx.exit()


def version_text() -> str:
    """Returns the line of `nth version`."""
    return f"aws-node-termination-handler {__version__}\n"


@click.command("version", cls=Tool, help="Shows the version.")
def version() -> int:
    """Show the version."""
    say(version_text())
    return 0


@click.command("help", cls=Tool, help="Shows what a command does, or which commands there are.")
@click.argument("names", metavar="[COMMAND]", nargs=-1)
@click.pass_context
def help(ctx: click.Context, names: tuple[str, ...]) -> int:  # noqa: A001
    """Show the help of a tool, or of all."""
    root = ctx.find_root()
    if len(names) > 1:
        raise click.UsageError(f"{len(names)} names; allowed: one command", ctx=ctx)
    if not names:
        say(root.get_help() + "\n")
        return 0
    assert isinstance(root.command, click.Group)
    tool = root.command.get_command(root, names[0])
    assert tool is not None
    with tool.make_context(names[0], [], parent=root, resilient_parsing=True) as of_tool:
        say(of_tool.get_help() + "\n")
    return 0


@click.command("completion", cls=Tool, help=_COMPLETION, short_help="Prints a shell's completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the script."""
    say(_completer(shell).source())
    return 0


def _completer(shell: str) -> ShellComplete:
    found = get_completion_class(shell)
    assert found is not None, shell
    return found(tools, {}, "nth", COMPLETE_VARIABLE)


tools = _Tools()


def main(arguments: Sequence[str], program: str = "nth") -> int:
    """Returns the exit code of the named tool. SettingError: there is no such tool, flag or value."""
    return run(tools, arguments, program)


def complete(instruction: str) -> int:
    """Answer a shell's completion script, which sets a variable to `instruction`. Returns the exit code."""
    shell = instruction.removesuffix("_complete")
    if shell == instruction or get_completion_class(shell) is None:
        return 1
    say(_completer(shell).complete() + "\n")
    return 0


def complete_for_kubectl(words: Sequence[str]) -> int:
    """Answer `kubectl nth <TAB>` as cobra's programs do: a line for each word, then what to do else.

    https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/ (kubectl_complete-<plugin>)
    """
    *before, incomplete = words or ("",)
    found = ShellComplete(tools, {}, "kubectl nth", COMPLETE_VARIABLE).get_completions(before, incomplete)
    values = [item for item in found if item.type == "plain"]
    say("".join(f"{item.value}\t{item.help or ''}".rstrip() + "\n" for item in values))
    files_too = len(values) < len(found)
    say(":0\n" if files_too else ":4\n")
    return 0
