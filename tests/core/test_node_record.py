"""What stands on the Node survives the process."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.events import EVENT_BY_NAME, AsgTermination, Event
from nth.core.facts import Node, Taint
from nth.core.node_record import RECORD_ANNOTATION, Marks, NodeRecord, Seen, decode, encode, record_of
from tests.core import fleet_samples as queue
from tests.core.samples import T0, a_node, asg, rebalance, scheduled, spot

PREFIX = "aws-node-termination-handler"
EVENTS = (
    *(notice.event for notice in (spot(), rebalance(), scheduled(), asg())),
    *(notice.event for notice in (queue.spot_warning(), queue.risk(), queue.hook(), queue.hook(None))),
    *(notice.event for notice in (queue.going_down(), queue.health())),
)
TEXT = st.text(max_size=8)
INSTANT = st.floats(0, 2e9)

RECORDS = st.builds(
    NodeRecord,
    session_id=TEXT,
    holder=TEXT,
    drained=st.booleans(),
    marked_at=INSTANT,
    deadline_at=st.none() | INSTANT,
    events=st.lists(st.builds(Seen, st.sampled_from(EVENTS), INSTANT, st.booleans()), max_size=4).map(tuple),
    finished=st.lists(TEXT, max_size=2).map(tuple),
    marks=st.builds(
        Marks,
        cordoned=st.booleans(),
        taints=st.lists(st.builds(Taint, TEXT, TEXT, TEXT), max_size=2).map(tuple),
        labels=st.dictionaries(TEXT, TEXT, max_size=2),
    ),
)


@given(RECORDS)
def test_every_record_can_be_read_back(record: NodeRecord) -> None:
    """What was written is what is read."""
    assert decode(encode(record)) == record


def test_record_is_short_where_nothing_is_to_say() -> None:
    assert json.loads(encode(NodeRecord(session_id="s"))) == {"version": 1, "session_id": "s"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"version":2,"session_id":"s"}',
        '{"version":1,"session_id":"s","events":[{"kind":"NO_SUCH","seen_at":1,"event":{}}]}',
        '{"version":1,"session_id":"s","events":[{"kind":"SPOT_ITN","seen_at":1,"event":{}}]}',
        '{"version":1,"session_id":"s","taints":[{"key":"k"}]}',
    ],
)
def test_annotation_that_somebody_has_edited_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        decode(text)


def test_node_without_a_trace_has_no_record() -> None:
    assert record_of(a_node()) is None


def test_record_on_the_node() -> None:
    record = NodeRecord(session_id="s", events=(Seen(EVENTS[0], T0),))
    assert record_of(a_node(annotations={RECORD_ANNOTATION: encode(record)})) == record


@pytest.mark.parametrize(
    ("marked_at", "booted_at", "over"),
    [(T0, T0 - 1, False), (T0, T0, True), (T0, T0 + 60, True), (0, T0, False)],
)
def test_A16_it_is_over_when_the_machine_was_booted_after_the_marks(
    marked_at: float, booted_at: float, over: bool
) -> None:
    assert NodeRecord(session_id="s", marked_at=marked_at).is_over(booted_at) is over


@pytest.mark.parametrize(
    ("record", "empty"),
    [
        (NodeRecord(session_id="s", drained=True, marked_at=T0, deadline_at=T0), True),
        (NodeRecord(session_id="s", events=(Seen(EVENTS[0], T0),)), False),
        (NodeRecord(session_id="s", finished=("e",)), False),
        (NodeRecord(session_id="s", marks=Marks(cordoned=True)), False),
    ],
)
def test_empty_record_need_not_be_kept(record: NodeRecord, empty: bool) -> None:
    assert record.empty is empty


def marked_by_the_original(**labels: str) -> Node:
    return a_node(
        unschedulable=True,
        taints=(
            Taint(f"{PREFIX}/scheduled-maintenance", "NoSchedule", "e", "2026-11-22T08:30:00Z"),
            Taint("dedicated", "NoSchedule"),
        ),
        labels={"kept": "yes", f"{PREFIX}/action": "UncordonAfterReboot", **labels},
    )


def test_A1_A2_A3_what_the_original_left_is_understood() -> None:
    labels = {f"{PREFIX}/action-time": str(int(T0)), f"{PREFIX}/event-id": "instance-event-1"}
    record = record_of(marked_by_the_original(**labels))
    assert record == NodeRecord(
        session_id="",
        marked_at=T0,
        marks=Marks(
            cordoned=True,
            taints=(Taint(f"{PREFIX}/scheduled-maintenance", "NoSchedule", "e"),),
            labels={f"{PREFIX}/action": "UncordonAfterReboot", **labels},
        ),
    )


@pytest.mark.parametrize("labels", [{}, {f"{PREFIX}/action-time": "yesterday"}])
def test_A2_original_without_a_usable_time_is_never_over(labels: dict[str, str]) -> None:
    record = record_of(marked_by_the_original(**labels))
    assert record is not None
    assert not record.is_over(T0 + 1e9)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{type(event).__name__} {event.event_id}")
@pytest.mark.parametrize("settled", [False, True])
def test_every_kind_of_event_can_be_read_back(event: Event, settled: bool) -> None:
    record = NodeRecord(session_id="s", events=(Seen(event, T0 + 0.25, settled),))
    (seen,) = decode(encode(record)).events
    assert seen == Seen(event, T0 + 0.25, settled)
    assert type(seen.event) is type(event)


def test_all_kinds_are_among_them() -> None:
    assert {type(event).__name__ for event in EVENTS} == set(EVENT_BY_NAME)


def test_a_hooks_action_is_read_back_as_what_it_was() -> None:
    record = NodeRecord(session_id="s", events=(Seen(queue.hook().event, T0),))
    (seen,) = decode(encode(record)).events
    assert isinstance(seen.event, AsgTermination)
    assert seen.event.action == queue.action()
    # It is a key of those who complete it.
    assert hash(seen.event.action) == hash(queue.action())


def test_holder_and_settled_are_left_out_where_there_is_nothing_to_say() -> None:
    seen = Seen(EVENTS[0], T0)
    (event,) = json.loads(encode(NodeRecord(session_id="s", events=(seen,))))["events"]
    assert set(event) == {"kind", "seen_at", "event"}
    written = json.loads(
        encode(NodeRecord(session_id="s", holder="nth-a", events=(Seen(EVENTS[0], T0, True),)))
    )
    assert (written["holder"], written["events"][0]["settled"]) == ("nth-a", True)


def test_a_record_of_metadata_mode_has_no_holder() -> None:
    """One that an earlier release wrote, before there was a queue mode."""
    event = {"event_id": "e", "action": "stop", "interrupted_at": 5.0}
    seen = {"kind": "SpotInterruption", "seen_at": 1.0, "event": event}
    record = decode(json.dumps({"version": 1, "session_id": "s", "events": [seen]}))
    assert record.holder == ""
    assert not record.events[0].settled
