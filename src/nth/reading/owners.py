"""What all lines together say of a pod: its controller, and the grace it asks for.

A decision line names a pod and no controller; other lines name controllers, and a Deployment's pod
shows its own in its name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from nth.core.facts import Controller, Pod
from nth.core.reports import (
    EvictionAccepted,
    EvictionRefused,
    GraceShortened,
    PodCameBack,
    PodForced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    Told,
)

OfOnePod = EvictionAccepted | EvictionRefused | PodForced | GraceShortened | PodLeft | PodCameBack
_HASHED = re.compile(r"(?P<owner>.+-[bcdf-hj-np-tv-xz2456789]{6,10})-[bcdf-hj-np-tv-xz2456789]{5}")
"""A Deployment's pod: letters that make no words (k8s.io/apimachinery/pkg/util/rand)."""


@dataclass(frozen=True, slots=True)
class _Known:
    controllers: dict[tuple[str, str], Controller]
    """By namespace and name."""
    graces: dict[str, int]
    """Seconds, by the pod's UID."""


def completed(told: Iterable[Told]) -> list[Told]:
    """The same, oldest first, each pod with all that is known of it."""
    everything = sorted(told, key=lambda one: one.at)
    known = _Known({}, {})
    for one in everything:
        _learn(one, known)
    return [_completed(one, known) for one in everything]


def _learn(told: Told, known: _Known) -> None:
    match told.report:
        case Replaced(namespace=namespace, controller=controller):
            known.controllers[namespace, controller.name] = controller
        case ReplacementEnded(missing=missing):
            for one in missing:
                known.controllers[one.namespace, one.controller.name] = one.controller
        case EvictionAccepted(pod=pod):
            known.graces[pod.ref.uid] = pod.grace_seconds


def _completed(told: Told, known: _Known) -> Told:
    report = told.report
    if isinstance(report, OfOnePod):
        return replace(told, report=replace(report, pod=_pod(report.pod, known)))
    if isinstance(report, PodsOnNode):
        going = tuple(_pod(pod, known) for pod in report.going)
        return replace(told, report=replace(report, going=going))
    return told


def _pod(pod: Pod, known: _Known) -> Pod:
    namespace, name = pod.ref.namespace, pod.ref.name
    owner = known.controllers.get((namespace, name.rpartition("-")[0]))
    if owner is None and (hashed := _HASHED.fullmatch(name)) is not None:
        owner = Controller("ReplicaSet", hashed["owner"], f"ReplicaSet {namespace}/{hashed['owner']}")
    grace_seconds = known.graces.get(pod.ref.uid, pod.grace_seconds)
    return replace(pod, controller=owner, grace_seconds=grace_seconds)
