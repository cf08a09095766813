"""One interruption of one node as it is known at one instant: frozen records for all views.

`builder` makes them from the reports of a session. Values only; instants are whole milliseconds, so that
a report that was written down and read again is the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from nth.core.facts import Controller, Pod, PodRef
from nth.core.notices.events import Event
from nth.core.policy import Level, nearest
from nth.core.reports import NoticeReceived


class Stage(Enum):
    """The stage that a pod has reached on its way."""

    WAITING = "waiting"
    BLOCKED = "blocked"
    STOPPING = "stopping"
    GONE = "gone"
    STAYS = "stays"
    """The interruption was called off before the pod went."""
    LOST = "lost"
    """It was still on the machine at its deadline, or when the machine was gone."""


class HowLeft(Enum):
    """How a pod left the node: the first of the two words for it. The first that fits counts."""

    NOT = "not"
    """It has not left, or it ran until its machine went."""
    FORCED = "forced"
    """It was deleted past a refusal, with whatever grace was left."""
    CUT_OFF = "cut off"
    """It got less than its own grace, and was still running when that was over."""
    BY_ITSELF = "by itself"
    """It was not asked through the handler."""
    POLITELY = "politely"
    """Its eviction was granted, and it stopped within the grace that it got."""


class Became(Enum):
    """The end of a pod's story: the second of the two words for it."""

    MOVED = "moved"
    """A Ready pod of its controller was seen elsewhere in its place."""
    ENDED = "ended"
    """Nothing replaces it: it has no controller, had finished, or is no longer wanted."""
    NOT_REPLACED = "not replaced yet"
    CAME_BACK = "came back"
    """The next pod of its controller was put on the same node."""
    LOST = "lost"
    """It ran until its machine went, or it had no replacement when the last report was made."""
    UNKNOWN = "unknown"
    """It has not left yet, or nobody followed what came after it."""


CUT_OFF_SECONDS = 1.0
"""A pod that is gone so soon before the end of its grace had used it up: two clocks measure that."""


@dataclass(frozen=True, slots=True)
class Successor:
    """The pod that takes another's place."""

    pod: Pod
    ready_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodOutcome:
    """The outcome of one pod that had to go. Instants are epoch seconds; None = has not happened."""

    pod: Pod
    stage: Stage
    known_at: float
    """When it was first reported."""
    refused_at: float | None = None
    """When its eviction was refused first."""
    reason: str = ""
    """Why it was refused, or why it was still there."""
    force_due_at: float | None = None
    """When it is to be forced; None while it is not blocked, or if it never will be."""
    asked_at: float | None = None
    """When it was asked to stop, politely or not."""
    grace_seconds: int | None = None
    """The time that it got to stop."""
    cut: bool = False
    """True if that was less than it should have had."""
    forced: bool = False
    """True if it was deleted past the refusal of its eviction."""
    by_itself: bool = False
    """True if it left without a request of the handler."""
    ends_at: float | None = None
    """When the grace that it got last is over, and the kubelet kills it."""
    gone_at: float | None = None
    unseen: bool = False
    """True if it left while the handler was not looking: `gone_at` is when it looked again."""
    was_ready: bool = False
    """True if it was Ready when it was asked to go. Its last state says nothing: a pod that stops is not."""
    finished: bool = False
    """True if its work was done."""
    came_back: bool = False
    """True if another pod of its controller was put on the node in its place."""
    successor: Successor | None = None
    """None also if the whole cluster was not watched."""
    replaced_at: float | None = None
    """When all pods of its controller were Ready elsewhere."""
    became: Became = Became.UNKNOWN

    @property
    def left(self) -> HowLeft:
        """Returns how it left. Past a budget counts more than too little grace: a budget was overruled."""
        if self.stage is not Stage.GONE or self.gone_at is None:
            return HowLeft.NOT
        if self.forced:
            return HowLeft.FORCED
        if self.cut and (self.ends_at is None or self.gone_at >= self.ends_at - CUT_OFF_SECONDS):
            return HowLeft.CUT_OFF
        return HowLeft.BY_ITSELF if self.by_itself else HowLeft.POLITELY


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerOutcome:
    """The replacement of a controller's pods."""

    namespace: str
    controller: Controller
    replaced_at: float | None
    ready: int
    before: int | None = None
    """Its Ready pods before its pods were asked to go; None if it has as many again."""
    wanted: int | None = None
    """How many pods it wants now; None if that is not known."""
    released: bool = False
    """True if it wants no more pods than it has."""
    deleted: bool = False
    failed: bool = False
    """True if it is a Job that has failed."""
    final: bool = True
    """False: it is followed further."""
    reason: str = ""
    """Why it is short, as far as that was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSeen:
    """One event of AWS about the node."""

    at: float
    event: Event
    level: Level
    deadline_at: float | None
    drain_at: float | None = None
    """Not before this instant is a pod asked to go."""
    withdrawn_at: float | None = None

    @property
    def deadline_stands(self) -> bool:
        """Returns whether the deadline lay ahead when it was first heard of."""
        return self.deadline_at is None or self.at < self.deadline_at

    @property
    def shutdown_at(self) -> float | None:
        """Returns when the machine began to shut down in order; None if the event does not say that."""
        return self.event.timing(self.at, 0.0).shutdown_at


def leading(notices: Iterable[NoticeSeen]) -> NoticeSeen | None:
    """Returns the notice that gives an interruption its kind: the standing one with the nearest deadline.

    If none stands any more, it is the one that was over last.
    """
    known = tuple(notices)
    over_at = max((notice.withdrawn_at for notice in known if notice.withdrawn_at is not None), default=None)
    standing = [notice for notice in known if notice.withdrawn_at is None]
    return nearest(standing or (notice for notice in known if notice.withdrawn_at == over_at))


def notice_seen(report: NoticeReceived, at: float) -> NoticeSeen:
    """Returns the notice as it was reported at that instant."""
    return NoticeSeen(
        at=at,
        event=report.event,
        level=report.level,
        deadline_at=report.deadline_at,
        drain_at=report.drain_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the timeline."""

    at: float
    level: str
    """`debug`, `info`, `warn` or `error`."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptionReport:
    """Everything about one interruption."""

    node_name: str
    session_id: str
    first_at: float
    """When it was first reported."""
    began_at: float
    """When the first notice came that asks for a drain; earlier steps have negative seconds."""
    until_at: float
    """The instant as of which this is true."""
    notices: tuple[NoticeSeen, ...] = ()
    deadline_at: float | None = None
    """The nearest deadline of the notices that still stand."""
    cordoned_at: float | None = None
    taints: tuple[str, ...] = ()
    restored_at: float | None = None
    drained_at: float | None = None
    margin_seconds: float | None = None
    """From the end of the drain to the deadline."""
    pods: tuple[PodOutcome, ...] = ()
    staying: tuple[tuple[Pod, str], ...] = ()
    """Pods that belong to the machine or are kept on it, with the reason."""
    in_the_way: tuple[tuple[PodRef, str], ...] = ()
    """Those of them that kept the node from being drained."""
    controllers: tuple[ControllerOutcome, ...] = ()
    replaced_at: float | None = None
    """When every controller had its Ready pods back."""
    force_forbidden: bool = False
    planned: tuple[str, ...] = ()
    """The steps that a dry run would have taken."""
    entries: tuple[Entry, ...] = ()
    entries_left_out: int = 0
    """From the middle of `entries`."""
    pods_left_out: int = 0
    """Pods that left politely and moved, and that `pods` has no room for."""
    called_off: bool = False
    """No notice stands any more."""
    late: bool = False
    """True if pods were still there when the time was up, and have not been seen to leave since."""
    unsettled: bool = False
    """True if time was nearly up and not every replacement was Ready; the final report follows."""
    resumed: bool = False
    """The handler was restarted meanwhile: earlier reports are not in here."""
    final: bool = True
    """False: it was made while the interruption went on."""
    incomplete: str = ""
    """The reason why something may be missing here; empty if nothing is."""

    @property
    def leading(self) -> NoticeSeen | None:
        """Returns the notice that gives the interruption its kind."""
        return leading(self.notices)

    @property
    def lost(self) -> tuple[PodOutcome, ...]:
        """Returns the pods that ran until their machine went."""
        return tuple(pod for pod in self.pods if pod.stage is Stage.LOST)

    def which_left(self, how: HowLeft) -> tuple[PodOutcome, ...]:
        """Returns the pods that left so."""
        return tuple(pod for pod in self.pods if pod.left is how)

    def which_became(self, became: Became) -> tuple[PodOutcome, ...]:
        """Returns the pods of which that became."""
        return tuple(pod for pod in self.pods if pod.became is became)

    @property
    def unfinished(self) -> tuple[PodOutcome, ...]:
        """Returns the pods that still have to go, and still can."""
        return tuple(pod for pod in self.pods if pod.stage in (Stage.WAITING, Stage.BLOCKED, Stage.STOPPING))

    @property
    def is_over(self) -> bool:
        """Returns whether the machine may be gone."""
        return self.deadline_at is not None and self.until_at >= self.deadline_at

    @property
    def over_at(self) -> float:
        """Returns when time is up for a step that has not ended."""
        return min(self.until_at, self.deadline_at or self.until_at)

    def controller_of(self, outcome: PodOutcome) -> ControllerOutcome | None:
        """Returns the replacement of the pods of that pod's controller."""
        return next((one for one in self.controllers if one.controller == outcome.pod.controller), None)

    @property
    def phase(self) -> str:
        """Returns one word for the node."""
        if self.restored_at is not None and self.called_off:
            return "RESTORED"
        if self.drained_at is not None:
            return "DRAINED"
        if any(pod.stage is not Stage.WAITING for pod in self.pods):
            return "DRAINING"
        return "NOTICED" if self.cordoned_at is None else "CORDONED"
