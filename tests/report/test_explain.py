"""Why was my pod moved?"""

from dataclasses import replace

from nth.core.node.phases import GONE
from nth.core.reports import (
    EvictionAccepted,
    EvictionRefused,
    NotReplaced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    SessionEnded,
    SessionResumed,
)
from nth.report.explain import clock, why_node, why_pod, why_stays
from nth.report.interruption import Successor
from nth.report.words import summary
from tests.report.stories import (
    BEGUN,
    BILLING,
    FULL_STORY,
    LOSING_STORY,
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
    owner,
    report_of,
)

NOTICED = (
    "On 2026-11-22 at 08:30:00.0 (UTC) AWS said: Spot interruption, the machine could go at 08:32:00.0, "
    "2 min 0 s later."
)
CORDONED = "At 08:30:00.1 the node was cordoned."


def about(
    name: str, *told: Step, after_seconds: float = 125, successor: Successor | None = None
) -> list[str]:
    successors = {} if successor is None else {WEB.ref.uid: successor}
    report = report_of(*told, after_seconds=after_seconds, successors=successors)
    (outcome,) = [one for one in report.pods if one.pod.ref.name.startswith(name)]
    return why_pod(outcome, report)


def test_a_pod_that_was_asked_politely() -> None:
    assert about("web", *FULL_STORY) == [
        "shop/web-5d8f7c9b4-aaaaa ran on node ip-10-0-1-17.",
        NOTICED,
        CORDONED,
        "At 08:30:00.4 the handler asked it politely (eviction) to go, with 30 s to stop.",
        "At 08:30:05.0 it was gone, 4.6 s after that.",
        "At 08:30:06.0 ReplicaSet web had 3 Ready pods on other nodes, as many as before.",
    ]


def test_a_pod_that_was_forced_says_why() -> None:
    assert about("billing", *FULL_STORY)[3:] == [
        f"At 08:30:00.3 the handler asked politely, and the API server refused: {REFUSAL}.",
        "At 08:31:25.0 the handler deleted it past its budget, with 30 s to stop: "
        "more waiting would have taken from the time that it needs to stop.",
        "At 08:31:30.0 it was gone, 5.0 s after that.",
        "At 08:31:32.0 ReplicaSet billing had 1 Ready pod on other nodes, as many as before.",
    ]


def test_a_grace_that_was_cut() -> None:
    (asked,) = [text for text in about("encoder", *FULL_STORY) if "asked it" in text]
    assert asked.endswith("with 114 s instead of 300 s to stop, all the time that was left.")


def test_a_pod_that_was_lost() -> None:
    assert f"At 08:32:00.0 it was LOST with the machine: {REFUSAL}." in about("billing", *LOSING_STORY)


def test_a_pod_that_its_budget_let_go_later() -> None:
    told = ((0.0, NOTICE), (1.0, EvictionRefused(pod=BILLING, reason="no", forced_at=None)))
    later = (6.0, EvictionAccepted(pod=BILLING, grace_seconds=30, cut=False))
    texts = about("billing", *told, later, after_seconds=7)
    assert (
        "At 08:30:06.0 the handler asked it politely (eviction) again, and it was let go, with 30 s to stop."
        in texts
    )
    assert "At 08:30:07.0, where the report ends, it was still there (stopping)." in texts


def test_a_pod_that_somebody_else_had_asked() -> None:
    going = replace(WEB, deleting_until_at=T0 + 30, deletion_grace_seconds=30)
    survey = PodsOnNode(going=(going,), staying=())
    texts = about("web", (0.0, NOTICE), (1.0, survey), (3.0, PodLeft(pod=going, how="by itself", seconds=2)))
    assert (
        "At 08:30:01.0 it was on its way out already: somebody else had asked it, with 30 s to stop." in texts
    )


def test_a_pod_that_came_to_the_node_during_the_drain_was_asked_by_the_handler() -> None:
    """It was in no list before: the first record of it is its eviction."""
    survey, evicted = PodsOnNode(going=(), staying=()), EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)
    texts = about("web", (0.0, NOTICE), (1.0, survey), (3.0, evicted))
    assert "At 08:30:03.0 the handler asked it politely (eviction) to go, with 30 s to stop." in texts


def test_a_pod_that_was_going_when_the_handler_was_restarted_may_have_been_asked_by_it() -> None:
    going = replace(WEB, deleting_until_at=T0 + 30, deletion_grace_seconds=30)
    survey = PodsOnNode(going=(going,), staying=())
    texts = about("web", (0.0, SessionResumed(event_ids=("spot-1",))), (1.0, survey))
    asked = next(text for text in texts if "on its way out already" in text)
    assert "the handler before its restart, or somebody else had asked it" in asked


def test_a_pod_is_lost_when_its_machine_went_also_if_that_was_before_the_deadline() -> None:
    refused = EvictionRefused(pod=BILLING, reason=REFUSAL, forced_at=None)
    texts = about(
        "billing", (0.0, NOTICE), (1.0, refused), (60.0, SessionEnded(reason=GONE)), after_seconds=61
    )
    assert any(text.startswith("At 08:31:01.0 it was LOST with the machine") for text in texts)


def test_the_schedulers_words_end_with_one_full_stop() -> None:
    reason = "Pending: 0/3 nodes are available: 3 Insufficient cpu."
    short = NotReplaced(namespace="shop", controller=owner("web"), ready=0, before=1, reason=reason)
    ended = ReplacementEnded(missing=(short,), controllers=1, seconds=9, final=False)
    left = PodLeft(pod=WEB, how="evicted", seconds=2)
    story = ((0.0, NOTICE), (1.0, SURVEY), (3.0, left), (9.0, ended))
    assert not any(".." in text for text in about("web", *story))
    assert not any(".." in text for text in summary(report_of(*story, after_seconds=10)))


def test_a_pod_that_left_without_being_asked_and_has_no_controller() -> None:
    bare = a_pod("bare", None)
    told = (
        (0.0, NOTICE),
        (0.5, PodsOnNode(going=(bare,), staying=())),
        (1.0, PodLeft(pod=bare, how="by itself", seconds=1)),
    )
    assert about("bare", *told)[2:] == [
        "At 08:30:01.0 it was gone. Nobody had asked it through the handler.",
        "It has no controller, so nothing starts it again.",
    ]


def test_a_stateful_set_is_said_to_have_replaced_the_pods_that_left_not_to_have_no_more_than_those() -> None:
    pod = a_pod("db-0", owner("db", "StatefulSet"))
    assert pod.controller is not None
    told = (
        (0.0, NOTICE),
        (0.5, PodsOnNode(going=(pod,), staying=())),
        (1.0, PodLeft(pod=pod, how="evicted", seconds=1)),
        (2.0, Replaced(namespace="shop", controller=pod.controller, ready=1, seconds=1)),
    )
    expected = "At 08:30:02.0 StatefulSet db had replaced 1 pod on other nodes, as many as had left."
    assert about("db", *told)[-1] == expected


def test_a_replacement_that_was_ready_before_the_pod_was_gone_is_said_to_have_come_before() -> None:
    assert WEB.controller is not None
    told = (
        (0.0, NOTICE),
        (0.5, PodsOnNode(going=(WEB,), staying=())),
        (2.0, Replaced(namespace="shop", controller=WEB.controller, ready=3, seconds=1)),
        (9.0, PodLeft(pod=WEB, how="evicted", seconds=8)),
    )
    expected = (
        "Before that, at 08:30:02.0, ReplicaSet web had 3 Ready pods on other nodes, as many as before."
    )
    assert about("web", *told)[-1] == expected


def test_a_pod_that_a_person_deleted_after_its_evictions_were_refused_is_not_said_to_be_unasked() -> None:
    told = (
        (0.0, NOTICE),
        (0.5, EvictionRefused(pod=BILLING, reason=REFUSAL, forced_at=None)),
        (9.0, PodLeft(pod=BILLING, how="by itself", seconds=9)),
    )
    gone = next(text for text in about("billing", *told) if "it was gone" in text)
    assert gone.endswith("That was none of the handler's doing: its evictions had been refused.")


def test_a_controller_that_is_short_says_why_and_one_that_nobody_followed_that_it_is_not_known() -> None:
    missing = NotReplaced(
        namespace="shop", controller=owner("web"), ready=2, before=3, reason="Pending: no room"
    )
    told = (*BEGUN, (60.0, ReplacementEnded(missing=(missing,), controllers=1, seconds=60)))
    said = "ReplicaSet web has 2 of 3 Ready pods elsewhere: Pending: no room. So this pod counts as lost."
    assert about("web", *told)[-1] == said
    assert about("web", *BEGUN)[-1] == "Whether ReplicaSet web got its pods back is not in this log."


def test_a_successor_that_somebody_saw_is_named_with_its_node() -> None:
    new = Successor(a_pod("web-5d8f7c9b4-zzzzz", owner("web"), node_name="other"), T0 + 6)
    texts = about("web", *FULL_STORY, successor=new)
    assert texts[-1] == "At 08:30:06.0 its successor shop/web-5d8f7c9b4-zzzzz was Ready on node other."


def test_what_stays_and_what_was_called_off() -> None:
    told = (*BEGUN, (10.0, WITHDRAWN), (10.1, RESTORED))
    assert "It stayed where it was, because the interruption was called off." in about("billing", *told)
    assert "At 08:30:10.0 that was called off." in about("billing", *told)
    report = report_of(*FULL_STORY, after_seconds=125)
    assert why_stays("shop/aws-node-ddddd", "a DaemonSet would only put it back", report)[-1] == (
        "The handler did not ask it to go: a DaemonSet would only put it back."
    )


def test_a_node_has_its_story_and_its_figures() -> None:
    texts = why_node(report_of((-15.0, REBALANCE), *FULL_STORY, after_seconds=125))
    assert texts[0] == (
        "On 2026-11-22 at 08:29:45.0 (UTC) AWS said: Rebalance recommendation, without a deadline."
    )
    assert texts[1].startswith("At 08:30:00.0 (UTC) AWS said: Spot interruption")
    assert "3 pods had to go: shop/web-5d8f7c9b4-aaaaa (politely, moved), " in texts[3]
    assert "Nothing was lost." in texts
    assert texts[-1].startswith("Slowest step: ")


def test_without_the_notice_it_says_so() -> None:
    told = ((0.5, EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)),)
    assert about("web", *told)[1] == (
        "On 2026-11-22 AWS was taking the machine away; the notice itself is not in this log."
    )


def test_times_are_rounded_to_tenths_without_a_sixtieth_second() -> None:
    assert clock(T0 + 59.96) == "08:31:00.0"
    assert clock(T0 + 0.04) == "08:30:00.0"


def test_nothing_is_said_of_the_replacement_of_a_pod_that_stayed() -> None:
    refused = EvictionRefused(pod=BILLING, reason=REFUSAL, forced_at=None)
    texts = about(
        "billing", (0.0, NOTICE), (1.0, refused), (9.0, WITHDRAWN), (9.1, RESTORED), after_seconds=10
    )
    assert texts[-1] == "It stayed where it was, because the interruption was called off."
