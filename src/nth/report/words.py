"""Words names, durations and outcomes, the same in every view."""

from nth.core.facts import Controller, Pod
from nth.core.policy import Level
from nth.core.times import utc_text
from nth.report.interruption import InterruptionReport, PodOutcome, Stage

PREFIX = "aws-node-termination-handler/"
MAX_NAMES = 3
"""More in one sentence are too many to read."""


def owner_name(controller: Controller) -> str:
    """Returns `web` for the ReplicaSet `web-5d8f7c9b4`, which people know by its Deployment."""
    if controller.kind == "ReplicaSet" and "-" in controller.name:
        return controller.name.rpartition("-")[0]
    return controller.name


def short_name(pod: Pod) -> str:
    """Returns the pod's name without its ReplicaSet's hash: `web-x7k2q`."""
    owner = pod.controller
    if owner is None or not pod.ref.name.startswith(f"{owner.name}-"):
        return pod.ref.name
    return f"{owner_name(owner)}-{pod.ref.name.removeprefix(f'{owner.name}-')}"


def short_taint(key: str) -> str:
    """Returns the key without our own prefix."""
    return key.removeprefix(PREFIX)


def countdown(seconds: float) -> str:
    """Returns `1:27`; past zero `-0:03`."""
    sign, whole = ("-" if seconds < 0 else ""), abs(int(seconds))
    return f"{sign}{whole // 60}:{whole % 60:02d}"


def seconds_text(seconds: float) -> str:
    """Returns `27.2 s`, `2 min 5 s`, `1 h 3 min`."""
    if abs(seconds) < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def outcome_word(outcome: PodOutcome) -> str:
    """Returns one to three words for the pod's outcome."""
    if outcome.stage is Stage.GONE:
        if outcome.forced:
            return "FORCED"
        return "left by itself" if outcome.by_itself else "moved politely"
    return "LOST" if outcome.stage is Stage.LOST else str(outcome.stage.value)


def counted(count: int, noun: str) -> str:
    """Returns `1 pod`, `3 pods`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def title(report: InterruptionReport) -> str:
    """Returns the kind of the interruption and the node."""
    kind = "Interruption" if report.leading is None else report.leading.event.kind.title
    return f"{kind} of {report.node_name}"


def verdict(report: InterruptionReport) -> tuple[bool, str]:
    """Returns (whether all went well, one sentence)."""
    lost = lost_names(report)
    if lost:
        return False, f"{counted(len(lost), 'pod').upper()} LOST with the machine: {_some(lost)}."
    if report.planned:
        return True, "Dry run: nothing was changed."
    if report.called_off:
        return True, _called_off(report)
    if report.late:
        return False, _late(report)
    if report.unfinished:
        return False, f"Not done: {counted(len(report.unfinished), 'pod')} still to move."
    if any(outcome.replaced_at is None for outcome in report.controllers):
        return False, "Drained, but not every controller has its pods back."
    if report.notices and all(notice.level is not Level.DRAIN for notice in report.notices):
        return not _is_over(report), _only(report)
    return (True, "Nothing was lost.") if report.pods else _nothing_moved(report)


def _nothing_moved(report: InterruptionReport) -> tuple[bool, str]:
    if not report.final and report.drained_at is None:
        return False, "Not done: no pod was asked to go yet."
    return True, "Nothing was left to be moved." if report.resumed else "Nothing had to be moved."


def so_far(report: InterruptionReport) -> str:
    """Returns one sentence about an interruption that goes on."""
    gone, known = report.moved_politely + len(report.forced), report.pods_left_out + len(report.pods)
    pods = f", {gone} of {counted(known, 'pod')} gone" if known else ""
    return f"The interruption goes on: {report.phase.lower()}{pods}"


def _only(report: InterruptionReport) -> str:
    if all(notice.level < Level.CORDON for notice in report.notices):
        return "Only noticed: nothing was to be done."
    return "Only cordoned: nothing was asked to move."


def _called_off(report: InterruptionReport) -> str:
    if report.cordoned_at is None and not report.resumed:
        return "Called off before anything was done."
    back = "" if report.restored_at is None else ", and the node is back in service"
    return f"Called off: nothing was lost{back}."


def _late(report: InterruptionReport) -> str:
    names = [*(str(pod.pod.ref) for pod in report.unfinished), *(str(ref) for ref, _ in report.in_the_way)]
    left_seconds = (report.deadline_at or report.until_at) - report.until_at
    are = f"{counted(len(names), 'pod')} {'is' if len(names) == 1 else 'are'}"
    return f"Not drained: {are} still there {seconds_text(left_seconds)} before the deadline: {_some(names)}."


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


def caveats(report: InterruptionReport) -> list[str]:
    """Returns the gaps in the report, a sentence each."""
    found = []
    if report.incomplete:
        found.append(f"This report is incomplete: {report.incomplete}.")
    if report.resumed:
        found.append(
            "It began before the handler was restarted; what was done until then is not all in here."
        )
    if report.entries_left_out:
        found.append(f"{counted(report.entries_left_out, 'line')} of the timeline left out, in the middle.")
    if report.pods_left_out:
        found.append(f"{counted(report.pods_left_out, 'pod')} left out: all of them moved politely.")
    return found


def early_end(report: InterruptionReport) -> list[str]:
    """Returns a sentence if the log ends before the interruption does; else none."""
    if report.final:
        return []
    at = utc_text(report.until_at)[11:19]
    return [
        f"The log ends early, before this interruption does. What follows is what was known at {at} (UTC)."
    ]


def lost_names(report: InterruptionReport) -> list[str]:
    """Returns every pod that went down with the machine, those that settings kept on it included."""
    kept = report.in_the_way if _is_over(report) else ()
    return [*(str(outcome.pod.ref) for outcome in report.lost), *(str(ref) for ref, _ in kept)]


def _is_over(report: InterruptionReport) -> bool:
    return report.deadline_at is not None and report.until_at >= report.deadline_at


def summary(report: InterruptionReport) -> list[str]:
    """Returns the figures, a sentence each; none if no pod was asked to move."""
    if report.planned or not (report.pods or report.in_the_way):
        return []
    moved = report.moved_politely + len(report.forced)
    lost = len(lost_names(report))
    return [
        f"{counted(moved, 'pod')} moved: {report.moved_politely} politely, "
        f"{len(report.forced)} forced. {lost} lost.",
        *_drained(report),
        *_replaced(report),
    ]


def _drained(report: InterruptionReport) -> list[str]:
    if report.drained_at is None:
        over = report.deadline_at is not None and report.pods and _is_over(report)
        return ["The node was not drained by its deadline: there is no margin."] if over else []
    margin = report.margin_seconds
    if margin is None:
        ahead = ""
    elif margin < 0:
        ahead = f", {seconds_text(-margin)} after the deadline"
    else:
        ahead = f", {seconds_text(margin)} before the deadline"
    return [f"Drained {seconds_text(report.drained_at - report.began_at)} after the notice{ahead}."]


def _replaced(report: InterruptionReport) -> list[str]:
    sentences = []
    if report.replaced_at is not None:
        after = seconds_text(report.replaced_at - report.began_at)
        sentences.append(f"Every controller had its Ready pods back {after} after the notice.")
    for missing in (outcome for outcome in report.controllers if outcome.replaced_at is None):
        wanted = "" if missing.wanted is None else f" of {missing.wanted}"
        name = f"{missing.namespace}/{owner_name(missing.controller)}"
        sentences.append(f"{name} has {missing.ready}{wanted} Ready pods: {missing.reason}.")
    return sentences
