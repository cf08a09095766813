"""The interruptions that are under way: a record is added to the one it is about, or begins another one."""

from nth.core.reports import NoticeReceived, SessionEnded, Told
from nth.report.builder import Interruption

MAX_OPEN = 5000
"""Interruptions at once; so many with twenty pods each take about 150 MB."""


class Interruptions:
    """The interruptions that are under way, each added up once. At most one session has a node."""

    def __init__(self, max_open: int = MAX_OPEN) -> None:
        """`max_open` are followed at a time; the oldest are forgotten first."""
        self.forgotten = 0
        self.max_open = max_open
        self._open: dict[str, Interruption] = {}
        self._unfollowed: dict[str, None] = {}
        """Sessions of forgotten interruptions, until they end: half of one tells nothing true."""

    def take(self, told: Told) -> Interruption | None:
        """Add the record, and return its interruption; None if there is none, or it is forgotten."""
        if not told.session_id or told.session_id in self._unfollowed:
            if isinstance(told.report, SessionEnded):
                self._unfollowed.pop(told.session_id, None)
            return None
        one = self._open.get(told.node_name)
        if one is None or one.session_id != told.session_id:
            one = self._begin(told, 1)
        elif isinstance(told.report, NoticeReceived) and not one.notices.any_stands:
            # No notice stands any more: this one begins another interruption.
            one = self._begin(told, one.number + 1)
        one.take(told)
        if one.session_ended:
            del self._open[told.node_name]
        return one

    def _begin(self, told: Told, number: int) -> Interruption:
        if told.node_name not in self._open and len(self._open) >= self.max_open:
            oldest = self._open.pop(next(iter(self._open)))
            self._unfollowed[oldest.session_id] = None
            if len(self._unfollowed) > self.max_open:
                del self._unfollowed[next(iter(self._unfollowed))]
            self.forgotten += 1
        one = self._open[told.node_name] = Interruption(told, number)
        return one
