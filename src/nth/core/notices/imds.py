"""Reads documents of the instance metadata service into events. Bytes in, values out.

For any bytes, the result is a value or a `BadDocument` with one short line. It must not
remember earlier documents (`imds_changes` does) nor decide about an event's demands (`policy` does).
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from nth.core.limits import END_OF_DATES
from nth.core.notices.events import (
    AsgTargetState,
    Event,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from nth.core.times import parse_rfc3339
from nth.errors import BadDocument

SPOT_PATH = "/latest/meta-data/spot/instance-action"
REBALANCE_PATH = "/latest/meta-data/events/recommendations/rebalance"
SCHEDULED_PATH = "/latest/meta-data/events/maintenance/scheduled"
ASG_PATH = "/latest/meta-data/autoscaling/target-lifecycle-state"
IDENTITY_PATH = "/latest/dynamic/instance-identity/document"

SPOT_ID_PREFIX = "spot-itn-"
REBALANCE_ID_PREFIX = "rebalance-recommendation-"
ASG_ID_PREFIX = "asg-lifecycle-"

MAX_EXCERPT = 80

T = TypeVar("T")


class _SpotAction(msgspec.Struct):
    time: str
    action: object = None
    """A wrong value must not cost the notice: its time says enough."""


class _Rebalance(msgspec.Struct, rename="camel"):
    notice_time: str


class _Scheduled(msgspec.Struct, rename="pascal"):
    """A wrong value in a field that is not needed must not cost the event."""

    event_id: str
    code: object = None
    not_before: object = None
    not_after: object = None
    description: object = None
    state: object = None


class _Identity(msgspec.Struct, rename="camel"):
    account_id: str | None = None
    region: str | None = None


_SPOT = msgspec.json.Decoder(_SpotAction)
_REBALANCE = msgspec.json.Decoder(_Rebalance)
_SCHEDULED_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_SCHEDULED = msgspec.json.Decoder(_Scheduled)
_IDENTITY = msgspec.json.Decoder(_Identity)
_REGION = re.compile(r"[a-z]{2,8}(-[a-z]{1,20}){1,3}-[0-9]{1,3}(?![0-9])")
_LIFECYCLE_STATE = re.compile(r"[A-Za-z]{1,40}(:[A-Za-z]{1,40})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledDocument:
    """The scheduled events that AWS lists now."""

    active: tuple[ScheduledMaintenance, ...] = ()
    ended: Mapping[str, str] = field(default_factory=dict)
    """Event id -> `canceled` or `completed`."""
    problems: tuple[str, ...] = ()
    """One line for each entry that could not be read; the others are not affected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceMetadata:
    """The instance's own description; a field is empty where the service gives none.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
    """

    account_id: str = ""
    instance_id: str = ""
    instance_life_cycle: str = ""
    """`on-demand`, `spot`, `scheduled` or `capacity-block`."""
    instance_type: str = ""
    public_hostname: str = ""
    public_ipv4: str = ""
    local_hostname: str = ""
    local_ipv4: str = ""
    availability_zone: str = ""
    region: str = ""


def spot_interruption(body: bytes) -> SpotInterruption:
    """Reads `{"action": "terminate", "time": "2017-09-18T08:22:00Z"}`; BadDocument without a time.

    Without an action the machine goes all the same, at that time.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
    """
    notice = _decode(_SPOT, body, "a Spot instance action")
    at = _instant(notice.time, body)
    action = notice.action if isinstance(notice.action, str) else ""
    event_id = SPOT_ID_PREFIX + _digest(action, repr(at))
    return SpotInterruption(event_id=event_id, action=action, interrupted_at=at)


def rebalance(body: bytes) -> RebalanceRecommendation:
    """Reads `{"noticeTime": "2020-10-27T08:22:00Z"}`; BadDocument for anything else.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html
    """
    at = _instant(_decode(_REBALANCE, body, "a rebalance recommendation").notice_time, body)
    return RebalanceRecommendation(event_id=REBALANCE_ID_PREFIX + _digest(repr(at)), noticed_at=at)


def asg_target_state(body: bytes, node_name: str) -> AsgTargetState | None:
    """Returns the event if the state is `Terminated`, None for another or none; BadDocument for other text.

    Its id depends on nothing that changes from one reading to the next.
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html
    """
    state = body.decode("ascii", "replace").strip()
    if state and not _LIFECYCLE_STATE.fullmatch(state):
        raise BadDocument(f"expected a lifecycle state, got {_excerpt(body)}")
    if state != "Terminated":
        return None
    return AsgTargetState(event_id=ASG_ID_PREFIX + _digest(state, node_name))


def scheduled_events(body: bytes) -> ScheduledDocument:
    """Reads a list of scheduled events; BadDocument if it is no list.

    A state other than canceled or completed counts as active, for the event may still happen.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_scheduled_events.html
    """
    active: list[ScheduledMaintenance] = []
    ended: dict[str, str] = {}
    problems: list[str] = []
    for raw in _decode(_SCHEDULED_LIST, body, "a list of scheduled events"):
        try:
            entry = _decode(_SCHEDULED, bytes(raw), "a scheduled event")
            if entry.state == "canceled" or entry.state == "completed":
                ended[entry.event_id] = entry.state
            else:
                active.append(_scheduled(entry, bytes(raw), problems))
        except BadDocument as problem:
            problems.append(str(problem))
    for event in active:
        ended.pop(event.event_id, None)
    return ScheduledDocument(active=tuple(active), ended=ended, problems=tuple(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The metadata document of one kind of event."""

    path: str
    parse: Callable[[bytes, str], Event | None] | None
    """Bytes and the Node's name -> the event, or None; None where the document lists several events."""
    id_prefix: str = ""
    """The prefix of the ids that `parse` makes."""
    moving: str = ""
    """The instant that may move on between two readings of the same notice."""


DOCUMENTS: Final[Mapping[type[Event], Document]] = {
    SpotInterruption: Document(
        path=SPOT_PATH,
        parse=lambda body, _node_name: spot_interruption(body),
        id_prefix=SPOT_ID_PREFIX,
        moving="interrupted_at",
    ),
    AsgTargetState: Document(path=ASG_PATH, parse=asg_target_state, id_prefix=ASG_ID_PREFIX),
    ScheduledMaintenance: Document(path=SCHEDULED_PATH, parse=None),
    RebalanceRecommendation: Document(
        path=REBALANCE_PATH,
        parse=lambda body, _node_name: rebalance(body),
        id_prefix=REBALANCE_ID_PREFIX,
        moving="noticed_at",
    ),
}
"""In the order of their requests: the kind that leaves the least time comes first."""


def account_and_region(body: bytes) -> tuple[str, str]:
    """Returns the account id and region of the instance identity document; BadDocument if it is none.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html
    """
    identity = _decode(_IDENTITY, body, "an instance identity document")
    return identity.account_id or "", identity.region or ""


def region_of_zone(zone: str) -> str:
    """Returns the region of an availability, local or wavelength zone: `us-west-2` of `us-west-2-lax-1a`.

    Empty if it names none. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html
    """
    found = _REGION.match(zone)
    return found[0] if found else ""


def _scheduled(entry: _Scheduled, raw: bytes, problems: list[str]) -> ScheduledMaintenance:
    if not (entry.event_id and entry.code and isinstance(entry.code, str)):
        raise BadDocument(f"expected a scheduled event with EventId and Code, got {_excerpt(raw)}")
    not_before_at = not_after_at = _instant(str(entry.not_before or ""), raw)
    if entry.not_after:
        try:
            not_after_at = _instant(str(entry.not_after), raw)
        except BadDocument as problem:
            # The end is only logged: an unreadable one must not cost the event.
            problems.append(f"{problem}; took NotBefore for NotAfter")
    return ScheduledMaintenance(
        event_id=entry.event_id,
        code=entry.code,
        not_before_at=not_before_at,
        not_after_at=not_after_at,
        reason=entry.description if isinstance(entry.description, str) else "",
    )


def _decode(decoder: msgspec.json.Decoder[T], body: bytes, expected: str) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadDocument(f"expected {expected}, got {_excerpt(body)}") from error


def _instant(text: str, body: bytes) -> float:
    # Scheduled events are dated `21 Jan 2019 09:00:43 GMT`, all else as RFC 3339.
    try:
        if text.endswith("GMT"):
            at = datetime.strptime(text, "%d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC).timestamp()
        else:
            at = parse_rfc3339(text)
    except ValueError as error:
        raise BadDocument(f"expected a date, got {text[:40]!r} in {_excerpt(body)}") from error
    if not 0 <= at < END_OF_DATES:
        raise BadDocument(f"expected a date from 1970 on, got {text[:40]!r} in {_excerpt(body)}")
    return at


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _excerpt(body: bytes) -> str:
    text = " ".join(body[: 4 * MAX_EXCERPT].decode("utf-8", "replace").split())
    return repr(text if len(text) <= MAX_EXCERPT else text[: MAX_EXCERPT - 1] + "…") if text else "nothing"
