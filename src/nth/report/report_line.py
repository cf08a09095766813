"""Writes a report as plain data for one line of a log, and reads it: what all views need, and no more.

A report that was made while the interruption went on says so (`final` is false), and has less room for
its timeline, because several of them may come; but not if the time is up, because it may be the last.

Labels and annotations are left out, but for the one that forbids to force a pod; so are the tokens
of lifecycle hooks. Instants are milliseconds after `first_at`. If it would get too long, lines of the
timeline are left out first, then pods that left politely and moved; both are counted. Then reasons are
shortened further. Texts that pods share are written once. A form has the names of the record that it
holds; a shorter one is its name in the log.

Version 1 had no word for what became of a pod: its lines are read, and the report says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

import msgspec

from nth.core.drain.pod_filter import FORCE_ANNOTATION, may_be_forced
from nth.core.facts import Controller, Pod, PodRef
from nth.core.notices.events import EVENT_BY_NAME
from nth.core.policy import Level
from nth.core.visible import json_text
from nth.report.entries import shortened
from nth.report.interruption import (
    Became,
    ControllerOutcome,
    Entry,
    HowLeft,
    InterruptionReport,
    NoticeSeen,
    PodOutcome,
    Stage,
    Successor,
)
from nth.report.report_forms import NONE, ControllerForm, Form, NoticeForm, OutcomeForm, PodForm

VERSION = 2
READABLE = (1, VERSION)
OLDER = "its line is of an older version, which did not log what became of each pod"
MAX_BYTES = 60_000
"""As JSON. Containers' logs are cut into pieces of 16 KiB and joined again; some cut off more than 64 KiB."""
FRAME_BYTES = 60
"""Of MAX_BYTES, for what stands around the entries, and for their count."""
SO_FAR_BYTES = 16_000
"""Of a report that another follows soon, as far as its pods leave room: one piece of a container's log."""
LEVEL_LETTERS = {"debug": "d", "info": "i", "warn": "w", "error": "e"}
LEVEL_WORDS = {letter: word for word, letter in LEVEL_LETTERS.items()}
MILLISECONDS = frozenset(
    {
        *("at", "withdrawn_at", "began_at", "until_at", "cordoned_at", "restored_at", "drained_at"),
        *("replaced_at", "known_at", "refused_at", "asked_at", "gone_at", "ends_at"),
    }
)
"""The instants that a form counts from `first_at`."""
MAX_REASON_CHARS = 400
LEAST_REASON_CHARS = 25
"""Of each reason, however many pods have one of their own: a node with 200 lost ones fits."""
T = TypeVar("T")
RecordT = TypeVar("RecordT", InterruptionReport, NoticeSeen, PodOutcome, ControllerOutcome)
FormT = TypeVar("FormT", bound=msgspec.Struct)


def encode(report: InterruptionReport) -> dict[str, object]:
    """Returns JSON's types only, at most MAX_BYTES of it, unless the names of lost, forced and staying pods
    alone need more: those are never left out.
    """
    form, size = _with_room(report)
    may_be_last = report.final or report.late or report.unsettled
    most_bytes = MAX_BYTES if may_be_last else SO_FAR_BYTES
    form.entries, left_out = _fitting(report, most_bytes - FRAME_BYTES - size)
    form.entries_left_out += left_out
    built: dict[str, object] = msgspec.to_builtins(form)
    return built


def decode(data: Mapping[str, object]) -> InterruptionReport:
    """Returns the report. ValueError if this is none, or one of a later version."""
    version = data.get("v")
    if version not in READABLE or isinstance(version, bool):
        said = version if isinstance(version, int) else "unknown"
        raise ValueError(f"a report of version {said}; this nth reads versions up to {VERSION}")
    try:
        report = _report(msgspec.convert(data, Form))
        return _older(report) if version != VERSION else report
    except (
        msgspec.MsgspecError,
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise ValueError(f"a report that cannot be read: {error}") from error


def _with_room(report: InterruptionReport, reason_chars: int = MAX_REASON_CHARS) -> tuple[Form, int]:
    """Returns a form without entries that fits, with fewer pods in it if need be, and its size.

    Only pods that left politely and moved are left out, those that come last first; then the reasons of
    the others get shorter.
    """
    form = _form(report, reason_chars)
    size = _bytes_of(msgspec.to_builtins(form))
    if size <= MAX_BYTES - FRAME_BYTES:
        return form, size
    mean_bytes = max(1, size // max(1, len(report.pods)))
    excess = 1 + (size + FRAME_BYTES - MAX_BYTES) // mean_bytes
    moved = [pod for pod in report.which_became(Became.MOVED) if pod.left is HowLeft.POLITELY]
    going = {outcome.pod.ref.uid for outcome in moved[-excess:]}
    if not going:
        shorter = max(reason_chars // 2, LEAST_REASON_CHARS)
        return (form, size) if shorter == reason_chars else _with_room(report, shorter)
    pods = tuple(outcome for outcome in report.pods if outcome.pod.ref.uid not in going)
    left_out = report.pods_left_out + len(going)
    return _with_room(replace(report, pods=pods, pods_left_out=left_out), reason_chars)


def _bytes_of(built: object) -> int:
    return len(json_text(built).encode())


def _fitting(report: InterruptionReport, free_bytes: int) -> tuple[list[tuple[int, str, str]], int]:
    """Returns (the first and the last entries that fit, how many are left out between them)."""
    forms = [
        (_after(entry.at, report.first_at), LEVEL_LETTERS[entry.level], entry.text)
        for entry in report.entries
    ]
    sizes = [_bytes_of(form) + 1 for form in forms]
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


def _form(report: InterruptionReport, reason_chars: int) -> Form:
    """Returns everything but the entries."""
    book = _Book(report.first_at, report.node_name, [], [], reason_chars)
    return book.write(
        Form,
        report,
        v=VERSION,
        notices=[_notice(notice, book) for notice in report.notices],
        controllers=[book.write_controller(outcome) for outcome in report.controllers],
        pods=[book.write_outcome(outcome) for outcome in report.pods],
        staying=[book.write_kept(pod, reason) for pod, reason in report.staying],
        # Only here, because the fields above fill them.
        owners=book.owners,
        reasons=book.reasons,
        in_the_way=[
            (ref.namespace, ref.name, ref.uid, shortened(reason, reason_chars))
            for ref, reason in report.in_the_way
        ],
        entries=[],
    )


def _notice(notice: NoticeSeen, book: "_Book") -> NoticeForm:
    event = asdict(notice.event)
    if "action" in event and isinstance(event["action"], dict):
        event["action"]["token"] = ""
    kind = type(notice.event).__name__
    return book.write(NoticeForm, notice, kind=kind, event=event, level=notice.level.name)


def _report(form: Form) -> InterruptionReport:
    book = _Book(form.first_at, form.node_name, form.owners, form.reasons)
    return book.read(
        InterruptionReport,
        form,
        notices=tuple(_seen(notice, book) for notice in form.notices),
        pods=tuple(book.read_outcome(outcome) for outcome in form.pods),
        staying=tuple((book.pod(kept), book.reason(kept.why)) for kept in form.staying),
        in_the_way=tuple((PodRef(space, name, uid), reason) for space, name, uid, reason in form.in_the_way),
        controllers=tuple(book.read_controller(outcome) for outcome in form.controllers),
        entries=tuple(
            Entry(at=_at(ms, form.first_at), level=LEVEL_WORDS[level], text=text)
            for ms, level, text in form.entries
        ),
    )


def _older(report: InterruptionReport) -> InterruptionReport:
    """Returns a report of version 1 with the words that follow from what it says."""
    pods = tuple(
        replace(pod, became=_became(pod), finished=False, came_back=False, ends_at=None)
        for pod in report.pods
    )
    # What it called wanted is what was there before.
    controllers = tuple(replace(one, before=one.wanted, wanted=None) for one in report.controllers)
    return replace(report, pods=pods, controllers=controllers, incomplete=OLDER)


def _became(pod: PodOutcome) -> Became:
    if pod.stage is Stage.LOST:
        return Became.LOST
    if pod.stage is not Stage.GONE:
        return Became.UNKNOWN
    if pod.pod.controller is None:
        return Became.ENDED
    return Became.UNKNOWN if pod.replaced_at is None else Became.MOVED


def _seen(form: NoticeForm, book: "_Book") -> NoticeSeen:
    event = msgspec.convert(form.event, EVENT_BY_NAME[form.kind])
    return book.read(NoticeSeen, form, event=event, level=Level[form.level])


def _after(at: float, base_at: float) -> int:
    """Returns the milliseconds from `base_at` to `at`, epoch seconds both."""
    return round((at - base_at) * 1000)


def _at(milliseconds: int, base_at: float) -> float:
    """Returns the instant, epoch seconds, exactly as rounding it to milliseconds gave it."""
    return round(base_at + milliseconds / 1000, 3)


@dataclass(slots=True)
class _Book:
    """Writes and reads records, with the tables that they refer to. `base_at`: instants count from here."""

    base_at: float
    node_name: str
    owners: list[tuple[str, str, str]]
    reasons: list[str]
    reason_chars: int = MAX_REASON_CHARS
    _numbers: dict[object, int] = field(default_factory=dict)

    def write(self, kind: type[FormT], record: object, /, **own: object) -> FormT:
        """Returns a form: `own` fields, and for all others the record's attributes of the same name."""
        for name in kind.__struct_fields__:
            if name not in own:
                value = getattr(record, name)
                counts = name in MILLISECONDS and value is not None
                own[name] = _after(value, self.base_at) if counts else value
        return kind(**own)

    def read(self, kind: type[RecordT], form: msgspec.Struct, /, **own: Any) -> RecordT:
        """Returns a record: `own` attributes, and for all others the form's fields, as far as it has them."""
        for name in {each.name for each in fields(kind)} & {*form.__struct_fields__} - own.keys():
            value = getattr(form, name)
            counts = name in MILLISECONDS and value is not None
            own[name] = _at(value, self.base_at) if counts else value
        return kind(**own)

    def write_outcome(self, outcome: PodOutcome) -> OutcomeForm:
        """Returns the form of a pod that had to go."""
        pod, successor = outcome.pod, outcome.successor
        return self.write(
            OutcomeForm,
            outcome,
            **self._whose(pod, outcome.reason),
            grace=pod.grace_seconds,
            priority=pod.priority_class,
            local=pod.local_storage,
            never=not may_be_forced(pod),
            stage=outcome.stage.value,
            became=outcome.became.value,
            heir=None if successor is None else self._heir(successor),
        )

    def write_kept(self, pod: Pod, reason: str) -> PodForm:
        """Returns the form of a pod that stays where it is."""
        return PodForm(**self._whose(pod, reason))

    def write_controller(self, outcome: ControllerOutcome) -> ControllerForm:
        """Returns the form of a controller whose pods had to go."""
        owner, why = self._owner(outcome.controller), self._why(outcome.reason)
        return self.write(ControllerForm, outcome, owner=owner, why=why)

    def _whose(self, pod: Pod, reason: str) -> dict[str, Any]:
        ref = pod.ref
        owner, why = self._owner(pod.controller), self._why(reason)
        return {"ns": ref.namespace, "name": ref.name, "uid": ref.uid, "owner": owner, "why": why}

    def _heir(self, successor: Successor) -> tuple[str, str, int | None]:
        pod, at = successor.pod, successor.ready_at
        return pod.ref.name, pod.node_name, None if at is None else _after(at, self.base_at)

    def _owner(self, controller: Controller | None) -> int:
        if controller is None:
            return NONE
        return self._number((controller.kind, controller.name, controller.uid), self.owners)

    def _why(self, reason: str) -> int:
        if not reason:
            return NONE
        return self._number(shortened(reason, self.reason_chars), self.reasons)

    def _number(self, item: T, table: list[T]) -> int:
        """Returns the item's place in the table, to which it is added if need be."""
        if item not in self._numbers:
            self._numbers[item] = len(table)
            table.append(item)
        return self._numbers[item]

    # Reading. A number that is in no table is an IndexError.

    def read_outcome(self, form: OutcomeForm) -> PodOutcome:
        """Returns a pod that had to go."""
        return self.read(
            PodOutcome,
            form,
            pod=self.pod(form),
            stage=Stage(form.stage),
            became=Became(form.became),
            reason=self.reason(form.why),
            successor=self._successor(form),
        )

    def read_controller(self, form: ControllerForm) -> ControllerOutcome:
        """Returns a controller whose pods had to go."""
        controller = Controller(*self.owners[form.owner])
        return self.read(ControllerOutcome, form, controller=controller, reason=self.reason(form.why))

    def pod(self, form: PodForm) -> Pod:
        """Returns the pod, as far as it was written down."""
        return Pod(
            ref=PodRef(form.ns, form.name, form.uid),
            node_name=self.node_name,
            grace_seconds=form.grace,
            priority_class=form.priority,
            controller=None if form.owner == NONE else Controller(*self.owners[form.owner]),
            annotations={FORCE_ANNOTATION: "never"} if form.never else {},
            local_storage=form.local,
        )

    def _successor(self, form: OutcomeForm) -> Successor | None:
        if form.heir is None:
            return None
        name, node_name, ready = form.heir
        # Its UID is not kept: it matters little which of the controller's new pods it is.
        pod = Pod(ref=PodRef(form.ns, name, ""), node_name=node_name)
        return Successor(pod, None if ready is None else _at(ready, self.base_at))

    def reason(self, number: int) -> str:
        """Returns the reason with that number."""
        return "" if number == NONE else self.reasons[number]
