"""Answers reads as the API server does: nodes, pods of a scope, budgets, news for a watch."""

import re
from collections.abc import Callable, Mapping

from nth.core.facts import (
    Budget,
    Node,
    NodeChange,
    NodeGone,
    NodeList,
    NodeSeen,
    Pod,
    PodChange,
    PodGone,
    PodList,
    PodScope,
    PodSeen,
)
from nth.core.node.which_node import of_hostname, of_instance
from nth.errors import Missing, Rejected
from nth.simulation.objects import HOSTNAME_LABEL
from nth.simulation.store import Change, Store

Inside = Callable[[Pod], bool]
Matches = Callable[[Mapping[str, str]], bool]

_KEY = r"[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?"
_SET = re.compile(rf"(?P<key>{_KEY})\s+(?P<operator>in|notin)\s+\((?P<values>[^()]*)\)")
_EQUAL = re.compile(rf"(?P<key>{_KEY})\s*(?P<operator>==|=|!=)\s*(?P<value>[A-Za-z0-9._-]*)")
_EXISTS = re.compile(rf"(?P<absent>!?)\s*(?P<key>{_KEY})")


def read_node(store: Store, name: str) -> Node:
    """Returns the node; Missing if there is none."""
    if name not in store.nodes:
        raise Missing(f'read node {name}: 404: nodes "{name}" not found')
    return store.nodes[name].fact


def find_node(store: Store, name: str, instance_id: str) -> Node:
    """Returns the node by name, by hostname, by instance; Missing if that names none, or several."""
    nodes = [node.fact for node in store.nodes.values()]
    hostnames = (name, name.split(".")[0])
    by_label = [node for node in nodes if node.labels.get(HOSTNAME_LABEL) in hostnames]
    for node in nodes:
        if node.name == name:
            return node
    if found := of_hostname(by_label, instance_id) or of_instance(nodes, instance_id):
        return found
    raise Missing(f"no node is named {name!r} or alone has that hostname or instance {instance_id!r}")


def list_nodes(store: Store) -> NodeList:
    """Returns all nodes."""
    return NodeList(tuple(node.fact for node in store.nodes.values()), str(store.version))


def list_pods(store: Store, scope: PodScope) -> PodList:
    """Returns the pods of the scope."""
    inside = inside_of(scope)
    pods = tuple(pod.fact for pod in store.pods.values() if inside(pod.fact))
    return PodList(pods, str(store.version))


def list_budgets(store: Store, namespace: str) -> tuple[Budget, ...]:
    """Returns the budgets as their controller last counted."""
    return tuple(
        Budget(
            namespace=namespace,
            name=budget.spec.name,
            disruptions_allowed=budget.disruptions_allowed,
            match_labels=budget.spec.match_labels,
        )
        for budget in store.budgets.values()
        if budget.spec.namespace == namespace
    )


def inside_of(scope: PodScope) -> Inside:
    """Returns a test whether a pod belongs to the scope. Rejected: its selector is not valid."""
    matches = parse_selector(scope.label_selector)
    return lambda pod: (
        scope.node_name in ("", pod.node_name)
        and scope.namespace in ("", pod.ref.namespace)
        and matches(pod.labels)
    )


def pod_news(change: Change[Pod], inside: Inside) -> PodChange | None:
    """Returns a watch's news of this change; a pod that leaves the scope is gone for it."""
    if change.after is not None and inside(change.after):
        return PodSeen(change.after, str(change.version))
    if change.before is not None and inside(change.before):
        return PodGone(change.before.ref, str(change.version))
    return None


def node_news(change: Change[Node]) -> NodeChange:
    """Returns the news of a watch of all nodes."""
    if change.after is not None:
        return NodeSeen(change.after)
    assert change.before is not None  # A change of nothing into nothing does not exist.
    return NodeGone(change.before.name, change.before.uid)


def parse_selector(text: str) -> Matches:
    """Returns a test of labels by `app=web,tier!=db,hash in (a,b),!old`; an empty text matches all. Rejected.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    # Commas also stand inside the parentheses of a set.
    parts = [part.strip() for part in re.split(r",(?![^()]*\))", text)] if text.strip() else []
    rules = [_rule(part) for part in parts]
    return lambda labels: all(rule(labels) for rule in rules)


def _rule(part: str) -> Matches:
    if found := _SET.fullmatch(part):
        values = frozenset(value.strip() for value in found["values"].split(","))
        return _one_of(found["key"], values, wanted=found["operator"] == "in")
    if found := _EQUAL.fullmatch(part):
        return _one_of(found["key"], frozenset({found["value"]}), wanted=found["operator"] != "!=")
    if found := _EXISTS.fullmatch(part):
        key, absent = found["key"], bool(found["absent"])
        return lambda labels: (key in labels) is not absent
    raise Rejected(f"400: unable to parse requirement: {part!r} is not a label selector")


def _one_of(key: str, values: frozenset[str], *, wanted: bool) -> Matches:
    """Returns a test for `in`, or for `notin`, which a missing label satisfies too."""
    if wanted:
        return lambda labels: key in labels and labels[key] in values
    return lambda labels: key not in labels or labels[key] not in values
