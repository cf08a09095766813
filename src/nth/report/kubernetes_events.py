"""Which Kubernetes events are made of what sessions tell, with the original's reasons and words.

A pure fold: `Told` in, events out. A pod gets one only if it really was asked to go. As nobody counts
repetitions on an event that is there already, nothing is said twice of one interruption.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from nth.core.facts import Pod
from nth.core.policy import Level
from nth.core.reports import (
    AwsSettled,
    DeadlineMoved,
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
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.report.notices import Standing

MAX_SESSIONS = 2000
MAX_PODS = 250
"""Events about pods of one interruption; more pods than that are on no usual node."""
MAX_OF_NODE = 50
"""Events about the node of one interruption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeEvent:
    """What is to be said, about the pod if there is one, else about the node."""

    at: float
    session_id: str
    node_name: str
    reason: str
    message: str
    warning: bool = False
    pod: Pod | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    reason: str
    message: str
    warning: bool = False
    pod: Pod | None = None


@dataclass(slots=True)
class _Session:
    """What is known of one interruption."""

    standing: Standing = field(default_factory=Standing)
    draining: bool = False
    """Its pods are known, and not all of them have gone."""
    said: set[tuple[str, str]] = field(default_factory=set)
    pods: set[str] = field(default_factory=set)
    """UIDs of those that were said to be evicted."""

    def is_new(self, said: _Said) -> bool:
        """Whether it is to be said; only once."""
        key, seen, most = (said.reason, said.message), self.said, MAX_OF_NODE
        if said.pod is not None:
            if said.pod.ref.uid in self.pods or len(self.pods) >= MAX_PODS:
                return False
            self.pods.add(said.pod.ref.uid)
            return True
        if key in seen or len(seen) >= most:
            return False
        seen.add(key)
        return True

    def begin_again(self) -> None:
        """All before is over."""
        self.said.clear()
        self.pods.clear()
        self.draining = False


class KubeEvents:
    """The fold. Its memory is bounded by the sessions that are open."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    def take(self, told: Told) -> tuple[KubeEvent, ...]:
        """What is to be said now; nothing, if it is not known of which node."""
        if not told.node_name:
            return ()
        if not told.session_id:
            return tuple(_event(told, said) for said in _beside_sessions(told.report))
        session = self._sessions.get(told.session_id) or self._begin(told.session_id)
        said = [each for each in _in_session(session, told) if session.is_new(each)]
        if isinstance(told.report, SessionEnded):
            del self._sessions[told.session_id]
        return tuple(_event(told, each) for each in said)

    def _begin(self, session_id: str) -> _Session:
        if len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        session = self._sessions[session_id] = _Session()
        return session


def _event(told: Told, said: _Said) -> KubeEvent:
    return KubeEvent(
        at=told.at,
        session_id=told.session_id,
        node_name=told.node_name,
        reason=said.reason,
        message=said.message,
        warning=said.warning,
        pod=said.pod,
    )


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


def _in_session(session: _Session, told: Told) -> Iterator[_Said]:
    match told.report:
        case NoticeReceived() | NoticeWithdrawn() | DeadlineMoved() | SessionResumed():
            yield from _of_notice(session, told.report, told.at)
        case NodeMarked() | NodeChangeRefused() | NodeRestored():
            yield from _of_node(session, told.report)
        case PodsOnNode():
            session.draining = True
        case EvictionAccepted() | PodForced():
            yield _of_pod(session, told.report, told.node_name)
        case DrainEnded():
            yield _of_drain(session, told.report)


def _of_notice(
    session: _Session, report: NoticeReceived | NoticeWithdrawn | DeadlineMoved | SessionResumed, at: float
) -> Iterator[_Said]:
    standing = session.standing
    if isinstance(report, NoticeReceived) and not standing.any:
        session.begin_again()
    standing.take(report, at)
    if isinstance(report, NoticeReceived):
        yield _Said(report.event.kind.reason, report.event.description.strip())
    elif isinstance(report, NoticeWithdrawn) and session.draining and standing.level < Level.DRAIN:
        session.draining = False
        yield _Said("CancelDrain", "Early exit task successfully executed")


def _of_node(session: _Session, report: NodeMarked | NodeChangeRefused | NodeRestored) -> Iterator[_Said]:
    only_cordon = session.standing.level is Level.CORDON
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


def _of_pod(session: _Session, report: EvictionAccepted | PodForced, node_name: str) -> _Said:
    pod, forced = report.pod, isinstance(report, PodForced)
    message = f"Pod evicted due to node drain (node {node_name}): {session.standing.words}"
    if forced:
        message += f"; deleted past its budget, {report.grace_seconds} s of grace"
    elif isinstance(report, EvictionAccepted) and report.cut:
        message += f"; {report.grace_seconds} s of grace, for there is no time for its {pod.grace_seconds} s"
    return _Said("PodEviction", message, warning=forced, pod=pod)


def _of_drain(session: _Session, report: DrainEnded) -> _Said:
    session.draining = not report.drained
    if report.drained:
        return _Said("CordonAndDrain", "Node successfully cordoned and drained")
    number = len(report.left)
    are = "pod is" if number == 1 else "pods are"
    left = "; ".join(f"{one.ref}: {one.reason}" for one in report.left)
    why = f"{number} {are} still there: {left}"
    return _error("CordonAndDrain", "while trying to cordon and drain the node", why)
