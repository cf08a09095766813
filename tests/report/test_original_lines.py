"""The original's lines, by which public guides search, are in the log with its fields."""

from dataclasses import replace

from nth.core.notices.events import InstanceStateChange
from nth.core.policy import Level
from nth.core.reports import NoticeReceived, Planned, SessionEnded, SessionResumed
from nth.report.log_lines import Line
from nth.report.original_lines import REQUESTING, OriginalLines
from tests.report.stories import (
    FULL_STORY,
    MARKED,
    NODE,
    NOT_DRAINED,
    NOTICE,
    REBALANCE,
    SURVEY,
    T0,
    Step,
    logged_as,
    told,
)

PROVIDER = "aws:///eu-west-1a/i-0abc"
SPOT_TEXT = NOTICE.event.description.strip()


def written(*steps: Step) -> list[Line]:
    lines: list[Line] = []
    original = OriginalLines()
    for one in told(*steps):
        original.write(one, logged_as(one), lines.append)
    return lines


def requested(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.text == REQUESTING]


def test_L2_a_drain_is_requested_with_the_originals_fields_before_the_node_is_cordoned() -> None:
    marked = replace(MARKED, provider_id=PROVIDER)
    lines = written((0.0, NOTICE), (0.1, marked), (0.2, SURVEY))
    assert [line.text.split(":")[0] for line in lines] == [
        SPOT_TEXT.split(":")[0],
        REQUESTING,
        "Node successfully cordoned",
        "Pods on node",
    ]
    (line,) = requested(lines)
    assert (line.level, line.fields) == (
        "info",
        {
            "event-id": "spot-1",
            "kind": "SPOT_ITN",
            "monitor": "SPOT_ITN_MONITOR",
            "node-name": NODE,
            "instance-id": "i-0abc",
            "provider-id": PROVIDER,
        },
    )


def test_L2_each_event_is_requested_once_and_names_its_own_instance() -> None:
    state = InstanceStateChange(event_id="state-1", instance_id="i-own", state="stopping", noticed_at=T0)
    late = NoticeReceived(event=state, level=Level.DRAIN, drain_at=T0, deadline_at=None)
    lines = requested(written((0.0, REBALANCE), (0.1, MARKED), (1.0, late), (1.1, SURVEY)))
    assert [line.fields["event-id"] for line in lines] == ["rebalance-1", "state-1"]
    assert lines[1].fields["instance-id"] == "i-own"


def test_L2_what_only_notifies_or_was_requested_before_a_restart_is_not_requested() -> None:
    only = replace(NOTICE, level=Level.NOTIFY)
    assert requested(written((0.0, only), (1.0, SessionEnded(reason="over")))) == []
    resumed = SessionResumed(event_ids=("spot-1",), notices=((T0, NOTICE),))
    lines = written((0.0, resumed), (0.1, replace(MARKED, again=True)), (0.2, SURVEY), *NOT_DRAINED)
    assert requested(lines) == []


def test_L2_a_dry_run_requests_too() -> None:
    assert len(requested(written((0.0, NOTICE), (0.1, Planned(steps=(), drain=True))))) == 1


def test_L3_pods_on_node_have_the_originals_field() -> None:
    (line,) = [line for line in written((0.0, NOTICE), (0.2, SURVEY)) if line.text.startswith("Pods on node")]
    names = [*(pod.ref.name for pod in SURVEY.going), "aws-node-ddddd"]
    assert (line.fields["node_name"], line.fields["pod_names"]) == (NODE, names)


def test_L3_success_names_the_node_and_the_event_as_its_reason() -> None:
    lines = [line for line in written(*FULL_STORY) if line.text.startswith("Node successfully")]
    assert [line.text for line in lines] == [
        "Node successfully cordoned",
        "Node successfully cordoned and drained",
    ]
    assert [(line.fields["node_name"], line.fields["reason"]) for line in lines] == [(NODE, SPOT_TEXT)] * 2


def test_a_session_that_has_ended_is_forgotten() -> None:
    original = OriginalLines()
    for one in told((0.0, NOTICE), (0.1, SURVEY), (1.0, SessionEnded(reason="over")), (2.0, MARKED)):
        original.write(one, logged_as(one), lambda _: None)
    lines: list[Line] = []
    (late,) = told((3.0, FULL_STORY[-2][1]))
    original.write(late, logged_as(late), lines.append)
    assert "reason" not in lines[0].fields
