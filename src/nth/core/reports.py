"""Reports of events, as frozen records: sent by a session, and read by listeners.

Listeners (log, terminal, metrics, webhooks ...) never answer.
"""

from dataclasses import dataclass

from nth.core.facts import Controller, Pod, PodRef
from nth.core.notices.events import Event
from nth.core.policy import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeReceived:
    """An event began or joined the session."""

    event: Event
    level: Level
    drain_at: float
    deadline_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeWithdrawn:
    """An event is over."""

    event_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineMoved:
    """The lifecycle hook of an event times out later than was known."""

    event_id: str
    deadline_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResumed:
    """A handler that was killed or restarted goes on from what is recorded on the Node."""

    event_ids: tuple[str, ...]
    notices: tuple[tuple[float, NoticeReceived], ...] = ()
    """The reports of these events, each with the instant when it was first seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMarked:
    """The node is cordoned, with these taints and labels of ours."""

    cordoned: bool
    cordoned_by_us: bool
    """False: it had been cordoned before."""
    taints: tuple[str, ...]
    labels: tuple[str, ...]
    again: bool
    """True: this session had cordoned it already; a taint or label has been added."""
    provider_id: str = ""
    """The Node's own name for its machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChangeRefused:
    """The API server refuses a change of the Node; the refused part is left out."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CordonLifted:
    """The cordon was taken off, and not by us. The API does not tell by whom, its audit log does."""

    seen_at: float
    again_at: float | None
    """The time when it is set again; None = it stays off, because the machine may stay."""
    looked: bool
    """False: it was found so by a handler that had just started."""
    last: bool
    """True: it happens so often that it is no longer reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReturned:
    """The Node object was registered anew for the same machine, without our marks."""

    uid: str
    """The uid of the new Node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRestored:
    """Our changes of the node are undone."""

    uncordoned: bool
    still_cordoned: bool
    """True: it was cordoned before us, and stays so."""
    taints: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodsOnNode:
    """The pods that were found: those that go, and those that stay with the reason."""

    going: tuple[Pod, ...]
    staying: tuple[tuple[Pod, str], ...]
    asked: tuple[tuple[float, "EvictionAccepted | PodForced"], ...] = ()
    """When and how pods that are terminating already were asked by this session, before a restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictionAccepted:
    """The pod has been asked to end, by an eviction."""

    pod: Pod
    grace_seconds: int
    cut: bool
    """True: the pod's own grace would have been longer than the time left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictionRefused:
    """The pod may not go yet; reported when it begins and when the reason changes."""

    pod: Pod
    reason: str
    forced_at: float | None
    """The time when it will be deleted all the same; None = it will not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodForced:
    """The pod's latest moment had come: it was deleted past `reason`, if a refusal was seen."""

    pod: Pod
    grace_seconds: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GraceShortened:
    """A pod that was going already would have taken longer than the machine has."""

    pod: Pod
    grace_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceForbidden:
    """RBAC lets us delete no pods: blocked pods stay blocked."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkForbidden:
    """RBAC lets us set no condition of a pod: those that are forced go without DisruptionTarget."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PodLeft:
    """The pod's object is gone from the node."""

    pod: Pod
    how: str
    """`evicted`: an eviction of ours was accepted, or its answer was lost and the pod was terminating.

    `forced`: our delete past its budget was accepted. `by itself`: neither; a person, its controller or the
    kubelet ended it, also after evictions of ours were refused. Of a pod that was terminating when the
    session went on after a restart, its condition DisruptionTarget shows which of them it was.
    """
    seconds: float
    """The seconds since we first asked it, else since the drain began. Views count from the notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodCameBack:
    """A controller's pod left the node, and its next one was put on the same node, which is cordoned."""

    pod: Pod
    """The new pod."""
    goes: bool
    """True: it is asked to go. False: too many have come back, and it is left there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """A pod that is still there, and why."""

    ref: PodRef
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainEnded:
    """The drain is done, or its time is over (then `left` names the pods that are still there)."""

    left: tuple[LeftBehind, ...]
    evicted: int
    forced: int
    seconds: float
    """The seconds since the notice was seen."""
    margin_seconds: float | None
    """The seconds until the deadline; None without one."""

    @property
    def drained(self) -> bool:
        return not self.left


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A controller has as many Ready pods elsewhere as it had before."""

    namespace: str
    controller: Controller
    ready: int
    seconds: float
    """The seconds since its first pod here was asked to go. Views count from the notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReplaced:
    """A controller that has fewer Ready pods elsewhere than it had; part of ReplacementEnded."""

    namespace: str
    controller: Controller
    ready: int
    """Its Ready pods on other nodes, now."""
    before: int
    """Its Ready pods, here and elsewhere, before its pods were asked to go."""
    wanted: int | None = None
    """The number of pods that its controller wants now, of a StatefulSet in the place of those that left;
    None = not known."""
    deleted: bool = False
    """True: the controller is gone, and with it everything that would make a pod."""
    failed: bool = False
    """True: it is a Job that has failed; `reason` is its own."""
    reason: str = ""
    """The cause that was seen; empty where none was seen."""

    @property
    def unexplained(self) -> bool:
        """True if nothing was seen that is missing: it may want no more pods."""
        return self.wanted is None and not self.reason and not self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacementEnded:
    """The state of all controllers that had pods here: to the end, or so far.

    One that is not final says that the rest is not known yet, and is followed by a final one, unless the
    handler itself ends before.
    """

    missing: tuple[NotReplaced, ...]
    """The controllers that are short of Ready pods; a Job that has failed is, for good."""
    released: tuple[NotReplaced, ...] = ()
    """Controllers that want no more pods than they have: scaled down, rolled out, deleted or finished."""
    controllers: int
    """The number of controllers that had a pod asked to go."""
    seconds: float
    """The seconds since the notice was seen."""
    final: bool = True

    @property
    def unexplained(self) -> bool:
        """True if some have fewer pods than before, and of none anything was seen that is missing."""
        return bool(self.missing) and all(one.unexplained for one in self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something cannot be done for now; it is tried again until it can."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleOver:
    """A trouble is over."""

    what: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded:
    """The session does nothing more for this node."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The steps that would be taken, in a dry run."""

    steps: tuple[str, ...]
    """One line for each step, with its time."""
    drain: bool
    """False: only a cordon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorFailed:
    """A source gets no answers; reported once, by the source, which has logged it, and never by a session."""

    monitor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettled:
    """AWS no longer waits for this event: its hook is over, its message may go. No session sends it."""

    event: Event
    completed: bool
    """False: the hook was left to its timeout, or it ended before us."""
    reason: str = ""


Logged = (
    NoticeReceived
    | NoticeWithdrawn
    | DeadlineMoved
    | SessionResumed
    | NodeMarked
    | NodeChangeRefused
    | CordonLifted
    | NodeReturned
    | NodeRestored
    | PodsOnNode
    | EvictionAccepted
    | EvictionRefused
    | PodForced
    | GraceShortened
    | ForceForbidden
    | MarkForbidden
    | PodLeft
    | PodCameBack
    | DrainEnded
    | Replaced
    | ReplacementEnded
    | Trouble
    | TroubleOver
    | SessionEnded
    | Planned
    | AwsSettled
)
"""The reports that become lines of the log."""
Report = Logged | MonitorFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A report with its circumstances."""

    at: float
    session_id: str
    """Empty where no session sends it."""
    node_name: str
    report: Report
