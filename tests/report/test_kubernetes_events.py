"""What is said as Kubernetes events of which story, with the original's reasons and words (contract 1.7)."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

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
from nth.core.notices.kinds import KINDS
from nth.core.policy import Level
from nth.core.reports import (
    AwsSettled,
    DrainEnded,
    EvictionAccepted,
    LeftBehind,
    MonitorFailed,
    NodeChangeRefused,
    NodeRestored,
    NoticeReceived,
    PodForced,
    PodsOnNode,
    Report,
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.report.interruptions import Interruptions
from nth.report.kubernetes_events import MAX_OF_NODE, MAX_PODS, KubeEvent, KubeEvents
from tests.report import stories
from tests.report.stories import (
    BILLING,
    DAEMON,
    ENCODER,
    MARKED,
    NODE,
    NOTICE,
    REBALANCE,
    REFUSAL,
    RESTORED,
    SURVEY,
    T0,
    WEB,
    WITHDRAWN,
    Step,
    a_pod,
    fed,
)
from tests.report.test_refusals import DENIED

PRE_DRAIN = ("PreDrain", "Pre-drain task successfully executed")
UNCORDON = ("Uncordon", "Node successfully uncordoned")
SPOT = ("SpotInterruption", "Spot ITN received. Instance will be interrupted at 2026-11-22T08:32:00Z")


def events_of(*steps: Step) -> list[KubeEvent]:
    return [event for events in fed(KubeEvents().take, stories.told(*steps)) for event in events]


def of_node(*reports: Report) -> list[tuple[str, str]]:
    """(reason, message) of what is said about the node."""
    return [
        (event.reason, event.message)
        for event in events_of(*((float(n), report) for n, report in enumerate(reports)))
        if event.pod is None
    ]


def aside(report: Report, node_name: str = NODE) -> Told:
    return Told(at=T0, session_id="", node_name=node_name, report=report)


def a_notice(event: Event, level: Level = Level.DRAIN) -> NoticeReceived:
    return NoticeReceived(event=event, level=level, drain_at=T0, deadline_at=None)


def test_E2_E4_E6_E10_a_drain_as_it_is_told() -> None:
    said = [
        (event.at - T0, event.reason, event.pod and event.pod.ref.name)
        for event in events_of(*stories.FULL_STORY)
    ]
    assert said == [
        (0.0, "SpotInterruption", None),
        (pytest.approx(0.1, abs=1e-6), "PreDrain", None),
        (pytest.approx(0.4, abs=1e-6), "PodEviction", WEB.ref.name),
        (0.5, "PodEviction", ENCODER.ref.name),
        (85.0, "PodEviction", BILLING.ref.name),
        (pytest.approx(90.1, abs=1e-6), "CordonAndDrain", None),
    ]


def test_E2_E4_E6_the_words_are_the_originals() -> None:
    drained = DrainEnded(left=(), evicted=2, forced=1, seconds=1.0, margin_seconds=9.0)
    assert of_node(NOTICE, MARKED, SURVEY, drained) == [
        SPOT,
        PRE_DRAIN,
        ("CordonAndDrain", "Node successfully cordoned and drained"),
    ]


ACTION = LifecycleAction(group="g", hook="h", token="t", instance_id="i-1")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (
            SpotInterruption(event_id="e", action="stop", interrupted_at=T0, instance_id="i-1"),
            "SpotInterruption",
        ),
        (RebalanceRecommendation(event_id="e", noticed_at=T0), "RebalanceRecommendation"),
        (
            ScheduledMaintenance(event_id="e", code="c", not_before_at=T0, not_after_at=T0, reason="r"),
            "ScheduledEvent",
        ),
        (AsgTargetState(event_id="e"), "ASGLifecycle"),
        (AsgTermination(event_id="e", instance_id="i-1", action=ACTION, noticed_at=T0), "ASGLifecycle"),
        (InstanceStateChange(event_id="e", instance_id="i-1", state="stopped", noticed_at=T0), "StateChange"),
    ],
)
def test_E2_E3_the_kind_gives_the_reason_also_in_queue_mode(event: Event, reason: str) -> None:
    assert of_node(a_notice(event)) == [(reason, event.description.strip())]


def test_E1_a_monitor_that_fails_is_a_warning_about_our_own_node() -> None:
    (event,) = KubeEvents().take(aside(MonitorFailed(monitor="SPOT_ITN_MONITOR", reason="silent")), None)
    assert (event.reason, event.warning, event.node_name) == ("MonitorError", True, NODE)
    assert event.message == "There was a problem monitoring for events in monitor 'SPOT_ITN_MONITOR'"


def test_E1_nothing_is_said_of_a_node_that_has_no_name() -> None:
    assert KubeEvents().take(aside(MonitorFailed(monitor="SQS_MONITOR", reason="silent"), ""), None) == ()


def test_E5_only_a_cordon_is_asked_for() -> None:
    cordon = ("Cordon", "Node successfully cordoned")
    assert of_node(REBALANCE, MARKED)[1:] == [PRE_DRAIN, cordon]
    assert cordon not in of_node(NOTICE, MARKED)


def test_E4_E5_errors_say_what_was_refused() -> None:
    taint = NodeChangeRefused(what="cordon, taint spot-itn", reason="denied")
    bare = NodeChangeRefused(what="cordon", reason="still denied")
    words = "There was a problem executing the pre-drain task: "
    assert of_node(REBALANCE, taint, bare)[1:] == [
        ("PreDrainError", f"{words}cordon, taint spot-itn: denied"),
        ("PreDrainError", f"{words}cordon: still denied"),
        ("CordonError", "There was a problem while trying to cordon the node: still denied"),
    ]
    assert [reason for reason, _ in of_node(NOTICE, bare)] == ["SpotInterruption", "PreDrainError"]
    assert all(event.warning for event in events_of((0, REBALANCE), (1, bare))[1:])


def test_E4_a_node_that_could_not_be_cordoned_is_not_prepared() -> None:
    assert of_node(NOTICE, replace(MARKED, cordoned=False)) == [SPOT]


def test_E6_error_names_who_is_left_and_success_may_follow() -> None:
    late = DrainEnded(
        left=(LeftBehind(ref=BILLING.ref, reason=REFUSAL),),
        evicted=2,
        forced=0,
        seconds=1.0,
        margin_seconds=5.0,
    )
    assert of_node(NOTICE, late, replace(late, left=()))[1:] == [
        (
            "CordonAndDrainError",
            "There was a problem while trying to cordon and drain the node: "
            f"1 pod is still there: {BILLING.ref}: {REFUSAL}",
        ),
        ("CordonAndDrain", "Node successfully cordoned and drained"),
    ]


def test_E7_what_aws_waited_for() -> None:
    done = AwsSettled(event=NOTICE.event, completed=True)
    not_done = AwsSettled(event=NOTICE.event, completed=False, reason="its lifecycle hook: timed out")
    (first,), (second,) = (KubeEvents().take(aside(report), None) for report in (done, not_done))
    assert (first.reason, first.message, first.warning) == (
        "PostDrain",
        "Post-drain task successfully executed",
        False,
    )
    assert (second.reason, second.message, second.warning) == (
        "PostDrainError",
        "There was a problem executing the post-drain task: its lifecycle hook: timed out",
        True,
    )


def test_E8_E9_a_drain_that_is_called_off_and_a_node_that_is_given_back() -> None:
    cancelled = ("CancelDrain", "Early exit task successfully executed")
    assert of_node(NOTICE, MARKED, SURVEY, WITHDRAWN, RESTORED) == [SPOT, PRE_DRAIN, cancelled, UNCORDON]
    drained = DrainEnded(left=(), evicted=0, forced=0, seconds=1.0, margin_seconds=None)
    assert cancelled not in of_node(NOTICE, MARKED, SURVEY, drained, WITHDRAWN, RESTORED)
    assert cancelled not in of_node(NOTICE, MARKED, WITHDRAWN), "it had not begun"
    another = replace(NOTICE, event=AsgTargetState(event_id="asg"))
    assert cancelled not in of_node(NOTICE, another, SURVEY, WITHDRAWN), "another event asks for it"
    assert cancelled in of_node(NOTICE, REBALANCE, SURVEY, WITHDRAWN), "the other asks for a cordon only"


def test_E9_errors_and_nodes_that_stay_cordoned() -> None:
    refused = NodeChangeRefused(what="undo what was changed on the node", reason="denied")
    assert of_node(NOTICE, WITHDRAWN, refused)[1:] == [
        ("UncordonError", "There was a problem while trying to uncordon the node: denied")
    ]
    stays = NodeRestored(uncordoned=False, still_cordoned=True, taints=(), labels=())
    assert of_node(NOTICE, MARKED, WITHDRAWN, stays) == [SPOT, PRE_DRAIN]


def test_E10_the_interruption_and_its_deadline_follow_the_originals_words() -> None:
    until = "the machine may stop at 2026-11-22T08:32:00Z"
    begin = f"Pod evicted due to node drain (node {NODE}): Spot interruption, {until}"
    by_pod = {event.pod.ref.name: event for event in events_of(*stories.FULL_STORY) if event.pod}
    web, encoder, billing = (by_pod[pod.ref.name] for pod in (WEB, ENCODER, BILLING))
    assert (web.message, web.warning) == (begin, False)
    assert encoder.message == f"{begin}; 114 s of grace, for there is no time for its 300 s"
    assert (billing.message, billing.warning) == (
        f"{begin}; deleted past its budget, 30 s of grace: {REFUSAL}",
        True,
    )


def test_E10_a_pod_that_admission_held_was_deleted_past_no_budget() -> None:
    (event,) = [
        one
        for one in events_of((0.0, NOTICE), (9.0, PodForced(pod=WEB, grace_seconds=9, reason=DENIED)))
        if one.pod
    ]
    assert event.message.endswith(f"; deleted although its eviction was refused, 9 s of grace: {DENIED}")


def test_E10_pods_that_stay_or_leave_by_themselves_get_none() -> None:
    pods = {event.pod.ref.name for event in events_of(*stories.LOSING_STORY) if event.pod}
    assert pods == {WEB.ref.name, ENCODER.ref.name}
    assert DAEMON.ref.name not in pods


def test_E10_after_a_restart_the_interruption_has_no_name() -> None:
    steps = (
        (0.0, SessionResumed(event_ids=("spot-1",))),
        (1.0, EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)),
    )
    (event,) = events_of(*steps)
    assert event.message == f"Pod evicted due to node drain (node {NODE}): Interruption"


def test_nothing_is_said_twice_of_one_interruption_but_again_of_the_next() -> None:
    again = replace(MARKED, again=True)
    accepted = EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)
    forced = PodForced(pod=WEB, grace_seconds=5, reason="r")
    first: tuple[Report, ...] = (NOTICE, MARKED, again, SURVEY, accepted, forced, NOTICE, WITHDRAWN, RESTORED)
    reasons = [event.reason for event in events_of(*((float(n), r) for n, r in enumerate((*first, *first))))]
    once = ["SpotInterruption", "PreDrain", "PodEviction", "CancelDrain", "Uncordon"]
    assert reasons == once + once


def test_events_of_one_interruption_are_bounded() -> None:
    pods = [a_pod(f"p-{number}", None) for number in range(MAX_PODS + 10)]
    evicted = [(1.0, EvictionAccepted(pod=pod, grace_seconds=1, cut=False)) for pod in pods]
    refused = [
        (2.0, NodeChangeRefused(what=f"taint {number}", reason="r")) for number in range(MAX_OF_NODE + 10)
    ]
    events = events_of((0.0, NOTICE), *evicted, *refused)
    assert sum(event.pod is not None for event in events) == MAX_PODS
    assert sum(event.pod is None for event in events) == MAX_OF_NODE


def test_what_was_said_is_forgotten_with_the_interruption() -> None:
    events, interruptions = KubeEvents(), Interruptions(max_open=3)
    first = stories.told((0.0, NOTICE), (1.0, MARKED))

    def take(told: Told) -> list[str]:
        return [event.reason for event in events.take(told, interruptions.take(told))]

    assert [reason for one in first for reason in take(one)] == ["SpotInterruption", "PreDrain"]
    assert take(first[1]) == []
    others = [replace(first[0], session_id=f"s-{number}", node_name=f"n-{number}") for number in range(3)]
    for other in others:
        take(other)
    assert len(events._said) == 3, "it is forgotten, and so is what was said of it"
    assert take(first[1]) == [], "half of an interruption tells nothing true"
    for one in (first[1], *others):
        take(replace(one, report=SessionEnded(reason="over")))
    assert len(events._said) == 0


def test_dry_runs_and_surveys_say_nothing() -> None:
    assert events_of((0.0, PodsOnNode(going=(WEB,), staying=()))) == []


def test_E12_the_document_names_every_reason() -> None:
    text = (Path(__file__).parents[2] / "docs" / "kubernetes-events.md").read_text()
    actions = ("PreDrain", "Cordon", "CordonAndDrain", "PostDrain", "Uncordon")
    errors = (*(f"{name}Error" for name in actions), "MonitorError")
    for reason in (*(kind.reason for kind in KINDS), *actions, *errors, "CancelDrain", "PodEviction"):
        assert re.search(rf"^\|[^|]*`{reason}`", text, re.MULTILINE), reason
    assert f"{MAX_PODS} pods" in text
