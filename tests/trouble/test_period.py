"""What is said of a failure, and how long it is waited for."""

import pytest

from nth.trouble.period import MAX_REASONS, Trouble


def test_needs_W14_each_reason_is_news_once_in_a_period() -> None:
    trouble = Trouble()
    assert [trouble.begin(reason, 100.0 + n) for n, reason in enumerate("aabab")] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert (trouble.since_at, trouble.failures) == (100.0, 5)


def test_needs_W14_after_it_is_over_the_same_reason_is_news_again() -> None:
    trouble = Trouble()
    assert trouble.end(99.0) is None
    trouble.begin("a", 100.0)
    assert trouble.end(112.5) == 12.5
    assert (trouble.since_at, trouble.failures, trouble.end(113.0)) == (None, 0, None)
    assert trouble.begin("a", 200.0)


def test_needs_W14_reasons_that_are_new_each_time_are_said_a_few_times_only() -> None:
    trouble = Trouble()
    assert sum(trouble.begin(str(n), 0.0) for n in range(1000)) == MAX_REASONS


@pytest.mark.parametrize(
    ("interval_seconds", "expected"),
    [(1.0, [1.0, 2.0, 4.0, 5.0, 5.0]), (0.25, [0.25, 0.5, 1.0, 2.0, 4.0]), (30.0, [30.0] * 5)],
)
def test_delay_doubles_up_to_5_s_or_the_interval(interval_seconds: float, expected: list[float]) -> None:
    trouble = Trouble()
    delays = []
    for _ in expected:
        trouble.begin("a", 0.0)
        delays.append(trouble.delay_seconds(interval_seconds, 0.5))
    assert delays == expected


def test_delay_is_spread_by_a_fifth() -> None:
    trouble = Trouble()
    trouble.begin("a", 0.0)
    assert trouble.delay_seconds(1.0, 0.0) == pytest.approx(0.8)
    assert trouble.delay_seconds(1.0, 1.0) == pytest.approx(1.2)


def test_delay_after_very_many_failures_is_still_a_number() -> None:
    trouble = Trouble()
    for _ in range(5000):
        trouble.begin("a", 0.0)
    assert trouble.delay_seconds(1.0, 0.5) == 5.0
