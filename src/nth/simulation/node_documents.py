"""A Node as the API's document, and JSON merge patches of it, checked as the API server checks them.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/
"""

import re
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from nth.core.facts import Node, Taint
from nth.errors import Conflict, Rejected

LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
QUALIFIED_NAME = re.compile(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
)
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


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


def patched(node: Node, body: Mapping[str, object]) -> Node:
    """The node after a merge patch.

    Conflict: the patch names another resource version. Rejected: the result is no valid Node.
    """
    document: object = msgspec.to_builtins(_document(node))
    try:
        after = msgspec.convert(merge(document, dict(body)), _Document)
    except msgspec.ValidationError as error:
        raise Rejected(f"patch node {node.name}: 400: {error}") from error
    if after.metadata.resource_version != node.resource_version:
        raise Conflict(
            f'patch node {node.name}: 409: Operation cannot be fulfilled on nodes "{node.name}": the object '
            "has been modified; please apply your changes to the latest version and try again"
        )
    _check(node.name, after)
    return replace(
        node,
        unschedulable=after.spec.unschedulable,
        taints=tuple(Taint(t.key, t.effect, t.value, t.time_added) for t in after.spec.taints),
        labels=after.metadata.labels,
        annotations=after.metadata.annotations,
    )


def merge(target: object, patch: object) -> object:
    """RFC 7386: objects are merged, null removes, everything else replaces."""
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


def _check(name: str, document: _Document) -> None:
    wrong = [f"metadata.labels: Invalid value: {value!r}" for value in _wrong_labels(document)]
    seen: set[tuple[str, str]] = set()
    for taint in document.spec.taints:
        if not QUALIFIED_NAME.fullmatch(taint.key) or not LABEL_VALUE.fullmatch(taint.value):
            wrong.append(f"spec.taints: Invalid value: {taint.key}={taint.value}")
        if taint.effect not in EFFECTS:
            wrong.append(f"spec.taints.effect: Unsupported value: {taint.effect!r}")
        if (taint.key, taint.effect) in seen:
            wrong.append(f"spec.taints: Duplicate value: {taint.key}:{taint.effect}")
        seen.add((taint.key, taint.effect))
    if wrong:
        raise Rejected(f'patch node {name}: 422: Node "{name}" is invalid: {"; ".join(wrong)}')


def _wrong_labels(document: _Document) -> list[str]:
    labels = document.metadata.labels.items()
    return [
        *(key for key, _ in labels if not QUALIFIED_NAME.fullmatch(key)),
        *(value for _, value in labels if not LABEL_VALUE.fullmatch(value)),
    ]
