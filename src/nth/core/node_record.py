"""What we did to a node and why, as an annotation on the Node itself.

It survives the process: after a restart the session goes on from here, and an undo restores
exactly what is written here. Never trust it to be ours alone: people can edit annotations.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import msgspec

from nth.core.events import EVENT_BY_NAME, Event
from nth.core.facts import Node, Taint
from nth.core.policy import ASG_TAINT, PREFIX, REBALANCE_TAINT, SCHEDULED_TAINT, SPOT_TAINT

RECORD_ANNOTATION = f"{PREFIX}/session"
ACTION_LABEL = f"{PREFIX}/action"
ACTION_TIME_LABEL = f"{PREFIX}/action-time"
EVENT_ID_LABEL = f"{PREFIX}/event-id"
UNCORDON_AFTER_REBOOT = "UncordonAfterReboot"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What on the Node is our doing."""

    cordoned: bool = False
    """We set spec.unschedulable; False if it was set before."""
    taints: tuple[Taint, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that we set, to the values that we set."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An event, and when it was first seen."""

    event: Event
    seen_at: float
    settled: bool = False
    """The drain that it asked for is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """All that a successor needs."""

    session_id: str
    holder: str = ""
    """The replica that has the node; empty in metadata mode, and after it was handed over."""
    drained: bool = False
    marked_at: float = 0
    """When we first changed the node for these events."""
    deadline_at: float | None = None
    """For whoever reads the annotation; the events say it too."""
    events: tuple[Seen, ...] = ()
    finished: tuple[str, ...] = ()
    """Ids of events that are over, but may still be listed for a while."""
    marks: Marks = field(default_factory=Marks)

    def is_over(self, booted_at: float) -> bool:
        """The machine was booted after the node had been marked: it has come back."""
        return 0 < self.marked_at <= booted_at

    def is_anothers(self, identity: str) -> bool:
        """Another replica than `identity` has the node."""
        return self.holder not in ("", identity)

    @property
    def empty(self) -> bool:
        """Nothing that has to be remembered."""
        return not self.events and not self.finished and self.marks == Marks()


class _EventForm(msgspec.Struct, omit_defaults=True):
    kind: str
    seen_at: float
    event: dict[str, object]
    settled: bool = False


class _Form(msgspec.Struct, omit_defaults=True):
    version: int
    session_id: str
    holder: str = ""
    drained: bool = False
    marked_at: float = 0
    deadline_at: float | None = None
    events: list[_EventForm] = []
    finished: list[str] = []
    cordoned: bool = False
    taints: list[dict[str, str | None]] = []
    labels: dict[str, str] = {}


def encode(record: NodeRecord) -> str:
    """The annotation's text, JSON."""
    form = _Form(
        version=VERSION,
        session_id=record.session_id,
        holder=record.holder,
        drained=record.drained,
        marked_at=record.marked_at,
        deadline_at=record.deadline_at,
        events=[_form(seen) for seen in record.events],
        finished=list(record.finished),
        cordoned=record.marks.cordoned,
        taints=[{"key": t.key, "value": t.value, "effect": t.effect} for t in record.marks.taints],
        labels=dict(record.marks.labels),
    )
    return msgspec.json.encode(form).decode()


def decode(text: str) -> NodeRecord:
    """ValueError if the text is not such a record, or one of a later version."""
    try:
        form = msgspec.json.decode(text, type=_Form)
        if form.version != VERSION:
            raise ValueError(f"version {form.version} is not {VERSION}")
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
    except (msgspec.MsgspecError, KeyError) as error:
        raise ValueError(f"annotation {RECORD_ANNOTATION} cannot be read: {error}") from error


def _form(seen: Seen) -> _EventForm:
    return _EventForm(type(seen.event).__name__, seen.seen_at, asdict(seen.event), seen.settled)


def _event(form: _EventForm) -> Event:
    return msgspec.convert(form.event, EVENT_BY_NAME[form.kind])


def record_of(node: Node) -> NodeRecord | None:
    """The record on the node; else what the labels of the original handler tell; else None.

    ValueError if there is an annotation that cannot be read.
    """
    text = node.annotations.get(RECORD_ANNOTATION)
    return decode(text) if text is not None else _record_of_the_original(node)


def _record_of_the_original(node: Node) -> NodeRecord | None:
    """The original handler leaves labels only (A1-A3), and taints with our keys (A5-A8)."""
    if node.labels.get(ACTION_LABEL) != UNCORDON_AFTER_REBOOT:
        return None
    ours = (SPOT_TAINT, SCHEDULED_TAINT, ASG_TAINT, REBALANCE_TAINT)
    action_time = node.labels.get(ACTION_TIME_LABEL, "")
    labels = {
        key: node.labels[key]
        for key in (ACTION_LABEL, ACTION_TIME_LABEL, EVENT_ID_LABEL)
        if key in node.labels
    }
    return NodeRecord(
        session_id="",
        marked_at=float(action_time) if action_time.isdecimal() else 0,
        finished=(),
        marks=Marks(
            # It sets these labels only on nodes that were schedulable before (S7).
            cordoned=node.unschedulable,
            taints=tuple(replace(t, time_added=None) for t in node.taints if t.key in ours),
            labels=labels,
        ),
    )
