"""What is refused is asked for as usual for a while, and then ever less often."""

import pytest

from nth.core.refusals import LONGEST_SECONDS, Refusals
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
