"""How long a drain that has a deadline waits for its node to be marked."""

MARK_TIMEOUT_SECONDS = 5.0
"""No longer than this, from when the API server began to answer."""


class MarkTimeout:
    """Where the API server does not answer at all, there is no drain either that could begin."""

    def __init__(self, now: float) -> None:
        self.marking_at = now
        """When marking was last begun."""
        self._readable_since_at: float | None = None

    def heard(self, now: float, *, failed: bool) -> None:
        """The API server was asked to read something."""
        if failed:
            self._readable_since_at = None
        elif self._readable_since_at is None:
            self._readable_since_at = now

    def ends_at(self, deadline_at: float | None) -> float | None:
        """From when on the drain goes first; None = never, as things are."""
        if deadline_at is None or self._readable_since_at is None:
            return None
        return max(self.marking_at, self._readable_since_at) + MARK_TIMEOUT_SECONDS
