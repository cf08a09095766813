"""From what a session told to what became of the interruption: one pure fold.

It takes `Told` records only, so a look back at a real interruption and the demo use the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from nth.core.facts import Controller, Pod
from nth.core.policy import Level
from nth.core.reports import (
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
    PodForced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    Report,
    Told,
)
from nth.core.story.interruption import (
    ControllerOutcome,
    Entry,
    InterruptionReport,
    NoticeSeen,
    PodOutcome,
    Stage,
    Successor,
)
from nth.core.texts import line_of

SHOWN_FIELDS = ("reason", "missing", "left", "taints")
"""Fields of a line that a person needs; the pod comes before the text."""


def interruption_reports(
    told: Iterable[Told], until_at: float, successors: Mapping[str, Successor] | None = None
) -> tuple[InterruptionReport, ...]:
    """One report for each session and node, oldest first, as of `until_at` (epoch seconds).

    `successors`: by the UID of a pod that left, if somebody watched the whole cluster.
    """
    folds: dict[tuple[str, str], _Fold] = {}
    for one in told:
        fold = folds.setdefault((one.session_id, one.node_name), _Fold(one.at))
        fold.take(one)
    return tuple(
        fold.report(session_id, node_name, until_at, successors or {})
        for (session_id, node_name), fold in folds.items()
    )


@dataclass(slots=True)
class _Fold:
    """What has been told of one session so far."""

    first_at: float
    notices: dict[str, NoticeSeen] = field(default_factory=dict)
    pods: dict[str, PodOutcome] = field(default_factory=dict)
    controllers: dict[str, ControllerOutcome] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    taints: tuple[str, ...] = ()
    staying: tuple[tuple[Pod, str], ...] = ()
    left: tuple[LeftBehind, ...] = ()
    planned: tuple[str, ...] = ()
    cordoned_at: float | None = None
    restored_at: float | None = None
    drained_at: float | None = None
    margin_seconds: float | None = None
    replacement_ended_at: float | None = None
    force_forbidden: bool = False

    def take(self, told: Told) -> None:
        self.entries.append(entry_of(told))
        report, at = told.report, told.at
        match report:
            case NoticeReceived() | NoticeWithdrawn():
                self._notice(report, at)
            case NodeMarked() | NodeRestored():
                self._node(report, at)
            case EvictionAccepted() | EvictionRefused() | PodForced() | GraceShortened() | PodLeft():
                self._pod(report, at)
            case Replaced() | ReplacementEnded():
                self._replacement(report, at)
            case _:
                self._drain(report, at)

    def _notice(self, report: NoticeReceived | NoticeWithdrawn, at: float) -> None:
        if isinstance(report, NoticeReceived):
            seen = NoticeSeen(at=at, event=report.event, level=report.level, deadline_at=report.deadline_at)
            self.notices[report.event.event_id] = seen
        elif report.event_id in self.notices:
            seen = self.notices[report.event_id]
            self.notices[report.event_id] = replace(seen, withdrawn_at=at)

    def _node(self, report: NodeMarked | NodeRestored, at: float) -> None:
        if isinstance(report, NodeMarked):
            self.restored_at = None
            self.taints = report.taints
            if report.cordoned and self.cordoned_at is None:
                self.cordoned_at = at
        else:
            self.restored_at, self.taints = at, ()

    def _pod(
        self, report: EvictionAccepted | EvictionRefused | PodForced | GraceShortened | PodLeft, at: float
    ) -> None:
        known = replace(self._known(report.pod, at), pod=report.pod)
        self.pods[report.pod.ref.uid] = _after(known, report, at)

    def _known(self, pod: Pod, at: float) -> PodOutcome:
        known = self.pods.get(pod.ref.uid)
        if known is not None:
            return known
        outcome = PodOutcome(pod=pod, stage=Stage.WAITING, known_at=at)
        if pod.deleting_until_at is None:
            return outcome
        # Somebody else has asked it already.
        return replace(outcome, stage=Stage.STOPPING, asked_at=at, grace_seconds=pod.deletion_grace_seconds)

    def _drain(self, report: Report, at: float) -> None:
        match report:
            case PodsOnNode():
                self.staying = report.staying
                for pod in report.going:
                    self.pods[pod.ref.uid] = self._known(pod, at)
            case DrainEnded():
                self.left = report.left
                if report.drained:
                    self.drained_at, self.margin_seconds = at, report.margin_seconds
            case ForceForbidden():
                self.force_forbidden = True
            case Planned():
                self.planned = report.steps
            case _:
                pass

    def _replacement(self, report: Replaced | ReplacementEnded, at: float) -> None:
        match report:
            case Replaced():
                self._controller(report.namespace, report.controller, at, report.ready)
            case ReplacementEnded():
                self.replacement_ended_at = at
                for missing in report.missing:
                    self._missing(missing)

    def _missing(self, report: NotReplaced) -> None:
        self._controller(report.namespace, report.controller, None, report.ready)
        uid = report.controller.uid
        self.controllers[uid] = replace(self.controllers[uid], wanted=report.wanted, reason=report.reason)

    def _controller(self, namespace: str, controller: Controller, at: float | None, ready: int) -> None:
        self.controllers[controller.uid] = ControllerOutcome(
            namespace=namespace, controller=controller, replaced_at=at, ready=ready, wanted=None
        )

    # The end

    def report(
        self, session_id: str, node_name: str, until_at: float, successors: Mapping[str, Successor]
    ) -> InterruptionReport:
        pods = tuple(self._outcome(pod, until_at, successors) for pod in self.pods.values())
        in_the_way = tuple((one.ref, one.reason) for one in self.left if one.ref.uid not in self.pods)
        return InterruptionReport(
            node_name=node_name,
            session_id=session_id,
            first_at=self.first_at,
            began_at=self._began_at,
            until_at=until_at,
            notices=tuple(self.notices.values()),
            deadline_at=self._deadline_at,
            cordoned_at=self.cordoned_at,
            taints=self.taints,
            restored_at=self.restored_at,
            drained_at=self.drained_at,
            margin_seconds=self.margin_seconds,
            pods=pods,
            staying=self.staying,
            in_the_way=in_the_way,
            controllers=tuple(self.controllers.values()),
            replaced_at=None if in_the_way else self._replaced_at(pods),
            force_forbidden=self.force_forbidden,
            planned=self.planned,
            entries=tuple(self.entries),
        )

    @property
    def _began_at(self) -> float:
        drains = (notice.at for notice in self.notices.values() if notice.level is Level.DRAIN)
        return min(drains, default=self.first_at)

    @property
    def _deadline_at(self) -> float | None:
        standing = [notice for notice in self.notices.values() if notice.withdrawn_at is None]
        return min((n.deadline_at for n in standing if n.deadline_at is not None), default=None)

    @property
    def _called_off(self) -> bool:
        return bool(self.notices) and all(n.withdrawn_at is not None for n in self.notices.values())

    def _outcome(self, pod: PodOutcome, until_at: float, successors: Mapping[str, Successor]) -> PodOutcome:
        successor = successors.get(pod.pod.ref.uid)
        stage, reason = self._stage(pod, until_at), pod.reason
        if stage is Stage.LOST:
            reason = next((one.reason for one in self.left if one.ref == pod.pod.ref), reason)
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
        outcome = self.controllers.get(owner.uid) if owner is not None else None
        return outcome.replaced_at if outcome is not None else None

    def _replaced_at(self, pods: tuple[PodOutcome, ...]) -> float | None:
        """When the last controller had its pods back; None while one has not, or a pod is still there."""
        back_at = [outcome.replaced_at for outcome in self.controllers.values()]
        known = [at for at in back_at if at is not None]
        here = any(pod.stage is not Stage.GONE for pod in pods)
        if here or self.replacement_ended_at is None or len(known) < len(back_at):
            return None
        return max(known, default=self.replacement_ended_at)


def _after(
    known: PodOutcome,
    report: EvictionAccepted | EvictionRefused | PodForced | GraceShortened | PodLeft,
    at: float,
) -> PodOutcome:
    """The pod after one more report about it."""
    match report:
        case EvictionRefused():
            refused_at = at if known.refused_at is None else known.refused_at
            return replace(
                known,
                stage=Stage.BLOCKED,
                refused_at=refused_at,
                reason=report.reason,
                force_due_at=report.forced_at,
            )
        case PodLeft():
            return replace(known, stage=Stage.GONE, gone_at=at, by_itself=report.how == "by itself")
        case EvictionAccepted() | PodForced() | GraceShortened():
            cut = report.cut if isinstance(report, EvictionAccepted) else isinstance(report, GraceShortened)
            return replace(
                known,
                stage=Stage.STOPPING,
                force_due_at=None,
                asked_at=at if known.asked_at is None else known.asked_at,
                grace_seconds=report.grace_seconds,
                cut=known.cut or cut,
                forced=known.forced or isinstance(report, PodForced),
            )


def entry_of(told: Told) -> Entry:
    """What was told as one line."""
    line = line_of(told.report)
    details = [_words(line.fields[key]) for key in SHOWN_FIELDS if line.fields.get(key)]
    pod = f"{line.fields['pod']}: " if "pod" in line.fields else ""
    extra = f" ({'; '.join(details)})" if details else ""
    return Entry(at=told.at, level=line.level, text=f"{pod}{line.text}{extra}")


def _words(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
