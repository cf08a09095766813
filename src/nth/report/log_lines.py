"""Words each report for a person: a level, one line of text, and fields for machines.

Some texts are the original handler's, word for word, because users match on them.
"""

from dataclasses import dataclass
from typing import assert_never

from nth.core.facts import Pod
from nth.core.reports import (
    AwsSettled,
    CordonLifted,
    DeadlineMoved,
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    ForceForbidden,
    GraceShortened,
    LeftBehind,
    Logged,
    MarkForbidden,
    NodeChangeRefused,
    NodeMarked,
    NodeRestored,
    NodeReturned,
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
    SessionEnded,
    SessionResumed,
    Trouble,
    TroubleOver,
)
from nth.core.times import utc_text

Field = str | int | float | bool | None | list[str]
MAX_NAMES = 100
"""More names make a line that is too long to read, and that some collectors cut."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log."""

    level: str
    """`debug`, `info`, `warn` or `error`."""
    text: str
    fields: dict[str, Field]


def line_of(report: Logged, since_seconds: float | None = None) -> Line:
    """Returns the line of a report, without time and place; `since_seconds`: since the notice, if known."""
    match report:
        case NoticeReceived() | NoticeWithdrawn() | DeadlineMoved() | SessionResumed() | SessionEnded():
            return _of_session(report)
        case NodeMarked() | NodeChangeRefused() | NodeRestored() | CordonLifted() | NodeReturned():
            return _of_node(report)
        case PodsOnNode() | EvictionAccepted() | EvictionRefused() | PodForced() | GraceShortened():
            return _of_asking(report)
        case ForceForbidden() | MarkForbidden() | PodLeft() | PodCameBack() | DrainEnded():
            return _of_leaving(report, since_seconds)
        case Replaced() | ReplacementEnded():
            return _of_replacing(report, since_seconds)
        case Trouble() | TroubleOver():
            return _of_trouble(report)
        case Planned():
            return _of_plan(report)
        case AwsSettled():
            return _of_aws(report)
        case _:
            assert_never(report)


def _of_session(
    report: NoticeReceived | NoticeWithdrawn | DeadlineMoved | SessionResumed | SessionEnded,
) -> Line:
    match report:
        case DeadlineMoved():
            text = f"The lifecycle hook now waits until {utc_text(report.deadline_at)}"
            return Line("debug", text, {"event_id": report.event_id})
        case NoticeReceived():
            event = report.event
            fields: dict[str, Field] = {
                "event_id": event.event_id,
                "kind": event.kind.name,
                "action": report.level.name.lower(),
                "deadline": None if report.deadline_at is None else utc_text(report.deadline_at),
                "drain_at": utc_text(report.drain_at),
            }
            return Line("info", event.description.strip(), fields)
        case NoticeWithdrawn():
            text = f"Event is over: {report.reason}"
            return Line("info", text, {"event_id": report.event_id})
        case SessionResumed():
            text = "Going on with what is recorded on the node"
            return Line("info", text, {"event_ids": list(report.event_ids)})
        case SessionEnded():
            return Line("info", f"Session ended: {report.reason}", {})


def _of_node(
    report: NodeMarked | NodeChangeRefused | NodeRestored | CordonLifted | NodeReturned,
) -> Line:
    match report:
        case CordonLifted() | NodeReturned():
            return _of_lost_marks(report)
        case NodeMarked():
            text = "Node successfully cordoned" if report.cordoned else "Node could not be cordoned"
            if report.cordoned and not report.cordoned_by_us:
                text = "Node successfully cordoned (it was already, and will stay so)"
            if report.again:
                text = "Node marked for a further event"
            fields: dict[str, Field] = {"taints": list(report.taints), "labels": list(report.labels)}
            return Line("info" if report.cordoned else "warn", text, fields)
        case NodeChangeRefused():
            text = f"The API server refuses a change of the node ({report.what}); going on without it"
            return Line("error", text, {"reason": report.reason})
        case NodeRestored():
            text = "Node successfully uncordoned" if report.uncordoned else "Node restored"
            if report.still_cordoned:
                text = "Node restored; it stays cordoned, because it was before us"
            return Line("info", text, {"taints": list(report.taints), "labels": list(report.labels)})


def _of_lost_marks(report: CordonLifted | NodeReturned) -> Line:
    if isinstance(report, NodeReturned):
        text = "The Node was registered anew for the same machine, which still goes away; it is marked anew"
        return Line("warn", text, {"uid": report.uid})
    seen_at = utc_text(report.seen_at)
    text = (
        f"Somebody took the cordon off: seen at {seen_at}"
        if report.looked
        else (f"Somebody took the cordon off before {seen_at}, while the handler was not running")
    )
    if report.again_at is None:
        text += ". It stays off, because no deadline is set; pods that come to the node are left alone"
    else:
        seconds = report.again_at - report.seen_at
        text += ". It is set again " + (f"in {seconds:.1f} s" if seconds else "at once")
        text += ", and pods that have come to the node are moved again"
    if report.last:
        text += ". This has happened often, and is not logged any more"
    return Line("warn", text, {})


def _of_asking(
    report: PodsOnNode | EvictionAccepted | EvictionRefused | PodForced | GraceShortened,
) -> Line:
    match report:
        case PodsOnNode():
            fields: dict[str, Field] = {
                "going": _names(report.going),
                "staying": [f"{pod.ref}: {reason}" for pod, reason in report.staying][:MAX_NAMES],
            }
            text = f"Pods on node: {len(report.going)} to move, {len(report.staying)} stay"
            return Line("info", text, fields)
        case EvictionAccepted():
            cut = f", cut from {report.pod.grace_seconds} s: that is all the time left" if report.cut else ""
            text = f"Pod evicted, {report.grace_seconds} s of grace{cut}"
            return Line("info", text, {"pod": str(report.pod.ref)})
        case EvictionRefused():
            then = "it will not be forced"
            if report.forced_at is not None:
                then = f"it will be forced at {utc_text(report.forced_at)}"
            text = f"Pod may not be evicted now; {then}"
            return Line("warn", text, {"pod": str(report.pod.ref), "reason": report.reason})
        case PodForced():
            # Only here: every node pays for what is imported at the start, and few pods are forced.
            from nth.report.refusals import past

            text = f"Pod deleted {past(report.reason)}, {report.grace_seconds} s of grace"
            fields = {"pod": str(report.pod.ref), "reason": report.reason}
            return Line("warn", f"{text}: its latest moment had come", fields)
        case GraceShortened():
            text = f"Pod was terminating with more time than the machine has: {report.grace_seconds} s left"
            return Line("warn", text, {"pod": str(report.pod.ref)})


def _after(since_seconds: float | None) -> str:
    return "" if since_seconds is None else f" {since_seconds:.1f} s after the notice"


def _of_leaving(
    report: ForceForbidden | MarkForbidden | PodLeft | PodCameBack | DrainEnded, since_seconds: float | None
) -> Line:
    match report:
        case PodCameBack():
            text = "Pod came back to the node, although it is cordoned; "
            text += "it is asked to go once more" if report.goes else "it is left there"
            return Line("warn", text, {"pod": str(report.pod.ref)})
        case ForceForbidden():
            text = "No permission to delete pods: a pod whose eviction is refused stays until it is allowed"
            return Line("error", text, {"reason": report.reason})
        case MarkForbidden():
            text = "No permission to mark pods as disrupted: a Job counts those that are forced as failed"
            return Line("warn", text, {"reason": report.reason})
        case PodLeft():
            fields: dict[str, Field] = {"pod": str(report.pod.ref), "how": report.how}
            return Line("info", f"Pod gone{_after(since_seconds)}", fields)
        case DrainEnded():
            return _of_drain(report)


def _of_drain(report: DrainEnded) -> Line:
    margin = report.margin_seconds
    fields: dict[str, Field] = {
        "evicted": report.evicted,
        "forced": report.forced,
        "seconds": round(report.seconds, 1),
        "margin_seconds": None if margin is None else round(margin, 1),
    }
    if report.drained:
        return Line("info", "Node successfully cordoned and drained", fields)
    fields["left"] = [_left(left) for left in report.left[:MAX_NAMES]]
    are = "pod is" if len(report.left) == 1 else "pods are"
    text = f"Node is not drained: {len(report.left)} {are} still there"
    return Line("error", text, fields)


def _of_replacing(report: Replaced | ReplacementEnded, since_seconds: float | None) -> Line:
    if isinstance(report, Replaced):
        pods = "pod" if report.ready == 1 else "pods"
        has = (
            f"replaced {report.ready} {pods}" if report.controller.by_name else f"{report.ready} Ready {pods}"
        )
        after = f",{since}" if (since := _after(since_seconds)) else ""
        text = f"{_owner(report)} has {has} elsewhere{after}"
        return Line("info", text, {"namespace": report.namespace})
    fields: dict[str, Field] = {"controllers": report.controllers}
    if report.missing:
        fields["missing"] = [_short(one) for one in report.missing[:MAX_NAMES]]
    if report.released:
        fields["released"] = [_short(one) for one in report.released[:MAX_NAMES]]
    short = f"{len(report.missing)} of {report.controllers} controllers"
    if report.missing and not report.final:
        return Line("warn", f"Not known yet whether all pods are replaced: {short} are short so far", fields)
    if report.unexplained:
        text = f"Not known whether all pods are replaced: {short} have fewer than before"
        return Line("warn", text, fields)
    if report.missing:
        return Line("error", f"Not all pods are replaced: {short} are short", fields)
    after = f"{report.seconds:.1f} s after the notice"
    if report.released:
        return Line("info", f"Every controller has the pods that it wants {after}", fields)
    return Line("info", f"All pods replaced {after}", fields)


def _short(one: NotReplaced) -> str:
    return f"{_owner(one)} {short_state(one)}" + (f": {one.reason}" if one.reason else "")


def short_state(one: NotReplaced) -> str:
    """Returns how short a controller is of pods: `1 of 2 Ready, 2 wanted now`."""
    if one.deleted or one.failed:
        return "deleted" if one.deleted else "failed"
    wanted = "not known how many are wanted" if one.wanted is None else f"{one.wanted} wanted now"
    word = "replaced" if one.controller.by_name else "Ready"
    return f"{one.ready} of {one.before} {word}, {wanted}"


def _of_trouble(report: Trouble | TroubleOver) -> Line:
    if isinstance(report, Trouble):
        text = f"Waiting for {report.what}, trying again until it answers"
        return Line("warn", text, {"reason": report.reason})
    return Line(
        "info", f"{report.what[0].upper()}{report.what[1:]} answers again after {report.seconds:.1f} s", {}
    )


def _of_plan(report: Planned) -> Line:
    # Whole, because people search the source for what they find in a log.
    text = "Node would have been cordoned, but dry-run flag was set"
    if report.drain:
        text = "Node would have been cordoned and drained, but dry-run flag was set"
    return Line("info", text, {"plan": list(report.steps)})


def _of_aws(report: AwsSettled) -> Line:
    text = "AWS no longer waits for this event" if report.completed else "AWS is left to its own time"
    return Line("debug", text, {"event_id": report.event.event_id, "reason": report.reason})


def _owner(report: Replaced | NotReplaced) -> str:
    return f"{report.controller.kind} {report.namespace}/{report.controller.name}"


def _left(left: LeftBehind) -> str:
    return f"{left.ref}: {left.reason}"


def _names(pods: tuple[Pod, ...]) -> list[str]:
    return [str(pod.ref) for pod in pods[:MAX_NAMES]]
