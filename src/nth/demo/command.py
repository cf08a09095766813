"""The command `nth demo`: options in, exit code out."""

import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import TextIO

from nth.core.times import utc_text
from nth.demo.arguments import Options, read_options
from nth.demo.play import Audience, Ending, handler_settings, play
from nth.demo.scenarios import SCENARIOS
from nth.errors import SettingError
from nth.settings import Settings
from nth.simulation import clock
from nth.ui.html import page
from nth.ui.interruption import Entry
from nth.ui.report import as_text, report_lines

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def main(argv: Sequence[str]) -> int:
    """Play the demo; 0 nothing lost, 1 something lost, 130 Ctrl-C. SettingError: a flag cannot be used."""
    options = read_options(argv)
    settings = handler_settings(SCENARIOS[options.scenario], options.handler_flags)
    _check_writable(options.html)
    try:
        return _play(options, settings)
    except KeyboardInterrupt:
        sys.stderr.write("nth: demo stopped\n")
        return INTERRUPTED


def _play(options: Options, settings: Settings) -> int:
    live = not options.plain and options.speed is not None and _can_draw(sys.stdout)
    ending = _in_a_terminal(options, settings) if live else _in_lines(options, settings)
    if options.html and ending.report is not None:
        Path(options.html).write_text(page(ending.report), encoding="utf-8")
        sys.stdout.write(f"\nThe report as a page: {options.html}\n")
    return 0 if ending.fine else 1


def _in_lines(options: Options, settings: Settings) -> Ending:
    ending = _run(options, settings, Audience(hear=_write_line))
    if ending.report is not None:
        sys.stdout.write("\n" + as_text(report_lines(ending.report)))
    sys.stdout.write("\n" + outside_view(ending) + "\n")
    return ending


def _in_a_terminal(options: Options, settings: Settings) -> Ending:
    # Only here: whoever asks for lines needs no memory for drawing.
    from nth.ui.live import FRAME_SECONDS, LiveView, print_lines

    assert options.speed is not None
    with LiveView() as view:
        audience = Audience(look=view.draw, frame_seconds=FRAME_SECONDS * options.speed)
        ending = _run(options, settings, audience)
    if ending.report is not None:
        print_lines(report_lines(ending.report, get_terminal_size().columns))
    sys.stdout.write("\n" + outside_view(ending) + "\n")
    return ending


def _run(options: Options, settings: Settings, audience: Audience) -> Ending:
    scenario = SCENARIOS[options.scenario]
    return clock.run(lambda now: play(now, scenario, settings, audience), speed=options.speed)


def outside_view(ending: Ending) -> str:
    """What the cluster itself says, whatever the handler told."""
    names = ", ".join(str(pod.ref) for pod in ending.lost)
    lost = f"lost when the machine went: {names}" if ending.lost else "no pod was lost"
    short = "; ".join(ending.short) if ending.short else "every workload has all its Ready pods"
    return f"The simulated cluster itself says: {lost}; {short}."


def _write_line(entry: Entry) -> None:
    sys.stdout.write(f"{utc_text(entry.at)[11:19]} {entry.level:5} {entry.text}\n")
    sys.stdout.flush()


def _can_draw(stream: TextIO) -> bool:
    return stream.isatty() and (stream.encoding or "").lower().startswith("utf")


def _check_writable(path: str) -> None:
    """Before the demo, not after it."""
    if not path:
        return
    try:
        Path(path).touch()
    except OSError as error:
        raise SettingError(f"demo: --html is {path!r}, which cannot be written: {error.strerror}") from None
