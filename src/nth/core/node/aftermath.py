"""The rest of a session whose node was drained and is gone: its replacements are followed to their end.

Sans-IO, as a session is. The session's end is reported when this has ended: it was not known before how the
interruption came out.
"""

from typing import Protocol

from nth.core.decisions import (
    Decision,
    Input,
    PodChanged,
    PodsChanged,
    PodsListed,
    Tell,
    WantedRead,
)
from nth.core.drain.follow_up import FollowUp
from nth.core.drain.node_drain import NodeDrain
from nth.core.node.phases import GONE, Phase
from nth.core.reports import SessionEnded


class _Named(Protocol):
    node_name: str
    session_id: str


class Aftermath:
    """Follows the replacements of one node's pods after its session."""

    busy = False
    """True if there is work under way that a shutdown should wait for."""

    def __init__(self, session: _Named, follow_up: FollowUp, late_at: float) -> None:
        """`late_at`: when the session would have reported what is missing."""
        self.node_name = session.node_name
        self.session_id = session.session_id
        self.phase = Phase.DRAINED
        self.wake_at: float | None = None
        self._follow_up = follow_up
        self._late_at = late_at
        self._begun = False

    def handle(self, given: Input, now: float) -> list[Decision]:
        """Take one input; the decisions are to be carried out, in this order."""
        if self.phase is Phase.ENDED:
            return []
        decisions = [] if self._begun else self._follow_up.resume()
        self._begun = True
        if isinstance(given, PodsListed | PodChanged | PodsChanged):
            decisions += self._follow_up.heard(given, now)
        elif isinstance(given, WantedRead):
            self._follow_up.wanted_read(given)
        decisions += self._follow_up.step(now, self._late_at, proven=True)
        if not self._follow_up.unfinished:
            self.phase = Phase.ENDED
            decisions.append(Tell(SessionEnded(reason=GONE)))
        wake_at = self._follow_up.wake_at(self._late_at)
        self.wake_at = None if wake_at is None else max(wake_at, now)
        return decisions


def aftermath_of(
    drain: NodeDrain, session: _Named, trigger: str, deadline_at: float | None
) -> Aftermath | None:
    """Returns the rest of a session that ends by this trigger; None: nothing more is to be found out."""
    if trigger != GONE or not drain.was_drained or not drain.follow_up.unfinished:
        return None
    return Aftermath(session, drain.follow_up, drain.late_at(deadline_at))
