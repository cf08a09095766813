"""What waits for nodes that are expected, but have not registered yet. It decides nothing."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

REGISTER_SECONDS = 20.0
"""A node may still register so long after a message that names no deadline was sent."""
REGISTER_DOOMED_SECONDS = 120.0
"""Or so long if a deadline is named, which may be weeks ahead."""
REGISTER_NEW_SECONDS = 900.0
"""A new instance may take so long until its node registers: user data may do a lot."""
MAX_ABSENT = 1000
"""So much is kept waiting; what is more is left to the queue."""

T = TypeVar("T", bound=Hashable)


def may_register_until(sent_at: float, deadline_at: float | None, *, launching: bool) -> float:
    """How long after a message about an instance its node is waited for (epoch seconds)."""
    if launching:
        return sent_at + REGISTER_NEW_SECONDS
    if deadline_at is None:
        return sent_at + REGISTER_SECONDS
    return min(deadline_at, sent_at + REGISTER_DOOMED_SECONDS)


class Absent(Generic[T]):
    """Each until its time is over."""

    def __init__(self) -> None:
        self._until_at: dict[T, float] = {}

    def add(self, what: T, until_at: float) -> bool:
        """False: too many wait already."""
        if len(self._until_at) >= MAX_ABSENT:
            return False
        self._until_at[what] = until_at
        return True

    def pop(self, here: Callable[[T], bool], now: float) -> tuple[T, ...]:
        """What needs to wait no longer: its node is here, or its time is over."""
        due = tuple(what for what, until_at in self._until_at.items() if until_at <= now or here(what))
        for what in due:
            del self._until_at[what]
        return due

    def __len__(self) -> int:
        return len(self._until_at)
