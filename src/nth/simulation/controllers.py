"""The controllers of workloads: what each creates and deletes so that its pods are as wanted.

One pass over all of them; called again after every change. They know nothing of machines.
https://kubernetes.io/docs/concepts/workloads/controllers/
"""

from collections.abc import Callable, Mapping, Sequence

from nth.core.facts import Controller, Pod, PodRef
from nth.simulation.deletion import delete_pod
from nth.simulation.objects import MIRROR_ANNOTATION, Kind, NodeObject, PodObject, WorkloadObject
from nth.simulation.scheduler import DAEMON_TOLERATIONS, untolerated
from nth.simulation.store import Store

REVISION_LABEL: Mapping[Kind, str] = {
    "Deployment": "pod-template-hash",
    "StatefulSet": "controller-revision-hash",
    "DaemonSet": "controller-revision-hash",
}
JOB_LABEL = "batch.kubernetes.io/job-name"


def run_controllers(store: Store, now: float) -> None:
    """One pass of every controller."""
    pods = store.pods_by_workload()
    for workload in tuple(store.workloads.values()):
        RECONCILE[workload.spec.kind](store, workload, pods.get(workload.key, []), now)


def workload_controller(store: Store, kind: Kind, name: str, revision: str) -> Controller | None:
    """What the pods of a new workload name as their controller."""
    if kind == "Pod":
        return None
    if kind == "Deployment":
        return Controller("ReplicaSet", f"{name}-{revision}", store.new_uid())
    return Controller("Node" if kind == "Mirror" else kind, name, store.new_uid())


def create_pod(store: Store, workload: WorkloadObject, name: str, *, pinned_to: str = "") -> None:
    """A new pod, not yet placed unless its template names a node."""
    spec, template = workload.spec, workload.spec.template
    mirror = spec.kind == "Mirror"
    fact = Pod(
        ref=PodRef(spec.namespace, name, store.new_uid()),
        node_name=template.node_name,
        phase="Pending",
        grace_seconds=template.grace_seconds,
        priority_class=template.priority_class,
        controller=workload.controller,
        labels={"app": spec.name, **template.labels, **_naming_labels(workload)},
        annotations={**template.annotations, **({MIRROR_ANNOTATION: workload.revision} if mirror else {})},
        mirror=mirror,
        local_storage=template.local_storage,
        attached_storage=template.attached_storage,
        finalizers=template.finalizers,
    )
    store.put_pod(PodObject(fact, template, workload.key, pinned_to))


def _naming_labels(workload: WorkloadObject) -> dict[str, str]:
    """What a controller puts on its pods, so that they can be listed by it."""
    if workload.spec.kind == "Job":
        return {JOB_LABEL: workload.spec.name}
    label = REVISION_LABEL.get(workload.spec.kind)
    return {label: workload.revision} if label else {}


def _replica_set(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], now: float) -> None:
    """A pod that is being deleted counts no more: its replacement comes while it still stops."""
    assert workload.controller is not None
    active = [pod for pod in pods if pod.active]
    for _ in range(workload.spec.replicas - len(active)):
        create_pod(store, workload, f"{workload.controller.name}-{store.new_suffix()}")
    surplus = len(active) - workload.spec.replicas
    if surplus > 0:
        # Those that serve least go first, and of them the youngest.
        active.reverse()
        ranked = sorted(active, key=lambda pod: (pod.fact.ready, pod.fact.phase == "Running"))
        for pod in ranked[:surplus]:
            delete_pod(store, pod, None, now)


def _job(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], _now: float) -> None:
    done = sum(pod.fact.phase == "Succeeded" for pod in pods)
    active = sum(pod.active for pod in pods)
    for _ in range(workload.spec.replicas - done - active):
        create_pod(store, workload, f"{workload.spec.name}-{store.new_suffix()}")


def _stateful_set(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], now: float) -> None:
    """In order: each waits until those before it are Ready, and a name until its old pod is gone."""
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
    by_node = {pod.pinned_to: pod for pod in pods}
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
    """The kubelet shows its static pod again whenever its mirror is gone."""
    node_name = workload.spec.template.node_name
    if not pods and node_name in store.nodes:
        create_pod(store, workload, f"{workload.spec.name}-{node_name}")


RECONCILE: Mapping[Kind, Callable[[Store, WorkloadObject, Sequence[PodObject], float], None]] = {
    "Deployment": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "Mirror": _mirror,
}
"""A pod without a controller (`Pod`) is nobody's to recreate."""
