"""The record of our changes of a node and their reasons, as an annotation on the Node itself.

It survives the process: after a restart the session goes on from here, and an undo restores
exactly these changes. It is evidence, not an order: a kubelet may write its own Node's annotations. So
only claims that can be true of the Node are read from it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated

import msgspec

from nth.core.facts import Node, Taint
from nth.core.limits import Id, IdOrNone, Instant
from nth.core.notices.events import EVENT_BY_NAME, AsgTermination, Event, given_at, instance_of
from nth.core.notices.kinds import KINDS
from nth.core.policy import LOAD_BALANCER_LABEL, OUT_OF_SERVICE_TAINT, PREFIX

RECORD_ANNOTATION = f"{PREFIX}/session"
ACTION_LABEL = f"{PREFIX}/action"
ACTION_TIME_LABEL = f"{PREFIX}/action-time"
EVENT_ID_LABEL = f"{PREFIX}/event-id"
UNCORDON_AFTER_REBOOT = "UncordonAfterReboot"
FIELD_MANAGER = PREFIX
"""By this name the API server knows which fields we have set."""
THE_ORIGINALS_MANAGER = "node-termination-handler"
OUR_TAINTS = frozenset(kind.taint for kind in KINDS if kind.taint)
OUR_LABELS = (ACTION_LABEL, ACTION_TIME_LABEL, EVENT_ID_LABEL)
VERSION = 1
MAX_LENGTH = 65_536
"""In characters: a longer annotation is neither read nor written."""
MAX_EVENTS = 100
MAX_FINISHED = 100
MAX_INSTANT_DIGITS = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Our marks on the Node."""

    cordoned: bool = False
    """True if we set spec.unschedulable; False if it was set before."""
    taints: tuple[Taint, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that we set, to the values that we set."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An event, and when it was first seen."""

    event: Event
    seen_at: float
    settled: bool = False
    """True if the drain that it asked for is done."""

    @property
    def began_at(self) -> float:
        """The time when AWS gave the notice, else when it was first seen."""
        return given_at(self.event) or self.seen_at


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """Everything that a successor needs."""

    session_id: str
    holder: str = ""
    """The replica that has the node; empty in metadata mode, and after it was handed over."""
    drained: bool = False
    marked_at: float = 0
    """The time when we first changed the node for these events."""
    deadline_at: float | None = None
    """For readers of the annotation; the events have it, too."""
    events: tuple[Seen, ...] = ()
    finished: tuple[str, ...] = ()
    """Ids of events that are over, but may still be listed for a while."""
    marks: Marks = field(default_factory=Marks)

    def is_over(self, booted_at: float) -> bool:
        """Returns whether the machine was booted after the node had been marked: it has come back."""
        return 0 < self.marked_at <= booted_at

    def is_anothers(self, identity: str) -> bool:
        """Returns whether another replica than `identity` has the node."""
        return self.holder not in ("", identity)

    @property
    def empty(self) -> bool:
        """True if nothing has to be remembered."""
        return not self.events and not self.finished and self.marks == Marks()


class _EventForm(msgspec.Struct, omit_defaults=True):
    kind: str
    seen_at: Instant
    event: msgspec.Raw
    settled: bool = False


class _Form(msgspec.Struct, omit_defaults=True):
    version: int
    session_id: IdOrNone
    holder: IdOrNone = ""
    drained: bool = False
    marked_at: Instant = 0
    deadline_at: Instant | None = None
    events: Annotated[list[_EventForm], msgspec.Meta(max_length=MAX_EVENTS)] = []
    finished: Annotated[list[Id], msgspec.Meta(max_length=MAX_FINISHED)] = []
    cordoned: bool = False
    taints: list[dict[str, str | None]] = []
    labels: dict[str, str] = {}


def encode(record: NodeRecord) -> str:
    """Returns the annotation's JSON; if it is too long, without the newest events: sources repeat them."""
    form = _Form(
        version=VERSION,
        session_id=record.session_id,
        holder=record.holder,
        drained=record.drained,
        marked_at=record.marked_at,
        deadline_at=record.deadline_at,
        events=[_form(seen) for seen in record.events[:MAX_EVENTS]],
        finished=list(record.finished[-MAX_FINISHED:]),
        cordoned=record.marks.cordoned,
        taints=[{"key": t.key, "value": t.value, "effect": t.effect} for t in record.marks.taints],
        labels=dict(record.marks.labels),
    )
    text = _text(form)
    while len(text) > MAX_LENGTH and (form.finished or form.events):
        surplus = 1 + (len(text) - MAX_LENGTH) // 2000
        del (form.finished or form.events)[-surplus:]
        text = _text(form)
    return text


def decode(text: str) -> NodeRecord:
    """Returns the record; ValueError if the text is not one, is too long, or of a later version."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"annotation {RECORD_ANNOTATION} cannot be read: it has {len(text)} characters")
    try:
        form = msgspec.json.decode(text, type=_Form)
        if form.version != VERSION:
            raise ValueError(
                f"annotation {RECORD_ANNOTATION} cannot be read: version {form.version} is not {VERSION}"
            )
        return NodeRecord(
            session_id=form.session_id,
            holder=form.holder,
            drained=form.drained,
            marked_at=form.marked_at,
            deadline_at=form.deadline_at,
            events=tuple(Seen(_event(item), item.seen_at, item.settled) for item in form.events),
            finished=tuple(form.finished),
            marks=Marks(
                cordoned=form.cordoned,
                taints=tuple(msgspec.convert(item, Taint) for item in form.taints),
                labels=form.labels,
            ),
        )
    except KeyError as error:
        raise ValueError(f"annotation {RECORD_ANNOTATION} cannot be read: no such kind of event") from error
    except RecursionError as error:
        raise ValueError(f"annotation {RECORD_ANNOTATION} cannot be read: it is nested too deeply") from error
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ValueError(f"annotation {RECORD_ANNOTATION} cannot be read: {error}") from error


def _text(form: _Form) -> str:
    return msgspec.json.encode(form).decode()


def _form(seen: Seen) -> _EventForm:
    event = msgspec.Raw(msgspec.json.encode(asdict(seen.event)))
    return _EventForm(type(seen.event).__name__, seen.seen_at, event, seen.settled)


def _event(form: _EventForm) -> Event:
    return msgspec.json.decode(form.event, type=EVENT_BY_NAME[form.kind])


@dataclass(frozen=True, slots=True)
class Reading:
    """The record on a Node, as far as it is believed."""

    record: NodeRecord | None
    """The claims that can be true."""
    foreign: tuple[str, ...] = ()
    """The claims that cannot be true, in words."""


def record_of(node: Node) -> NodeRecord | None:
    """Returns the record on the node, else one made from the labels of the original handler, else None.

    ValueError if there is an annotation that cannot be read.
    """
    return read_record(node).record


def read_record(node: Node) -> Reading:
    """Returns the record, and the claims in it that are not believed."""
    text = node.annotations.get(RECORD_ANNOTATION)
    if text is None:
        return Reading(_record_of_the_original(node))
    record = decode(text)
    marks = _believed_marks(record.marks, node)
    events = tuple(seen for seen in record.events if can_be_of(seen.event, node))
    believed = replace(record, events=events, marks=marks)
    return Reading(believed, _left_out(record, believed, node))


def can_be_of(event: Event, node: Node) -> bool:
    """Returns whether the event is about the node's own machine: no other instance than its provider id's.

    Without a provider id it may be; before AWS is asked for anything, EC2 is asked about the instance.
    """
    if isinstance(event, AsgTermination) and event.action.instance_id != event.instance_id:
        return False
    return instance_of(event) in ("", node.instance_id) or not node.instance_id


def seen_by(record: NodeRecord, now: float) -> NodeRecord:
    """Returns the record with events seen by now at the latest: a record cannot put off an event."""
    return replace(record, events=tuple(replace(s, seen_at=min(s.seen_at, now)) for s in record.events))


def may_be_ours(node: Node) -> bool:
    """Returns whether the cordon may still be the one that we set; False: it is surely another's."""
    return node.cordoned_by is None or set(node.cordoned_by) <= {FIELD_MANAGER, THE_ORIGINALS_MANAGER}


def is_shown_ours(node: Node) -> bool:
    """Returns whether the server shows that a handler set the cordon: ours, or the original."""
    return node.unschedulable and bool(node.cordoned_by) and may_be_ours(node)


def _believed_marks(marks: Marks, node: Node) -> Marks:
    return Marks(
        cordoned=marks.cordoned and is_shown_ours(node),
        taints=tuple(taint for taint in marks.taints if _can_be_our_taint(taint)),
        labels={key: value for key, value in marks.labels.items() if _can_be_our_label(key, value)},
    )


def _can_be_our_taint(taint: Taint) -> bool:
    return taint.key in OUR_TAINTS or taint == OUT_OF_SERVICE_TAINT


def _can_be_our_label(key: str, value: str) -> bool:
    return key in OUR_LABELS or (key, value) == (LOAD_BALANCER_LABEL, PREFIX)


def _left_out(record: NodeRecord, believed: NodeRecord, node: Node) -> tuple[str, ...]:
    """Returns the claims left out, in a line: the record's own words only where they were checked."""
    words = []
    if record.marks.cordoned and node.unschedulable and not believed.marks.cordoned:
        words.append("a cordon that is not shown to be ours")
    for what, claimed, left in (
        ("taints", record.marks.taints, believed.marks.taints),
        ("labels", record.marks.labels, believed.marks.labels),
        ("events of another instance", record.events, believed.events),
    ):
        if len(claimed) > len(left):
            words.append(f"{len(claimed) - len(left)} {what}")
    return tuple(words)


def _record_of_the_original(node: Node) -> NodeRecord | None:
    """Returns a record made from the original handler's labels, and from taints with our keys."""
    if node.labels.get(ACTION_LABEL) != UNCORDON_AFTER_REBOOT:
        return None
    action_time = node.labels.get(ACTION_TIME_LABEL, "")
    labels = {key: node.labels[key] for key in OUR_LABELS if key in node.labels}
    return NodeRecord(
        session_id="",
        marked_at=_instant_in(action_time),
        finished=(),
        marks=Marks(
            # It sets these labels only on nodes that were schedulable before.
            cordoned=is_shown_ours(node),
            taints=tuple(replace(t, time_added=None) for t in node.taints if t.key in OUR_TAINTS),
            labels=labels,
        ),
    )


def _instant_in(text: str) -> float:
    """Returns epoch seconds of a label's value; 0 if it has none."""
    return float(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_INSTANT_DIGITS else 0.0
