"""What AWS says about an instance, parsed: one frozen dataclass per kind of notice.

Parsers make these (`imds_documents`, `queue_documents`), `policy` says what each demands of the node.
`KIND` and `MONITOR` are the names that the original handler uses in logs, metrics and webhooks.
An event from a queue names its instance; one from a metadata service is about the machine we are on,
and its `instance_id` is empty.
The types of the fields say what a record on a Node may put into them (`limits`).
"""

from dataclasses import dataclass
from typing import ClassVar

from nth.core.limits import Id, IdOrNone, Instant
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.times import utc_text

SQS_MONITOR = "SQS_MONITOR"
SPOT_NOTICE_SECONDS = 120.0
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotInterruption:
    """A Spot instance is about to be stopped, hibernated or terminated.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
    """

    KIND: ClassVar = "SPOT_ITN"
    MONITOR: ClassVar = "SPOT_ITN_MONITOR"

    event_id: Id
    action: str
    """`terminate`, `stop` or `hibernate`."""
    interrupted_at: Instant
    instance_id: IdOrNone = ""
    noticed_at: Instant = 0.0

    @property
    def description(self) -> str:
        if self.instance_id:
            return (
                f"Spot Interruption notice for instance {self.instance_id} "
                f"was sent at {utc_text(self.noticed_at)} \n"
            )
        return f"Spot ITN received. Instance will be interrupted at {utc_text(self.interrupted_at)} \n"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalanceRecommendation:
    """The Spot instance is at elevated risk of an interruption; none may ever come.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html
    """

    KIND: ClassVar = "REBALANCE_RECOMMENDATION"
    MONITOR: ClassVar = "REBALANCE_RECOMMENDATION_MONITOR"

    event_id: Id
    noticed_at: Instant
    instance_id: IdOrNone = ""

    @property
    def description(self) -> str:
        cordoned = f"will be cordoned at {utc_text(self.noticed_at)} \n"
        if self.instance_id:
            return f"Rebalance recommendation event received. Instance {self.instance_id} {cordoned}"
        return f"Rebalance recommendation received. Instance {cordoned}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledMaintenance:
    """AWS will reboot, stop or retire the instance within a window.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_scheduled_events.html
    """

    KIND: ClassVar = "SCHEDULED_EVENT"
    MONITOR: ClassVar = "SCHEDULED_EVENT_MONITOR"

    event_id: Id
    code: str
    """`instance-reboot`, `system-reboot`, `system-maintenance`, `instance-retirement`, `instance-stop`."""
    not_before_at: Instant
    not_after_at: Instant
    reason: str
    instance_id: IdOrNone = ""
    arn: str = ""
    """AWS Health's name for it, the same in all its messages; empty from a metadata service."""

    @property
    def description(self) -> str:
        if self.instance_id:
            return (
                f"AWS Health scheduled change event received. Instance {self.instance_id} "
                f"will be interrupted at {utc_text(self.not_before_at)} \n"
            )
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

    event_id: Id

    @property
    def description(self) -> str:
        # "AST" is how the original spells it, and users match on the text.
        return "AST target lifecycle state received. Instance will be terminated\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgTermination:
    """The Auto Scaling group takes the instance out, and a lifecycle hook makes it wait for us.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
    """

    KIND: ClassVar = "ASG_LIFECYCLE"
    MONITOR: ClassVar = SQS_MONITOR

    event_id: Id
    instance_id: Id
    action: LifecycleAction
    noticed_at: Instant
    deadline_at: Instant | None = None
    """When the hook times out; None if that is not known."""

    @property
    def description(self) -> str:
        at = utc_text(self.noticed_at)
        return f"ASG Lifecycle Termination event received. Instance will be interrupted at {at} \n"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceStateChange:
    """The instance is on its way down, or down: stopping, stopped, shutting-down or terminated.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
    """

    KIND: ClassVar = "STATE_CHANGE"
    MONITOR: ClassVar = SQS_MONITOR

    event_id: Id
    instance_id: Id
    state: str
    noticed_at: Instant

    @property
    def description(self) -> str:
        return (
            f"EC2 State Change event received. Instance {self.instance_id} "
            f"went into {self.state} at {utc_text(self.noticed_at)} \n"
        )


Event = (
    SpotInterruption
    | RebalanceRecommendation
    | ScheduledMaintenance
    | AsgTargetState
    | AsgTermination
    | InstanceStateChange
)

EVENT_BY_NAME: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        SpotInterruption,
        RebalanceRecommendation,
        ScheduledMaintenance,
        AsgTargetState,
        AsgTermination,
        InstanceStateChange,
    )
}


def instance_of(event: Event) -> str:
    """The instance that the event names; empty from a metadata service."""
    return "" if isinstance(event, AsgTargetState) else event.instance_id


def given_at(event: Event) -> float | None:
    """When AWS gave the notice (epoch seconds), as far as it says; None = it does not."""
    if isinstance(event, AsgTargetState | ScheduledMaintenance):
        return None
    if not event.noticed_at and isinstance(event, SpotInterruption):
        # The metadata service tells when it ends. A hibernation begins at once.
        return None if event.action == "hibernate" else event.interrupted_at - SPOT_NOTICE_SECONDS
    return event.noticed_at or None


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgLaunch:
    """A new instance waits in a launch hook until its node is Ready. Never a reason to drain.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
    """

    KIND: ClassVar = "ASG_LAUNCH_LIFECYCLE"
    MONITOR: ClassVar = SQS_MONITOR

    event_id: Id
    instance_id: Id
    action: LifecycleAction
    noticed_at: Instant

    @property
    def description(self) -> str:
        return f"ASG Lifecycle Launch event received. Instance was started at {utc_text(self.noticed_at)} \n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """A source saw this event; a metadata service's once, a queue's as often as it is delivered."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """An event is over without its machine being taken away, or after it came back."""

    event_id: Id
    """Or the `arn` of scheduled maintenance."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prolonged:
    """A heartbeat was accepted: the lifecycle hook of this event times out later."""

    event_id: Id
    deadline_at: float


Notice = Noticed | Withdrawn | Prolonged
