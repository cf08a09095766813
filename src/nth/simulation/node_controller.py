"""The controllers of nodes: the taint of a cordon, pods that a taint drives away, pods of dead machines.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
"""

from dataclasses import replace
from math import inf

from nth.core.facts import Taint
from nth.core.times import parse_rfc3339, utc_text
from nth.simulation.deletion import delete_pod, remove_pod
from nth.simulation.objects import (
    OUT_OF_SERVICE_TAINT,
    UNREACHABLE_TAINT,
    NodeObject,
    PodObject,
    Toleration,
)
from nth.simulation.scheduler import UNSCHEDULABLE, tolerations_of
from nth.simulation.store import Store

DEFAULT_TOLERATIONS = (
    Toleration(key="node.kubernetes.io/not-ready", effect="NoExecute", seconds=300),
    Toleration(key=UNREACHABLE_TAINT, effect="NoExecute", seconds=300),
)
"""The tolerations that admission gives every pod that has none of its own for these taints."""


def run_node_controllers(store: Store, now: float) -> float:
    """Make one pass; returns when the next toleration ends (inf = none)."""
    pods = store.pods_by_node()
    next_at = inf
    for node in tuple(store.nodes.values()):
        tainted = _sync_cordon(store, node, now)
        for pod in pods.get(node.name, ()):
            next_at = min(next_at, _drive_away(store, tainted, pod, now))
    return next_at


def mark_silent(store: Store, node: NodeObject, now: float) -> None:
    """Mark a node whose kubelet has been silent for too long: its pods count as not Ready."""
    taints = [Taint(UNREACHABLE_TAINT, effect, "", utc_text(now)) for effect in ("NoSchedule", "NoExecute")]
    store.change_node(node, replace(node.fact, taints=(*node.fact.taints, *taints), ready=False))
    for pod in store.pods_by_node().get(node.name, ()):
        if pod.fact.ready:
            store.change_pod(pod, replace(pod.fact, ready=False, unready_since_at=float(int(now))))


def _sync_cordon(store: Store, node: NodeObject, now: float) -> NodeObject:
    """Returns the node with the taint of its cordon, or without it when the cordon is gone."""
    others = tuple(t for t in node.fact.taints if (t.key, t.effect) != (UNSCHEDULABLE.key, "NoSchedule"))
    has_taint = len(others) < len(node.fact.taints)
    if node.fact.unschedulable is has_taint:
        return node
    added = () if has_taint else (replace(UNSCHEDULABLE, time_added=utc_text(now)),)
    return store.change_node(node, replace(node.fact, taints=(*others, *added)))


def _drive_away(store: Store, node: NodeObject, pod: PodObject, now: float) -> float:
    if pod.fact.deleting_until_at is None:
        due_at = min((_due_at(pod, taint, now) for taint in node.fact.taints), default=inf)
        if due_at > now:
            return due_at
        delete_pod(store, pod, None, now)
    elif not node.fact.ready and any(taint.key == OUT_OF_SERVICE_TAINT for taint in node.fact.taints):
        # This taint says that the machine is off: there is no kubelet to wait for.
        remove_pod(store, pod, now)
    return inf


def _due_at(pod: PodObject, taint: Taint, now: float) -> float:
    """Returns when this taint drives the pod away: inf = never, in the past = at once."""
    if taint.effect != "NoExecute" or pod.fact.mirror:
        return inf
    tolerations = (*tolerations_of(pod), *(() if pod.pinned_to else DEFAULT_TOLERATIONS))
    covering = [toleration for toleration in tolerations if toleration.covers(taint)]
    if not covering:
        return now
    added_at = parse_rfc3339(taint.time_added) if taint.time_added else now
    return added_at + min(inf if t.seconds is None else t.seconds for t in covering)
