"""Finds the pod, node or session that is asked about, by its whole name or by how it begins."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nth.report.explain import why_node, why_pod, why_stays
from nth.report.interruption import InterruptionReport
from nth.report.words import outcome_word


@dataclass(frozen=True, slots=True)
class Answer:
    """The known facts about one pod or node, in one interruption."""

    name: str
    """`namespace/name` of the pod, or the node's name."""
    short: str
    """One line."""
    sentences: tuple[str, ...]


def answers(question: str, reports: Iterable[InterruptionReport]) -> list[Answer]:
    """Returns everything of this name, else everything that begins with it; oldest first."""
    everything = list(reports)
    if named := [_node(one) for one in everything if question in (one.node_name, one.session_id)]:
        return named
    pods = [answer for report in everything for answer in _pods(report)]
    nodes = [_node(report) for report in everything if report.node_name.startswith(question)]
    exact = [answer for answer in pods if question in (answer.name, answer.name.partition("/")[2])]
    return exact or [answer for answer in pods if _begins(answer.name, question)] + nodes


def _begins(name: str, question: str) -> bool:
    return name.startswith(question) or name.partition("/")[2].startswith(question)


def _node(report: InterruptionReport) -> Answer:
    return Answer(report.node_name, f"node, session {report.session_id}", tuple(why_node(report)))


def _pods(report: InterruptionReport) -> Iterator[Answer]:
    for outcome in report.pods:
        short = f"{outcome_word(outcome)} from {report.node_name}"
        yield Answer(str(outcome.pod.ref), short, tuple(why_pod(outcome, report)))
    tracked = {str(outcome.pod.ref) for outcome in report.pods}
    kept = [*((pod.ref, reason) for pod, reason in report.staying), *report.in_the_way]
    for name, reason in {str(ref): reason for ref, reason in kept if str(ref) not in tracked}.items():
        yield Answer(name, f"stayed on {report.node_name}", tuple(why_stays(name, reason, report)))
