"""The controllers of workloads: each creates and deletes pods until they are as wanted.

One pass over all of them; called again after every change. They know nothing of machines.
https://kubernetes.io/docs/concepts/workloads/controllers/
"""

from collections.abc import Callable, Mapping, Sequence

from nth.core.facts import Controller
from nth.simulation.deletion import delete_pod
from nth.simulation.jobs import run_job
from nth.simulation.objects import Kind, NodeObject, PodObject, WorkloadObject
from nth.simulation.pod_making import create_pod
from nth.simulation.scheduler import DAEMON_TOLERATIONS, untolerated
from nth.simulation.store import Store


def run_controllers(store: Store, now: float) -> None:
    """Make one pass of every controller."""
    pods = store.pods_by_workload()
    for workload in tuple(store.workloads.values()):
        RECONCILE[workload.spec.kind](store, workload, pods.get(workload.key, []), now)


def workload_controller(store: Store, kind: Kind, name: str, revision: str) -> Controller | None:
    """Returns the controller that the pods of a new workload name."""
    if kind == "Pod":
        return None
    if kind == "Deployment":
        return Controller("ReplicaSet", f"{name}-{revision}", store.new_uid())
    return Controller("Node" if kind == "Mirror" else kind, name, store.new_uid())


def _replica_set(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], now: float) -> None:
    """Keep so many active pods: one that is being deleted is replaced while it still stops."""
    assert workload.controller is not None
    active = [pod for pod in pods if pod.active]
    for _ in range(workload.spec.replicas - len(active)):
        create_pod(store, workload, f"{workload.controller.name}-{store.new_suffix()}")
    surplus = len(active) - workload.spec.replicas
    if surplus > 0:
        # The least useful go first, and of them the youngest.
        active.reverse()
        ranked = sorted(active, key=lambda pod: (pod.fact.ready, pod.fact.phase == "Running"))
        for pod in ranked[:surplus]:
            delete_pod(store, pod, None, now)


def _stateful_set(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], now: float) -> None:
    """Create in order: each waits until those before it are Ready, and a name until its old pod is gone."""
    by_name = {pod.ref.name: pod for pod in pods}
    for ordinal in range(workload.spec.replicas):
        name = f"{workload.spec.name}-{ordinal}"
        pod = by_name.pop(name, None)
        if pod is None:
            create_pod(store, workload, name)
            return
        if pod.fact.finished and pod.fact.deleting_until_at is None:
            delete_pod(store, pod, None, now)
        if not (pod.active and pod.fact.ready):
            return
    for pod in sorted(by_name.values(), key=lambda pod: _ordinal(pod), reverse=True)[:1]:
        if pod.fact.deleting_until_at is None:
            delete_pod(store, pod, None, now)


def _ordinal(pod: PodObject) -> int:
    return int(pod.ref.name.rpartition("-")[2])


def _daemon_set(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], now: float) -> None:
    # A pod that has stopped and is going makes room for the next before its object is gone.
    by_node = {pod.pinned_to: pod for pod in pods if not (pod.fact.finished and pod.fact.deleting_until_at)}
    for node in tuple(store.nodes.values()):
        pod = by_node.get(node.name)
        if pod is None and _daemon_belongs(workload, node):
            name = f"{workload.spec.name}-{store.new_suffix()}"
            create_pod(store, workload, name, pinned_to=node.name)
        elif pod is not None and pod.fact.finished and pod.fact.deleting_until_at is None:
            delete_pod(store, pod, None, now)


def _daemon_belongs(workload: WorkloadObject, node: NodeObject) -> bool:
    template = workload.spec.template
    tolerations = (*template.tolerations, *DAEMON_TOLERATIONS)
    if untolerated(node, ("NoSchedule", "NoExecute"), tolerations):
        return False
    return template.node_selector.items() <= dict(node.fact.labels).items()


def _mirror(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], _now: float) -> None:
    """Show the static pod again whenever its mirror is gone, as its kubelet does."""
    node_name = workload.spec.template.node_name
    if not pods and node_name in store.nodes:
        create_pod(store, workload, f"{workload.spec.name}-{node_name}")


RECONCILE: Mapping[Kind, Callable[[Store, WorkloadObject, Sequence[PodObject], float], None]] = {
    "Deployment": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": run_job,
    "Mirror": _mirror,
}
"""A pod without a controller (`Pod`) is recreated by none."""
