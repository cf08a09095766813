"""The changes of one kind of object, as far back as the API server remembers them for watches."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from nth.errors import Expired

REMEMBERED = 5000
"""The number of changes that are kept; the real server keeps five minutes."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One write: the object before (None: created) and after (None: removed)."""

    version: int
    before: T | None
    after: T | None


class History(Generic[T]):
    """The changes since `version`; earlier ones are forgotten."""

    def __init__(self, version: int) -> None:
        self._changes: deque[Change[T]] = deque(maxlen=REMEMBERED)
        self._compacted_version = version

    def add(self, change: Change[T]) -> None:
        """Add the newest change."""
        if len(self._changes) == REMEMBERED:
            self._compacted_version = self._changes[0].version
        self._changes.append(change)

    def after(self, version: int) -> Iterator[Change[T]]:
        """Returns every change after that version, oldest first; Expired if some are forgotten."""
        if version < self._compacted_version:
            raise Expired(f"410: too old resource version: {version} ({self._compacted_version})")
        newer: list[Change[T]] = []
        for change in reversed(self._changes):
            if change.version <= version:
                break
            newer.append(change)
        return reversed(newer)

    def forget(self, version: int) -> None:
        """Compact, as etcd does: a watch can no longer begin before that version."""
        self._changes.clear()
        self._compacted_version = version
