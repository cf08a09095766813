"""Names and texts of the events, which users of the original handler match on (S1, S2, S4, S8)."""

import pytest

from nth.core.events import EVENT_BY_NAME, Noticed
from tests.core.samples import asg, rebalance, scheduled, spot


@pytest.mark.parametrize(
    ("notice", "kind", "monitor"),
    [
        (spot(), "SPOT_ITN", "SPOT_ITN_MONITOR"),
        (rebalance(), "REBALANCE_RECOMMENDATION", "REBALANCE_RECOMMENDATION_MONITOR"),
        (scheduled(), "SCHEDULED_EVENT", "SCHEDULED_EVENT_MONITOR"),
        (asg(), "ASG_LIFECYCLE", "ASG_LIFECYCLE_MONITOR"),
    ],
    ids=["S1", "S2", "S4", "S8"],
)
def test_S1_S2_S4_S8_kinds_and_monitors(notice: Noticed, kind: str, monitor: str) -> None:
    assert kind == notice.event.KIND
    assert monitor == notice.event.MONITOR
    assert EVENT_BY_NAME[type(notice.event).__name__] is type(notice.event)


@pytest.mark.parametrize(
    ("notice", "text"),
    [
        (spot(), "Spot ITN received. Instance will be interrupted at 2026-11-22T08:32:00Z \n"),
        (
            rebalance(),
            "Rebalance recommendation received. Instance will be cordoned at 2026-11-22T08:30:00Z \n",
        ),
        (
            scheduled(),
            "instance-reboot will occur between 2026-11-22T09:30:00Z and 2026-11-22T10:30:00Z "
            "because scheduled reboot\n",
        ),
        (asg(), "AST target lifecycle state received. Instance will be terminated\n"),
    ],
    ids=["S1", "S2", "S4", "S8"],
)
def test_S1_S2_S4_S8_texts(notice: Noticed, text: str) -> None:
    assert notice.event.description == text
