"""amazon-ec2-metadata-mock as the metadata service of one instance, on a free loopback port.

To change the notices, the process is replaced by another on the same port, in about 30 ms
without an answer. A notice that is to come later, in the middle of a quiet time, names its moment
beforehand (`said_at`).
https://github.com/aws/amazon-ec2-metadata-mock/blob/main/docs/configuration.md
"""

import json
import math
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from nth.core.times import utc_text
from testbed import processes

_NEVER_AT = 5_000_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotNotices:
    """The notices of a Spot instance; None = none of that kind.

    `said_at`: the whole second from which they are there; before, the path is not found.
    """

    interrupted_at: float | None = None
    action: str = "terminate"
    said_at: float = 0.0
    rebalance_noticed_at: float | None = None
    rebalance_said_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledEvent:
    """Scheduled maintenance; `said_at` as above."""

    code: str = "system-reboot"
    state: str = "active"
    """`active`, `canceled` or `completed`."""
    event_id: str = "instance-event-1234567890abcdef0"
    not_before_at: float
    not_after_at: float
    said_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgTargetState:
    """The target lifecycle state: InService, and Terminated from `terminated_at` on."""

    terminated_at: float


Hears = SpotNotices | ScheduledEvent | AsgTargetState

_COMMANDS: dict[type[Hears], str] = {
    SpotNotices: "spot",
    ScheduledEvent: "events",
    AsgTargetState: "asglifecycle",
}


@dataclass(slots=True)
class MetadataMock:
    """A metadata service. It is silent (nothing listens) until the first `hear`, and after `stop`."""

    program: Path
    folder: Path
    instance_id: str = "i-0123456789abcdef0"
    imdsv2_only: bool = False
    port: int = field(default_factory=lambda: processes.free_ports(1)[0])
    _pid: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hear(self, what: Hears) -> None:
        """Serve this from now on, and no other kind of notice; returns when the service answers.

        `hear(SpotNotices())` is a healthy instance.
        """
        self.stop()
        self._write(what)
        arguments = [str(self.program), _COMMANDS[type(what)], f"--config-file={self._config}"]
        # Its home is where it would look for a configuration of the user's.
        environment = {"HOME": str(self.folder)}
        self._pid = processes.spawn(arguments, self.folder / "log", environment)
        if not processes.wait_for(self._answers, timeout_seconds=10.0):
            raise TimeoutError(f"{self.program.name} does not answer; see {self.folder / 'log'}")

    def stop(self) -> None:
        """Close the port: the service is silent."""
        if self._pid is not None:
            processes.stop(self._pid, patience_seconds=2.0)
            self._pid = None

    @property
    def _config(self) -> Path:
        return self.folder / "config.json"

    def _answers(self) -> bool:
        token = urllib.request.Request(
            f"{self.url}/latest/api/token",
            method="PUT",
            headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"},
        )
        try:
            with urllib.request.urlopen(token, timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _write(self, what: Hears) -> None:
        document = {
            "server": {"hostname": "127.0.0.1", "port": str(self.port)},
            "imdsv2": self.imdsv2_only,
            # The number of callers that may hear of an interruption: any.
            "mock-ip-count": -1,
            **_said(what),
            "metadata": {"values": self._identity(what)},
        }
        self._config.write_text(json.dumps(document))

    def _identity(self, what: Hears) -> dict[str, str]:
        life_cycle = "spot" if isinstance(what, SpotNotices) else "on-demand"
        identity = {"instance-id": self.instance_id, "instance-life-cycle": life_cycle}
        return identity | ({"event-id": what.event_id} if isinstance(what, ScheduledEvent) else {})


def _said(what: Hears) -> dict[str, object]:
    match what:
        case SpotNotices():
            return _spot(what)
        case ScheduledEvent():
            times = {"not-before": utc_text(what.not_before_at), "not-after": utc_text(what.not_after_at)}
            event = {"code": what.code, "state": what.state, **times}
            return {"events": event, "mock-trigger-time": _whole_second(what.said_at)}
        case AsgTargetState():
            return {"asg-termination-trigger-time": _whole_second(what.terminated_at)}


def _spot(what: SpotNotices) -> dict[str, object]:
    interrupted_at = _NEVER_AT if what.interrupted_at is None else what.interrupted_at
    noticed_at = _NEVER_AT if what.rebalance_noticed_at is None else what.rebalance_noticed_at
    said_at = _NEVER_AT if what.interrupted_at is None else what.said_at
    rebalance_said_at = _NEVER_AT if what.rebalance_noticed_at is None else what.rebalance_said_at
    return {
        "spot": {
            "action": what.action,
            "time": utc_text(interrupted_at),
            "rebalance-rec-time": utc_text(noticed_at),
        },
        "mock-trigger-time": _whole_second(said_at),
        "rebalance-trigger-time": _whole_second(rebalance_said_at),
    }


def _whole_second(at: float) -> str:
    return utc_text(math.ceil(at))
