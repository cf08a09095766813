"""The changes of one kind of object, as far back as the API server remembers them for watches."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from nth.errors import Expired

REMEMBERED = 5000
"""Changes that are kept; the real one keeps five minutes."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One write: what it was (None: created) and what it is (None: removed)."""

    version: int
    before: T | None
    after: T | None


class History(Generic[T]):
    """What was before `version` is forgotten."""

    def __init__(self, version: int) -> None:
        self._changes: deque[Change[T]] = deque(maxlen=REMEMBERED)
        self._compacted_version = version

    def add(self, change: Change[T]) -> None:
        """The newest."""
        if len(self._changes) == REMEMBERED:
            self._compacted_version = self._changes[0].version
        self._changes.append(change)

    def after(self, version: int) -> Iterator[Change[T]]:
        """Every change after that version, oldest first; Expired if some are forgotten."""
        if version < self._compacted_version:
            raise Expired(f"410: too old resource version: {version} ({self._compacted_version})")
        newer: list[Change[T]] = []
        for change in reversed(self._changes):
            if change.version <= version:
                break
            newer.append(change)
        return reversed(newer)

    def forget(self, version: int) -> None:
        """As etcd's compaction: what has not been watched until then can no more be."""
        self._changes.clear()
        self._compacted_version = version
