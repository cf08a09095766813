"""A bounded memory of keys: two generations of sets, of which the older is dropped as a whole.

It is cheaper than an ordered map with a time for each key, whose precision is not needed here.
"""

MAX_KEYS = 20_000
MAX_SECONDS = 3600.0


class Remembered:
    """A key is remembered for `max_seconds` at most, and for half of that unless there are too many."""

    def __init__(self, *, max_keys: int = MAX_KEYS, max_seconds: float = MAX_SECONDS) -> None:
        self._most = max(1, max_keys // 2)
        self._half_seconds = max_seconds / 2
        self._young: set[str] = set()
        self._old: set[str] = set()
        self._begun_at = float("-inf")

    def add(self, key: str, now: float) -> None:
        """Remember the key, from now on."""
        self._age(now)
        if key not in self._young and len(self._young) >= self._most:
            self._turn(now)
        self._old.discard(key)
        self._young.add(key)

    def has(self, key: str, now: float) -> bool:
        """True if the key is remembered."""
        self._age(now)
        return key in self._young or key in self._old

    def is_news(self, key: str, now: float) -> bool:
        """True if the key was not remembered; from now on it is."""
        news = not self.has(key, now)
        self.add(key, now)
        return news

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def _age(self, now: float) -> None:
        if now - self._begun_at >= 2 * self._half_seconds:
            self._old, self._young, self._begun_at = set(), set(), now
        elif now - self._begun_at >= self._half_seconds:
            # Count from when it was due, or the old ones would live on for longer than they may.
            self._turn(self._begun_at + self._half_seconds)

    def _turn(self, now: float) -> None:
        self._old, self._young, self._begun_at = self._young, set(), now
