"""Deletes pods as the API server does: gracefully, and held by finalizers.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
"""

from dataclasses import replace
from math import floor

from nth.simulation.objects import PodObject
from nth.simulation.store import Store


def delete_pod(store: Store, pod: PodObject, grace_seconds: int | None, now: float) -> None:
    """Carry out a DELETE; None = the pod's own grace. A second one can only shorten the grace."""
    fact = pod.fact
    if fact.deleting_until_at is not None and fact.deletion_grace_seconds:
        if grace_seconds is not None:
            _shorten(store, pod, fact.deleting_until_at, fact.deletion_grace_seconds, grace_seconds, now)
        return
    # Nothing runs: there is nothing to wait for.
    idle = not fact.node_name or fact.finished or fact.deleting_until_at is not None
    wanted = 0 if idle else _valid_grace(fact.grace_seconds if grace_seconds is None else grace_seconds)
    if wanted == 0:
        remove_pod(store, pod, now)
    else:
        _begin(store, pod, wanted, floor(now) + wanted)


def _shorten(store: Store, pod: PodObject, until_at: float, had: int, grace_seconds: int, now: float) -> None:
    """Count the new grace from the first request, however long ago that was; `had` is the grace until now."""
    wanted = _valid_grace(grace_seconds)
    if wanted >= had:
        return
    if wanted == 0:
        remove_pod(store, pod, now)
    elif until_at - had + wanted < now:
        # That moment is over: the shortest grace is set, and the kubelet deletes the object.
        _begin(store, pod, 1, floor(now))
    else:
        _begin(store, pod, wanted, until_at - had + wanted)


def _valid_grace(grace_seconds: int) -> int:
    """Returns the grace, where a negative one means one second."""
    return 1 if grace_seconds < 0 else grace_seconds


def remove_pod(store: Store, pod: PodObject, now: float) -> None:
    """Delete with grace 0, as a kubelet does when the pod has stopped. Finalizers hold the object."""
    if pod.fact.finalizers:
        _begin(store, pod, 0, pod.fact.deleting_until_at or floor(now))
    else:
        store.remove_pod(pod)


def drop_finalizers(store: Store, pod: PodObject) -> None:
    """Drop all finalizers; the object goes if it is only held by them."""
    _keep_finalizers(store, pod, ())


def drop_finalizer(store: Store, pod: PodObject, finalizer: str) -> None:
    """Drop one finalizer; the object goes if it was the last that held it."""
    _keep_finalizers(store, pod, tuple(other for other in pod.fact.finalizers if other != finalizer))


def _keep_finalizers(store: Store, pod: PodObject, finalizers: tuple[str, ...]) -> None:
    freed = store.change_pod(pod, replace(pod.fact, finalizers=finalizers))
    if not finalizers and freed.fact.deletion_grace_seconds == 0:
        store.remove_pod(freed)


def _begin(store: Store, pod: PodObject, grace_seconds: int, until_at: float) -> None:
    fact = replace(pod.fact, deleting_until_at=until_at, deletion_grace_seconds=grace_seconds)
    store.change_pod(pod, fact)
