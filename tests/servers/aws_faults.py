"""What may go wrong between a client and the tests' AWS, and which request it hits."""

import threading
import time
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["error", "drop", "garbage", "entries", "delay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Hits the next `times` requests, or all of the next `seconds`."""

    service: str
    """`sqs`, `ec2`, `autoscaling`, `sts`."""
    action: str = ""
    """As AWS names it; empty = any."""
    kind: Kind = "error"
    """error: an answer with `status` and `code`. drop: the connection is cut. garbage: not AWS's answer.
    entries: so many entries of a batch fail. delay: nothing else than that."""
    times: int = 1
    seconds: float = 0.0
    delay_seconds: float = 0.0
    """Before anything else."""
    after: bool = False
    """AWS acts, and only the answer is lost."""
    status: int = 400
    code: str = "Throttling"
    """Of the answer, or of the entries that fail."""
    message: str = "a fault of the test"
    entries: int = 1
    final: bool = False
    """The entries that fail are the sender's fault."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came in; `at` is epoch seconds."""

    service: str
    action: str
    at: float
    names: tuple[str, ...] = ()
    """Of its parameters, where it is about a lifecycle action."""


class Faults:
    """Those that are set, the oldest first. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set: list[tuple[Fault, float]] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._set.append((fault, time.time()))

    def clear(self) -> None:
        with self._lock:
            self._set.clear()

    def take(self, call: Call) -> Fault | None:
        """The fault that hits this call; it is used up by one."""
        with self._lock:
            for i, (fault, since) in enumerate(self._set):
                if not _hits(fault, since, call):
                    continue
                if not fault.seconds:
                    left = replace(fault, times=fault.times - 1)
                    self._set[i : i + 1] = [(left, since)] if left.times > 0 else []
                return fault
        return None

    def is_out(self, call: Call) -> bool:
        """Whether a cut that lasts for a time has begun: it ends long polls, too."""
        with self._lock:
            return any(f.kind == "drop" and f.seconds and _hits(f, since, call) for f, since in self._set)


def _hits(fault: Fault, since: float, call: Call) -> bool:
    if fault.seconds and time.time() > since + fault.seconds:
        return False
    return fault.service == call.service and fault.action in ("", call.action)
