"""When a batch goes out, and what is in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.queue.batching import (
    BACKOFF,
    MAX_CALLS,
    MAX_ENTRIES,
    REFUSED_PAUSE_SECONDS,
    Line,
)


def eager() -> Line:
    return Line(ahead_seconds=0.05, eager=True)


def test_one_key_waits_until_it_is_due() -> None:
    line = eager()
    line.put("a", 10.05)
    assert line.next_at == 10.05
    assert line.take(10.0) == ()
    assert line.take(10.05) == ("a",)
    assert len(line) == 0


def test_keys_that_are_due_soon_go_along_and_later_ones_do_not() -> None:
    line = eager()
    for key, at in (("c", 10.2), ("a", 10.05), ("b", 10.09)):
        line.put(key, at)
    assert line.take(10.05) == ("a", "b")
    assert line.next_at == 10.2


def test_ten_keys_do_not_wait_for_the_first_to_be_due() -> None:
    line = eager()
    for n in range(23):
        line.put(f"{n:02}", 10.05)
    assert [len(line.take(10.0)) for _ in range(4)] == [10, 10, 0, 0]
    assert len(line.take(10.05)) == 3


def test_a_line_that_is_not_eager_waits_and_then_takes_along_what_is_due_soon() -> None:
    line = Line(ahead_seconds=2.5, eager=False)
    for n in range(12):
        line.put(f"{n:02}", 10.0 + n / 4)
    assert line.take(9.9) == ()
    assert line.take(10.0) == tuple(f"{n:02}" for n in range(10))


def test_a_key_that_was_dropped_or_put_off_is_not_taken() -> None:
    line = eager()
    for key in "abc":
        line.put(key, 1.0)
    line.drop("a")
    line.drop("unknown")
    line.put("b", 5.0)
    assert "a" not in line
    assert line.take(1.0) == ("c",)
    assert line.next_at == 5.0


def test_so_many_calls_run_side_by_side_and_no_more() -> None:
    line = eager()
    for n in range(MAX_ENTRIES * (MAX_CALLS + 1)):
        line.put(str(n), 1.0)
    assert [bool(line.take(1.0)) for _ in range(MAX_CALLS + 1)] == [True] * MAX_CALLS + [False]
    assert line.next_at is None
    line.worked()
    assert line.take(1.0)


def test_after_a_failure_one_call_at_a_time_is_made_ever_less_often() -> None:
    line = eager()
    pauses = []
    now = 0.0
    for n in range(30):
        line.put(f"{n:02}", 0.0)
    for _ in range(8):
        assert line.take(now)
        assert line.take(now) == () if line.failures else True
        line.failed(now, refused=False)
        line.put("again", now)
        assert line.next_at is not None
        pauses.append(line.next_at - now)
        now = line.next_at
    assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0])


def test_calls_that_fail_side_by_side_count_as_one_failure() -> None:
    line = eager()
    for n in range(40):
        line.put(str(n), 0.0)
    for _ in range(4):
        line.take(0.0)
    for _ in range(4):
        line.failed(0.0, refused=False)
    line.put("a", 0.0)
    assert line.next_at == pytest.approx(0.2)


def test_a_refusal_pauses_for_long_and_success_ends_every_pause() -> None:
    line = eager()
    line.put("a", 0.0)
    line.take(0.0)
    line.failed(0.0, refused=True)
    line.put("a", 0.0)
    assert line.next_at == REFUSED_PAUSE_SECONDS
    assert line.paused(59.0)
    assert line.take(60.0) == ("a",)
    line.worked()
    assert not line.refused
    assert not line.paused(60.0)


def test_pauses_grow_to_a_maximum() -> None:
    assert [BACKOFF.pause_seconds(n) for n in (1, 2, 3)] == [0.2, 0.4, 0.8]
    assert BACKOFF.pause_seconds(10_000) == 5.0


def test_what_was_put_off_a_thousand_times_takes_no_more_memory() -> None:
    line = eager()
    for n in range(1000):
        line.put("a", float(n))
        line.put(str(n), 5000.0)
        line.drop(str(n))
    assert len(line._heap) < 100
    assert line.take(999.0) == ("a",)


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "drop", "take"]), st.integers(0, 40), st.floats(0, 100)),
        max_size=200,
    )
)
def test_every_key_is_taken_once_for_each_time_it_was_put_and_never_early(
    steps: list[tuple[str, int, float]],
) -> None:
    line = eager()
    waiting: dict[str, float] = {}
    for verb, key, at in steps:
        if verb == "put":
            line.put(str(key), at)
            waiting[str(key)] = at
        elif verb == "drop":
            line.drop(str(key))
            waiting.pop(str(key), None)
        else:
            taken = line.take(at)
            assert bool(taken) <= (min(waiting.values(), default=1e9) <= at + 0.05)
            for each in taken:
                assert waiting.pop(each) <= at + 0.05
            if taken:
                line.worked()
        assert len(line) == len(waiting)
        # Memory stays in proportion.
        assert len(line._heap) <= 2 * len(waiting) + 64
