"""The types between a lifecycle hook's machine and its shell: answers go in, decisions and reports come out.

`hook` is the machine.
"""

from dataclasses import dataclass
from enum import Enum

from nth.core.backoff import Backoff
from nth.core.notices.aws_facts import HookTimeouts
from nth.errors import AwsError

CONTINUE = "CONTINUE"
ABANDON = "ABANDON"
LONGEST = HookTimeouts(heartbeat_seconds=7200, global_seconds=172_800)
"""No hook waits longer: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html"""
SHORTEST_SECONDS = 30.0
"""Nor can a hook's timeout be shorter (the same page)."""
BACKOFF = Backoff(0.5, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRules:
    """The settings about lifecycle hooks."""

    result: str = CONTINUE
    """The result of a termination: CONTINUE or ABANDON. A launch is always completed with CONTINUE."""
    completion_delay_seconds: float = 0
    """COMPLETE_LIFECYCLE_ACTION_DELAY_SECONDS; 0 = none."""
    heartbeat_interval_seconds: float | None = None
    """HEARTBEAT_INTERVAL; None = no heartbeats, unless `heartbeat_auto`."""
    heartbeat_until_seconds: float = LONGEST.global_seconds
    """HEARTBEAT_UNTIL, since the hook's machine was begun."""
    heartbeat_auto: bool = False
    """True if the interval follows from the hook's own timeout instead."""


class Outcome(Enum):
    """The end of a lifecycle action, as we know it."""

    COMPLETED = "completed"
    """AWS accepted the completion."""
    GONE = "gone"
    """AWS says that it is over: timed out, completed by another program, or the instance is gone."""
    TIMED_OUT = "timed out"
    """It could not be completed, and its time is over as far as we know."""
    HANDED_OVER = "handed over"
    """It was left to others, without a completion from us."""


# Inputs


@dataclass(frozen=True, slots=True)
class TimeoutsAnswered:
    answer: HookTimeouts | AwsError


@dataclass(frozen=True, slots=True)
class HeartbeatAnswered:
    error: AwsError | None


@dataclass(frozen=True, slots=True)
class CompletionAnswered:
    error: AwsError | None


@dataclass(frozen=True, slots=True)
class Settled:
    """The drain is done and proven, or the new instance's node is Ready: nothing is left to wait for."""


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The session was handed over, or called off: there will be no completion."""


@dataclass(frozen=True, slots=True)
class Woken:
    """`wake_at` has come."""


HookInput = TimeoutsAnswered | HeartbeatAnswered | CompletionAnswered | Settled | Abandoned | Woken


# Decisions


@dataclass(frozen=True, slots=True)
class AskTimeouts:
    """Answered by TimeoutsAnswered."""


@dataclass(frozen=True, slots=True)
class SendHeartbeat:
    """Answered by HeartbeatAnswered."""


@dataclass(frozen=True, slots=True)
class Complete:
    """Answered by CompletionAnswered."""

    result: str


@dataclass(frozen=True, slots=True)
class Prolong:
    """The instance is known to wait until then, and no longer as things are (epoch seconds)."""

    deadline_at: float


@dataclass(frozen=True, slots=True)
class Done:
    """No more decisions follow."""

    outcome: Outcome


# Reports


@dataclass(frozen=True, slots=True)
class HeartbeatSent:
    """AWS accepted a heartbeat."""


@dataclass(frozen=True, slots=True)
class HeartbeatFailed:
    """A heartbeat failed; reported once for each that was due, however often it was tried."""

    reason: str


@dataclass(frozen=True, slots=True)
class HeartbeatsOver:
    """HEARTBEAT_UNTIL has passed; the hook times out next."""


@dataclass(frozen=True, slots=True)
class IntervalTooLong:
    """The hook times out before the next heartbeat."""

    interval_seconds: float
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class TimeoutsUnknown:
    """AWS did not tell the hook's timeouts; reported once."""

    reason: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """By the event's own time the hook has timed out already; only AWS can tell."""

    seconds: float
    """The seconds since then."""


@dataclass(frozen=True, slots=True)
class Hastened:
    """The completion goes out before its delay is over, because the hook would time out first."""

    seconds: float
    """The seconds of the delay that are left."""


@dataclass(frozen=True, slots=True)
class CompletionFailed:
    """A completion failed and will be tried again; reported once for each kind of error."""

    reason: str
    refused: bool
    """True if AWS says no: a permission has to be changed."""


HookReport = (
    HeartbeatSent
    | HeartbeatFailed
    | HeartbeatsOver
    | IntervalTooLong
    | TimeoutsUnknown
    | TimePassed
    | Hastened
    | CompletionFailed
)
HookDecision = AskTimeouts | SendHeartbeat | Complete | Prolong | Done | HookReport
