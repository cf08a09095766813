"""The data that a webhook's template can read: the original's, and the outcome besides.

In queue mode the original leaves most fields about the machine empty; here the Node's labels fill them
in, as no metadata service was asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gotemplate import GoField, GoMap, GoSlice, GoStruct, GoTime
from nth.core.facts import Node
from nth.core.notices.events import (
    AsgTermination,
    Event,
    ScheduledMaintenance,
    SpotInterruption,
    given_at,
    instance_of,
)
from nth.core.notices.imds import InstanceMetadata
from nth.core.visible import visible_lines
from nth.report.interruption import Became, HowLeft, NoticeSeen
from nth.report.machine import described
from nth.report.markdown import markdown
from nth.report.webhook.announcement import Announcement
from nth.report.words import LEFT_WORDS, counted, seconds_text

NEVER = GoTime()
"""Go's zero time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The known facts about a node and its machine."""

    metadata: InstanceMetadata = field(default_factory=InstanceMetadata)
    labels: Mapping[str, str] = field(default_factory=dict)
    provider_id: str = ""
    group: str = ""
    """Its Auto Scaling group."""
    managed: bool = False
    """True if it carries the managed tag (queue mode)."""


def about(
    node: Node | None, metadata: InstanceMetadata | None = None, *, group: str = "", managed: bool = False
) -> About:
    """Returns the facts; the metadata service's answers come before the Node's."""
    known = described(node, metadata or InstanceMetadata())
    if node is None:
        return About(metadata=known, group=group, managed=managed)
    return About(
        metadata=known, labels=node.labels, provider_id=node.provider_id, group=group, managed=managed
    )


def template_data(announcement: Announcement, about: About) -> GoStruct:
    """Returns the value of `.` in a template."""
    metadata = about.metadata
    notice = announcement.notice
    instance_id = instance_of(notice.event) if notice is not None else ""
    return _struct(
        "webhook.combinedDrainData",
        (
            GoField("NodeMetadata", _metadata(metadata), embedded=True),
            GoField("InterruptionEvent", _event(announcement, about), embedded=True),
            GoField("InstanceID", instance_id or metadata.instance_id),
            GoField("InstanceType", metadata.instance_type),
            *_outcome(announcement, about),
        ),
    )


def _metadata(metadata: InstanceMetadata) -> GoStruct:
    # The names in JSON are those of the original's struct tags.
    fields = (
        GoField("AccountId", metadata.account_id, "accountId"),
        GoField("InstanceID", metadata.instance_id, "instanceId"),
        GoField("InstanceLifeCycle", metadata.instance_life_cycle, "instanceLifeCycle"),
        GoField("InstanceType", metadata.instance_type, "instanceType"),
        GoField("PublicHostname", metadata.public_hostname, "publicHostname"),
        GoField("PublicIP", metadata.public_ipv4, "publicIp"),
        GoField("LocalHostname", metadata.local_hostname, "localHostname"),
        GoField("LocalIP", metadata.local_ipv4, "privateIp"),
        GoField("AvailabilityZone", metadata.availability_zone, "availabilityZone"),
        GoField("Region", metadata.region, "region"),
    )
    return _struct("ec2metadata.NodeMetadata", fields)


def _event(announcement: Announcement, about: About) -> GoStruct:
    notice = announcement.notice
    event = None if notice is None else notice.event
    instance_id = "" if event is None else instance_of(event)
    over = announcement.phase in ("replaced", "cancelled", "unknown")
    fields = {
        "EventID": event.event_id if event else next(iter(announcement.event_ids), ""),
        "Kind": event.kind.name if event else "",
        "Monitor": event.kind.monitor if event else "",
        "Description": event.description if event else "",
        "State": "active" if isinstance(event, ScheduledMaintenance) and not instance_id else "",
        "AutoScalingGroupName": event.action.group if isinstance(event, AsgTermination) else about.group,
        "NodeName": announcement.node_name,
        "NodeLabels": GoMap(about.labels, "string", is_nil=not about.labels),
        "Pods": _strings(announcement.pods),
        "InstanceID": instance_id,
        "ProviderID": about.provider_id,
        "InstanceType": about.metadata.instance_type if instance_id else "",
        "IsManaged": about.managed,
        "StartTime": _start(notice),
        "EndTime": _instant(event.not_after_at) if isinstance(event, ScheduledMaintenance) else NEVER,
        "NodeProcessed": over,
        "InProgress": not over,
    }
    return _struct("monitor.InterruptionEvent", [GoField(name, value) for name, value in fields.items()])


def _start(notice: NoticeSeen | None) -> GoTime:
    """Returns when the machine is taken, if the event says that, or when it was said, as the original."""
    if notice is None:
        return NEVER
    event = notice.event
    if isinstance(event, SpotInterruption) and not event.instance_id:
        return _instant(event.interrupted_at)
    # A notice without a time from AWS is acted on at once: that is its start.
    return _instant(given_at(event) or notice.at)


def _outcome(announcement: Announcement, about: About) -> tuple[GoField, ...]:
    """Returns the fields that the original does not have."""
    margin, deadline_at = announcement.margin_seconds, announcement.deadline_at
    events = [_one_event(notice, about) for notice in announcement.notices]
    return (
        GoField("Phase", announcement.phase),
        GoField("Result", announcement.result),
        GoField("Reason", announcement.reason),
        GoField("Summary", summary(announcement)),
        GoField("Duration", round(announcement.duration_seconds, 1)),
        GoField("Margin", None if margin is None else round(margin, 1)),
        GoField("Deadline", None if deadline_at is None else _instant(deadline_at)),
        GoField("Time", _instant(announcement.at)),
        GoField("SessionID", announcement.session_id),
        GoField("Events", GoSlice(events, "webhook.Event")),
        GoField("Evicted", announcement.evicted),
        GoField("Forced", announcement.forced),
        GoField("HowLeft", _numbers(announcement.counts.left)),
        GoField("Became", _numbers(announcement.counts.became)),
        GoField("Left", _strings(announcement.left)),
        GoField("Report", "" if announcement.report is None else markdown(announcement.report)),
    )


def summary(announcement: Announcement) -> str:
    """Returns `Spot interruption of node ip-10-0-1-17: drained after 12.3 s, 107.7 s before the ...`."""
    kind = None if announcement.notice is None else announcement.notice.event.kind
    what = "Interruption" if kind is None else kind.webhook_title or kind.title
    more = len(announcement.event_ids) - 1
    also = f" (and {counted(more, 'more event')})" if more > 0 else ""
    return f"{what} of node {announcement.node_name}{also}: {_phase(announcement)}"


def _phase(announcement: Announcement) -> str:
    after = f"after {seconds_text(announcement.duration_seconds)}"
    match announcement.phase:
        case "received":
            return _urgency(announcement)
        case "cordoned":
            return f"cordoned {after}"
        case "drained":
            return f"drained {after}{_ahead(announcement)}; {_how_left(announcement)}"
        case "forced":
            return f"a pod is forced: {announcement.reason}"
        case "waiting" | "unknown":
            return f"{announcement.reason}, {after}"
        case "failed":
            return f"FAILED {after}: {announcement.reason}"
        case "cancelled":
            return f"called off: {announcement.reason}"
        case "replaced":
            return f"{_became(announcement)} {after}"


def _urgency(announcement: Announcement) -> str:
    margin = announcement.margin_seconds
    if margin is None:
        return "received, without a deadline"
    return f"received, {seconds_text(max(0.0, margin))} before the machine may stop"


def _ahead(announcement: Announcement) -> str:
    margin = announcement.margin_seconds
    if margin is None:
        return ""
    if margin < 0:
        return f", {seconds_text(-margin)} past the deadline"
    return f", {seconds_text(margin)} before the deadline"


def _how_left(announcement: Announcement) -> str:
    left = announcement.counts.left
    said = ", ".join(f"{count} {LEFT_WORDS[how]}" for how, count in left.items())
    return f"pods left: {said}" if said else "no pod had to go"


def _became(announcement: Announcement) -> str:
    """Returns what became of the pods; all of them run elsewhere only if each was seen there."""
    became = announcement.counts.became
    if set(became) <= {Became.MOVED}:
        return "all pods run elsewhere"
    return ", ".join(f"{count} {word.value}" for word, count in became.items())


def _numbers(counts: Mapping[HowLeft, int] | Mapping[Became, int]) -> GoMap:
    """Returns the counts by word, as one name each: `cut_off`, `not_replaced`."""
    return GoMap({word.name.lower(): count for word, count in counts.items()}, "int", is_nil=False)


def _one_event(notice: NoticeSeen, about: About) -> GoStruct:
    event: Event = notice.event
    fields = {
        "EventID": event.event_id,
        "Kind": event.kind.name,
        "Monitor": event.kind.monitor,
        "Description": event.description,
        "InstanceID": instance_of(event) or about.metadata.instance_id,
        "StartTime": _start(notice),
        "Deadline": None if notice.deadline_at is None else _instant(notice.deadline_at),
        "Withdrawn": notice.withdrawn_at is not None,
    }
    return _struct("webhook.Event", [GoField(name, value) for name, value in fields.items()])


def _strings(items: tuple[str, ...]) -> GoSlice:
    return GoSlice([visible_lines(item) for item in items], "string", is_nil=not items)


def _struct(name: str, fields: Sequence[GoField]) -> GoStruct:
    """Returns the fields, with hidden characters in their texts shown: receivers show them to people."""
    shown = (
        replace(field, value=visible_lines(field.value)) if isinstance(field.value, str) else field
        for field in fields
    )
    return GoStruct(name, tuple(shown))


def _instant(at: float) -> GoTime:
    return GoTime.at(int(at))
