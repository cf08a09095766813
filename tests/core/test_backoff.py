"""What fails is tried again ever less often; what is refused, only after a while of the usual pauses."""

import pytest

from nth.core.backoff import LONGEST_SECONDS, Backoff, Refusals
from nth.errors import Conflict, Expired, Forbidden, Missing, Rejected, Throttled, Unreachable


@pytest.mark.parametrize("error", [Forbidden("403"), Missing("404"), Rejected("422")])
def test_safe_18_pauses_grow_once_a_refusal_lasts_and_are_bounded(error: Exception) -> None:
    refusals = Refusals(3)
    pauses = []
    for _ in range(40):
        refusals.heard(error)
        pauses.append(refusals.pause_seconds(1.0))
    assert pauses[:7] == [1, 1, 1, 2, 4, 8, 16]
    assert max(pauses) == pauses[-1] == LONGEST_SECONDS
    assert refusals.lasting
    refusals.heard(None)
    assert (refusals.pause_seconds(1.0), refusals.lasting) == (1.0, False)


@pytest.mark.parametrize(
    "error", [Unreachable("no answer"), Throttled("429"), Conflict("409"), Expired("410"), OSError()]
)
def test_safe_18_what_is_no_refusal_changes_nothing(error: Exception) -> None:
    refusals = Refusals(1, number=5)
    refusals.heard(error)
    assert refusals.number == 5


def test_safe_18_a_usual_pause_that_is_longer_stays() -> None:
    assert Refusals(1, 10.0, 50).pause_seconds(60.0) == 60.0


@pytest.mark.parametrize(
    ("first_seconds", "longest_seconds", "expected"),
    [
        (1.0, 5.0, [1.0, 2.0, 4.0, 5.0, 5.0]),
        (0.25, 5.0, [0.25, 0.5, 1.0, 2.0, 4.0]),
        (30.0, 30.0, [30.0] * 5),
    ],
)
def test_pauses_double_up_to_the_longest(
    first_seconds: float, longest_seconds: float, expected: list[float]
) -> None:
    backoff = Backoff(first_seconds, longest_seconds)
    assert [backoff.pause_seconds(failures) for failures in range(1, 6)] == expected


def test_pause_after_very_many_failures_is_still_a_number() -> None:
    assert Backoff(1.0, 5.0).pause_seconds(5000) == 5.0
