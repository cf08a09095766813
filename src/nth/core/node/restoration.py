"""Decides what a person's `nth restore` takes back on a Node: all marks of the handler, and no others.

The record shows what we changed. Names that only the handler has show the rest, also what the original one
has left: its labels, its taints, and a cordon whose field manager is one of the two.
"""

from dataclasses import dataclass, replace

from nth.core.facts import Node, NodePatch
from nth.core.node.node_annotation import (
    OUR_LABELS,
    OUR_TAINTS,
    RECORD_ANNOTATION,
    Marks,
    NodeRecord,
    Seen,
    is_shown_ours,
    read_record,
)
from nth.core.node.node_marks import undo
from nth.core.notices.events import Event, SpotInterruption
from nth.core.policy import LOAD_BALANCER_LABEL, OUT_OF_SERVICE_TAINT, PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """The change of a node that takes our marks back, and the reasons against it."""

    marks: Marks
    """The marks that are there and are taken back."""
    record: bool = False
    """True: the record is taken back, too."""
    patch: NodePatch | None = None
    """None: nothing of ours is there."""
    standing: tuple[Seen, ...] = ()
    """Interruptions that stand by the record: a handler that runs would mark the node again."""
    unreadable: str = ""
    """The reason why the record cannot be read, so that nobody knows whether one stands."""
    kept_cordon: bool = False
    """True: the node is cordoned, and that is not shown to be ours."""
    kept_taint: bool = False
    """True: the node has the out-of-service taint, and no record shows that we set it."""

    @property
    def doubtful(self) -> bool:
        """True if it is to be carried out only by force."""
        return bool(self.standing or self.unreadable)


def restoration_of(node: Node, now: float) -> Restoration:
    """Returns the change that takes back all of the handler's marks on this node."""
    record, unreadable = None, ""
    try:
        record = read_record(node).record
    except ValueError as error:
        unreadable = str(error)
    out_of_service = record is not None and OUT_OF_SERVICE_TAINT in record.marks.taints
    marks = _marks_on(node, out_of_service=out_of_service)
    patch = undo(node, NodeRecord(session_id="", marks=marks))
    has_it = any(replace(taint, time_added=None) == OUT_OF_SERVICE_TAINT for taint in node.taints)
    return Restoration(
        marks=marks,
        record=RECORD_ANNOTATION in node.annotations,
        patch=patch,
        standing=() if record is None else tuple(seen for seen in record.events if _stands(seen.event, now)),
        unreadable=unreadable,
        kept_cordon=node.unschedulable and not marks.cordoned,
        kept_taint=has_it and not out_of_service,
    )


def _marks_on(node: Node, *, out_of_service: bool) -> Marks:
    bare = (replace(taint, time_added=None) for taint in node.taints)
    labels = {key: value for key, value in node.labels.items() if key in OUR_LABELS}
    if node.labels.get(LOAD_BALANCER_LABEL) == PREFIX:
        labels[LOAD_BALANCER_LABEL] = PREFIX
    return Marks(
        cordoned=is_shown_ours(node),
        taints=tuple(
            taint
            for taint in bare
            if taint.key in OUR_TAINTS or (out_of_service and taint == OUT_OF_SERVICE_TAINT)
        ),
        labels=labels,
    )


def _stands(event: Event, now: float) -> bool:
    """Returns whether the event is not over; what a record says of it, and a hook's time, may be out of date.

    Only a Spot interruption has a time after which the machine would surely be gone.
    """
    return not (isinstance(event, SpotInterruption) and event.interrupted_at < now)
