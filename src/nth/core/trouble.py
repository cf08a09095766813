"""Reports once that something fails, and once that it works again."""

from nth.core.reports import Report, Trouble, TroubleOver
from nth.errors import ClusterError

MAX_REASONS = 8
"""The most reasons reported in one outage; a reason that is new each time says nothing."""
CALM_SECONDS = 10.0
"""The API server's trouble that comes back so soon after it was over is only reported if it lasts as long."""
UNDER_WAY_SECONDS = 0.25
"""A good answer so soon after a failure had been under way before it, and says nothing of its end."""

FORBIDDEN_SECONDS = 3.0
"""An API server that has just started does not know its rules yet, and forbids everything for a moment."""


class Outage:
    """Failures of one thing, from the first until it works again; each reason is news once.

    A thing with several uses (verbs) works while none of them fails. An outage that comes back within
    `calm_seconds` after it was over is only news if it lasts as long.
    """

    def __init__(self, calm_seconds: float = 0.0) -> None:
        self.since_at: float | None = None
        """None: it works."""
        self.failures = 0
        """The number of failures since then."""
        self._calm_seconds = calm_seconds
        self._over_at = float("-inf")
        self._failing: set[str] = set()
        self._said: set[str] = set()

    def failed(self, reason: str, now: float, *, verb: str = "", number: int = 1) -> bool:
        """Note a failure, the first or a further one; returns whether to report it."""
        if self.since_at is None:
            self.since_at = now
        self.failures += number
        self._failing.add(verb)
        if reason in self._said or len(self._said) >= MAX_REASONS or self._may_be_brief(self.since_at, now):
            return False
        self._said.add(reason)
        return True

    def worked(self, now: float, *, verb: str = "") -> float | None:
        """Note a success; returns the outage's seconds, if that is over now and was reported."""
        self._failing.discard(verb)
        if self.since_at is None or self._failing:
            return None
        seconds = now - self.since_at if self._said else None
        self.since_at, self.failures, self._over_at = None, 0, now
        self._said.clear()
        return seconds

    def _may_be_brief(self, since_at: float, now: float) -> bool:
        """Returns True if it came back soon after the last outage, and has not lasted long yet."""
        calm = self._calm_seconds
        return calm > 0 and since_at - self._over_at <= calm and now - since_at <= calm


class TroubleLog:
    """A session's reports of one thing that it depends on; `errors` are those that say that it fails."""

    def __init__(self, what: str, *errors: type[ClusterError]) -> None:
        self._what = what
        self._errors = errors
        self._outage = Outage(CALM_SECONDS)
        self._failed_at = float("-inf")

    def heard(self, answer: object, now: float) -> list[Report]:
        """Take an answer: one that is none of those errors is a good one."""
        if isinstance(answer, self._errors):
            self._failed_at = now
            is_news = self._outage.failed("", now)
            return [Trouble(what=self._what, reason=str(answer))] if is_news else []
        if now - self._failed_at < UNDER_WAY_SECONDS:
            return []
        seconds = self._outage.worked(now)
        return [] if seconds is None else [TroubleOver(what=self._what, seconds=seconds)]
