"""Folds what sessions tell into counters and histograms. Pure: `Told` in, a `Tally` of figures.

An interruption is counted once, when it is known how it ended; what is known of it until then is
dropped with its session. How many are kept at a time is bounded.
"""

from collections.abc import Collection

from nth.core.node.phases import GONE, HANDED_OVER, TAKEN
from nth.core.notices.events import given_at
from nth.core.policy import Level
from nth.core.reports import (
    AwsSettled,
    DeadlineMoved,
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    GraceShortened,
    MonitorFailed,
    NodeChangeRefused,
    NodeMarked,
    NodeRestored,
    NoticeReceived,
    NoticeWithdrawn,
    Planned,
    PodCameBack,
    PodForced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.report.metrics.measured import Measured
from nth.report.metrics.table import (
    ACTIONS,
    BLOCKED,
    CORDONED,
    DRAINED,
    INTERRUPTIONS,
    MARGIN,
    MISSED,
    NODE_ACTIONS,
    PODS,
    REPLACED,
    SEEN,
)
from nth.report.metrics.tally import Tally
from nth.report.steps import BUDGET_REFUSAL

MAX_OPEN = 5000
NODE_ACTION_NAMES = ("cordon", "cordon-and-drain", "pre-drain", "post-drain", "uncordon")
POD_OUTCOMES = ("polite", "forced", "came_back", "lost", "protected")
RESULTS = ("drained", "missed", "gone", "cordoned", "noticed", "cancelled")

_OfPods = PodsOnNode | EvictionAccepted | EvictionRefused | PodForced | GraceShortened | PodLeft | PodCameBack


class Measures:
    """`max_open`: so many interruptions are followed at a time; the oldest are forgotten first.

    `per_node`: also count actions by node and event, as the original does (deprecated).

    `kinds`: what is served from the start, at zero; only what is known can be seen to increase.
    https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics
    """

    def __init__(
        self, *, per_node: bool = False, kinds: Collection[str] = (), max_open: int = MAX_OPEN
    ) -> None:
        self.tally = Tally()
        self._per_node = per_node
        self._max_open = max_open
        self._open: dict[str, Measured] = {}
        """By node: at most one session has it."""
        for action in NODE_ACTION_NAMES:
            for status in ("success", "error"):
                self.tally.add(ACTIONS, action, status, amount=0)
        for outcome in POD_OUTCOMES:
            self.tally.add(PODS, outcome, amount=0)
        self.tally.add(MISSED, amount=0)
        for kind in kinds:
            for result in RESULTS:
                self.tally.add(INTERRUPTIONS, kind, result, amount=0)
            for histogram in (SEEN, CORDONED, DRAINED, REPLACED, MARGIN):
                self.tally.begin(histogram, kind)

    def look(self, now: float) -> None:
        """Count the deadlines that have passed meanwhile; nobody tells when one does."""
        for one in self._open.values():
            self._judge(one, now)

    def take(self, told: Told) -> None:
        """One report."""
        match told.report:
            case MonitorFailed() | Planned():
                return  # Sources count their failures themselves; what is only planned is not done.
            case AwsSettled(event=event, completed=completed):
                self._count_action("post-drain", told.node_name, event.event_id, ok=completed)
                return
        one = self._measured(told)
        self._judge(one, told.at)
        match told.report:
            case NoticeReceived() | NoticeWithdrawn() | DeadlineMoved() | SessionResumed():
                self._notice(one, told.report, told.at)
            case NodeMarked() | NodeRestored() | NodeChangeRefused():
                self._node(one, told, told.report)
            case (
                PodsOnNode()
                | EvictionAccepted()
                | EvictionRefused()
                | PodForced()
                | GraceShortened()
                | PodLeft()
                | PodCameBack()
            ):
                self._pods(one, told.report)
            case DrainEnded():
                self._drain(one, told, told.report)
            case Replaced() | ReplacementEnded():
                self._replacement(one, told.report, told.at)
            case SessionEnded():
                self._ended(one, told.report.reason)
                del self._open[told.node_name]
            case _:
                pass

    def _measured(self, told: Told) -> Measured:
        one = self._open.get(told.node_name)
        if one is None or one.session_id != told.session_id:
            self._open.pop(told.node_name, None)
            one = self._open[told.node_name] = Measured(told.session_id)
            if len(self._open) > self._max_open:
                del self._open[next(iter(self._open))]
        return one

    def _count_action(self, action: str, node_name: str, event_id: str, *, ok: bool) -> None:
        status = "success" if ok else "error"
        self.tally.add(ACTIONS, action, status)
        if self._per_node:
            self.tally.add(NODE_ACTIONS, action, event_id, node_name, status)

    # Notices and the node

    def _notice(
        self,
        one: Measured,
        report: NoticeReceived | NoticeWithdrawn | DeadlineMoved | SessionResumed,
        at: float,
    ) -> None:
        match report:
            case SessionResumed(notices=notices):
                for seen_at, received in notices:
                    one.noticed(received, seen_at)
            case NoticeReceived(event=event):
                one.noticed(report, at)
                since_at = given_at(event)
                if since_at is not None:
                    self.tally.observe(SEEN, event.kind.name, value=max(0.0, at - since_at))
            case NoticeWithdrawn():
                one.withdrawn(report.event_id)
            case DeadlineMoved():
                one.moved(report.event_id, report.deadline_at)

    def _node(self, one: Measured, told: Told, report: NodeMarked | NodeRestored | NodeChangeRefused) -> None:
        cordon_only = one.level is Level.CORDON
        match report:
            case NodeMarked(cordoned=True):
                self._count_action("pre-drain", told.node_name, one.event_id, ok=True)
                if not one.cordoned:
                    self._cordoned(one, told, count=cordon_only)
            case NodeRestored(uncordoned=True):
                self._count_action("uncordon", told.node_name, one.event_id, ok=True)
            case NodeChangeRefused(what=what) if what.startswith("undo "):
                self._count_action("uncordon", told.node_name, one.event_id, ok=False)
            case NodeChangeRefused(what=what):
                self._count_action("pre-drain", told.node_name, one.event_id, ok=False)
                if cordon_only and what == "cordon":
                    # The least that there is to try was refused, too.
                    self._count_action("cordon", told.node_name, one.event_id, ok=False)

    def _cordoned(self, one: Measured, told: Told, *, count: bool) -> None:
        one.cordoned = True
        if count:
            self._count_action("cordon", told.node_name, one.event_id, ok=True)
        since_at = one.seen_at(Level.CORDON)
        if since_at is not None:
            self.tally.observe(CORDONED, one.kind, value=told.at - since_at)

    # Pods

    def _pods(self, one: Measured, report: _OfPods) -> None:
        match report:
            case PodsOnNode():
                one.surveyed = True
                for pod in report.going:
                    one.knows(pod)
            case PodLeft():
                one.gone(report.pod)
                if one.result != "missed":  # Then what was left is counted as lost.
                    self.tally.add(PODS, "forced" if report.how == "forced" else "polite")
            case EvictionRefused():
                one.knows(report.pod)
                self._blocked(one, report)
            case PodCameBack(pod=pod):
                one.knows(pod)
                self.tally.add(PODS, "came_back")
            case EvictionAccepted() | PodForced() | GraceShortened():
                one.knows(report.pod)

    def _blocked(self, one: Measured, report: EvictionRefused) -> None:
        found = BUDGET_REFUSAL.search(report.reason)
        budget, ref = found["name"] if found else "", report.pod.ref
        if (ref.uid, budget) not in one.refusals:
            one.refusals.add((ref.uid, budget))
            self.tally.add(BLOCKED, ref.namespace, budget)

    def _drain(self, one: Measured, told: Told, report: DrainEnded) -> None:
        self._count_action("cordon-and-drain", told.node_name, one.event_id, ok=report.drained)
        if not report.drained:
            return
        self.tally.observe(DRAINED, one.kind, value=report.seconds)
        margin_seconds = one.margin_seconds(report.margin_seconds, told.at)
        if margin_seconds is not None:
            self.tally.observe(MARGIN, one.kind, value=margin_seconds)
        self._end(one, "missed" if margin_seconds is not None and margin_seconds < 0 else "drained")

    def _replacement(self, one: Measured, report: Replaced | ReplacementEnded, at: float) -> None:
        if isinstance(report, ReplacementEnded):
            one.replacing_since_at = at - report.seconds
            one.missing = {missing.controller.uid for missing in report.missing}
        elif report.controller.uid in one.missing:
            one.missing.remove(report.controller.uid)
        else:
            return
        if not one.missing:
            self.tally.observe(REPLACED, one.kind, value=at - one.replacing_since_at)

    # How it ends

    def _judge(self, one: Measured, now: float) -> None:
        if one.is_late(now):
            self._end(one, "missed")

    def _ended(self, one: Measured, reason: str) -> None:
        """The session is over."""
        if reason in (HANDED_OVER, TAKEN):
            return  # The replica that goes on counts it.
        if reason != GONE:
            self._end(one, "cancelled")
        elif one.level is Level.DRAIN:
            self._end(one, "drained" if one.surveyed and not one.here else "gone")
        else:
            self._end(one, "cordoned" if one.cordoned else "noticed")

    def _end(self, one: Measured, result: str) -> None:
        """Once, and with it the pods that were lost."""
        if one.result:
            return
        one.result = result
        self.tally.add(INTERRUPTIONS, one.kind, result)
        if result == "missed":
            self.tally.add(MISSED)
        if result in ("missed", "gone"):
            for may_be_forced in one.here.values():
                self.tally.add(PODS, "lost" if may_be_forced else "protected")
        one.forget_pods()
