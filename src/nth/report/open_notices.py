"""The notices of one interruption: those that stand, their level, and the one that gives it its kind.

The rule is in docs/how-it-decides.md. Every listener has it from here; the deadline is the session's.
"""

from dataclasses import replace

from nth.core.notices.events import InstanceStateChange
from nth.core.policy import Level, deadline_of
from nth.core.reports import DeadlineMoved, NoticeReceived, NoticeWithdrawn, SessionResumed
from nth.core.times import utc_text
from nth.report.interruption import NoticeSeen, leading, notice_seen

OfNotices = NoticeReceived | NoticeWithdrawn | DeadlineMoved | SessionResumed


class OpenNotices:
    """Notices by event, and the ids of those that are only known from a record."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        """Ids of events from before a restart that still stand; no more than the id is known."""
        self.resumed = False
        """True if there were events from before this handler's start."""
        self._seen: dict[str, NoticeSeen] = {}

    def take(self, report: OfNotices, at: float) -> None:
        """Add a session's report of that instant (epoch seconds)."""
        match report:
            case NoticeReceived(event=event):
                self.unknown.discard(event.event_id)
                self._seen[event.event_id] = notice_seen(report, at)
            case NoticeWithdrawn(event_id=event_id):
                self.unknown.discard(event_id)
                if known := self._seen.get(event_id):
                    self._seen[event_id] = replace(known, withdrawn_at=at)
            case DeadlineMoved(event_id=event_id, deadline_at=deadline_at):
                if known := self._seen.get(event_id):
                    self._seen[event_id] = replace(known, deadline_at=deadline_at)
            case SessionResumed(event_ids=event_ids):
                self.resumed |= not self._seen.keys() >= set(event_ids)
                for seen_at, received in report.notices:
                    self._seen.setdefault(received.event.event_id, notice_seen(received, seen_at))
                self.unknown |= set(event_ids) - self._seen.keys()

    @property
    def seen(self) -> tuple[NoticeSeen, ...]:
        """Returns all that are known, in the order in which they came."""
        return tuple(self._seen.values())

    @property
    def standing(self) -> tuple[NoticeSeen, ...]:
        """Returns those that are not withdrawn."""
        return tuple(notice for notice in self._seen.values() if notice.withdrawn_at is None)

    @property
    def any_stands(self) -> bool:
        """Returns whether a notice stands."""
        return bool(self.unknown or self.standing)

    @property
    def called_off(self) -> bool:
        """Returns whether there were notices, and none stands any more."""
        return bool(self._seen or self.resumed) and not self.any_stands

    @property
    def level(self) -> Level:
        """Returns how much is asked of the node; a drain if that is not known."""
        known = (notice.level for notice in self.standing)
        return max((Level.DRAIN if self.unknown else Level.NOTIFY, *known))

    @property
    def leading(self) -> NoticeSeen | None:
        """Returns the notice that gives the interruption its kind."""
        return leading(self._seen.values())

    @property
    def deadline(self) -> NoticeSeen | None:
        """Returns the notice whose deadline counts."""
        return deadline_of(self.standing)


def words_of(notice: NoticeSeen | None, deadline_at: float | None) -> str:
    """Returns `Spot interruption, the machine may stop at 2026-11-22T08:32:00Z`, of the leading notice."""
    if notice is None:
        return "Interruption"
    kind = notice.event.kind.title
    if isinstance(notice.event, InstanceStateChange):
        return f"{kind}, the machine is going down already"
    if deadline_at is None:
        return kind
    return f"{kind}, the machine may stop at {utc_text(deadline_at)}"
