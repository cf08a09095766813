"""When heartbeats are due: what a whole hook's stories (`test_lifecycle_hook`) do not show."""

import pytest

from nth.core.lifecycle.heartbeats import Heartbeats, auto_interval_seconds
from nth.core.lifecycle.hook_deadline import HookTime
from nth.core.lifecycle.hook_messages import HeartbeatFailed, HeartbeatsOver, HookRules, SendHeartbeat
from nth.core.notices.aws_facts import HookTimeouts
from nth.errors import AwsUnreachable

NOW = 10_000.0


def some(rules: HookRules) -> Heartbeats:
    return Heartbeats(rules, NOW, HookTime(NOW, noticed_at=NOW, deadline_at=None))


@pytest.mark.parametrize(
    ("timeout", "interval"), [(30, 10), (40, 20), (60, 30), (3600, 1800), (7200, 3600), (5, 10)]
)
def test_the_automatic_interval_leaves_room_for_a_second_try(timeout: float, interval: float) -> None:
    assert auto_interval_seconds(timeout) == interval


def test_without_an_interval_nothing_is_wanted() -> None:
    beats = some(HookRules())
    assert beats.wake_at is None
    assert beats.due(NOW + 1e9) == []
    assert beats.learn(HookTimeouts(heartbeat_seconds=30, global_seconds=3000)) == []


def test_a_heartbeat_under_way_is_not_sent_again() -> None:
    beats = some(HookRules(heartbeat_interval_seconds=30))
    assert beats.wake_at == NOW + 30
    assert beats.due(NOW + 29) == []
    assert beats.due(NOW + 30) == [SendHeartbeat()]
    assert beats.due(NOW + 31) == beats.due(NOW + 70) == []
    assert beats.wake_at == NOW + 172_800


def test_a_late_waking_sends_none_after_the_end() -> None:
    beats = some(HookRules(heartbeat_interval_seconds=300, heartbeat_until_seconds=200))
    assert beats.due(NOW + 500) == [HeartbeatsOver()]
    assert beats.wake_at is None


def test_the_last_one_may_be_due_with_the_end() -> None:
    beats = some(HookRules(heartbeat_interval_seconds=60, heartbeat_until_seconds=60))
    assert beats.due(NOW + 60) == [SendHeartbeat(), HeartbeatsOver()]


def test_a_failure_known_before_the_hooks_time_is_does_not_bring_the_next_one_forward() -> None:
    beats = some(HookRules(heartbeat_auto=True))
    beats.due(NOW + 10)
    assert beats.answered(AwsUnreachable("refused"), NOW + 10) == [HeartbeatFailed("refused")]
    beats.learn(HookTimeouts(heartbeat_seconds=100, global_seconds=10_000))
    assert beats.wake_at == NOW + 10.5
