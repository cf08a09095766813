"""Counts each record's time from the notice: the one clock of log, live view and report."""

from dataclasses import dataclass, field

from nth.core.policy import Level
from nth.core.reports import NoticeReceived, NoticeWithdrawn, SessionEnded, SessionResumed, Told

MAX_SESSIONS = 5000
"""Of more at once, the oldest are counted no further."""


@dataclass(slots=True)
class _Session:
    """The notices of one session that stand."""

    began_at: float | None = None
    """When the first of them that asks for a drain was seen."""
    standing: set[str] = field(default_factory=set)

    def notice(self, notice: NoticeReceived, at: float) -> None:
        self.standing.add(notice.event.event_id)
        if notice.level is Level.DRAIN:
            self.began_at = at if self.began_at is None else min(at, self.began_at)

    def withdraw(self, event_id: str) -> None:
        self.standing.discard(event_id)
        if not self.standing:
            self.began_at = None


class NoticeClock:
    """The sessions that are under way, with the time of the notice of each."""

    def __init__(self, max_sessions: int = MAX_SESSIONS) -> None:
        self._max_sessions = max_sessions
        self._sessions: dict[str, _Session] = {}

    def seconds(self, told: Told) -> float | None:
        """Take a record; returns the seconds since its session's notice, None while no drain is asked for."""
        session = self._sessions.get(told.session_id)
        match told.report:
            case NoticeReceived() | SessionResumed():
                session = session or self._begin(told.session_id)
                self._notices(session, told.report, told.at)
            case NoticeWithdrawn(event_id=event_id) if session is not None:
                session.withdraw(event_id)
            case SessionEnded():
                self._sessions.pop(told.session_id, None)
        return None if session is None or session.began_at is None else told.at - session.began_at

    def _begin(self, session_id: str) -> _Session:
        if len(self._sessions) >= self._max_sessions:
            del self._sessions[next(iter(self._sessions))]
        session = self._sessions[session_id] = _Session()
        return session

    def _notices(self, session: _Session, report: NoticeReceived | SessionResumed, at: float) -> None:
        if isinstance(report, NoticeReceived):
            session.notice(report, at)
            return
        for seen_at, notice in report.notices:
            session.notice(notice, seen_at)
