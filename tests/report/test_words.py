"""How things are worded."""

from dataclasses import replace
from typing import get_args

import pytest

from nth.core.facts import PodRef
from nth.core.notices.events import Event
from nth.core.notices.kinds import KIND_OF
from nth.core.policy import Level
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    LeftBehind,
    NotReplaced,
    PodLeft,
    Replaced,
    ReplacementEnded,
    SessionResumed,
)
from nth.report.interruption import ControllerOutcome
from nth.report.words import (
    caveats,
    countdown,
    counted,
    outcome_word,
    owner_name,
    seconds_text,
    short_name,
    short_of,
    short_taint,
    summary,
    title,
    verdict,
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
    assert NOTICE.event.kind.title == "Spot interruption"


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
        "How 3 pods left: 2 politely, 1 forced.",
        "What became of them: 3 moved.",
        "Drained 90.1 s after the notice, 29.9 s before the deadline.",
        "Every controller had its Ready pods back 92.0 s after the notice.",
    ]
    assert [outcome_word(pod) for pod in report.pods] == [
        "politely, moved",
        "FORCED, moved",
        "politely, moved",
    ]


def test_a_loss_in_words() -> None:
    report = report_of(*LOSING_STORY, after_seconds=125)
    assert verdict(report) == (False, "1 POD LOST with the machine: shop/billing-5d8f7c9b4-bbbbb.")
    assert summary(report) == [
        "How 3 pods left: 2 politely, 1 not.",
        "What became of them: 2 moved, 1 lost.",
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
    assert verdict(unfinished) == (False, "3 pods not moved yet.")
    called_off = report_of(*BEGUN, (9.0, WITHDRAWN), (9.1, RESTORED), after_seconds=20)
    assert verdict(called_off)[0]
    assert "Called off" in verdict(called_off)[1]
    emptied = replace(WEB, local_storage=True)
    gone = PodLeft(pod=emptied, how="evicted", seconds=3)
    told = ((0.0, NOTICE), (1.0, EvictionAccepted(pod=emptied, grace_seconds=30, cut=False)), (4.0, gone))
    moved = Replaced(namespace="shop", controller=owner("web"), ready=1, seconds=4)
    back = report_of(
        (0.0, NOTICE),
        (0.1, MARKED),
        *told[1:],
        (5.0, moved),
        (9.0, WITHDRAWN),
        (9.1, RESTORED),
        after_seconds=20,
    )
    expected = (
        "Called off: no pod was lost, but the emptyDir data of 1 pod was, and the node is back in service."
    )
    assert verdict(back) == (True, expected)
    assert verdict(report_of((0.0, NOTICE), after_seconds=1)) == (True, "Nothing had to be moved.")


def test_a_controller_that_is_short_is_said_so() -> None:
    missing = NotReplaced(
        namespace="shop", controller=owner("web"), ready=2, before=3, reason="Pending: 0/3 nodes"
    )
    ended = ReplacementEnded(missing=(missing,), controllers=3, seconds=115)
    report = report_of(*FULL_STORY, (115.0, ended), after_seconds=119)
    assert verdict(report) == (
        False,
        "1 POD LOST: no replacement was Ready at the end: shop/web-5d8f7c9b4-aaaaa.",
    )
    assert "shop/web has 2 of 3 Ready pods elsewhere: Pending: 0/3 nodes." in summary(report)


def test_a_stateful_set_is_short_of_the_pods_that_left_not_of_all_its_pods() -> None:
    one = ControllerOutcome(
        namespace="shop",
        controller=owner("db", "StatefulSet"),
        replaced_at=None,
        ready=0,
        before=1,
        wanted=3,
        reason="Pending: 0/3 nodes",
    )
    assert short_of(one) == "has replaced 0 of 1 pods elsewhere, and wants 3 now: Pending: 0/3 nodes"


def test_every_kind_of_event_has_a_name() -> None:
    assert set(KIND_OF) == {event.__name__ for event in get_args(Event)}
    assert title(report_of((-1.0, REBALANCE), (0.0, NOTICE), after_seconds=1)) == (
        "Spot interruption of ip-10-0-1-17"
    )


def test_who_is_still_there_at_the_end_is_named_before_the_deadline() -> None:
    fine, words = verdict(report_of(*LOSING_STORY, after_seconds=117.5))
    assert not fine
    assert words == ("1 pod not moved, still there 2.5 s before the deadline: shop/billing-5d8f7c9b4-bbbbb.")


def test_an_end_before_anything_was_done_says_so() -> None:
    assert verdict(report_of((0.0, NOTICE), (9.0, WITHDRAWN), after_seconds=10)) == (
        True,
        "Called off before anything was done.",
    )
    notify = replace(NOTICE, level=Level.NOTIFY)
    assert verdict(report_of((0.0, notify), after_seconds=10))[1] == "Only noticed: nothing was to be done."


def test_after_a_restart_nothing_is_claimed_of_before() -> None:
    ended = DrainEnded(left=(), evicted=0, forced=0, seconds=60, margin_seconds=60)
    report = report_of((50.0, SessionResumed(event_ids=("spot-1",))), (60.0, ended), after_seconds=61)
    assert verdict(report) == (True, "Nothing was left to be moved.")
    assert caveats(report) == [
        "It began before the handler was restarted; what was done until then is not all in here."
    ]


def test_what_is_left_out_is_said() -> None:
    report = replace(
        report_of(*FULL_STORY, after_seconds=125), entries_left_out=1, pods_left_out=2, incomplete="no line"
    )
    assert caveats(report) == [
        "This report is incomplete: no line.",
        "1 line of the timeline left out, in the middle.",
        "2 pods left out: all of them left politely and moved.",
    ]
    assert summary(report)[:2] == [
        "How 5 pods left: 4 politely, 1 forced.",
        "What became of them: 5 moved.",
    ]


def test_a_drain_after_its_deadline_has_a_margin_that_is_none() -> None:
    ended = DrainEnded(left=(), evicted=1, forced=0, seconds=121, margin_seconds=-1.0)
    report = report_of(*BEGUN, (121.0, ended), after_seconds=122)
    assert "Drained 2 min 1 s after the notice, 1.0 s after the deadline." in summary(report)


@pytest.mark.parametrize(("pods", "words"), [(1, "1 by itself"), (2, "2 by themselves")])
def test_pods_that_left_by_themselves_are_counted_in_english(pods: int, words: str) -> None:
    left = [PodLeft(pod=pod, how="by itself", seconds=1) for pod in (WEB, BILLING)[:pods]]
    report = report_of((0.0, NOTICE), *((1.0, each) for each in left), after_seconds=2)
    assert f" left: {words}." in summary(report)[0]
