"""The report of an interruption as one page that stands alone: nothing is loaded from anywhere.

Everything that comes from a cluster is escaped.
"""

from collections.abc import Iterable
from html import escape
from importlib.resources import files

from nth.core.facts import Pod
from nth.core.times import utc_text
from nth.report.advice import advice
from nth.report.interruption import Became, HowLeft, InterruptionReport, PodOutcome
from nth.report.names import cut_middle
from nth.report.pod_fates import counts
from nth.report.steps import notice_sentence, slowest_sentence
from nth.report.storm import NONE
from nth.report.words import (
    caveats,
    counted,
    course,
    early_end,
    harm,
    lost_names,
    outcome_word,
    seconds_text,
    short_taint,
    summary,
    title,
    verdict,
)
from nth.ui.chart import NARROW, WIDE, chart, plain

_STYLE = files("nth.ui").joinpath("page.css").read_text(encoding="utf-8")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The browser, too, is told to load nothing."""
POD_COLUMNS = ("Pod", "Left, became", "Why", "Asked", "Gone", "Successor")
FIGURES = frozenset({"forced", "not replaced", "margin"})
"""Columns of numbers, which stand at the right."""
SHORT = frozenset({"After", "Left, became", "Asked", "Gone", "Successor", "kind", "notice", "result"})
"""Columns whose texts stay on one line."""
MAX_NODE_CHARS = 24
LEFT_WORDS = {
    HowLeft.POLITELY: "left politely",
    HowLeft.FORCED: "forced",
    HowLeft.CUT_OFF: "cut off",
    HowLeft.BY_ITSELF: "left by themselves",
    HowLeft.NOT: "did not leave",
}
"""The words below the numbers of pods."""
_LEGEND = (
    ("waiting", "waits its turn"),
    ("blocked", "eviction refused"),
    ("stopping", "stopping"),
    ("forced", "stopping, forced"),
    ("absent", "gone, successor not Ready yet"),
    ("ready", "successor Ready"),
)


def page(report: InterruptionReport, *, index: str = "") -> str:
    """Returns the whole document; `index` is the address of the page that lists it, if there is one."""
    fine, sentence = verdict(report)
    return document(
        title(report),
        f'<p class="sub">{plain(_subtitle(report))}</p>',
        *(f'<p class="caveat">{plain(text)}</p>' for text in early_end(report)),
        f'<p class="verdict{_colour(report, fine=fine)}">{plain(sentence)}</p>',
        *(f'<p class="caveat">{plain(text)}</p>' for text in caveats(report)),
        _cards(report),
        *(
            f"<p>{plain(text)}</p>"
            for text in (*course(report), *notice_sentence(report), *slowest_sentence(report))
        ),
        _picture(report),
        _list("Plan, not carried out", report.planned),
        _list("What to do before the next one", advice(report)),
        _pods(report),
        _entries(report),
        f'<p><a href="{escape(index)}">All interruptions</a></p>' if index else "",
    )


def document(heading: str, *parts: str) -> str:
    """Returns a whole document of these parts, which are markup, as `heading` is not."""
    head = plain(heading)
    texts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{head}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
        f"<h1>{head}</h1>",
        *parts,
        "</body>\n</html>\n",
    ]
    return "\n".join(text for text in texts if text)


def _colour(report: InterruptionReport, *, fine: bool) -> str:
    """Returns the further class of the verdict: green is for what is over and did no harm."""
    return " bad" if not fine else " open" if not report.final else " harm" if harm(report) else ""


def _subtitle(report: InterruptionReport) -> str:
    words = [f"Notice at {utc_text(report.began_at)}"]
    if report.deadline_at is not None:
        words.append(f"deadline {utc_text(report.deadline_at)}")
    words += [f"taint {short_taint(taint)}" for taint in report.taints]
    return " · ".join([*words, f"session {report.session_id}"])


def _cards(report: InterruptionReport) -> str:
    if not summary(report):
        return ""
    replaced = report.replaced_at
    found = counts(report)
    cards = [
        *((str(count), word.value, _bad(word)) for word, count in found.became.items()),
        *((str(count), LEFT_WORDS[how], _bad(how)) for how, count in found.left.items()),
        (_seconds(report.margin_seconds), "to spare before the deadline", ""),
        (_seconds(None if replaced is None else replaced - report.began_at), "until all was replaced", ""),
    ]
    cells = (
        f'<div class="card {kind}"><b>{plain(figure)}</b><span>{plain(words)}</span></div>'
        for figure, words, kind in cards
    )
    return f'<div class="cards">{"".join(cells)}</div>'


def _bad(word: Became | HowLeft) -> str:
    return "bad" if word in (Became.LOST, HowLeft.NOT) else ""


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else seconds_text(seconds)  # noqa: RUF001


def _picture(report: InterruptionReport) -> str:
    if not report.pods:
        return ""
    legend = "".join(f'<span><i class="i-{kind}"></i>{words}</span>' for kind, words in _LEGEND)
    charts = "\n".join(chart(report, layout) for layout in (WIDE, NARROW))
    return f'<h2>From the notice to the deadline</h2>\n{charts}\n<p class="legend">{legend}</p>'


def _list(heading: str, texts: Iterable[str]) -> str:
    items = "".join(f"<li>{plain(text)}</li>" for text in texts)
    return f"<h2>{heading}</h2>\n<ul>{items}</ul>" if items else ""


def _pods(report: InterruptionReport) -> str:
    rows = [_pod(outcome, report) for outcome in report.pods]
    rows += [_kept(pod, reason, report) for pod, reason in report.staying]
    heading = f"<h2>{counted(len(rows) + report.pods_left_out, 'pod')} on the node</h2>"
    return f"{heading}\n{table('rows', POD_COLUMNS, rows)}" if rows else ""


def _pod(outcome: PodOutcome, report: InterruptionReport) -> str:
    asked, gone, ready = (
        "" if at is None else f"{at - report.began_at:.1f} s"
        for at in (outcome.asked_at, outcome.gone_at, outcome.replaced_at)
    )
    successor = outcome.successor
    node_name = "" if successor is None else cut_middle(successor.pod.node_name, MAX_NODE_CHARS)
    where = f" on {node_name}" if node_name else ""
    cells = [
        str(outcome.pod.ref),
        outcome_word(outcome),
        outcome.reason,
        asked,
        gone,
        f"Ready at {ready}{where}" if ready else "none Ready",
    ]
    return row(POD_COLUMNS, cells, _kind(outcome))


def _kind(outcome: PodOutcome) -> str:
    if outcome.became is Became.LOST:
        return "error"
    harsh = outcome.left in (HowLeft.FORCED, HowLeft.CUT_OFF)
    return "warn" if harsh or outcome.became is Became.NOT_REPLACED else ""


def _kept(pod: Pod, reason: str, report: InterruptionReport) -> str:
    """Returns the row of a pod that was not asked to go."""
    lost = str(pod.ref) in lost_names(report)
    return row(
        POD_COLUMNS, [str(pod.ref), "LOST" if lost else "stays", reason, "", "", ""], "error" if lost else ""
    )


def _entries(report: InterruptionReport) -> str:
    rows = [
        row(("After", ""), [f"{entry.at - report.began_at:.1f} s", entry.text], entry.level)
        for entry in report.entries
    ]
    return f"<h2>What was logged</h2>\n{table('entries', ('After', ''), rows)}"


def table(kind: str, columns: Iterable[str], rows: Iterable[str]) -> str:
    """Returns a table; of the kind `rows`, each row is a block where the screen is narrow."""
    heads = "".join(f'<th class="{_class_of(name)}">{name}</th>' for name in columns)
    body = "\n".join(rows)
    return f'<table class="{kind}"><tr>{heads}</tr>\n{body}\n</table>'


def row(columns: Iterable[str], cells: Iterable[str], kind: str, *, link: str = "") -> str:
    """Returns a row of plain texts; the first one is a link if there is one."""
    texts = [plain(cell) for cell in cells]
    if link:
        texts[0] = f'<a href="{escape(link)}">{texts[0]}</a>'
    inner = "".join(
        f'<td class="{_class_of(name)}{" none" if text == NONE else ""}" data-name="{name}">{text}</td>'
        for name, text in zip(columns, texts, strict=True)
    )
    return f'<tr class="{plain(kind)}">{inner}</tr>'


def _class_of(column: str) -> str:
    return "figure" if column in FIGURES else "short" if column in SHORT else ""
