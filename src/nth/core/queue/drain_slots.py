"""Decides when drains begin, over all nodes: each needs a slot.

All doomed nodes are cordoned before the first pod of a storm is evicted, or pods would hop from one
dying node to the next. Drains without a deadline are limited, in all and per group; they never hold
back one that has a deadline.
"""

from dataclasses import dataclass

GATHER_SECONDS = 1.0
"""No drain waits longer than this for other nodes to be cordoned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRules:
    """The number of drains without a deadline that may run at the same time."""

    workers: int
    per_group: int = 0
    """0 = as many as `workers`."""


@dataclass(slots=True)
class _Wish:
    group: str
    deadline_at: float | None
    wanted_at: float
    granted: bool = False

    @property
    def limited(self) -> bool:
        return self.deadline_at is None


class DrainSlots:
    """The drains that wait and those that run, by node name."""

    def __init__(self, rules: SlotRules) -> None:
        self._rules = rules
        self._wishes: dict[str, _Wish] = {}

    def want(self, node_name: str, deadline_at: float | None, group: str, now: float) -> None:
        """Take the wish for a drain, or its new deadline."""
        wish = self._wishes.setdefault(node_name, _Wish(group, deadline_at, now))
        wish.deadline_at = deadline_at

    def give(self, node_name: str) -> None:
        """Free the slot of a drain that is over, not wanted any more, or stuck, which goes on uncounted."""
        self._wishes.pop(node_name, None)

    def granted(self, now: float, *, gathering: bool) -> tuple[str, ...]:
        """Returns the nodes whose drains begin now, earliest deadline first.

        `gathering`: notices are still coming in, or nodes are still being cordoned.
        """
        begun: list[str] = []
        for name, wish in sorted(self._waiting(), key=_urgency):
            if gathering and now < wish.wanted_at + GATHER_SECONDS:
                continue
            if wish.limited and not self._has_room(wish.group):
                continue
            wish.granted = True
            begun.append(name)
        return tuple(begun)

    def wake_at(self, now: float) -> float | None:
        """Returns when the next drain begins even if others are still being cordoned; None: no time helps."""
        moments = [wish.wanted_at + GATHER_SECONDS for _, wish in self._waiting()]
        return min((at for at in moments if at > now), default=None)

    def _waiting(self) -> list[tuple[str, _Wish]]:
        return [(name, wish) for name, wish in self._wishes.items() if not wish.granted]

    def _has_room(self, group: str) -> bool:
        running = [wish.group for wish in self._wishes.values() if wish.granted and wish.limited]
        if len(running) >= self._rules.workers:
            return False
        per_group = self._rules.per_group
        return not (per_group and group) or running.count(group) < per_group


def _urgency(item: tuple[str, _Wish]) -> tuple[float, float]:
    wish = item[1]
    return (float("inf") if wish.deadline_at is None else wish.deadline_at, wish.wanted_at)
