"""Checks that the node whose record names a lifecycle hook is really the instance that waits in it.

A kubelet writes its Node's record, labels and addresses, and may choose its provider id when it registers. It
cannot choose its name, and cannot take a provider id from another Node. So all three have to agree: the
provider id, that no other node has it, and EC2's name of the instance.
"""

from nth.core.facts import Node
from nth.core.notices.aws_facts import Instance
from nth.core.queue.node_owner import Answer, has_name


def claim_against(node: Node | None, instance_id: str, claimants: tuple[Node, ...]) -> str:
    """Returns why the cluster does not show that the node is that instance; empty: nothing is against it.

    `claimants`: the nodes whose provider id names the instance.
    """
    if node is None:
        return "its node has left the cluster"
    if node.instance_id not in ("", instance_id):
        return f"the node {node.name} has another provider id"
    others = [other.name for other in claimants if other.name != node.name]
    return f"the node {others[0]} has its provider id" if others else ""


def name_against(node: Node, answer: Answer) -> str:
    """Returns why EC2's answer about the instance does not fit the node's name; empty: it does."""
    if not isinstance(answer, Instance):
        return "EC2 knows no such instance"
    return "" if has_name(answer, [node.name]) else f"EC2's name for it does not fit the node {node.name}"
