"""Values in bounded memory, such as how lifecycle actions ended."""

from nth.core.lifecycle.hook_messages import Outcome
from nth.core.queue.recent_keys import RecentValues

MAX_ACTIONS = 20_000
MAX_SECONDS = 3600.0


def test_what_ended_is_known_for_a_while() -> None:
    finished: RecentValues[Outcome] = RecentValues(MAX_ACTIONS, MAX_SECONDS)
    finished.put("one", Outcome.COMPLETED, 0)
    finished.put("two", Outcome.GONE, 10)
    assert finished.get("one", MAX_SECONDS - 1) is Outcome.COMPLETED
    assert finished.get("one", MAX_SECONDS) is None
    assert finished.get("two", MAX_SECONDS) is Outcome.GONE
    assert finished.get("three", 0) is None


def test_ended_again_is_known_for_longer() -> None:
    finished: RecentValues[Outcome] = RecentValues(MAX_ACTIONS, MAX_SECONDS)
    finished.put("one", Outcome.COMPLETED, 0)
    finished.put("two", Outcome.GONE, 5)
    finished.put("one", Outcome.GONE, 10)
    assert finished.get("one", MAX_SECONDS + 5) is Outcome.GONE
    assert len(finished) == 1


def test_needs_W17_the_oldest_makes_room() -> None:
    finished: RecentValues[Outcome] = RecentValues(MAX_ACTIONS, MAX_SECONDS)
    for number in range(MAX_ACTIONS + 5):
        finished.put(str(number), Outcome.COMPLETED, 0)
    assert len(finished) == MAX_ACTIONS
    assert finished.get("4", 0) is None
    assert finished.get("5", 0) is Outcome.COMPLETED
