"""From what a session told to what became of the interruption: one pure fold.

It takes `Told` records only, so a look back at a real interruption and the demo use the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from nth.core.facts import Controller, Pod
from nth.core.node.phases import HANDED_OVER, TAKEN
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
    notice_seen,
)
from nth.report.pod_story import PodReport, after, first_seen, gone_unseen, tiers_asked

CAME_BACK = "it came back to the node, which was cordoned, again and again"
LEFT_TO_OTHERS = (HANDED_OVER, TAKEN)
"""Ends of a session that are no end of its interruption."""


def interruption_reports(
    told: Iterable[Told], until_at: float, successors: Mapping[str, Successor] | None = None
) -> tuple[InterruptionReport, ...]:
    """One report for each session and node, oldest first, as of `until_at` (epoch seconds).

    `successors`: by the UID of a pod that left, if somebody watched the whole cluster.
    """
    chronicles: dict[tuple[str, str], Chronicle] = {}
    for one in told:
        chronicle = chronicles.setdefault((one.session_id, one.node_name), Chronicle(one.at))
        chronicle.take(one)
    return tuple(
        chronicle.report(session_id, node_name, until_at, successors)
        for (session_id, node_name), chronicle in chronicles.items()
    )


class Chronicle:
    """What has been told of one interruption so far. Its memory is bounded by the node's pods."""

    def __init__(self, first_at: float) -> None:
        """`first_at`: when it was first told of, epoch seconds."""
        self._first_at = round(first_at, 3)
        self._notices: dict[str, NoticeSeen] = {}
        self._resumed: set[str] = set()
        """Events that were known before this handler's start, and still stand."""
        self._was_resumed = False
        self._pods: dict[str, PodOutcome] = {}
        self._came_back_for: set[str] = set()
        """UIDs of pods in whose place another one was put on the same node."""
        self._came_back: set[str] = set()
        """UIDs of those that were put there."""
        self._unmatched: list[Pod] = []
        """Those of them of which it has not been told yet in whose place they came."""
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
        self._force_forbidden = False
        self._session_ended_by = ""

    def take(self, told: Told) -> None:
        """One more thing that was told."""
        self._entries.add(told)
        report, at = told.report, round(told.at, 3)
        match report:
            case NoticeReceived() | NoticeWithdrawn() | DeadlineMoved() | SessionResumed():
                self._notice(report, at)
            case NodeMarked() | NodeRestored():
                self._node(report, at)
            case EvictionAccepted() | EvictionRefused() | PodForced() | GraceShortened() | PodLeft():
                self._pod(report, at)
            case PodCameBack():
                self._returned(report, at)
            case Replaced() | ReplacementEnded():
                self._replacement(report, at)
            case _:
                self._drain(report, at)

    @property
    def finished(self) -> bool:
        """Nothing more is expected of this interruption."""
        if self.session_ended or self._planned:
            return True
        if self._called_off and self._restored_at is not None:
            return True
        if self._drained_at is None:
            return False
        return self._replacement_ended_at is not None or not self._awaits_replacements

    @property
    def late(self) -> bool:
        """The time until the deadline is up, and somebody is still there."""
        return bool(self._left) and self._drained_at is None and self._deadline_at is not None

    @property
    def session_ended(self) -> bool:
        """The session says nothing more."""
        return bool(self._session_ended_by)

    @property
    def left_to_others(self) -> bool:
        """The session ended, and another replica goes on: that is not the end of the interruption."""
        return self._session_ended_by in LEFT_TO_OTHERS

    @property
    def moved(self) -> bool:
        """Pods were asked to go, or were in the way, or the node was given back."""
        asked = any(pod.asked_at is not None for pod in self._pods.values())
        return asked or bool(self._left) or self._restored_at is not None

    @property
    def progress(self) -> tuple[int, ...]:
        """Differs from phase to phase: cordoned, given back, drained, and how far its pods are asked."""
        instants = (self._cordoned_at, self._restored_at, self._drained_at)
        return *(at is not None for at in instants), *tiers_asked(self._pods.values())

    @property
    def _awaits_replacements(self) -> bool:
        """A pod that was Ready was asked to go: its controller is followed to an end, which is told."""
        return any(
            outcome.asked_at is not None and outcome.pod.ready and outcome.pod.controller is not None
            for outcome in self._pods.values()
        )

    def _notice(
        self, report: NoticeReceived | NoticeWithdrawn | DeadlineMoved | SessionResumed, at: float
    ) -> None:
        match report:
            case NoticeReceived(event=event):
                self._resumed.discard(event.event_id)
                self._notices[event.event_id] = notice_seen(report, at)
            case SessionResumed():
                self._was_resumed |= bool(set(report.event_ids) - self._notices.keys())
                for seen_at, received in report.notices:
                    self._notices.setdefault(received.event.event_id, notice_seen(received, seen_at))
                unknown = set(report.event_ids) - self._notices.keys()
                self._resumed |= unknown
            case NoticeWithdrawn(event_id=event_id):
                self._resumed.discard(event_id)
                if event_id in self._notices:
                    self._notices[event_id] = replace(self._notices[event_id], withdrawn_at=at)
            case DeadlineMoved(event_id=event_id, deadline_at=deadline_at):
                if event_id in self._notices:
                    self._notices[event_id] = replace(self._notices[event_id], deadline_at=deadline_at)

    def _node(self, report: NodeMarked | NodeRestored, at: float) -> None:
        if isinstance(report, NodeMarked):
            self._restored_at = None
            self._taints = report.taints
            if report.cordoned and self._cordoned_at is None:
                self._cordoned_at = at
        else:
            self._restored_at, self._taints = at, ()

    def _pod(self, report: PodReport, at: float) -> None:
        uid = report.pod.ref.uid
        known = replace(self._known(report.pod, at), pod=report.pod)
        self._pods[uid] = after(known, report, at)
        self._match(uid)

    def _returned(self, report: PodCameBack, at: float) -> None:
        """The pod in whose place it came has not moved: what becomes of it is what becomes of this one."""
        known = self._known(report.pod, at)
        self._pods[report.pod.ref.uid] = known if report.goes else replace(known, reason=CAME_BACK)
        if report.pod.ref.uid in self._came_back:
            return
        self._came_back.add(report.pod.ref.uid)
        earlier = (uid for uid, outcome in self._pods.items() if _is_its_place(outcome, report.pod))
        uid = next((uid for uid in earlier if uid not in self._came_back_for), None)
        if uid is None:
            self._unmatched.append(report.pod)
        else:
            self._came_back_for.add(uid)
            self._forget_if_gone(uid)

    def _match(self, uid: str) -> None:
        """A watch may be quicker than the answer to an eviction: then the newcomer is told of first."""
        if uid not in self._came_back_for:
            outcome = self._pods[uid]
            newcomer = next((pod for pod in self._unmatched if _is_its_place(outcome, pod)), None)
            if newcomer is not None:
                self._unmatched.remove(newcomer)
                self._came_back_for.add(uid)
        self._forget_if_gone(uid)

    def _forget_if_gone(self, uid: str) -> None:
        if uid in self._came_back_for and self._pods[uid].stage is Stage.GONE:
            del self._pods[uid]

    def _known(self, pod: Pod, at: float) -> PodOutcome:
        return self._pods.get(pod.ref.uid) or first_seen(pod, at)

    def _drain(self, report: Report, at: float) -> None:
        match report:
            case PodsOnNode():
                self._survey(report, at)
            case DrainEnded():
                self._drain_ended(report, at)
            case SessionEnded():
                self._session_ended_by = report.reason
            case ForceForbidden():
                self._force_forbidden = True
            case Planned():
                self._planned = report.steps

    def _survey(self, report: PodsOnNode, at: float) -> None:
        """All pods of the node. Who was known and is not among them left while nobody looked."""
        self._staying = report.staying
        here = {pod.ref.uid for pod in (*report.going, *(pod for pod, _ in report.staying))}
        for uid in self._pods.keys() - here:
            self._pods[uid] = gone_unseen(self._pods[uid], at)
            self._match(uid)
        for pod in report.going:
            self._pods[pod.ref.uid] = self._known(pod, at)

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
        match report:
            case Replaced():
                self._controller(report.namespace, report.controller, at, report.ready)
            case ReplacementEnded():
                self._replacement_ended_at = at
                for missing in report.missing:
                    self._missing(missing)

    def _missing(self, report: NotReplaced) -> None:
        self._controller(report.namespace, report.controller, None, report.ready)
        uid = report.controller.uid
        self._controllers[uid] = replace(self._controllers[uid], wanted=report.wanted, reason=report.reason)

    def _controller(self, namespace: str, controller: Controller, at: float | None, ready: int) -> None:
        self._controllers[controller.uid] = ControllerOutcome(
            namespace=namespace, controller=controller, replaced_at=at, ready=ready, wanted=None
        )

    # The end

    def report(
        self,
        session_id: str,
        node_name: str,
        until_at: float,
        successors: Mapping[str, Successor] | None = None,
    ) -> InterruptionReport:
        """Everything as of `until_at`, epoch seconds."""
        until_at = round(until_at, 3)
        pods = tuple(self._outcome(pod, until_at, successors or {}) for pod in self._pods.values())
        in_the_way = tuple((one.ref, one.reason) for one in self._left if one.ref.uid not in self._pods)
        return InterruptionReport(
            node_name=node_name,
            session_id=session_id,
            first_at=self._first_at,
            began_at=self._began_at,
            until_at=until_at,
            notices=tuple(self._notices.values()),
            deadline_at=self._deadline_at,
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
            called_off=self._called_off,
            late=self.late,
            resumed=self._was_resumed,
        )

    @property
    def _began_at(self) -> float:
        drains = [notice.at for notice in self._notices.values() if notice.level is Level.DRAIN]
        if self._was_resumed and self._told_began_at is not None:
            drains.append(self._told_began_at)
        return min(drains, default=self._first_at)

    @property
    def _deadline_at(self) -> float | None:
        standing = [notice for notice in self._notices.values() if notice.withdrawn_at is None]
        told_at = None if self._notices else self._told_deadline_at
        return min((n.deadline_at for n in standing if n.deadline_at is not None), default=told_at)

    @property
    def _called_off(self) -> bool:
        if self._resumed or not (self._notices or self._was_resumed):
            return False
        return all(n.withdrawn_at is not None for n in self._notices.values())

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
            replaced_at=successor.ready_at if successor is not None else self._controller_back_at(pod),
        )

    def _stage(self, pod: PodOutcome, until_at: float) -> Stage:
        deadline_at = self._deadline_at
        if pod.gone_at is not None:
            return Stage.GONE
        if deadline_at is not None and until_at >= deadline_at:
            return Stage.LOST
        if self._called_off and pod.asked_at is None:
            return Stage.STAYS
        return pod.stage

    def _controller_back_at(self, pod: PodOutcome) -> float | None:
        owner = pod.pod.controller
        outcome = self._controllers.get(owner.uid) if owner is not None else None
        return outcome.replaced_at if outcome is not None else None

    def _replaced_at(self, pods: tuple[PodOutcome, ...]) -> float | None:
        """When the last controller had its pods back; None while one has not, or a pod is still there."""
        back_at = [outcome.replaced_at for outcome in self._controllers.values()]
        known = [at for at in back_at if at is not None]
        here = any(pod.stage is not Stage.GONE for pod in pods)
        if here or self._replacement_ended_at is None or len(known) < len(back_at):
            return None
        return max(known, default=self._replacement_ended_at)


def _is_its_place(outcome: PodOutcome, pod: Pod) -> bool:
    """Whether a pod that has been asked to go, or has gone, was the controller's one before this."""
    if outcome.pod.ref.uid == pod.ref.uid or (outcome.asked_at is None and outcome.gone_at is None):
        return False
    if pod.controller is None or outcome.pod.controller is None:
        return (outcome.pod.ref.namespace, outcome.pod.ref.name) == (pod.ref.namespace, pod.ref.name)
    return outcome.pod.controller.uid == pod.controller.uid


def _to_milliseconds(successor: Successor | None) -> Successor | None:
    if successor is None or successor.ready_at is None:
        return successor
    return replace(successor, ready_at=round(successor.ready_at, 3))
