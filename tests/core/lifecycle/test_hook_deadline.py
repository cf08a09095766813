"""How long a hook waits: what is known of it, and the bounds while it is not."""

from nth.core.lifecycle.hook_deadline import HookTime
from nth.core.notices.aws_facts import HookTimeouts

NOW = 10_000.0
MINUTE = HookTimeouts(heartbeat_seconds=60, global_seconds=6000)


def a_time(noticed_at: float = NOW, deadline_at: float | None = None) -> HookTime:
    return HookTime(NOW, noticed_at=noticed_at, deadline_at=deadline_at)


def test_while_nothing_is_known_the_longest_that_aws_allows_is_the_bound() -> None:
    time = a_time()
    assert time.deadline_at is None
    assert (time.surely_over_at, time.ends_at) == (NOW + 7200, NOW + 172_800)
    time.heard(NOW + 5000)
    assert time.deadline_at is None
    assert (time.surely_over_at, time.ends_at) == (NOW + 12_200, NOW + 172_800)


def test_it_counts_from_the_events_own_time() -> None:
    time = a_time(NOW - 10)
    assert time.learn(MINUTE) == 0
    assert (time.deadline_at, time.surely_over_at, time.ends_at) == (NOW + 50, NOW + 50, NOW + 5990)


def test_a_heartbeat_moves_the_deadline_up_to_the_global_timeout() -> None:
    time = a_time()
    time.learn(MINUTE)
    time.heard(NOW + 40)
    assert time.deadline_at == time.surely_over_at == NOW + 100
    time.heard(NOW + 5980)
    assert time.deadline_at == time.surely_over_at == NOW + 6000


def test_a_time_from_a_clock_ahead_of_ours_is_now() -> None:
    time = a_time(NOW + 30)
    time.learn(MINUTE)
    assert time.deadline_at == NOW + 60


def test_a_time_that_is_over_gives_no_deadline_but_a_bound() -> None:
    time = a_time(NOW - 100)
    assert time.learn(MINUTE) == 40
    assert time.deadline_at is None
    assert (time.surely_over_at, time.ends_at) == (NOW + 60, NOW + 6000)
    time.heard(NOW + 5)
    assert time.deadline_at == NOW + 65


def test_what_an_earlier_process_learned_counts() -> None:
    time = a_time(NOW - 1000, deadline_at=NOW + 20)
    assert time.learn(MINUTE) == 0
    assert (time.deadline_at, time.extended_at, time.ends_at) == (NOW + 20, NOW - 40, NOW + 5000)


def test_a_recorded_deadline_cannot_lie_further_ahead_than_a_heartbeat_now_would_put_it() -> None:
    """Somebody has shortened the hook's timeout since."""
    time = a_time(NOW - 1000, deadline_at=NOW + 3000)
    time.learn(MINUTE)
    assert time.deadline_at == NOW + 60


def test_a_recorded_deadline_that_has_passed_tells_nothing() -> None:
    time = a_time(NOW - 1000, deadline_at=NOW - 20)
    assert time.learn(MINUTE) == 20
    assert time.deadline_at is None
