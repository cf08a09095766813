"""What to change so that the next interruption goes better, each with its reason.

Pure, from one report. It only says what follows from what was seen.
"""

import re
from collections.abc import Iterator

from nth.core.facts import Pod
from nth.core.pods import may_be_forced
from nth.core.story.interruption import InterruptionReport, PodOutcome, Stage
from nth.core.story.words import owner_name, seconds_text, short_name

BUDGET_REFUSAL = re.compile(r"disruption budget (?P<name>\S+) needs (?P<needs>\d+) healthy pods")
"""The API server's words (pkg/registry/core/pod/storage/eviction.go in kubernetes/kubernetes)."""


def advice(report: InterruptionReport) -> tuple[str, ...]:
    """Sentences, the gravest first, none twice."""
    found = [
        *_of_rights(report),
        *(text for outcome in report.pods for text in _of_pod(outcome, report)),
        *_of_replacements(report),
    ]
    return tuple(dict.fromkeys(found))


def _of_rights(report: InterruptionReport) -> Iterator[str]:
    if report.force_forbidden:
        yield "The handler may not delete pods (RBAC), so nothing could be forced: allow `delete` on pods."


def _of_pod(outcome: PodOutcome, report: InterruptionReport) -> Iterator[str]:
    pod = outcome.pod
    if outcome.forced or (outcome.stage is Stage.LOST and outcome.refused_at is not None):
        yield _of_budget(outcome, report)
    if outcome.cut:
        yield (
            f"{short_name(pod)} asks for {pod.grace_seconds} s of grace, more than the "
            f"{outcome.grace_seconds} s that were left. Make it stop sooner, or save its work as it goes."
        )
    if outcome.stage is Stage.GONE and pod.controller is None:
        yield f"{short_name(pod)} has no controller: nothing starts it again. Run it as a Deployment or Job."
    if outcome.stage is Stage.GONE and pod.local_storage:
        yield f"{short_name(pod)} kept data in an emptyDir volume: that data went with the machine."


def _of_budget(outcome: PodOutcome, report: InterruptionReport) -> str:
    name, held = short_name(outcome.pod), _held_seconds(outcome, report)
    refusal = BUDGET_REFUSAL.search(outcome.reason)
    budget = f"The budget {refusal['name']}" if refusal else "A budget"
    end = (
        "and then had to force it"
        if outcome.forced
        else f"and the pod was lost{_why_not(outcome.pod, report)}"
    )
    return (
        f"{budget} allowed no disruption: it held {name} for {seconds_text(held)}, {end}. "
        f"Run {_owner(outcome.pod)} with 2 replicas or more and let the budget spare one (maxUnavailable: 1)."
    )


def _why_not(pod: Pod, report: InterruptionReport) -> str:
    if report.force_forbidden:
        return ", because RBAC forbids to force it"
    if not may_be_forced(pod):
        return ", because its annotation forbids to force it"
    return ", because the settings forbid to force it (FORCE_POLICY)"


def _held_seconds(outcome: PodOutcome, report: InterruptionReport) -> float:
    assert outcome.refused_at is not None
    until_at = outcome.asked_at or report.deadline_at or report.until_at
    return until_at - outcome.refused_at


def _owner(pod: Pod) -> str:
    return "it" if pod.controller is None else owner_name(pod.controller)


def _of_replacements(report: InterruptionReport) -> Iterator[str]:
    for outcome in report.controllers:
        if outcome.replaced_at is None and "Insufficient" in outcome.reason:
            name = owner_name(outcome.controller)
            yield f"{name} found no room on the other nodes: keep spare room, or let an autoscaler add it."
