"""The one patch that marks a node, and the one that undoes exactly that."""

import json
from dataclasses import replace

import pytest

from nth.core.facts import NodePatch, Taint
from nth.core.node.node_annotation import RECORD_ANNOTATION, Marks, NodeRecord, encode
from nth.core.node.node_marks import (
    Scale,
    Wanted,
    as_label_value,
    mark,
    marks_for,
    scaled,
    undo,
)
from nth.core.policy import LOAD_BALANCER_LABEL, OUT_OF_SERVICE_TAINT
from tests.core.samples import a_node

OURS = Taint("aws-node-termination-handler/spot-itn", "NoSchedule", "spot-itn-1")
THEIRS = Taint("dedicated", "NoExecute", "gpu", "2026-11-22T08:30:00Z")
WANTED = Wanted(cordon=True, taints=(OURS,), labels={"l": "1"}, if_we_cordon={"r": "2"})


def record(marks: Marks, finished: tuple[str, ...] = ()) -> NodeRecord:
    return NodeRecord(session_id="s", marked_at=1, marks=marks, finished=finished)


def body(patch: NodePatch | None) -> dict[str, object]:
    assert patch is not None
    found = json.loads(json.dumps(patch.body))
    assert isinstance(found, dict)
    return found


def test_needs_W32_cordon_taint_label_and_record_are_one_patch_of_one_version() -> None:
    node = a_node(resource_version="7", taints=(THEIRS,))
    marks = marks_for(node, WANTED, Marks())
    assert marks == Marks(cordoned=True, taints=(OURS,), labels={"l": "1", "r": "2"})
    assert body(mark(node, WANTED, record(marks))) == {
        "metadata": {
            "resourceVersion": "7",
            "labels": {"l": "1", "r": "2"},
            "annotations": {RECORD_ANNOTATION: encode(record(marks))},
        },
        "spec": {
            "unschedulable": True,
            "taints": [
                {
                    "key": "dedicated",
                    "effect": "NoExecute",
                    "value": "gpu",
                    "timeAdded": "2026-11-22T08:30:00Z",
                },
                {"key": OURS.key, "effect": "NoSchedule", "value": "spot-itn-1"},
            ],
        },
    }


def test_A11_node_that_is_marked_already_needs_no_patch() -> None:
    marks = Marks(cordoned=True, taints=(OURS,), labels={"l": "1"})
    node = a_node(
        unschedulable=True,
        taints=(OURS,),
        labels={"l": "1"},
        annotations={RECORD_ANNOTATION: encode(record(marks))},
    )
    assert mark(node, WANTED, record(marks)) is None


def test_S7_reboot_labels_are_only_set_if_the_cordon_is_ours() -> None:
    marks = marks_for(a_node(unschedulable=True), WANTED, Marks())
    assert marks == Marks(cordoned=False, taints=(OURS,), labels={"l": "1"})


def test_A10_taint_whose_key_is_there_is_not_ours() -> None:
    there = replace(OURS, value="someone", time_added="2026-11-22T08:00:00Z")
    node = a_node(taints=(there,))
    marks = marks_for(node, WANTED, Marks())
    assert marks.taints == ()
    assert "taints" not in str(mark(node, Wanted(cordon=True), record(marks)))


def test_A4_label_that_is_there_is_never_overwritten() -> None:
    node = a_node(labels={LOAD_BALANCER_LABEL: "someone"})
    wanted = Wanted(cordon=True, labels={LOAD_BALANCER_LABEL: "aws-node-termination-handler"})
    assert marks_for(node, wanted, Marks()).labels == {}


def test_needs_W21_label_that_others_changed_is_ours_no_more() -> None:
    marks = Marks(cordoned=True, labels={"l": "1"})
    node = a_node(unschedulable=True, labels={"l": "theirs"})
    assert marks_for(node, Wanted(cordon=True), marks).labels == {}
    assert "labels" not in str(undo(node, record(marks)))


def test_our_own_label_gets_its_new_value() -> None:
    node, marks = a_node(labels={"l": "1"}), Marks(labels={"l": "1"})
    assert marks_for(node, Wanted(cordon=True, labels={"l": "2"}), marks).labels == {"l": "2"}


def test_what_we_set_and_others_took_away_is_set_again() -> None:
    marks = Marks(cordoned=True, taints=(OURS,), labels={"l": "1"})
    patch = body(mark(a_node(), WANTED, record(marks_for(a_node(), WANTED, marks))))
    assert patch["spec"] == {
        "unschedulable": True,
        "taints": [{"key": OURS.key, "effect": OURS.effect, "value": OURS.value}],
    }


def test_taint_without_a_value() -> None:
    patch = body(mark(a_node(), Wanted(), record(Marks(taints=(Taint("k", "NoSchedule"),)))))
    assert patch["spec"] == {"taints": [{"key": "k", "effect": "NoSchedule"}]}


def test_patch_without_the_record() -> None:
    patch = body(mark(a_node(), Wanted(cordon=True), record(Marks(cordoned=True)), with_record=False))
    assert patch == {"metadata": {"resourceVersion": "1"}, "spec": {"unschedulable": True}}


def test_A19_needs_W24_undo_takes_back_everything_in_one_patch() -> None:
    marks = Marks(cordoned=True, taints=(OURS, OUT_OF_SERVICE_TAINT), labels={"l": "1"})
    node = a_node(
        unschedulable=True,
        taints=(replace(OURS, time_added="2026-11-22T08:30:00Z"), OUT_OF_SERVICE_TAINT, THEIRS),
        labels={"l": "1", "kept": "yes"},
        annotations={RECORD_ANNOTATION: "{}"},
    )
    assert body(undo(node, record(marks))) == {
        "metadata": {
            "resourceVersion": "1",
            "labels": {"l": None},
            "annotations": {RECORD_ANNOTATION: None},
        },
        "spec": {
            "unschedulable": None,
            "taints": [
                {
                    "key": "dedicated",
                    "effect": "NoExecute",
                    "value": "gpu",
                    "timeAdded": "2026-11-22T08:30:00Z",
                },
            ],
        },
    }


def test_needs_W24_cordon_of_somebody_else_survives_the_undo() -> None:
    node = a_node(unschedulable=True, annotations={RECORD_ANNOTATION: "{}"})
    assert "spec" not in body(undo(node, record(Marks())))


def test_undo_of_the_last_taint_leaves_no_list() -> None:
    patch = body(undo(a_node(taints=(OURS,)), record(Marks(taints=(OURS,)))))
    assert patch["spec"] == {"taints": None}


def test_undo_of_nothing_is_no_patch() -> None:
    assert undo(a_node(), record(Marks(cordoned=True, taints=(OURS,), labels={"l": "1"}))) is None


def test_A16_undo_keeps_in_mind_what_is_over_but_still_listed() -> None:
    patch = body(undo(a_node(), record(Marks(), finished=("instance-event-1",))))
    kept = encode(NodeRecord(session_id="s", finished=("instance-event-1",)))
    assert patch == {"metadata": {"resourceVersion": "1", "annotations": {RECORD_ANNOTATION: kept}}}


@pytest.mark.parametrize(
    ("scale", "left"),
    [
        (Scale.FULL, WANTED),
        (Scale.WITHOUT_TAINTS, replace(WANTED, taints=())),
        (Scale.WITHOUT_LABELS, Wanted(cordon=True)),
        (Scale.CORDON_ONLY, Wanted(cordon=True)),
    ],
)
def test_needs_W32_scales_ask_for_less_and_less(scale: Scale, left: Wanted) -> None:
    assert scaled(WANTED, scale) == left


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("instance-event-0d59937288b749b32", "instance-event-0d59937288b749b32"),
        ("a/b c", "a-b-c"),
        ("_a-", "a"),
        ("x" * 70, "x" * 63),
        ("x" * 62 + "--y", "x" * 62),
        ("", ""),
    ],
)
def test_A3_A5_label_values_fit(text: str, value: str) -> None:
    assert as_label_value(text) == value
