"""Reads one report for each interruption from the lines of a log.

The handler writes a report line at the end of an interruption, and before that one in each phase. The last
one counts; the facts known before a restart are joined with those known afterwards.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from nth.reading.lines import Fields, parse
from nth.report.explain import clock
from nth.report.interruption import InterruptionReport, PodOutcome
from nth.report.pod_fates import with_fates
from nth.report.pod_outcomes import gone_unseen
from nth.report.report_line import decode

SO_FAR = (
    "its last line is not in this log (the handler is still at it, or was ended, or the log is cut off), "
    "so it shows what was known at"
)
JOINED = (
    "the handler was restarted meanwhile, and what it did before is taken from its last report line before "
    "that; pods that left before it was back count as gone then, and as gone by themselves if they had not "
    "been asked by that line"
)
MAX_LINES = 2_000_000
"""More do not fit into a laptop's memory."""
OF_A_NOTICE = "drain_at"
"""A field that only the line of a notice has; a report line follows it."""

Key = tuple[str, str]
"""(session, node)"""


@dataclass(slots=True)
class Past:
    """The interruptions found in a log."""

    reports: list[InterruptionReport]
    """Oldest first."""
    lines: int = 0
    """Counts the lines of ours."""
    foreign: list[tuple[int, int]] = field(default_factory=list)
    """Of each source the lines that are not ours, and all of its lines; empty ones do not count."""
    unreadable: list[str] = field(default_factory=list)
    """Why reports in the log could not be read."""
    unreported: int = 0
    """Counts the sessions that have notices in the log and go on there, and have no report line."""
    only_noticed: list[Key] = field(default_factory=list)
    """The sessions of which nothing but notices is in the log."""


@dataclass(slots=True)
class _Book:
    """The facts of all lines so far."""

    sessions: dict[Key, dict[float, InterruptionReport]] = field(default_factory=dict)
    """Reports by when they began: of two of the same interruption the later one counts."""
    noticed: set[Key] = field(default_factory=set)
    followed: set[Key] = field(default_factory=set)
    """Sessions of which there is more than notices."""


def past_of(*sources: Iterable[str]) -> Past:
    """Returns all interruptions in the lines of logs, in whatever order they come."""
    past, book = Past([]), _Book()
    for source in sources:
        past.foreign.append(_read(source, book, past))
    unreported = book.noticed - book.sessions.keys()
    past.unreported = len(unreported & book.followed)
    past.only_noticed = sorted(unreported - book.followed)
    found = [report for reports in book.sessions.values() for report in _interruptions(reports.values())]
    past.reports = sorted(found, key=lambda report: report.first_at)
    return past


def _read(texts: Iterable[str], book: _Book, past: Past) -> tuple[int, int]:
    """Returns the lines that are not ours, and all lines; empty ones do not count."""
    foreign = every = 0
    for text in texts:
        every += bool(text.strip())
        fields = parse(text)
        if fields is None:
            foreign += bool(text.strip())
            continue
        past.lines += 1
        if past.lines > MAX_LINES:
            past.unreadable.append(f"what comes after the first {MAX_LINES} lines of a handler")
            break
        _note(fields, book, past)
    return foreign, every


def _note(fields: Fields, book: _Book, past: Past) -> None:
    key = str(fields.get("session", "")), str(fields.get("node", ""))
    if "report" in fields and all(key):
        _take(fields["report"], book.sessions.setdefault(key, {}), past)
    elif OF_A_NOTICE in fields:
        book.noticed.add(key)
    else:
        book.followed.add(key)


def _take(data: object, reports: dict[float, InterruptionReport], past: Past) -> None:
    if not isinstance(data, dict):
        past.unreadable.append("a report that was cut, because its line would have been too long")
        return
    try:
        report = decode(data)
    except ValueError as error:
        past.unreadable.append(str(error))
        return
    known = reports.get(report.first_at)
    if known is None or _age(known) <= _age(report):
        reports[report.first_at] = report


def _age(report: InterruptionReport) -> tuple[float, int]:
    """Returns a value that grows with the facts: a later report of the same interruption has more of both."""
    return report.until_at, len(report.entries) + report.entries_left_out


def _interruptions(reports: Iterable[InterruptionReport]) -> list[InterruptionReport]:
    """Returns the reports of one session; those of one interruption before and after a restart are one."""
    found: list[InterruptionReport] = []
    for report in sorted(reports, key=lambda report: report.first_at):
        if found and report.resumed and not found[-1].final:
            found.append(_joined(found.pop(), report))
        elif report.final or not found or _asked_anew(report):
            found.append(report)
    return [one if one.final else _so_far(one) for one in found]


def _asked_anew(report: InterruptionReport) -> bool:
    """True if pods were asked once more: the report is of an interruption of its own."""
    return any(outcome.asked_at is not None for outcome in report.pods) or bool(report.in_the_way)


def _so_far(report: InterruptionReport) -> InterruptionReport:
    known = f"{SO_FAR} {clock(report.until_at)} (UTC)"
    return replace(report, incomplete="; ".join(text for text in (report.incomplete, known) if text))


def _joined(earlier: InterruptionReport, later: InterruptionReport) -> InterruptionReport:
    """Returns one report of an interruption before and after the handler was restarted."""
    known = {notice.event.event_id for notice in later.notices}
    notices = tuple(notice for notice in earlier.notices if notice.event.event_id not in known)
    named = {(one.namespace, one.controller.name) for one in later.controllers}
    controllers = [one for one in earlier.controllers if (one.namespace, one.controller.name) not in named]
    before = {outcome.pod.ref.uid: outcome for outcome in earlier.pods}
    pods = [_continued(before.pop(outcome.pod.ref.uid, outcome), outcome) for outcome in later.pods]
    looked = later.final or later.pods or later.staying or later.drained_at is not None
    unseen = (gone_unseen(one, later.first_at) if looked else one for one in before.values())
    controllers += later.controllers
    return replace(
        later,
        first_at=earlier.first_at,
        began_at=min(earlier.began_at, later.began_at),
        notices=(*notices, *later.notices),
        deadline_at=later.deadline_at or earlier.deadline_at,
        cordoned_at=earlier.cordoned_at or later.cordoned_at,
        taints=later.taints or earlier.taints,
        pods=with_fates((*unseen, *pods), controllers, over=later.final),
        staying=later.staying or earlier.staying,
        controllers=tuple(controllers),
        force_forbidden=earlier.force_forbidden or later.force_forbidden,
        entries=(*earlier.entries, *later.entries),
        entries_left_out=earlier.entries_left_out + later.entries_left_out,
        pods_left_out=earlier.pods_left_out + later.pods_left_out,
        resumed=False,
        incomplete=JOINED,
    )


def _continued(before: PodOutcome, after: PodOutcome) -> PodOutcome:
    """Returns the outcome of a pod that both handlers saw."""
    return replace(
        after,
        known_at=min(before.known_at, after.known_at),
        refused_at=before.refused_at or after.refused_at,
        asked_at=before.asked_at or after.asked_at,
        grace_seconds=before.grace_seconds or after.grace_seconds,
        reason=after.reason or before.reason,
        cut=before.cut or after.cut,
        forced=before.forced or after.forced,
        by_itself=after.by_itself and (before.by_itself or before.asked_at is None),
        ends_at=after.ends_at or before.ends_at,
        was_ready=before.was_ready or after.was_ready,
        finished=before.finished or after.finished,
        came_back=before.came_back or after.came_back,
    )
