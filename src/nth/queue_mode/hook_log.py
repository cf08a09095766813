"""Logs the reports of a lifecycle hook's machine. It decides nothing.

The texts about heartbeats are the original handler's, word for word: users match on them.
"""

import logging
from typing import assert_never

from nth.core.lifecycle.hook_messages import (
    CompletionFailed,
    Hastened,
    HeartbeatFailed,
    HeartbeatSent,
    HeartbeatsOver,
    HookReport,
    IntervalTooLong,
    Outcome,
    TimeoutsUnknown,
    TimePassed,
)
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.queue.recent_keys import Remembered

logger = logging.getLogger("nth.queue_mode.hooks")

_ENDS = {
    Outcome.COMPLETED: (logging.INFO, "Completed ASG Lifecycle Hook"),
    Outcome.GONE: (logging.INFO, "the lifecycle action was over already, so there was nothing to complete"),
    Outcome.TIMED_OUT: (logging.ERROR, "the lifecycle action was not completed in its time, giving up"),
    Outcome.HANDED_OVER: (logging.INFO, "the lifecycle action is left to a successor"),
}


class HookLog:
    """Logs a report about a hook once for all actions that wait in it."""

    def __init__(self) -> None:
        self._said = Remembered(max_keys=1000)

    def ended(self, action: LifecycleAction, outcome: Outcome) -> None:
        """Log that the action is over."""
        level, text = _ENDS[outcome]
        logger.log(level, text, extra={"fields": _fields(action)})

    def report(self, action: LifecycleAction, report: HookReport, now: float) -> None:
        """Log a report; `now` in epoch seconds."""
        if isinstance(report, IntervalTooLong | TimeoutsUnknown):
            key = f"{action.group}/{action.hook} {type(report).__name__}"
            if self._said.has(key, now):
                return
            self._said.add(key, now)
        level, text, more = _line(report)
        logger.log(level, text, extra={"fields": {**_fields(action), **more}})


def _fields(action: LifecycleAction) -> dict[str, object]:
    return {"instance_id": action.instance_id, "group": action.group, "hook": action.hook}


def _line(report: HookReport) -> tuple[int, str, dict[str, object]]:
    match report:
        case HeartbeatSent():
            return logging.INFO, "Successfully sent lifecycle heartbeat", {}
        case HeartbeatFailed(reason):
            return logging.WARNING, "Failed to send lifecycle heartbeat", {"error": reason}
        case HeartbeatsOver():
            return logging.WARNING, "Heartbeat deadline exceeded, stopping heartbeat", {}
        case _:
            return _trouble(report)


def _trouble(
    report: IntervalTooLong | TimeoutsUnknown | TimePassed | Hastened | CompletionFailed,
) -> tuple[int, str, dict[str, object]]:
    match report:
        case IntervalTooLong(interval_seconds, timeout_seconds):
            text = "HEARTBEAT_INTERVAL is too long: this lifecycle hook times out before the next heartbeat"
            more = {"interval_seconds": interval_seconds, "timeout_seconds": timeout_seconds}
            return logging.WARNING, text, {**more}
        case TimeoutsUnknown(reason):
            text = "cannot ask how long this lifecycle hook waits, so the node's grace period counts instead"
            return logging.WARNING, text, {"error": reason}
        case TimePassed(seconds):
            text = "by the event's own time the lifecycle hook has timed out already; only AWS can tell"
            return logging.WARNING, text, {"late_seconds": round(seconds)}
        case Hastened(seconds):
            text = "completing the lifecycle action before its delay is over, or the hook would time out"
            return logging.WARNING, text, {"early_seconds": round(seconds)}
        case CompletionFailed(reason, refused):
            text = "cannot complete the lifecycle action, trying again until its time is over"
            return logging.ERROR if refused else logging.WARNING, text, {"error": reason}
        case _:
            assert_never(report)
