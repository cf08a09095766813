"""What is written in the log, word for word where users of the original match on it (L3)."""

import ast
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

import nth
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
    Logged,
    MarkForbidden,
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
    SessionEnded,
    SessionResumed,
    Trouble,
    TroubleOver,
)
from nth.report.log_lines import MAX_NAMES, Line, line_of
from tests.core.samples import T0, a_pod, owned_by, rebalance, spot

WEB, POD = owned_by("ReplicaSet"), a_pod()
DB = replace(owned_by("StatefulSet"), name="db")
SHORT = NotReplaced(namespace="shop", controller=WEB, ready=1, before=2, reason="Pending: no room")
SHORT_DB = NotReplaced(namespace="shop", controller=DB, ready=0, before=1, wanted=3)
LEFT = LeftBehind(ref=POD.ref, reason="still terminating")


def marked(*, cordoned: bool = True, by_us: bool = True, again: bool = False) -> NodeMarked:
    return NodeMarked(cordoned=cordoned, cordoned_by_us=by_us, taints=("t",), labels=("l",), again=again)


def restored(*, uncordoned: bool, still_cordoned: bool = False) -> NodeRestored:
    return NodeRestored(uncordoned=uncordoned, still_cordoned=still_cordoned, taints=("t",), labels=())


def drain_ended(*left: LeftBehind, margin_seconds: float | None = 100.04) -> DrainEnded:
    return DrainEnded(left=left, evicted=3, forced=1, seconds=20.04, margin_seconds=margin_seconds)


LINES: dict[str, tuple[Logged, str, str]] = {
    "notice": (
        NoticeReceived(event=spot().event, level=Level.DRAIN, drain_at=T0, deadline_at=T0 + 120),
        "info",
        "Spot ITN received. Instance will be interrupted at 2026-11-22T08:32:00Z",
    ),
    "prolonged": (
        DeadlineMoved(event_id="e", deadline_at=T0),
        "debug",
        "The lifecycle hook now waits until 2026-11-22T08:30:00Z",
    ),
    "withdrawn": (NoticeWithdrawn(event_id="e", reason="cancelled"), "info", "Event is over: cancelled"),
    "resumed": (SessionResumed(event_ids=("e",)), "info", "Going on with what is recorded on the node"),
    "ended": (SessionEnded(reason="the node is gone"), "info", "Session ended: the node is gone"),
    "marked": (marked(), "info", "Node successfully cordoned"),
    "cordoned before us": (
        marked(by_us=False),
        "info",
        "Node successfully cordoned (it was already, and will stay so)",
    ),
    "marked further": (marked(again=True), "info", "Node marked for a further event"),
    "not marked": (marked(cordoned=False, by_us=False), "warn", "Node could not be cordoned"),
    "change refused": (
        NodeChangeRefused(what="cordon", reason="no rule"),
        "error",
        "The API server refuses a change of the node (cordon); going on without it",
    ),
    "uncordoned": (restored(uncordoned=True), "info", "Node successfully uncordoned"),
    "restored": (restored(uncordoned=False), "info", "Node restored"),
    "stays cordoned": (
        restored(uncordoned=False, still_cordoned=True),
        "info",
        "Node restored; it stays cordoned, because it was before us",
    ),
    "cordon taken off": (
        CordonLifted(seen_at=T0, again_at=T0, looked=True, last=False),
        "warn",
        "Somebody took the cordon off: seen at 2026-11-22T08:30:00Z. It is set again at once, "
        "and pods that have come to the node are moved again",
    ),
    "cordon taken off again and again": (
        CordonLifted(seen_at=T0, again_at=T0 + 5, looked=True, last=True),
        "warn",
        "Somebody took the cordon off: seen at 2026-11-22T08:30:00Z. It is set again in 5.0 s, and pods that "
        "have come to the node are moved again. This has happened often, and is not logged any more",
    ),
    "cordon found taken off, heeded": (
        CordonLifted(seen_at=T0, again_at=None, looked=False, last=False),
        "warn",
        "Somebody took the cordon off before 2026-11-22T08:30:00Z, while the handler was not running. "
        "It stays off, because no deadline is set; pods that come to the node are left alone",
    ),
    "registered anew": (
        NodeReturned(uid="u"),
        "warn",
        "The Node was registered anew for the same machine, which still goes away; it is marked anew",
    ),
    "pods": (
        PodsOnNode(going=(POD,), staying=((POD, "why"),)),
        "info",
        "Pods on node: 1 to move, 1 stay",
    ),
    "evicted": (
        EvictionAccepted(pod=POD, grace_seconds=30, cut=False),
        "info",
        "Pod evicted, 30 s of grace",
    ),
    "evicted with less": (
        EvictionAccepted(pod=POD, grace_seconds=12, cut=True),
        "info",
        "Pod evicted, 12 s of grace, cut from 30 s: that is all the time left",
    ),
    "refused, will be forced": (
        EvictionRefused(pod=POD, reason="budget", forced_at=T0 + 85),
        "warn",
        "Pod may not be evicted now; it will be forced at 2026-11-22T08:31:25Z",
    ),
    "came back": (
        PodCameBack(pod=POD, goes=True),
        "warn",
        "Pod came back to the node, although it is cordoned; it is asked to go once more",
    ),
    "came back too often": (
        PodCameBack(pod=POD, goes=False),
        "warn",
        "Pod came back to the node, although it is cordoned; it is left there",
    ),
    "refused, for good": (
        EvictionRefused(pod=POD, reason="budget", forced_at=None),
        "warn",
        "Pod may not be evicted now; it will not be forced",
    ),
    "forced": (
        PodForced(pod=POD, grace_seconds=30, reason="The disruption budget web sleeps"),
        "warn",
        "Pod deleted past its budget, 30 s of grace: its latest moment had come",
    ),
    "forced past a webhook": (
        PodForced(pod=POD, grace_seconds=30, reason='admission webhook "g" denied the request: no budget'),
        "warn",
        "Pod deleted although its eviction was refused, 30 s of grace: its latest moment had come",
    ),
    "forced after silence": (
        PodForced(pod=POD, grace_seconds=30, reason=""),
        "warn",
        "Pod deleted without an eviction, 30 s of grace: its latest moment had come",
    ),
    "shortened": (
        GraceShortened(pod=POD, grace_seconds=9),
        "warn",
        "Pod was terminating with more time than the machine has: 9 s left",
    ),
    "force forbidden": (
        ForceForbidden(reason="no rule"),
        "error",
        "No permission to delete pods: a pod whose eviction is refused stays until it is allowed",
    ),
    "mark forbidden": (
        MarkForbidden(reason="no rule"),
        "warn",
        "No permission to mark pods as disrupted: a Job counts those that are forced as failed",
    ),
    "left": (PodLeft(pod=POD, how="evicted", seconds=3.14), "info", "Pod gone 7.3 s after the notice"),
    "drained": (drain_ended(), "info", "Node successfully cordoned and drained"),
    "not drained": (drain_ended(LEFT), "error", "Node is not drained: 1 pod is still there"),
    "replaced": (
        Replaced(namespace="shop", controller=WEB, ready=2, seconds=4.21),
        "info",
        "ReplicaSet shop/web has 2 Ready pods elsewhere, 7.3 s after the notice",
    ),
    "replaced by name": (
        Replaced(namespace="shop", controller=DB, ready=1, seconds=4.21),
        "info",
        "StatefulSet shop/db has replaced 1 pod elsewhere, 7.3 s after the notice",
    ),
    "all replaced": (
        ReplacementEnded(missing=(), controllers=2, seconds=8.04),
        "info",
        "All pods replaced 8.0 s after the notice",
    ),
    "not all replaced": (
        ReplacementEnded(missing=(SHORT,), controllers=2, seconds=8),
        "error",
        "Not all pods are replaced: 1 of 2 controllers are short",
    ),
    "not known whether all are replaced": (
        ReplacementEnded(missing=(replace(SHORT, reason=""),), controllers=2, seconds=8),
        "warn",
        "Not known whether all pods are replaced: 1 of 2 controllers have fewer than before",
    ),
    "no new pod, and one is wanted": (
        ReplacementEnded(missing=(replace(SHORT, reason="", wanted=2),), controllers=2, seconds=8),
        "error",
        "Not all pods are replaced: 1 of 2 controllers are short",
    ),
    "not all replaced by name": (
        ReplacementEnded(missing=(SHORT_DB,), controllers=1, seconds=8),
        "error",
        "Not all pods are replaced: 1 of 1 controllers are short",
    ),
    "not known yet": (
        ReplacementEnded(missing=(SHORT,), controllers=2, seconds=8, final=False),
        "warn",
        "Not known yet whether all pods are replaced: 1 of 2 controllers are short so far",
    ),
    "released": (
        ReplacementEnded(missing=(), released=(replace(SHORT, deleted=True),), controllers=2, seconds=8),
        "info",
        "Every controller has the pods that it wants 8.0 s after the notice",
    ),
    "trouble": (
        Trouble(what="the Kubernetes API server", reason="refused"),
        "warn",
        "Waiting for the Kubernetes API server, trying again until it answers",
    ),
    "trouble over": (
        TroubleOver(what="the Kubernetes API server", seconds=20.04),
        "info",
        "The Kubernetes API server answers again after 20.0 s",
    ),
    "settled with AWS": (
        AwsSettled(event=spot().event, completed=True),
        "debug",
        "AWS no longer waits for this event",
    ),
    "not settled with AWS": (
        AwsSettled(event=spot().event, completed=False, reason="the hook timed out"),
        "debug",
        "AWS is left to its own time",
    ),
    "planned drain": (
        Planned(steps=("+0 s: x",), drain=True),
        "info",
        "Node would have been cordoned and drained, but dry-run flag was set",
    ),
    "planned cordon": (
        Planned(steps=(), drain=False),
        "info",
        "Node would have been cordoned, but dry-run flag was set",
    ),
}


@pytest.mark.parametrize(("report", "level", "text"), LINES.values(), ids=LINES.keys())
def test_L3_line(report: Logged, level: str, text: str) -> None:
    line = line_of(report, 7.29)
    assert (line.level, line.text) == (level, text)


def test_no_time_is_given_where_the_notice_is_not_known() -> None:
    assert line_of(PodLeft(pod=POD, how="evicted", seconds=3.14)).text == "Pod gone"
    replaced = Replaced(namespace="shop", controller=WEB, ready=2, seconds=4.21)
    assert line_of(replaced).text == "ReplicaSet shop/web has 2 Ready pods elsewhere"


def test_every_report_has_its_line() -> None:
    assert {type(report) for report, _, _ in LINES.values()} == set(get_args(Logged))


def test_no_report_has_words_that_nothing_makes() -> None:
    makers = ("core", "engine", "queue_mode", "metadata_mode")
    source = Path(nth.__file__).parent
    trees = [ast.parse(path.read_text()) for room in makers for path in (source / room).rglob("*.py")]
    calls = [node.func for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = {func.id for func in calls if isinstance(func, ast.Name)}
    assert {report.__name__ for report in get_args(Logged)} <= made


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        (
            "notice",
            {
                "event_id": "spot-itn-1",
                "kind": "SPOT_ITN",
                "action": "drain",
                "deadline": "2026-11-22T08:32:00Z",
                "drain_at": "2026-11-22T08:30:00Z",
            },
        ),
        ("withdrawn", {"event_id": "e"}),
        ("resumed", {"event_ids": ["e"]}),
        ("ended", {}),
        ("marked", {"taints": ["t"], "labels": ["l"]}),
        ("uncordoned", {"taints": ["t"], "labels": []}),
        ("change refused", {"reason": "no rule"}),
        ("pods", {"going": ["shop/web-1"], "staying": ["shop/web-1: why"]}),
        ("evicted", {"pod": "shop/web-1"}),
        ("refused, for good", {"pod": "shop/web-1", "reason": "budget"}),
        ("forced", {"pod": "shop/web-1", "reason": "The disruption budget web sleeps"}),
        ("shortened", {"pod": "shop/web-1"}),
        ("force forbidden", {"reason": "no rule"}),
        ("left", {"pod": "shop/web-1", "how": "evicted"}),
        ("drained", {"evicted": 3, "forced": 1, "seconds": 20.0, "margin_seconds": 100.0}),
        (
            "not drained",
            {
                "evicted": 3,
                "forced": 1,
                "seconds": 20.0,
                "margin_seconds": 100.0,
                "left": ["shop/web-1: still terminating"],
            },
        ),
        ("replaced", {"namespace": "shop"}),
        ("all replaced", {"controllers": 2}),
        (
            "not all replaced",
            {
                "controllers": 2,
                "missing": [
                    "ReplicaSet shop/web 1 of 2 Ready, not known how many are wanted: Pending: no room"
                ],
            },
        ),
        (
            "not all replaced by name",
            {"controllers": 1, "missing": ["StatefulSet shop/db 0 of 1 replaced, 3 wanted now"]},
        ),
        ("released", {"controllers": 2, "released": ["ReplicaSet shop/web deleted: Pending: no room"]}),
        ("trouble", {"reason": "refused"}),
        ("trouble over", {}),
        ("planned drain", {"plan": ["+0 s: x"]}),
    ],
)
def test_fields_for_machines(name: str, fields: dict[str, object]) -> None:
    assert line_of(LINES[name][0]).fields == fields


def test_event_and_drain_without_a_deadline() -> None:
    report = NoticeReceived(event=rebalance().event, level=Level.CORDON, drain_at=T0, deadline_at=None)
    assert line_of(report).fields["deadline"] is None
    assert line_of(drain_ended(margin_seconds=None)).fields["margin_seconds"] is None


def test_no_line_names_more_pods_than_anybody_reads() -> None:
    pods = tuple(a_pod(f"pod-{number}") for number in range(MAX_NAMES + 50))
    line = line_of(PodsOnNode(going=pods, staying=tuple((pod, "why") for pod in pods)))
    assert isinstance(line, Line)
    assert all(isinstance(names, list) and len(names) == MAX_NAMES for names in line.fields.values())
    assert line.text == "Pods on node: 150 to move, 150 stay"
