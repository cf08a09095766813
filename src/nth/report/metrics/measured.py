"""One interruption as it is measured: what has to be kept until the figures can be told.

Pure. `measures` feeds it and does the counting.
"""

from dataclasses import dataclass, field

from nth.core.drain.pod_filter import may_be_forced
from nth.core.facts import Pod
from nth.core.notices.events import InstanceStateChange
from nth.core.policy import Level
from nth.core.reports import NoticeReceived

UNKNOWN_KIND = "UNKNOWN"
"""A handler that goes on with what another began is not told what AWS had said."""


@dataclass(slots=True)
class _Standing:
    """A notice that is not withdrawn."""

    kind: str
    level: Level
    seen_at: float
    deadline_at: float | None

    @property
    def rank(self) -> tuple[int, float]:
        """The highest level, and then the earliest deadline, gives the interruption its kind."""
        return -self.level, float("inf") if self.deadline_at is None else self.deadline_at


@dataclass(slots=True)
class Measured:
    """One session on one node. Instants are epoch seconds."""

    session_id: str
    kind: str = UNKNOWN_KIND
    event_id: str = ""
    result: str = ""
    """Empty until it is known how it ended."""
    cordoned: bool = False
    surveyed: bool = False
    """The pods are known."""
    here: dict[str, bool] = field(default_factory=dict)
    """By UID, the pods that have to go and are still there: whether they may be forced."""
    left: set[str] = field(default_factory=set)
    """UIDs of those that have gone: the answer to an eviction may come after that."""
    refusals: set[tuple[str, str]] = field(default_factory=set)
    """(UID of a pod, budget) that was counted."""
    missing: set[str] = field(default_factory=set)
    """UIDs of controllers that were told to be short."""
    replacing_since_at: float = 0.0
    _standing: dict[str, _Standing] = field(default_factory=dict)

    # Notices

    def noticed(self, report: NoticeReceived, at: float) -> None:
        """One more event; one that is further from the end than another tells neither kind nor name."""
        event = report.event
        # A machine that is going down already leaves no deadline that could be met.
        deadline_at = None if isinstance(event, InstanceStateChange) else report.deadline_at
        self._standing[event.event_id] = _Standing(event.kind.name, report.level, at, deadline_at)
        self.event_id, standing = min(self._standing.items(), key=lambda item: item[1].rank)
        self.kind = standing.kind

    def withdrawn(self, event_id: str) -> None:
        """It counts no longer, but the interruption keeps its kind."""
        self._standing.pop(event_id, None)

    def moved(self, event_id: str, deadline_at: float) -> None:
        """Its lifecycle hook waits longer."""
        if event_id in self._standing:
            self._standing[event_id].deadline_at = deadline_at

    @property
    def level(self) -> Level:
        """What is asked for; a drain if that was not told (`UNKNOWN_KIND`)."""
        if self.kind == UNKNOWN_KIND:
            return Level.DRAIN
        return max((one.level for one in self._standing.values()), default=Level.NOTIFY)

    @property
    def deadline_at(self) -> float | None:
        """The earliest of those that ask for a drain."""
        drains = (one for one in self._standing.values() if one.level is Level.DRAIN)
        return min((one.deadline_at for one in drains if one.deadline_at is not None), default=None)

    def seen_at(self, level: Level) -> float | None:
        """When so much was first asked for."""
        return min((one.seen_at for one in self._standing.values() if one.level >= level), default=None)

    def margin_seconds(self, told_seconds: float | None, at: float) -> float | None:
        """What is left at `at`; what the session itself says if the notices are not known."""
        if self.kind == UNKNOWN_KIND:
            return told_seconds
        return None if self.deadline_at is None else self.deadline_at - at

    # Pods

    def knows(self, pod: Pod) -> None:
        """It has to go, and is still there, unless its leaving was told."""
        if pod.ref.uid not in self.left:
            self.here[pod.ref.uid] = may_be_forced(pod)

    def gone(self, pod: Pod) -> None:
        """It has left."""
        self.here.pop(pod.ref.uid, None)
        self.left.add(pod.ref.uid)

    def forget_pods(self) -> None:
        """What became of them is counted."""
        self.here.clear()
        self.left.clear()

    def is_late(self, now: float) -> bool:
        """The deadline has passed, and it is not so that every pod had gone."""
        at = self.deadline_at
        return at is not None and now > at and bool(self.here or not self.surveyed)
