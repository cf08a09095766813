"""Adds to a session's lines what the original handler's have: `Requesting instance drain`, and more fields.

Public guides and queries of logs go by them. The original writes them once for each event that it acts on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from nth.core.notices.events import Event, instance_of
from nth.core.policy import Level
from nth.core.reports import (
    DrainEnded,
    NodeChangeRefused,
    NodeMarked,
    NoticeReceived,
    Planned,
    PodsOnNode,
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.report.log_lines import MAX_NAMES, Field, Line

REQUESTING = "Requesting instance drain"


@dataclass(slots=True)
class _Session:
    waiting: list[Event] = field(default_factory=list)
    """The events whose drain has not been logged as requested."""
    reason: str = ""
    """The text of the event that came last."""
    provider_id: str = ""
    begun: bool = False


class OriginalLines:
    """The sessions that have not ended."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    def write(self, told: Told, line: Line, write: Callable[[Line], None]) -> None:
        """Hand on the report's line with all fields, and the lines of the original before or after it."""
        session = self._sessions.get(told.session_id) or _Session()
        if isinstance(told.report, NoticeReceived | SessionResumed):
            self._sessions[told.session_id] = session
        requests = _take(session, told)
        before, after = ([], requests) if isinstance(told.report, NoticeReceived) else (requests, [])
        own = Line(line.level, line.text, {**line.fields, **_fields(session, told)})
        for each in (*before, own, *after):
            write(each)
        if isinstance(told.report, SessionEnded):
            self._sessions.pop(told.session_id, None)


def _take(session: _Session, told: Told) -> list[Line]:
    match told.report:
        case NoticeReceived() as notice:
            _heed(session, notice)
        case SessionResumed(notices=notices):
            for _, notice in notices:
                _heed(session, notice)
            session.waiting.clear()
        case NodeMarked(provider_id=provider_id):
            session.provider_id, session.begun = provider_id, True
        case NodeChangeRefused() | PodsOnNode() | Planned():
            session.begun = True
    if not session.begun:
        return []
    lines = [_request(event, session, told) for event in session.waiting]
    session.waiting.clear()
    return lines


def _heed(session: _Session, notice: NoticeReceived) -> None:
    if notice.level >= Level.CORDON:
        session.waiting.append(notice.event)
        session.reason = notice.event.description.strip()


def _request(event: Event, session: _Session, told: Told) -> Line:
    fields: dict[str, Field] = {
        "event-id": event.event_id,
        "kind": event.kind.name,
        "monitor": event.kind.monitor,
        "node-name": told.node_name,
        "instance-id": instance_of(event) or session.provider_id.rpartition("/")[2],
        "provider-id": session.provider_id,
    }
    return Line("info", REQUESTING, fields)


def _fields(session: _Session, told: Told) -> dict[str, Field]:
    """Returns the fields that the original's line of the same text has."""
    match told.report:
        case NodeMarked(cordoned=True, again=False) | DrainEnded(left=()):
            reason: dict[str, Field] = {"reason": session.reason} if session.reason else {}
            return {"node_name": told.node_name, **reason}
        case PodsOnNode(going=going, staying=staying):
            names = [pod.ref.name for pod in (*going, *(pod for pod, _ in staying))]
            return {"node_name": told.node_name, "pod_names": names[:MAX_NAMES]}
    return {}
