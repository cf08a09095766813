"""What becomes of one pod, report by report."""

from collections.abc import Iterable
from dataclasses import replace

from nth.core.drain.pod_filter import tier
from nth.core.facts import Pod
from nth.core.reports import EvictionAccepted, EvictionRefused, GraceShortened, PodForced, PodLeft
from nth.report.interruption import PodOutcome, Stage

PodReport = EvictionAccepted | EvictionRefused | PodForced | GraceShortened | PodLeft


def first_seen(pod: Pod, at: float) -> PodOutcome:
    """A pod that has to go, when it is told of first."""
    outcome = PodOutcome(pod=pod, stage=Stage.WAITING, known_at=at)
    if pod.deleting_until_at is None:
        return outcome
    # Somebody else has asked it already.
    return replace(outcome, stage=Stage.STOPPING, asked_at=at, grace_seconds=pod.deletion_grace_seconds)


def gone_unseen(known: PodOutcome, at: float) -> PodOutcome:
    """A pod that left while the handler was not looking; `at`: when it looked again."""
    if known.stage is Stage.GONE:
        return known
    return replace(known, stage=Stage.GONE, gone_at=at, by_itself=known.asked_at is None)


def tiers_asked(pods: Iterable[PodOutcome]) -> tuple[int, int, int]:
    """(tiers, those of which every pod has had an answer to its eviction, those of which none is blocked)."""
    tiers, waiting, blocked = set[int](), set[int](), set[int]()
    for outcome in pods:
        of_pod = tier(outcome.pod)
        tiers.add(of_pod)
        if outcome.stage is Stage.WAITING:
            waiting.add(of_pod)
        elif outcome.stage is Stage.BLOCKED:
            blocked.add(of_pod)
    return len(tiers), len(tiers - waiting), len(tiers - waiting - blocked)


def after(known: PodOutcome, report: PodReport, at: float) -> PodOutcome:
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
                gone_at=None,
                asked_at=at if known.asked_at is None else known.asked_at,
                grace_seconds=report.grace_seconds,
                cut=known.cut or cut,
                forced=known.forced or isinstance(report, PodForced),
            )
