"""The words between a session and the engine: decisions go out, answers come in.

Every decision that asks the API server for something is answered by one input with the same
subject; an answer carries the `ClusterError` if it failed.
"""

from dataclasses import dataclass

from nth.core.events import Noticed, Withdrawn
from nth.core.facts import Node, NodePatch, Pod, PodChange, PodRef, PodScope
from nth.core.reports import Report
from nth.errors import ClusterError


@dataclass(frozen=True, slots=True)
class ReadNode:
    """Answered by NodeRead."""


@dataclass(frozen=True, slots=True)
class PatchNode:
    """Answered by NodePatched."""

    patch: NodePatch


@dataclass(frozen=True, slots=True)
class FollowPods:
    """List the pods of the scope, then watch them; list again whenever the watch is lost."""

    scope: PodScope


@dataclass(frozen=True, slots=True)
class StopFollowing:
    """End what FollowPods began."""

    scope: PodScope


@dataclass(frozen=True, slots=True)
class ListPods:
    """Read the pods of the scope once; answered by PodsListed."""

    scope: PodScope


@dataclass(frozen=True, slots=True)
class EvictPod:
    """Answered by PodAnswered. `grace_seconds` None = the pod's own."""

    pod: Pod
    grace_seconds: int | None


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Answered by PodAnswered."""

    pod: Pod
    grace_seconds: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Let the listeners know."""

    report: Report


Decision = ReadNode | PatchNode | FollowPods | StopFollowing | ListPods | EvictPod | DeletePod | Tell


@dataclass(frozen=True, slots=True)
class NodeRead:
    answer: Node | ClusterError


@dataclass(frozen=True, slots=True)
class NodePatched:
    answer: Node | ClusterError


@dataclass(frozen=True, slots=True)
class PodsListed:
    """All pods of the scope, now."""

    scope: PodScope
    answer: tuple[Pod, ...] | ClusterError
    fresh: bool = True
    """False: it may come from a cache, and proves nothing."""


@dataclass(frozen=True, slots=True)
class PodChanged:
    """From the watch of a scope."""

    scope: PodScope
    change: PodChange


@dataclass(frozen=True, slots=True)
class PodAnswered:
    """What came of EvictPod or DeletePod; None = accepted."""

    ref: PodRef
    error: ClusterError | None


@dataclass(frozen=True, slots=True)
class Woken:
    """`wake_at` has come."""


Input = Noticed | Withdrawn | NodeRead | NodePatched | PodsListed | PodChanged | PodAnswered | Woken
