"""Finds the pod, node or session that is asked about, by any name that a report prints for it.

That is a whole name, how it begins, or the name with its middle cut as tables have it; also the name of
a pod's budget, of its controller, and of the pod that took its place with the node where that runs.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from nth.core.facts import Pod
from nth.report.explain import why_node, why_pod, why_stays
from nth.report.interruption import InterruptionReport, PodOutcome
from nth.report.names import Typed
from nth.report.refusals import budget_of
from nth.report.words import outcome_word, owner_name, short_name

PREFIXES = {"pod": "pod", "pods": "pod", "po": "pod", "node": "node", "nodes": "node", "no": "node"}
"""The kinds that may stand before a name, as kubectl takes them (`pod/web-0`)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The known facts about one pod or node, in one interruption."""

    name: str
    """`namespace/name` of the pod, or the node's name."""
    short: str
    """One line."""
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Thing:
    """A pod or a node that can be asked about."""

    kind: str
    names: tuple[str, ...]
    related: tuple[str, ...]
    """Names of what belongs to it."""
    answer: Callable[[], Answer]


def answers(question: str, reports: Iterable[InterruptionReport]) -> list[Answer]:
    """Returns everything of this name, else everything that begins so or belongs to it; oldest first."""
    kind, _, rest = question.partition("/")
    wanted = PREFIXES.get(kind) if rest else None
    typed = Typed(rest if wanted else question)
    things = [thing for report in reports for thing in _things(report) if wanted in (None, thing.kind)]
    found = (
        [thing for thing in things if typed.is_whole(thing.names)]
        or [thing for thing in things if typed.fits(thing.names)]
        or [thing for thing in things if typed.is_whole(thing.related)]
        or [thing for thing in things if typed.fits(thing.related)]
    )
    return [thing.answer() for thing in found]


def _things(report: InterruptionReport) -> Iterator[_Thing]:
    """Yield the pods of an interruption, and its node."""
    for outcome in report.pods:
        answer = partial(_pod, outcome, report)
        yield _Thing("pod", _names(outcome.pod), tuple(_related(outcome)), answer)
    tracked = {str(outcome.pod.ref) for outcome in report.pods}
    kept: dict[str, tuple[tuple[str, ...], str]] = {
        str(ref): ((str(ref), ref.name), reason) for ref, reason in report.in_the_way
    }
    kept |= {str(pod.ref): (_names(pod), reason) for pod, reason in report.staying}
    for name, (names, reason) in kept.items():
        if name not in tracked:
            yield _Thing("pod", names, (), partial(_kept, name, reason, report))
    events = tuple(notice.event.event_id for notice in report.notices)
    names = (report.node_name, report.node_name.partition(".")[0], report.session_id)
    yield _Thing("node", names, events, partial(_node, report))


def _names(pod: Pod) -> tuple[str, ...]:
    """Returns the pod's names: with and without its namespace, with and without its ReplicaSet's hash."""
    ref, short = pod.ref, short_name(pod)
    return str(ref), ref.name, f"{ref.namespace}/{short}", short


def _related(outcome: PodOutcome) -> Iterator[str]:
    namespace = outcome.pod.ref.namespace
    own = [budget_of(outcome.reason)]
    if outcome.pod.controller is not None:
        own += [owner_name(outcome.pod.controller), outcome.pod.controller.name]
    for name in filter(None, own):
        yield name
        yield f"{namespace}/{name}"
    if outcome.successor is not None:
        yield from _names(outcome.successor.pod)
        yield outcome.successor.pod.node_name


def _node(report: InterruptionReport) -> Answer:
    return Answer(report.node_name, f"node, session {report.session_id}", tuple(why_node(report)))


def _pod(outcome: PodOutcome, report: InterruptionReport) -> Answer:
    short = f"{outcome_word(outcome)} from {report.node_name}"
    return Answer(str(outcome.pod.ref), short, tuple(why_pod(outcome, report)))


def _kept(name: str, reason: str, report: InterruptionReport) -> Answer:
    return Answer(name, f"stayed on {report.node_name}", tuple(why_stays(name, reason, report)))
