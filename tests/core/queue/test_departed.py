"""What is remembered of nodes that have left."""

from nth.core.queue.cases import MAX_INSTANCES, MAX_NAMES, MAX_SECONDS, Departed

T0 = 1_000_000.0


def test_safe_13_every_name_that_claimed_an_instance_is_kept_for_a_while() -> None:
    departed = Departed()
    departed.add("i-1", "real", T0)
    departed.add("i-1", "forged", T0 + 10)
    assert departed.names("i-1", T0 + 10) == {"real", "forged"}
    assert departed.names("i-2", T0 + 10) == frozenset()
    assert departed.names("i-1", T0 + 10 + MAX_SECONDS) == frozenset()
    assert len(departed) == 0


def test_safe_13_what_is_remembered_is_bounded() -> None:
    departed = Departed()
    for number in range(MAX_INSTANCES + 10):
        departed.add(f"i-{number}", "a", T0)
    for number in range(100):
        departed.add("i-20000", f"name-{number}", T0)
    assert len(departed) == MAX_INSTANCES
    assert departed.names("i-0", T0) == frozenset()
    assert len(departed.names("i-20000", T0)) == MAX_NAMES
    assert "a" in departed.names("i-20000", T0), "the first one to claim it is not displaced"
