"""For each kind of event what AWS says of it: a message of a queue, a document of the metadata service."""

from collections.abc import Callable, Mapping

from nth.core.notices.eventbridge import read_message
from nth.core.notices.events import EVENT_BY_NAME, Event, Noticed
from nth.core.notices.imds_changes import reader_of
from nth.core.notices.kinds import EventKind
from nth.core.notices.message import Heard
from tests.core import queue_samples as samples
from tests.core.samples import NODE, T0

MESSAGES: Mapping[str, Callable[[str, float], str]] = {
    "SpotInterruption": samples.spot_message,
    "ScheduledMaintenance": lambda instance_id, at: samples.health_message([instance_id], at),
    "RebalanceRecommendation": samples.rebalance_message,
    "AsgTermination": samples.asg_message,
    "InstanceStateChange": samples.state_message,
}
"""Instance id and instant (epoch seconds) -> the message's body."""
DOCUMENTS: Mapping[str, bytes] = {
    "SpotInterruption": b'{"action": "terminate", "time": "2026-11-22T08:32:00Z"}',
    "ScheduledMaintenance": b'[{"EventId": "instance-event-1", "Code": "system-reboot", "State": "active",'
    b' "NotBefore": "22 Nov 2026 09:00:00 GMT", "Description": "scheduled reboot"}]',
    "RebalanceRecommendation": b'{"noticeTime": "2026-11-22T08:30:00Z"}',
    "AsgTargetState": b"Terminated",
}


def events_of(kind: EventKind) -> list[Event]:
    """The events that the readers make of its samples: one for each way in which it is heard of."""
    found: list[Event] = []
    if kind.queue_text:
        reading = read_message(MESSAGES[kind.event](samples.INSTANCE_ID, T0), received_at=T0)
        assert isinstance(reading, Heard), reading
        found += [item for item in reading.items if isinstance(item, EVENT_BY_NAME[kind.event])]
    if kind.metadata_text:
        _, read = reader_of(EVENT_BY_NAME[kind.event], NODE)
        notices = read({}, DOCUMENTS[kind.event]).notices
        found += [notice.event for notice in notices if isinstance(notice, Noticed)]
    return found
