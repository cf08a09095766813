"""What to say of something that fails for a while. No clock, no log."""

MAX_REASONS = 8
"""So many different reasons are said in one period; a reason that is new each time says nothing."""


class Trouble:
    """The troubles of one thing: none, or a period of failures since some instant."""

    def __init__(self) -> None:
        self.since_at: float | None = None
        self.failures = 0
        """In this period."""
        self._said: set[str] = set()

    def begin(self, reason: str, now_at: float) -> bool:
        """It failed, for the first time or again. Whether that is news: the reason was not yet said."""
        if self.since_at is None:
            self.since_at = now_at
        self.failures += 1
        if reason in self._said or len(self._said) >= MAX_REASONS:
            return False
        self._said.add(reason)
        return True

    def end(self, now_at: float) -> float | None:
        """It works. For how many seconds it had not; None if there was no trouble."""
        if self.since_at is None:
            return None
        lasted_seconds = now_at - self.since_at
        self.since_at, self.failures = None, 0
        self._said.clear()
        return lasted_seconds
