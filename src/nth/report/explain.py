"""Explains why a pod was moved: sentences about one pod or one node, with times. Pure, from one report."""

from collections.abc import Iterator

from nth.core.times import utc_text
from nth.report.interruption import (
    Became,
    HowLeft,
    InterruptionReport,
    NoticeSeen,
    PodOutcome,
    Stage,
)
from nth.report.refusals import past
from nth.report.steps import notice_sentence, slowest_sentence
from nth.report.words import (
    caveats,
    counted,
    outcome_word,
    owner_name,
    seconds_text,
    short_of,
    summary,
    verdict,
)


def why_node(report: InterruptionReport) -> list[str]:
    """Returns the sentences about the node."""
    pods = ", ".join(f"{outcome.pod.ref} ({outcome_word(outcome)})" for outcome in report.pods)
    return [
        *_notices(report),
        *_cordon(report),
        *([f"{counted(len(report.pods), 'pod')} had to go: {pods}."] if pods else []),
        *_restored(report),
        verdict(report)[1],
        *summary(report),
        *notice_sentence(report),
        *slowest_sentence(report),
        *caveats(report),
    ]


def why_pod(outcome: PodOutcome, report: InterruptionReport) -> list[str]:
    """Returns the sentences about a pod that had to go, with the reasons."""
    return [
        f"{outcome.pod.ref} ran on node {report.node_name}.",
        *_notices(report),
        *_cordon(report),
        *_request(outcome, report),
        *_end(outcome, report),
        *_successor(outcome, report),
        *(caveats(report) if report.incomplete else []),
    ]


def why_stays(name: str, reason: str, report: InterruptionReport) -> list[str]:
    """Returns the sentences about a pod that was left on the node."""
    return [
        f"{name} ran on node {report.node_name}.",
        *_notices(report),
        f"The handler did not ask it to go: {reason}.",
    ]


def clock(at: float) -> str:
    """Returns the time of day in UTC, to a tenth of a second: `08:30:05.1`."""
    whole = int(at * 10 + 0.5)
    return f"{utc_text(whole // 10)[11:19]}.{whole % 10}"


def _notices(report: InterruptionReport) -> Iterator[str]:
    day = utc_text(report.first_at)[:10]
    if not report.notices:
        yield f"On {day} AWS was taking the machine away; the notice itself is not in this log."
    for number, notice in enumerate(report.notices):
        yield f"{f'On {day} at' if not number else 'At'} {clock(notice.at)} (UTC) {_said(notice)}."
        if notice.withdrawn_at is not None:
            yield f"At {clock(notice.withdrawn_at)} that was called off."


def _said(notice: NoticeSeen) -> str:
    said = f"AWS said: {notice.event.kind.title}"
    if notice.deadline_at is None:
        return f"{said}, without a deadline"
    left_seconds = notice.deadline_at - notice.at
    if left_seconds <= 0:
        return f"{said}, and the machine was going down already"
    return f"{said}, the machine could go at {clock(notice.deadline_at)}, {seconds_text(left_seconds)} later"


def _cordon(report: InterruptionReport) -> Iterator[str]:
    if report.cordoned_at is not None:
        yield f"At {clock(report.cordoned_at)} the node was cordoned."


def _restored(report: InterruptionReport) -> Iterator[str]:
    if report.restored_at is not None:
        yield f"At {clock(report.restored_at)} the handler gave the node back."


def _request(outcome: PodOutcome, report: InterruptionReport) -> Iterator[str]:
    """Returns how the pod was asked to go, by the handler or by others, and why so."""
    if outcome.refused_at is not None:
        yield (
            f"At {clock(outcome.refused_at)} the handler asked politely, and the API server refused: "
            f"{outcome.reason.rstrip('.')}."
        )
    if outcome.asked_at is None:
        return
    at, grace = clock(outcome.asked_at), _grace(outcome)
    if outcome.forced:
        yield (
            f"At {at} the handler deleted it {past(outcome.reason)}{grace}: "
            "more waiting would have taken from the time that it needs to stop."
        )
    elif outcome.by_itself:
        asker = "the handler before its restart, or somebody else" if report.resumed else "somebody else"
        yield f"At {at} it was on its way out already: {asker} had asked it{grace}."
    else:
        again = " again, and it was let go" if outcome.refused_at is not None else " to go"
        yield f"At {at} the handler asked it politely (eviction){again}{grace}."


def _grace(outcome: PodOutcome) -> str:
    if outcome.grace_seconds is None:
        return ""
    cut = f" instead of {outcome.pod.grace_seconds} s" if outcome.cut else ""
    why = ", all the time that was left" if outcome.cut else ""
    return f", with {outcome.grace_seconds} s{cut} to stop{why}"


def _end(outcome: PodOutcome, report: InterruptionReport) -> Iterator[str]:
    match outcome.stage:
        case Stage.GONE if outcome.gone_at is not None:
            asked_at = outcome.asked_at
            after = "" if asked_at is None else f", {seconds_text(outcome.gone_at - asked_at)} after that"
            nobody = "" if asked_at is not None else _not_by_us(outcome)
            cut_off = " It was cut off: it used up that time." if outcome.left is HowLeft.CUT_OFF else ""
            yield f"At {clock(outcome.gone_at)} it was gone{after}.{nobody}{cut_off}"
        case Stage.LOST:
            why = f": {outcome.reason}" if outcome.reason else ""
            yield f"At {clock(report.over_at)} it was LOST with the machine{why}."
        case Stage.STAYS:
            yield "It stayed where it was, because the interruption was called off."
        case _:
            at, how = clock(report.until_at), outcome.stage.value
            yield f"At {at}, where the report ends, it was still there ({how})."


def _not_by_us(outcome: PodOutcome) -> str:
    if outcome.refused_at is None:
        return " Nobody had asked it through the handler."
    return " That was none of the handler's doing: its evictions had been refused."


def _successor(outcome: PodOutcome, report: InterruptionReport) -> Iterator[str]:
    owner = outcome.pod.controller
    successor = outcome.successor
    if outcome.stage is Stage.STAYS:
        return
    if successor is not None and successor.ready_at is not None:
        where = successor.pod.node_name
        yield f"At {clock(successor.ready_at)} its successor {successor.pod.ref} was Ready on node {where}."
        return
    if owner is None:
        yield "It has no controller, so nothing starts it again."
        return
    if outcome.came_back:
        yield "The next pod of its controller was put on the same node."
    name = f"{owner.kind} {owner_name(owner)}"
    found = report.controller_of(outcome)
    if found is None:
        yield f"Whether {name} got its pods back is not in this log."
    elif found.replaced_at is None:
        yield f"{name} {short_of(found).rstrip('.')}.{FATES.get(outcome.became, '')}"
    else:
        had = f"had {counted(found.ready, 'Ready pod')} on other nodes, as many as before"
        if owner.by_name:
            had = f"had replaced {counted(found.ready, 'pod')} on other nodes, as many as had left"
        # Controllers need not wait until the old pod is gone.
        early = outcome.gone_at is not None and found.replaced_at < outcome.gone_at
        at = f"Before that, at {clock(found.replaced_at)}," if early else f"At {clock(found.replaced_at)}"
        yield f"{at} {name} {had}."


FATES = {
    Became.MOVED: " So this pod counts as moved.",
    Became.ENDED: " So nobody replaces this pod.",
    Became.NOT_REPLACED: " So this pod is not replaced yet.",
    Became.LOST: " So this pod counts as lost.",
    Became.UNKNOWN: " So what became of this pod is not known.",
}
"""The sentence about a pod whose controller is short of pods."""
