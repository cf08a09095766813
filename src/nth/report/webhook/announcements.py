"""Which moments of an interruption are announced to the outside: one pure fold.

An announcement is made of all events of a session together, and never for each event. Who wants
only one post per interruption, as the original sends it, takes those that have `attempt`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from nth.core.facts import Pod
from nth.core.node.phases import GONE
from nth.core.policy import Level
from nth.core.reports import (
    DeadlineMoved,
    DrainEnded,
    NodeChangeRefused,
    NodeMarked,
    NoticeReceived,
    NoticeWithdrawn,
    PodForced,
    PodsOnNode,
    ReplacementEnded,
    Report,
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.report.interruption import InterruptionReport, NoticeSeen, notice_seen
from nth.report.webhook.announcement import LAST_PHASES, Announcement, Phase, Result

MAX_STORIES = 2000
"""More nodes than that are not going away at once; the oldest would be forgotten."""
MAX_NAMES = 200
MAX_REASON_CHARS = 500
CORDON = "cordon"
"""What `NodeChangeRefused` names when nothing less was left to ask for."""


class Recorder(Protocol):
    """What keeps all that is told of one session (`story.chronicle.Chronicle`)."""

    def take(self, told: Told) -> None: ...

    def report(self, session_id: str, node_name: str, until_at: float) -> InterruptionReport: ...


@dataclass(slots=True)
class _Story:
    """What is known of one session."""

    first_at: float
    notices: dict[str, NoticeSeen] = field(default_factory=dict)
    resumed: set[str] = field(default_factory=set)
    """Ids of events from before a restart, of which no more is known."""
    counts: dict[str, int] = field(default_factory=dict)
    attempted: Level = Level.NOTIFY
    """The attempt to do so much is over."""
    failed: bool = False
    pods: tuple[str, ...] = ()
    evicted: int = 0
    forced: int = 0
    deadline_at: float | None = None
    """As the session knew it last, where no notice tells it."""
    recorder: Recorder | None = None

    @property
    def standing(self) -> tuple[NoticeSeen, ...]:
        return tuple(notice for notice in self.notices.values() if notice.withdrawn_at is None)

    @property
    def level(self) -> Level:
        """What is asked of the node; of events from before a restart that is not known."""
        return max((n.level for n in self.standing), default=Level.DRAIN if self.resumed else Level.NOTIFY)

    def begin_again(self, at: float) -> None:
        """All events were over, and here is another."""
        self.first_at = at
        self.notices.clear()
        self.attempted, self.failed, self.forced, self.evicted = Level.NOTIFY, False, 0, 0
        self.pods, self.deadline_at = (), None


class Announcer:
    """Folds what sessions tell.

    `new_recorder(at)` makes what keeps the report that last phases carry; None = they carry none.
    """

    def __init__(self, new_recorder: Callable[[float], Recorder] | None = None) -> None:
        self._new_recorder = new_recorder
        self._stories: dict[str, _Story] = {}

    def take(self, told: Told) -> Announcement | None:
        """What there is to announce now, if anything."""
        if not told.session_id:
            return None
        story = self._stories.get(told.session_id) or self._begin(told)
        if story.recorder is not None:
            story.recorder.take(told)
        moment = _moment(story, told.report, told.at)
        announcement = None if moment is None else _announced(story, moment, told)
        if isinstance(told.report, SessionEnded):
            del self._stories[told.session_id]
        return announcement

    def _begin(self, told: Told) -> _Story:
        if len(self._stories) >= MAX_STORIES:
            del self._stories[next(iter(self._stories))]
        story = self._stories[told.session_id] = _Story(told.at)
        story.recorder = self._new_recorder(told.at) if self._new_recorder else None
        return story


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """What a report means to the outside."""

    phase: Phase
    result: Result
    reason: str = ""
    reached: Level | None = None
    """The attempt to do so much is over."""
    seconds: float | None = None
    left: tuple[str, ...] = ()
    notice: NoticeSeen | None = None


def _moment(story: _Story, report: Report, at: float) -> _Moment | None:
    match report:
        case NoticeReceived() | NoticeWithdrawn() | DeadlineMoved() | SessionResumed():
            return _of_notice(story, report, at)
        case NodeMarked() | NodeChangeRefused():
            return _of_node(story, report)
        case PodsOnNode() | PodForced():
            return _of_pods(story, report)
        case DrainEnded() | ReplacementEnded():
            return _of_end(story, report, at)
        case SessionEnded(reason=reason) if reason == GONE and story.attempted < story.level:
            return _Moment(phase="failed", result="failure", reason=reason, reached=story.level)
        case _:
            return None


def _of_notice(
    story: _Story, report: NoticeReceived | NoticeWithdrawn | DeadlineMoved | SessionResumed, at: float
) -> _Moment | None:
    match report:
        case NoticeReceived():
            if not (story.standing or story.resumed):
                story.begin_again(at)
            event_id = report.event.event_id
            story.resumed.discard(event_id)
            story.failed = False
            story.notices[event_id] = notice = notice_seen(report, at)
            return _Moment(phase="received", result="pending", notice=notice)
        case NoticeWithdrawn():
            return _of_withdrawal(story, report, at)
        case DeadlineMoved():
            if known := story.notices.get(report.event_id):
                story.notices[report.event_id] = replace(known, deadline_at=report.deadline_at)
        case SessionResumed():
            for seen_at, received in report.notices:
                story.notices.setdefault(received.event.event_id, notice_seen(received, seen_at))
            story.resumed.update(set(report.event_ids) - story.notices.keys())
    return None


def _of_withdrawal(story: _Story, report: NoticeWithdrawn, at: float) -> _Moment | None:
    event_id = report.event_id
    known = story.notices.get(event_id)
    if known is None and event_id not in story.resumed:
        return None
    story.resumed.discard(event_id)
    if known is not None:
        story.notices[event_id] = replace(known, withdrawn_at=at)
    if story.standing or story.resumed:
        return None
    return _Moment(phase="cancelled", result="cancelled", reason=report.reason, notice=known)


def _of_node(story: _Story, report: NodeMarked | NodeChangeRefused) -> _Moment | None:
    only_cordon = story.level is Level.CORDON
    reached = Level.CORDON if only_cordon else None
    if isinstance(report, NodeChangeRefused):
        if report.what != CORDON or not only_cordon or story.failed:
            return None
        return _Moment(phase="failed", result="failure", reason=report.reason, reached=reached)
    if report.again or not report.cordoned:
        return None
    return _Moment(phase="cordoned", result="success" if only_cordon else "pending", reached=reached)


def _of_pods(story: _Story, report: PodsOnNode | PodForced) -> _Moment | None:
    if isinstance(report, PodsOnNode):
        pods: list[Pod] = [*report.going, *(pod for pod, _ in report.staying)]
        story.pods = tuple(pod.ref.name for pod in pods[:MAX_NAMES])
        return None
    story.forced += 1
    if story.forced > 1:
        return None
    reason = f"{report.pod.ref}: {report.reason}"
    return _Moment(phase="forced", result="pending", reason=reason, left=(str(report.pod.ref),))


def _of_end(story: _Story, report: DrainEnded | ReplacementEnded, at: float) -> _Moment | None:
    if isinstance(report, DrainEnded):
        story.evicted, story.forced = report.evicted, report.forced
        if report.margin_seconds is not None:
            story.deadline_at = at + report.margin_seconds
        left = tuple(f"{one.ref}: {one.reason}" for one in report.left[:MAX_NAMES])
        reason = f"still on the node: {', '.join(left)}"
        end = _Moment(phase="drained", result="success", reached=Level.DRAIN, seconds=report.seconds)
    else:
        left = tuple(
            f"{one.namespace}/{one.controller.name}: {one.reason}" for one in report.missing[:MAX_NAMES]
        )
        reason = f"not all pods run elsewhere: {', '.join(left)}"
        end = _Moment(phase="replaced", result="success", seconds=report.seconds)
    if not left:
        return end
    if story.failed and (end.reached is None or end.reached <= story.attempted):
        return None
    return replace(end, phase="failed", result="failure", reason=reason, left=left)


def _announced(story: _Story, moment: _Moment, told: Told) -> Announcement:
    story.failed |= moment.phase == "failed"
    reached = Level.NOTIFY if moment.reached is None else moment.reached
    attempt = reached > story.attempted
    story.attempted = max(story.attempted, reached)
    story.counts[moment.phase] = count = story.counts.get(moment.phase, 0) + 1
    notices = tuple(story.notices.values())
    at = told.at
    report = None
    if story.recorder is not None and (attempt or moment.phase in LAST_PHASES):
        report = story.recorder.report(told.session_id, told.node_name, at)
    return Announcement(
        phase=moment.phase,
        result=moment.result,
        reason=_short(moment.reason),
        attempt=attempt,
        at=at,
        session_id=told.session_id,
        node_name=told.node_name,
        count=count,
        notice=moment.notice or _leading(story.standing or notices),
        notices=notices,
        event_ids=(*story.notices, *sorted(story.resumed)),
        kinds=_kinds(story, moment),
        duration_seconds=at - story.first_at if moment.seconds is None else moment.seconds,
        deadline_at=_deadline_at(story, moment),
        pods=story.pods,
        evicted=story.evicted,
        forced=story.forced,
        left=moment.left,
        report=report,
    )


def _leading(notices: tuple[NoticeSeen, ...]) -> NoticeSeen | None:
    """What asks for the most, and of these the most urgent; the first one if that decides nothing."""
    far = float("inf")
    return min(
        notices, key=lambda n: (-n.level, far if n.deadline_at is None else n.deadline_at, n.at), default=None
    )


def _kinds(story: _Story, moment: _Moment) -> frozenset[str]:
    if moment.phase == "received" and moment.notice is not None:
        return frozenset({moment.notice.event.kind.name})
    return frozenset(notice.event.kind.name for notice in story.notices.values())


def _deadline_at(story: _Story, moment: _Moment) -> float | None:
    notices = story.standing
    if moment.phase == "cancelled" and moment.notice is not None:
        notices = (moment.notice,)
    known = [notice.deadline_at for notice in notices if notice.deadline_at is not None]
    return min(known, default=story.deadline_at)


def _short(text: str) -> str:
    return text if len(text) <= MAX_REASON_CHARS else f"{text[: MAX_REASON_CHARS - 1]}…"
