"""Limits how long a drain that has a deadline waits for its node to be marked."""

MARK_TIMEOUT_SECONDS = 5.0
"""The limit, from when the API server began to answer."""


class MarkTimeout:
    """It begins with an answer: where the API server does not answer at all, no drain could begin either."""

    def __init__(self, now: float) -> None:
        self.marking_at = now
        """The begin of the last marking."""
        self._readable_since_at: float | None = None

    def heard(self, now: float, *, failed: bool) -> None:
        """Take the result of a read: the API server answers, or does not."""
        if failed:
            self._readable_since_at = None
        elif self._readable_since_at is None:
            self._readable_since_at = now

    def ends_at(self, deadline_at: float | None) -> float | None:
        """Returns when the drain begins without marks; None = never, as things are."""
        if deadline_at is None or self._readable_since_at is None:
            return None
        return max(self.marking_at, self._readable_since_at) + MARK_TIMEOUT_SECONDS
