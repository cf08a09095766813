"""From the lines of a log to one report for each interruption in it.

A report's own line says all. Where it is missing, because the handler was killed or the log ends
before it, the report is made from the decision lines, and says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from nth.core.reports import (
    DeadlineMoved,
    NoticeReceived,
    SessionEnded,
    SessionResumed,
    Told,
    Trouble,
    TroubleOver,
)
from nth.reading.decisions import told_of
from nth.reading.lines import LogLine, parse
from nth.reading.owners import completed
from nth.report.chronicle import Chronicle
from nth.report.interruption import InterruptionReport, PodOutcome
from nth.report.pod_story import gone_unseen
from nth.report.report_line import decode

MADE_FROM_LINES = (
    "its last line is not in this log (the handler is still at it, or was ended, or the log is cut off), "
    "so it is made from the decision lines"
)
JOINED = (
    "the handler was restarted meanwhile, and what it did before is taken from its decision lines; pods that "
    "left before it was back count as gone then"
)
MAX_LINES = 2_000_000
"""More do not fit into a laptop's memory."""
ASIDE = DeadlineMoved | SessionEnded | Trouble | TroubleOver
"""Alone they make no story."""


@dataclass(slots=True)
class _Session:
    """All lines of one session about one node."""

    told: list[Told] = field(default_factory=list)
    reports: dict[float, InterruptionReport] = field(default_factory=dict)
    """By when it began: of two of the same interruption the later one counts."""


@dataclass(slots=True)
class Past:
    """What was found."""

    reports: list[InterruptionReport]
    """Oldest first."""
    lines: int
    """How many lines of ours there were."""
    unreadable: list[str]
    """Why reports in the log could not be read."""


def past_of(texts: Iterable[str]) -> Past:
    """All interruptions in the lines of a log, in whatever order they come."""
    sessions: dict[tuple[str, str], _Session] = {}
    past = Past([], 0, [])
    for text in texts:
        line = parse(text)
        if line is None:
            continue
        past.lines += 1
        if past.lines > MAX_LINES:
            past.unreadable.append(f"what comes after the first {MAX_LINES} lines of a handler")
            break
        node_name, session_id = line.word("node"), line.word("session")
        if node_name and session_id:
            _take(sessions.setdefault((session_id, node_name), _Session()), line, node_name, past)
    reports = [report for (_, name), session in sessions.items() for report in _reports(session, name)]
    past.reports = sorted(reports, key=lambda report: report.first_at)
    return past


def _take(session: _Session, line: LogLine, node_name: str, past: Past) -> None:
    data = line.fields.get("report")
    if isinstance(data, dict):
        try:
            report = decode(data)
        except ValueError as error:
            past.unreadable.append(str(error))
            return
        known = session.reports.get(report.first_at)
        if known is None or known.until_at <= report.until_at:
            session.reports[report.first_at] = report
    elif (told := told_of(line, node_name)) is not None:
        session.told.append(told)


def _reports(session: _Session, node_name: str) -> list[InterruptionReport]:
    told, found = completed(session.told), []
    for report in sorted(session.reports.values(), key=lambda report: report.until_at):
        before = [one for one in told if one.at < _floor(report.first_at, one.at)]
        told = [one for one in told if one.at > report.until_at]
        earlier = _rebuilt(before, node_name) if report.resumed else None
        found.append(report if earlier is None else _joined(earlier, report))
    rest = _rebuilt(told, node_name) if not found or _begins_anew(told) else None
    return found if rest is None else [*found, rest]


def _floor(at: float, like_at: float) -> float:
    """The instant as precise as the other one, which is a whole second in a log of text."""
    return float(int(at)) if like_at == int(like_at) else at


def _begins_anew(told: list[Told]) -> bool:
    """What comes after a report is an interruption of its own: pods were asked once more."""
    chronicle = Chronicle(0.0)
    for one in told:
        chronicle.take(one)
    return chronicle.moved and any(isinstance(one.report, NoticeReceived | SessionResumed) for one in told)


def _rebuilt(told: list[Told], node_name: str) -> InterruptionReport | None:
    """None: nothing was told of an interruption."""
    if all(isinstance(one.report, ASIDE) for one in told):
        return None
    chronicle = Chronicle(told[0].at)
    for one in told:
        chronicle.take(one)
    report = chronicle.report(told[-1].session_id, node_name, told[-1].at)
    return replace(report, incomplete=MADE_FROM_LINES)


def _joined(earlier: InterruptionReport, later: InterruptionReport) -> InterruptionReport:
    """One report of what a handler did before it was restarted, and of what it did then."""
    known = {notice.event.event_id for notice in later.notices}
    notices = tuple(notice for notice in earlier.notices if notice.event.event_id not in known)
    named = {(one.namespace, one.controller.name) for one in later.controllers}
    controllers = [one for one in earlier.controllers if (one.namespace, one.controller.name) not in named]
    before = {str(outcome.pod.ref): outcome for outcome in earlier.pods}
    pods = [_continued(before.pop(str(outcome.pod.ref), outcome), outcome) for outcome in later.pods]
    unseen = (gone_unseen(outcome, later.first_at) for outcome in before.values())
    return replace(
        later,
        first_at=earlier.first_at,
        began_at=min(earlier.began_at, later.began_at),
        notices=(*notices, *later.notices),
        deadline_at=later.deadline_at or earlier.deadline_at,
        cordoned_at=earlier.cordoned_at or later.cordoned_at,
        taints=later.taints or earlier.taints,
        pods=(*unseen, *pods),
        staying=later.staying or earlier.staying,
        controllers=(*controllers, *later.controllers),
        entries=(*earlier.entries, *later.entries),
        entries_left_out=earlier.entries_left_out + later.entries_left_out,
        resumed=False,
        incomplete=JOINED,
    )


def _continued(before: PodOutcome, after: PodOutcome) -> PodOutcome:
    """The same pod, as both handlers saw it."""
    return replace(
        after,
        known_at=min(before.known_at, after.known_at),
        refused_at=before.refused_at or after.refused_at,
        asked_at=before.asked_at or after.asked_at,
        grace_seconds=before.grace_seconds or after.grace_seconds,
        reason=after.reason or before.reason,
        cut=before.cut or after.cut,
        forced=before.forced or after.forced,
        by_itself=after.by_itself and before.asked_at is None,
    )
