"""Makes a workload's pods as their controller does: with names of their own and its labels."""

from collections.abc import Mapping

from nth.core.drain.pod_filter import is_ours
from nth.core.facts import Pod, PodRef
from nth.simulation.objects import JOB_FINALIZER, Kind, PodObject, WorkloadObject
from nth.simulation.store import Store

REVISION_LABEL: Mapping[Kind, str] = {
    "Deployment": "pod-template-hash",
    "StatefulSet": "controller-revision-hash",
    "DaemonSet": "controller-revision-hash",
}
JOB_LABEL = "batch.kubernetes.io/job-name"


def create_pod(store: Store, workload: WorkloadObject, name: str, *, pinned_to: str = "") -> None:
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
        labels={"app": spec.name, **template.labels, **_naming_labels(workload)},
        annotations={key: text for key, text in template.annotations.items() if is_ours(key)},
        mirror=mirror,
        local_storage=template.local_storage,
        attached_storage=template.attached_storage,
        finalizers=(*template.finalizers, *((JOB_FINALIZER,) if spec.kind == "Job" else ())),
    )
    store.put_pod(PodObject(fact, template, workload.key, pinned_to))


def _naming_labels(workload: WorkloadObject) -> dict[str, str]:
    """Returns the labels that a controller puts on its pods, so that they can be listed by it."""
    if workload.spec.kind == "Job":
        return {JOB_LABEL: workload.spec.name}
    label = REVISION_LABEL.get(workload.spec.kind)
    return {label: workload.revision} if label else {}
