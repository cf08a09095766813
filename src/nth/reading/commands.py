"""The commands `nth report` and `nth explain`: options in, exit code out."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

from nth.core.visible import visible, visible_line
from nth.reading.files import STDIN, read_lines
from nth.reading.past import Past, past_of
from nth.reading.questions import Answer, answers
from nth.reading.selection import Selection
from nth.reading.showing import show_json, show_markdown, show_text, write_pages
from nth.report.words import counted
from nth.ui.terminal import complain, say, width

NOTHING = 1
MAX_LISTED = 50
OLDER = "this log is from an older version, ends too early, or ENABLE_INTERRUPTION_REPORT was false"
EXPECTED = "its text or JSON, as it is or as kubectl, Loki, CloudWatch or a collector gives it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """The options of `nth report`. At most one of `html`, `markdown` and `json` is given."""

    files: Sequence[str]
    selection: Selection
    html: str
    markdown: bool
    json: bool
    every: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions:
    """The options of `nth explain`."""

    name: str
    files: Sequence[str]


def report(options: ReportOptions) -> int:
    """Returns 0: shown, 1: no interruption in the log. SettingError: a file cannot be used."""
    past = _read(options.files)
    found = options.selection.chosen(past.reports)
    if options.json:
        show_json(found)
    elif found and options.html:
        write_pages(found, options.html)
    elif found and options.markdown:
        show_markdown(found, every=options.every)
    elif found:
        show_text(found, every=options.every)
    return 0 if found else _nothing(f"no interruption{options.selection}", options.files, past)


def explain(options: ExplainOptions) -> int:
    """Returns 0: answered, 1: the name is not in the log. SettingError: a file cannot be used."""
    past = _read(options.files)
    found = answers(options.name, past.reports)
    if not found:
        return _nothing(f"nothing that is called {options.name}, or begins so", options.files, past)
    if len({answer.name for answer in found}) > 1:
        _list(found)
    else:
        columns = width()
        texts = (
            "\n".join(
                # A name that is cut can be neither found nor copied.
                fill(visible_line(text), columns, break_on_hyphens=False, break_long_words=False)
                for text in answer.sentences
            )
            + "\n"
            for answer in found
        )
        say("\n".join(texts))
    return 0


def _read(paths: Sequence[str]) -> Past:
    past = past_of(*map(read_lines, paths))
    for reason in dict.fromkeys(past.unreadable):
        complain(f"skipped {reason}")
    for path, (foreign, every) in zip(paths, past.foreign, strict=True):
        _say_foreign(path, foreign, every)
    if past.unreported:
        complain(f"{counted(past.unreported, 'interruption')} without a report line: {OLDER}")
    for _, node_name in past.only_noticed[:MAX_LISTED]:
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


def _nothing(what: str, paths: Sequence[str], past: Past) -> int:
    if past.reports or not (past.unreported or past.only_noticed):
        count = f"{counted(past.lines, 'line')} of a handler, {counted(len(past.reports), 'interruption')}"
        complain(f"{what} in {', '.join(map(_where, paths))} ({count})")
    return NOTHING


def _list(found: list[Answer]) -> None:
    shown = [(visible(answer.name), visible(answer.short)) for answer in found[:MAX_LISTED]]
    width = min(max(len(name) for name, _ in shown), 70)
    say("Several go by this name; say which:\n")
    say("".join(f"  {name:{width}}  {short}\n" for name, short in shown))
    if len(found) > MAX_LISTED:
        say(f"  ... and {len(found) - MAX_LISTED} more\n")
