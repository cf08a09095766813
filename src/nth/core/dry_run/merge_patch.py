"""Applies a JSON merge patch (RFC 7386) to a Node, as far as a Node is read here."""

from dataclasses import replace

import msgspec

from nth.core.facts import Node, NodePatch, Taint
from nth.core.node.node_annotation import FIELD_MANAGER


class _Meta(msgspec.Struct, rename="camel"):
    resource_version: str
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class _Taint(msgspec.Struct, rename="camel", omit_defaults=True):
    key: str
    effect: str
    value: str = ""
    time_added: str | None = None


class _Spec(msgspec.Struct, rename="camel"):
    unschedulable: bool = False
    taints: list[_Taint] = []


class _Document(msgspec.Struct):
    metadata: _Meta
    spec: _Spec = msgspec.field(default_factory=_Spec)


def patched(node: Node, patch: NodePatch, manager: str = FIELD_MANAGER) -> Node:
    """Returns the node after a patch by that field manager, with the resource version that it names, if any.

    ValueError: the result is no Node.
    """
    document: object = msgspec.to_builtins(_document(node))
    try:
        after = msgspec.convert(merge(document, dict(patch.body)), _Document)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    return replace(
        node,
        resource_version=after.metadata.resource_version,
        unschedulable=after.spec.unschedulable,
        taints=tuple(Taint(t.key, t.effect, t.value, t.time_added) for t in after.spec.taints),
        labels=after.metadata.labels,
        annotations=after.metadata.annotations,
        cordoned_by=_cordoned_by(node, manager, unschedulable=after.spec.unschedulable),
    )


def _cordoned_by(node: Node, manager: str, *, unschedulable: bool) -> tuple[str, ...] | None:
    """Returns the managers; setting a cordon that is set already makes no client its manager."""
    if unschedulable == node.unschedulable:
        return node.cordoned_by
    return (manager,) if unschedulable else ()


def merge(target: object, patch: object) -> object:
    """Merges by RFC 7386: objects are merged, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged: dict[str, object] = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def _document(node: Node) -> _Document:
    return _Document(
        metadata=_Meta(node.resource_version, dict(node.labels), dict(node.annotations)),
        spec=_Spec(
            unschedulable=node.unschedulable,
            taints=[_Taint(t.key, t.effect, t.value, t.time_added) for t in node.taints],
        ),
    )
