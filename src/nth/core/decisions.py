"""The types between a session and the engine: decisions go out, answers come in.

Every decision that asks the API server for something is answered by one input with the same
subject; an answer carries the `ClusterError` if it failed.
"""

from dataclasses import dataclass, field

from nth.core.facts import (
    Controller,
    Node,
    NodePatch,
    Pod,
    PodChange,
    PodCondition,
    PodRef,
    PodScope,
    Wanted,
)
from nth.core.notices.events import Event, Noticed, Prolonged, Withdrawn
from nth.core.reports import Report
from nth.errors import ClusterError


@dataclass(frozen=True, slots=True)
class ReadNode:
    """Answered by NodeRead."""


@dataclass(frozen=True, slots=True)
class PatchNode:
    """Answered by NodePatched. `deadline_at`: when many wait, the earliest is sent first."""

    patch: NodePatch
    deadline_at: float | None = field(default=None, compare=False)


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
    """Answered by PodAnswered. `grace_seconds` None = the pod's own; `deadline_at` as in PatchNode."""

    pod: Pod
    grace_seconds: int | None
    deadline_at: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Answered by PodAnswered."""

    pod: Pod
    grace_seconds: int
    deadline_at: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class MarkPod:
    """Set a condition of a pod; answered by PodMarked. Nothing waits for it."""

    pod: Pod
    condition: PodCondition
    deadline_at: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ReadWanted:
    """Ask how many pods a controller wants; answered by WantedRead."""

    namespace: str
    controller: Controller


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a report to the listeners."""

    report: Report


@dataclass(frozen=True, slots=True)
class Engage:
    """Keep the event's lifecycle hook waiting (heartbeats): a drain that answers it has begun."""

    event: Event


@dataclass(frozen=True, slots=True)
class Settle:
    """The event is done with: its message may be deleted, and its hook completed."""

    event: Event
    drained: bool
    """True if the node's pods were read again and are gone, or the node is. False: no drain was asked for."""


@dataclass(frozen=True, slots=True)
class WantSlot:
    """Ask for a drain slot; answered by SlotGranted. Asked again when the deadline has changed."""

    deadline_at: float | None


@dataclass(frozen=True, slots=True)
class ReleaseSlot:
    """Give the slot back: the drain is over or called off, or goes on outside of the limit after its time."""


@dataclass(frozen=True, slots=True)
class WatchNode:
    """Report news of the Node (NodeNews), after that resource version, until the session has ended.

    Asked again when `urgent` changes: then no news may be missed for more than seconds.
    """

    resource_version: str = field(compare=False)
    urgent: bool


Decision = (
    ReadNode
    | PatchNode
    | FollowPods
    | StopFollowing
    | ListPods
    | EvictPod
    | DeletePod
    | MarkPod
    | ReadWanted
    | Engage
    | Settle
    | WantSlot
    | ReleaseSlot
    | WatchNode
    | Tell
)


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
    """One change from the watch of a scope."""

    scope: PodScope
    change: PodChange

    @property
    def changes(self) -> tuple[PodChange, ...]:
        return (self.change,)


@dataclass(frozen=True, slots=True)
class PodsChanged:
    """Several changes from the watch of a scope that came at once."""

    scope: PodScope
    changes: tuple[PodChange, ...]


@dataclass(frozen=True, slots=True)
class PodAnswered:
    """The answer to EvictPod or DeletePod; None = accepted."""

    ref: PodRef
    error: ClusterError | None


@dataclass(frozen=True, slots=True)
class PodMarked:
    """The answer to MarkPod; None = the condition is set."""

    ref: PodRef
    error: ClusterError | None


@dataclass(frozen=True, slots=True)
class WantedRead:
    """The answer to ReadWanted; None = controllers of this kind cannot be asked."""

    controller: Controller
    answer: Wanted | ClusterError | None


@dataclass(frozen=True, slots=True)
class NodeNews:
    """A watch says that the node is now so; None = it is gone."""

    node: Node | None


@dataclass(frozen=True, slots=True)
class SlotGranted:
    """The drain may begin."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """Stop, and leave the node to another replica."""


@dataclass(frozen=True, slots=True)
class Woken:
    """`wake_at` has come."""


Input = (
    Noticed
    | Withdrawn
    | Prolonged
    | NodeRead
    | NodePatched
    | NodeNews
    | PodsListed
    | PodChanged
    | PodsChanged
    | PodAnswered
    | PodMarked
    | WantedRead
    | SlotGranted
    | HandOver
    | Woken
)
