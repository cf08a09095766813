"""The EC2 metadata service of one instance in memory: `ports.MetadataService` that follows a script.

Paths and documents are AWS's. The script's events happen at their instants, whether or
not there are requests: at an interruption the machine loses its power.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from nth.core.notices.imds import ASG_PATH, IDENTITY_PATH, REBALANCE_PATH, SCHEDULED_PATH, SPOT_PATH
from nth.core.times import utc_text
from nth.errors import MetadataError
from nth.ports import Clock

LATENCY_SECONDS = 0.002
NOTICE_SECONDS = 120.0
"""A Spot interruption is noticed so long before it happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSpec:
    """The instance that this metadata service belongs to."""

    instance_id: str = "i-0123456789abcdef0"
    instance_type: str = "m5.large"
    life_cycle: str = "spot"
    zone: str = "eu-west-1a"
    account_id: str = "123456789012"
    local_ipv4: str = "10.0.0.10"
    public_ipv4: str = "203.0.113.10"

    @property
    def region(self) -> str:
        return self.zone[:-1]

    def documents(self) -> Mapping[str, bytes]:
        """Returns the documents that never change, by path."""
        local_name, public_name = (ip.replace(".", "-") for ip in (self.local_ipv4, self.public_ipv4))
        metadata = {
            "instance-id": self.instance_id,
            "instance-life-cycle": self.life_cycle,
            "instance-type": self.instance_type,
            "local-hostname": f"ip-{local_name}.{self.region}.compute.internal",
            "local-ipv4": self.local_ipv4,
            "placement/availability-zone": self.zone,
            "public-hostname": f"ec2-{public_name}.{self.region}.compute.amazonaws.com",
            "public-ipv4": self.public_ipv4,
        }
        identity = {
            "accountId": self.account_id,
            "availabilityZone": self.zone,
            "instanceId": self.instance_id,
            "instanceType": self.instance_type,
            "privateIp": self.local_ipv4,
            "region": self.region,
        }
        texts = {f"/latest/meta-data/{name}": text.encode() for name, text in metadata.items()}
        return {**texts, IDENTITY_PATH: json.dumps(identity).encode()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledEvent:
    """A scheduled event as AWS lists it."""

    event_id: str = "instance-event-0d59937288b749b32"
    code: str = "system-reboot"
    description: str = "scheduled reboot"
    not_before_at: float
    not_after_at: float | None = None
    """None = AWS names none."""
    state: str = "active"
    """`active`, `canceled` or `completed`."""

    def document(self) -> dict[str, str]:
        dates = {"NotBefore": _aws_date(self.not_before_at)}
        if self.not_after_at is not None:
            dates["NotAfter"] = _aws_date(self.not_after_at)
        return {
            "EventId": self.event_id,
            "Code": self.code,
            "Description": self.description,
            "State": self.state,
            **dates,
        }


def no_fault(_path: str) -> MetadataError | None:
    """Let every request through."""
    return None


@dataclass(slots=True)
class _Script:
    """The documents as they are now; None = not (yet) there."""

    spot: bytes | None = None
    rebalance: bytes | None = None
    asg_state: bytes | None = b"InService"
    scheduled: dict[str, ScheduledEvent] = field(default_factory=dict)


class SimulatedCloud:
    """The metadata service; it must be made inside the loop it is to live in (`clock.run`).

    `power_off` is called when an interruption takes the machine. `faults` gives, for a path, an
    error instead of the document.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        instance: InstanceSpec | None = None,
        power_off: Callable[[], None] = lambda: None,
        faults: Callable[[str], MetadataError | None] = no_fault,
        latency_seconds: float = LATENCY_SECONDS,
    ) -> None:
        self._clock = clock
        self._fixed = (instance or InstanceSpec()).documents()
        self._power_off = power_off
        self._faults = faults
        self._latency_seconds = latency_seconds
        self._said = _Script()
        self.requests: list[str] = []
        """Every path that was asked for, in order."""

    async def get(self, path: str) -> bytes | None:
        self.requests.append(path)
        await asyncio.sleep(self._latency_seconds)
        if (error := self._faults(path)) is not None:
            raise error
        return self._document(path)

    # The script

    def interrupt(
        self, interrupted_at: float, action: str = "terminate", *, notice_seconds: float = NOTICE_SECONDS
    ) -> None:
        """Take the machine away at that instant, with a notice `notice_seconds` before."""
        notice = json.dumps({"action": action, "time": utc_text(interrupted_at)}).encode()
        self._at(interrupted_at - notice_seconds, lambda: self._say_spot(notice))
        self._at(interrupted_at, self._power_off)

    def rebalance(self, noticed_at: float) -> None:
        """Put the instance at elevated risk from then on."""
        self._at(noticed_at, lambda: self._say_rebalance(noticed_at))

    def schedule(self, event: ScheduledEvent, *, told_at: float = 0.0) -> None:
        """List this event from that instant on; one with the same id is replaced."""
        self._at(told_at, lambda: self._list(event))

    def cancel(self, event_id: str, *, told_at: float = 0.0) -> None:
        """Cancel the event; AWS goes on listing it as canceled."""
        self._at(told_at, lambda: self._end(event_id, "canceled"))

    def complete(self, event_id: str, *, told_at: float = 0.0) -> None:
        """Complete the event; AWS goes on listing it as completed."""
        self._at(told_at, lambda: self._end(event_id, "completed"))

    def asg_terminate(self, told_at: float) -> None:
        """Let the Auto Scaling group take the instance out from then on."""
        self._at(told_at, self._say_terminated)

    def _at(self, at: float, act: Callable[[], None]) -> None:
        """Act at that instant, or at once if it has passed."""
        wait_seconds = at - self._clock.now()
        if wait_seconds <= 0:
            act()
        else:
            asyncio.get_running_loop().call_later(wait_seconds, act)

    def _say_spot(self, notice: bytes) -> None:
        self._said.spot = notice

    def _say_rebalance(self, noticed_at: float) -> None:
        self._said.rebalance = json.dumps({"noticeTime": utc_text(noticed_at)}).encode()

    def _say_terminated(self) -> None:
        self._said.asg_state = b"Terminated"

    def _list(self, event: ScheduledEvent) -> None:
        self._said.scheduled[event.event_id] = event

    def _end(self, event_id: str, state: str) -> None:
        self._list(replace(self._said.scheduled[event_id], state=state))

    # The answers

    def _document(self, path: str) -> bytes | None:
        said = {
            SPOT_PATH: self._said.spot,
            REBALANCE_PATH: self._said.rebalance,
            ASG_PATH: self._said.asg_state,
            SCHEDULED_PATH: self._scheduled(),
        }
        return said[path] if path in said else self._fixed.get(path)

    def _scheduled(self) -> bytes:
        # AWS answers with an empty list, not with 404, when nothing is scheduled.
        return json.dumps([event.document() for event in self._said.scheduled.values()]).encode()


def _aws_date(at: float) -> str:
    """Returns the instant as AWS writes it: `21 Jan 2019 09:00:43 GMT`."""
    return datetime.fromtimestamp(at, UTC).strftime("%-d %b %Y %H:%M:%S GMT")
