"""The moments of an interruption that are announced to the outside.

An announcement is made of all events of a session together, and never for each event. A target with
one post per interruption, as the original sends it, takes those that have `attempt`.
"""

from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from nth.core.facts import Pod
from nth.core.node.phases import GONE
from nth.core.policy import Level
from nth.core.reports import (
    DrainEnded,
    NodeChangeRefused,
    NodeMarked,
    NoticeReceived,
    NoticeWithdrawn,
    NotReplaced,
    PodForced,
    PodsOnNode,
    ReplacementEnded,
    SessionEnded,
    Told,
)
from nth.report.builder import Interruption
from nth.report.interruption import NoticeSeen, notice_seen
from nth.report.log_lines import short_state
from nth.report.pod_fates import counts
from nth.report.webhook.announcement import LAST_PHASES, Announcement, Phase, Result

MAX_NAMES = 200
MAX_REASON_CHARS = 500
CORDON = "cordon"
"""The name in `NodeChangeRefused` of a change from which nothing could be left out any more."""


@dataclass(slots=True)
class _Announced:
    """The announcements of one interruption so far, and the details that the next one needs."""

    counts: dict[str, int] = field(default_factory=dict)
    attempted: Level = Level.NOTIFY
    """The attempt to reach this level is over."""
    failed: bool = False
    stood: bool = False
    """True if a notice stood at the last record."""
    pods: tuple[str, ...] = ()
    forced: bool = False
    """True if a pod was deleted past a refusal."""


class Announcer:
    """Makes announcements. Their memory goes with the interruption. `reports`: last phases carry a report."""

    def __init__(self, *, reports: bool = False) -> None:
        self._reports = reports
        self._announced: WeakKeyDictionary[Interruption, _Announced] = WeakKeyDictionary()

    def take(self, told: Told, interruption: Interruption | None) -> Announcement | None:
        """Returns the announcement that this record makes, if any."""
        if interruption is None:
            return None
        before = self._announced.setdefault(interruption, _Announced())
        moment = _moment(before, told, interruption)
        before.stood = interruption.notices.any_stands
        return None if moment is None else self._announce(before, moment, told, interruption)

    def _announce(
        self, before: _Announced, moment: "_Moment", told: Told, interruption: Interruption
    ) -> Announcement:
        before.failed |= moment.phase == "failed"
        reached = Level.NOTIFY if moment.reached is None else moment.reached
        attempt = reached > before.attempted
        before.attempted = max(before.attempted, reached)
        before.counts[moment.phase] = count = before.counts.get(moment.phase, 0) + 1
        with_report = self._reports and (attempt or moment.phase in LAST_PHASES)
        notices, notice = interruption.notices.seen, moment.notice or interruption.notices.leading
        over = moment.phase == "cancelled" and notice is not None
        report = interruption.report(told.at)
        return Announcement(
            phase=moment.phase,
            result=moment.result,
            reason=_short(moment.reason),
            attempt=attempt,
            at=told.at,
            session_id=told.session_id,
            node_name=told.node_name,
            number=interruption.number,
            count=count,
            notice=notice,
            notices=notices,
            event_ids=(*(each.event.event_id for each in notices), *sorted(interruption.notices.unknown)),
            kinds=frozenset(
                each.event.kind.name for each in ((moment.notice,) if moment.notice else notices)
            ),
            duration_seconds=told.at - interruption.first_at if moment.seconds is None else moment.seconds,
            deadline_at=notice.deadline_at if over and notice else interruption.deadline_at,
            pods=before.pods,
            counts=counts(report),
            left=moment.left,
            report=replace(report, final=interruption.finished()) if with_report else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """A record as it is announced."""

    phase: Phase
    result: Result
    reason: str = ""
    reached: Level | None = None
    """The attempt to reach this level is over."""
    seconds: float | None = None
    left: tuple[str, ...] = ()
    notice: NoticeSeen | None = None
    """The notice that is announced; None = the interruption is."""


def _moment(before: _Announced, told: Told, interruption: Interruption) -> _Moment | None:
    level = interruption.notices.level
    match told.report:
        case NoticeReceived() as received:
            before.failed = False
            notice = notice_seen(received, told.at)
            return _Moment(phase="received", result="pending", notice=notice)
        case NoticeWithdrawn(reason=reason) if before.stood and not interruption.notices.any_stands:
            return _Moment(phase="cancelled", result="cancelled", reason=reason)
        case NodeMarked() | NodeChangeRefused() as report:
            return _of_node(before, report, only_cordon=level is Level.CORDON)
        case PodsOnNode() | PodForced() as report:
            return _of_pods(before, report)
        case DrainEnded() | ReplacementEnded() as report:
            return _of_end(before, report)
        case SessionEnded(reason=reason) if reason == GONE and before.attempted < level:
            return _Moment(phase="failed", result="failure", reason=reason, reached=level)
        case _:
            return None


def _of_node(
    before: _Announced, report: NodeMarked | NodeChangeRefused, *, only_cordon: bool
) -> _Moment | None:
    reached = Level.CORDON if only_cordon else None
    if isinstance(report, NodeChangeRefused):
        if report.what != CORDON or not only_cordon or before.failed:
            return None
        return _Moment(phase="failed", result="failure", reason=report.reason, reached=reached)
    if report.again or not report.cordoned:
        return None
    return _Moment(phase="cordoned", result="success" if only_cordon else "pending", reached=reached)


def _of_pods(before: _Announced, report: PodsOnNode | PodForced) -> _Moment | None:
    if isinstance(report, PodsOnNode):
        pods: list[Pod] = [*report.going, *(pod for pod, _ in report.staying)]
        before.pods = tuple(pod.ref.name for pod in pods[:MAX_NAMES])
        return None
    if before.forced:
        return None
    before.forced = True
    reason = f"{report.pod.ref}: {report.reason}"
    return _Moment(phase="forced", result="pending", reason=reason, left=(str(report.pod.ref),))


def _of_end(before: _Announced, report: DrainEnded | ReplacementEnded) -> _Moment | None:
    if isinstance(report, DrainEnded):
        left = tuple(f"{one.ref}: {one.reason}" for one in report.left[:MAX_NAMES])
        reason = f"still on the node: {', '.join(left)}"
        end = _Moment(phase="drained", result="success", reached=Level.DRAIN, seconds=report.seconds)
    else:
        left = tuple(map(_of_short, report.missing[:MAX_NAMES]))
        known = "not known whether all" if report.unexplained else "not all"
        reason = f"{known} pods run elsewhere: {', '.join(left)}"
        end = _Moment(phase="replaced", result="success", seconds=report.seconds)
        if left and not report.final:
            if before.failed:
                return None  # Worse has been said already.
            reason = f"not known yet: {', '.join(left)}"
            return replace(end, phase="waiting", result="pending", reason=reason, left=left)
        if report.unexplained and not before.failed:
            return replace(end, phase="unknown", result="unknown", reason=reason, left=left)
    if not left:
        return end
    if before.failed and (end.reached is None or end.reached <= before.attempted):
        return None
    return replace(end, phase="failed", result="failure", reason=reason, left=left)


def _of_short(one: NotReplaced) -> str:
    reason = f": {one.reason}" if one.reason else ""
    return f"{one.namespace}/{one.controller.name}: {short_state(one)}{reason}"


def _short(text: str) -> str:
    return text if len(text) <= MAX_REASON_CHARS else f"{text[: MAX_REASON_CHARS - 1]}…"
