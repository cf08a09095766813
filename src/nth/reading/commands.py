"""The commands `nth report` and `nth explain`: options in, exit code out."""

import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from nth.core.story.interruption import InterruptionReport
from nth.core.story.markdown import markdown
from nth.errors import SettingError
from nth.reading.arguments import (
    ReportOptions,
    explain_help,
    read_explain_options,
    read_report_options,
    report_help,
)
from nth.reading.files import STDIN, read_lines
from nth.reading.past import Past, past_of
from nth.reading.questions import Answer, answers
from nth.ui.html import page
from nth.ui.report import as_text, report_lines

WIDTH = 100
RULE = "\n" + WIDTH * "-" + "\n\n"
NOTHING = 1
MAX_LISTED = 50


def report(argv: Sequence[str]) -> int:
    """0 shown, 1 no interruption in the log. SettingError: a flag or the file cannot be used."""
    options = read_report_options(argv)
    if options.help:
        sys.stdout.write(report_help())
        return 0
    past = _read(options.file)
    found = [
        one
        for one in past.reports
        if options.session in ("", one.session_id) and options.node in ("", one.node_name)
    ]
    if not found:
        wanted = [
            f"{word} {name}" for word, name in (("session", options.session), ("node", options.node)) if name
        ]
        return _nothing(
            f"no interruption{' of ' if wanted else ''}{' and '.join(wanted)}", options.file, past
        )
    _show(found, options)
    return 0


def explain(argv: Sequence[str]) -> int:
    """0 answered, 1 nothing of that name in the log. SettingError: a flag or the file cannot be used."""
    options = read_explain_options(argv)
    if options.help:
        sys.stdout.write(explain_help())
        return 0
    past = _read(options.file)
    found = answers(options.name, past.reports)
    if not found:
        return _nothing(f"nothing that is called {options.name}, or begins so", options.file, past)
    if len({answer.name for answer in found}) > 1:
        _list(found)
    else:
        texts = ("\n".join(fill(text, WIDTH) for text in answer.sentences) + "\n" for answer in found)
        sys.stdout.write("\n".join(texts))
    return 0


def _read(path: str) -> Past:
    past = past_of(read_lines(path))
    for reason in dict.fromkeys(past.unreadable):
        sys.stderr.write(f"nth: skipped {reason}\n")
    return past


def _nothing(what: str, path: str, past: Past) -> int:
    where = "standard input" if path == STDIN else path
    sys.stderr.write(
        f"nth: {what} in {where} ({past.lines} lines of a handler, {len(past.reports)} interruptions)\n"
    )
    return NOTHING


def _show(found: list[InterruptionReport], options: ReportOptions) -> None:
    if options.html:
        _write_pages(found, options.html)
    elif options.markdown:
        sys.stdout.write("\n---\n\n".join(markdown(one) for one in found))
    else:
        sys.stdout.write(RULE.join(as_text(report_lines(one, WIDTH)) for one in found))


def _write_pages(found: list[InterruptionReport], html: str) -> None:
    for number, one in enumerate(found, start=1):
        path = Path(html) if number == 1 else Path(html).with_stem(f"{Path(html).stem}-{number}")
        try:
            path.write_text(page(one), encoding="utf-8")
        except OSError as error:
            raise SettingError(
                f"report: --html is {str(path)!r}, which cannot be written ({error.strerror})"
            ) from error
        sys.stdout.write(f"{path}  {one.node_name}, session {one.session_id}\n")


def _list(found: list[Answer]) -> None:
    shown = found[:MAX_LISTED]
    width = min(max(len(answer.name) for answer in shown), 70)
    sys.stdout.write("Several go by this name; say which:\n")
    sys.stdout.writelines(f"  {answer.name:{width}}  {answer.short}\n" for answer in shown)
    if len(found) > MAX_LISTED:
        sys.stdout.write(f"  ... and {len(found) - MAX_LISTED} more\n")
