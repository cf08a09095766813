"""Grace periods and latest moments (needs_W13)."""

import pytest

from nth.core.drain.grace import GraceTimes
from tests.core.samples import T0, a_pod

POD = a_pod(grace_seconds=30)


def test_without_a_deadline_nothing_is_limited() -> None:
    times = GraceTimes(None, 5, None)
    assert times.limit_at is None
    assert times.latest_at(POD) is None
    assert times.left_seconds(T0) is None
    assert times.grace_seconds(POD, T0) == 30


def test_latest_moment_is_deadline_minus_reserve_minus_grace() -> None:
    assert GraceTimes(T0 + 120, 5, None).latest_at(POD) == T0 + 85
    assert GraceTimes(T0 + 120, 5, 10).latest_at(POD) == T0 + 105


@pytest.mark.parametrize(
    ("seconds", "grace_seconds"),
    [(0, 30), (85, 30), (85.5, 29), (114, 1), (114.9, 1), (115, 1), (500, 1)],
)
def test_needs_W13_grace_fits_into_the_time_left_and_is_never_zero(
    seconds: float, grace_seconds: int
) -> None:
    assert GraceTimes(T0 + 120, 5, None).grace_seconds(POD, T0 + seconds) == grace_seconds


def test_A12_grace_of_zero_is_kept_where_it_is_wanted() -> None:
    assert GraceTimes(T0 + 120, 5, 0).grace_seconds(POD, T0) == 0
    assert GraceTimes(T0 + 120, 5, None).grace_seconds(a_pod(grace_seconds=0), T0) == 0


def test_A12_configured_grace_stands_for_each_pods_own() -> None:
    assert GraceTimes(None, 5, 300).wanted_seconds(POD) == 300
    assert GraceTimes(None, 5, None).wanted_seconds(POD) == 30
