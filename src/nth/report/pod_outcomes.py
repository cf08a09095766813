"""Follows the outcome of each pod of one interruption, report by report."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from nth.core.drain.pod_filter import tier
from nth.core.facts import Pod
from nth.core.reports import (
    EvictionAccepted,
    EvictionRefused,
    GraceShortened,
    PodCameBack,
    PodForced,
    PodLeft,
    PodsOnNode,
)
from nth.report.interruption import PodOutcome, Stage

PodReport = EvictionAccepted | EvictionRefused | PodForced | GraceShortened | PodLeft
CAME_BACK = "it came back to the node, which was cordoned, again and again"
MAX_CAME_BACK = 250
"""So many pods are kept in whose place others came; of more, the oldest are forgotten."""


class PodOutcomes:
    """The pods that have to go. Its memory is bounded by the node's pods."""

    def __init__(self) -> None:
        self._pods: dict[str, PodOutcome] = {}
        self._left: set[str] = set()
        """UIDs of pods that were seen to leave: the answer to an eviction may come after that."""
        self._came_back_for: dict[str, None] = {}
        """UIDs of pods in whose place another one was put on the same node, oldest first."""
        self._came_back: set[str] = set()
        """UIDs of the pods that were put there."""
        self._unmatched: list[Pod] = []
        """The pods of them whose predecessor is not known yet."""

    @property
    def all(self) -> Collection[PodOutcome]:
        """Returns them in the order in which they were told of."""
        return self._pods.values()

    def __contains__(self, uid: str) -> bool:
        return uid in self._pods

    def take(self, report: PodReport, at: float) -> None:
        """Add one more report about a pod."""
        uid = report.pod.ref.uid
        if isinstance(report, PodLeft):
            self._left.add(uid)
        elif uid in self._left:
            return
        known = self._known(report.pod, at)
        if known.asked_at is None and known.gone_at is None and report.pod.deleting_until_at is None:
            # From then on its conditions are those of a pod that stops.
            known = replace(known, was_ready=report.pod.ready)
        known = replace(known, finished=known.finished or report.pod.done)
        self._pods[uid] = _after(replace(known, pod=report.pod), report, at)
        self._match(uid)

    def survey(self, report: PodsOnNode, at: float) -> None:
        """Add a list of all pods of the node. A known pod that is not among them left unseen."""
        here = {pod.ref.uid for pod in (*report.going, *(pod for pod, _ in report.staying))}
        for uid in self._pods.keys() - here:
            self._pods[uid] = gone_unseen(self._pods[uid], at)
            self._match(uid)
        for pod in report.going:
            self._pods[pod.ref.uid] = self._known(pod, at)
        for asked_at, asked in report.asked:
            known = self._pods[asked.pod.ref.uid]
            if known.by_itself:
                after = _after(known, asked, at)
                self._pods[asked.pod.ref.uid] = replace(after, asked_at=asked_at, ends_at=known.ends_at)

    def returned(self, report: PodCameBack, at: float) -> None:
        """Add a pod that came back. The one in whose place it came has not moved."""
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
            self._note_return(uid)

    def _match(self, uid: str) -> None:
        """Match a newcomer that was told of first: a watch may be quicker than the answer to an eviction."""
        if uid not in self._came_back_for:
            outcome = self._pods[uid]
            newcomer = next((pod for pod in self._unmatched if _is_its_place(outcome, pod)), None)
            if newcomer is not None:
                self._unmatched.remove(newcomer)
                self._note_return(uid)

    def _note_return(self, uid: str) -> None:
        self._came_back_for[uid] = None
        self._pods[uid] = replace(self._pods[uid], came_back=True)
        if len(self._came_back_for) > MAX_CAME_BACK:
            oldest = next(iter(self._came_back_for))
            del self._came_back_for[oldest]
            self._pods.pop(oldest, None)
            self._left.discard(oldest)
            self._came_back.discard(oldest)

    def _known(self, pod: Pod, at: float) -> PodOutcome:
        return self._pods.get(pod.ref.uid) or _first_seen(pod, at)


def _first_seen(pod: Pod, at: float) -> PodOutcome:
    outcome = PodOutcome(
        pod=pod, stage=Stage.WAITING, known_at=at, was_ready=pod.was_ready, finished=pod.done
    )
    if pod.deleting_until_at is None:
        return outcome
    # Another client has asked it already.
    ends_at = round(pod.deleting_until_at, 3)
    given_seconds = pod.deletion_grace_seconds
    return replace(
        outcome,
        stage=Stage.STOPPING,
        by_itself=True,
        asked_at=at,
        ends_at=ends_at,
        grace_seconds=given_seconds,
    )


def gone_unseen(known: PodOutcome, at: float) -> PodOutcome:
    """Returns the pod after it left while the handler was not looking; at `at` it looked again."""
    if known.stage is Stage.GONE:
        return known
    by_itself = known.by_itself or known.asked_at is None
    return replace(known, stage=Stage.GONE, gone_at=at, unseen=True, by_itself=by_itself)


def tiers_asked(pods: Iterable[PodOutcome]) -> tuple[int, int, int]:
    """Returns (tiers, tiers of which every eviction was answered, those of them with no blocked pod)."""
    tiers, waiting, blocked = set[int](), set[int](), set[int]()
    for outcome in pods:
        of_pod = tier(outcome.pod)
        tiers.add(of_pod)
        if outcome.stage is Stage.WAITING:
            waiting.add(of_pod)
        elif outcome.stage is Stage.BLOCKED:
            blocked.add(of_pod)
    return len(tiers), len(tiers - waiting), len(tiers - waiting - blocked)


def _after(known: PodOutcome, report: PodReport, at: float) -> PodOutcome:
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
            by_itself, forced = report.how == "by itself", known.forced or report.how == "forced"
            return replace(known, stage=Stage.GONE, gone_at=at, by_itself=by_itself, forced=forced)
        case EvictionAccepted() | PodForced() | GraceShortened():
            cut = report.cut if isinstance(report, EvictionAccepted) else isinstance(report, GraceShortened)
            return replace(
                known,
                stage=Stage.STOPPING,
                force_due_at=None,
                gone_at=None,
                asked_at=at if known.asked_at is None else known.asked_at,
                grace_seconds=report.grace_seconds,
                ends_at=round(at + report.grace_seconds, 3),
                cut=known.cut or cut,
                forced=known.forced or isinstance(report, PodForced),
                by_itself=known.by_itself and isinstance(report, GraceShortened),
            )


def _is_its_place(outcome: PodOutcome, pod: Pod) -> bool:
    """Returns whether a pod that has been asked to go, or has gone, was the controller's one before this."""
    if outcome.pod.ref.uid == pod.ref.uid or (outcome.asked_at is None and outcome.gone_at is None):
        return False
    if pod.controller is None or outcome.pod.controller is None:
        return (outcome.pod.ref.namespace, outcome.pod.ref.name) == (pod.ref.namespace, pod.ref.name)
    return outcome.pod.controller.uid == pod.controller.uid
