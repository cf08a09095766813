"""AWS's notices about an instance, parsed: one frozen dataclass per kind.

Parsers make these (`imds`, `eventbridge`), each says when the machine goes, and `policy` its demand on
the node. Names, words and the usual action are in the table `kinds`, one row for each class.
An event from a queue names its instance; one from a metadata service is about the machine we are on,
and its `instance_id` is empty.
The types of the fields limit the values that a record on a Node may give them (`limits`).
"""

from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from nth.core.limits import Id, IdOrNone, Instant
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.kinds import KIND_OF, SQS_MONITOR, EventKind
from nth.core.times import gmt_text, utc_text

SPOT_NOTICE_SECONDS = 120.0
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html"""
SHUTDOWN_STATES = frozenset({"stopping", "shutting-down"})
"""An orderly shutdown, which may take minutes. In the states after them the machine is gone.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The time when the machine goes, as far as one event says it."""

    deadline_at: float | None
    """The earliest moment at which it may stop; None = not for sure."""
    drain_waits: bool = False
    """The drain begins the node's grace before the deadline, as in the original; else at once."""
    may_wait: bool = False
    """True if by a setting the drain and the cordon wait until then."""
    shutdown_at: float | None = None
    """The begin of its orderly shutdown; None = it is not known."""


class _OfKind:
    """An event of a kind that has a row in the table."""

    __slots__ = ()

    @property
    def kind(self) -> EventKind:
        """Its row in the table."""
        return KIND_OF[type(self).__name__]

    @property
    def description(self) -> str:
        """The log's text for it, in the original's words."""
        row = self.kind
        by_queue = bool(getattr(self, "instance_id", "")) or not row.metadata_text
        return (row.queue_text if by_queue else row.metadata_text).format_map(_Shown(self))


class _Date(float):
    """An instant as a text shows it; with `:GMT` as AWS dates scheduled events."""

    def __format__(self, form: str) -> str:
        return gmt_text(self) if form == "GMT" else utc_text(self)


class _Shown(dict[str, object]):
    """The fields of an event as its text shows them: instants as dates."""

    def __init__(self, event: object) -> None:
        self._event = event

    def __missing__(self, name: str) -> object:
        value: Any = getattr(self._event, name)
        return _Date(value) if name.endswith("_at") else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotInterruption(_OfKind):
    """A Spot instance is about to be stopped, hibernated or terminated.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
    """

    event_id: Id
    action: str
    """`terminate`, `stop` or `hibernate`."""
    interrupted_at: Instant
    instance_id: IdOrNone = ""
    noticed_at: Instant = 0.0

    def timing(self, seen_at: float, grace_seconds: float) -> Timing:  # noqa: ARG002
        """Returns the moment that AWS has named, as the deadline."""
        return Timing(deadline_at=self.interrupted_at, drain_waits=not self.instance_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalanceRecommendation(_OfKind):
    """The Spot instance is at elevated risk of an interruption; none may ever come.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html
    """

    event_id: Id
    noticed_at: Instant
    instance_id: IdOrNone = ""

    def timing(self, seen_at: float, grace_seconds: float) -> Timing:  # noqa: ARG002
        """Returns no deadline: the machine may never go."""
        return Timing(deadline_at=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledMaintenance(_OfKind):
    """AWS will reboot, stop or retire the instance within a window.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_scheduled_events.html
    """

    event_id: Id
    code: str
    """`instance-reboot`, `system-reboot`, `system-maintenance`, `instance-retirement`, `instance-stop`."""
    not_before_at: Instant
    not_after_at: Instant
    reason: str
    instance_id: IdOrNone = ""
    arn: str = ""
    """AWS Health's name for it, the same in all its messages; empty from a metadata service."""

    def timing(self, seen_at: float, grace_seconds: float) -> Timing:
        """Returns the start of its window; if that has passed, the end of the node's grace."""
        # Inside its window AWS may act at any moment and names none. A queue's message is not taken back when
        # it has come true: this may be over long since.
        ahead = seen_at < self.not_before_at or self.instance_id
        return Timing(deadline_at=self.not_before_at if ahead else seen_at + grace_seconds, may_wait=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgTargetState(_OfKind):
    """The Auto Scaling group is taking the instance out: its target lifecycle state is Terminated.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html
    """

    event_id: Id

    def timing(self, seen_at: float, grace_seconds: float) -> Timing:
        """Returns the end of the node's grace: the metadata service does not tell the hook's timeout."""
        return Timing(deadline_at=seen_at + grace_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgTermination(_OfKind):
    """The Auto Scaling group takes the instance out, and a lifecycle hook makes it wait for us.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
    """

    event_id: Id
    instance_id: Id
    action: LifecycleAction
    noticed_at: Instant
    deadline_at: Instant | None = None
    """The moment when the hook times out; None if that is not known."""

    def timing(self, seen_at: float, grace_seconds: float) -> Timing:
        """Returns the moment when the hook times out, or if it is not known, the end of the node's grace."""
        return Timing(deadline_at=seen_at + grace_seconds if self.deadline_at is None else self.deadline_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceStateChange(_OfKind):
    """The instance is on its way down, or down: stopping, stopped, shutting-down or terminated.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
    """

    event_id: Id
    instance_id: Id
    state: str
    noticed_at: Instant

    def timing(self, seen_at: float, grace_seconds: float) -> Timing:  # noqa: ARG002
        """Returns the notice's time for a machine that is gone; for a shutdown, the end of the node's grace.

        https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#graceful-node-shutdown
        """
        if self.state not in SHUTDOWN_STATES:
            return Timing(deadline_at=self.noticed_at)
        return Timing(deadline_at=self.noticed_at + grace_seconds, shutdown_at=self.noticed_at)


Event = (
    SpotInterruption
    | RebalanceRecommendation
    | ScheduledMaintenance
    | AsgTargetState
    | AsgTermination
    | InstanceStateChange
)

EVENT_BY_NAME: dict[str, type[Event]] = {cls.__name__: cls for cls in get_args(Event)}


def instance_of(event: Event) -> str:
    """Returns the instance that the event names; empty from a metadata service."""
    return getattr(event, "instance_id", "")


def given_at(event: Event) -> float | None:
    """Returns when AWS gave the notice (epoch seconds); None = AWS does not say.

    The metadata service gives only the time of a Spot interruption, which may be less than two minutes ahead.
    """
    return getattr(event, "noticed_at", 0.0) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgLaunch:
    """A new instance waits in a launch hook until its node is Ready. It never asks for a drain.

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
    """A source saw this event: a metadata service once, a queue at each delivery."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """An event is over without its machine being taken away, or after it came back."""

    event_id: Id
    """Its id, or the `arn` of scheduled maintenance."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prolonged:
    """A heartbeat was accepted: the lifecycle hook of this event times out later."""

    event_id: Id
    deadline_at: float


Notice = Noticed | Withdrawn | Prolonged
