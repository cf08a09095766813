"""Objects as the API server writes them become the facts that decisions need."""

from datetime import UTC, datetime

import msgspec
import pytest

from nth.adapters.kubernetes_errors import MESSAGE_LIMIT_CHARS
from nth.adapters.kubernetes_objects import (
    BudgetObject,
    NodeObject,
    ObjectList,
    PodObject,
    budget_of,
    node_of,
    pod_of,
)
from nth.core.facts import Budget, Controller, Node, Pod, PodRef, Taint

NODE = """{"apiVersion": "v1", "kind": "Node",
  "metadata": {"name": "n", "uid": "u1", "resourceVersion": "7", "creationTimestamp": null,
    "labels": {"a": "b"}, "annotations": {"c": "d"}},
  "spec": {"providerID": "aws:///z/i-1", "unschedulable": true, "podCIDR": "10.0.0.0/24", "taints": [
    {"key": "k", "effect": "NoExecute", "timeAdded": "2026-11-22T08:30:00Z"},
    {"key": "l", "value": "v", "effect": "NoSchedule"}]},
  "status": {"capacity": {"cpu": "4"}}}"""

POD = """{"metadata": {"name": "p", "namespace": "s", "uid": "u2", "labels": {"app": "web"},
    "annotations": {"x": "y", "aws-node-termination-handler/force": "never"}, "finalizers": ["f"],
    "deletionTimestamp": "2026-11-22T08:30:00Z", "deletionGracePeriodSeconds": 12,
    "ownerReferences": [{"kind": "Thing", "name": "t", "uid": "u3"},
      {"kind": "ReplicaSet", "name": "r", "uid": "u4", "controller": true}]},
  "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 0, "priorityClassName": "high",
    "volumes": [{"name": "v", "configMap": {"name": "persistentVolumeClaim"}}]},
  "status": {"phase": "Running", "conditions": [
    {"type": "PodScheduled", "status": "True", "message": "not this"},
    {"type": "Ready", "status": "True"}]}}"""


def _pod(document: str) -> Pod:
    return pod_of(msgspec.json.decode(document, type=PodObject))


def _with_volumes(*volumes: str) -> Pod:
    listed = ", ".join(f'{{"name": "v", {volume}}}' for volume in volumes)
    return _pod(f'{{"metadata": {{"name": "p"}}, "spec": {{"volumes": [{listed}]}}}}')


def test_a_node_with_all_its_fields() -> None:
    assert node_of(msgspec.json.decode(NODE, type=NodeObject)) == Node(
        name="n",
        uid="u1",
        resource_version="7",
        unschedulable=True,
        taints=(Taint("k", "NoExecute", "", "2026-11-22T08:30:00Z"), Taint("l", "NoSchedule", "v")),
        labels={"a": "b"},
        annotations={"c": "d"},
        provider_id="aws:///z/i-1",
    )


def test_a_node_with_nothing() -> None:
    bare = '{"metadata": {"name": "n", "uid": "u", "resourceVersion": "1", "labels": null}}'
    found = msgspec.json.decode(bare, type=NodeObject)
    assert node_of(found) == Node(name="n", uid="u", resource_version="1")


def test_a_pod_with_all_its_fields() -> None:
    assert _pod(POD) == Pod(
        ref=PodRef("s", "p", "u2"),
        node_name="n",
        phase="Running",
        ready=True,
        grace_seconds=0,
        deleting_until_at=datetime(2026, 11, 22, 8, 30, tzinfo=UTC).timestamp(),
        deletion_grace_seconds=12,
        priority_class="high",
        controller=Controller("ReplicaSet", "r", "u4"),
        labels={"app": "web"},
        annotations={"aws-node-termination-handler/force": "never"},
        finalizers=("f",),
    )


def test_a_pod_with_nothing() -> None:
    assert _pod('{"metadata": {}}') == Pod(ref=PodRef("", "", ""), phase="Unknown", grace_seconds=30)


def test_a_mirror_pod_is_known_by_its_annotation_even_an_empty_one() -> None:
    assert _pod('{"metadata": {"annotations": {"kubernetes.io/config.mirror": ""}}}').mirror


@pytest.mark.parametrize(
    ("kind", "local", "attached"),
    [
        ("emptyDir", True, False),
        ("hostPath", False, False),
        ("configMap", False, False),
        ("secret", False, False),
        ("projected", False, False),
        ("downwardAPI", False, False),
        ("persistentVolumeClaim", False, True),
        ("ephemeral", False, True),
        ("csi", False, True),
        ("awsElasticBlockStore", False, True),
        ("nfs", False, True),
    ],
)
def test_needs_W26_volumes_are_local_or_attached(kind: str, local: bool, attached: bool) -> None:
    pod = _with_volumes(f'"{kind}": {{}}')
    assert (pod.local_storage, pod.attached_storage) == (local, attached)


def test_a_pod_may_have_both_kinds_of_volume() -> None:
    pod = _with_volumes('"emptyDir": {}', '"secret": {"secretName": "s"}', '"csi": {"driver": "d"}')
    assert pod.local_storage
    assert pod.attached_storage


def test_a_pod_that_no_node_takes_says_why() -> None:
    condition = '{"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}'
    pod = _pod(f'{{"metadata": {{}}, "status": {{"phase": "Pending", "conditions": [{condition}]}}}}')
    assert (pod.phase, pod.pending_reason, pod.ready) == ("Pending", "0/2 nodes are available", False)


def test_the_words_of_a_scheduler_are_one_short_line_whoever_wrote_them() -> None:
    condition = f'{{"type": "PodScheduled", "status": "False", "message": "no\\n{"room " * 5000}"}}'
    pod = _pod(f'{{"metadata": {{}}, "status": {{"phase": "Pending", "conditions": [{condition}]}}}}')
    assert pod.pending_reason.startswith("no room room")
    assert len(pod.pending_reason) <= MESSAGE_LIMIT_CHARS


@pytest.mark.parametrize(("status", "reason"), [("True", "EvictionByEvictionAPI"), ("False", "")])
def test_a_pod_that_is_disrupted_says_by_what(status: str, reason: str) -> None:
    condition = f'{{"type": "DisruptionTarget", "status": "{status}", "reason": "EvictionByEvictionAPI"}}'
    pod = _pod(f'{{"metadata": {{}}, "status": {{"conditions": [{condition}]}}}}')
    assert pod.disrupted_by == reason


def test_a_budget_with_labels_and_expressions() -> None:
    document = """{"metadata": {"name": "b", "namespace": "s"}, "status": {"disruptionsAllowed": 2},
      "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"app": "web"}, "matchExpressions": [
        {"key": "tier", "operator": "In", "values": ["a", "b"]},
        {"key": "old", "operator": "DoesNotExist"}]}}}"""
    assert budget_of(msgspec.json.decode(document, type=BudgetObject)) == Budget(
        namespace="s",
        name="b",
        disruptions_allowed=2,
        match_labels={"app": "web"},
        match_expressions=(("tier", "In", ("a", "b")), ("old", "DoesNotExist", ())),
    )


def test_a_budget_without_a_selector_protects_nothing_and_one_with_an_empty_one_all() -> None:
    without = '{"metadata": {"name": "b", "namespace": "s"}, "spec": {}}'
    empty = '{"metadata": {"name": "b", "namespace": "s"}, "spec": {"selector": {}}}'
    assert budget_of(msgspec.json.decode(without, type=BudgetObject)) is None
    assert budget_of(msgspec.json.decode(empty, type=BudgetObject)) == Budget(
        namespace="s", name="b", disruptions_allowed=0
    )


def test_a_list_may_be_null_and_names_its_next_page() -> None:
    page = msgspec.json.decode(
        '{"items": null, "metadata": {"resourceVersion": "9", "continue": "more"}}',
        type=ObjectList[PodObject],
    )
    assert (page.items, page.metadata.resource_version, page.metadata.next_page) == (None, "9", "more")


@pytest.mark.parametrize("text", ["yesterday", "2026-11-22T08:30:00"])
def test_a_deletion_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        _pod(f'{{"metadata": {{"deletionTimestamp": "{text}"}}}}')
