"""What stands on the Node survives the process."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.facts import Node, NodePatch, Taint
from nth.core.node.node_annotation import (
    FIELD_MANAGER,
    RECORD_ANNOTATION,
    Marks,
    NodeRecord,
    Reading,
    Seen,
    decode,
    encode,
    read_record,
    record_of,
)
from nth.core.node.node_marks import Wanted, marks_for, undo
from nth.core.notices.events import EVENT_BY_NAME, AsgTermination, Event, InstanceStateChange
from tests.core import fleet_samples as queue
from tests.core.samples import T0, a_node, asg, rebalance, scheduled, spot

PREFIX = "aws-node-termination-handler"
EVENTS = (
    *(notice.event for notice in (spot(), rebalance(), scheduled(), asg())),
    *(notice.event for notice in (queue.spot_warning(), queue.risk(), queue.hook(), queue.hook(None))),
    *(notice.event for notice in (queue.going_down(), queue.health())),
)
TEXT = st.text(max_size=8)
ID = st.from_regex(r"[A-Za-z0-9_.:/-]{1,8}", fullmatch=True)
INSTANT = st.floats(0, 2e9)

RECORDS = st.builds(
    NodeRecord,
    session_id=ID | st.just(""),
    holder=ID | st.just(""),
    drained=st.booleans(),
    marked_at=INSTANT,
    deadline_at=st.none() | INSTANT,
    events=st.lists(st.builds(Seen, st.sampled_from(EVENTS), INSTANT, st.booleans()), max_size=4).map(tuple),
    finished=st.lists(ID, max_size=2).map(tuple),
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
        cordoned_by=("node-termination-handler",),
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


DEEP = "[" * 1000 + "]" * 1000
EVENT = '{"version":1,"session_id":"s","events":[{"kind":"SpotInterruption","seen_at":%s,"event":%s}]}'
SPOT = '{"event_id":"%s","action":"terminate","interrupted_at":%s,"instance_id":"%s"}'


@pytest.mark.parametrize(
    "text",
    [
        DEEP,
        '{"version":1,"session_id":"s","unknown":' + DEEP + "}",
        '{"version":1,"session_id":"s","taints":[{"key":' + DEEP + "}]}",
        EVENT % (1, DEEP),
        EVENT % (1, '{"unknown":' + DEEP + "}"),
        '{"version":1,"session_id":"s","holder":"' + "h" * 70_000 + '"}',
        '{"version":1,"session_id":"s"}' + " " * 70_000,
        '{"version":1,"session_id":"s","finished":[' + ",".join(['"f"'] * 5000) + "]}",
        EVENT.replace("}]}", "}" + ',{"kind":"SpotInterruption","seen_at":1,"event":{}}' * 1000 + "]}")
        % (1, SPOT % ("e", 1, "i-1")),
        EVENT % (1, SPOT % ("e\\u202e", 1, "i-1")),
        EVENT % (1, SPOT % ("e" * 301, 1, "i-1")),
        EVENT % (1, SPOT % ("", 1, "i-1")),
        EVENT % (1, SPOT % ("<!channel>", 1, "i-1")),
        EVENT % (1, SPOT % ("\u0661", 1, "i-1")),
        EVENT % (1, SPOT % ("e", 1, "i 1")),
        EVENT % (1, SPOT % ("e", 1e300, "i-1")),
        EVENT % (1, SPOT % ("e", -1, "i-1")),
        EVENT % ("1e999", SPOT % ("e", 1, "i-1")),
        EVENT % ("NaN", SPOT % ("e", 1, "i-1")),
        EVENT % ("9" * 400, SPOT % ("e", 1, "i-1")),
        '{"version":1,"session_id":"s","deadline_at":253402300800}',
        '{"version":1,"session_id":"s","marked_at":-1}',
        '{"version":1,"session_id":"s\ud800"}',
        '{"version":1,"session_id":"s","holder":"a b"}',
    ],
)
def test_safe_3_what_no_handler_writes_is_a_record_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        decode(text)
    assert len(str(caught.value)) < 300


@given(
    st.text() | st.recursive(st.none() | st.floats() | st.integers() | st.text(), st.lists).map(json.dumps)
)
def test_safe_3_whatever_stands_there_is_a_record_or_a_value_error(text: str) -> None:
    try:
        decode(text)
        decode(EVENT % (1, text))
    except ValueError:
        pass


@pytest.mark.parametrize(("events", "finished"), [(0, 0), (1, 3000), (99, 0), (3000, 3000), (40, 200)])
def test_safe_3_what_is_written_can_be_read_however_much_it_is(events: int, finished: int) -> None:
    seen = tuple(
        Seen(queue.health(event_id=f"{number:0>290}", arn="a" * 1000).event, T0) for number in range(events)
    )
    record = NodeRecord(
        session_id="s", events=seen, finished=tuple(f"{number:0>290}" for number in range(finished))
    )
    read = decode(encode(record))
    assert read.events == seen[: len(read.events)]
    assert set(read.finished) <= set(record.finished)
    assert len(read.events) >= min(events, 20)


@pytest.mark.parametrize("value", ["1" * 400, "9" * 12, "\u0661", "1e3"])
def test_safe_3_a_label_that_is_no_time_is_no_time(value: str) -> None:
    labels = {f"{PREFIX}/action": "UncordonAfterReboot", f"{PREFIX}/action-time": value}
    record = record_of(a_node(labels=labels))
    assert record is not None
    assert record.marked_at == 0


# What a record may claim

OUR_TAINT = Taint(f"{PREFIX}/spot-itn", "NoSchedule", "spot-itn-1")
OUT_OF_SERVICE = Taint("node.kubernetes.io/out-of-service", "NoExecute", "nodeshutdown")
CLAIMS = Marks(
    cordoned=True,
    taints=(
        OUR_TAINT,
        OUT_OF_SERVICE,
        Taint("quarantine", "NoExecute"),
        replace(OUT_OF_SERVICE, value="theirs"),
    ),
    labels={
        f"{PREFIX}/action": "UncordonAfterReboot",
        "node.kubernetes.io/exclude-from-external-load-balancers": PREFIX,
        "node-restriction.kubernetes.io/pci": "yes",
        f"{PREFIX}/managed": "theirs",
    },
)


def marked(marks: Marks, **changes: object) -> Node:
    record = NodeRecord(session_id="s", marked_at=1, marks=marks)
    return a_node(unschedulable=True, annotations={RECORD_ANNOTATION: encode(record)}, **changes)


def test_safe_2_only_what_we_can_have_set_is_read_from_a_record() -> None:
    reading = read_record(marked(CLAIMS, cordoned_by=(FIELD_MANAGER,)))
    assert reading.record is not None
    assert reading.record.marks == Marks(
        cordoned=True,
        taints=(OUR_TAINT, OUT_OF_SERVICE),
        labels={
            f"{PREFIX}/action": "UncordonAfterReboot",
            "node.kubernetes.io/exclude-from-external-load-balancers": PREFIX,
        },
    )
    assert reading.foreign == ("2 taints", "2 labels")


@pytest.mark.parametrize(
    ("managers", "ours"),
    [
        ((FIELD_MANAGER,), True),
        (("node-termination-handler",), True),
        (("kubectl",), False),
        ((FIELD_MANAGER, "kubectl"), False),
        ((), False),
        (None, False),
    ],
)
def test_safe_2_a_cordon_is_ours_if_the_server_says_so(managers: tuple[str, ...] | None, ours: bool) -> None:
    node = marked(Marks(cordoned=True), cordoned_by=managers)
    reading = read_record(node)
    assert reading.record is not None
    assert reading.record.marks.cordoned is ours
    assert bool(reading.foreign) is not ours
    assert (undo(node, reading.record) or NodePatch({})).body.get("spec") == (
        {"unschedulable": None} if ours else None
    )


def test_safe_2_a_cordon_of_ours_that_another_has_set_anew_is_not_ours_any_more() -> None:
    record = NodeRecord(session_id="s", marked_at=1, marks=Marks(cordoned=True))
    again = a_node(unschedulable=True, cordoned_by=("kubectl",))
    assert marks_for(again, Wanted(cordon=True), record.marks).cordoned is False
    assert undo(again, record) is None


def test_safe_2_labels_of_the_original_prove_no_cordon() -> None:
    labels = {f"{PREFIX}/action": "UncordonAfterReboot", f"{PREFIX}/action-time": str(int(T0))}
    record = record_of(a_node(unschedulable=True, labels=labels, cordoned_by=("kubectl",)))
    assert record is not None
    assert record.marks.cordoned is False


# Whose events

MINE, OTHERS = queue.INSTANCE, "i-0aaaaaaaaaaaaaaaa"


def hook_of(instance_id: str, waiting: str) -> AsgTermination:
    """An event of one instance, whose action names the other."""
    action = replace(queue.action(), instance_id=waiting)
    return AsgTermination(event_id="asg-1", instance_id=instance_id, action=action, noticed_at=T0)


FOREIGN = (
    InstanceStateChange(event_id="state-1", instance_id=OTHERS, state="stopping", noticed_at=T0),
    hook_of(OTHERS, MINE),
    hook_of(MINE, OTHERS),
    hook_of(OTHERS, OTHERS),
)


@pytest.mark.parametrize("event", FOREIGN)
def test_safe_1_a_record_names_no_other_instance_than_its_node(event: Event) -> None:
    record = NodeRecord(session_id="s", events=(Seen(event, T0), Seen(queue.risk().event, T0)))
    node = a_node(provider_id=f"aws:///eu-west-1a/{MINE}", annotations={RECORD_ANNOTATION: encode(record)})
    reading = read_record(node)
    assert reading.record == replace(record, events=record.events[1:])
    assert reading.foreign == ("1 events of another instance",)


@pytest.mark.parametrize("provider_id", ["", f"aws:///eu-west-1a/{MINE}", "eks-hybrid:///eu-west-1/c/n"])
def test_safe_1_the_action_of_an_event_is_of_its_own_instance(provider_id: str) -> None:
    record = NodeRecord(session_id="s", events=(Seen(hook_of(MINE, OTHERS), T0),))
    node = a_node(provider_id=provider_id, annotations={RECORD_ANNOTATION: encode(record)})
    assert read_record(node).record == replace(record, events=())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{type(event).__name__} {event.event_id}")
def test_safe_1_events_of_the_own_machine_are_believed(event: Event) -> None:
    record = NodeRecord(session_id="s", events=(Seen(event, T0),))
    node = a_node(provider_id=f"aws:///eu-west-1a/{MINE}", annotations={RECORD_ANNOTATION: encode(record)})
    assert read_record(node) == Reading(record)
