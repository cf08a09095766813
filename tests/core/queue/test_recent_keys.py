"""A bounded memory of keys."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from nth.core.queue.recent_keys import Remembered


def test_what_was_added_is_remembered_and_nothing_else() -> None:
    remembered = Remembered()
    remembered.add("a", 0.0)
    assert remembered.has("a", 1.0)
    assert not remembered.has("b", 1.0)


def test_nothing_is_remembered_for_longer_than_the_maximum() -> None:
    remembered = Remembered(max_seconds=100.0)
    remembered.add("a", 0.0)
    remembered.add("b", 60.0)
    assert remembered.has("a", 49.0)
    assert not remembered.has("a", 110.0)
    assert remembered.has("b", 109.0)
    assert not remembered.has("b", 1000.0)


def test_the_newest_half_is_kept_when_there_are_too_many() -> None:
    remembered = Remembered(max_keys=10)
    for n in range(1000):
        remembered.add(str(n), 0.0)
        assert len(remembered) <= 10
    assert all(remembered.has(str(n), 0.0) for n in range(995, 1000))


def test_adding_again_makes_it_last() -> None:
    remembered = Remembered(max_seconds=100.0)
    for at in range(0, 1000, 40):
        remembered.add("a", float(at))
    assert remembered.has("a", 1000.0)


@given(st.lists(st.tuples(st.floats(0, 40), st.integers(0, 30))))
def test_what_is_younger_than_half_the_time_is_there_what_is_older_than_all_of_it_is_not(
    steps: list[tuple[float, int]],
) -> None:
    remembered = Remembered(max_keys=1000, max_seconds=100.0)
    added_at: dict[int, float] = {}
    now = 0.0
    for seconds, key in steps:
        now += seconds
        remembered.add(str(key), now)
        added_at[key] = now
        for each, at in added_at.items():
            assert remembered.has(str(each), now) or now - at >= 50.0
            assert not remembered.has(str(each), now) or now - at <= 100.0


def test_20_000_ids_need_less_than_4_mib() -> None:
    remembered = Remembered()
    ids = [f"{n:08x}-1111-4000-8000-{n:012x}" for n in range(100_000)]
    for each in ids:
        remembered.add(each, 0.0)
    held = remembered._young | remembered._old
    bytes_used = sum(sys.getsizeof(each) for each in held)
    assert len(held) <= 20_000
    assert bytes_used + 2 * sys.getsizeof(remembered._young) < 4 * 2**20
