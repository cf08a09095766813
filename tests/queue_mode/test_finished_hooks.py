"""How lifecycle actions ended, in bounded memory."""

from nth.core.lifecycle.hook_messages import Outcome
from nth.queue_mode.finished_hooks import MAX_ACTIONS, MAX_SECONDS, FinishedHooks


def test_what_ended_is_known_for_a_while() -> None:
    finished = FinishedHooks()
    finished.add("one", Outcome.COMPLETED, 0)
    finished.add("two", Outcome.GONE, 10)
    assert finished.get("one", MAX_SECONDS - 1) is Outcome.COMPLETED
    assert finished.get("one", MAX_SECONDS) is None
    assert finished.get("two", MAX_SECONDS) is Outcome.GONE
    assert finished.get("three", 0) is None


def test_ended_again_is_known_for_longer() -> None:
    finished = FinishedHooks()
    finished.add("one", Outcome.COMPLETED, 0)
    finished.add("two", Outcome.GONE, 5)
    finished.add("one", Outcome.GONE, 10)
    assert finished.get("one", MAX_SECONDS + 5) is Outcome.GONE
    assert len(finished) == 1


def test_needs_W17_the_oldest_makes_room() -> None:
    finished = FinishedHooks()
    for number in range(MAX_ACTIONS + 5):
        finished.add(str(number), Outcome.COMPLETED, 0)
    assert len(finished) == MAX_ACTIONS
    assert finished.get("4", 0) is None
    assert finished.get("5", 0) is Outcome.COMPLETED
