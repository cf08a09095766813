"""Brings the Node object to the session's goal, whatever the API server answers.

Reads, patches, reads again after a conflict. A refused part (an admission policy that forbids the
taint, say) is left out, told once and tried again later: it never holds back the rest.
"""

from dataclasses import dataclass, replace
from enum import Enum

from nth.core.backoff import Backoff
from nth.core.decisions import Decision, PatchNode, ReadNode, Tell
from nth.core.facts import Node, version_of
from nth.core.node.node_annotation import RECORD_ANNOTATION, Marks, NodeRecord, may_be_ours, record_of
from nth.core.node.node_marks import Scale, Wanted, mark, marks_for, scaled, undo
from nth.core.reports import NodeChangeRefused, NodeMarked, NodeRestored
from nth.core.trouble import FORBIDDEN_SECONDS, TroubleLog
from nth.errors import (
    AdmissionFailed,
    ClusterError,
    Conflict,
    Denied,
    Forbidden,
    Missing,
    Rejected,
    Unreachable,
)

STALE_SECONDS = 2.0
"""A node read longer ago has likely changed: reading it again is cheaper than a conflict."""
RETRY_SECONDS = 0.5
REFUSED_BACKOFF = Backoff(15.0, 600.0)
"""First and longest pause before a refused change is tried again."""


class _Busy(Enum):
    NO = "no"
    READING = "reading"
    PATCHING = "patching"


@dataclass(frozen=True, slots=True)
class Goal:
    """The state that the Node should have. `wanted` None = as it was before us."""

    wanted: Wanted | None
    record: NodeRecord
    """The record to write; its marks are set by the patcher and ignored here."""


class NodePatcher:
    """Puts the marks of one session on its node, and takes them off."""

    def __init__(self, marks: Marks, node: Node | None, now: float) -> None:
        self.marks = marks
        self.done = False
        """True when the node is as the goal says, as far as the server lets us."""
        self.refused = False
        """True when the server refuses even the smallest change."""
        self.missing = False
        """True when there is no such node any more."""
        self.successor: Node | None = None
        """Another Node of the same name, if one was seen in the place of ours."""
        self.cordoned = node is not None and node.unschedulable
        """True if the node was cordoned when it was last seen."""
        self.lifted = False
        """True if the node was seen cordoned, and then not, by no doing of ours."""
        self.origin = node
        """The Node as it was first seen."""
        self._goal: Goal | None = None
        self._sent: Goal | None = None
        """The goal of the last patch; the goal may have moved while it was under way."""
        self._sent_from: Node | None = None
        """The Node from which that patch was made."""
        self._lost: Goal | None = None
        """The goal of a patch whose answer was lost: it may stand on the node or not."""
        self._node = node
        self._read_at = now
        self._version = 0 if node is None else version_of(node)
        self._busy = _Busy.NO
        self._pending = marks
        self._scale = Scale.FULL
        self._retry_at = 0.0
        self._conflicts = 0
        self._full_again_at: float | None = None
        self._refusals = 0
        self._forbidden_since_at: float | None = None
        self._told: set[str] = set()
        self._announced: Marks | None = None
        self._webhook_trouble = TroubleLog("the admission webhook that checks nodes", AdmissionFailed)

    def aim(self, goal: Goal) -> None:
        """Set the goal; the same again changes nothing."""
        if goal == self._goal:
            return
        restoring = self._goal is None or (goal.wanted is None) != (self._goal.wanted is None)
        self._goal = goal
        self.done = False
        if restoring:
            self._announced = None

    def cordon_again(self, at: float) -> None:
        """Set the cordon again, but not before that instant: it was taken off."""
        self.done, self._retry_at = False, max(self._retry_at, at)

    def leave_uncordoned(self) -> None:
        """Leave the cordon off, because a person wants it so: it is ours no more."""
        self.marks = replace(self.marks, cordoned=False)
        if self._announced is not None:
            self._announced = replace(self._announced, cordoned=False)

    @property
    def version(self) -> str:
        """The resource version of the node as it was last seen; empty = not yet."""
        return str(self._version) if self._version else ""

    @property
    def at_rest(self) -> bool:
        """True if no request is under way, and none can be sent for now."""
        return self._busy is _Busy.NO and (self.done or self.refused or self.missing)

    @property
    def written(self) -> frozenset[str]:
        """The ids of the events in the record that was sent last."""
        seen = self._sent.record.events if self._sent else ()
        return frozenset(each.event.event_id for each in seen)

    def step(self, now: float) -> list[Decision]:
        """Returns the next request, if one is due."""
        if self._full_again_at is not None and now >= self._full_again_at:
            self._full_again_at, self._scale, self.done = None, Scale.FULL, False
        if self._busy is not _Busy.NO or self.done or self.missing or now < self._retry_at:
            return []
        if self._goal is None:
            return []
        if self._node is None or now - self._read_at > STALE_SECONDS:
            self._busy = _Busy.READING
            return [ReadNode()]
        return self._patch_or_finish(self._goal, self._node, now)

    def _patch_or_finish(self, goal: Goal, node: Node, now: float) -> list[Decision]:
        if goal.wanted is None:
            self._pending = Marks()
            patch = undo(node, replace(goal.record, marks=self.marks))
        else:
            wanted = scaled(goal.wanted, self._scale)
            self._pending = marks_for(node, wanted, self.marks)
            if not wanted.cordon:
                self._pending = replace(self._pending, cordoned=False)
            record = replace(goal.record, marks=self._pending)
            patch = mark(node, wanted, record, with_record=self._scale < Scale.CORDON_ONLY)
        if patch is None:
            return self._finish(goal, node, now)
        self._busy, self._sent, self._sent_from = _Busy.PATCHING, goal, node
        return [PatchNode(patch, goal.record.deadline_at)]

    def _finish(self, goal: Goal, before: Node, now: float) -> list[Decision]:
        previous, self.marks = self.marks, self._pending
        untouched = previous == self.marks == Marks() and self._lost is None
        self.done, self.refused, self._conflicts, self._lost = True, False, 0, None
        self._forbidden_since_at = None
        if goal.wanted is not None and self._scale > Scale.FULL and self._full_again_at is None:
            self._full_again_at = now + self._pause()
        if self.marks == self._announced or (goal.wanted is None and untouched):
            return []
        again, self._announced = self._announced is not None, self.marks
        if goal.wanted is None:
            return [Tell(_restored(previous, before))]
        return [Tell(_marked(self.marks, before, again=again))]

    def node_read(self, answer: Node | ClusterError, now: float) -> list[Decision]:
        """Take the answer to ReadNode."""
        self._busy = _Busy.NO
        if isinstance(answer, Node):
            self._look_at(answer, now)
            return []
        if isinstance(answer, Rejected | Forbidden):
            return self._refuse("read the node", answer, now)
        return self._failed(answer, now)

    def node_news(self, node: Node, now: float) -> None:
        """Take a Node from a watch, which may lag behind the answers to our own requests."""
        if self.missing and not self._is_ours(node):
            self.successor = node
        elif self._is_ours(node) and version_of(node) > self._version:
            self._look_at(node, now)

    def _look_at(self, node: Node, now: float) -> None:
        if not self._is_ours(node):
            self.missing, self.successor = True, node
            return
        newer = version_of(node) > self._version
        self.lifted |= self.cordoned and not node.unschedulable and newer and not self._undoing
        self._see(node, now)
        self._recall(node)

    @property
    def _undoing(self) -> bool:
        """True if a patch of ours that takes the cordon off is under way, or its answer was lost."""
        under_way = self._sent if self._busy is _Busy.PATCHING else self._lost
        return under_way is not None and under_way.wanted is None

    def _is_ours(self, node: Node) -> bool:
        return self.origin is None or node.uid == self.origin.uid

    def _see(self, node: Node, now: float) -> None:
        self.origin = self.origin or node
        self._version = version_of(node)
        self._node, self._read_at, self.cordoned = node, now, node.unschedulable

    def _recall(self, node: Node) -> None:
        """Find out from our own record on the node whether the patch whose answer was lost arrived."""
        if self._lost is None:
            return
        if RECORD_ANNOTATION not in node.annotations:
            self.marks = Marks() if self._lost.wanted is None else self.marks
            return
        try:
            record = record_of(node)
        except ValueError:
            return
        if record is not None and record.session_id == self._lost.record.session_id:
            self.marks = record.marks

    def node_patched(self, answer: Node | ClusterError, now: float) -> list[Decision]:
        """Take the answer to PatchNode."""
        self._busy = _Busy.NO
        trouble: list[Decision] = [Tell(report) for report in self._webhook_trouble.heard(answer, now)]
        return [*trouble, *self._take_patched(answer, now)]

    def _take_patched(self, answer: Node | ClusterError, now: float) -> list[Decision]:
        before, known, self._node = self._sent_from, self._node, None
        assert self._goal is not None
        assert self._sent is not None
        if isinstance(answer, ClusterError):
            if isinstance(answer, Unreachable):
                self._lost = self._sent
            return self._failed(answer, now)
        if version_of(answer) >= self._version:
            self._see(answer, now)
        else:
            # A watch has told of a later change meanwhile.
            self._node = known
        assert before is not None
        told = self._finish(self._sent, before, now)
        # The goal may have moved meanwhile: `step` compares again.
        self.done = False
        if (self._sent.wanted is None) != (self._goal.wanted is None):
            self._announced = None
        return told

    def _failed(self, error: ClusterError, now: float) -> list[Decision]:
        match error:
            case Missing():
                self.missing = True
            case Conflict():
                self._conflicts += 1
                self._retry_at = now + 0.02 * max(0, self._conflicts - 3)
            case Rejected() | Denied() | Forbidden():
                return self._turned_down(error, now)
            case _:
                self._retry_at = now + (error.retry_after_seconds or RETRY_SECONDS)
        return []

    def _turned_down(self, error: ClusterError, now: float) -> list[Decision]:
        assert self._sent is not None
        what = _change_in_words(self._sent, self._scale)
        if self._sent.wanted is None or self._scale is Scale.CORDON_ONLY:
            self._scale = Scale.FULL
            return self._refuse(what, error, now)
        self._scale = _smaller(self._sent.wanted, self._scale)
        return self._tell_refused(what, error)

    def _refuse(self, what: str, error: ClusterError, now: float) -> list[Decision]:
        """Wait: there is no smaller change to try."""
        if isinstance(error, Forbidden) and self._may_pass(now):
            self._retry_at = now + RETRY_SECONDS
            return []
        self.refused = True
        self._retry_at = now + self._pause()
        return self._tell_refused(what, error)

    def _may_pass(self, now: float) -> bool:
        if self._forbidden_since_at is None:
            self._forbidden_since_at = now
        return now < self._forbidden_since_at + FORBIDDEN_SECONDS

    def _tell_refused(self, what: str, error: ClusterError) -> list[Decision]:
        if what in self._told:
            return []
        self._told.add(what)
        return [Tell(NodeChangeRefused(what=what, reason=str(error)))]

    def _pause(self) -> float:
        self._refusals += 1
        return REFUSED_BACKOFF.pause_seconds(self._refusals)

    def wake_at(self) -> float | None:
        """Returns when `step` has something to do without an answer."""
        if self._busy is not _Busy.NO or self.missing or self._goal is None:
            return None
        return self._full_again_at if self.done else self._retry_at


def _smaller(wanted: Wanted, scale: Scale) -> Scale:
    """Returns the next scale that asks for less than this one."""
    for smaller in (Scale.WITHOUT_TAINTS, Scale.WITHOUT_LABELS):
        if smaller > scale and scaled(wanted, smaller) != scaled(wanted, scale):
            return smaller
    return Scale.CORDON_ONLY


def _change_in_words(goal: Goal, scale: Scale) -> str:
    if goal.wanted is None:
        return "undo what was changed on the node"
    names = ["cordon"] if goal.wanted.cordon else []
    wanted = scaled(goal.wanted, scale)
    names += [f"taint {taint.key}" for taint in wanted.taints]
    names += [f"label {key}" for key in {**wanted.labels, **wanted.if_we_cordon}]
    return ", ".join([*names, *(["annotation"] if scale < Scale.CORDON_ONLY else [])])


def _marked(marks: Marks, before: Node, *, again: bool) -> NodeMarked:
    return NodeMarked(
        again=again,
        cordoned_by_us=marks.cordoned,
        provider_id=before.provider_id,
        cordoned=marks.cordoned or before.unschedulable,
        taints=tuple(taint.key for taint in marks.taints),
        labels=tuple(marks.labels),
    )


def _restored(undone: Marks, before: Node) -> NodeRestored:
    ours = undone.cordoned and may_be_ours(before)
    return NodeRestored(
        uncordoned=ours and before.unschedulable,
        still_cordoned=before.unschedulable and not ours,
        taints=tuple(taint.key for taint in undone.taints),
        labels=tuple(undone.labels),
    )
