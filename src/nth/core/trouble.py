"""Says once that something cannot be worked with, and once that it can again."""

from nth.core.reports import Report, Trouble, TroubleOver
from nth.errors import ClusterError, Throttled, Unreachable

CALM_SECONDS = 10.0
"""Trouble that comes back within this after it was over is only told if it lasts as long."""
UNDER_WAY_SECONDS = 0.25
"""A good answer so soon after a failure had been under way before it, and says nothing of its end."""

FORBIDDEN_SECONDS = 3.0
"""An API server that has just started does not know its rules yet, and forbids everything for a moment."""


class TroubleLog:
    """The state of one thing that is depended on."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._since_at: float | None = None
        self._failed_at = float("-inf")
        self._over_at = float("-inf")
        self._told = False

    def heard(self, error: ClusterError | None, now: float) -> list[Report]:
        """An answer came: None, or an error that says nothing about the thing itself, is a good one."""
        if isinstance(error, Unreachable | Throttled):
            return self._began(str(error), now)
        return self._ended(now)

    def _began(self, reason: str, now: float) -> list[Report]:
        self._failed_at = now
        if self._since_at is None:
            self._since_at, self._told = now, False
        back_soon = self._since_at - self._over_at <= CALM_SECONDS
        if self._told or (back_soon and now - self._since_at <= CALM_SECONDS):
            return []
        self._told = True
        return [Trouble(what=self._what, reason=reason)]

    def _ended(self, now: float) -> list[Report]:
        if self._since_at is None or now - self._failed_at < UNDER_WAY_SECONDS:
            return []
        seconds, self._since_at, self._over_at = now - self._since_at, None, now
        return [TroubleOver(what=self._what, seconds=seconds)] if self._told else []
