"""Names and texts of the events, which users of the original handler match on (S1, S2, S4, S8)."""

import pytest

from nth.core.notices.events import EVENT_BY_NAME, AsgLaunch, Noticed, instance_of
from tests.core import fleet_samples as queue
from tests.core.samples import T0, asg, rebalance, scheduled, spot


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
    assert kind == notice.event.kind.name
    assert monitor == notice.event.kind.monitor
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
            "instance-reboot will occur between 22 Nov 2026 09:30:00 GMT and 22 Nov 2026 10:30:00 GMT "
            "because scheduled reboot\n",
        ),
        (asg(), "AST target lifecycle state received. Instance will be terminated\n"),
    ],
    ids=["S1", "S2", "S4", "S8"],
)
def test_S1_S2_S4_S8_texts(notice: Noticed, text: str) -> None:
    assert notice.event.description == text


FROM_QUEUE = [queue.spot_warning(), queue.risk(), queue.hook(), queue.going_down(), queue.health()]
LAUNCH = AsgLaunch(
    event_id="asg-lifecycle-launch-1", instance_id=queue.INSTANCE, action=queue.action(), noticed_at=T0
)
AT = "2026-11-22T08:30:00Z"
INSTANCE = queue.INSTANCE


@pytest.mark.parametrize(
    ("notice", "kind", "text"),
    [
        (
            queue.spot_warning(),
            "SPOT_ITN",
            f"Spot Interruption notice for instance {INSTANCE} was sent at {AT} \n",
        ),
        (
            queue.risk(),
            "REBALANCE_RECOMMENDATION",
            f"Rebalance recommendation event received. Instance {INSTANCE} will be cordoned at {AT} \n",
        ),
        (
            queue.hook(),
            "ASG_LIFECYCLE",
            f"ASG Lifecycle Termination event received. Instance will be interrupted at {AT} \n",
        ),
        (
            queue.going_down("stopping"),
            "STATE_CHANGE",
            f"EC2 State Change event received. Instance {INSTANCE} went into stopping at {AT} \n",
        ),
        (
            queue.health(0),
            "SCHEDULED_EVENT",
            f"AWS Health scheduled change event received. Instance {INSTANCE} will be interrupted at {AT} \n",
        ),
    ],
    ids=["Q7", "Q8", "Q3", "Q9", "Q10"],
)
def test_Q3_Q7_Q8_Q9_Q10_kinds_and_texts_by_queue(notice: Noticed, kind: str, text: str) -> None:
    assert kind == notice.event.kind.name
    assert notice.event.description == text
    assert EVENT_BY_NAME[type(notice.event).__name__] is type(notice.event)


def test_Q4_a_launch_is_no_event_of_a_session() -> None:
    assert LAUNCH.KIND == "ASG_LAUNCH_LIFECYCLE"
    assert LAUNCH.description == f"ASG Lifecycle Launch event received. Instance was started at {AT} \n"
    assert "AsgLaunch" not in EVENT_BY_NAME


@pytest.mark.parametrize("notice", FROM_QUEUE, ids=lambda notice: type(notice.event).__name__)
def test_an_event_from_a_queue_names_its_instance(notice: Noticed) -> None:
    assert instance_of(notice.event) == INSTANCE


@pytest.mark.parametrize("notice", [spot(), rebalance(), scheduled(), asg()], ids=["S1", "S2", "S4", "S8"])
def test_an_event_from_a_metadata_service_names_none(notice: Noticed) -> None:
    assert instance_of(notice.event) == ""
