"""What AWS says about an instance, parsed: one frozen dataclass per kind of notice.

Parsers make these (`imds_documents`), `policy` says what each demands of the node.
`KIND` and `MONITOR` are the names that the original handler uses in logs, metrics and webhooks.
"""

from dataclasses import dataclass
from typing import ClassVar

from nth.core.times import utc_text


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotInterruption:
    """A Spot instance is about to be stopped, hibernated or terminated.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
    """

    KIND: ClassVar = "SPOT_ITN"
    MONITOR: ClassVar = "SPOT_ITN_MONITOR"

    event_id: str
    action: str
    """`terminate`, `stop` or `hibernate`."""
    interrupted_at: float

    @property
    def description(self) -> str:
        return f"Spot ITN received. Instance will be interrupted at {utc_text(self.interrupted_at)} \n"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalanceRecommendation:
    """The Spot instance is at elevated risk of an interruption; none may ever come.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html
    """

    KIND: ClassVar = "REBALANCE_RECOMMENDATION"
    MONITOR: ClassVar = "REBALANCE_RECOMMENDATION_MONITOR"

    event_id: str
    noticed_at: float

    @property
    def description(self) -> str:
        return (
            f"Rebalance recommendation received. Instance will be cordoned at {utc_text(self.noticed_at)} \n"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledMaintenance:
    """AWS will reboot, stop or retire the instance within a window.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_scheduled_events.html
    """

    KIND: ClassVar = "SCHEDULED_EVENT"
    MONITOR: ClassVar = "SCHEDULED_EVENT_MONITOR"

    event_id: str
    code: str
    """`instance-reboot`, `system-reboot`, `system-maintenance`, `instance-retirement`, `instance-stop`."""
    not_before_at: float
    not_after_at: float
    reason: str

    @property
    def description(self) -> str:
        return (
            f"{self.code} will occur between {utc_text(self.not_before_at)} "
            f"and {utc_text(self.not_after_at)} because {self.reason}\n"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgTargetState:
    """The Auto Scaling group is taking the instance out: its target lifecycle state is Terminated.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html
    """

    KIND: ClassVar = "ASG_LIFECYCLE"
    MONITOR: ClassVar = "ASG_LIFECYCLE_MONITOR"

    event_id: str

    @property
    def description(self) -> str:
        # "AST" is how the original spells it, and users match on the text.
        return "AST target lifecycle state received. Instance will be terminated\n"


Event = SpotInterruption | RebalanceRecommendation | ScheduledMaintenance | AsgTargetState

EVENT_BY_KIND: dict[str, type[Event]] = {
    cls.KIND: cls for cls in (SpotInterruption, RebalanceRecommendation, ScheduledMaintenance, AsgTargetState)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """A source saw this event; it says so once, however often AWS repeats it."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """An event is over without its machine being taken away, or after it came back."""

    event_id: str
    reason: str


Notice = Noticed | Withdrawn
