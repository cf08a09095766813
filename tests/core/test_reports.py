"""What is derived in a report."""

from nth.core.reports import DrainEnded, LeftBehind
from tests.core.samples import a_pod


def drain_ended(*left: LeftBehind) -> DrainEnded:
    return DrainEnded(left=left, evicted=1, forced=0, seconds=4, margin_seconds=None)


def test_needs_W7_drained_means_that_nobody_is_left() -> None:
    assert drain_ended().drained
    assert not drain_ended(LeftBehind(ref=a_pod().ref, reason="still terminating")).drained
