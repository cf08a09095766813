"""Finds the step of an interruption that took longest, and why. Pure, from one report.

Steps of different pods go on at the same time; the longest is the one to shorten first.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nth.core.notices.events import SPOT_NOTICE_SECONDS, Event, SpotInterruption, given_at
from nth.core.policy import deadline_of
from nth.report.interruption import InterruptionReport, NoticeSeen, PodOutcome, Stage
from nth.report.refusals import refusal_of
from nth.report.words import owner_name, seconds_text, short_name

WORTH_TELLING_SECONDS = 0.1
USUAL_DELAY_SECONDS = 10.0
"""A notice that is heard of so soon after AWS's usual time is not late."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of an interruption."""

    name: str
    """The subject of a sentence."""
    seconds: float
    why: str
    """Empty if there is no more to say."""


def slowest_step(report: InterruptionReport) -> Step | None:
    """Returns the longest step; None if all were too short to mention."""
    found = [step for step in steps(report) if step.seconds >= WORTH_TELLING_SECONDS]
    return max(found, key=lambda step: step.seconds, default=None)


def slowest_sentence(report: InterruptionReport) -> list[str]:
    """Returns the same in words: one sentence, or none."""
    step = slowest_step(report)
    if step is None:
        return []
    why = f" ({step.why})" if step.why else ""
    return [f"Slowest step: {step.name} took {seconds_text(step.seconds)}{why}."]


def notice_sentence(report: InterruptionReport) -> list[str]:
    """Returns a sentence if AWS's notice left less time than usual and does not say when it was given."""
    notice = deadline_of([one for one in report.notices if one.withdrawn_at is None])
    if notice is None or notice.deadline_at is None or report.resumed or not _is_unsaid(notice.event):
        return []
    left_seconds = notice.deadline_at - notice.at
    if left_seconds >= SPOT_NOTICE_SECONDS - USUAL_DELAY_SECONDS:
        return []
    when = f"{seconds_text(abs(left_seconds))} {'after' if left_seconds < 0 else 'before'} the deadline"
    return [f"The notice was heard of {when}; AWS usually gives {SPOT_NOTICE_SECONDS:.0f} s."]


def _is_unsaid(event: Event) -> bool:
    """Returns whether it is a Spot notice of the metadata service; a hibernation begins at once."""
    return isinstance(event, SpotInterruption) and given_at(event) is None and event.action != "hibernate"


def steps(report: InterruptionReport) -> tuple[Step, ...]:
    """Returns seen, cordon, first eviction, each wait to be let go, each stop, each replacement."""
    if report.planned:
        return ()
    return (
        *_seen(report),
        *_cordon(report),
        *_first_request(report),
        *(step for outcome in report.pods for step in _of_pod(outcome, report)),
    )


def _seen(report: InterruptionReport) -> Iterator[Step]:
    for notice in report.notices:
        said_at = given_at(notice.event)
        if said_at is not None:
            yield Step("hearing of the notice", notice.at - said_at, "since AWS gave it")


def _cordon(report: InterruptionReport) -> Iterator[Step]:
    if report.cordoned_at is not None:
        due_at = due_before(report.cordoned_at, report.first_at, report.notices)
        yield Step("the cordon", report.cordoned_at - due_at, "")


def _first_request(report: InterruptionReport) -> Iterator[Step]:
    """Returns the step from the cordon, or from when the drain was due, to the first pod that was asked."""
    answered = [at for pod in report.pods for at in (pod.asked_at, pod.refused_at) if at is not None]
    if answered:
        begin_at = max(report.began_at, report.cordoned_at or 0)
        due_at = due_before(min(answered), begin_at, report.notices)
        yield Step("the way to the first eviction", min(answered) - due_at, "from the cordon on")


def _of_pod(outcome: PodOutcome, report: InterruptionReport) -> Iterator[Step]:
    name = short_name(outcome.pod)
    end_at = outcome.gone_at or report.over_at
    if outcome.stage is Stage.STAYS:
        return
    if outcome.refused_at is not None:
        holder = refusal_of(outcome.reason).holder or "the API server"
        until_at = outcome.asked_at or end_at
        yield Step(f"waiting for {holder} to let {name} go", until_at - outcome.refused_at, outcome.reason)
    if outcome.asked_at is not None:
        given = outcome.grace_seconds
        grace = "" if given is None else f"it was given {given} s of grace"
        yield Step(f"the stop of {name}", end_at - outcome.asked_at, grace)
    if outcome.gone_at is not None and outcome.pod.controller is not None:
        yield from _replacement(outcome, outcome.gone_at, report)


def _replacement(outcome: PodOutcome, gone_at: float, report: InterruptionReport) -> Iterator[Step]:
    owner, found = outcome.pod.controller, report.controller_of(outcome)
    if owner is None or (found is None and outcome.successor is None):
        return
    back_at = outcome.replaced_at or report.until_at
    why = found.reason if found is not None and found.replaced_at is None else "after it was gone"
    yield Step(f"the replacement of {owner_name(owner)}", back_at - gone_at, why)


def due_before(at: float, begin_at: float, notices: tuple[NoticeSeen, ...]) -> float:
    """Returns the later one of the beginning and of when a notice's work was first due, before `at`."""
    due = [notice.drain_at for notice in notices if notice.drain_at is not None and notice.drain_at <= at]
    return max(begin_at, min(due, default=begin_at))
