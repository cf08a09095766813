"""Two bounded memories: one of keys only, and one of values by their keys."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

MAX_KEYS = 20_000
MAX_SECONDS = 3600.0

T = TypeVar("T")


class Remembered:
    """A key is remembered for `max_seconds` at most, and for half of that unless there are too many.

    Two generations of sets, of which the older is dropped as a whole: it is cheaper than an ordered map with
    a time for each key, whose precision is not needed here.
    """

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


class RecentValues(Generic[T]):
    """Each value is kept for `seconds` after it was put; the oldest of more than `max_keys` makes room."""

    def __init__(self, max_keys: int, seconds: float) -> None:
        self._max_keys = max_keys
        self._seconds = seconds
        self._kept: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, key: Hashable, value: T, now: float, seconds: float | None = None) -> None:
        """Keep the value in place of an older one, for `seconds` if they are given."""
        self._kept[key] = now + (self._seconds if seconds is None else seconds), value
        self._kept.move_to_end(key)
        if len(self._kept) > self._max_keys:
            self._kept.popitem(last=False)

    def get(self, key: Hashable, now: float) -> T | None:
        """Returns the value; None: there is none, or it was put too long ago."""
        while self._kept and next(iter(self._kept.values()))[0] <= now:
            self._kept.popitem(last=False)
        until_at, value = self._kept.get(key, (now, None))
        return value if now < until_at else None
