"""AWS Health's scheduled changes of EC2 instances -> maintenance that is planned, and that is over.

https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html
"""

import msgspec

from nth.core.events import ScheduledMaintenance
from nth.core.queue_envelopes import Envelope, InstanceId, account_in, decode, instant_in, plain
from nth.core.queue_reading import Ended, Heard, NotForUs, Reading, Unreadable

ENDED_STATUSES = ("resolved", "completed", "canceled", "cancelled")
MAX_ARN = 1600
CODE_BY_WORDS = (
    ("INSTANCE_REBOOT", "instance-reboot"),
    ("SYSTEM_REBOOT", "system-reboot"),
    ("INSTANCE_RETIREMENT", "instance-retirement"),
    ("INSTANCE_STOP", "instance-stop"),
    ("POWER_MAINTENANCE", "system-maintenance"),
    ("NETWORK_MAINTENANCE", "system-maintenance"),
    ("SYSTEM_MAINTENANCE", "system-maintenance"),
)
"""Words of an eventTypeCode (`AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED`) and what EC2 calls it.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceStatusEvent.html
"""


class Change(msgspec.Struct, rename="camel"):
    """The detail; what only concerns EC2 is looked at when it turns out to be EC2's."""

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
    """One item for each instance that the message names."""
    if change.service != "EC2" or change.event_type_category != "scheduledChange":
        return NotForUs(plain(f"AWS Health: {change.service}, {change.event_type_category}"))
    raws = decode(_ENTITIES, change.affected_entities, "a list of affected entities")
    if isinstance(raws, Unreadable):
        return raws
    raws = raws or []
    over_by_id, strangers = _instances(change, raws)
    arn = change.event_arn if isinstance(change.event_arn, str) and len(change.event_arn) <= MAX_ARN else ""
    # Without its name nobody can tell which maintenance is over.
    ended = [Ended(instance_id=i, arn=arn, reason=over) for i, over in over_by_id.items() if over and arn]
    planned = [i for i, over in over_by_id.items() if not over]
    if not (planned or ended):
        return NotForUs(plain(f"AWS Health: {change.event_type_code} names no instance"))
    events, warnings = _planned(envelope, change, planned, arn) if planned else ([], [])
    if strangers:
        warnings.append(f"{strangers} of {len(raws)} affected entities are not instances, left out")
    return Heard(
        items=(*events, *ended),
        account=account_in(change.affected_account) or envelope.account,
        warnings=(*envelope.warnings, *warnings),
    )


def code_of(event_type_code: str) -> str:
    """EC2's own word for this kind of maintenance, else AWS Health's."""
    return next((code for words, code in CODE_BY_WORDS if words in event_type_code), plain(event_type_code))


def _instances(change: Change, raws: list[msgspec.Raw]) -> tuple[dict[str, str], int]:
    """Why it is over for each instance (empty: it is not), and how many entities are none."""
    over_by_id: dict[str, str] = {}
    strangers = 0
    for raw in raws:
        entity = decode(_ENTITY, raw, "an instance")
        if isinstance(entity, Unreadable):
            strangers += 1
            continue
        over = _over(change, entity)
        # Named twice, it is over only if both say so.
        over_by_id[entity.entity_value] = over_by_id.get(entity.entity_value, over) and over
    return over_by_id, strangers


def _over(change: Change, entity: _Entity) -> str:
    if change.status_code == "closed":
        return "AWS Health closed the event"
    status = entity.status.lower() if isinstance(entity.status, str) else ""
    return f"AWS Health says {status}" if status in ENDED_STATUSES else ""


def _planned(
    envelope: Envelope, change: Change, instance_ids: list[str], arn: str
) -> tuple[list[ScheduledMaintenance], list[str]]:
    start_at, end_at, warnings = _window(envelope, change)
    event_id = f"aws-health-scheduled-change-event-{envelope.hex_id}"
    events = [
        ScheduledMaintenance(
            event_id=event_id,
            code=code_of(change.event_type_code),
            not_before_at=start_at,
            not_after_at=end_at,
            reason=plain(change.event_type_code),
            instance_id=instance_id,
            arn=arn,
        )
        for instance_id in instance_ids
    ]
    return events, warnings


def _window(envelope: Envelope, change: Change) -> tuple[float, float, list[str]]:
    warnings: list[str] = []
    start_at = instant_in(change.start_time)
    if start_at is None:
        start_at = envelope.at
        warnings.append("startTime is missing or unreadable, took the time of the message")
    end_at = instant_in(change.end_time)
    if end_at is None and change.end_time not in (None, ""):
        warnings.append("endTime is unreadable, took the start")
    return start_at, max(start_at, end_at or start_at), warnings
