"""How pods are deleted: the API server's graceful deletion, and what finalizers do to it.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
"""

from dataclasses import replace
from math import floor

from nth.simulation.objects import PodObject
from nth.simulation.store import Store


def delete_pod(store: Store, pod: PodObject, grace_seconds: int | None, now: float) -> None:
    """What a DELETE does; None = the pod's own grace. A second one can only shorten the grace."""
    fact = pod.fact
    # Nothing runs: there is nothing to wait for.
    idle = not fact.node_name or fact.finished
    wanted = fact.grace_seconds if grace_seconds is None else grace_seconds
    wanted = 0 if idle else max(0, wanted)
    if wanted == 0:
        remove_pod(store, pod, now)
    elif fact.deleting_until_at is None or fact.deletion_grace_seconds is None:
        _begin(store, pod, wanted, floor(now) + wanted)
    elif grace_seconds is not None and wanted < fact.deletion_grace_seconds:
        # Counted from the first request, however long ago that was.
        _begin(store, pod, wanted, fact.deleting_until_at - fact.deletion_grace_seconds + wanted)


def remove_pod(store: Store, pod: PodObject, now: float) -> None:
    """A DELETE with grace 0, as a kubelet sends it when the pod has stopped. Finalizers hold the object."""
    if pod.fact.finalizers:
        _begin(store, pod, 0, pod.fact.deleting_until_at or floor(now))
    else:
        store.remove_pod(pod)


def drop_finalizers(store: Store, pod: PodObject) -> None:
    """The object goes if nothing else holds it."""
    freed = store.change_pod(pod, replace(pod.fact, finalizers=()))
    if freed.fact.deletion_grace_seconds == 0:
        store.remove_pod(freed)


def _begin(store: Store, pod: PodObject, grace_seconds: int, until_at: float) -> None:
    fact = replace(pod.fact, deleting_until_at=until_at, deletion_grace_seconds=grace_seconds)
    store.change_pod(pod, fact)
