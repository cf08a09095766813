"""Notices as a queue brings them, all about one instance, and a record of another replica's."""

from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import (
    AsgTermination,
    InstanceStateChange,
    Noticed,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from tests.core.samples import T0

INSTANCE = "i-0b662ef9931388ba0"
ARN = "arn:aws:health:eu-west-1::event/EC2/AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED/1"
US, OTHER = "nth-a", "nth-b"


def spot_warning(seconds: float = 120, event_id: str = "spot-itn-event-1") -> Noticed:
    """A Spot interruption that many seconds after the story's begin."""
    return Noticed(
        event=SpotInterruption(
            event_id=event_id,
            action="terminate",
            interrupted_at=T0 + seconds,
            instance_id=INSTANCE,
            noticed_at=T0 + seconds - 120,
        )
    )


def risk(event_id: str = "rebalance-recommendation-event-1") -> Noticed:
    """A rebalance recommendation."""
    return Noticed(event=RebalanceRecommendation(event_id=event_id, noticed_at=T0, instance_id=INSTANCE))


def action(token: str = "token-1") -> LifecycleAction:
    return LifecycleAction(group="fleet", hook="drain-first", token=token, instance_id=INSTANCE)


def hook(seconds: float | None = 300, event_id: str = "asg-lifecycle-term-1") -> Noticed:
    """A termination hook that times out that many seconds after the story's begin; None = unknown."""
    return Noticed(
        event=AsgTermination(
            event_id=event_id,
            instance_id=INSTANCE,
            action=action(),
            noticed_at=T0,
            deadline_at=None if seconds is None else T0 + seconds,
        )
    )


def going_down(state: str = "stopping", event_id: str = "ec2-state-change-event-1") -> Noticed:
    """The instance's state changes at the story's begin."""
    return Noticed(
        event=InstanceStateChange(event_id=event_id, instance_id=INSTANCE, state=state, noticed_at=T0)
    )


def health(
    seconds: float = 3600,
    event_id: str = "aws-health-scheduled-change-event-1",
    code: str = "instance-reboot",
    arn: str = ARN,
) -> Noticed:
    """AWS Health: a window that begins that many seconds after the story's begin."""
    return Noticed(
        event=ScheduledMaintenance(
            event_id=event_id,
            code=code,
            not_before_at=T0 + seconds,
            not_after_at=T0 + seconds + 3600,
            reason="scheduled reboot",
            instance_id=INSTANCE,
            arn=arn,
        )
    )
