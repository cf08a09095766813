"""Writes the report of an interruption as Markdown, for a chat message or an issue: verdict first, and short.

Written for GitHub's dialect (https://github.github.com/gfm/); a reader without tables shows lines.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from nth.core.times import utc_text
from nth.core.visible import visible
from nth.report.advice import advice
from nth.report.entries import shortened
from nth.report.interruption import Became, HowLeft, InterruptionReport, PodOutcome, Stage
from nth.report.steps import notice_sentence, slowest_sentence
from nth.report.storm import COLUMNS, Line, headline, period, rows
from nth.report.words import caveats, counted, early_end, outcome_word, seconds_text, summary, title, verdict

MAX_CHARS = 3500
"""Slack cuts a message's block at 3000 to 4000, others later."""
MAX_LINE_CHARS = 300
MAX_REASON_CHARS = 80
SPECIAL = re.compile(r"([\\`*_\[\]<>|~#@])")
"""Characters that Markdown or a chat would take for more than text; `@` would notify a person."""
GRAVEST = (Stage.LOST, Stage.BLOCKED, Stage.WAITING, Stage.STOPPING, Stage.GONE, Stage.STAYS)
GRAVEST_END = (
    Became.LOST,
    Became.NOT_REPLACED,
    Became.UNKNOWN,
    Became.CAME_BACK,
    Became.ENDED,
    Became.MOVED,
)
HARSHEST = (HowLeft.FORCED, HowLeft.CUT_OFF, HowLeft.BY_ITSELF, HowLeft.POLITELY, HowLeft.NOT)
HEAD = ("| pod | left, became | gone after | Ready elsewhere after | why |", "|---|---|---|---|---|")


def markdown(report: InterruptionReport) -> str:
    """Returns at most MAX_CHARS characters; rows of pods are left out first, and counted."""
    fine, sentence = verdict(report)
    how = ("OK: " if report.final else "") if fine else "NOT OK: "
    top = [
        *map(_text, early_end(report)),
        f"**{how}{_text(sentence)}**",
        f"{_text(title(report))}, {utc_text(report.began_at)}, session {_text(report.session_id)}",
        *_items((*caveats(report), *summary(report), *notice_sentence(report), *slowest_sentence(report))),
    ]
    plan = _section("Plan, not carried out", report.planned)
    change = _section("What to do before the next one", advice(report))
    # The table takes what the words leave, but words never push all of the table out.
    words = _within([*top, *plan, *change], MAX_CHARS - 600)
    table = _table(report, MAX_CHARS - len(words) - 2)
    return f"{words}\n{table}".rstrip() + "\n"


def markdown_of_storm(lines: Sequence[Line]) -> str:
    """Returns a table of several interruptions, at most MAX_CHARS characters; the best are left out first."""
    fine = all(line.fine for line in lines)
    top = [
        f"**{'OK' if fine else 'NOT OK'}: {_text(headline(lines))}**",
        f"{_text(period(lines))}.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{len(COLUMNS) * '---|'}",
    ]
    texts = [f"| {' | '.join(map(_text, row))} |" for row in rows(lines)]
    kept = _count_within(texts, MAX_CHARS - sum(len(line) + 1 for line in top))
    missing = len(texts) - kept
    more = ["", f"... and {counted(missing, 'interruption')} more"] if missing else []
    return "\n".join([*top, *texts[:kept], *more]) + "\n"


def _section(heading: str, texts: Iterable[str]) -> list[str]:
    items = _items(texts)
    return ["", f"**{heading}**", *items] if items else []


def _items(texts: Iterable[str]) -> list[str]:
    return [f"- {_text(shortened(text, MAX_LINE_CHARS))}" for text in texts]


def _within(lines: list[str], chars: int) -> str:
    """Returns as many lines as fit, and counts the rest."""
    kept: list[str] = []
    left = chars - 40
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            return "\n".join([*kept, f"- ... and {counted(len(lines) - len(kept), 'line')} more"]) + "\n"
        kept.append(line)
    return "\n".join(kept) + "\n"


def _table(report: InterruptionReport, chars: int) -> str:
    """Returns the table of pods, the gravest first."""
    pods = sorted(report.pods, key=_gravity)
    texts = list(_rows(pods, report))
    kept = _count_within(texts, chars - sum(len(line) + 1 for line in HEAD))
    if not kept:
        return ""
    missing = len(pods) - kept + report.pods_left_out
    more = ["", f"... and {counted(missing, 'pod')} more"] if missing else []
    return "\n".join([*HEAD, *texts[:kept], *more])


def _count_within(texts: Sequence[str], chars: int) -> int:
    """Returns how many lines fit, and one that counts the rest."""
    left = chars - 40
    for count, text in enumerate(texts):
        left -= len(text) + 1
        if left < 0:
            return count
    return len(texts)


def _gravity(pod: PodOutcome) -> tuple[int, int, int]:
    return GRAVEST.index(pod.stage), GRAVEST_END.index(pod.became), HARSHEST.index(pod.left)


def _rows(pods: list[PodOutcome], report: InterruptionReport) -> Iterator[str]:
    for outcome in pods:
        gone, ready = (
            "-" if at is None else seconds_text(at - report.began_at)
            for at in (outcome.gone_at, outcome.replaced_at)
        )
        why = _text(shortened(outcome.reason, MAX_REASON_CHARS))
        yield f"| {_text(str(outcome.pod.ref))} | {outcome_word(outcome)} | {gone} | {ready} | {why} |"


def _text(text: str) -> str:
    """Returns plain text on one line, whatever it holds."""
    return SPECIAL.sub(r"\\\1", visible(" ".join(text.split())))
