"""Patches of a Node, checked as the API server checks them.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/
"""

import re
from collections.abc import Mapping

from nth.core.dry_run import merge_patch
from nth.core.facts import Node, NodePatch
from nth.errors import Conflict, Rejected

LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
QUALIFIED_NAME = re.compile(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
)
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def patched(node: Node, body: Mapping[str, object], manager: str) -> Node:
    """Returns the node after a merge patch by that field manager.

    Conflict: the patch names another resource version. Rejected: the result is no valid Node.
    """
    try:
        after = merge_patch.patched(node, NodePatch(body), manager)
    except ValueError as error:
        raise Rejected(f"patch node {node.name}: 400: {error}") from error
    if after.resource_version != node.resource_version:
        raise Conflict(
            f'patch node {node.name}: 409: Operation cannot be fulfilled on nodes "{node.name}": the object '
            "has been modified; please apply your changes to the latest version and try again"
        )
    _check(after)
    return after


def _check(node: Node) -> None:
    wrong = [f"metadata.labels: Invalid value: {value!r}" for value in _wrong_labels(node)]
    seen: set[tuple[str, str]] = set()
    for taint in node.taints:
        if not QUALIFIED_NAME.fullmatch(taint.key) or not LABEL_VALUE.fullmatch(taint.value):
            wrong.append(f"spec.taints: Invalid value: {taint.key}={taint.value}")
        if taint.effect not in EFFECTS:
            wrong.append(f"spec.taints.effect: Unsupported value: {taint.effect!r}")
        if (taint.key, taint.effect) in seen:
            wrong.append(f"spec.taints: Duplicate value: {taint.key}:{taint.effect}")
        seen.add((taint.key, taint.effect))
    if wrong:
        raise Rejected(f'patch node {node.name}: 422: Node "{node.name}" is invalid: {"; ".join(wrong)}')


def _wrong_labels(node: Node) -> list[str]:
    labels = node.labels.items()
    return [
        *(key for key, _ in labels if not QUALIFIED_NAME.fullmatch(key)),
        *(value for _, value in labels if not LABEL_VALUE.fullmatch(value)),
    ]
