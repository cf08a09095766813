"""The controllers of workloads: each creates and deletes pods until they are as wanted.

One pass over all of them; called again after every change. They know nothing of machines. In a Job a
finalizer keeps each pod until it is counted; a pod that is being deleted counts as failed at once, unless
the Job has a `podFailurePolicy`: that is asked when the pod has its final phase.
https://kubernetes.io/docs/concepts/workloads/controllers/
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nth.core.drain.pod_filter import is_ours
from nth.core.facts import Controller, Pod, PodRef, Wanted
from nth.errors import Missing
from nth.simulation.deletion import delete_pod, drop_finalizer
from nth.simulation.objects import (
    JOB_FINALIZER,
    JobStatus,
    Kind,
    NodeObject,
    PodObject,
    WorkloadObject,
)
from nth.simulation.scheduler import DAEMON_TOLERATIONS, untolerated
from nth.simulation.store import Store

REVISION_LABEL: Mapping[Kind, str] = {
    "Deployment": "pod-template-hash",
    "StatefulSet": "controller-revision-hash",
    "DaemonSet": "controller-revision-hash",
}
JOB_LABEL = "batch.kubernetes.io/job-name"
POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
API_VERSION = {"ReplicaSet": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1"}
CAN_BE_ASKED = ("ReplicaSet", "StatefulSet", "Job")
"""Kinds of controllers that say how many pods they want."""


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
        return Controller("ReplicaSet", f"{name}-{revision}", store.new_uid(), API_VERSION["ReplicaSet"])
    owner = "Node" if kind == "Mirror" else kind
    return Controller(owner, name, store.new_uid(), API_VERSION.get(owner, "v1"))


def wanted_of(store: Store, namespace: str, controller: Controller) -> Wanted:
    """Returns how many pods a controller wants; Missing if there is none of that UID."""
    workloads = [each for each in store.workloads.values() if each.spec.namespace == namespace]
    for workload in workloads:
        if controller in workload.replaced:
            pods = store.pods_by_workload().get(workload.key, [])
            return Wanted(pods=sum(pod.active and pod.fact.controller == controller for pod in pods))
        if workload.controller == controller:
            return _wanted(workload)
    raise Missing(f"{controller.kind} {controller.name} is gone")


def _wanted(workload: WorkloadObject) -> Wanted:
    spec = workload.spec
    if spec.kind != "Job":
        return Wanted(pods=spec.replicas)
    if workload.job.failed > spec.backoff_limit:
        return Wanted(pods=0, failure="BackoffLimitExceeded")
    return Wanted(pods=max(0, spec.replicas - workload.job.succeeded))


def create_pod(store: Store, workload: WorkloadObject, name: str, now: float, *, pinned_to: str = "") -> None:
    """Create a new pod, not yet placed unless its template names a node."""
    spec, template = workload.spec, workload.spec.template
    mirror = spec.kind == "Mirror"
    fact = Pod(
        ref=PodRef(spec.namespace, name, store.new_uid()),
        node_name=template.node_name,
        phase="Pending",
        grace_seconds=template.grace_seconds,
        priority_class=template.priority_class,
        controller=workload.controller,
        created_at=float(int(now)),
        labels={"app": spec.name, **template.labels, **_naming_labels(workload, name)},
        annotations={key: text for key, text in template.annotations.items() if is_ours(key)},
        mirror=mirror,
        local_storage=template.local_storage,
        attached_storage=template.attached_storage,
        finalizers=(*template.finalizers, *((JOB_FINALIZER,) if spec.kind == "Job" else ())),
    )
    store.put_pod(PodObject(fact, template, workload.key, pinned_to))


def _naming_labels(workload: WorkloadObject, pod_name: str) -> dict[str, str]:
    """Returns the labels that a controller puts on its pods, so that they can be listed by it."""
    if workload.spec.kind == "Job":
        return {JOB_LABEL: workload.spec.name}
    label = REVISION_LABEL.get(workload.spec.kind)
    named = {POD_NAME_LABEL: pod_name} if workload.spec.kind == "StatefulSet" else {}
    return {label: workload.revision, **named} if label else {}


def _replica_set(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], now: float) -> None:
    """Keep so many active pods: one that is being deleted is replaced while it still stops."""
    assert workload.controller is not None
    active = [pod for pod in pods if pod.active and pod.fact.controller == workload.controller]
    _retire(store, workload, [pod for pod in pods if pod.active and pod not in active], active, now)
    for _ in range(workload.spec.replicas - len(active)):
        create_pod(store, workload, f"{workload.controller.name}-{store.new_suffix()}", now)
    surplus = len(active) - workload.spec.replicas
    if surplus > 0:
        # The least useful go first, and of them the youngest.
        active.reverse()
        ranked = sorted(active, key=lambda pod: (pod.fact.ready, pod.fact.phase == "Running"))
        for pod in ranked[:surplus]:
            delete_pod(store, pod, None, now)


def _retire(
    store: Store, workload: WorkloadObject, old: list[PodObject], new: list[PodObject], now: float
) -> None:
    """Delete pods of an earlier template, as many as new ones are Ready."""
    for pod in old[: max(0, len(old) + sum(pod.fact.ready for pod in new) - workload.spec.replicas)]:
        delete_pod(store, pod, None, now)


def _stateful_set(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], now: float) -> None:
    """Create in order: each waits until those before it are Ready, and a name until its old pod is gone."""
    by_name = {pod.ref.name: pod for pod in pods}
    for ordinal in range(workload.spec.replicas):
        name = f"{workload.spec.name}-{ordinal}"
        pod = by_name.pop(name, None)
        if pod is None:
            create_pod(store, workload, name, now)
            return
        if pod.fact.finished and pod.fact.deleting_until_at is None:
            delete_pod(store, pod, None, now)
        if not (pod.active and pod.fact.ready):
            return
    surplus = by_name.values() or [pod for pod in pods if _is_outdated(workload, pod)]
    for pod in sorted(surplus, key=_ordinal, reverse=True)[:1]:
        if pod.fact.deleting_until_at is None:
            delete_pod(store, pod, None, now)


def _is_outdated(workload: WorkloadObject, pod: PodObject) -> bool:
    """Returns whether a rollout deletes the pod."""
    revision = pod.fact.labels.get(REVISION_LABEL["StatefulSet"])
    return not workload.spec.on_delete and revision != workload.revision


def _ordinal(pod: PodObject) -> int:
    return int(pod.ref.name.rpartition("-")[2])


def _daemon_set(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], now: float) -> None:
    # A pod that has stopped and is going makes room for the next before its object is gone.
    by_node = {pod.pinned_to: pod for pod in pods if not (pod.fact.finished and pod.fact.deleting_until_at)}
    for node in tuple(store.nodes.values()):
        pod = by_node.get(node.name)
        if pod is None and _daemon_belongs(workload, node):
            name = f"{workload.spec.name}-{store.new_suffix()}"
            create_pod(store, workload, name, now, pinned_to=node.name)
        elif pod is not None and pod.fact.finished and pod.fact.deleting_until_at is None:
            delete_pod(store, pod, None, now)


def _daemon_belongs(workload: WorkloadObject, node: NodeObject) -> bool:
    template = workload.spec.template
    tolerations = (*template.tolerations, *DAEMON_TOLERATIONS)
    if untolerated(node, ("NoSchedule", "NoExecute"), tolerations):
        return False
    return template.node_selector.items() <= dict(node.fact.labels).items()


def _mirror(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], now: float) -> None:
    """Show the static pod again whenever its mirror is gone, as its kubelet does."""
    node_name = workload.spec.template.node_name
    if not pods and node_name in store.nodes:
        create_pod(store, workload, f"{workload.spec.name}-{node_name}", now)


def _job(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], now: float) -> None:
    """Count the pods that have ended, then make the missing ones; none any more if too many have failed."""
    spec = workload.spec
    status = _count(workload, pods)
    if status != workload.job:
        store.put_workload(replace(workload, job=status))
    over = status.failed > spec.backoff_limit
    for pod in pods:
        if JOB_FINALIZER in pod.fact.finalizers and (over or _ended(workload, pod)):
            drop_finalizer(store, pod, JOB_FINALIZER)
    if over:
        for pod in pods:
            if pod.active:
                delete_pod(store, store.pod(pod.ref), None, now)
        return
    waits_for = sum(pod.active or (spec.spares_disrupted and _terminating(pod)) for pod in pods)
    for _ in range(spec.replicas - status.succeeded - waits_for):
        create_pod(store, workload, f"{spec.name}-{store.new_suffix()}", now)


def _count(workload: WorkloadObject, pods: Sequence[PodObject]) -> JobStatus:
    status = workload.job
    for pod in pods:
        if JOB_FINALIZER not in pod.fact.finalizers or not _ended(workload, pod):
            continue
        if pod.fact.phase == "Succeeded":
            status = replace(status, succeeded=status.succeeded + 1)
        elif not (workload.spec.spares_disrupted and pod.fact.disrupted_by):
            status = replace(status, failed=status.failed + 1)
    return status


def _ended(workload: WorkloadObject, pod: PodObject) -> bool:
    if pod.fact.finished:
        return True
    return pod.fact.deleting_until_at is not None and not workload.spec.spares_disrupted


def _terminating(pod: PodObject) -> bool:
    return pod.fact.deleting_until_at is not None and not pod.fact.finished


RECONCILE: Mapping[Kind, Callable[[Store, WorkloadObject, Sequence[PodObject], float], None]] = {
    "Deployment": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "Mirror": _mirror,
}
"""A pod without a controller (`Pod`) is recreated by none."""
