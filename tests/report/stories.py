"""Sessions as they tell of themselves, for the tests of what is made of it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from nth.core.facts import Controller, Node, Pod, PodRef
from nth.core.notices.events import RebalanceRecommendation, SpotInterruption
from nth.core.policy import Level
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    LeftBehind,
    MonitorFailed,
    NodeMarked,
    NodeRestored,
    NoticeReceived,
    NoticeWithdrawn,
    PodForced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    Report,
    Told,
)
from nth.report.builder import Interruption, interruption_reports
from nth.report.interruption import InterruptionReport, Successor
from nth.report.interruptions import Interruptions
from nth.report.log_lines import Line, line_of
from nth.ui.scene import Scene

T = TypeVar("T")
T0 = 1_795_336_200.0
NODE = "ip-10-0-1-17"
DEADLINE_SECONDS = 120.0
REFUSAL = "The disruption budget billing needs 1 healthy pods and has 1 currently"


def owner(name: str, kind: str = "ReplicaSet") -> Controller:
    return Controller(kind, f"{name}-5d8f7c9b4" if kind == "ReplicaSet" else name, f"uid-of-{name}")


def a_pod(name: str, controller: Controller | None, *, grace_seconds: int = 30, node_name: str = NODE) -> Pod:
    ref = PodRef("shop", name, f"uid-{name}-{node_name}")
    return Pod(ref=ref, node_name=node_name, ready=True, grace_seconds=grace_seconds, controller=controller)


WEB = a_pod("web-5d8f7c9b4-aaaaa", owner("web"))
BILLING = a_pod("billing-5d8f7c9b4-bbbbb", owner("billing"))
ENCODER = a_pod("encoder-5d8f7c9b4-ccccc", owner("encoder"), grace_seconds=300)
DAEMON = a_pod("aws-node-ddddd", owner("aws-node", "DaemonSet"))

NOTICE = NoticeReceived(
    event=SpotInterruption(event_id="spot-1", action="terminate", interrupted_at=T0 + DEADLINE_SECONDS),
    level=Level.DRAIN,
    drain_at=T0,
    deadline_at=T0 + DEADLINE_SECONDS,
)
REBALANCE = NoticeReceived(
    event=RebalanceRecommendation(event_id="rebalance-1", noticed_at=T0),
    level=Level.CORDON,
    drain_at=T0,
    deadline_at=None,
)
MARKED = NodeMarked(
    cordoned=True,
    cordoned_by_us=True,
    taints=("aws-node-termination-handler/spot-itn",),
    labels=(),
    again=False,
)
RESTORED = NodeRestored(uncordoned=True, still_cordoned=False, taints=(), labels=())
WITHDRAWN = NoticeWithdrawn(event_id="spot-1", reason="AWS says it is canceled")
SURVEY = PodsOnNode(going=(WEB, BILLING, ENCODER), staying=((DAEMON, "a DaemonSet would only put it back"),))

Step = tuple[float, Report]
"""(seconds after the notice, what is told)"""

BEGUN: tuple[Step, ...] = (
    (0.0, NOTICE),
    (0.1, MARKED),
    (0.2, SURVEY),
    (0.3, EvictionRefused(pod=BILLING, reason=REFUSAL, forced_at=T0 + 85)),
    (0.4, EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)),
    (0.5, EvictionAccepted(pod=ENCODER, grace_seconds=114, cut=True)),
)
MOVED: tuple[Step, ...] = (
    (5.0, PodLeft(pod=WEB, how="evicted", seconds=4.6)),
    (6.0, Replaced(namespace="shop", controller=owner("web"), ready=3, seconds=5.6)),
    (9.0, Replaced(namespace="shop", controller=owner("encoder"), ready=1, seconds=8.5)),
    (50.0, PodLeft(pod=ENCODER, how="evicted", seconds=49.5)),
)
FORCED: tuple[Step, ...] = (
    (85.0, PodForced(pod=BILLING, grace_seconds=30, reason=REFUSAL)),
    (90.0, PodLeft(pod=BILLING, how="forced", seconds=89.7)),
    (90.1, DrainEnded(left=(), evicted=2, forced=1, seconds=90.1, margin_seconds=29.9)),
    (92.0, Replaced(namespace="shop", controller=owner("billing"), ready=1, seconds=7.0)),
    (92.1, ReplacementEnded(missing=(), controllers=3, seconds=92.1)),
)
NOT_DRAINED: tuple[Step, ...] = (
    (
        115.0,
        DrainEnded(
            left=(LeftBehind(ref=BILLING.ref, reason=REFUSAL),),
            evicted=2,
            forced=0,
            seconds=115.0,
            margin_seconds=5.0,
        ),
    ),
    (115.0, ReplacementEnded(missing=(), controllers=2, seconds=115.0)),
)
FULL_STORY = (*BEGUN, *MOVED, *FORCED)
LOSING_STORY = (*BEGUN, *MOVED, *NOT_DRAINED)


def told(*steps: Step) -> list[Told]:
    return [
        Told(at=T0 + seconds, session_id="s-1", node_name=NODE, report=report) for seconds, report in steps
    ]


def logged_as(one: Told, since_seconds: float | None = None) -> Line:
    """The record's line in the log."""
    assert not isinstance(one.report, MonitorFailed)
    return line_of(one.report, since_seconds)


def fed(take: Callable[[Told, Interruption | None], T], told: Iterable[Told]) -> list[T]:
    """What it gives for each of these, with the interruption that it belongs to."""
    interruptions = Interruptions()
    return [take(one, interruptions.take(one)) for one in told]


def report_of(
    *steps: Step, after_seconds: float, successors: dict[str, Successor] | None = None
) -> InterruptionReport:
    """The one report of these steps, as of so long after the notice."""
    (report,) = interruption_reports(told(*steps), T0 + after_seconds, successors)
    return report


def a_scene(
    *steps: Step, after_seconds: float, dead: frozenset[str] = frozenset(), name: str = "ip-10-0-2-23"
) -> Scene:
    """A scene of two nodes; WEB's successor runs on the other."""
    report = report_of(*steps, after_seconds=after_seconds) if steps else None
    new = replace(WEB, ref=PodRef("shop", "web-5d8f7c9b4-zzzzz", "uid-new"), node_name=name)
    if report is not None:
        successors = {WEB.ref.uid: Successor(new, T0 + 6)}
        report = report_of(*steps, after_seconds=after_seconds, successors=successors)
    nodes = tuple(
        Node(name=node, uid=node, resource_version="1", unschedulable=node == NODE and bool(steps))
        for node in (NODE, name)
    )
    return Scene(
        title="a Spot notice",
        now=T0 + after_seconds,
        nodes=nodes,
        pods=(BILLING, ENCODER, DAEMON, new),
        dead=dead,
        node_name=NODE,
        report=report,
        log=report.entries if report is not None else (),
    )
