"""The controller of Jobs: it counts how pods ended, and makes new ones until enough have succeeded.

A finalizer keeps each pod until it is counted. A pod that is being deleted counts as failed at once,
unless the Job has a `podFailurePolicy`: that is asked when the pod has its final phase.
https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from collections.abc import Sequence
from dataclasses import replace

from nth.simulation.deletion import delete_pod, drop_finalizer
from nth.simulation.objects import JOB_FINALIZER, JobStatus, PodObject, WorkloadObject
from nth.simulation.pod_making import create_pod
from nth.simulation.store import Store


def run_job(store: Store, workload: WorkloadObject, pods: Sequence[PodObject], now: float) -> None:
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
        create_pod(store, workload, f"{spec.name}-{store.new_suffix()}")


def _count(workload: WorkloadObject, pods: Sequence[PodObject]) -> JobStatus:
    status = workload.job
    for pod in pods:
        if JOB_FINALIZER not in pod.fact.finalizers or not _ended(workload, pod):
            continue
        if pod.fact.phase == "Succeeded":
            status = replace(status, succeeded=status.succeeded + 1)
        elif not (workload.spec.spares_disrupted and pod.disrupted_by):
            status = replace(status, failed=status.failed + 1)
    return status


def _ended(workload: WorkloadObject, pod: PodObject) -> bool:
    if pod.fact.finished:
        return True
    return pod.fact.deleting_until_at is not None and not workload.spec.spares_disrupted


def _terminating(pod: PodObject) -> bool:
    return pod.fact.deleting_until_at is not None and not pod.fact.finished
