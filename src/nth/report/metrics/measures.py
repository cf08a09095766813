"""Counts the reports of sessions in counters and histograms. Pure: `Told` in, `Counters` out.

An interruption is counted once, when its end is known; the memory of it until then is dropped with it.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from nth.core.node.phases import GONE, HANDED_OVER, TAKEN
from nth.core.notices.events import given_at
from nth.core.policy import Level
from nth.core.reports import (
    AwsSettled,
    DrainEnded,
    EvictionRefused,
    NodeChangeRefused,
    NodeMarked,
    NodeRestored,
    NoticeReceived,
    NoticeWithdrawn,
    Planned,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    SessionEnded,
    Told,
)
from nth.report.builder import ALWAYS, Interruption
from nth.report.interruption import Became, HowLeft
from nth.report.metrics.counters import Counters
from nth.report.metrics.table import (
    ACTIONS,
    BLOCKED,
    CORDONED,
    DRAINED,
    FEWER,
    INTERRUPTIONS,
    MARGIN,
    MISSED,
    NODE_ACTIONS,
    PODS,
    PODS_LEFT,
    REPLACED,
    SEEN,
)
from nth.report.pod_fates import is_decided, is_settled
from nth.report.refusals import budget_of

FOR_EVER = float("inf")
UNKNOWN_KIND = "UNKNOWN"
"""The kind after a restart, when AWS's notice is not in the record."""
NODE_ACTION_NAMES = ("cordon", "cordon-and-drain", "pre-drain", "post-drain", "uncordon")
ENDINGS = tuple(word for word in Became if word is not Became.NOT_REPLACED)
"""The words for what became of a pod, once that is known."""
COUNTING = (PodsOnNode, ReplacementEnded, DrainEnded, NodeRestored, SessionEnded)
"""The records after which more is known of pods."""
FREQUENT = (PodLeft, Replaced)
"""Such records, too, of which a drain has as many as pods: they are counted together, when somebody looks."""
RESULTS = ("drained", "missed", "gone", "cordoned", "noticed", "cancelled")


@dataclass(slots=True)
class _Counted:
    """The counts of one interruption so far."""

    result: str = ""
    """Empty until its end is known."""
    cordoned: bool = False
    refusals: set[tuple[str, str]] = field(default_factory=set)
    """(UID of a pod, budget) that was counted."""
    missing: set[str] = field(default_factory=set)
    """UIDs of controllers that were reported to be short of pods."""
    replacing_since_at: float = 0.0
    followed: bool = False
    """True if the last report of replacements was not final."""
    left: set[str] = field(default_factory=set)
    """UIDs of pods that were counted by how they left."""
    ended: set[str] = field(default_factory=set)
    """UIDs of pods that were counted by what became of them."""
    finished_at: float = ALWAYS
    """When nothing more was expected: a further notice may move more pods."""
    pods_due: bool = False
    """True if more is known of pods than is counted."""


class Measures:
    """Counts for one handler. `per_node`: also actions by node and event, as the original does (deprecated).

    `kinds`: they are served from the start, at zero; only a known series can be seen to increase.
    https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics
    """

    def __init__(self, *, per_node: bool = False, kinds: Collection[str] = ()) -> None:
        self.counters = Counters()
        self._per_node = per_node
        self._open: WeakKeyDictionary[Interruption, _Counted] = WeakKeyDictionary()
        for action in NODE_ACTION_NAMES:
            for status in ("success", "error"):
                self.counters.add(ACTIONS, action, status, amount=0)
        for how in HowLeft:
            self.counters.add(PODS_LEFT, _label(how), amount=0)
        for became in ENDINGS:
            self.counters.add(PODS, _label(became), amount=0)
        self.counters.add(MISSED, amount=0)
        self.counters.add(FEWER, amount=0)
        for kind in kinds:
            for result in RESULTS:
                self.counters.add(INTERRUPTIONS, kind, result, amount=0)
            for histogram in (SEEN, CORDONED, DRAINED, REPLACED, MARGIN):
                self.counters.begin(histogram, kind)

    def look(self, now: float) -> None:
        """Count the deadlines that have passed meanwhile, as no record comes then, and the latest of pods."""
        for interruption, one in self._open.items():
            self._judge(interruption, one, now)
            if one.pods_due:
                self._count_pods(interruption, one, now)

    def take(self, told: Told, interruption: Interruption | None) -> None:
        """Count one record. It is in its interruption already."""
        if isinstance(told.report, AwsSettled):
            event_id = told.report.event.event_id
            self._count_action("post-drain", told.node_name, event_id, ok=told.report.completed)
        if interruption is None or isinstance(told.report, Planned):
            return  # Sources count their failures themselves; a planned change is not made.
        one = self._open.setdefault(interruption, _Counted())
        if not one.result:
            self._judge(interruption, one, told.at)
        self._take(told, interruption, one)
        if isinstance(told.report, FREQUENT):
            one.pods_due = True
        if isinstance(told.report, COUNTING):
            self._count_pods(interruption, one, told.at)

    def _take(self, told: Told, interruption: Interruption, one: _Counted) -> None:
        match told.report:
            case NoticeReceived() | NoticeWithdrawn():
                self._notice(interruption, one, told.report, told.at)
            case NodeMarked() | NodeRestored() | NodeChangeRefused():
                self._node(interruption, one, told, told.report)
            case EvictionRefused():
                self._blocked(one, told.report)
            case DrainEnded():
                self._drain(interruption, one, told, told.report)
            case Replaced() | ReplacementEnded():
                self._replacement(interruption, one, told.report, told.at)
            case SessionEnded():
                self._ended(interruption, one, told.report.reason)
            case _:
                pass

    def _count_action(self, action: str, node_name: str, event_id: str, *, ok: bool) -> None:
        status = "success" if ok else "error"
        self.counters.add(ACTIONS, action, status)
        if self._per_node:
            self.counters.add(NODE_ACTIONS, action, event_id, node_name, status)

    # Notices and the node

    def _notice(
        self, interruption: Interruption, one: _Counted, report: NoticeReceived | NoticeWithdrawn, at: float
    ) -> None:
        if isinstance(report, NoticeWithdrawn):
            if interruption.notices.called_off:
                self._end(interruption, one, "cancelled")
            return
        since_at = given_at(report.event)
        if since_at is not None:
            self.counters.observe(SEEN, report.event.kind.name, value=max(0.0, at - since_at))

    def _node(
        self,
        interruption: Interruption,
        one: _Counted,
        told: Told,
        report: NodeMarked | NodeRestored | NodeChangeRefused,
    ) -> None:
        cordon_only = interruption.notices.level is Level.CORDON
        event_id = _event_id(interruption)
        match report:
            case NodeMarked(cordoned=True):
                self._count_action("pre-drain", told.node_name, event_id, ok=True)
                if not one.cordoned:
                    one.cordoned = True
                    self._cordoned(interruption, told, count=cordon_only)
            case NodeRestored(uncordoned=True):
                self._count_action("uncordon", told.node_name, event_id, ok=True)
            case NodeChangeRefused(what=what) if what.startswith("undo "):
                self._count_action("uncordon", told.node_name, event_id, ok=False)
            case NodeChangeRefused(what=what):
                self._count_action("pre-drain", told.node_name, event_id, ok=False)
                if cordon_only and what == "cordon":
                    # The least change was refused, too.
                    self._count_action("cordon", told.node_name, event_id, ok=False)

    def _cordoned(self, interruption: Interruption, told: Told, *, count: bool) -> None:
        if count:
            self._count_action("cordon", told.node_name, _event_id(interruption), ok=True)
        seen_at = [notice.at for notice in interruption.notices.standing if notice.level >= Level.CORDON]
        if seen_at:
            self.counters.observe(CORDONED, _kind(interruption), value=told.at - min(seen_at))

    # Pods

    def _count_pods(self, interruption: Interruption, one: _Counted, now: float) -> None:
        """Count each pod once by how it left, and once by what became of it as soon as that cannot change."""
        if interruption.left_to_others:
            return  # The replica that goes on counts them.
        one.pods_due = False
        over, late = interruption.finished(one.finished_at), interruption.late or interruption.unsettled
        for pod in interruption.outcomes(now):
            uid, gone = pod.pod.ref.uid, is_decided(pod)
            if gone and uid not in one.left:
                one.left.add(uid)
                self.counters.add(PODS_LEFT, _label(pod.left))
            if gone and uid not in one.ended and (over or is_settled(pod, late=late)):
                one.ended.add(uid)
                self.counters.add(PODS, _label(pod.became))
        if interruption.deadline_at is not None and now >= interruption.deadline_at:
            self._count_kept(interruption, one)
        if over:
            one.finished_at = now

    def _count_kept(self, interruption: Interruption, one: _Counted) -> None:
        """Count the pods that a setting kept on the machine until it went."""
        for uid in {kept.ref.uid for kept in interruption.kept} - one.left:
            one.left.add(uid)
            self.counters.add(PODS_LEFT, _label(HowLeft.NOT))
            self.counters.add(PODS, _label(Became.LOST))

    def _blocked(self, one: _Counted, report: EvictionRefused) -> None:
        budget, ref = budget_of(report.reason), report.pod.ref
        if (ref.uid, budget) not in one.refusals:
            one.refusals.add((ref.uid, budget))
            self.counters.add(BLOCKED, ref.namespace, budget)

    def _drain(self, interruption: Interruption, one: _Counted, told: Told, report: DrainEnded) -> None:
        self._count_action("cordon-and-drain", told.node_name, _event_id(interruption), ok=report.drained)
        if not report.drained:
            return
        self.counters.observe(DRAINED, _kind(interruption), value=report.seconds)
        deadline_at = interruption.hard_deadline_at
        if deadline_at is None:
            self._end(interruption, one, "drained")
            return
        margin_seconds = deadline_at - told.at
        self.counters.observe(MARGIN, _kind(interruption), value=margin_seconds)
        self._end(interruption, one, "missed" if margin_seconds < 0 else "drained")

    def _replacement(
        self, interruption: Interruption, one: _Counted, report: Replaced | ReplacementEnded, at: float
    ) -> None:
        if isinstance(report, ReplacementEnded):
            timed = one.followed and not one.missing
            one.followed = not report.final
            if timed:
                return  # When the last one became Ready.
            one.replacing_since_at = at - report.seconds
            one.missing = {missing.controller.uid for missing in report.missing}
            if report.final and (report.unexplained or (report.released and not report.missing)):
                self.counters.add(FEWER)
            if report.released:
                return  # Not all pods are Ready elsewhere, and never will be.
        elif report.controller.uid in one.missing:
            one.missing.remove(report.controller.uid)
        else:
            return
        if not one.missing:
            self.counters.observe(REPLACED, _kind(interruption), value=at - one.replacing_since_at)

    # The end

    def _judge(self, interruption: Interruption, one: _Counted, now: float) -> None:
        """Count a deadline that has passed before every pod had gone."""
        at = interruption.hard_deadline_at
        if at is None or now <= at or interruption.notices.level is not Level.DRAIN:
            return
        if not interruption.surveyed or interruption.still_here(at) or interruption.kept:
            self._end(interruption, one, "missed")
            self._count_pods(interruption, one, now)

    def _ended(self, interruption: Interruption, one: _Counted, reason: str) -> None:
        """Count the end of a session."""
        if reason in (HANDED_OVER, TAKEN):
            return  # The replica that goes on counts it.
        if reason != GONE:
            self._end(interruption, one, "cancelled")
        elif interruption.notices.level is Level.DRAIN:
            left = interruption.still_here(FOR_EVER) or interruption.kept
            self._end(interruption, one, "drained" if interruption.surveyed and not left else "gone")
        else:
            self._end(interruption, one, "cordoned" if one.cordoned else "noticed")

    def _end(self, interruption: Interruption, one: _Counted, result: str) -> None:
        """Count the result, once."""
        if one.result:
            return
        one.result = result
        self.counters.add(INTERRUPTIONS, _kind(interruption), result)
        if result == "missed":
            self.counters.add(MISSED)


def _label(word: HowLeft | Became) -> str:
    return word.name.lower()


def _kind(interruption: Interruption) -> str:
    return interruption.kind or UNKNOWN_KIND


def _event_id(interruption: Interruption) -> str:
    leading = interruption.notices.leading
    return "" if leading is None else leading.event.event_id
