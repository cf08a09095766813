"""Decides about an event's demand on its node: how much, from when, until when, and which marks.

One total function of (event, when it was first seen, settings); nothing else decides this.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol, TypeVar

from nth.core.facts import Taint
from nth.core.notices.events import Event, RebalanceRecommendation, ScheduledMaintenance
from nth.core.times import soonest

PREFIX = "aws-node-termination-handler"
OUT_OF_SERVICE_TAINT = Taint("node.kubernetes.io/out-of-service", "NoExecute", "nodeshutdown")
LOAD_BALANCER_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"

# The machine is the same afterwards, so it is given back to the scheduler when it has rebooted.
RETURNING_CODES = frozenset({"instance-stop", "system-reboot", "instance-reboot", "instance-retirement"})

EARLY_SECONDS = 10.0
"""An interruption may begin so long before the time that AWS has named for it."""


class Level(IntEnum):
    """The extent of the action on a node; a session's level only rises."""

    IGNORE = -1
    """The event is not even logged: it never enters a session."""
    NOTIFY = 0
    CORDON = 1
    DRAIN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings about events."""

    node_grace_seconds: float = 120
    """NODE_TERMINATION_GRACE_PERIOD: a node's time when AWS names no deadline, and the lead time."""
    levels: Mapping[type[Event], Level] = field(default_factory=dict)
    """The levels that are not as the table of kinds says."""
    cordon_only: bool = False
    scheduled_at_start: bool = False
    """True if scheduled events wait until their start minus the node's grace."""
    rebalance_expires_after_seconds: float | None = None
    """A rebalance recommendation is over if no interruption follows within this time. None = never."""

    def level_of(self, event: Event) -> Level:
        """Returns the level that this event asks for."""
        level = self.levels.get(type(event), Level[event.kind.action.upper()])
        return min(level, Level.CORDON) if self.cordon_only else level

    def expires_at(self, event: Event, seen_at: float) -> float | None:
        """Returns when an event without consequence is over; None = it never is by itself."""
        if self.rebalance_expires_after_seconds is None or not isinstance(event, RebalanceRecommendation):
            return None
        return seen_at + self.rebalance_expires_after_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The demand of one event, or of all events of a session together."""

    level: Level
    cordon_at: float
    """The node is not touched before this instant."""
    drain_at: float
    """No pod is evicted before this instant."""
    deadline_at: float | None
    """The earliest moment at which the machine may stop; None = not for sure."""
    deadline_stands: bool = True
    """True if the deadline lay ahead when it was first heard of."""
    shutdown_at: float | None = None
    """The begin of the machine's orderly shutdown; None = it is not known."""

    @property
    def hard_deadline_at(self) -> float | None:
        """The deadline before which pods may be forced.

        One that had passed before it was heard of forces nothing: the machine's remaining time is not known.
        """
        return self.deadline_at if self.deadline_stands else None


def demand_of(event: Event, seen_at: float, policy: Policy) -> Demand:
    """Returns the demand of one event that was first seen at `seen_at`."""
    grace_seconds = policy.node_grace_seconds
    timing = event.timing(seen_at, grace_seconds)
    deadline_at = timing.deadline_at
    latest_at = seen_at if deadline_at is None else max(seen_at, deadline_at - grace_seconds)
    all_waits = timing.may_wait and policy.scheduled_at_start
    return Demand(
        level=policy.level_of(event),
        cordon_at=latest_at if all_waits else seen_at,
        drain_at=latest_at if all_waits or timing.drain_waits else seen_at,
        deadline_at=deadline_at,
        deadline_stands=deadline_at is None or seen_at < deadline_at,
        shutdown_at=timing.shutdown_at,
    )


def together(demands: list[Demand]) -> Demand | None:
    """Returns the tightest demand: the highest level, the earliest instants. None if there is none."""
    if not demands:
        return None
    drains = [d for d in demands if d.level is Level.DRAIN] or demands
    cordons = [d for d in demands if d.level >= Level.CORDON] or demands
    counting = deadline_of(demands)
    return Demand(
        level=max(d.level for d in demands),
        cordon_at=min(d.cordon_at for d in cordons),
        drain_at=min(d.drain_at for d in drains),
        deadline_at=None if counting is None else counting.deadline_at,
        deadline_stands=counting is None or counting.deadline_stands,
        shutdown_at=_begun_at(demands),
    )


class Deadline(Protocol):
    """A demand, or a notice as it is reported, as far as its deadline goes."""

    @property
    def deadline_at(self) -> float | None: ...
    @property
    def deadline_stands(self) -> bool: ...
    @property
    def shutdown_at(self) -> float | None: ...


D = TypeVar("D", bound=Deadline)


def nearest(named: Iterable[D]) -> D | None:
    """Returns the one with the earliest deadline, of two the first; those without one come last.

    A deadline that had passed before it was heard of counts after those that lay ahead.
    """
    return min(named, key=_nearness, default=None)


def _nearness(one: Deadline) -> tuple[bool, bool, float]:
    return one.deadline_at is None, not one.deadline_stands, one.deadline_at or 0.0


def deadline_of(named: Sequence[D]) -> D | None:
    """Returns the one whose deadline counts: the nearest that has not come true; None if none is named."""
    begun_at = _begun_at(named)
    return nearest(d for d in named if d.deadline_at is not None and not _has_come_true(d, begun_at))


def _begun_at(named: Iterable[Deadline]) -> float | None:
    return soonest(*(d.shutdown_at for d in named))


def _has_come_true(one: Deadline, begun_at: float | None) -> bool:
    """Returns whether the shutdown that this deadline announced has begun: then only its end counts."""
    if begun_at is None or one.shutdown_at is not None or one.deadline_at is None:
        return False
    return one.deadline_at <= begun_at + EARLY_SECONDS


def taint_key_of(event: Event) -> str | None:
    """Returns the key of the taint that names the reason, or None where the original sets none."""
    if isinstance(event, ScheduledMaintenance) and not (event.instance_id or event.code in RETURNING_CODES):
        # From a queue the original taints for each of them, from the metadata service only for these.
        return None
    return event.kind.taint or None


def returns_after_reboot(event: Event) -> bool:
    """Returns whether the node is to be given back once the machine has rebooted."""
    if not isinstance(event, ScheduledMaintenance) or event.instance_id:
        # Queue mode runs on another machine, and cannot tell when this one was booted.
        return False
    return event.code in RETURNING_CODES
