"""Decides when a lifecycle hook's heartbeats are due, and when they are over.

They begin one interval after the hook's timeout began to count. One that could not be delivered is
tried again soon, because the hook times out if none arrives.
"""

from nth.core.lifecycle.hook_deadline import HookTime
from nth.core.lifecycle.hook_messages import (
    BACKOFF,
    SHORTEST_SECONDS,
    HeartbeatFailed,
    HeartbeatSent,
    HeartbeatsOver,
    HookDecision,
    HookRules,
    IntervalTooLong,
    Prolong,
    SendHeartbeat,
)
from nth.core.notices.aws_facts import HookTimeouts
from nth.errors import AwsError, AwsRefused

SHORTEST_INTERVAL_SECONDS = 10.0
RETRY_ROOM_SECONDS = 20.0
"""The room for a heartbeat that has to be tried once more: each try may take 7 s to fail."""


def auto_interval_seconds(timeout_seconds: float) -> float:
    """Returns half of the hook's timeout, with room for a second try, but no less than 10 s."""
    return max(SHORTEST_INTERVAL_SECONDS, min(timeout_seconds / 2, timeout_seconds - RETRY_ROOM_SECONDS))


class Heartbeats:
    """The heartbeats of one hook. `time` is moved by each that AWS accepts."""

    def __init__(self, rules: HookRules, began_at: float, time: HookTime) -> None:
        self._auto = rules.heartbeat_auto
        self._interval_seconds = _interval_seconds(rules)
        self._until_at = began_at + rules.heartbeat_until_seconds
        self._time = time
        self._running = self._interval_seconds is not None
        self._base_at = began_at
        self._retry_at: float | None = None
        self._sent_at: float | None = None
        self._failures = 0

    @property
    def wake_at(self) -> float | None:
        """The time when the next is due, or they are over; None = not before an answer."""
        if not self._running:
            return None
        return self._until_at if self._sent_at is not None else min(self._next_at, self._until_at)

    def learn(self, timeouts: HookTimeouts) -> list[HookDecision]:
        """Take the hook's timeouts from AWS."""
        if self._interval_seconds is None:
            return []
        if self._auto:
            self._interval_seconds = auto_interval_seconds(timeouts.heartbeat_seconds)
        self._base_at = min(self._base_at, self._time.extended_at) if self._failures == 0 else self._base_at
        if self._interval_seconds < timeouts.heartbeat_seconds:
            return []
        return [IntervalTooLong(self._interval_seconds, timeouts.heartbeat_seconds)]

    def due(self, now: float) -> list[HookDecision]:
        """Returns the decisions that are due."""
        if not self._running:
            return []
        decisions: list[HookDecision] = []
        if self._sent_at is None and self._next_at <= min(now, self._until_at):
            self._sent_at = now
            decisions.append(SendHeartbeat())
        if now >= self._until_at:
            self._running = False
            decisions.append(HeartbeatsOver())
        return decisions

    def answered(self, error: AwsError | None, now: float) -> list[HookDecision]:
        """Take AWS's answer; the action is not over."""
        sent_at, self._sent_at = self._sent_at, None
        assert sent_at is not None, "no heartbeat was under way"
        if error is not None:
            return self._failed(error, sent_at, now)
        self._failures, self._retry_at, self._base_at = 0, None, sent_at
        self._time.heard(sent_at)
        deadline_at = self._time.deadline_at
        moved: list[HookDecision] = [] if deadline_at is None else [Prolong(deadline_at)]
        return [HeartbeatSent(), *moved]

    def stop(self) -> None:
        """Send no more."""
        self._running = False

    @property
    def _next_at(self) -> float:
        regular_at = self._base_at + (self._interval_seconds or 0.0)
        return regular_at if self._retry_at is None else min(regular_at, self._retry_at)

    def _failed(self, error: AwsError, sent_at: float, now: float) -> list[HookDecision]:
        self._failures += 1
        regular = sent_at >= self._base_at + (self._interval_seconds or 0.0)
        if regular:
            self._base_at = sent_at
        # What AWS refuses it refuses again: the next regular one is soon enough.
        refused = isinstance(error, AwsRefused)
        self._retry_at = None if refused else now + BACKOFF.pause_seconds(self._failures)
        return [HeartbeatFailed(str(error))] if regular else []


def _interval_seconds(rules: HookRules) -> float | None:
    if rules.heartbeat_auto:
        return auto_interval_seconds(SHORTEST_SECONDS)
    return rules.heartbeat_interval_seconds
