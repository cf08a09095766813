"""The command `nth demo`: options in, exit code out."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TextIO

from nth.core.times import utc_text
from nth.core.visible import visible, visible_line
from nth.demo.log import write_log
from nth.demo.play import Audience, Ending, handler_settings, play
from nth.demo.scenarios import SCENARIOS
from nth.errors import SettingError
from nth.report.interruption import Entry
from nth.settings import Settings
from nth.simulation import clock
from nth.ui.html import page
from nth.ui.report import report_lines
from nth.ui.terminal import StyledLine, complain, say, say_lines, width

DEFAULT_SPEED = 2.4
"""With it, two minutes' notice take less than one."""
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


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
    handler_flags: tuple[str, ...]


def demo(options: Options) -> int:
    """Play the demo; 0 nothing lost, 1 something lost, 130 Ctrl-C. SettingError: a flag cannot be used."""
    settings = handler_settings(SCENARIOS[options.scenario], options.handler_flags)
    _check_writable("--html", options.html)
    _check_writable("--log", options.log)
    try:
        return _play(options, settings)
    except KeyboardInterrupt:
        complain("demo stopped")
        return INTERRUPTED


def _play(options: Options, settings: Settings) -> int:
    drawing = not options.plain and _can_draw(sys.stdout)
    if drawing and options.speed is not None:
        ending = _in_a_terminal(options, settings, options.speed)
    else:
        ending = _run(options, settings, Audience(hear=_write_line))
    if ending.report is not None:
        say_lines([StyledLine("plain", ""), *report_lines(ending.report, width())])
    say("\n" + fill(outside_view(ending), width()) + "\n")
    if options.html and ending.report is not None:
        Path(options.html).write_text(page(ending.report), encoding="utf-8")
        say(f"\nThe report as a page: {visible(options.html)}\n")
    if options.log:
        write_log(ending.told, options.log, format_version=settings.log_format_version)
        say(f"\nThe handler's log: {visible(options.log)}\n")
    return 0 if ending.fine else 1


def _in_a_terminal(options: Options, settings: Settings, speed: float) -> Ending:
    # Only here: plain lines need no memory for drawing.
    from nth.ui.live import FRAME_SECONDS, LiveView

    with LiveView(f"{speed:g}x real time") as view:
        audience = Audience(look=view.draw, frame_seconds=FRAME_SECONDS * speed)
        return _run(options, settings, audience)


def _run(options: Options, settings: Settings, audience: Audience) -> Ending:
    scenario = SCENARIOS[options.scenario]
    return clock.run(lambda now: play(now, scenario, settings, audience), speed=options.speed)


def outside_view(ending: Ending) -> str:
    """Returns the cluster's own figures, beside those of the handler."""
    names = ", ".join(str(pod.ref) for pod in ending.lost)
    lost = f"lost when the machine went: {names}" if ending.lost else "no pod was lost"
    short = "; ".join(ending.short) if ending.short else "every workload has all its Ready pods"
    return f"The simulated cluster itself says: {lost}; {short}."


def _write_line(entry: Entry) -> None:
    say(f"{utc_text(entry.at)[11:19]} {entry.level:5} {visible_line(entry.text)}\n")


def _can_draw(stream: TextIO) -> bool:
    return stream.isatty() and (stream.encoding or "").lower().startswith("utf")


def _check_writable(flag: str, path: str) -> None:
    """Check before the demo, not after it, that the file can be written; SettingError."""
    target = Path(path) if Path(path).exists() else Path(path).parent
    if path and (Path(path).is_dir() or not os.access(target, os.W_OK)):
        raise SettingError(f"demo: {flag} is {path!r}; allowed: a file that can be written")
