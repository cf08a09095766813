"""An announcement of an interruption: one moment, with everything known then."""

import hashlib
from dataclasses import dataclass
from typing import Final, Literal, get_args

from nth.report.interruption import HowLeft, InterruptionReport, NoticeSeen
from nth.report.pod_fates import Counts

Phase = Literal[
    "received", "cordoned", "drained", "forced", "waiting", "failed", "cancelled", "replaced", "unknown"
]
Result = Literal["pending", "success", "failure", "cancelled", "unknown"]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
LAST_PHASES: Final = frozenset[Phase]({"waiting", "failed", "cancelled", "replaced", "unknown"})
"""They carry the report of the interruption: after each, the handler may go with its machine."""


def phase_of(word: str) -> Phase:
    """Returns the phase of that name; ValueError if there is none."""
    if word not in PHASES:
        raise ValueError(word)
    return word


NO_PODS: Final = Counts({}, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One moment of one interruption. Instants are epoch seconds; None = not known, or there is none."""

    phase: Phase
    result: Result
    """`pending`: it goes on; `unknown`: it is over, and nothing was seen that tells success from failure."""
    reason: str = ""
    """Why it failed, was forced or was cancelled, or what is not known."""
    attempt: bool = False
    """True if the attempt to cordon or drain ends here for the first time: posted if no phases are set."""
    at: float
    session_id: str
    node_name: str
    number: int = 1
    """1 for the first interruption of its session."""
    count: int = 1
    """Counts how often it has been in this phase."""
    notice: NoticeSeen | None = None
    """The announced one, or the one that gives the interruption its kind; None = only ids are known."""
    notices: tuple[NoticeSeen, ...] = ()
    event_ids: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    duration_seconds: float
    """Since the first notice was seen."""
    deadline_at: float | None = None
    pods: tuple[str, ...] = ()
    """Names of all pods that were on the node before the drain."""
    counts: Counts = NO_PODS
    """The pods by both words."""
    left: tuple[str, ...] = ()
    """`namespace/name: reason` of each pod, or controller, that is not done."""
    report: InterruptionReport | None = None

    @property
    def evicted(self) -> int:
        """Returns how many pods left after an eviction, those included that were cut off."""
        return sum(self.counts.left.get(how, 0) for how in (HowLeft.POLITELY, HowLeft.CUT_OFF))

    @property
    def forced(self) -> int:
        """Returns how many pods left that had been deleted past a refusal."""
        return self.counts.left.get(HowLeft.FORCED, 0)

    @property
    def margin_seconds(self) -> float | None:
        """Returns the seconds until the deadline; None without one."""
        return None if self.deadline_at is None else self.deadline_at - self.at

    def key(self, target: str) -> str:
        """Returns a key that is the same whenever this is sent to this target, also after a restart."""
        ids = ",".join(sorted(self.event_ids))
        count = str(self.count) if self.number == 1 else f"{self.number}.{self.count}"
        parts = (self.session_id, self.node_name, self.phase, count, ids, target)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
