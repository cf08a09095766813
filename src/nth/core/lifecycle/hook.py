"""One lifecycle action as a state machine: an instance that waits in a lifecycle hook for us.

It decides when to send heartbeats and when to complete, and goes on until AWS has accepted the completion
or says that the action is over. It does not know the drain: it is told when that is proven (`Settled`).
`handle(input, now)` returns decisions, `wake_at` says when it wants to be woken. Begin with `Woken`.
"""

from typing import assert_never

from nth.core.lifecycle.heartbeats import Heartbeats
from nth.core.lifecycle.hook_deadline import HookTime
from nth.core.lifecycle.hook_messages import (
    BACKOFF,
    CONTINUE,
    Abandoned,
    AskTimeouts,
    Complete,
    CompletionAnswered,
    CompletionFailed,
    Done,
    Hastened,
    HeartbeatAnswered,
    HookDecision,
    HookInput,
    HookRules,
    Outcome,
    Prolong,
    Settled,
    TimeoutsAnswered,
    TimeoutsUnknown,
    TimePassed,
    Woken,
)
from nth.core.notices.aws_facts import HookTimeouts
from nth.errors import ActionGone, AwsError, AwsRefused, NotProven

MARGIN_SECONDS = 5.0
"""A completion is sent so long before the hook would time out, even if its delay is not over."""
REFUSED_PAUSE_SECONDS = 30.0
"""The pause before a completion that AWS refuses is tried again: the permission may have been given."""
MAX_ASKED = 6
"""AWS is asked so often for the hook's timeouts if it refuses to tell them."""


class Hook:
    """The machine of one lifecycle action."""

    def __init__(
        self,
        rules: HookRules,
        now: float,
        *,
        noticed_at: float,
        deadline_at: float | None = None,
        launching: bool = False,
    ) -> None:
        """Begin with `noticed_at`, when the instance began to wait, by the event's time.

        `deadline_at` is the deadline that an earlier process learned. A launch needs no heartbeats,
        no delay and no deadline: an instance whose node never gets Ready is better replaced.
        """
        self.outcome: Outcome | None = None
        """None while more decisions may follow."""
        self._time = HookTime(now, noticed_at=noticed_at, deadline_at=deadline_at)
        self._beats = Heartbeats(HookRules() if launching else rules, now, self._time)
        self._result = CONTINUE if launching else rules.result
        self._delay_seconds = 0.0 if launching else rules.completion_delay_seconds
        self._ask_at: float | None = None if launching else now
        self._asked = 0
        self._settled_at: float | None = None
        self._abandoned = False
        self._completing = False
        self._retry_at: float | None = None
        self._failures = 0
        self._told: set[str] = set()

    @property
    def deadline_at(self) -> float | None:
        """The time when the hook times out as things are (epoch seconds); None if that is not known."""
        return self._time.deadline_at

    @property
    def completes_at(self) -> float | None:
        """The time when the completion is to be sent, or was; None: it is not settled."""
        if self._settled_at is None:
            return None
        if self._retry_at is not None:
            return self._retry_at
        due_at = self._settled_at + self._delay_seconds
        if self._time.deadline_at is None:
            return due_at
        return min(due_at, self._time.deadline_at - MARGIN_SECONDS)

    @property
    def wake_at(self) -> float | None:
        """The time when `Woken` is to be handed in, whatever else happens; None: not before an answer."""
        if self.outcome is not None or self._completing:
            return None
        moments = (self._time.ends_at, self._ask_at, self.completes_at, self._beats.wake_at)
        return min(at for at in moments if at is not None)

    def handle(self, given: HookInput, now: float) -> list[HookDecision]:
        """Take one input; returns the decisions that follow."""
        if self.outcome is not None:
            return []
        return [*self._take(given, now), *self._advance(now)]

    def _take(self, given: HookInput, now: float) -> list[HookDecision]:
        match given:
            case TimeoutsAnswered(answer):
                return self._timeouts_answered(answer, now)
            case HeartbeatAnswered(error):
                return self._heartbeat_answered(error, now)
            case CompletionAnswered(error):
                return self._completion_answered(error, now)
            case Settled():
                self._settled_at = now if self._settled_at is None else self._settled_at
                return []
            case Abandoned():
                return self._abandon()
            case Woken():
                return []
            case _:
                assert_never(given)

    def _advance(self, now: float) -> list[HookDecision]:
        if self.outcome is not None or self._completing:
            return []
        if now >= self._time.ends_at:
            return self._done(Outcome.TIMED_OUT)
        if self.completes_at is not None and self.completes_at <= now:
            return self._complete(now)
        return [*self._ask(now), *self._beats.due(now)]

    def _ask(self, now: float) -> list[HookDecision]:
        if self._ask_at is None or now < self._ask_at:
            return []
        self._ask_at = None
        self._asked += 1
        return [AskTimeouts()]

    def _timeouts_answered(self, answer: HookTimeouts | AwsError, now: float) -> list[HookDecision]:
        if isinstance(answer, AwsError):
            refused = isinstance(answer, AwsRefused)
            if not refused or self._asked < MAX_ASKED:
                self._ask_at = now + (
                    REFUSED_PAUSE_SECONDS if refused else BACKOFF.pause_seconds(self._asked)
                )
            return [TimeoutsUnknown(str(answer))] if self._asked == 1 else []
        late_seconds = self._time.learn(answer)
        decisions: list[HookDecision] = self._beats.learn(answer)
        if late_seconds:
            decisions.append(TimePassed(late_seconds))
        return decisions if self.deadline_at is None else [Prolong(self.deadline_at), *decisions]

    def _heartbeat_answered(self, error: AwsError | None, now: float) -> list[HookDecision]:
        if self._completing:
            return []  # The completion's own answer tells more.
        if isinstance(error, ActionGone):
            return self._done(Outcome.GONE)
        return self._beats.answered(error, now)

    def _complete(self, now: float) -> list[HookDecision]:
        # Whatever the answer: a completion that fails is tried again, and needs no heartbeats.
        self._beats.stop()
        self._completing = True
        assert self._settled_at is not None
        left_seconds = self._settled_at + self._delay_seconds - now
        early = self._retry_at is None and left_seconds > 0
        return [*([Hastened(left_seconds)] if early else []), Complete(self._result)]

    def _completion_answered(self, error: AwsError | None, now: float) -> list[HookDecision]:
        self._completing = False
        if error is None:
            return self._done(Outcome.COMPLETED)
        if isinstance(error, ActionGone):
            return self._done(Outcome.GONE)
        if self._abandoned:
            return self._done(Outcome.HANDED_OVER)
        refused = isinstance(error, AwsRefused)
        self._failures += 1
        told = self._tell_failure(error, refused=refused)
        over_at = self._time.surely_over_at
        if refused and now >= over_at:
            return [*told, *self._done(Outcome.TIMED_OUT)]
        self._retry_at = now + BACKOFF.pause_seconds(self._failures)
        if refused:
            # Once more when its time is over: then AWS says so, or there is no permission still.
            self._retry_at = min(now + REFUSED_PAUSE_SECONDS, over_at)
        return told

    def _tell_failure(self, error: AwsError, *, refused: bool) -> list[HookDecision]:
        kind = (
            f"{type(error).__name__} {error.code}" if isinstance(error, AwsRefused) else type(error).__name__
        )
        if kind in self._told:
            return []
        self._told.add(kind)
        # An unproven one needs no help: its message brings the proof.
        return [CompletionFailed(str(error), refused and not isinstance(error, NotProven))]

    def _abandon(self) -> list[HookDecision]:
        self._abandoned = True
        # A completion under way may still be accepted.
        return [] if self._completing else self._done(Outcome.HANDED_OVER)

    def _done(self, outcome: Outcome) -> list[HookDecision]:
        self.outcome = outcome
        return [Done(outcome)]
