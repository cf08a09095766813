"""What an event demands of its node: how much, from when, until when, and which marks.

One total function of (event, when it was first seen, settings); nothing else decides this.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import assert_never

from nth.core.events import (
    AsgTargetState,
    Event,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)

PREFIX = "aws-node-termination-handler"
SPOT_TAINT = f"{PREFIX}/spot-itn"
SCHEDULED_TAINT = f"{PREFIX}/scheduled-maintenance"
ASG_TAINT = f"{PREFIX}/asg-lifecycle-termination"
REBALANCE_TAINT = f"{PREFIX}/rebalance-recommendation"

# The machine is the same afterwards, so it is given back to the scheduler when it has rebooted.
RETURNING_CODES = frozenset({"instance-stop", "system-reboot", "instance-reboot", "instance-retirement"})


class Level(IntEnum):
    """How much is done to a node; a session's level only rises."""

    NOTIFY = 0
    CORDON = 1
    DRAIN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the settings say about events."""

    node_grace_seconds: float = 120
    """NODE_TERMINATION_GRACE_PERIOD: what a node gets when AWS names no deadline, and the lead time."""
    cordon_only: bool = False
    drain_on_rebalance: bool = False
    scheduled_at_start: bool = False
    """Wait with scheduled events until their start minus the node's grace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one event, or all events of a session together, ask for."""

    level: Level
    cordon_at: float
    """Not before this instant is the node touched."""
    drain_at: float
    """Not before this instant is the first pod evicted."""
    deadline_at: float | None
    """The earliest moment at which the machine may stop; None = not for sure."""


def demand_of(event: Event, seen_at: float, policy: Policy) -> Demand:
    """The demand of one event that was first seen at `seen_at`."""
    match event:
        case SpotInterruption():
            demand = _doomed(seen_at, event.interrupted_at, policy)
        case ScheduledMaintenance():
            demand = _scheduled(event, seen_at, policy)
        case AsgTargetState():
            # The metadata service does not tell the hook's timeout; the node's grace stands in for it.
            demand = _doomed(seen_at, seen_at + policy.node_grace_seconds, policy)
        case RebalanceRecommendation():
            level = Level.DRAIN if policy.drain_on_rebalance else Level.CORDON
            demand = Demand(level=level, cordon_at=seen_at, drain_at=seen_at, deadline_at=None)
        case _:
            assert_never(event)
    if policy.cordon_only and demand.level > Level.CORDON:
        return Demand(
            level=Level.CORDON,
            cordon_at=demand.cordon_at,
            drain_at=demand.drain_at,
            deadline_at=demand.deadline_at,
        )
    return demand


def _doomed(seen_at: float, deadline_at: float, policy: Policy) -> Demand:
    """Cordon at once; drain from the deadline minus the node's grace, as the original does."""
    return Demand(
        level=Level.DRAIN,
        cordon_at=seen_at,
        drain_at=max(seen_at, deadline_at - policy.node_grace_seconds),
        deadline_at=deadline_at,
    )


def _scheduled(event: ScheduledMaintenance, seen_at: float, policy: Policy) -> Demand:
    # Inside its window AWS may act at any moment and names none: the node's grace is what we take.
    begun = event.not_before_at <= seen_at
    deadline_at = seen_at + policy.node_grace_seconds if begun else event.not_before_at
    start_at = seen_at
    if policy.scheduled_at_start:
        start_at = max(seen_at, deadline_at - policy.node_grace_seconds)
    return Demand(level=Level.DRAIN, cordon_at=start_at, drain_at=start_at, deadline_at=deadline_at)


def together(demands: list[Demand]) -> Demand | None:
    """The tightest of all: highest level, earliest instants. None if nothing is demanded."""
    if not demands:
        return None
    drains = [d for d in demands if d.level is Level.DRAIN] or demands
    return Demand(
        level=max(d.level for d in demands),
        cordon_at=min(d.cordon_at for d in demands),
        drain_at=min(d.drain_at for d in drains),
        deadline_at=min((d.deadline_at for d in demands if d.deadline_at is not None), default=None),
    )


def taint_key_of(event: Event) -> str | None:
    """The taint that names the reason on the Node, or None where the original sets none (A5-A8, S7)."""
    match event:
        case SpotInterruption():
            return SPOT_TAINT
        case ScheduledMaintenance():
            return SCHEDULED_TAINT if event.code in RETURNING_CODES else None
        case AsgTargetState():
            return ASG_TAINT
        case RebalanceRecommendation():
            return REBALANCE_TAINT
        case _:
            assert_never(event)


def returns_after_reboot(event: Event) -> bool:
    """Whether the node is to be given back once the machine has rebooted (A1)."""
    return isinstance(event, ScheduledMaintenance) and event.code in RETURNING_CODES
