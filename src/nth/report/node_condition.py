"""Words an interruption for `kubectl describe node`: a condition with one sentence, and an annotation.

Pure, from an `InterruptionReport`. The condition is for people and for `kubectl wait`, the annotation
says the same to programs. Both go with one patch of the Node's status.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from nth.core.times import utc_text
from nth.core.visible import json_text, visible_line, within_bytes
from nth.report.entries import shortened
from nth.report.interruption import InterruptionReport, PodOutcome, Stage
from nth.report.open_notices import words_of
from nth.report.pod_fates import counts
from nth.report.refusals import budget_of
from nth.report.words import counted

CONDITION = "aws-node-termination-handler/Interrupted"
ANNOTATION = "aws-node-termination-handler/interruption"
MAX_NAMED = 3
MAX_MESSAGE_BYTES = 1024
MAX_REASON_CHARS = 160
UNKNOWN_REASON = "Interruption"
"""The reason while a restarted handler does not know which event had been announced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCondition:
    """The condition, without its times."""

    interrupted: bool
    reason: str
    """One CamelCase word, as the API requires."""
    message: str
    annotation: str | None
    """JSON; None = it is removed."""


def condition_of(report: InterruptionReport, *, over: bool = False) -> NodeCondition:
    """Returns the condition as of the report; `over`: its session has ended, and left the node in service."""
    leading = report.leading
    if over or report.called_off or (leading is None and not report.resumed):
        return _called_off(report)
    reason = UNKNOWN_REASON if leading is None else leading.event.kind.reason
    why = words_of(leading, report.deadline_at)
    message = f"{why}: {'; '.join((_progress(report), *_held(report)))}"
    return NodeCondition(
        interrupted=True,
        reason=reason,
        message=within_bytes(visible_line(message), MAX_MESSAGE_BYTES),
        annotation=_annotation(report, "" if leading is None else leading.event.kind.name),
    )


def status_patch(condition: NodeCondition, *, at: float, changed: bool) -> dict[str, object]:
    """Returns the strategic merge patch; `at`: now, epoch seconds. `changed`: another status than before.

    https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/#NodeStatus
    """
    now = utc_text(at)
    entry = {
        "type": CONDITION,
        "status": "True" if condition.interrupted else "False",
        "reason": condition.reason,
        "message": condition.message,
        "lastHeartbeatTime": now,
        **({"lastTransitionTime": now} if changed else {}),
    }
    return {
        "metadata": {"annotations": {ANNOTATION: condition.annotation}},
        "status": {"conditions": [entry]},
    }


def _called_off(report: InterruptionReport) -> NodeCondition:
    what = UNKNOWN_REASON if report.leading is None else report.leading.event.kind.title
    back = "" if report.restored_at is None else ": the node is back in service"
    message = f"Called off ({what}){back}"
    return NodeCondition(interrupted=False, reason="CalledOff", message=message, annotation=None)


def _progress(report: InterruptionReport) -> str:
    if not report.pods:
        if report.drained_at is not None:
            return "drained, no pod had to go"
        return "not cordoned" if report.cordoned_at is None else "cordoned"
    gone, stopping = counts(report).gone, _count(report.pods, Stage.STOPPING)
    if report.drained_at is not None and gone == len(report.pods):
        return f"drained, {counted(gone, 'pod')} gone: {_became(report)}"
    late = "not drained in time, " if report.late else ""
    then = f", {stopping} stopping" if stopping else ""
    return f"{late}{gone} of {counted(len(report.pods), 'pod')} gone{then}"


def _became(report: InterruptionReport) -> str:
    return ", ".join(f"{count} {word.value}" for word, count in counts(report).became.items())


def _count(pods: Sequence[PodOutcome], stage: Stage) -> int:
    return sum(pod.stage is stage for pod in pods)


def _blocked(report: InterruptionReport) -> list[PodOutcome]:
    return [pod for pod in report.pods if pod.stage is Stage.BLOCKED]


def _held(report: InterruptionReport) -> list[str]:
    """Returns the pods that are in the way, by name, with the reasons."""
    waits = [_wait(pod) for pod in _blocked(report)]
    waits += [f"{ref} is kept: {reason}" for ref, reason in report.in_the_way]
    more = [f"{len(waits) - MAX_NAMED} more wait"] if len(waits) > MAX_NAMED else []
    return [*waits[:MAX_NAMED], *more]


def _wait(pod: PodOutcome) -> str:
    budget = _budget(pod)
    what = f"waits for the budget {budget}" if budget else f"waits: {shortened(pod.reason, MAX_REASON_CHARS)}"
    forced = "" if pod.force_due_at is None else f", and is forced at {utc_text(pod.force_due_at)}"
    return f"{pod.pod.ref} {what}{forced}"


def _budget(pod: PodOutcome) -> str:
    name = budget_of(pod.reason)
    return f"{pod.pod.ref.namespace}/{name}" if name else ""


class _Blocked(msgspec.Struct, omit_defaults=True):
    pod: str
    budget: str = ""


class _Annotation(msgspec.Struct, omit_defaults=True):
    kind: str
    phase: str
    deadline: str = ""
    pods: int = 0
    gone: int = 0
    became: dict[str, int] = {}
    blocked: list[_Blocked] = []


def _annotation(report: InterruptionReport, kind: str) -> str:
    said = _Annotation(
        kind=kind,
        phase=report.phase.lower(),
        deadline="" if report.deadline_at is None else utc_text(report.deadline_at),
        pods=len(report.pods),
        gone=counts(report).gone,
        became={word.name.lower(): count for word, count in counts(report).became.items()},
        blocked=[_Blocked(str(pod.pod.ref), _budget(pod)) for pod in _blocked(report)[:MAX_NAMED]],
    )
    return json_text(msgspec.to_builtins(said))
