"""What a node's condition and annotation say, at each moment of a story."""

import json
from dataclasses import replace

import pytest

from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    LeftBehind,
    PodForced,
    PodsOnNode,
    SessionResumed,
)
from nth.report.interruption import InterruptionReport
from nth.report.node_condition import (
    ANNOTATION,
    CONDITION,
    MAX_MESSAGE_BYTES,
    NodeCondition,
    condition_of,
    status_patch,
)
from tests.report.stories import (
    BEGUN,
    BILLING,
    DAEMON,
    FULL_STORY,
    LOSING_STORY,
    MARKED,
    NOTICE,
    REBALANCE,
    REFUSAL,
    RESTORED,
    T0,
    WITHDRAWN,
    Step,
    a_pod,
    report_of,
)
from tests.report.test_refusals import DENIED

SPOT = "Spot interruption, the machine may stop at 2026-11-22T08:32:00Z"
WAITS = f"{BILLING.ref} waits for the budget shop/billing, and is forced at 2026-11-22T08:31:25Z"


def condition(*steps: Step, after_seconds: float = 1.0) -> NodeCondition:
    return condition_of(report_of(*steps, after_seconds=after_seconds))


def annotation(found: NodeCondition) -> dict[str, object]:
    assert found.annotation is not None
    decoded: dict[str, object] = json.loads(found.annotation)
    return decoded


def test_why_until_when_how_far_and_what_blocks() -> None:
    found = condition(*BEGUN)
    assert (found.interrupted, found.reason) == (True, "SpotInterruption")
    assert found.message == f"{SPOT}: 0 of 3 pods gone, 2 stopping; {WAITS}"
    assert annotation(found) == {
        "kind": "SPOT_ITN",
        "phase": "draining",
        "deadline": "2026-11-22T08:32:00Z",
        "pods": 3,
        "blocked": [{"pod": str(BILLING.ref), "budget": "shop/billing"}],
    }


@pytest.mark.parametrize(
    ("steps", "after_seconds", "progress"),
    [
        (((0.0, NOTICE),), 0.5, "not cordoned"),
        (((0.0, NOTICE), (0.1, MARKED)), 0.5, "cordoned"),
        (FULL_STORY[:7], 5.0, f"1 of 3 pods gone, 1 stopping; {WAITS}"),
        (FULL_STORY, 92.0, "drained, 3 pods gone: 3 moved"),
        (((0.0, NOTICE), (0.1, PodsOnNode(going=(), staying=()))), 0.5, "not cordoned"),
    ],
)
def test_progress(steps: tuple[Step, ...], after_seconds: float, progress: str) -> None:
    assert condition(*steps, after_seconds=after_seconds).message == f"{SPOT}: {progress}"


def test_an_empty_node_is_drained_at_once() -> None:
    drained = DrainEnded(left=(), evicted=0, forced=0, seconds=1.0, margin_seconds=100.0)
    found = condition((0.0, NOTICE), (0.1, MARKED), (1.0, drained))
    assert found.message == f"{SPOT}: drained, no pod had to go"
    assert annotation(found)["phase"] == "drained"


def test_what_was_not_reached_is_said() -> None:
    found = condition(*LOSING_STORY, after_seconds=116.0)
    assert found.message == f"{SPOT}: not drained in time, 2 of 3 pods gone; {WAITS}"
    assert (annotation(found)["gone"], annotation(found)["pods"]) == (2, 3)


def test_pods_that_settings_keep_on_the_node_are_named() -> None:
    left = (LeftBehind(ref=DAEMON.ref, reason="it has local storage"),)
    ended = DrainEnded(left=left, evicted=0, forced=0, seconds=1.0, margin_seconds=9.0)
    found = condition((0.0, NOTICE), (0.1, MARKED), (1.0, ended))
    assert found.message.endswith(f"cordoned; {DAEMON.ref} is kept: it has local storage")


def test_only_the_first_who_wait_are_named() -> None:
    pods = [a_pod(f"p-{number}", None) for number in range(5)]
    refused = [(1.0, EvictionRefused(pod=pod, reason=REFUSAL, forced_at=None)) for pod in pods]
    found = condition((0.0, NOTICE), *refused)
    assert found.message.count("waits for the budget shop/billing;") == 3
    assert found.message.endswith("; 2 more wait")
    assert len(list(annotation(found)["blocked"])) == 3  # type: ignore[call-overload]


def test_other_refusals_are_quoted_and_the_message_is_bounded() -> None:
    refused = EvictionRefused(pod=BILLING, reason="more than one budget " + "x" * 3000, forced_at=None)
    found = condition((0.0, NOTICE), (1.0, refused))
    assert f"{BILLING.ref} waits: more than one budget x" in found.message
    assert len(found.message) < MAX_MESSAGE_BYTES
    assert annotation(found)["blocked"] == [{"pod": str(BILLING.ref)}]


def test_an_admission_webhook_that_refuses_is_quoted_and_no_budget_is_named() -> None:
    found = condition((0.0, NOTICE), (1.0, EvictionRefused(pod=BILLING, reason=DENIED, forced_at=None)))
    assert f"{BILLING.ref} waits: {DENIED}" in found.message
    assert annotation(found)["blocked"] == [{"pod": str(BILLING.ref)}]


def test_a_pod_that_was_let_go_waits_no_more() -> None:
    accepted = EvictionAccepted(pod=BILLING, grace_seconds=30, cut=False)
    forced = PodForced(pod=BILLING, grace_seconds=30, reason=REFUSAL)
    for report in (accepted, forced):
        found = condition(*BEGUN, (2.0, report), after_seconds=3.0)
        assert found.message == f"{SPOT}: 0 of 3 pods gone, 3 stopping"


def test_the_gravest_notice_counts_and_one_without_a_deadline_names_none() -> None:
    assert condition((0.0, REBALANCE)).message == "Rebalance recommendation: not cordoned"
    assert "deadline" not in annotation(condition((0.0, REBALANCE)))
    both = condition((0.0, REBALANCE), (1.0, NOTICE))
    assert (both.reason, both.message) == ("SpotInterruption", f"{SPOT}: not cordoned")


def test_called_off() -> None:
    off = (*BEGUN[:2], (1.0, WITHDRAWN))
    assert condition(*off) == NodeCondition(
        interrupted=False, reason="CalledOff", message="Called off (Spot interruption)", annotation=None
    )
    assert condition(*off, (1.1, RESTORED), after_seconds=2.0).message == (
        "Called off (Spot interruption): the node is back in service"
    )
    again = condition(*off, (1.1, RESTORED), (5.0, NOTICE), after_seconds=6.0)
    assert again.interrupted


def test_after_a_restart_the_kind_is_not_known_until_it_is_noticed_or_over() -> None:
    resumed = (0.0, SessionResumed(event_ids=("spot-1",)))
    found = condition(resumed, (0.5, MARKED))
    assert (found.interrupted, found.reason, found.message) == (
        True,
        "Interruption",
        "Interruption: cordoned",
    )
    assert annotation(found)["kind"] == ""
    assert not condition(resumed, (0.5, WITHDRAWN)).interrupted
    # The machine was rebooted while nobody was looking: all that is told is that the event is over.
    assert not condition((0.0, WITHDRAWN)).interrupted


def test_a_session_that_is_over_has_nothing_to_say_but_that() -> None:
    report: InterruptionReport = report_of(*BEGUN, after_seconds=2.0)
    assert not condition_of(report, over=True).interrupted


def test_the_patch_touches_one_condition_and_one_annotation() -> None:
    found = condition((0.0, NOTICE))
    assert status_patch(found, at=T0, changed=True) == {
        "metadata": {"annotations": {ANNOTATION: found.annotation}},
        "status": {
            "conditions": [
                {
                    "type": CONDITION,
                    "status": "True",
                    "reason": "SpotInterruption",
                    "message": f"{SPOT}: not cordoned",
                    "lastHeartbeatTime": "2026-11-22T08:30:00Z",
                    "lastTransitionTime": "2026-11-22T08:30:00Z",
                }
            ]
        },
    }
    over = replace(found, interrupted=False, annotation=None)
    patch = status_patch(over, at=T0, changed=False)
    assert patch["metadata"] == {"annotations": {ANNOTATION: None}}
    assert '"status": "False"' in json.dumps(patch)
    assert "lastTransitionTime" not in json.dumps(patch)
