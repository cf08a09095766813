"""The commands `nth report` and `nth explain`: options in, exit code out."""

from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

from nth.core.visible import visible, visible_line
from nth.errors import SettingError
from nth.reading.files import STDIN, read_lines
from nth.reading.past import Past, past_of
from nth.reading.questions import Answer, answers
from nth.report.interruption import InterruptionReport
from nth.report.markdown import markdown
from nth.report.words import counted
from nth.ui.html import page
from nth.ui.report import as_text, report_lines
from nth.ui.terminal import complain, say

WIDTH = 100
RULE = "\n" + WIDTH * "-" + "\n\n"
NOTHING = 1
MAX_LISTED = 50
OLDER = "this log is from an older version, ends too early, or ENABLE_INTERRUPTION_REPORT was false"
EXPECTED = "its text or JSON, as it is or as kubectl, Loki, CloudWatch or a collector gives it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """The options of `nth report`. Empty texts are not given."""

    file: str
    html: str
    session: str
    node: str
    markdown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions:
    """The options of `nth explain`."""

    name: str
    file: str


def report(options: ReportOptions) -> int:
    """Returns 0: shown, 1: no interruption in the log. SettingError: the file cannot be used."""
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


def explain(options: ExplainOptions) -> int:
    """Returns 0: answered, 1: the name is not in the log. SettingError: the file cannot be used."""
    past = _read(options.file)
    found = answers(options.name, past.reports)
    if not found:
        return _nothing(f"nothing that is called {options.name}, or begins so", options.file, past)
    if len({answer.name for answer in found}) > 1:
        _list(found)
    else:
        texts = (
            "\n".join(fill(visible_line(text), WIDTH) for text in answer.sentences) + "\n" for answer in found
        )
        say("\n".join(texts))
    return 0


def _read(path: str) -> Past:
    past = past_of(read_lines(path))
    for reason in dict.fromkeys(past.unreadable):
        complain(f"skipped {reason}")
    for foreign, every in past.foreign:
        _say_foreign(path, foreign, every)
    if past.unreported:
        complain(f"{counted(past.unreported, 'interruption')} without a report line: {OLDER}")
    for _, node_name in past.only_noticed:
        complain(f"the log ends early: of the interruption of {node_name} it has the notice and nothing more")
    return past


def _say_foreign(path: str, foreign: int, every: int) -> None:
    """Say how many lines were not read, and which would have been."""
    if foreign:
        count = f"{foreign} of {counted(every, 'line')}"
        are = "is no line" if foreign == 1 else "are no lines"
        complain(f"{count} in {_where(path)} {are} of the handler and not read; expected: {EXPECTED}")


def _where(path: str) -> str:
    return "standard input" if path == STDIN else path


def _nothing(what: str, path: str, past: Past) -> int:
    if past.reports or not (past.unreported or past.only_noticed):
        count = f"{counted(past.lines, 'line')} of a handler, {counted(len(past.reports), 'interruption')}"
        complain(f"{what} in {_where(path)} ({count})")
    return NOTHING


def _show(found: list[InterruptionReport], options: ReportOptions) -> None:
    if options.html:
        _write_pages(found, options.html)
    elif options.markdown:
        say("\n---\n\n".join(markdown(one) for one in found))
    else:
        say(RULE.join(as_text(report_lines(one, WIDTH)) for one in found))


def _write_pages(found: list[InterruptionReport], html: str) -> None:
    for number, one in enumerate(found, start=1):
        path = Path(html) if number == 1 else Path(html).with_stem(f"{Path(html).stem}-{number}")
        try:
            path.write_text(page(one), encoding="utf-8")
        except OSError as error:
            raise SettingError(
                f"report: --html is {str(path)!r}, which cannot be written ({error.strerror})"
            ) from error
        say(f"{visible(str(path))}  {visible(one.node_name)}, session {visible(one.session_id)}\n")


def _list(found: list[Answer]) -> None:
    shown = [(visible(answer.name), visible(answer.short)) for answer in found[:MAX_LISTED]]
    width = min(max(len(name) for name, _ in shown), 70)
    say("Several go by this name; say which:\n")
    say("".join(f"  {name:{width}}  {short}\n" for name, short in shown))
    if len(found) > MAX_LISTED:
        say(f"  ... and {len(found) - MAX_LISTED} more\n")
