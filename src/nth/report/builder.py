"""Adds up the reports of each interruption, once: every listener reads the result, and so does its report.

It takes `Told` records only, so a look back at a real interruption and the demo use the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nth.core.facts import Pod
from nth.core.node.phases import GONE, HANDED_OVER, TAKEN
from nth.core.policy import Level
from nth.core.reports import (
    DeadlineMoved,
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    ForceForbidden,
    GraceShortened,
    LeftBehind,
    NodeMarked,
    NodeRestored,
    NoticeReceived,
    NoticeWithdrawn,
    NotReplaced,
    Planned,
    PodCameBack,
    PodForced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    Report,
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.report.entries import Entries
from nth.report.interruption import (
    ControllerOutcome,
    InterruptionReport,
    NoticeSeen,
    PodOutcome,
    Stage,
    Successor,
)
from nth.report.open_notices import OpenNotices
from nth.report.pod_fates import with_fates
from nth.report.pod_outcomes import PodOutcomes, tiers_asked

ALWAYS = float("-inf")


def interruption_reports(
    told: Iterable[Told], until_at: float, successors: Mapping[str, Successor] | None = None
) -> tuple[InterruptionReport, ...]:
    """Returns one report for each session and node, oldest first, as of `until_at` (epoch seconds).

    `successors`: by the UID of a pod that left, if the whole cluster was watched.
    """
    found: dict[tuple[str, str], list[Told]] = {}
    for one in told:
        found.setdefault((one.session_id, one.node_name), []).append(one)
    return tuple(built(of_one).report(until_at, successors) for of_one in found.values())


def built(told: Sequence[Told]) -> "Interruption":
    """Returns the interruption of these records; there is at least one."""
    interruption = Interruption(told[0])
    for one in told:
        interruption.take(one)
    return interruption


class Interruption:
    """One interruption as reported so far. Its memory is bounded by the node's pods."""

    def __init__(self, first: Told, number: int = 1) -> None:
        """`first` is the first record about it; `number` is 1 for the first interruption of its session."""
        self.session_id = first.session_id
        self.node_name = first.node_name
        self.number = number
        self.first_at = round(first.at, 3)
        self.notices = OpenNotices()
        self.surveyed = False
        """True if the pods are known."""
        self._pods = PodOutcomes()
        self._controllers: dict[str, ControllerOutcome] = {}
        self._entries = Entries()
        self._taints: tuple[str, ...] = ()
        self._staying: tuple[tuple[Pod, str], ...] = ()
        self._left: tuple[LeftBehind, ...] = ()
        self._planned: tuple[str, ...] = ()
        self._cordoned_at: float | None = None
        self._restored_at: float | None = None
        self._drained_at: float | None = None
        self._margin_seconds: float | None = None
        self._told_deadline_at: float | None = None
        """As the end of the drain says it, if no notice does."""
        self._told_began_at: float | None = None
        self._replacement_ended_at: float | None = None
        self._unsettled = False
        self._force_forbidden = False
        self._session_ended_by = ""

    def take(self, told: Told) -> None:
        """Add one more record."""
        self._entries.add(told)
        report, at = told.report, round(told.at, 3)
        match report:
            case NoticeReceived() | NoticeWithdrawn() | DeadlineMoved() | SessionResumed():
                self.notices.take(report, at)
            case NodeMarked() | NodeRestored():
                self._node(report, at)
            case EvictionAccepted() | EvictionRefused() | PodForced() | GraceShortened() | PodLeft():
                self._pods.take(report, at)
            case PodCameBack():
                self._pods.returned(report, at)
            case Replaced() | ReplacementEnded():
                self._replacement(report, at)
            case _:
                self._drain(report, at)

    # State

    @property
    def kind(self) -> str:
        """Returns its name as in the original; it is empty as long as no notice is known."""
        leading = self.notices.leading
        return "" if leading is None else leading.event.kind.name

    @property
    def deadline_at(self) -> float | None:
        """Returns the earliest moment at which the machine may stop; None if no notice names one."""
        deadline = self.notices.deadline
        if deadline is not None:
            return deadline.deadline_at
        return None if self.notices.called_off else self._told_deadline_at

    @property
    def hard_deadline_at(self) -> float | None:
        """Returns the deadline if it can be missed: one that had passed before it was heard of cannot."""
        deadline = self.notices.deadline
        return self.deadline_at if deadline is None or deadline.deadline_stands else None

    def still_here(self, at: float) -> list[PodOutcome]:
        """Returns the pods that have to go and had not gone at that instant."""
        return [pod for pod in self._pods.all if pod.gone_at is None or pod.gone_at > at]

    @property
    def kept(self) -> tuple[LeftBehind, ...]:
        """Returns the pods that a setting keeps on the machine, and that keep it from being drained."""
        return tuple(one for one in self._left if one.ref.uid not in self._pods)

    def finished(self, since_at: float = ALWAYS) -> bool:
        """Returns whether nothing more is expected of it, or of the part that began after `since_at`."""
        if self.session_ended or self._planned:
            return True
        if self.notices.called_off and _later(self._restored_at, since_at) is not None:
            return True
        if _later(self._drained_at, since_at) is None:
            return False
        replaced = _later(self._replacement_ended_at, since_at) is not None
        return replaced or not self._awaits_replacements(since_at)

    @property
    def late(self) -> bool:
        """Returns whether the drain's time is up before the deadline, and pods are still there."""
        return bool(self._left) and self._drained_at is None and self.deadline_at is not None

    @property
    def session_ended(self) -> bool:
        """Returns whether the session says nothing more."""
        return bool(self._session_ended_by)

    @property
    def left_to_others(self) -> bool:
        """Returns whether the session ended because another replica goes on with the interruption."""
        return self._session_ended_by in (HANDED_OVER, TAKEN)

    def moved(self, since_at: float) -> bool:
        """Returns whether pods were asked to go or in the way since then, or the node was given back."""
        asked = any(pod.asked_at is not None for pod in self.still_here(since_at))
        return asked or bool(self._left) or _later(self._restored_at, since_at) is not None

    @property
    def progress(self) -> tuple[int, ...]:
        """Returns a value that differs from phase to phase, also while the pods are being asked."""
        instants = (self._cordoned_at, self._restored_at, self._drained_at)
        return *(at is not None for at in instants), *tiers_asked(self._pods.all)

    @property
    def unsettled(self) -> bool:
        """True if time was nearly up and not every replacement was Ready; the final report is to come."""
        return self._unsettled and not self.session_ended

    def _awaits_replacements(self, since_at: float) -> bool:
        """Returns whether a Ready pod of a controller has to be replaced: its replacement is followed."""
        return any(
            outcome.was_ready and outcome.pod.controller is not None and not outcome.finished
            for outcome in self.still_here(since_at)
            if outcome.asked_at is not None or outcome.gone_at is not None
        )

    # Reports

    def _node(self, report: NodeMarked | NodeRestored, at: float) -> None:
        if isinstance(report, NodeMarked):
            self._restored_at = None
            self._taints = report.taints
            if report.cordoned and self._cordoned_at is None:
                self._cordoned_at = at
        else:
            self._restored_at, self._taints = at, ()

    def _drain(self, report: Report, at: float) -> None:
        match report:
            case PodsOnNode():
                self.surveyed, self._staying = True, report.staying
                self._pods.survey(report, at)
            case DrainEnded():
                self._drain_ended(report, at)
            case SessionEnded():
                self._session_ended_by = report.reason
            case ForceForbidden():
                self._force_forbidden = True
            case Planned():
                self._planned = report.steps

    def _drain_ended(self, report: DrainEnded, at: float) -> None:
        self._left = report.left
        self._drained_at, self._margin_seconds = None, None
        self._told_began_at = round(at - report.seconds, 3)
        if report.margin_seconds is not None:
            self._told_deadline_at = round(at + report.margin_seconds, 3)
        if report.drained:
            margin_seconds = report.margin_seconds
            self._drained_at = at
            self._margin_seconds = None if margin_seconds is None else round(margin_seconds, 3)

    def _replacement(self, report: Replaced | ReplacementEnded, at: float) -> None:
        if isinstance(report, Replaced):
            self._controllers[report.controller.uid] = ControllerOutcome(
                namespace=report.namespace, controller=report.controller, replaced_at=at, ready=report.ready
            )
            return
        self._unsettled = not report.final
        self._replacement_ended_at = at if report.final else None
        for ones, released in ((report.missing, False), (report.released, True)):
            for one in ones:
                self._controllers[one.controller.uid] = _short(one, released=released, final=report.final)

    # The result

    def report(
        self, until_at: float, successors: Mapping[str, Successor] | None = None
    ) -> InterruptionReport:
        """Returns the report as of `until_at`, epoch seconds."""
        until_at = round(until_at, 3)
        pods = self.outcomes(until_at, successors)
        in_the_way = tuple((one.ref, one.reason) for one in self.kept)
        return InterruptionReport(
            node_name=self.node_name,
            session_id=self.session_id,
            first_at=self.first_at,
            began_at=self._began_at,
            until_at=until_at,
            notices=self.notices.seen,
            deadline_at=self.deadline_at,
            cordoned_at=self._cordoned_at,
            taints=self._taints,
            restored_at=self._restored_at,
            drained_at=self._drained_at,
            margin_seconds=self._margin_seconds,
            pods=pods,
            staying=self._staying,
            in_the_way=in_the_way,
            controllers=tuple(self._controllers.values()),
            replaced_at=None if in_the_way else self._replaced_at(pods),
            force_forbidden=self._force_forbidden,
            planned=self._planned,
            entries=self._entries.all(),
            entries_left_out=self._entries.left_out,
            called_off=self.notices.called_off,
            late=self.late,
            unsettled=self.unsettled,
            resumed=self.notices.resumed,
        )

    def outcomes(
        self, until_at: float, successors: Mapping[str, Successor] | None = None
    ) -> tuple[PodOutcome, ...]:
        """Returns the pods as of `until_at`, epoch seconds, each with both words."""
        pods = [self._outcome(pod, until_at, successors or {}) for pod in self._pods.all]
        over = self.finished() and not self.left_to_others
        return with_fates(pods, self._controllers.values(), over=over)

    def report_since(self, since_at: float, until_at: float) -> InterruptionReport:
        """Returns the report of everything after `since_at`, when there was a report already."""
        whole = self.report(until_at)
        if since_at == ALWAYS:
            return whole
        entries = tuple(entry for entry in whole.entries if entry.at > since_at)
        first_at = min((entry.at for entry in entries), default=since_at)
        drained_at = _later(whole.drained_at, since_at)
        further = [notice for notice in whole.notices if notice.at > since_at]
        return replace(
            whole,
            first_at=first_at,
            began_at=_began_at(further, first_at),
            cordoned_at=_later(whole.cordoned_at, since_at),
            restored_at=_later(whole.restored_at, since_at),
            drained_at=drained_at,
            margin_seconds=None if drained_at is None else whole.margin_seconds,
            pods=tuple(pod for pod in whole.pods if pod.gone_at is None or pod.gone_at > since_at),
            controllers=tuple(
                one for one in whole.controllers if one.replaced_at is None or one.replaced_at > since_at
            ),
            replaced_at=_later(whole.replaced_at, since_at),
            entries=entries,
        )

    @property
    def _began_at(self) -> float:
        began_at = _began_at(self.notices.seen, self.first_at)
        if self.notices.resumed and self._told_began_at is not None:
            return min(began_at, self._told_began_at)
        return began_at

    def _outcome(self, pod: PodOutcome, until_at: float, successors: Mapping[str, Successor]) -> PodOutcome:
        successor = _to_milliseconds(successors.get(pod.pod.ref.uid))
        stage, reason = self._stage(pod, until_at), pod.reason
        if stage is Stage.LOST:
            reason = next((one.reason for one in self._left if one.ref == pod.pod.ref), reason)
        return replace(
            pod,
            stage=stage,
            reason=reason,
            successor=successor,
            replaced_at=self._controller_back_at(pod),
        )

    def _stage(self, pod: PodOutcome, until_at: float) -> Stage:
        deadline_at = self.deadline_at
        if pod.gone_at is not None:
            # Where the machine has gone, the objects of its pods are deleted later, by others.
            hard_at = self.hard_deadline_at
            late = hard_at is not None and pod.gone_at > hard_at and not pod.unseen
            return Stage.LOST if late else Stage.GONE
        if self._session_ended_by == GONE or (deadline_at is not None and until_at >= deadline_at):
            return Stage.LOST
        if self.notices.called_off and pod.asked_at is None:
            return Stage.STAYS
        return pod.stage

    def _controller_back_at(self, pod: PodOutcome) -> float | None:
        owner = pod.pod.controller
        outcome = self._controllers.get(owner.uid) if owner is not None else None
        return outcome.replaced_at if outcome is not None else None

    def _replaced_at(self, pods: tuple[PodOutcome, ...]) -> float | None:
        """Returns when the last controller had its pods back; None if one has not, or a pod is here."""
        back_at = [outcome.replaced_at for outcome in self._controllers.values()]
        known = [at for at in back_at if at is not None]
        here = any(pod.stage is not Stage.GONE for pod in pods)
        if here or self._replacement_ended_at is None or len(known) < len(back_at):
            return None
        return max(known, default=self._replacement_ended_at)


def _short(one: NotReplaced, *, released: bool, final: bool) -> ControllerOutcome:
    return ControllerOutcome(
        namespace=one.namespace,
        controller=one.controller,
        replaced_at=None,
        ready=one.ready,
        before=one.before,
        wanted=one.wanted,
        released=released,
        deleted=one.deleted,
        failed=one.failed,
        final=final,
        reason=one.reason,
    )


def _later(at: float | None, since_at: float) -> float | None:
    """Returns the instant if it came after that, else None."""
    return at if at is not None and at > since_at else None


def _began_at(notices: Iterable[NoticeSeen], otherwise_at: float) -> float:
    """Returns when the first of these asked for a drain."""
    return min((notice.at for notice in notices if notice.level is Level.DRAIN), default=otherwise_at)


def _to_milliseconds(successor: Successor | None) -> Successor | None:
    if successor is None or successor.ready_at is None:
        return successor
    return replace(successor, ready_at=round(successor.ready_at, 3))
