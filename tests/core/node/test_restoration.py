"""What is taken back on a node by hand: the handler's marks, and nobody else's."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.dry_run.merge_patch import patched
from nth.core.facts import Node, Taint
from nth.core.node.node_annotation import (
    ACTION_LABEL,
    ACTION_TIME_LABEL,
    EVENT_ID_LABEL,
    FIELD_MANAGER,
    OUR_LABELS,
    OUR_TAINTS,
    RECORD_ANNOTATION,
    THE_ORIGINALS_MANAGER,
    UNCORDON_AFTER_REBOOT,
    Marks,
    NodeRecord,
    Seen,
    encode,
)
from nth.core.node.node_marks import Wanted, mark, marks_for
from nth.core.node.restoration import restoration_of
from nth.core.notices.events import Noticed
from nth.core.policy import LOAD_BALANCER_LABEL, OUT_OF_SERVICE_TAINT, PREFIX
from tests.core.samples import REBALANCE_TAINT, SPOT_TAINT, T0, a_node, asg, rebalance, scheduled, spot

OURS = Taint(SPOT_TAINT, "NoSchedule", "spot-itn-1")
THEIRS = Taint("dedicated", "NoExecute", "gpu", "2026-11-22T08:30:00Z")
WANTED = Wanted(
    cordon=True,
    taints=(OURS, OUT_OF_SERVICE_TAINT),
    labels={LOAD_BALANCER_LABEL: PREFIX, EVENT_ID_LABEL: "spot-itn-1"},
    if_we_cordon={ACTION_LABEL: UNCORDON_AFTER_REBOOT, ACTION_TIME_LABEL: "1795336200"},
)
THE_ORIGINALS_LABELS = {
    ACTION_LABEL: UNCORDON_AFTER_REBOOT,
    ACTION_TIME_LABEL: "1795336200",
    EVENT_ID_LABEL: "instance-event-1",
}


def marked(node: Node, wanted: Wanted = WANTED, **record: object) -> Node:
    """The node as the handler leaves it."""
    marks = marks_for(node, wanted, Marks())
    fields: dict[str, object] = {"session_id": "s", "marked_at": T0, "marks": marks, **record}
    patch = mark(node, wanted, NodeRecord(**fields))  # type: ignore[arg-type]  # a test names the fields
    return node if patch is None else patched(node, patch)


def restored(node: Node) -> Node:
    found = restoration_of(node, T0)
    assert found.patch is not None
    metadata = found.patch.body["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["resourceVersion"] == node.resource_version, "or another client's change is lost"
    return patched(node, found.patch)


def test_all_that_the_handler_changed_is_taken_back_and_nothing_else() -> None:
    before = a_node(taints=(THEIRS,), labels={"a": "b"}, annotations={"c": "d"})
    assert restored(marked(before)) == before


def test_needs_W21_what_others_have_set_stays() -> None:
    foreign = {LOAD_BALANCER_LABEL: "true"}
    before = a_node(unschedulable=True, cordoned_by=("kubectl-cordon",), labels=foreign, taints=(THEIRS,))
    found = restoration_of(marked(before), T0)
    assert found.kept_cordon
    assert not found.marks.cordoned
    assert restored(marked(before)) == before


@pytest.mark.parametrize("managers", [("kubectl-cordon",), ("kubectl-cordon", FIELD_MANAGER), (), None])
def test_a_cordon_that_is_not_shown_to_be_a_handlers_stays(managers: tuple[str, ...] | None) -> None:
    node = replace(marked(a_node()), cordoned_by=managers)
    assert restoration_of(node, T0).kept_cordon
    assert restored(node).unschedulable
    assert RECORD_ANNOTATION not in restored(node).annotations


@pytest.mark.parametrize(
    "left",
    [
        {"labels": THE_ORIGINALS_LABELS, "taints": (Taint(REBALANCE_TAINT, "NoExecute", "r-1"),)},
        {"taints": (OURS,)},
        {"labels": {LOAD_BALANCER_LABEL: PREFIX}},
        {},
    ],
    ids=["scheduled maintenance", "taint", "load balancers", "cordon alone"],
)
def test_A19_the_originals_marks_are_taken_back_too(left: dict[str, object]) -> None:
    node = a_node(unschedulable=True, cordoned_by=(THE_ORIGINALS_MANAGER,), **left)
    assert restored(node) == a_node()


def test_marks_that_the_original_left_beside_ours_are_taken_back() -> None:
    others = Taint(REBALANCE_TAINT, "NoSchedule", "r-1")
    assert restored(marked(a_node(taints=(others, THEIRS)))) == a_node(taints=(THEIRS,))


def test_A9_an_out_of_service_taint_that_no_record_shows_stays() -> None:
    found = restoration_of(a_node(taints=(OUT_OF_SERVICE_TAINT, OURS)), T0)
    assert found.kept_taint
    assert found.marks.taints == (OURS,)
    assert not restoration_of(marked(a_node()), T0).kept_taint


def test_a_node_without_a_mark_needs_no_patch() -> None:
    node = a_node(taints=(THEIRS,), labels={"a": "b"}, unschedulable=True, cordoned_by=("kubectl",))
    found = restoration_of(node, T0)
    assert found.patch is None
    assert not found.doubtful
    assert found.kept_cordon


def test_a_record_of_finished_events_alone_is_taken_back() -> None:
    record = NodeRecord(session_id="s", finished=("instance-event-1",))
    node = a_node(annotations={RECORD_ANNOTATION: encode(record)})
    assert restored(node) == a_node()
    assert not restoration_of(node, T0).doubtful


def test_a_spot_interruption_stands_until_the_machine_would_be_gone() -> None:
    events = (Seen(spot(120).event, T0),)
    node = marked(a_node(), events=events)
    assert restoration_of(node, T0 + 120).standing == events
    assert restoration_of(node, T0 + 120).doubtful
    assert not restoration_of(node, T0 + 121).doubtful


@pytest.mark.parametrize(
    "notice", [rebalance(), scheduled(), asg()], ids=lambda notice: notice.event.kind.name
)
def test_what_may_take_longer_than_its_deadline_stands(notice: Noticed) -> None:
    events = (Seen(notice.event, T0), Seen(spot(120).event, T0))
    node = marked(a_node(), events=events, deadline_at=T0 + 120)
    assert restoration_of(node, T0 + 1e6).standing == events[:1]


@pytest.mark.parametrize("text", ["", "{", '{"version":2,"session_id":""}', "[" * 99999])
def test_a_record_that_cannot_be_read_is_doubtful_and_taken_back_by_force(text: str) -> None:
    node = a_node(
        annotations={RECORD_ANNOTATION: text},
        unschedulable=True,
        cordoned_by=(FIELD_MANAGER,),
        taints=(OURS, OUT_OF_SERVICE_TAINT),
    )
    found = restoration_of(node, T0)
    assert found.doubtful
    assert found.unreadable.startswith(f"annotation {RECORD_ANNOTATION} cannot be read: ") or len(text) > 9999
    assert found.kept_taint
    assert restored(node) == a_node(taints=(OUT_OF_SERVICE_TAINT,))


KEYS = st.sampled_from([*sorted(OUR_TAINTS), OUT_OF_SERVICE_TAINT.key, "dedicated"])
TAINTS = st.lists(
    st.builds(
        Taint, KEYS, st.sampled_from(["NoSchedule", "NoExecute"]), st.sampled_from(["", "nodeshutdown"])
    ),
    max_size=4,
    unique_by=lambda taint: (taint.key, taint.effect),
).map(tuple)
LABELS = st.dictionaries(
    st.sampled_from([*OUR_LABELS, LOAD_BALANCER_LABEL, "app"]), st.sampled_from(["x", PREFIX]), max_size=4
)
NODES = st.builds(
    lambda taints, labels, cordoned, managers: a_node(
        taints=taints, labels=labels, unschedulable=cordoned, cordoned_by=managers if cordoned else ()
    ),
    TAINTS,
    LABELS,
    st.booleans(),
    st.sampled_from(
        [None, (), (FIELD_MANAGER,), (THE_ORIGINALS_MANAGER,), ("kubectl",), ("kubectl", FIELD_MANAGER)]
    ),
)


@given(NODES, st.booleans())
def test_once_is_enough_and_other_names_are_never_touched(before: Node, by_us: bool) -> None:
    node = marked(before) if by_us else before
    found = restoration_of(node, T0)
    after = node if found.patch is None else patched(node, found.patch)
    assert restoration_of(after, T0).patch is None
    assert not OUR_TAINTS & {taint.key for taint in after.taints}
    assert not after.labels.keys() & set(OUR_LABELS)
    assert RECORD_ANNOTATION not in after.annotations
    assert [taint for taint in after.taints if taint.key == "dedicated"] == [
        taint for taint in before.taints if taint.key == "dedicated"
    ]
    assert after.labels.get("app") == before.labels.get("app")
    if before.unschedulable and before.cordoned_by not in ((FIELD_MANAGER,), (THE_ORIGINALS_MANAGER,)):
        assert after.unschedulable
