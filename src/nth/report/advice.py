"""Advises how the next interruption goes better, one sentence and its reason each.

Pure, from one report. It says only what follows from what was seen.
"""

import re
from collections.abc import Iterator

from nth.core.drain.pod_filter import may_be_forced
from nth.core.facts import Pod
from nth.report.interruption import InterruptionReport, PodOutcome, Stage
from nth.report.steps import BUDGET_REFUSAL
from nth.report.words import counted, owner_name, seconds_text, short_name

LATE_SECONDS = 60.0
"""With less than this left at the notice, most of the time was lost before the handler heard of it."""
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
            *_of_budgets(report),
            *(text for outcome in report.pods for text in _of_pod(outcome)),
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


def _of_time(report: InterruptionReport) -> Iterator[str]:
    if report.deadline_at is None or report.resumed:
        return
    had_seconds = report.deadline_at - report.began_at
    suffered = report.lost or report.forced or any(outcome.cut for outcome in report.pods)
    if suffered and 0 < had_seconds < LATE_SECONDS:
        yield (
            f"Only {seconds_text(had_seconds)} were left when the notice was seen: look for what delayed it "
            "(a handler that was not running, a queue that is read too slowly, a short lifecycle hook)."
        )


def _of_settings(report: InterruptionReport) -> Iterator[str]:
    """Returns a sentence for each pod that a setting kept on the machine."""
    for ref, reason in report.in_the_way:
        yield f"{ref} was kept on the machine: {reason}. Change that setting, or let it run elsewhere."


def _of_pod(outcome: PodOutcome) -> Iterator[str]:
    pod = outcome.pod
    if outcome.cut:
        yield (
            f"{short_name(pod)} asks for {pod.grace_seconds} s of grace, more than the "
            f"{outcome.grace_seconds} s that were left. Make it stop sooner, or save its work as it goes."
        )
    if outcome.stage is Stage.LOST and outcome.asked_at is not None:
        yield (
            f"{short_name(pod)} was asked to stop and was still there at the deadline: "
            "see that it heeds SIGTERM, and stops within its grace."
        )
    if outcome.stage not in (Stage.GONE, Stage.LOST):
        return
    if pod.controller is None:
        yield f"{short_name(pod)} has no controller: nothing starts it again. Run it as a Deployment or Job."
    if pod.local_storage:
        yield f"{short_name(pod)} kept data in an emptyDir volume: that data went with the machine."


def _of_budgets(report: InterruptionReport) -> Iterator[str]:
    """Returns one sentence for all pods that the same budget held with the same end."""
    held: dict[tuple[str, str, str], list[PodOutcome]] = {}
    for outcome in report.pods:
        if outcome.refused_at is not None and (outcome.forced or outcome.stage in HELD):
            key = (outcome.reason, _owner(outcome.pod), _end(outcome, report))
            held.setdefault(key, []).append(outcome)
    for (reason, owner, end), outcomes in held.items():
        yield _of_budget(reason, owner, end, outcomes, report)


def _of_budget(
    reason: str, owner: str, end: str, outcomes: list[PodOutcome], report: InterruptionReport
) -> str:
    refusal = BUDGET_REFUSAL.search(reason)
    budget = f"The budget {refusal['name']}" if refusal else "A budget"
    name, most = short_name(outcomes[0].pod), max(_held_seconds(outcome, report) for outcome in outcomes)
    more = f" and {counted(len(outcomes) - 1, 'more pod')}" if len(outcomes) > 1 else ""
    spare = f"Run {owner} with 2 replicas or more and let the budget spare one (maxUnavailable: 1)."
    if refusal and int(refusal["needs"]) > 1:
        spare = "Let it spare at least one pod (maxUnavailable: 1)."
    return f"{budget} allowed no disruption: it held {name}{more} for {seconds_text(most)}, {end}. {spare}"


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
        if "Insufficient" in outcome.reason:
            yield f"{name} found no room on the other nodes: keep spare room, or let an autoscaler add it."
        elif NO_PLACE.search(outcome.reason):
            yield (
                f"{name} fits no other node ({outcome.reason}): let more nodes match its selector, "
                "affinity, tolerations or volumes."
            )
        elif "not Ready yet" in outcome.reason:
            yield f"{name} was not Ready elsewhere in time: make it start sooner, or run one more replica."
