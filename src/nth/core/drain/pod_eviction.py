"""One pod on its way out: the requests, the answers, and when it is worth asking again."""

from dataclasses import dataclass, replace
from enum import Enum

from nth.core.backoff import Backoff, Refusals
from nth.core.drain.grace import GraceTimes
from nth.core.facts import Pod
from nth.errors import Blocked, ClusterError, Conflict, Forbidden, Rejected, Throttled, Unreachable

BLOCKED_RETRY_SECONDS = 5.0
"""A refused eviction is tried again after this, or as soon as something changed in its namespace."""
STIRRED_RETRY_SECONDS = 1.0
"""A stirred one is not tried more often than this."""
UNREACHABLE_BACKOFF = Backoff(0.5, 2.0)
OFTEN = 12
"""After so many refusals, an eviction that may not be asked for is asked for ever less often."""
LONGEST_SECONDS = 60.0
COUNTED_SECONDS = 0.2
"""A budget's controller may need so long to count a pod that has just become Ready."""

NEVER_AT = float("inf")


class Step(Enum):
    """The steps of a pod on its way out."""

    WAITING = "waiting"
    ASKED = "asked"
    REFUSED = "refused"
    GOING = "going"


@dataclass(slots=True)
class PodEviction:
    """One pod that has to go."""

    pod: Pod
    """Its newest state, but once it is going its readiness and phase stay as they were before."""
    step: Step = Step.WAITING
    first_asked_at: float | None = None
    asked_at: float = 0
    retry_at: float = 0
    stirred_at: float = 0
    """The last change in its namespace."""
    attempts: int = 0
    blocked: bool = False
    """True if a budget refused it last, so that news may change the answer."""
    refusal: str = ""
    refusals: int = 0
    """How often the reason of the refusal was another one than before."""
    grace_seconds: int = 0
    deleting: bool = False
    """True if the request under way is a delete."""
    evicted: bool = False
    """True if an eviction was accepted."""
    forced: bool = False
    """True if a delete past a refusal was accepted."""
    unclear: bool = False
    """True if the last request has no answer, or its answer was lost: it may have been granted."""
    shortened: bool = False
    """True if it was going already, and a shorter grace has been asked for."""

    def see(self, pod: Pod) -> None:
        """Take its news. A kubelet makes a pod not Ready and shows its final phase before its object goes."""
        if pod.deleting_until_at is not None:
            pod = replace(pod, ready=self.pod.ready, phase=pod.phase if pod.of_job else self.pod.phase)
        self.pod = pod

    @property
    def passes_budget(self) -> bool:
        """True if its delete is under way or accepted, though no eviction was."""
        return self.forced or (self.step is Step.ASKED and self.deleting and not self.shortened)

    def resume(self, asked_at: float, *, forced: bool) -> None:
        """Take a request that was granted before this process came: the pod shows it."""
        self.step, self.forced, self.evicted = Step.GOING, forced, not forced
        self.first_asked_at = asked_at
        # 0 says that nothing of it was running: its end took no time that was left.
        self.grace_seconds = self.pod.deletion_grace_seconds or self.pod.grace_seconds

    def ask(self, now: float, times: GraceTimes, *, deleting: bool) -> None:
        """Note a request, with the grace that the time allows."""
        self.shortened = deleting and self.step is Step.GOING
        self.step, self.unclear = Step.ASKED, True
        self.deleting = deleting
        self.attempts += 1
        self.asked_at = now
        if self.first_asked_at is None:
            self.first_asked_at = now
        self.grace_seconds = times.grace_seconds(self.pod, now)

    def pause(self, error: ClusterError, now: float) -> None:
        """Note that the request failed: wait before the next one."""
        self.unclear = isinstance(error, Unreachable)
        self.retry_at = now + _pause_seconds(error, self.attempts)
        self.blocked = isinstance(error, Blocked)

    def hasten(self) -> None:
        """Shorten the pause if something changed since the refused request was sent."""
        if self.step is Step.REFUSED and self.blocked and self.stirred_at >= self.asked_at:
            soonest_at = max(self.stirred_at + COUNTED_SECONDS, self.asked_at + STIRRED_RETRY_SECONDS)
            self.retry_at = min(self.retry_at, soonest_at)

    def force_at(self, times: GraceTimes) -> float:
        """Returns when it is deleted if its eviction has been refused; NEVER_AT without a deadline."""
        latest_at = times.latest_at(self.pod)
        if latest_at is None:
            return NEVER_AT
        # A delete that failed waits its pause; an eviction that was refused waits for nothing more.
        return max(latest_at, self.retry_at) if self.deleting else latest_at

    def end_at(self, times: GraceTimes) -> float:
        """Returns when it is ended, if it would go on terminating past the limit; NEVER_AT if it would not.

        Not before the limit: the API server counts a shorter grace from the first deletion on, so a
        pod that is shortened may have no time left at all.
        """
        until_at, grace_seconds = self.pod.deleting_until_at, self.pod.deletion_grace_seconds
        if self.shortened or until_at is None or grace_seconds is None or times.limit_at is None:
            return NEVER_AT
        # The API counts whole seconds, and takes only a grace that is shorter than the one it has.
        if until_at <= times.limit_at + 1 or grace_seconds <= 1:
            return NEVER_AT
        return max(self.retry_at, times.limit_at)

    @property
    def how_it_left(self) -> str:
        """Says how a pod that is gone has left, in the words of `PodLeft`."""
        unclear = self.unclear and not self.shortened
        if self.forced or (unclear and self.deleting):
            return "forced"
        return "evicted" if self.evicted or unclear else "by itself"

    def why_there(self) -> str:
        """Returns the reason why it has not left."""
        if self.step is Step.GOING and self.pod.finalizers:
            return f"terminating, held by its finalizers {', '.join(self.pod.finalizers)}"
        if self.step is Step.GOING:
            return "still terminating"
        return self.refusal or "not evicted yet"


def as_asked(pod: Pod) -> Pod:
    """Returns the pod as it was when it was asked to go, as far as a terminating pod still shows that."""
    if pod.deleting_until_at is None or not pod.was_ready:
        return pod
    return replace(pod, ready=True, phase=pod.phase if pod.of_job else "Running")


def _pause_seconds(error: ClusterError, attempts: int) -> float:
    """Returns the pause before a refused request is worth repeating."""
    match error:
        case Throttled():
            return error.retry_after_seconds or 1.0
        case Conflict():
            return 0.2
        case Unreachable():
            return error.retry_after_seconds or UNREACHABLE_BACKOFF.pause_seconds(attempts)
        case Forbidden() | Rejected():
            # No news of a budget helps here: a rule has to be changed.
            return Refusals(OFTEN, LONGEST_SECONDS, attempts).pause_seconds(BLOCKED_RETRY_SECONDS)
        case _:
            return BLOCKED_RETRY_SECONDS
