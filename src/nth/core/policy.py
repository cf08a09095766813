"""What an event demands of its node: how much, from when, until when, and which marks.

One total function of (event, when it was first seen, settings); nothing else decides this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final, assert_never

from nth.core.facts import Taint
from nth.core.notices.events import (
    AsgTargetState,
    AsgTermination,
    Event,
    InstanceStateChange,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
    instance_of,
)

PREFIX = "aws-node-termination-handler"
SPOT_TAINT = f"{PREFIX}/spot-itn"
SCHEDULED_TAINT = f"{PREFIX}/scheduled-maintenance"
ASG_TAINT = f"{PREFIX}/asg-lifecycle-termination"
REBALANCE_TAINT = f"{PREFIX}/rebalance-recommendation"
OUT_OF_SERVICE_TAINT = Taint("node.kubernetes.io/out-of-service", "NoExecute", "nodeshutdown")
LOAD_BALANCER_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"

# The machine is the same afterwards, so it is given back to the scheduler when it has rebooted.
RETURNING_CODES = frozenset({"instance-stop", "system-reboot", "instance-reboot", "instance-retirement"})

SHUTDOWN_STATES = frozenset({"stopping", "shutting-down"})
"""An orderly shutdown, which may take minutes. In the states after them the machine is gone.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
"""
EARLY_SECONDS = 10.0
"""An interruption may begin so long before the time that AWS has named for it."""


class Level(IntEnum):
    """How much is done to a node; a session's level only rises."""

    IGNORE = -1
    """Not even told: such an event never enters a session."""
    NOTIFY = 0
    CORDON = 1
    DRAIN = 2


USUAL_LEVELS: Final[Mapping[type[Event], Level]] = {
    SpotInterruption: Level.DRAIN,
    ScheduledMaintenance: Level.DRAIN,
    AsgTargetState: Level.DRAIN,
    AsgTermination: Level.DRAIN,
    InstanceStateChange: Level.DRAIN,
    RebalanceRecommendation: Level.CORDON,
}
"""As the original in metadata mode; in queue mode it drains for rebalance recommendations, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the settings say about events."""

    node_grace_seconds: float = 120
    """NODE_TERMINATION_GRACE_PERIOD: what a node gets when AWS names no deadline, and the lead time."""
    levels: Mapping[type[Event], Level] = field(default_factory=dict)
    """Where it is not as usual."""
    cordon_only: bool = False
    scheduled_at_start: bool = False
    """Wait with scheduled events until their start minus the node's grace."""
    rebalance_expires_after_seconds: float | None = None
    """No interruption followed a rebalance recommendation within this: it is over. None = never."""

    def level_of(self, event: Event) -> Level:
        """How much this event asks for."""
        level = self.levels.get(type(event), USUAL_LEVELS[type(event)])
        return min(level, Level.CORDON) if self.cordon_only else level

    def expires_at(self, event: Event, seen_at: float) -> float | None:
        """When an event of which nothing came is over; None = it is not by itself."""
        if self.rebalance_expires_after_seconds is None or not isinstance(event, RebalanceRecommendation):
            return None
        return seen_at + self.rebalance_expires_after_seconds


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
    deadline_stands: bool = True
    """The deadline lay ahead when it was first heard of."""
    shutdown_at: float | None = None
    """When the machine began to shut down in order; None = that is not known."""

    @property
    def hard_deadline_at(self) -> float | None:
        """The deadline before which pods may be forced.

        One that had passed before it was heard of forces nothing: how long the machine has is not known.
        """
        return self.deadline_at if self.deadline_stands else None


def demand_of(event: Event, seen_at: float, policy: Policy) -> Demand:
    """The demand of one event that was first seen at `seen_at`."""
    level = policy.level_of(event)
    match event:
        case SpotInterruption():
            lead_seconds = None if instance_of(event) else policy.node_grace_seconds
            return _doomed(level, seen_at, event.interrupted_at, lead_seconds)
        case ScheduledMaintenance():
            return _scheduled(level, event, seen_at, policy)
        case AsgTargetState():
            # The metadata service does not tell the hook's timeout; the node's grace stands in for it.
            return _doomed(level, seen_at, seen_at + policy.node_grace_seconds)
        case AsgTermination():
            known_at = event.deadline_at
            return _doomed(
                level, seen_at, seen_at + policy.node_grace_seconds if known_at is None else known_at
            )
        case InstanceStateChange():
            return _going_down(level, event, seen_at, policy)
        case RebalanceRecommendation():
            return Demand(level=level, cordon_at=seen_at, drain_at=seen_at, deadline_at=None)
        case _:
            assert_never(event)


def _doomed(level: Level, seen_at: float, deadline_at: float, lead_seconds: float | None = None) -> Demand:
    """Cordon at once; drain at once too, or so long before the deadline, as the original does."""
    drain_at = seen_at if lead_seconds is None else max(seen_at, deadline_at - lead_seconds)
    return Demand(
        level=level,
        cordon_at=seen_at,
        drain_at=drain_at,
        deadline_at=deadline_at,
        deadline_stands=seen_at < deadline_at,
    )


def _going_down(level: Level, event: InstanceStateChange, seen_at: float, policy: Policy) -> Demand:
    if event.state not in SHUTDOWN_STATES:
        # The machine is gone already.
        return _doomed(level, seen_at, event.noticed_at)
    # An orderly shutdown: the kubelet and the pods get their time, which AWS does not tell.
    # https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#graceful-node-shutdown
    demand = _doomed(level, seen_at, event.noticed_at + policy.node_grace_seconds)
    return replace(demand, shutdown_at=event.noticed_at)


def _scheduled(level: Level, event: ScheduledMaintenance, seen_at: float, policy: Policy) -> Demand:
    begun = event.not_before_at <= seen_at
    if begun and event.instance_id:
        # A message is not taken back when it has come true: this may be over long since.
        return _doomed(level, seen_at, event.not_before_at)
    # Inside its window AWS may act at any moment and names none: the node's grace is what we take.
    deadline_at = seen_at + policy.node_grace_seconds if begun else event.not_before_at
    start_at = seen_at
    if policy.scheduled_at_start:
        start_at = max(seen_at, deadline_at - policy.node_grace_seconds)
    return Demand(level=level, cordon_at=start_at, drain_at=start_at, deadline_at=deadline_at)


def together(demands: list[Demand]) -> Demand | None:
    """The tightest of all: highest level, earliest instants. None if nothing is demanded."""
    if not demands:
        return None
    drains = [d for d in demands if d.level is Level.DRAIN] or demands
    cordons = [d for d in demands if d.level >= Level.CORDON] or demands
    deadline_at, stands = _deadline_of(demands)
    return Demand(
        level=max(d.level for d in demands),
        cordon_at=min(d.cordon_at for d in cordons),
        drain_at=min(d.drain_at for d in drains),
        deadline_at=deadline_at,
        deadline_stands=stands,
        shutdown_at=min((d.shutdown_at for d in demands if d.shutdown_at is not None), default=None),
    )


def _deadline_of(demands: list[Demand]) -> tuple[float | None, bool]:
    """The earliest deadline that stands, else the earliest; and whether it stands."""
    begun_at = min((d.shutdown_at for d in demands if d.shutdown_at is not None), default=None)
    named = [d for d in demands if d.deadline_at is not None and not _has_come_true(d, begun_at)]
    standing = [d.deadline_at for d in named if d.deadline_stands]
    return min((at for at in standing or (d.deadline_at for d in named) if at is not None), default=None), (
        bool(standing) or not named
    )


def _has_come_true(demand: Demand, begun_at: float | None) -> bool:
    """The shutdown that this deadline announced has begun: what counts from now on is when that ends."""
    if begun_at is None or demand.shutdown_at is not None or demand.deadline_at is None:
        return False
    return demand.deadline_at <= begun_at + EARLY_SECONDS


def taint_key_of(event: Event) -> str | None:
    """The taint that names the reason on the Node, or None where the original sets none."""
    match event:
        case SpotInterruption():
            return SPOT_TAINT
        case ScheduledMaintenance():
            # From a queue the original taints for each of them, from the metadata service only for these.
            return SCHEDULED_TAINT if event.instance_id or event.code in RETURNING_CODES else None
        case AsgTargetState() | AsgTermination():
            return ASG_TAINT
        case InstanceStateChange():
            return None
        case RebalanceRecommendation():
            return REBALANCE_TAINT
        case _:
            assert_never(event)


def returns_after_reboot(event: Event) -> bool:
    """Whether the node is to be given back once the machine has rebooted."""
    if not isinstance(event, ScheduledMaintenance) or event.instance_id:
        # Who reads a queue runs on another machine, and cannot tell when this one was booted.
        return False
    return event.code in RETURNING_CODES
