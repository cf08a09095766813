"""How long a drain that has a deadline waits for its node to be marked (needs_W32)."""

from nth.core.node.mark_timeout import MARK_TIMEOUT_SECONDS, MarkTimeout
from tests.core.samples import T0

DEADLINE = T0 + 120


def timed(*heard: tuple[float, bool], marking: float = 0) -> MarkTimeout:
    made = MarkTimeout(T0)
    made.marking_at = T0 + marking
    for seconds, failed in heard:
        made.heard(T0 + seconds, failed=failed)
    return made


def test_needs_W32_it_counts_from_when_marking_began() -> None:
    assert timed((0.1, False), marking=3).ends_at(DEADLINE) == T0 + 3 + MARK_TIMEOUT_SECONDS


def test_needs_W32_while_the_api_server_is_silent_it_does_not_run_out() -> None:
    assert timed().ends_at(DEADLINE) is None
    assert timed((1, False), (2, True)).ends_at(DEADLINE) is None


def test_needs_W32_it_counts_from_when_the_api_server_began_to_answer() -> None:
    assert timed((1, True), (20, False), (25, False)).ends_at(DEADLINE) == T0 + 20 + MARK_TIMEOUT_SECONDS
    assert timed((1, False), (2, True), (30, False)).ends_at(DEADLINE) == T0 + 30 + MARK_TIMEOUT_SECONDS


def test_without_a_deadline_it_never_ends() -> None:
    assert timed((0.1, False)).ends_at(None) is None
