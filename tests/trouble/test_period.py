"""What is said of a failure."""

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
