"""Words names, durations and outcomes, the same in every view."""

from nth.core.facts import Controller, Pod
from nth.core.policy import Level
from nth.core.times import utc_text
from nth.report.interruption import (
    Became,
    ControllerOutcome,
    HowLeft,
    InterruptionReport,
    PodOutcome,
    Stage,
)
from nth.report.pod_fates import counts

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
    """Returns both words for a pod that left, `politely, moved`; one word for any other."""
    if outcome.stage is not Stage.GONE:
        return "LOST" if outcome.stage is Stage.LOST else outcome.stage.value
    left = "FORCED" if outcome.left is HowLeft.FORCED else outcome.left.value
    became = "LOST" if outcome.became is Became.LOST else outcome.became.value
    return f"{left}, {became}"


def counted(count: int, noun: str) -> str:
    """Returns `1 pod`, `3 pods`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def title(report: InterruptionReport) -> str:
    """Returns the kind of the interruption and the node."""
    kind = "Interruption" if report.leading is None else report.leading.event.kind.title
    return f"{kind} of {report.node_name}"


def verdict(report: InterruptionReport) -> tuple[bool, str]:
    """Returns (whether all went well, one sentence): the worst that is known, and no more than is known."""
    if lost_names(report):
        return False, _lost(report)
    if report.planned:
        return True, "Dry run: nothing was changed."
    if report.called_off:
        return True, _called_off(report)
    if report.late:
        return False, _late(report)
    if report.unfinished:
        return False, f"{counted(len(report.unfinished), 'pod')} not moved yet."
    if report.notices and all(notice.level is not Level.DRAIN for notice in report.notices):
        return not report.is_over, _only(report)
    return _of_pods(report) if report.pods else _nothing_moved(report)


def _lost(report: InterruptionReport) -> str:
    """Returns the sentence about lost pods: those that went with the machine, and those without successor."""
    names = lost_names(report)
    never = [str(pod.pod.ref) for pod in report.which_became(Became.LOST) if pod.stage is Stage.GONE]
    with_machine = len(names) - len(never)
    total = counted(len(names), "pod").upper()
    if not never:
        return f"{total} LOST with the machine: {_some(names)}."
    if not with_machine:
        return f"{total} LOST: no replacement was Ready at the end: {_some(names)}."
    split = f"{with_machine} with the machine and {len(never)} without a replacement"
    return f"{total} LOST, {split}: {_some(names)}."


def _of_pods(report: InterruptionReport) -> tuple[bool, str]:
    """Returns the sentence about pods that all have left, none of them lost."""
    pending = len(report.which_became(Became.NOT_REPLACED))
    if pending:
        are = "replacement is" if pending == 1 else "replacements are"
        return False, f"Not known yet: {pending} {are} not Ready."
    unknown = report.which_became(Became.UNKNOWN)
    if unknown:
        # A pod that was not Ready had nothing to lose but itself.
        fine = not any(pod.was_ready for pod in unknown)
        those = counted(len(unknown), "pod")
        return fine, f"No pod is known to be lost; what became of {those} is not known."
    found = ", and ".join(harm(report))
    return True, f"No pod was lost; {found}." if found else "Nothing was lost."


def emptied(report: InterruptionReport) -> int:
    """Returns how many pods left that had data in an emptyDir volume: it goes with the pod."""
    return sum(pod.pod.local_storage for pod in report.pods if pod.stage is Stage.GONE)


def harm(report: InterruptionReport) -> list[str]:
    """Returns what is worth a word although no pod was lost."""
    cut_off = len(report.which_left(HowLeft.CUT_OFF))
    ended = sum(pod.pod.controller is None and not pod.finished for pod in report.which_became(Became.ENDED))
    without_data = emptied(report)
    return [
        *([f"the emptyDir data of {counted(without_data, 'pod')} was"] if without_data else []),
        *([f"{cut_off} {_was(cut_off)} cut off before the end of its own grace"] if cut_off else []),
        *([f"{ended} had no controller, so nothing starts it again"] if ended else []),
    ]


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _nothing_moved(report: InterruptionReport) -> tuple[bool, str]:
    if not report.final and report.drained_at is None:
        return False, "Not done: no pod was asked to go yet."
    return True, "Nothing was left to be moved." if report.resumed else "Nothing had to be moved."


def so_far(report: InterruptionReport) -> str:
    """Returns one sentence about an interruption that goes on."""
    gone, known = counts(report).gone, report.pods_left_out + len(report.pods)
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
    found = counts(report).became
    open_ends = len(report.unfinished) + found.get(Became.NOT_REPLACED, 0) + found.get(Became.UNKNOWN, 0)
    if open_ends:
        pods = f"{counted(open_ends, 'pod')} that had been asked to go"
        return f"Called off{back}; what became of {pods} is not known."
    gone = emptied(report)
    lost = (
        f"no pod was lost, but the emptyDir data of {counted(gone, 'pod')} was"
        if gone
        else "nothing was lost"
    )
    return f"Called off: {lost}{back}."


def _late(report: InterruptionReport) -> str:
    names = [*(str(pod.pod.ref) for pod in report.unfinished), *(str(ref) for ref, _ in report.in_the_way)]
    left_seconds = (report.deadline_at or report.until_at) - report.until_at
    still = f"still there {seconds_text(left_seconds)} before the deadline"
    return f"{counted(len(names), 'pod')} not moved, {still}: {_some(names)}."


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
        found.append(f"{counted(report.pods_left_out, 'pod')} left out: all of them left politely and moved.")
    return found


def early_end(report: InterruptionReport) -> list[str]:
    """Returns a sentence if this was written, or the log ends, before the interruption does; else none."""
    if report.final:
        return []
    # One that was read from a log says there why nothing follows.
    read = report.incomplete
    early = (
        "The log ends early, before this interruption does." if read else "This report is not the final one."
    )
    return [f"{early} What follows is what was known at {utc_text(report.until_at)[11:19]} (UTC)."]


def lost_names(report: InterruptionReport) -> list[str]:
    """Returns every lost pod, those included that settings kept on the machine until it went."""
    kept = report.in_the_way if report.is_over else ()
    return [
        *(str(pod.pod.ref) for pod in report.which_became(Became.LOST)),
        *(str(ref) for ref, _ in kept),
    ]


LEFT_WORDS = {
    HowLeft.POLITELY: "politely",
    HowLeft.FORCED: "forced",
    HowLeft.CUT_OFF: "cut off",
    HowLeft.BY_ITSELF: "by themselves",
    HowLeft.NOT: "not",
}
"""The words for several pods, in the order in which they are counted in a sentence."""


def summary(report: InterruptionReport) -> list[str]:
    """Returns the figures, a sentence each; none if no pod was asked to move."""
    if report.planned or not (report.pods or report.in_the_way):
        return []
    return [*_figures(report), *course(report)]


def course(report: InterruptionReport) -> list[str]:
    """Returns a sentence about the drain, and one about each replacement that is due."""
    if report.planned or not (report.pods or report.in_the_way):
        return []
    return [*_drained(report), *_replaced(report)]


def _figures(report: InterruptionReport) -> list[str]:
    found = counts(report)
    total = counted(len(report.pods) + report.pods_left_out + len(report.in_the_way), "pod")
    words = ((found.left[how], how, many) for how, many in LEFT_WORDS.items() if how in found.left)
    left = ", ".join(f"{count} {how.value if count == 1 else many}" for count, how, many in words)
    became = ", ".join(f"{count} {word.value}" for word, count in found.became.items())
    return [f"How {total} left: {left}.", *([f"What became of them: {became}."] if became else [])]


def _drained(report: InterruptionReport) -> list[str]:
    if report.drained_at is None:
        over = report.deadline_at is not None and report.pods and report.is_over
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
    short = (one for one in report.controllers if one.replaced_at is None)
    return sentences + [
        f"{one.namespace}/{owner_name(one.controller)} {short_of(one).rstrip('.')}." for one in short
    ]


def short_of(one: ControllerOutcome) -> str:
    """Returns what is known of a controller that has fewer Ready pods than before, from its name on."""
    why = f": {one.reason}" if one.reason else ""
    if one.deleted:
        return f"was deleted{why}"
    if one.failed:
        return f"has failed{why}"
    had = "" if one.before is None else f" of {one.before}"
    wants = "" if one.wanted is None else f", and wants {one.wanted} now"
    if not one.reason and one.wanted is None:
        why = ": not known how many are wanted, it may have been scaled down, rolled out or deleted"
    pods = f"{one.ready}{had}"
    has = f"replaced {pods} pods" if one.controller.by_name else f"{pods} Ready pods"
    return f"has {has} elsewhere{wants}{why}"
