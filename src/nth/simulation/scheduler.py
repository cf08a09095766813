"""The scheduler: it finds a pod's node, or says in the real one's words why there is none.

Filters as the default profile has them, in its order; then the emptiest node. It has no
preemption, no affinity between pods and no spread. It decides; `cluster` binds.
https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from nth.core.facts import Taint
from nth.simulation.objects import (
    UNSCHEDULABLE_TAINT,
    NodeObject,
    PodObject,
    PodTemplate,
    Toleration,
)

UNSCHEDULABLE = Taint(UNSCHEDULABLE_TAINT, "NoSchedule")
DAEMON_TOLERATIONS = (
    Toleration(key="node.kubernetes.io/not-ready", effect="NoExecute"),
    Toleration(key="node.kubernetes.io/unreachable", effect="NoExecute"),
    Toleration(key="node.kubernetes.io/disk-pressure", effect="NoSchedule"),
    Toleration(key="node.kubernetes.io/memory-pressure", effect="NoSchedule"),
    Toleration(key="node.kubernetes.io/pid-pressure", effect="NoSchedule"),
    Toleration(key=UNSCHEDULABLE_TAINT, effect="NoSchedule"),
)
"""The tolerations that the DaemonSet controller adds to its pods."""

PREEMPTION = "no new claims to deallocate, preemption: {}"


@dataclass(slots=True)
class _Room:
    """The pods and the resources taken of a node."""

    node: NodeObject
    cpu_millis: int = 0
    memory_mib: int = 0
    pods: int = 0

    def take(self, pod: PodObject) -> None:
        self.cpu_millis += pod.template.cpu_millis
        self.memory_mib += pod.template.memory_mib
        self.pods += 1

    @property
    def fullness(self) -> tuple[float, int, str]:
        return self.cpu_millis / self.node.machine.cpu_millis, self.pods, self.node.name


@dataclass(frozen=True, slots=True)
class Placement:
    """The node that a pod gets, or the reason that it gets none."""

    pod: PodObject
    node_name: str = ""
    reason: str = ""


def place(pods: Iterable[PodObject], nodes: Iterable[NodeObject]) -> list[Placement]:
    """Returns one placement for each pod that waits for one, oldest first."""
    rooms = {node.name: _Room(node) for node in nodes}
    waiting: list[PodObject] = []
    for pod in pods:
        if not pod.fact.node_name and pod.active:
            waiting.append(pod)
        elif pod.fact.node_name in rooms and pod.takes_room:
            rooms[pod.fact.node_name].take(pod)
    return [_place_one(pod, rooms) for pod in waiting]


def _place_one(pod: PodObject, rooms: dict[str, _Room]) -> Placement:
    reasons: Counter[str] = Counter()
    fitting: list[_Room] = []
    for room in rooms.values():
        unfit = _unfit(pod, room)
        reasons.update(unfit)
        if not unfit:
            fitting.append(room)
    if not fitting:
        return Placement(pod, reason=_no_room(reasons, rooms, pod))
    best = min(fitting, key=lambda room: room.fullness)
    best.take(pod)
    return Placement(pod, node_name=best.node.name)


def _unfit(pod: PodObject, room: _Room) -> list[str]:
    """Returns the reasons of the first filter that refuses."""
    node, wants = room.node, pod.template
    tolerations = tolerations_of(pod)
    if node.fact.unschedulable and not tolerated(UNSCHEDULABLE, tolerations):
        return ["node(s) were unschedulable"]
    if untolerated(node, ("NoSchedule", "NoExecute"), tolerations):
        return ["node(s) had untolerated taint(s)"]
    if not selects(pod, node):
        return ["node(s) didn't match Pod's node affinity/selector"]
    return _lacking(wants, room)


def _lacking(wants: PodTemplate, room: _Room) -> list[str]:
    machine, lacking = room.node.machine, []
    if room.pods + 1 > machine.max_pods:
        lacking.append("Too many pods")
    if room.cpu_millis + wants.cpu_millis > machine.cpu_millis:
        lacking.append("Insufficient cpu")
    if room.memory_mib + wants.memory_mib > machine.memory_mib:
        lacking.append("Insufficient memory")
    return lacking


def _no_room(reasons: Counter[str], rooms: dict[str, _Room], pod: PodObject) -> str:
    if not rooms:
        return "no nodes available to schedule pods"
    resources = sum(not _ever_unfit(pod, room) for room in rooms.values())
    victims = Counter(
        {
            "No preemption victims found for incoming pod": resources,
            "Preemption is not helpful for scheduling": len(rooms) - resources,
        }
    )
    preemption = PREEMPTION.format(_histogram(+victims, len(rooms)))
    return f"{_histogram(reasons, len(rooms))} {preemption}"


def _ever_unfit(pod: PodObject, room: _Room) -> bool:
    """Returns True if it would not fit an empty node either, so that no preemption would help."""
    return bool(_unfit(pod, _Room(room.node)))


def _histogram(reasons: Counter[str], nodes: int) -> str:
    counted = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
    return f"0/{nodes} nodes are available: {counted}."


def selects(pod: PodObject, node: NodeObject) -> bool:
    """Returns whether its node selector fits, and for a DaemonSet's pod, whether the node is its own."""
    if pod.pinned_to not in ("", node.name):
        return False
    return pod.template.node_selector.items() <= dict(node.fact.labels).items()


def tolerations_of(pod: PodObject) -> tuple[Toleration, ...]:
    """Returns the pod's own, and those that its controller gave it."""
    return (*pod.template.tolerations, *(DAEMON_TOLERATIONS if pod.pinned_to else ()))


def untolerated(
    node: NodeObject, effects: tuple[str, ...], tolerations: tuple[Toleration, ...]
) -> list[Taint]:
    """Returns the node's taints with one of these effects that keep the pod away."""
    return [t for t in node.fact.taints if t.effect in effects and not tolerated(t, tolerations)]


def tolerated(taint: Taint, tolerations: tuple[Toleration, ...]) -> bool:
    """Returns whether any toleration covers the taint."""
    return any(toleration.covers(taint) for toleration in tolerations)
