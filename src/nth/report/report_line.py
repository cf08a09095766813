"""Writes a report as plain data for one line of a log, and reads it: what all views need, and no more.

A report that was made while the interruption went on says so (`final` is false), and has less room for
its timeline, because several of them may come.

Labels and annotations are left out, but for the one that forbids to force a pod; so are the tokens
of lifecycle hooks. Instants are milliseconds after `first_at`. If it would get too long, lines of the
timeline are left out first, then pods that moved politely; both are counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import msgspec

from nth.core.facts import PodRef
from nth.core.limits import Instant
from nth.core.notices.events import EVENT_BY_NAME
from nth.core.policy import Level
from nth.core.visible import json_text
from nth.report.interruption import Entry, InterruptionReport, NoticeSeen
from nth.report.milliseconds import after, at, some_after, some_at
from nth.report.report_line_pods import ControllerForm, KeptForm, OutcomeForm, PodBook

VERSION = 1
MAX_BYTES = 60_000
"""As JSON. Containers' logs are cut into pieces of 16 KiB and joined again; some cut off more than 64 KiB."""
SO_FAR_BYTES = 16_000
"""Of a report that is not final, as far as its pods leave room: one piece of a container's log."""
LEVEL_LETTERS = {"debug": "d", "info": "i", "warn": "w", "error": "e"}
LEVEL_WORDS = {letter: word for word, letter in LEVEL_LETTERS.items()}


class _NoticeForm(msgspec.Struct, omit_defaults=True):
    at: int
    kind: str
    event: dict[str, object]
    level: str
    deadline_at: Instant | None = None
    drain_at: Instant | None = None
    withdrawn: int | None = None


class _Form(msgspec.Struct, omit_defaults=True):
    v: int
    node: str
    session: str
    first_at: Instant
    began: int
    until: int
    notices: list[_NoticeForm] = []
    deadline_at: Instant | None = None
    cordoned: int | None = None
    taints: list[str] = []
    restored: int | None = None
    drained: int | None = None
    margin_seconds: float | None = None
    replaced: int | None = None
    owners: list[tuple[str, str, str]] = []
    reasons: list[str] = []
    controllers: list[ControllerForm] = []
    pods: list[OutcomeForm] = []
    staying: list[KeptForm] = []
    in_the_way: list[tuple[str, str, str, str]] = []
    force_forbidden: bool = False
    planned: list[str] = []
    entries: list[tuple[int, str, str]] = []
    entries_left_out: int = 0
    pods_left_out: int = 0
    called_off: bool = False
    late: bool = False
    resumed: bool = False
    final: bool = True


def encode(report: InterruptionReport) -> dict[str, object]:
    """Returns JSON's types only, at most MAX_BYTES of it unless lost, forced and staying pods need more."""
    form, size = _with_room(report)
    most_bytes = MAX_BYTES if report.final else SO_FAR_BYTES
    form.entries, left_out = _fitting(report, most_bytes - size)
    form.entries_left_out += left_out
    built: dict[str, object] = msgspec.to_builtins(form)
    return built


def decode(data: Mapping[str, object]) -> InterruptionReport:
    """Returns the report. ValueError if this is none, or one of a later version."""
    version = data.get("v")
    if version != VERSION:
        said = version if isinstance(version, int) else "unknown"
        raise ValueError(f"a report of version {said}; this nth reads version {VERSION}")
    try:
        return _report(msgspec.convert(data, _Form))
    except (
        msgspec.MsgspecError,
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise ValueError(f"a report that cannot be read: {error}") from error


def _with_room(report: InterruptionReport) -> tuple[_Form, int]:
    """Returns a form without entries that fits, fewer politely moved pods in it if need be, and its size.

    The pods that moved last are left out first.
    """
    form = _form(report)
    size = len(json_text(msgspec.to_builtins(form)))
    if size <= MAX_BYTES:
        return form, size
    mean_bytes = max(1, size // max(1, len(report.pods)))
    excess = 1 + (size - MAX_BYTES) // mean_bytes
    going = {outcome.pod.ref.uid for outcome in report.polite[-excess:]}
    if not going:
        return form, size
    pods = tuple(outcome for outcome in report.pods if outcome.pod.ref.uid not in going)
    left_out = report.pods_left_out + len(going)
    return _with_room(replace(report, pods=pods, pods_left_out=left_out))


def _fitting(report: InterruptionReport, free_bytes: int) -> tuple[list[tuple[int, str, str]], int]:
    """Returns (the first and the last entries that fit, how many are left out between them)."""
    forms = [_entry(entry, report.first_at) for entry in report.entries]
    sizes = [len(json_text(form)) + 1 for form in forms]
    if sum(sizes) <= free_bytes:
        return forms, 0
    first = _count_within(sizes, free_bytes // 2)
    last = _count_within(sizes[:first:-1], free_bytes // 2)
    return [*forms[:first], *forms[len(forms) - last :]], len(forms) - first - last


def _count_within(sizes: Sequence[int], free_bytes: int) -> int:
    count = 0
    for size in sizes:
        free_bytes -= size
        if free_bytes < 0:
            break
        count += 1
    return count


def _entry(entry: Entry, base_at: float) -> tuple[int, str, str]:
    return after(entry.at, base_at), LEVEL_LETTERS[entry.level], entry.text


def _form(report: InterruptionReport) -> _Form:
    """Returns everything but the entries."""
    base_at, book = report.first_at, PodBook(report.first_at, report.node_name, [], [])
    return _Form(
        v=VERSION,
        node=report.node_name,
        session=report.session_id,
        first_at=base_at,
        began=after(report.began_at, base_at),
        until=after(report.until_at, base_at),
        notices=[_notice(notice, base_at) for notice in report.notices],
        deadline_at=report.deadline_at,
        cordoned=some_after(report.cordoned_at, base_at),
        taints=list(report.taints),
        restored=some_after(report.restored_at, base_at),
        drained=some_after(report.drained_at, base_at),
        margin_seconds=report.margin_seconds,
        replaced=some_after(report.replaced_at, base_at),
        controllers=[book.write_controller(outcome) for outcome in report.controllers],
        pods=[book.write(outcome) for outcome in report.pods],
        staying=[book.write_kept(pod, reason) for pod, reason in report.staying],
        # Only here, because the fields above fill them.
        owners=book.owners,
        reasons=book.reasons,
        in_the_way=[(ref.namespace, ref.name, ref.uid, reason) for ref, reason in report.in_the_way],
        force_forbidden=report.force_forbidden,
        planned=list(report.planned),
        entries_left_out=report.entries_left_out,
        pods_left_out=report.pods_left_out,
        called_off=report.called_off,
        late=report.late,
        resumed=report.resumed,
        final=report.final,
    )


def _notice(notice: NoticeSeen, base_at: float) -> _NoticeForm:
    event = asdict(notice.event)
    if "action" in event and isinstance(event["action"], dict):
        event["action"]["token"] = ""
    return _NoticeForm(
        at=after(notice.at, base_at),
        kind=type(notice.event).__name__,
        event=event,
        level=notice.level.name,
        deadline_at=notice.deadline_at,
        drain_at=notice.drain_at,
        withdrawn=some_after(notice.withdrawn_at, base_at),
    )


# Reading


def _report(form: _Form) -> InterruptionReport:
    base_at, book = form.first_at, PodBook(form.first_at, form.node, form.owners, form.reasons)
    return InterruptionReport(
        node_name=form.node,
        session_id=form.session,
        first_at=base_at,
        began_at=at(form.began, base_at),
        until_at=at(form.until, base_at),
        notices=tuple(_seen(notice, base_at) for notice in form.notices),
        deadline_at=form.deadline_at,
        cordoned_at=some_at(form.cordoned, base_at),
        taints=tuple(form.taints),
        restored_at=some_at(form.restored, base_at),
        drained_at=some_at(form.drained, base_at),
        margin_seconds=form.margin_seconds,
        pods=tuple(book.read(outcome) for outcome in form.pods),
        staying=tuple(book.read_kept(kept) for kept in form.staying),
        in_the_way=tuple((PodRef(space, name, uid), reason) for space, name, uid, reason in form.in_the_way),
        controllers=tuple(book.read_controller(outcome) for outcome in form.controllers),
        replaced_at=some_at(form.replaced, base_at),
        force_forbidden=form.force_forbidden,
        planned=tuple(form.planned),
        entries=tuple(_told(ms, level, text, base_at) for ms, level, text in form.entries),
        entries_left_out=form.entries_left_out,
        pods_left_out=form.pods_left_out,
        called_off=form.called_off,
        late=form.late,
        resumed=form.resumed,
        final=form.final,
    )


def _told(ms: int, level: str, text: str, base_at: float) -> Entry:
    return Entry(at=at(ms, base_at), level=LEVEL_WORDS[level], text=text)


def _seen(form: _NoticeForm, base_at: float) -> NoticeSeen:
    return NoticeSeen(
        at=at(form.at, base_at),
        event=msgspec.convert(form.event, EVENT_BY_NAME[form.kind]),
        level=Level[form.level],
        deadline_at=form.deadline_at,
        drain_at=form.drain_at,
        withdrawn_at=some_at(form.withdrawn, base_at),
    )
