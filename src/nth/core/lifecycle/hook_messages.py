"""The words between a lifecycle hook's machine and its shell: answers go in, decisions and reports come out.

`lifecycle_hook` says what follows from what.
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
    """What the settings say about lifecycle hooks."""

    result: str = CONTINUE
    """Of a termination: CONTINUE or ABANDON. A launch is always completed with CONTINUE."""
    completion_delay_seconds: float = 0
    """COMPLETE_LIFECYCLE_ACTION_DELAY_SECONDS; 0 = none."""
    heartbeat_interval_seconds: float | None = None
    """HEARTBEAT_INTERVAL; None = no heartbeats, unless `heartbeat_auto`."""
    heartbeat_until_seconds: float = LONGEST.global_seconds
    """HEARTBEAT_UNTIL, since the hook's machine was begun."""
    heartbeat_auto: bool = False
    """The interval follows from the hook's own timeout instead."""


class Outcome(Enum):
    """How a lifecycle action ended for us."""

    COMPLETED = "completed"
    """AWS accepted the completion."""
    GONE = "gone"
    """AWS says that it is over: timed out, completed by somebody else, or the instance is gone."""
    TIMED_OUT = "timed out"
    """It could not be completed, and its time is over as far as we know."""
    HANDED_OVER = "handed over"
    """Left to somebody else."""


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
    """A way out without completion: the session was handed over, or called off."""


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
    """Nothing more will be decided."""

    outcome: Outcome


# Reports


@dataclass(frozen=True, slots=True)
class HeartbeatSent:
    """AWS accepted it."""


@dataclass(frozen=True, slots=True)
class HeartbeatFailed:
    """Said once for each heartbeat that was due, however often it was tried."""

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
    """How long the hook waits could not be asked; said once."""

    reason: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """By the event's own time the hook has timed out already; only AWS can tell."""

    seconds: float
    """Since when."""


@dataclass(frozen=True, slots=True)
class Hastened:
    """The completion goes out before its delay is over, because the hook would time out first."""

    seconds: float
    """How much is left of the delay."""


@dataclass(frozen=True, slots=True)
class CompletionFailed:
    """It will be tried again; said once for each kind of error."""

    reason: str
    refused: bool
    """AWS says no: somebody has to change a permission."""


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
