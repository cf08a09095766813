"""Which of two readings of a Node is the newer one."""

from nth.core.facts import Node


def version_of(node: Node) -> int:
    """Later writes have higher ones; 0 if it is not a number.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """
    return int(node.resource_version) if node.resource_version.isdecimal() else 0
