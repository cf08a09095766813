"""Reads the body of a queue's message into items about instances. Text in, values out; never raises.

A table names the reader of each kind. `policy` decides about an event's demands, `core.queue` about its
node and about the message.
"""

from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec

from nth.core.limits import Id
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.envelope import DIRECT, Envelope, InstanceId, decode, open_envelope, plain
from nth.core.notices.events import (
    SPOT_NOTICE_SECONDS,
    AsgLaunch,
    AsgTermination,
    InstanceStateChange,
    RebalanceRecommendation,
    SpotInterruption,
)
from nth.core.notices.health import Change, read_change
from nth.core.notices.message import Heard, Item, NotForUs, Reading, Unreadable

SPOT_ACTIONS = ("terminate", "stop", "hibernate")
DOWNWARD_STATES = ("stopping", "stopped", "shutting-down", "terminated")
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"

Reader = Callable[[Envelope], Reading]
T = TypeVar("T")
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1600)]


class _Spot(msgspec.Struct, rename="kebab"):
    instance_id: InstanceId
    instance_action: object = None


class _Rebalance(msgspec.Struct, rename="kebab"):
    instance_id: InstanceId


class _State(msgspec.Struct, rename="kebab"):
    instance_id: InstanceId
    state: str


class _Transition(msgspec.Struct, rename="pascal"):
    lifecycle_transition: str | None = None


class _Action(msgspec.Struct, rename="pascal"):
    lifecycle_action_token: Id
    auto_scaling_group_name: _Name
    lifecycle_hook_name: Id
    instance_id: InstanceId = msgspec.field(name="EC2InstanceId")


_ACTION = msgspec.json.Decoder(_Action)


def read_message(body: str, *, received_at: float) -> Reading:
    """Returns the items of that body, or why it has none; `received_at` stands in for a missing time."""
    envelope = open_envelope(body, received_at=received_at)
    if not isinstance(envelope, Envelope):
        return envelope
    reader = READERS.get(envelope.kind)
    if reader is None:
        return NotForUs(plain("{}: {}".format(*envelope.kind)))
    return reader(envelope)


def _reader(expected: str, detail_type: type[T], read: Callable[[Envelope, T], Reading]) -> Reader:
    decoder = msgspec.json.Decoder(detail_type)

    def reader(envelope: Envelope) -> Reading:
        detail = decode(decoder, envelope.detail, expected)
        return detail if isinstance(detail, Unreadable) else read(envelope, detail)

    return reader


def _spot(envelope: Envelope, detail: _Spot) -> Reading:
    # AWS gives two minutes, except that hibernation begins at once:
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
    known = isinstance(detail.instance_action, str) and detail.instance_action in SPOT_ACTIONS
    action = str(detail.instance_action) if known else "terminate"
    event = SpotInterruption(
        event_id=f"spot-itn-event-{envelope.hex_id}",
        instance_id=detail.instance_id,
        action=action,
        interrupted_at=envelope.at + (0.0 if action == "hibernate" else SPOT_NOTICE_SECONDS),
        noticed_at=envelope.at,
    )
    return _heard(envelope, event, () if known else ("instance-action is none that we know, took terminate",))


def _rebalance(envelope: Envelope, detail: _Rebalance) -> Reading:
    return _heard(
        envelope,
        RebalanceRecommendation(
            event_id=f"rebalance-recommendation-event-{envelope.hex_id}",
            instance_id=detail.instance_id,
            noticed_at=envelope.at,
        ),
    )


def _state(envelope: Envelope, detail: _State) -> Reading:
    if detail.state not in DOWNWARD_STATES:
        return NotForUs(plain(f"instance state {detail.state}"))
    return _heard(
        envelope,
        InstanceStateChange(
            event_id=f"ec2-state-change-event-{envelope.hex_id}",
            instance_id=detail.instance_id,
            state=detail.state,
            noticed_at=envelope.at,
        ),
    )


def _lifecycle(envelope: Envelope, detail: _Transition) -> Reading:
    if detail.lifecycle_transition not in (TERMINATING, LAUNCHING):
        # Auto Scaling's test notifications, too, name no instance.
        return NotForUs(plain(f"lifecycle transition {detail.lifecycle_transition or ''}"))
    found = decode(_ACTION, envelope.detail, "an Auto Scaling lifecycle action")
    if isinstance(found, Unreadable):
        return found
    action = LifecycleAction(
        group=found.auto_scaling_group_name,
        hook=found.lifecycle_hook_name,
        token=found.lifecycle_action_token,
        instance_id=found.instance_id,
    )
    if detail.lifecycle_transition == TERMINATING:
        return _heard(
            envelope,
            AsgTermination(
                event_id=f"asg-lifecycle-term-{envelope.hex_id}",
                instance_id=found.instance_id,
                action=action,
                noticed_at=envelope.at,
            ),
        )
    return _heard(
        envelope,
        AsgLaunch(
            event_id=f"asg-lifecycle-launch-{envelope.hex_id}",
            instance_id=found.instance_id,
            action=action,
            noticed_at=envelope.at,
        ),
    )


def _heard(envelope: Envelope, item: Item, warnings: tuple[str, ...] = ()) -> Heard:
    return Heard(items=(item,), account=envelope.account, warnings=envelope.warnings + warnings)


_LIFECYCLE = _reader("an Auto Scaling lifecycle event", _Transition, _lifecycle)

READERS: dict[tuple[str, str], Reader] = {
    ("aws.ec2", "EC2 Spot Instance Interruption Warning"): _reader(
        "a Spot interruption warning", _Spot, _spot
    ),
    ("aws.ec2", "EC2 Instance Rebalance Recommendation"): _reader(
        "a rebalance recommendation", _Rebalance, _rebalance
    ),
    ("aws.ec2", "EC2 Instance State-change Notification"): _reader(
        "an instance state change", _State, _state
    ),
    ("aws.autoscaling", "EC2 Instance-terminate Lifecycle Action"): _LIFECYCLE,
    ("aws.autoscaling", "EC2 Instance-launch Lifecycle Action"): _LIFECYCLE,
    DIRECT: _LIFECYCLE,
    ("aws.health", "AWS Health Event"): _reader("an AWS Health event", Change, read_change),
}
"""Readers by EventBridge's source and detail-type; they check the rest."""
