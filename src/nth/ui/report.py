"""The report of an interruption as lines of text, for a terminal or a file.

Each line has a style, so that the same lines can be coloured; the text alone says everything and
is plain ASCII. It must not import rich.
"""

import re
from collections.abc import Iterable
from textwrap import wrap

from nth.core.times import utc_text
from nth.core.visible import visible, visible_line
from nth.report.advice import advice
from nth.report.interruption import Became, HowLeft, InterruptionReport, PodOutcome
from nth.report.names import cut_middle
from nth.report.steps import notice_sentence, slowest_sentence
from nth.report.words import caveats, early_end, harm, outcome_word, short_name, summary, title, verdict
from nth.ui.bars import FUTURE, LEGEND, Axis, axis_of, bar
from nth.ui.terminal import Style, StyledLine

BAR_HEADS = ("NOTICE TO DEADLINE", "TO DEADLINE")
LEAST_BAR_CELLS, MOST_BAR_CELLS = 12, 30
OUTCOME_HEAD = "LEFT, BECAME"
STICKY_SPACE = "\N{NO-BREAK SPACE}"
UNIT = re.compile(r"(?<=\d) (?=(?:s|min|h)\b)")
"""The space between a figure and its unit, at which no line ends."""
LEVEL_STYLES: dict[str, Style] = {"warn": "warn", "error": "error", "debug": "dim"}


def report_lines(report: InterruptionReport, width: int = 100) -> list[StyledLine]:
    """Returns the whole report in lines of at most `width` (80 or more) characters."""
    fine, sentence = verdict(report)
    return [
        *_filled("title", [_title(report)], width),
        *_filled("warn", caveats(report), width),
        *_section("Timeline, seconds after the notice", _timeline(report, width)),
        *_section(
            "Plan, not carried out", _filled("plain", report.planned, width, first="  ", indent="    ")
        ),
        *_section("Pods", _pods(report, width)),
        *_section(
            "What to do before the next one",
            _filled("plain", advice(report), width, first="  * ", indent="    "),
        ),
        # Last, because a terminal still shows the end.
        StyledLine("plain", ""),
        *_filled("warn", early_end(report), width),
        *_filled(_style(report) if fine else "bad", [sentence], width),
        *_filled("plain", [*summary(report), *notice_sentence(report), *slowest_sentence(report)], width),
    ]


def _style(report: InterruptionReport) -> Style:
    """Returns the style of a verdict that is not bad: green is for what is over and did no harm."""
    return "plain" if not report.final else "warn" if harm(report) else "good"


def as_text(lines: list[StyledLine]) -> str:
    """Returns the lines without their styles."""
    return "\n".join(line.text for line in lines) + "\n"


def _title(report: InterruptionReport) -> str:
    return f"{title(report)}, {utc_text(report.began_at)}, session {report.session_id}"


def _section(title: str, lines: list[StyledLine]) -> list[StyledLine]:
    return [StyledLine("plain", ""), StyledLine("head", title), *lines] if lines else []


def _pods(report: InterruptionReport, width: int) -> list[StyledLine]:
    if not report.pods:
        return []
    names = max(len(visible(short_name(outcome.pod))) for outcome in report.pods)
    words = max(len(OUTCOME_HEAD), *(len(outcome_word(outcome)) for outcome in report.pods))
    free = width - 28 - words
    # The names come first: a bar says as much in fewer cells.
    name_width = min(max(names, 4), max(8, free - LEAST_BAR_CELLS))
    cells = min(MOST_BAR_CELLS, max(LEAST_BAR_CELLS, free - name_width))
    axis = axis_of(report, cells)
    bar_head = next(head for head in BAR_HEADS if len(head) <= cells)
    head = f"  {'POD':{name_width}}  {bar_head:{cells}}  {OUTCOME_HEAD:{words}}  GONE     READY AGAIN"
    rows = [_pod(outcome, report, axis, name_width, words) for outcome in report.pods]
    return [
        StyledLine("dim", head.rstrip()),
        *rows,
        *_legend(report, axis, width),
        *_staying(report, width),
    ]


def _staying(report: InterruptionReport, width: int) -> list[StyledLine]:
    """Returns the pods that were left where they are, by reason."""
    names: dict[str, list[str]] = {}
    for pod, reason in report.staying:
        names.setdefault(reason, []).append(short_name(pod))
    texts = (f"{len(pods)} left alone ({reason}): {', '.join(pods)}" for reason, pods in names.items())
    return _filled("dim", texts, width, first="  ", indent="    ")


def _pod(
    outcome: PodOutcome, report: InterruptionReport, axis: Axis, name_width: int, words: int
) -> StyledLine:
    name = cut_middle(visible(short_name(outcome.pod)), name_width)
    gone, ready = (_after(report, at) for at in (outcome.gone_at, outcome.replaced_at))
    shown = f"{bar(outcome, report, axis)}  {outcome_word(outcome):{words}}"
    text = f"  {name:{name_width}}  {shown}  {gone:8} {ready}".rstrip()
    if outcome.became is Became.LOST:
        return StyledLine("error", text)
    harsh = outcome.left in (HowLeft.FORCED, HowLeft.CUT_OFF)
    return StyledLine("warn" if harsh or outcome.became is Became.NOT_REPLACED else "plain", text)


def _after(report: InterruptionReport, at: float | None) -> str:
    return "-" if at is None else f"{at - report.began_at:.1f} s"


def _legend(report: InterruptionReport, axis: Axis, width: int) -> list[StyledLine]:
    used = {sign for outcome in report.pods for sign in bar(outcome, report, axis)} - {FUTURE}
    entries = (f"{sign} {meaning}," for sign, meaning in LEGEND.items() if sign in used)
    words = " ".join(entry.replace(" ", STICKY_SPACE) for entry in entries).rstrip(",")
    return _filled("dim", [words], width, first="  ", indent="  ")


def _timeline(report: InterruptionReport, width: int) -> list[StyledLine]:
    lines: list[StyledLine] = []
    for entry in report.entries:
        style = LEVEL_STYLES.get(entry.level, "plain")
        stamp = f"  {entry.at - report.began_at:7.1f}  "
        lines += _filled(style, [entry.text], width, first=stamp, indent=" " * len(stamp))
    return lines


def _filled(
    style: Style, texts: Iterable[str], width: int, *, first: str = "", indent: str = ""
) -> list[StyledLine]:
    """Returns the texts, each from a line of its own on."""
    lines = (
        line
        for text in texts
        for line in wrap(
            UNIT.sub(STICKY_SPACE, visible_line(text)),
            width,
            initial_indent=first,
            subsequent_indent=indent,
            break_on_hyphens=False,
        )
    )
    return [StyledLine(style, line.replace(STICKY_SPACE, " ")) for line in lines]
