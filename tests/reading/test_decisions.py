"""From each line that a session's report gives, back to that report."""

import io
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest

from nth.core.facts import Controller, Pod
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import (
    AsgTargetState,
    AsgTermination,
    Event,
    InstanceStateChange,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from nth.core.policy import Level
from nth.core.reports import (
    AwsSettled,
    CordonLifted,
    DeadlineMoved,
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    ForceForbidden,
    GraceShortened,
    LeftBehind,
    MarkForbidden,
    MonitorFailed,
    NodeChangeRefused,
    NodeMarked,
    NodeRestored,
    NodeReturned,
    NoticeReceived,
    NoticeWithdrawn,
    NotReplaced,
    Planned,
    PodCameBack,
    PodForced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    Report,
    SessionEnded,
    SessionResumed,
    Told,
    Trouble,
    TroubleOver,
)
from nth.reading.decisions import pod_named, told_of
from nth.reading.lines import parse
from nth.reporters.log import LogReporter
from nth.reporters.log_lines import JsonFormatter, TextFormatter
from tests.report.stories import T0

POD, SLOW = pod_named("shop/web-1"), pod_named("shop/encoder-1", grace_seconds=300)
REASON = "The disruption budget web needs 1 healthy pods; it has 1 currently"
WEB = Controller("ReplicaSet", "web-5d8f7c9b4", "ReplicaSet shop/web-5d8f7c9b4")
SHORT = NotReplaced(namespace="shop", controller=WEB, ready=1, wanted=2, reason="Pending: 0/3 nodes")
NO_ACTION = LifecycleAction(group="", hook="", token="", instance_id="")


def notice(event: Event, deadline_at: float | None = T0 + 120) -> NoticeReceived:
    return NoticeReceived(event=event, level=Level.DRAIN, drain_at=T0 + 1, deadline_at=deadline_at)


def marked(*, cordoned: bool = True, by_us: bool = True, again: bool = False) -> NodeMarked:
    return NodeMarked(cordoned=cordoned, cordoned_by_us=by_us, taints=("a", "b"), labels=("l",), again=again)


def restored(*, uncordoned: bool, still_cordoned: bool = False) -> NodeRestored:
    return NodeRestored(uncordoned=uncordoned, still_cordoned=still_cordoned, taints=("t",), labels=())


REPORTS: dict[str, Report] = {
    "spot": notice(SpotInterruption(event_id="e", action="", interrupted_at=T0 + 120)),
    "spot, queue": notice(
        SpotInterruption(
            event_id="e", action="", interrupted_at=T0 + 120, instance_id="i-1", noticed_at=T0 - 2
        )
    ),
    "rebalance": notice(RebalanceRecommendation(event_id="e", noticed_at=T0), None),
    "rebalance, queue": notice(RebalanceRecommendation(event_id="e", noticed_at=T0, instance_id="i-1"), None),
    "maintenance": notice(
        ScheduledMaintenance(
            event_id="e", code="system-reboot", not_before_at=T0, not_after_at=T0 + 60, reason="a disk fails"
        )
    ),
    "maintenance, queue": notice(
        ScheduledMaintenance(
            event_id="e", code="", not_before_at=T0, not_after_at=T0, reason="", instance_id="i-1"
        )
    ),
    "target state": notice(AsgTargetState(event_id="e")),
    "hook": notice(
        AsgTermination(event_id="e", instance_id="", action=NO_ACTION, noticed_at=T0, deadline_at=T0 + 120)
    ),
    "state": notice(InstanceStateChange(event_id="e", instance_id="i-1", state="stopping", noticed_at=T0)),
    "withdrawn": NoticeWithdrawn(event_id="e", reason="AWS says: it is over"),
    "prolonged": DeadlineMoved(event_id="e", deadline_at=T0),
    "resumed": SessionResumed(event_ids=("a", "b")),
    "ended": SessionEnded(reason="the node is gone"),
    "marked": marked(),
    "marked before us": marked(by_us=False),
    "not marked": marked(cordoned=False, by_us=False),
    "marked further": marked(again=True),
    "change refused": NodeChangeRefused(what="cordon, taint a", reason="403: no"),
    "uncordoned": restored(uncordoned=True),
    "restored": restored(uncordoned=False),
    "stays cordoned": restored(uncordoned=False, still_cordoned=True),
    "pods": PodsOnNode(
        going=(POD, pod_named("shop/db-0")), staying=((pod_named("kube-system/x"), "why so"),)
    ),
    "accepted": EvictionAccepted(pod=POD, grace_seconds=30, cut=False),
    "cut": EvictionAccepted(pod=SLOW, grace_seconds=114, cut=True),
    "refused": EvictionRefused(pod=POD, reason=REASON, forced_at=T0 + 85),
    "refused for good": EvictionRefused(pod=POD, reason=REASON, forced_at=None),
    "forced": PodForced(pod=POD, grace_seconds=30, reason=REASON),
    "cordon taken off": CordonLifted(seen_at=T0, again_at=T0, looked=True, last=False),
    "cordon taken off often": CordonLifted(seen_at=T0, again_at=T0 + 5, looked=True, last=True),
    "cordon found taken off": CordonLifted(seen_at=T0, again_at=T0, looked=False, last=False),
    "cordon taken off, heeded": CordonLifted(seen_at=T0, again_at=None, looked=True, last=False),
    "registered anew": NodeReturned(uid="u-2"),
    "shortened": GraceShortened(pod=POD, grace_seconds=9),
    "gone": PodLeft(pod=POD, how="by itself", seconds=4.5),
    "came back": PodCameBack(pod=POD, goes=True),
    "came back once more": PodCameBack(pod=POD, goes=False),
    "forbidden": ForceForbidden(reason="403: no"),
    "mark forbidden": MarkForbidden(reason="403: no"),
    "drained": DrainEnded(left=(), evicted=3, forced=1, seconds=20.5, margin_seconds=99.5),
    "drained, no deadline": DrainEnded(left=(), evicted=3, forced=1, seconds=20.5, margin_seconds=None),
    "not drained": DrainEnded(
        left=(
            LeftBehind(ref=POD.ref, reason=REASON),
            LeftBehind(ref=SLOW.ref, reason="still terminating"),
        ),
        evicted=0,
        forced=0,
        seconds=115.5,
        margin_seconds=2.5,
    ),
    "replaced": Replaced(namespace="shop", controller=WEB, ready=1, seconds=7.5),
    "more replaced": Replaced(namespace="shop", controller=WEB, ready=3, seconds=7.5),
    "all replaced": ReplacementEnded(missing=(), controllers=4, seconds=30.5),
    "not all replaced": ReplacementEnded(missing=(SHORT, SHORT), controllers=4, seconds=0),
    "trouble": Trouble(what="the Kubernetes API server", reason="refused"),
    "trouble over": TroubleOver(what="the Kubernetes API server", seconds=9.5),
    "plan": Planned(steps=("+0 s: cordon", "+9 s: drained (evicted=1)"), drain=True),
    "plan to cordon": Planned(steps=("+0 s: cordon",), drain=False),
}
NOT_OF_A_SESSION = (AwsSettled, MonitorFailed)


def line_of(told: Told, formatter: logging.Formatter) -> str:
    """As the log has it."""
    stream, logger = io.StringIO(), logging.getLogger("nth.session")
    handler, level, propagate = logging.StreamHandler(stream), logger.level, logger.propagate
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        LogReporter()(told)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
    return stream.getvalue().rstrip("\n")


@pytest.mark.parametrize("formatter", [JsonFormatter, TextFormatter], ids=["json", "text"])
@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_each_line_is_read_back(report: Report, formatter: Callable[[], logging.Formatter]) -> None:
    told = Told(at=T0, session_id="s-1", node_name="one", report=report)
    line = parse(line_of(told, formatter()))
    assert line is not None
    assert told_of(line, "one") == told


def test_no_kind_of_report_or_event_is_forgotten() -> None:
    assert {type(report) for report in REPORTS.values()} == set(get_args(Report)) - set(NOT_OF_A_SESSION)
    events = {type(report.event) for report in REPORTS.values() if isinstance(report, NoticeReceived)}
    assert events == set(get_args(Event))


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("Some other line", {}),
        ("Node successfully cordoned and drained", {"evicted": "many"}),
        (
            "Spot ITN received. Instance will be interrupted at never",
            {"event_id": "e", "kind": "k", "action": "drain"},
        ),
        (
            "Spot ITN received. Instance will be interrupted at 2026-11-22T08:30:00Z",
            {"event_id": "e", "kind": "k", "action": "burn"},
        ),
    ],
)
def test_what_is_no_decision_or_of_another_version_is_passed_over(
    text: str, fields: dict[str, object]
) -> None:
    line = parse('{"level":"info","time":"2026-11-22T08:30:00Z","message":"x"}')
    assert line is not None
    assert told_of(replace(line, text=text, fields=fields), "one") is None


def test_a_pod_is_named_by_its_name_alone() -> None:
    pod: Pod = pod_named("shop/web-1")
    assert (str(pod.ref), pod.ref.uid) == ("shop/web-1", "shop/web-1")
