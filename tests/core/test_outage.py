"""What is said of a failure."""

from nth.core.trouble import MAX_REASONS, Outage


def test_needs_W14_each_reason_is_news_once_in_a_period() -> None:
    outage = Outage()
    assert [outage.failed(reason, 100.0 + n) for n, reason in enumerate("aabab")] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert (outage.since_at, outage.failures) == (100.0, 5)


def test_needs_W14_after_it_is_over_the_same_reason_is_news_again() -> None:
    outage = Outage()
    assert outage.worked(99.0) is None
    outage.failed("a", 100.0)
    assert outage.worked(112.5) == 12.5
    assert (outage.since_at, outage.failures, outage.worked(113.0)) == (None, 0, None)
    assert outage.failed("a", 200.0)


def test_needs_W14_reasons_that_are_new_each_time_are_said_a_few_times_only() -> None:
    outage = Outage()
    assert sum(outage.failed(str(n), 0.0) for n in range(1000)) == MAX_REASONS
