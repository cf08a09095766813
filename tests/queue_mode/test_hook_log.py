"""What hooks report, in the log."""

import logging

import pytest

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
from nth.queue_mode.hook_log import HookLog

ACTION = LifecycleAction(group="workers", hook="drain", token="secret", instance_id="i-0123456789abcdef0")


@pytest.mark.parametrize(
    ("report", "level", "text"),
    [
        (HeartbeatSent(), "INFO", "Successfully sent lifecycle heartbeat"),
        (HeartbeatFailed("refused"), "WARNING", "Failed to send lifecycle heartbeat"),
        (HeartbeatsOver(), "WARNING", "Heartbeat deadline exceeded, stopping heartbeat"),
        (IntervalTooLong(60, 30), "WARNING", "HEARTBEAT_INTERVAL is too long"),
        (TimeoutsUnknown("denied"), "WARNING", "cannot ask how long"),
        (TimePassed(50), "WARNING", "has timed out already"),
        (Hastened(50), "WARNING", "before its delay is over"),
        (CompletionFailed("refused", refused=False), "WARNING", "cannot complete the lifecycle action"),
        (CompletionFailed("denied", refused=True), "ERROR", "cannot complete the lifecycle action"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_L3_each_report_is_a_line_that_names_the_instance(
    caplog: pytest.LogCaptureFixture, report: HookReport, level: str, text: str
) -> None:
    caplog.set_level(logging.INFO, "nth.queue_mode.hooks")
    HookLog().report(ACTION, report, 0)
    (line,) = caplog.records
    assert line.levelname == level
    assert text in line.message
    fields: dict[str, object] = line.__dict__["fields"]
    assert (fields["instance_id"], fields["group"], fields["hook"]) == (
        ACTION.instance_id,
        "workers",
        "drain",
    )
    assert "secret" not in str(line.__dict__)


@pytest.mark.parametrize("outcome", list(Outcome), ids=lambda outcome: outcome.name.lower())
def test_each_end_is_a_line(caplog: pytest.LogCaptureFixture, outcome: Outcome) -> None:
    caplog.set_level(logging.INFO, "nth.queue_mode.hooks")
    HookLog().ended(ACTION, outcome)
    assert len(caplog.records) == 1


def test_what_is_true_of_a_hook_is_said_once_for_all_its_instances(caplog: pytest.LogCaptureFixture) -> None:
    log = HookLog()
    for report in (IntervalTooLong(60, 30), TimeoutsUnknown("denied")) * 5:
        log.report(ACTION, report, 0)
    assert len(caplog.records) == 2
