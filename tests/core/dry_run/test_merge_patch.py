"""A Node after a merge patch."""

import pytest

from nth.core.dry_run.merge_patch import merge, patched
from nth.core.facts import Node, NodePatch, Taint
from nth.core.node.node_annotation import FIELD_MANAGER
from tests.core.samples import a_node


@pytest.mark.parametrize(
    ("target", "patch", "wanted"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_rfc_7386(target: object, patch: object, wanted: object) -> None:
    assert merge(target, patch) == wanted


def test_merge_patch_changes_what_it_names() -> None:
    node = a_node(
        taints=(Taint("kept", "NoSchedule", "v", "2026-11-22T08:30:00Z"),), labels={"kept": "1", "gone": "1"}
    )
    metadata = {"labels": {"gone": None, "new": "1"}, "annotations": {"a": "1"}}
    changed = patched(node, NodePatch({"metadata": metadata, "spec": {"unschedulable": True}}))
    assert changed == Node(
        name=node.name,
        uid=node.uid,
        resource_version=node.resource_version,
        unschedulable=True,
        taints=node.taints,
        labels={"kept": "1", "new": "1"},
        annotations={"a": "1"},
        cordoned_by=(FIELD_MANAGER,),
    )


@pytest.mark.parametrize(
    ("before", "by", "wanted", "after"),
    [
        (False, (), True, ("kubectl",)),
        (True, ("ours",), True, ("ours",)),
        (True, ("ours",), None, ()),
        (False, (), None, ()),
        (False, None, True, ("kubectl",)),
    ],
)
def test_safe_2_who_sets_what_is_set_already_does_not_own_it(
    before: bool, by: tuple[str, ...] | None, wanted: bool | None, after: tuple[str, ...]
) -> None:
    node = a_node(unschedulable=before, cordoned_by=by)
    changed = patched(node, NodePatch({"metadata": {}, "spec": {"unschedulable": wanted}}), "kubectl")
    assert changed.cordoned_by == after


def test_merge_patch_replaces_the_list_of_taints() -> None:
    node = a_node(taints=(Taint("gone", "NoSchedule"),))
    one = NodePatch({"metadata": {}, "spec": {"taints": [{"key": "k", "effect": "NoExecute"}]}})
    assert patched(node, one).taints == (Taint("k", "NoExecute"),)
    assert patched(node, NodePatch({"metadata": {}, "spec": {"taints": None}})).taints == ()


def test_result_that_is_no_node_is_an_error() -> None:
    with pytest.raises(ValueError, match="bool"):
        patched(a_node(), NodePatch({"spec": {"unschedulable": "yes"}}))
