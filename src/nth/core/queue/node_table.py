"""All nodes of the cluster, found by instance, by name, or by the instance's private DNS name.

It keeps only the needed parts of a node, and returns the changes. It guesses nothing: a name that two nodes
share finds none.
"""

from collections.abc import Iterable
from dataclasses import replace

from nth.core.facts import Node, NodeChange, NodeGone, version_of
from nth.core.node.node_annotation import RECORD_ANNOTATION

HOSTNAME_LABEL = "kubernetes.io/hostname"
EKSCTL_INSTANCE_LABEL = "alpha.eksctl.io/instance-id"
NOT_EC2 = ("aws:", "eks-hybrid:")
"""Provider ids that begin so and name no instance: Fargate, and EKS hybrid nodes."""

MAX_WORDS = 10_000
"""So many different keys and values of labels are shared; some belong to nodes that are long gone."""

Change = tuple[Node | None, Node | None]
"""Before and after; None = there was no such node, or there is none any more."""


def instance_id_of(node: Node) -> str:
    """Returns its EC2 instance by the provider id, else by eksctl's label; empty if neither names one.

    A kubelet writes that label itself: it counts only where no node has the provider id (`of_instance`).
    """
    return node.instance_id or node.labels.get(EKSCTL_INSTANCE_LABEL, "")


def is_nameless(node: Node) -> bool:
    """True if nothing on it names its instance, but it may well be one."""
    return not instance_id_of(node) and not node.provider_id.startswith(NOT_EC2)


def slim(node: Node, words: dict[str, str]) -> Node:
    """Returns the node with only our own annotation, and labels made of `words`, which all nodes share."""
    record = node.annotations.get(RECORD_ANNOTATION)
    if len(words) > MAX_WORDS:
        words.clear()
    return replace(
        node,
        labels={words.setdefault(k, k): words.setdefault(v, v) for k, v in node.labels.items()},
        annotations={} if record is None else {RECORD_ANNOTATION: record},
    )


def chosen(nodes: tuple[Node, ...]) -> Node | None:
    """Returns the real one of the nodes of one instance; None = two are Ready, or there is none.

    A machine that registers again under another name leaves its old node behind: the Ready one is
    real, else the one that was written last.
    """
    ready = [node for node in nodes if node.ready]
    if len(ready) > 1:
        return None
    return max(ready or nodes, key=version_of, default=None)


class NodeTable:
    """Nodes by name, with only the needed parts."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._by_instance: dict[str, frozenset[str]] = {}
        self._by_host: dict[str, frozenset[str]] = {}
        """Nameless nodes only, by name and by hostname label."""
        self._nameless: set[str] = set()
        self._words: dict[str, str] = {}

    def all(self) -> tuple[Node, ...]:
        """Returns every node, sorted by name."""
        return tuple(self._nodes[name] for name in sorted(self._nodes))

    def by_name(self, name: str) -> Node | None:
        """Returns the node of that name."""
        return self._nodes.get(name)

    def of_instance(self, instance_id: str) -> tuple[Node, ...]:
        """Returns every node that names this instance, by provider id, or else by label; normally one."""
        nodes = self._named(self._by_instance.get(instance_id, frozenset()))
        by_id = tuple(node for node in nodes if node.instance_id)
        return by_id or nodes

    def of_host(self, private_dns_name: str) -> tuple[Node, ...]:
        """Returns every nameless node of that name, or else of that hostname label, full or short.

        A kubelet writes its own labels, but not its name.
        """
        none: frozenset[str] = frozenset()
        hosts = (private_dns_name, private_dns_name.partition(".")[0])
        nodes = self._named(none.union(*(self._by_host.get(host, none) for host in hosts)))
        return tuple(node for node in nodes if node.name in hosts) or nodes

    @property
    def has_nameless(self) -> bool:
        """True if only EC2 can tell the instance of some node."""
        return bool(self._nameless)

    def take(self, change: NodeChange) -> tuple[Change, ...]:
        """Take a watch's change. Returns the changes of the table; empty if it is not new."""
        if isinstance(change, NodeGone):
            known = self._nodes.get(change.name)
            return self._drop(change.name) if known is not None and known.uid == change.uid else ()
        known = self._nodes.get(change.node.name)
        if known is not None and known.uid == change.node.uid and version_of(change.node) < version_of(known):
            # The node was learned from elsewhere, and the watch has not come that far.
            return ()
        return self._put(change.node)

    def replace(self, nodes: Iterable[Node]) -> tuple[Change, ...]:
        """Take a list, which has exactly these nodes. Returns the differences."""
        listed = {node.name: node for node in nodes}
        gone = [change for name in sorted(self._nodes.keys() - listed.keys()) for change in self._drop(name)]
        return (*gone, *(change for node in listed.values() for change in self._put(node)))

    def _put(self, node: Node) -> tuple[Change, ...]:
        known = self._nodes.get(node.name)
        if known is not None and known.uid != node.uid:
            return (*self._drop(node.name), *self._put(node))
        if known is not None and known.resource_version == node.resource_version:
            return ()
        if known is not None:
            self._unlink(known)
        after = slim(node, self._words)
        self._nodes[node.name] = after
        self._link(after)
        return ((known, after),)

    def _drop(self, name: str) -> tuple[Change, ...]:
        node = self._nodes.pop(name)
        self._unlink(node)
        return ((node, None),)

    def _link(self, node: Node) -> None:
        for index, key in self._keys(node):
            index[key] = index.get(key, frozenset()) | {node.name}
        if is_nameless(node):
            self._nameless.add(node.name)

    def _unlink(self, node: Node) -> None:
        for index, key in self._keys(node):
            index[key] -= {node.name}
            if not index[key]:
                del index[key]
        self._nameless.discard(node.name)

    def _keys(self, node: Node) -> list[tuple[dict[str, frozenset[str]], str]]:
        instance_id = instance_id_of(node)
        if instance_id:
            return [(self._by_instance, instance_id)]
        if not is_nameless(node):
            return []
        return [(self._by_host, host) for host in {node.name, node.labels.get(HOSTNAME_LABEL, node.name)}]

    def _named(self, names: frozenset[str]) -> tuple[Node, ...]:
        return tuple(self._nodes[name] for name in sorted(names))
