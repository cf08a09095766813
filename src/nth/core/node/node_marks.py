"""The one patch that cordons, taints and labels a Node; and the one that undoes exactly that.

A JSON merge patch replaces the whole list of taints, so every patch carries the resource version
of the node it was made from: if another client wrote in between, the server answers 409 and the patch is
made anew. https://kubernetes.io/docs/concepts/architecture/nodes/#manual-node-administration
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from nth.core.facts import Node, NodePatch, Taint
from nth.core.node.node_annotation import RECORD_ANNOTATION, Marks, NodeRecord, encode, may_be_ours

MAX_LABEL_LENGTH = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The marks that the node should have, on top of others'."""

    cordon: bool = False
    taints: tuple[Taint, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    if_we_cordon: Mapping[str, str] = field(default_factory=dict)
    """Labels that are only set if the cordon is ours."""


class Scale(IntEnum):
    """The size of the change to ask for; after a refusal the next smaller one is tried."""

    FULL = 0
    WITHOUT_TAINTS = 1
    WITHOUT_LABELS = 2
    CORDON_ONLY = 3
    """Without even the record."""


def scaled(wanted: Wanted, scale: Scale) -> Wanted:
    """Returns the part of `wanted` that is left at that scale."""
    if scale >= Scale.WITHOUT_LABELS:
        return Wanted(cordon=wanted.cordon)
    return replace(wanted, taints=()) if scale >= Scale.WITHOUT_TAINTS else wanted


def marks_for(node: Node, wanted: Wanted, marks: Marks) -> Marks:
    """Returns our marks once the node has those that are wanted.

    A mark that others have set does not become ours, and a label that others changed is ours no more.
    """
    cordoned = (marks.cordoned and may_be_ours(node)) or (wanted.cordon and not node.unschedulable)
    present = {taint.key for taint in node.taints}
    taints = tuple(taint for taint in wanted.taints if taint.key not in present)
    labels = {**wanted.labels, **(wanted.if_we_cordon if cordoned else {})}
    new = {key: value for key, value in labels.items() if _may_label(node, marks, key)}
    return Marks(
        cordoned=cordoned,
        taints=(*(t for t in marks.taints if t.key not in {new.key for new in taints}), *taints),
        labels={**{k: v for k, v in marks.labels.items() if node.labels.get(k, v) == v}, **new},
    )


def mark(node: Node, wanted: Wanted, record: NodeRecord, *, with_record: bool = True) -> NodePatch | None:
    """Returns the patch that makes the node as `record.marks` says; None if it is so already."""
    marks = record.marks
    present = {taint.key for taint in node.taints}
    missing = tuple(taint for taint in marks.taints if taint.key not in present)
    spec: dict[str, object] = {}
    if wanted.cordon and not node.unschedulable:
        spec["unschedulable"] = True
    if missing:
        spec["taints"] = _taint_list((*node.taints, *missing))
    labels = {key: value for key, value in marks.labels.items() if node.labels.get(key) != value}
    annotations = _record_annotation(node, record) if with_record else {}
    return _patch(node, spec, labels, annotations)


def undo(node: Node, record: NodeRecord) -> NodePatch | None:
    """Returns the patch that takes back `record.marks` and nothing else; None if nothing of it is there.

    `record.finished` stays on the node, if there is any.
    """
    marks = record.marks
    spec: dict[str, object] = {}
    if marks.cordoned and node.unschedulable and may_be_ours(node):
        spec["unschedulable"] = None
    kept = tuple(taint for taint in node.taints if not _is_ours(taint, marks))
    if kept != node.taints:
        spec["taints"] = _taint_list(kept) or None
    labels = {key: None for key, value in marks.labels.items() if node.labels.get(key) == value}
    after = NodeRecord(session_id=record.session_id, finished=record.finished)
    return _patch(node, spec, labels, _record_annotation(node, after))


def _record_annotation(node: Node, record: NodeRecord) -> dict[str, str | None]:
    text = None if record.empty else encode(record)
    return {} if node.annotations.get(RECORD_ANNOTATION) == text else {RECORD_ANNOTATION: text}


def _patch(
    node: Node,
    spec: dict[str, object],
    labels: Mapping[str, str | None],
    annotations: Mapping[str, str | None],
) -> NodePatch | None:
    if not spec and not labels and not annotations:
        return None
    metadata: dict[str, object] = {"resourceVersion": node.resource_version}
    if labels:
        metadata["labels"] = dict(labels)
    if annotations:
        metadata["annotations"] = dict(annotations)
    return NodePatch({"metadata": metadata, **({"spec": spec} if spec else {})})


def _may_label(node: Node, marks: Marks, key: str) -> bool:
    """Returns whether a label is free, or ours to change."""
    return key not in node.labels or marks.labels.get(key) == node.labels[key]


def _is_ours(taint: Taint, marks: Marks) -> bool:
    return replace(taint, time_added=None) in marks.taints


def _taint_list(taints: tuple[Taint, ...]) -> list[dict[str, str]]:
    return [
        {
            "key": taint.key,
            "effect": taint.effect,
            **({"value": taint.value} if taint.value else {}),
            **({"timeAdded": taint.time_added} if taint.time_added else {}),
        }
        for taint in taints
    ]


def as_label_value(text: str) -> str:
    """Returns the text as far as a label or taint value can hold it: 63 of [A-Za-z0-9._-], alphanumeric ends.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
    """
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:MAX_LABEL_LENGTH].strip("-._")
