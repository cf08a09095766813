"""The notices of one session that still stand: how much they ask for, which is the gravest, in which words.

Pure. Whoever folds what a session tells, and needs no whole chronicle of it, asks this.
"""

from collections.abc import Iterable
from dataclasses import replace

from nth.core.notices.events import InstanceStateChange
from nth.core.policy import Level
from nth.core.reports import DeadlineMoved, NoticeReceived, NoticeWithdrawn, SessionResumed
from nth.core.times import utc_text
from nth.report.interruption import NoticeSeen, notice_seen

OfNotices = NoticeReceived | NoticeWithdrawn | DeadlineMoved | SessionResumed


class Standing:
    """Notices by event, and the ids of those that are only known from a record."""

    def __init__(self) -> None:
        self._notices: dict[str, NoticeSeen] = {}
        self._resumed: set[str] = set()

    def take(self, report: OfNotices, at: float) -> None:
        """What a session told at that instant (epoch seconds)."""
        match report:
            case NoticeReceived(event=event):
                self._resumed.discard(event.event_id)
                self._notices[event.event_id] = notice_seen(report, at)
            case NoticeWithdrawn(event_id=event_id):
                self._resumed.discard(event_id)
                self._notices.pop(event_id, None)
            case DeadlineMoved(event_id=event_id, deadline_at=deadline_at):
                if known := self._notices.get(event_id):
                    self._notices[event_id] = replace(known, deadline_at=deadline_at)
            case SessionResumed(event_ids=event_ids):
                for seen_at, received in report.notices:
                    if received.event.event_id not in self._notices:
                        self.take(received, seen_at)
                self._resumed |= set(event_ids) - self._notices.keys()

    @property
    def any(self) -> bool:
        """Something still stands."""
        return bool(self._notices or self._resumed)

    @property
    def level(self) -> Level:
        """What is asked of the node; a drain if that is only known from a record."""
        known = (notice.level for notice in self._notices.values())
        return max((Level.DRAIN if self._resumed else Level.NOTIFY, *known))

    @property
    def words(self) -> str:
        """As `words_of`."""
        return words_of(self._notices.values())


def gravest(notices: Iterable[NoticeSeen]) -> NoticeSeen | None:
    """The one that stands and asks for most; of several, the one that leaves the least time."""
    standing = [notice for notice in notices if notice.withdrawn_at is None]
    return min(standing, key=lambda notice: (-notice.level, _end_at(notice)), default=None)


def words_of(notices: Iterable[NoticeSeen]) -> str:
    """`Spot interruption, the machine may stop at 2026-11-22T08:32:00Z`; of the gravest."""
    notice = gravest(notices)
    if notice is None:
        return "Interruption"
    kind = notice.event.kind.title
    if isinstance(notice.event, InstanceStateChange):
        return f"{kind}, the machine is going down already"
    if notice.deadline_at is None:
        return kind
    return f"{kind}, the machine may stop at {utc_text(notice.deadline_at)}"


def _end_at(notice: NoticeSeen) -> float:
    return float("inf") if notice.deadline_at is None else notice.deadline_at
