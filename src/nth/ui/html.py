"""The report of an interruption as one page that stands alone: nothing is loaded from anywhere.

Everything that comes from a cluster is escaped.
"""

from collections.abc import Iterable
from html import escape
from importlib.resources import files

from nth.core.facts import Pod
from nth.core.times import utc_text
from nth.report.advice import advice
from nth.report.interruption import InterruptionReport, PodOutcome
from nth.report.steps import slowest_sentence
from nth.report.words import (
    caveats,
    counted,
    lost_names,
    outcome_word,
    seconds_text,
    short_taint,
    summary,
    title,
    verdict,
)
from nth.ui.chart import chart, plain

_STYLE = files("nth.ui").joinpath("page.css").read_text(encoding="utf-8")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The browser, too, is told to load nothing."""
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
        f'<p class="verdict{"" if fine else " bad"}">{plain(sentence)}</p>',
        *(f'<p class="caveat">{plain(text)}</p>' for text in caveats(report)),
        _cards(report),
        *(f"<p>{plain(text)}</p>" for text in (*summary(report)[1:], *slowest_sentence(report))),
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
    lost = len(lost_names(report))
    cards = [
        (str(report.moved_politely), "moved politely", ""),
        (str(len(report.forced)), "forced", ""),
        (str(lost), "lost", "bad" if lost else ""),
        (_seconds(report.margin_seconds), "to spare before the deadline", ""),
        (_seconds(None if replaced is None else replaced - report.began_at), "until all was replaced", ""),
    ]
    cells = (
        f'<div class="card {kind}"><b>{plain(figure)}</b><span>{plain(words)}</span></div>'
        for figure, words, kind in cards
    )
    return f'<div class="cards">{"".join(cells)}</div>'


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else seconds_text(seconds)  # noqa: RUF001


def _picture(report: InterruptionReport) -> str:
    if not report.pods:
        return ""
    legend = "".join(f'<span><i class="i-{kind}"></i>{words}</span>' for kind, words in _LEGEND)
    return (
        f'<h2>From the notice to the deadline</h2>\n<div class="scroll">{chart(report)}</div>\n'
        f'<p class="legend">{legend}</p>'
    )


def _list(heading: str, texts: Iterable[str]) -> str:
    items = "".join(f"<li>{plain(text)}</li>" for text in texts)
    return f"<h2>{heading}</h2>\n<ul>{items}</ul>" if items else ""


def _pods(report: InterruptionReport) -> str:
    rows = [_pod(outcome, report) for outcome in report.pods]
    rows += [_kept(pod, reason, report) for pod, reason in report.staying]
    head = ("Pod", "Outcome", "Why", "Asked", "Gone", "Successor")
    heading = f"<h2>{counted(len(rows) + report.pods_left_out, 'pod')} on the node</h2>"
    return f"{heading}\n{_table('pods', head, rows)}" if rows else ""


def _pod(outcome: PodOutcome, report: InterruptionReport) -> str:
    asked, gone, ready = (
        "" if at is None else f"{at - report.began_at:.1f} s"
        for at in (outcome.asked_at, outcome.gone_at, outcome.replaced_at)
    )
    successor = outcome.successor
    where = f" on {successor.pod.node_name}" if successor and successor.pod.node_name else ""
    cells = [
        str(outcome.pod.ref),
        outcome_word(outcome),
        outcome.reason,
        asked,
        gone,
        f"Ready at {ready}{where}" if ready else "none Ready",
    ]
    return _row(cells, "error" if outcome_word(outcome) == "LOST" else "warn" if outcome.forced else "")


def _kept(pod: Pod, reason: str, report: InterruptionReport) -> str:
    """Returns the row of a pod that was not asked to go."""
    lost = str(pod.ref) in lost_names(report)
    return _row([str(pod.ref), "LOST" if lost else "stays", reason, "", "", ""], "error" if lost else "")


def _entries(report: InterruptionReport) -> str:
    rows = [
        _row([f"{entry.at - report.began_at:.1f} s", entry.text], entry.level) for entry in report.entries
    ]
    return f"<h2>What was logged</h2>\n{_table('told', ('After', ''), rows)}"


def _table(name: str, head: Iterable[str], rows: Iterable[str]) -> str:
    heads = "".join(f"<th>{word}</th>" for word in head)
    body = "\n".join(rows)
    return f'<div class="scroll"><table class="{name}"><tr>{heads}</tr>\n{body}\n</table></div>'


def _row(cells: Iterable[str], kind: str) -> str:
    inner = "".join(f"<td>{plain(cell)}</td>" for cell in cells)
    return f'<tr class="{plain(kind)}">{inner}</tr>'
