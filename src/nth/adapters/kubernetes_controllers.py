"""Reads how many pods a controller wants. Imported only when that is asked: most drains never do.

https://kubernetes.io/docs/concepts/workloads/controllers/
"""

import msgspec

from nth.adapters.kubernetes_errors import one_line
from nth.adapters.kubernetes_objects import Moment
from nth.adapters.kubernetes_paths import quoted
from nth.core.facts import Controller, Wanted
from nth.errors import Missing

FOLDERS = {
    ("apps/v1", "ReplicaSet"): "replicasets",
    ("apps/v1", "StatefulSet"): "statefulsets",
    ("batch/v1", "Job"): "jobs",
}
"""The kinds that can be asked, with the part of the path that names them. Each needs a right."""


class _Struct(msgspec.Struct, rename="camel"):
    """Maps field names as Python writes them to those that the API writes."""


class _Meta(_Struct):
    uid: str
    deletion_timestamp: Moment | None = None


class _Ordinals(_Struct):
    start: int = 0


class _Spec(_Struct):
    replicas: int | None = None
    ordinals: _Ordinals | None = None
    parallelism: int | None = None
    completions: int | None = None
    suspend: bool | None = None


class _Condition(_Struct):
    type: str
    status: str
    reason: str = ""
    message: str = ""


class _Status(_Struct):
    succeeded: int | None = None
    conditions: list[_Condition] | None = None


class ControllerObject(_Struct):
    """A ReplicaSet, a StatefulSet or a Job: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/"""

    metadata: _Meta
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


def controller_path(namespace: str, controller: Controller) -> str | None:
    """Returns the path of a controller; None: its kind cannot be asked."""
    folder = FOLDERS.get((controller.api_version, controller.kind))
    if folder is None:
        return None
    return f"/apis/{controller.api_version}/namespaces/{quoted(namespace)}/{folder}/{quoted(controller.name)}"


def wanted_of(found: ControllerObject, controller: Controller) -> Wanted:
    """Returns how many pods it wants; Missing: it is being deleted, or another one has its name."""
    if found.metadata.uid != controller.uid:
        raise Missing(f"{controller.kind} {controller.name} is gone: another one has its name")
    if found.metadata.deletion_timestamp is not None:
        raise Missing(f"{controller.kind} {controller.name} is being deleted")
    if controller.kind == "Job":
        return _wanted_of_job(found)
    replicas, ordinals = found.spec.replicas, found.spec.ordinals
    return Wanted(
        pods=1 if replicas is None else replicas, first_ordinal=0 if ordinals is None else ordinals.start
    )


def _wanted_of_job(found: ControllerObject) -> Wanted:
    """Returns how many pods of a Job run at a time, as long as it has not ended.

    https://kubernetes.io/docs/concepts/workloads/controllers/job/#parallel-jobs
    """
    spec, succeeded = found.spec, found.status.succeeded or 0
    conditions = {each.type: each for each in found.status.conditions or () if each.status == "True"}
    failed = conditions.get("Failed") or conditions.get("FailureTarget")
    if failed is not None:
        why = ": ".join(word for word in (failed.reason, failed.message) if word)
        return Wanted(pods=0, failure=one_line(why) or "its status gives no reason")
    if spec.suspend or conditions.keys() & {"Complete", "SuccessCriteriaMet"}:
        return Wanted(pods=0)
    parallelism = 1 if spec.parallelism is None else spec.parallelism
    if spec.completions is None:
        # A work queue: with the first success no further pod is made.
        return Wanted(pods=0 if succeeded else parallelism)
    return Wanted(pods=max(0, min(parallelism, spec.completions - succeeded)))
