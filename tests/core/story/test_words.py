"""How things are worded."""

from dataclasses import replace

import pytest

from nth.core.facts import PodRef
from nth.core.policy import Level
from nth.core.reports import DrainEnded, LeftBehind, NotReplaced, ReplacementEnded
from nth.core.story.words import (
    countdown,
    counted,
    kind_name,
    outcome_word,
    owner_name,
    seconds_text,
    short_name,
    short_taint,
    summary,
    verdict,
)
from tests.core.story.stories import (
    BEGUN,
    BILLING,
    DAEMON,
    FULL_STORY,
    LOSING_STORY,
    NOTICE,
    REBALANCE,
    RESTORED,
    WEB,
    WITHDRAWN,
    a_pod,
    owner,
    report_of,
)


def test_names_lose_the_hash_that_nobody_knows() -> None:
    assert short_name(WEB) == "web-aaaaa"
    assert short_name(DAEMON) == "aws-node-ddddd"
    assert short_name(a_pod("db-0", owner("db", "StatefulSet"))) == "db-0"
    assert short_name(a_pod("bare", None)) == "bare"
    assert owner_name(owner("web")) == "web"
    assert short_taint("aws-node-termination-handler/spot-itn") == "spot-itn"
    assert kind_name(NOTICE.event) == "Spot interruption"


@pytest.mark.parametrize(
    ("seconds", "text"), [(87.9, "1:27"), (0.4, "0:00"), (-3.2, "-0:03"), (3600, "60:00")]
)
def test_a_countdown_never_promises_a_second_too_much(seconds: float, text: str) -> None:
    assert countdown(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(27.24, "27.2 s"), (125, "2 min 5 s"), (3780, "1 h 3 min")])
def test_durations(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_counting() -> None:
    assert counted(1, "pod") == "1 pod"
    assert counted(0, "pod") == "0 pods"


def test_a_good_end_in_words() -> None:
    report = report_of(*FULL_STORY, after_seconds=125)
    assert verdict(report) == (True, "Nothing was lost.")
    assert summary(report) == [
        "3 pods moved: 2 politely, 1 forced past a budget. 0 lost.",
        "Drained 90.1 s after the notice, 29.9 s before the deadline.",
        "Every controller had its Ready pods back 92.0 s after the notice.",
    ]
    assert [outcome_word(pod) for pod in report.pods] == ["moved politely", "FORCED", "moved politely"]


def test_a_loss_in_words() -> None:
    report = report_of(*LOSING_STORY, after_seconds=125)
    assert verdict(report) == (False, "1 POD LOST with the machine: shop/billing-5d8f7c9b4-bbbbb.")
    assert summary(report) == [
        "2 pods moved: 2 politely, 0 forced past a budget. 1 lost.",
        "The node was not drained by its deadline: there is no margin.",
    ]


def test_many_losses_are_not_all_named() -> None:
    pods = tuple(
        replace(BILLING, ref=PodRef("shop", f"billing-{number}", f"uid-{number}")) for number in range(5)
    )
    left = tuple(LeftBehind(ref=pod.ref, reason="it has an emptyDir volume") for pod in pods)
    ended = DrainEnded(left=left, evicted=0, forced=0, seconds=115, margin_seconds=5)
    report = report_of((0.0, NOTICE), (115.0, ended), after_seconds=120)
    assert verdict(report)[1].startswith("5 PODS LOST with the machine: shop/billing-0,")
    assert verdict(report)[1].endswith("and 2 more.")


def test_what_settings_keep_on_the_node_is_not_lost_before_the_deadline() -> None:
    left = (LeftBehind(ref=BILLING.ref, reason="it has an emptyDir volume"),)
    ended = DrainEnded(left=left, evicted=0, forced=0, seconds=115, margin_seconds=5)
    report = report_of((0.0, NOTICE), (115.0, ended), after_seconds=116)
    assert "LOST" not in verdict(report)[1]


def test_what_settings_keep_on_the_node_is_lost_with_it() -> None:
    left = (LeftBehind(ref=BILLING.ref, reason="it has an emptyDir volume"),)
    ended = DrainEnded(left=left, evicted=0, forced=0, seconds=115, margin_seconds=5)
    replaced = ReplacementEnded(missing=(), controllers=0, seconds=115)
    report = report_of((0.0, NOTICE), (115.0, ended), (115.0, replaced), after_seconds=120)
    assert verdict(report) == (False, "1 POD LOST with the machine: shop/billing-5d8f7c9b4-bbbbb.")
    assert report.replaced_at is None


def test_a_node_that_was_only_cordoned_is_fine_until_its_machine_goes() -> None:
    words = "Only cordoned: nothing was asked to move."
    assert verdict(report_of((0.0, REBALANCE), after_seconds=9)) == (True, words)
    assert summary(report_of((0.0, REBALANCE), after_seconds=9)) == []
    cordon_only = replace(NOTICE, level=Level.CORDON)
    assert verdict(report_of((0.0, cordon_only), after_seconds=121)) == (False, words)


def test_other_ends_in_words() -> None:
    unfinished = report_of(*BEGUN, after_seconds=3)
    assert verdict(unfinished) == (False, "Not done: 3 pods still to move.")
    called_off = report_of(*BEGUN, (9.0, WITHDRAWN), (9.1, RESTORED), after_seconds=20)
    assert verdict(called_off)[0]
    assert "Called off" in verdict(called_off)[1]
    assert verdict(report_of((0.0, NOTICE), after_seconds=1)) == (True, "Nothing had to be moved.")


def test_a_controller_that_is_short_is_said_so() -> None:
    missing = NotReplaced(
        namespace="shop", controller=owner("web"), ready=2, wanted=3, reason="Pending: 0/3 nodes"
    )
    ended = ReplacementEnded(missing=(missing,), controllers=3, seconds=115)
    report = report_of(*FULL_STORY, (115.0, ended), after_seconds=119)
    assert verdict(report) == (False, "Drained, but not every controller has its pods back.")
    assert "shop/web has 2 of 3 Ready pods: Pending: 0/3 nodes." in summary(report)
