"""How names, durations and outcomes are worded, the same in every view."""

from nth.core.events import (
    AsgTargetState,
    Event,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from nth.core.facts import Controller, Pod
from nth.core.policy import Level
from nth.core.story.interruption import InterruptionReport, PodOutcome, Stage

PREFIX = "aws-node-termination-handler/"
MAX_NAMES = 3
"""More in one sentence nobody reads."""
KINDS: dict[type[Event], str] = {
    SpotInterruption: "Spot interruption",
    RebalanceRecommendation: "Rebalance recommendation",
    ScheduledMaintenance: "Scheduled maintenance",
    AsgTargetState: "Termination by the Auto Scaling group",
}


def owner_name(controller: Controller) -> str:
    """`web` for the ReplicaSet `web-5d8f7c9b4`, which people know by its Deployment."""
    if controller.kind == "ReplicaSet" and "-" in controller.name:
        return controller.name.rpartition("-")[0]
    return controller.name


def short_name(pod: Pod) -> str:
    """The pod's name without its ReplicaSet's hash: `web-x7k2q`."""
    owner = pod.controller
    if owner is None or not pod.ref.name.startswith(f"{owner.name}-"):
        return pod.ref.name
    return f"{owner_name(owner)}-{pod.ref.name.removeprefix(f'{owner.name}-')}"


def short_taint(key: str) -> str:
    """Without our own prefix."""
    return key.removeprefix(PREFIX)


def kind_name(event: Event) -> str:
    """What AWS calls it."""
    return KINDS[type(event)]


def countdown(seconds: float) -> str:
    """`1:27`; past zero `-0:03`."""
    sign, whole = ("-" if seconds < 0 else ""), abs(int(seconds))
    return f"{sign}{whole // 60}:{whole % 60:02d}"


def seconds_text(seconds: float) -> str:
    """`27.2 s`, `2 min 5 s`, `1 h 3 min`."""
    if abs(seconds) < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def outcome_word(outcome: PodOutcome) -> str:
    """One or two words for what became of the pod."""
    if outcome.stage is Stage.GONE:
        if outcome.forced:
            return "FORCED"
        return "left by itself" if outcome.by_itself else "moved politely"
    return "LOST" if outcome.stage is Stage.LOST else str(outcome.stage.value)


def counted(count: int, noun: str) -> str:
    """`1 pod`, `3 pods`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def verdict(report: InterruptionReport) -> tuple[bool, str]:
    """(whether all went well, one sentence)."""
    lost = lost_names(report)
    if lost:
        more = f" and {len(lost) - MAX_NAMES} more" if len(lost) > MAX_NAMES else ""
        names = ", ".join(lost[:MAX_NAMES])
        return False, f"{counted(len(lost), 'pod').upper()} LOST with the machine: {names}{more}."
    if report.planned:
        return True, "Dry run: nothing was changed."
    if report.called_off:
        return True, "Called off: nothing was lost, and the node is back in service."
    if report.unfinished:
        return False, f"Not done: {counted(len(report.unfinished), 'pod')} still to move."
    if any(outcome.replaced_at is None for outcome in report.controllers):
        return False, "Drained, but not every controller has its pods back."
    if all(notice.level is not Level.DRAIN for notice in report.notices):
        return not _is_over(report), "Only cordoned: nothing was asked to move."
    if not report.pods:
        return True, "Nothing had to be moved."
    return True, "Nothing was lost."


def lost_names(report: InterruptionReport) -> list[str]:
    """Every pod that went down with the machine, those that settings kept on it included."""
    kept = report.in_the_way if _is_over(report) else ()
    return [*(str(outcome.pod.ref) for outcome in report.lost), *(str(ref) for ref, _ in kept)]


def _is_over(report: InterruptionReport) -> bool:
    return report.deadline_at is not None and report.until_at >= report.deadline_at


def summary(report: InterruptionReport) -> list[str]:
    """The figures, a sentence each; none if no pod was asked to move."""
    began_at = report.began_at
    if report.planned or not (report.pods or report.in_the_way):
        return []
    lost = len(lost_names(report))
    sentences = [
        f"{counted(len(report.polite) + len(report.forced), 'pod')} moved: {len(report.polite)} politely, "
        f"{len(report.forced)} forced past a budget. {lost} lost."
    ]
    if report.drained_at is not None:
        margin = report.margin_seconds
        ahead = "" if margin is None else f", {seconds_text(margin)} before the deadline"
        sentences.append(f"Drained {seconds_text(report.drained_at - began_at)} after the notice{ahead}.")
    elif report.deadline_at is not None and report.pods:
        sentences.append("The node was not drained by its deadline: there is no margin.")
    if report.replaced_at is not None:
        after = seconds_text(report.replaced_at - began_at)
        sentences.append(f"Every controller had its Ready pods back {after} after the notice.")
    for missing in (outcome for outcome in report.controllers if outcome.replaced_at is None):
        wanted = "" if missing.wanted is None else f" of {missing.wanted}"
        name = f"{missing.namespace}/{owner_name(missing.controller)}"
        sentences.append(f"{name} has {missing.ready}{wanted} Ready pods: {missing.reason}.")
    return sentences
