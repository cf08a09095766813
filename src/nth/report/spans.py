"""Shows an interruption as a tree of spans, for the users' own tracing. Pure, from one report.

Names are few and fixed, because collectors make metrics of them; differences are in the attributes
(https://opentelemetry.io/docs/specs/otel/trace/api/#span). These begin with `nth.` and have the names of
the log's fields where it has one: OpenTelemetry's own `k8s.pod.name` is the sender's pod, not the moved one.
Labels and annotations are left out, and so are the tokens of lifecycle hooks.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from nth.core.notices.events import given_at, instance_of
from nth.core.times import utc_text
from nth.core.visible import visible
from nth.report.entries import shortened
from nth.report.interruption import (
    Became,
    ControllerOutcome,
    HowLeft,
    InterruptionReport,
    NoticeSeen,
    PodOutcome,
    Stage,
)
from nth.report.pod_fates import counts
from nth.report.refusals import budget_of
from nth.report.steps import due_before
from nth.report.words import counted, verdict

Value = str | bool | int | float | tuple[str, ...]
MAX_VALUE_CHARS = 2000
MAX_NAMES = 20
"""More in one attribute are too many to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One stretch of time, in epoch seconds, and the steps within it."""

    name: str
    begin_at: float
    end_at: float
    attributes: Mapping[str, Value] = field(default_factory=dict)
    error: str = ""
    """The failure in words; empty if there was none."""
    children: tuple["Span", ...] = ()

    @property
    def size(self) -> int:
        """Returns how many spans it is with all below it."""
        return 1 + sum(child.size for child in self.children)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One interruption, to be sent."""

    trace_id: int
    session_id: str
    node_name: str
    root: Span


def trace_id(session_id: str, node_name: str) -> int:
    """Returns 128 bits that follow from two fields of each line of the log: `session` and `node`."""
    digest = hashlib.sha256(f"{session_id}/{node_name}".encode(errors="backslashreplace")).digest()
    return int.from_bytes(digest[:16])


def trace_of(report: InterruptionReport) -> Trace | None:
    """Returns the whole interruption; None of a dry run, in which nothing happened."""
    if report.planned:
        return None
    return Trace(
        trace_id=trace_id(report.session_id, report.node_name),
        session_id=report.session_id,
        node_name=report.node_name,
        root=_root(report),
    )


def _root(report: InterruptionReport) -> Span:
    steps = (
        *(_seen(notice) for notice in report.notices),
        *_cordon(report),
        *_drain(report),
        *_replacement(report),
        *_restored(report),
    )
    fine, sentence = verdict(report)
    leading = report.leading
    return _span(
        leading.event.kind.title if leading else "Interruption",
        min([report.first_at, *(step.begin_at for step in steps)]),
        max([report.until_at, *(step.end_at for step in steps)]),
        {
            "nth.node": report.node_name,
            "nth.instance_id": next(
                (name for one in report.notices if (name := instance_of(one.event))), None
            ),
            "nth.session": report.session_id,
            "nth.kind": leading.event.kind.name if leading else None,
            "nth.event_ids": tuple(notice.event.event_id for notice in report.notices),
            "nth.deadline": _text(report.deadline_at),
            "nth.margin_seconds": report.margin_seconds,
            "nth.result": "ok" if fine else "not ok",
            "nth.verdict": sentence,
            "nth.phase": report.phase.lower(),
            **_pods_by_word(report),
            "nth.resumed": report.resumed or None,
            "nth.incomplete": report.incomplete or None,
        },
        error="" if fine else sentence,
        children=steps,
    )


def _pods_by_word(report: InterruptionReport) -> dict[str, int]:
    """Returns the pods by both words, those with none of a word, too."""
    found = counts(report)
    left = {f"nth.pods.left.{how.name.lower()}": found.left.get(how, 0) for how in HowLeft}
    return left | {f"nth.pods.{word.name.lower()}": found.became.get(word, 0) for word in Became}


def _span(
    name: str,
    begin_at: float,
    end_at: float,
    attributes: Mapping[str, Value | None],
    *,
    error: str = "",
    children: tuple[Span, ...] = (),
) -> Span:
    """Returns a span that does not end before it begins, without unknown attributes."""
    known = {key: _shown(value) for key, value in attributes.items() if value is not None}
    end_at = max(begin_at, end_at)
    return Span(
        name=name, begin_at=begin_at, end_at=end_at, attributes=known, error=_line(error), children=children
    )


def _shown(value: Value) -> Value:
    match value:
        case str():
            return _line(value)
        case tuple():
            return tuple(map(_line, value))
        case _:
            return value


def _line(text: str) -> str:
    return shortened(visible(text), MAX_VALUE_CHARS)


def _text(at: float | None) -> str | None:
    return None if at is None else utc_text(at)


def _seen(notice: NoticeSeen) -> Span:
    """Returns the span from AWS's notice until it was seen; of no length if AWS does not say when it came."""
    said_at = given_at(notice.event) or notice.at
    attributes: dict[str, Value | None] = {
        "nth.event_id": notice.event.event_id,
        "nth.kind": notice.event.kind.name,
        "nth.action": notice.level.name.lower(),
        "nth.deadline": _text(notice.deadline_at),
        "nth.withdrawn": _text(notice.withdrawn_at),
    }
    return _span("seen", min(said_at, notice.at), notice.at, attributes)


def _cordon(report: InterruptionReport) -> tuple[Span, ...]:
    if report.cordoned_at is None:
        return ()
    due_at = due_before(report.cordoned_at, report.first_at, report.notices)
    return (_span("cordon", due_at, report.cordoned_at, {"nth.taints": report.taints}),)


def _drain(report: InterruptionReport) -> tuple[Span, ...]:
    """Returns the span of the drain, with one child for each pod that had to go."""
    if not (report.pods or report.in_the_way) and report.drained_at is None:
        return ()
    pods = tuple(_pod(outcome, report) for outcome in report.pods)
    end_at = report.over_at if report.drained_at is None else report.drained_at
    begun_at = min((pod.begin_at for pod in pods), default=end_at)
    due_at = due_before(begun_at, max(report.began_at, report.cordoned_at or 0.0), report.notices)
    held = tuple(f"{ref}: {reason}" for ref, reason in report.in_the_way)
    attributes: dict[str, Value | None] = {
        "nth.pods": len(pods) + report.pods_left_out,
        "nth.margin_seconds": report.margin_seconds,
        "nth.force_forbidden": report.force_forbidden or None,
        "nth.in_the_way": held[:MAX_NAMES] or None,
    }
    left = sum(bool(pod.error) for pod in pods) + len(held)
    error = f"{counted(left, 'pod')} still there" if left else ""
    return (_span("drain", min(due_at, begun_at), end_at, attributes, error=error, children=pods),)


def _pod(outcome: PodOutcome, report: InterruptionReport) -> Span:
    """Returns the span from the first request until the pod was gone; only the outcome is in its name."""
    pod, word = outcome.pod, _way(outcome)
    owner = pod.controller
    asked = [at for at in (outcome.refused_at, outcome.asked_at) if at is not None]
    end_at = report.over_at if outcome.gone_at is None else outcome.gone_at
    attributes: dict[str, Value | None] = {
        "nth.namespace": pod.ref.namespace,
        "nth.pod": str(pod.ref),
        "nth.pod_uid": pod.ref.uid,
        "nth.owner": f"{owner.kind}/{owner.name}" if owner else None,
        "nth.left": outcome.left.value,
        "nth.outcome": outcome.became.value,
        "nth.forced": outcome.forced,
        "nth.by_itself": outcome.by_itself,
        "nth.grace_seconds": outcome.grace_seconds,
        "nth.grace_wanted_seconds": pod.grace_seconds,
        "nth.grace_cut": outcome.cut,
        "nth.reason": outcome.reason or None,
    }
    here = outcome.stage not in (Stage.GONE, Stage.STAYS)
    return _span(
        f"pod {word}",
        min(asked, default=outcome.known_at),
        end_at,
        attributes,
        error=(outcome.reason or word) if here else "",
        children=_parts(outcome, end_at),
    )


def _way(outcome: PodOutcome) -> str:
    """Returns how it left, or how far it has come; what became of it later is no part of its span's name."""
    if outcome.stage is not Stage.GONE:
        return str(outcome.stage.value)
    word: str = outcome.left.value
    return f"left {word}" if outcome.left in (HowLeft.POLITELY, HowLeft.BY_ITSELF) else word


def _parts(outcome: PodOutcome, end_at: float) -> tuple[Span, ...]:
    """Returns, for a pod that was refused, the wait to be let go and the time that it took to stop."""
    if outcome.refused_at is None:
        return ()
    refusal: dict[str, Value | None] = {
        "nth.budget": budget_of(outcome.reason) or None,
        "nth.reason": outcome.reason,
    }
    waited = _span("eviction wait", outcome.refused_at, outcome.asked_at or end_at, refusal)
    if outcome.asked_at is None:
        return (waited,)
    return (waited, _span("stop", outcome.asked_at, end_at, {"nth.grace_seconds": outcome.grace_seconds}))


def _replacement(report: InterruptionReport) -> tuple[Span, ...]:
    """Returns the span until every controller had its Ready pods back elsewhere."""
    if not report.controllers:
        return ()
    back = tuple(_controller(outcome, report) for outcome in report.controllers)
    missing = sum(bool(one.error) for one in back)
    error = f"{counted(missing, 'controller')} short of pods" if missing else ""
    begin_at, end_at = min(one.begin_at for one in back), max(one.end_at for one in back)
    return (
        _span("replacement", begin_at, end_at, {"nth.controllers": len(back)}, error=error, children=back),
    )


def _controller(outcome: ControllerOutcome, report: InterruptionReport) -> Span:
    """Returns the span from when the first of its pods began to go, as `Replaced` counts it."""
    own = [pod for pod in report.pods if pod.pod.controller == outcome.controller]
    going = [at for pod in own if (at := pod.asked_at or pod.gone_at) is not None]
    back_at = outcome.replaced_at
    attributes: dict[str, Value | None] = {
        "nth.namespace": outcome.namespace,
        "nth.owner": f"{outcome.controller.kind}/{outcome.controller.name}",
        "nth.ready": outcome.ready,
        "nth.before": outcome.before,
        "nth.wanted": outcome.wanted,
        "nth.released": outcome.released or None,
        "nth.reason": outcome.reason or None,
    }
    end_at = report.until_at if back_at is None else back_at
    fine = back_at is not None or (outcome.released and not outcome.failed)
    return _span(
        "pods replaced" if back_at is not None else "pods not replaced",
        min(going, default=min(report.began_at, end_at)),
        end_at,
        attributes,
        error="" if fine else outcome.reason or "not replaced",
    )


def _restored(report: InterruptionReport) -> tuple[Span, ...]:
    """Returns the span from the withdrawal of the last notice until the node was given back."""
    at = report.restored_at
    if at is None:
        return ()
    over_at = [one.withdrawn_at for one in report.notices if one.withdrawn_at is not None]
    return (_span("node restored", min(max(over_at, default=at), at), at, {}),)
