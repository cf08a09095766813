"""Reads AWS Health's scheduled changes of EC2 instances: maintenance that is planned, and that is over.

https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html
"""

from collections.abc import Iterator

import msgspec

from nth.core.notices.envelope import Envelope, InstanceId, account_in, decode, instant_in, plain
from nth.core.notices.events import ScheduledMaintenance
from nth.core.notices.message import Ended, Heard, Item, Many, NotForUs, Reading, Unreadable

ENDED_STATUSES = ("resolved", "completed", "canceled", "cancelled")
MAX_ARN = 1600
SLICE = 200
"""The number of entities that are read at once."""
CODE_BY_WORDS = (
    ("INSTANCE_REBOOT", "instance-reboot"),
    ("SYSTEM_REBOOT", "system-reboot"),
    ("INSTANCE_RETIREMENT", "instance-retirement"),
    ("INSTANCE_STOP", "instance-stop"),
    ("POWER_MAINTENANCE", "system-maintenance"),
    ("NETWORK_MAINTENANCE", "system-maintenance"),
    ("SYSTEM_MAINTENANCE", "system-maintenance"),
)
"""Words of an eventTypeCode (`AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED`) and EC2's word for it.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceStatusEvent.html
"""


class Change(msgspec.Struct, rename="camel"):
    """The detail; fields that only concern EC2 are checked when it turns out to be EC2's."""

    service: str
    event_type_category: str
    event_type_code: str
    event_arn: object = None
    status_code: object = None
    start_time: object = None
    end_time: object = None
    affected_account: object = None
    affected_entities: msgspec.Raw = msgspec.Raw(b"[]")


class _Entity(msgspec.Struct, rename="camel"):
    entity_value: InstanceId
    status: object = None


_ENTITIES = msgspec.json.Decoder(list[msgspec.Raw] | None)
_ENTITY = msgspec.json.Decoder(_Entity)


def read_change(envelope: Envelope, change: Change) -> Reading:
    """Returns one item for each instance that the message names."""
    if change.service != "EC2" or change.event_type_category != "scheduledChange":
        return NotForUs(plain(f"AWS Health: {change.service}, {change.event_type_category}"))
    raws = decode(_ENTITIES, change.affected_entities, "a list of affected entities")
    if isinstance(raws, Unreadable):
        return raws
    warnings = list(envelope.warnings)
    account = account_in(change.affected_account) or envelope.account
    slices = _slices(envelope, change, raws or [], warnings)
    if raws and len(raws) > SLICE:
        return Many(slices, account, warnings)
    items = tuple(item for some in slices for item in some)
    if not items:
        return NotForUs(plain(f"AWS Health: {change.event_type_code} names no instance"))
    return Heard(items=items, account=account, warnings=tuple(warnings))


def _slices(
    envelope: Envelope, change: Change, raws: list[msgspec.Raw], warnings: list[str]
) -> Iterator[tuple[Item, ...]]:
    """Yield the items, planned ones first; empty slices while the instances are only read."""
    over_by_id: dict[str, str] = {}
    strangers = 0
    for begin in range(0, len(raws), SLICE):
        strangers += _read_entities(change, raws[begin : begin + SLICE], over_by_id)
        yield ()
    arn = change.event_arn if isinstance(change.event_arn, str) and len(change.event_arn) <= MAX_ARN else ""
    planned = [instance_id for instance_id, over in over_by_id.items() if not over]
    window = _window(envelope, change, warnings) if planned else (0.0, 0.0)
    if strangers and over_by_id:
        warnings.append(f"{strangers} of {len(raws)} affected entities are not instances, left out")
    for begin in range(0, len(planned), SLICE):
        yield _planned(envelope, change, planned[begin : begin + SLICE], arn, window)
    # Without the arn an end cannot be matched with its maintenance.
    ended = [(instance_id, over) for instance_id, over in over_by_id.items() if over and arn]
    for begin in range(0, len(ended), SLICE):
        some = ended[begin : begin + SLICE]
        yield tuple(Ended(instance_id=instance_id, arn=arn, reason=over) for instance_id, over in some)


def code_of(event_type_code: str) -> str:
    """Returns EC2's own word for this kind of maintenance, else AWS Health's."""
    return next((code for words, code in CODE_BY_WORDS if words in event_type_code), plain(event_type_code))


def _read_entities(change: Change, raws: list[msgspec.Raw], over_by_id: dict[str, str]) -> int:
    """Add the reason why it is over (empty: it is not) for each instance; returns how many are none."""
    strangers = 0
    for raw in raws:
        entity = decode(_ENTITY, raw, "an instance")
        if isinstance(entity, Unreadable):
            strangers += 1
            continue
        over = _over(change, entity)
        # An instance that is named twice counts as over only if both entries say so.
        over_by_id[entity.entity_value] = over_by_id.get(entity.entity_value, over) and over
    return strangers


def _over(change: Change, entity: _Entity) -> str:
    if change.status_code == "closed":
        return "AWS Health closed the event"
    status = entity.status.lower() if isinstance(entity.status, str) else ""
    return f"AWS Health says {status}" if status in ENDED_STATUSES else ""


def _planned(
    envelope: Envelope, change: Change, instance_ids: list[str], arn: str, window: tuple[float, float]
) -> tuple[ScheduledMaintenance, ...]:
    event_id = f"aws-health-scheduled-change-event-{envelope.hex_id}"
    code, reason = code_of(change.event_type_code), plain(change.event_type_code)
    return tuple(
        ScheduledMaintenance(
            event_id=event_id,
            code=code,
            not_before_at=window[0],
            not_after_at=window[1],
            reason=reason,
            instance_id=instance_id,
            arn=arn,
        )
        for instance_id in instance_ids
    )


def _window(envelope: Envelope, change: Change, warnings: list[str]) -> tuple[float, float]:
    start_at = instant_in(change.start_time)
    if start_at is None:
        start_at = envelope.at
        warnings.append("startTime is missing or unreadable, took the time of the message")
    end_at = instant_in(change.end_time)
    if end_at is None and change.end_time not in (None, ""):
        warnings.append("endTime is unreadable, took the start")
    return start_at, max(start_at, end_at or start_at)
