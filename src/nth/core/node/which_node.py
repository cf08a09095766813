"""Finds the node of the machine that we run on. It never guesses between several."""

from collections.abc import Iterable

from nth.core.facts import Node


def of_hostname(nodes: Iterable[Node], instance_id: str) -> Node | None:
    """Returns the node with our hostname label and our provider id, else the only one without a provider id.

    Without an `instance_id` (the metadata service does not tell it), it returns the only one with the label.
    """
    listed = tuple(nodes)
    ours = tuple(node for node in listed if node.instance_id == instance_id)
    if not instance_id:
        return _only(listed)
    return _only(ours or tuple(node for node in listed if not node.instance_id))


def of_instance(nodes: Iterable[Node], instance_id: str) -> Node | None:
    """Returns the node with that provider id; of several, the one that is named by the instance's id."""
    ours = tuple(node for node in nodes if instance_id and node.instance_id == instance_id)
    return _only(ours) or _only(tuple(node for node in ours if node.name.partition(".")[0] == instance_id))


def _only(nodes: tuple[Node, ...]) -> Node | None:
    return nodes[0] if len(nodes) == 1 else None
