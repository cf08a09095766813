"""Advises how the next interruption goes better, one sentence and its reason each.

Pure, from one report. It says only what follows from what was seen.
"""

import re
from collections.abc import Iterator

from nth.core.drain.pod_filter import may_be_forced
from nth.core.facts import Pod
from nth.core.notices.events import AsgTermination
from nth.report.interruption import InterruptionReport, PodOutcome, Stage
from nth.report.refusals import Cause, Refusal, refusal_of
from nth.report.words import counted, owner_name, seconds_text, short_name

LATE_SECONDS = 60.0
"""With less than this left at the notice, it is worth a look whether the notice was delayed."""
MAX_SENTENCES = 12
HELD = (Stage.LOST, Stage.BLOCKED)
NO_PLACE = re.compile(r"didn't match|untolerated taint|affinity|volume|topology spread", re.IGNORECASE)
"""The scheduler's words when there is room, but not for this pod."""


def advice(report: InterruptionReport) -> tuple[str, ...]:
    """Returns sentences, the gravest first, none twice, at most MAX_SENTENCES and a count of the rest."""
    found = dict.fromkeys(
        (
            *_of_rights(report),
            *_of_time(report),
            *_of_settings(report),
            *_of_refusals(report),
            *(text for outcome in report.pods for text in _of_pod(outcome, report.over_at)),
            *_of_replacements(report),
        )
    )
    texts = tuple(found)
    if len(texts) <= MAX_SENTENCES:
        return texts
    return (*texts[:MAX_SENTENCES], f"And {len(texts) - MAX_SENTENCES} more of the same kinds.")


def _of_rights(report: InterruptionReport) -> Iterator[str]:
    if report.force_forbidden:
        yield "The handler may not delete pods (RBAC), so nothing could be forced: allow `delete` on pods."
    if any(refusal_of(outcome.reason).cause is Cause.RIGHTS for outcome in report.pods):
        yield "The handler may not evict pods (RBAC): allow `create` on pods/eviction."


def _of_time(report: InterruptionReport) -> Iterator[str]:
    if report.deadline_at is None or report.resumed:
        return
    had_seconds = report.deadline_at - report.began_at
    suffered = report.lost or any(outcome.forced or outcome.cut for outcome in report.pods)
    if suffered and 0 < had_seconds < LATE_SECONDS:
        yield (
            f"Only {seconds_text(had_seconds)} were left when the notice was heard of. If AWS gave it "
            "sooner, something delayed it: for instance a handler that was not running, or a queue that is "
            "read too slowly."
        )
        if any(isinstance(notice.event, AsgTermination) for notice in report.notices):
            yield "A lifecycle hook with a longer timeout leaves more time."


def _of_settings(report: InterruptionReport) -> Iterator[str]:
    """Returns a sentence for each pod that a setting kept on the machine."""
    for ref, reason in report.in_the_way:
        yield f"{ref} was kept on the machine: {reason}. Change that setting, or let it run elsewhere."


def _of_pod(outcome: PodOutcome, over_at: float) -> Iterator[str]:
    pod = outcome.pod
    if outcome.cut:
        yield (
            f"{short_name(pod)} asks for {pod.grace_seconds} s of grace, more than the "
            f"{outcome.grace_seconds} s that were left. Make it stop sooner, or save its work as it goes."
        )
    if outcome.stage is Stage.LOST and outcome.ends_at is not None and outcome.ends_at <= over_at:
        yield (
            f"{short_name(pod)} was asked to stop and was still there when its grace was over: "
            "look for what held it (finalizers, a volume, a kubelet that did not answer)."
        )
    if outcome.stage not in (Stage.GONE, Stage.LOST):
        return
    if pod.controller is None:
        yield f"{short_name(pod)} has no controller: nothing starts it again. Run it as a Deployment or Job."
    if pod.local_storage:
        yield f"{short_name(pod)} had an emptyDir volume: the data in it went with the pod."


def _of_refusals(report: InterruptionReport) -> Iterator[str]:
    """Returns one sentence for all pods that the same thing held with the same end."""
    held: dict[tuple[Refusal, str, str], list[PodOutcome]] = {}
    for outcome in report.pods:
        if outcome.refused_at is not None and (outcome.forced or outcome.stage in HELD):
            key = (refusal_of(outcome.reason), _owner(outcome.pod), _end(outcome, report))
            held.setdefault(key, []).append(outcome)
    for (refusal, owner, end), outcomes in held.items():
        if (hint := _hint(refusal, owner, outcomes[0].pod.ref.namespace)) is not None:
            name = short_name(outcomes[0].pod)
            most = max(_held_seconds(outcome, report) for outcome in outcomes)
            more = f" and {counted(len(outcomes) - 1, 'more pod')}" if len(outcomes) > 1 else ""
            yield f"{_what(refusal)}: it held {name}{more} for {seconds_text(most)}, {end}. {hint}"


def _what(refusal: Refusal) -> str:
    """Returns what did not let the pods go, and why: the begin of a sentence."""
    holder = refusal.holder[:1].upper() + refusal.holder[1:]
    match refusal.cause:
        case Cause.UNCOUNTED_BUDGET:
            return f"{holder} was not counted by its controller, and allowed no disruption"
        case Cause.BUDGETS:
            return "A pod with more than one budget is never evicted"
        case Cause.WEBHOOK | Cause.POLICY:
            return f"{holder} denied the eviction ({refusal.words or 'without explanation'})"
        case Cause.WEBHOOK_FAILED:
            return f"{holder} could not be asked ({refusal.words})"
        case _:
            return f"{holder} allowed no disruption"


def _hint(refusal: Refusal, owner: str, namespace: str) -> str | None:
    """Returns what to change; None where the refusal does not say."""
    match refusal.cause:
        case Cause.BUDGET:
            return _budget_hint(refusal, owner)
        case Cause.UNCOUNTED_BUDGET:
            return (
                f"`kubectl -n {namespace} describe pdb {refusal.name}` shows why: with maxUnavailable or a "
                "percentage, each pod's controller must have the scale subresource, which a Job lacks."
            )
        case Cause.BUDGETS:
            return f"Let only one budget select the pods of {owner}."
        case Cause.WEBHOOK | Cause.POLICY:
            return "Let it allow evictions from nodes that go away, or find out what it waits for."
        case Cause.WEBHOOK_FAILED:
            return "Run it with 2 replicas or more on different nodes, or let it fail open for evictions."
        case Cause.OTHER_BUDGET | Cause.RIGHTS | Cause.UNKNOWN:
            return None


def _budget_hint(refusal: Refusal, owner: str) -> str:
    if refusal.needs == 0:
        return "It expects none of these pods, for they have no controller: use minAvailable with a number."
    if refusal.has < refusal.needs:
        return f"Only {refusal.has} of {refusal.needs} pods were healthy: find out why the others were not."
    if refusal.needs > 1:
        return "Let it spare at least one pod (maxUnavailable: 1)."
    return f"Run {owner} with 2 replicas or more and let the budget spare one (maxUnavailable: 1)."


def _end(outcome: PodOutcome, report: InterruptionReport) -> str:
    if outcome.forced:
        return "and then it had to be forced"
    if outcome.asked_at is not None:
        return "and then there was too little time to stop"
    if outcome.stage is Stage.LOST:
        return f"and the pod was lost{_why_not(outcome.pod, report)}"
    return "and still does"


def _why_not(pod: Pod, report: InterruptionReport) -> str:
    if report.force_forbidden:
        return ", because RBAC forbids to force it"
    if not may_be_forced(pod):
        return ", because its annotation forbids to force it"
    return ", because the settings forbid to force it (FORCE_POLICY)"


def _held_seconds(outcome: PodOutcome, report: InterruptionReport) -> float:
    assert outcome.refused_at is not None
    until_at = outcome.asked_at or report.over_at
    return until_at - outcome.refused_at


def _owner(pod: Pod) -> str:
    return "it" if pod.controller is None else owner_name(pod.controller)


def _of_replacements(report: InterruptionReport) -> Iterator[str]:
    for outcome in report.controllers:
        name = owner_name(outcome.controller)
        if outcome.replaced_at is not None:
            continue
        if outcome.failed:
            why = f" ({outcome.reason})" if outcome.reason else ""
            yield (
                f"The Job {name} has failed{why}: run it again. With a podFailurePolicy that ignores the "
                "condition DisruptionTarget, pods that had to leave their node are not counted."
            )
        elif "Insufficient" in outcome.reason:
            yield f"{name} found no room on the other nodes: keep spare room, or let an autoscaler add it."
        elif NO_PLACE.search(outcome.reason):
            yield (
                f"{name} fits no other node ({outcome.reason}): let more nodes match its selector, "
                "affinity, tolerations or volumes."
            )
        elif "not Ready yet" in outcome.reason:
            yield f"{name} was not Ready elsewhere in time: make it start sooner, or run one more replica."
