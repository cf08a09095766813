"""Reads the command line of `nth demo`. Arguments after `--` are for the handler itself."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NoReturn

from nth.demo.scenarios import SCENARIOS
from nth.errors import SettingError

DEFAULT_SPEED = 2.4
"""With it, two minutes' notice take less than one."""
MAX_SPEED_WORD = "max"

_DESCRIPTION = """\
Plays an interruption in a simulated cluster: no cluster and no AWS are needed or touched.
The handler is the real one, with its real settings; flags after -- are for it:

  nth demo                                   about a minute, in this terminal
  nth demo --plain --speed max               only the lines and the report, at once
  nth demo --html report.html                the report as a page, too
  nth demo --log demo.log                    the handler's log, too: try nth explain billing demo.log
  nth demo -- --force-policy never           what happens if nothing may be forced

Exit codes: 0 nothing was lost and everything runs again, 1 something is lost or missing,
2 a flag cannot be used, 130 stopped with Ctrl-C."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The user's options."""

    speed: float | None
    """Simulated seconds a real second; None = as fast as the machine can."""
    plain: bool
    html: str
    """The file for the page; empty = none."""
    log: str
    """The file for the handler's log; empty = none."""
    scenario: str
    help: bool
    handler_flags: tuple[str, ...]


class _Parser(ArgumentParser):
    """Words its errors as our other commands do."""

    def error(self, message: str) -> NoReturn:
        raise SettingError(f"demo: {message}; --help shows what is allowed")


def read_options(argv: Sequence[str]) -> Options:
    """Returns the options; SettingError: a flag cannot be used."""
    own, handler_flags = _split(argv)
    given = _parser().parse_args(own)
    return Options(
        speed=_speed(given.speed),
        plain=given.plain,
        html=given.html,
        log=given.log,
        scenario=given.scenario,
        help=given.help,
        handler_flags=handler_flags,
    )


def help_text() -> str:
    """Returns the text of --help."""
    return _parser().format_help()


def _split(argv: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    if "--" not in argv:
        return list(argv), ()
    at = list(argv).index("--")
    return list(argv[:at]), tuple(argv[at + 1 :])


def _parser() -> _Parser:
    parser = _Parser(
        prog="nth demo",
        description=_DESCRIPTION,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
        usage="nth demo [flags] [-- flags of the handler]",
    )
    add = parser.add_argument
    add("-h", "--help", action="store_true", help="show this and exit")
    speed_help = (
        f"simulated seconds a second, or {MAX_SPEED_WORD} (then without the live view); default %(default)s"
    )
    add("--speed", metavar="X", default=str(DEFAULT_SPEED), help=speed_help)
    add("--plain", action="store_true", help="print lines; also the default where there is no terminal")
    add("--html", metavar="FILE", default="", help="write the report as a page that stands alone")
    add("--log", metavar="FILE", default="", help="write the handler's log, for nth report and nth explain")
    scenarios = "; ".join(f"{name}: {scenario.about}" for name, scenario in SCENARIOS.items())
    add("--scenario", metavar="NAME", choices=tuple(SCENARIOS), default="spot", help=scenarios)
    return parser


def _speed(text: str) -> float | None:
    if text == MAX_SPEED_WORD:
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not (0.01 <= speed <= 1000 and isfinite(speed)):
        raise SettingError(f"demo: --speed is {text!r}; allowed: 0.01 to 1000, or {MAX_SPEED_WORD}")
    return speed
