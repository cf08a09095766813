"""The command line of `nth demo`. Arguments after `--` are for the handler itself."""

from math import isfinite

import click

from nth.demo import command
from nth.demo.command import DEFAULT_SPEED, Options
from nth.demo.scenarios import SCENARIOS
from nth.errors import SettingError
from nth.ui.command_line import FILE, Tool, check_output

MAX_SPEED_WORD = "max"

_DESCRIPTION = """\
Plays an interruption in a simulated cluster: no cluster and no AWS are needed
or touched. The handler is the real one, with its real settings; flags after --
are for it:

  {nth} demo                              about a minute, in this terminal
  {nth} demo --plain --speed max          only the lines and the report, at once
  {nth} demo --html report.html           the report as a page, too
  {nth} demo --log demo.log               the log, too, for nth explain billing
  {nth} demo -- --force-policy never      what happens if nothing may be forced

Exit codes: 0 nothing was lost and everything runs again, 1 something is lost
or missing, 2 a flag cannot be used, 130 stopped with Ctrl-C."""


class _Demo(Tool):
    """Hands on what comes after `--` as it is, and takes no other words."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own, ctx.obj = _split(args)
        return super().parse_args(ctx, own)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- flags of the handler]"]


def _split(words: list[str]) -> tuple[list[str], tuple[str, ...]]:
    at = words.index("--") if "--" in words else len(words)
    return words[:at], tuple(words[at + 1 :])


def _speed(_ctx: click.Context, _option: click.Parameter, text: str) -> float | None:
    if text == MAX_SPEED_WORD:
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not (0.01 <= speed <= 1000 and isfinite(speed)):
        raise SettingError(f"demo: --speed is {text!r}; allowed: 0.01 to 1000, or {MAX_SPEED_WORD}")
    return speed


@click.command(
    "demo", cls=_Demo, help=_DESCRIPTION, short_help="Plays an interruption in a simulated cluster."
)
@click.option(
    "--speed",
    metavar="X",
    default=str(DEFAULT_SPEED),
    callback=_speed,
    show_default=True,
    help=f"simulated seconds a second, or {MAX_SPEED_WORD} (then without the live view)",
)
@click.option("--plain", is_flag=True, help="print lines; also the default where there is no terminal")
@click.option(
    "--html", metavar="FILE", type=FILE, default="", help="write the report as a page that stands alone"
)
@click.option(
    "--log",
    metavar="FILE",
    type=FILE,
    default="",
    help="write the handler's log, for nth report and nth explain",
)
@click.option(
    "--scenario",
    metavar="NAME",
    type=click.Choice(tuple(SCENARIOS)),
    default="spot",
    help="; ".join(f"{name}: {scenario.about}" for name, scenario in SCENARIOS.items()),
)
@click.pass_obj
def demo(
    handler_flags: tuple[str, ...], speed: float | None, plain: bool, html: str, log: str, scenario: str
) -> int:
    """Play the demo."""
    check_output("demo: --html", html)
    check_output("demo: --log", log, (html,))
    return command.demo(
        Options(speed=speed, plain=plain, html=html, log=log, scenario=scenario, handler_flags=handler_flags)
    )
