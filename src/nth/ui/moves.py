"""Pairs each pod that leaves a node with the pod that replaces it.

Fed with a list and a watch of all pods. It sees pods only, so it must guess: of one controller's
pods, the one that left first is replaced by the one that came first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nth.core.facts import Pod, PodChange, PodSeen
from nth.report.interruption import Successor


@dataclass(slots=True)
class _LeavingPod:
    """A pod of the node, which may leave."""

    pod: Pod
    going: bool = False
    successor: Successor | None = None


class Moves:
    """The pods of one node, and their successors elsewhere."""

    def __init__(self, node_name: str, pods: Iterable[Pod]) -> None:
        """Take all pods of the cluster, before anything happens."""
        everything = tuple(pods)
        self._node_name = node_name
        self._known = {pod.ref.uid for pod in everything}
        self._leaving = {pod.ref.uid: _LeavingPod(pod) for pod in everything if pod.node_name == node_name}

    def changed(self, change: PodChange, now: float) -> None:
        """Take in that one pod of the cluster was created, changed or removed."""
        if isinstance(change, PodSeen):
            self._seen(change.pod, now)
            return
        uid = change.ref.uid
        if uid in self._leaving:
            self._leaving[uid].going = True
        if (leaver := self._replaced_by(uid)) is not None:
            leaver.successor = None

    def successors(self) -> Mapping[str, Successor]:
        """Returns the successors, by the UID of the pod that left."""
        return {
            uid: leaver.successor for uid, leaver in self._leaving.items() if leaver.successor is not None
        }

    def _seen(self, pod: Pod, now: float) -> None:
        uid = pod.ref.uid
        if uid in self._leaving:
            self._leaving[uid].going |= pod.deleting_until_at is not None
            return
        leaver = self._replaced_by(uid)
        if leaver is None and uid not in self._known:
            leaver = self._first_without(pod)
        self._known.add(uid)
        if leaver is not None:
            ready_at = leaver.successor.ready_at if leaver.successor is not None else None
            leaver.successor = Successor(pod, now if pod.ready and ready_at is None else ready_at)

    def _replaced_by(self, successor_uid: str) -> _LeavingPod | None:
        return next(
            (
                leaver
                for leaver in self._leaving.values()
                if leaver.successor is not None and leaver.successor.pod.ref.uid == successor_uid
            ),
            None,
        )

    def _first_without(self, pod: Pod) -> _LeavingPod | None:
        """Returns the pod that the new one replaces: by its name (StatefulSet), else the first in line."""
        if pod.controller is None or pod.controller.kind == "DaemonSet" or pod.node_name == self._node_name:
            return None
        waiting = [
            leaver
            for leaver in self._leaving.values()
            if leaver.going and leaver.successor is None and leaver.pod.controller == pod.controller
        ]
        same_name = [leaver for leaver in waiting if leaver.pod.ref.name == pod.ref.name]
        return next(iter((*same_name, *waiting)), None)
