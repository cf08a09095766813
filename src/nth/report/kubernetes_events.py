"""Makes Kubernetes events of the reports of sessions, with the original's reasons and words.

Pure: `Told` in, events out. A pod gets one only if it really was asked to go. As repetitions are not
counted on an event that is there already, each event is made once in an interruption.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from weakref import WeakKeyDictionary

from nth.core.facts import Pod
from nth.core.policy import Level
from nth.core.reports import (
    AwsSettled,
    DrainEnded,
    EvictionAccepted,
    MonitorFailed,
    NodeChangeRefused,
    NodeMarked,
    NodeRestored,
    NoticeReceived,
    NoticeWithdrawn,
    PodForced,
    PodsOnNode,
    Report,
    Told,
)
from nth.report.builder import Interruption
from nth.report.open_notices import words_of
from nth.report.refusals import past

MAX_PODS = 250
"""Events about pods of one interruption; no usual node has more pods."""
MAX_OF_NODE = 50
"""Events about the node of one interruption."""


@dataclass(frozen=True, slots=True)
class _Said:
    reason: str
    message: str
    warning: bool = False
    pod: Pod | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeEvent(_Said):
    """An event about the pod if there is one, else about the node."""

    at: float
    session_id: str
    node_name: str


@dataclass(slots=True)
class _AllSaid:
    """The events of one interruption so far."""

    draining: bool = False
    """Its pods are known, and not all of them have gone."""
    said: set[tuple[str, str]] = field(default_factory=set)
    pods: set[str] = field(default_factory=set)
    """UIDs of the pods that have an event."""

    def is_new(self, said: _Said) -> bool:
        """Returns whether it has not been said yet, and notes it."""
        key = (said.reason, said.message)
        if said.pod is not None:
            if said.pod.ref.uid in self.pods or len(self.pods) >= MAX_PODS:
                return False
            self.pods.add(said.pod.ref.uid)
            return True
        if key in self.said or len(self.said) >= MAX_OF_NODE:
            return False
        self.said.add(key)
        return True


class KubeEvents:
    """Makes the events of each report; the memory of them goes with the interruption."""

    def __init__(self) -> None:
        self._said: WeakKeyDictionary[Interruption, _AllSaid] = WeakKeyDictionary()

    def take(self, told: Told, interruption: Interruption | None) -> tuple[KubeEvent, ...]:
        """Returns the events that this record makes; none, if its node is not known."""
        if not told.node_name:
            return ()
        if interruption is None:
            return tuple(_event(told, said) for said in _beside_sessions(told.report))
        before = self._said.setdefault(interruption, _AllSaid())
        return tuple(
            _event(told, said) for said in _in_session(before, told, interruption) if before.is_new(said)
        )


def _event(told: Told, said: _Said) -> KubeEvent:
    own = {each.name: getattr(said, each.name) for each in fields(said)}
    return KubeEvent(**own, at=told.at, session_id=told.session_id, node_name=told.node_name)


def _error(reason: str, problem: str, why: str = "") -> _Said:
    message = f"There was a problem {problem}"
    return _Said(f"{reason}Error", f"{message}: {why}" if why else message, warning=True)


def _beside_sessions(report: Report) -> Iterator[_Said]:
    match report:
        case MonitorFailed(monitor=monitor):
            yield _error("Monitor", f"monitoring for events in monitor '{monitor}'")
        case AwsSettled(completed=True):
            yield _Said("PostDrain", "Post-drain task successfully executed")
        case AwsSettled(reason=reason):
            yield _error("PostDrain", "executing the post-drain task", reason)


def _in_session(before: _AllSaid, told: Told, interruption: Interruption) -> Iterator[_Said]:
    match told.report:
        case NoticeReceived(event=event):
            yield _Said(event.kind.reason, event.description.strip())
        case NoticeWithdrawn() if before.draining and interruption.notices.level < Level.DRAIN:
            before.draining = False
            yield _Said("CancelDrain", "Early exit task successfully executed")
        case NodeMarked() | NodeChangeRefused() | NodeRestored():
            yield from _of_node(told.report, interruption)
        case PodsOnNode():
            before.draining = True
        case EvictionAccepted() | PodForced():
            yield _of_pod(told.report, interruption)
        case DrainEnded():
            before.draining = not told.report.drained
            yield _of_drain(told.report)


def _of_node(
    report: NodeMarked | NodeChangeRefused | NodeRestored, interruption: Interruption
) -> Iterator[_Said]:
    only_cordon = interruption.notices.level is Level.CORDON
    match report:
        case NodeMarked(cordoned=True):
            yield _Said("PreDrain", "Pre-drain task successfully executed")
            if only_cordon:
                yield _Said("Cordon", "Node successfully cordoned")
        case NodeRestored(uncordoned=True):
            yield _Said("Uncordon", "Node successfully uncordoned")
        case NodeChangeRefused(what=what, reason=why) if what.startswith("undo "):
            yield _error("Uncordon", "while trying to uncordon the node", why)
        case NodeChangeRefused(what=what, reason=why):
            yield _error("PreDrain", "executing the pre-drain task", f"{what}: {why}")
            if only_cordon and what == "cordon":
                yield _error("Cordon", "while trying to cordon the node", why)


def _of_pod(report: EvictionAccepted | PodForced, interruption: Interruption) -> _Said:
    pod = report.pod
    why = words_of(interruption.notices.leading, interruption.deadline_at)
    message = f"Pod evicted due to node drain (node {interruption.node_name}): {why}"
    if isinstance(report, PodForced):
        message += f"; deleted {past(report.reason)}, {report.grace_seconds} s of grace"
        message += f": {report.reason}" if report.reason else ""
    elif report.cut:
        message += f"; {report.grace_seconds} s of grace, for there is no time for its {pod.grace_seconds} s"
    return _Said("PodEviction", message, warning=isinstance(report, PodForced), pod=pod)


def _of_drain(report: DrainEnded) -> _Said:
    if report.drained:
        return _Said("CordonAndDrain", "Node successfully cordoned and drained")
    number = len(report.left)
    are = "pod is" if number == 1 else "pods are"
    left = "; ".join(f"{one.ref}: {one.reason}" for one in report.left)
    why = f"{number} {are} still there: {left}"
    return _error("CordonAndDrain", "while trying to cordon and drain the node", why)
