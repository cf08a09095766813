"""Which pod is asked when, how politely, and when it is forced."""

from dataclasses import replace

import pytest

from nth.core.decisions import Decision, DeletePod, EvictPod, MarkPod, Tell
from nth.core.drain.disruption import EVICTED, REASON
from nth.core.drain.drain import (
    POLITE_LEAD_SECONDS,
    Drain,
    DrainRules,
)
from nth.core.drain.pod_eviction import BLOCKED_RETRY_SECONDS, NEVER_AT, STIRRED_RETRY_SECONDS
from nth.core.drain.pod_filter import FORCE_ANNOTATION, PodRules
from nth.core.facts import Pod
from nth.core.reports import (
    EvictionAccepted,
    EvictionRefused,
    ForceForbidden,
    GraceShortened,
    LeftBehind,
    PodCameBack,
    PodForced,
    PodLeft,
    PodsOnNode,
)
from nth.core.trouble import MAX_REASONS
from nth.errors import (
    AdmissionFailed,
    Blocked,
    ClusterError,
    Conflict,
    Denied,
    Forbidden,
    Missing,
    Rejected,
    Throttled,
    Unreachable,
)
from tests.core.samples import T0, a_pod, owned_by

DEADLINE_AT = T0 + 120
BLOCKED = Blocked("its budget allows no disruption")
OPTED_OUT = {FORCE_ANNOTATION: "never"}


def a_drain(*pods: Pod, rules: DrainRules | None = None) -> Drain:
    drain = Drain(rules or DrainRules(), T0)
    drain.listed(pods, T0)
    return drain


def asked(drain: Drain, seconds: float, deadline_at: float | None = DEADLINE_AT) -> list[Decision]:
    """But for the marks of `test_disruption`."""
    return [each for each in drain.step(T0 + seconds, deadline_at) if not isinstance(each, MarkPod)]


def answer(
    drain: Drain,
    pod: Pod,
    error: ClusterError | None,
    seconds: float,
    deadline_at: float | None = DEADLINE_AT,
) -> list[Decision]:
    return drain.answered(pod.ref, error, T0 + seconds, deadline_at)


def terminating(pod: Pod, seconds: float, grace_seconds: int) -> Pod:
    return replace(pod, deleting_until_at=T0 + seconds, deletion_grace_seconds=grace_seconds)


def blocked_drain(
    pod: Pod, rules: DrainRules | None = None, deadline_at: float | None = DEADLINE_AT
) -> Drain:
    """A drain whose only pod was refused at once."""
    drain = a_drain(pod, rules=rules)
    asked(drain, 0, deadline_at)
    answer(drain, pod, BLOCKED, 0, deadline_at)
    return drain


# Politely


def test_A13_all_pods_are_asked_at_once_longest_grace_first() -> None:
    pods = [a_pod("short", grace_seconds=5), a_pod("long", grace_seconds=60), a_pod("middle")]
    assert asked(a_drain(*pods), 0) == [
        EvictPod(pods[1], None),
        EvictPod(pods[2], None),
        EvictPod(pods[0], None),
    ]


def test_first_list_says_what_goes_and_what_stays() -> None:
    web, logs = a_pod(), a_pod("logs", controller=owned_by("DaemonSet"))
    drain = Drain(DrainRules(), T0)
    survey = Tell(PodsOnNode(going=(web,), staying=((logs, "a DaemonSet would only put it back"),)))
    assert drain.listed([web, logs], T0) == [survey]
    assert drain.listed([web, logs], T0) == []
    assert drain.present() == (web, logs)
    assert drain.going() == (web,)


def test_A12_configured_grace_is_sent_and_the_pods_own_is_not() -> None:
    pod = a_pod(grace_seconds=30)
    assert asked(a_drain(pod, rules=DrainRules(pod_grace_seconds=10)), 0) == [EvictPod(pod, 10)]
    assert asked(a_drain(pod, rules=DrainRules(pod_grace_seconds=30)), 0) == [EvictPod(pod, None)]


def test_needs_W13_grace_is_cut_to_the_time_left() -> None:
    pod = a_pod(grace_seconds=300)
    drain = a_drain(pod)
    assert asked(drain, 0) == [EvictPod(pod, 115)]
    assert answer(drain, pod, None, 0) == [Tell(EvictionAccepted(pod=pod, grace_seconds=115, cut=True))]
    assert drain.evicted == 1


def test_accepted_eviction_is_not_asked_again() -> None:
    pod = a_pod()
    drain = a_drain(pod)
    asked(drain, 0)
    assert asked(drain, 1) == []
    assert answer(drain, pod, None, 1) == [Tell(EvictionAccepted(pod=pod, grace_seconds=30, cut=False))]
    assert asked(drain, 200) == []
    assert drain.wake_at(DEADLINE_AT) is None
    assert drain.gone(pod.ref.uid, T0 + 4) == [Tell(PodLeft(pod=pod, how="evicted", seconds=4))]
    assert drain.done


def test_A13_refused_eviction_is_tried_again_after_its_pause() -> None:
    pod = a_pod()
    drain = blocked_drain(pod)
    assert drain.wake_at(DEADLINE_AT) == T0 + BLOCKED_RETRY_SECONDS
    assert asked(drain, BLOCKED_RETRY_SECONDS - 0.1) == []
    assert asked(drain, BLOCKED_RETRY_SECONDS) == [EvictPod(pod, None)]


def test_refusal_is_told_when_it_begins_and_when_its_reason_changes() -> None:
    pod = a_pod()
    drain = a_drain(pod)
    asked(drain, 0)
    refused = EvictionRefused(pod=pod, reason=str(BLOCKED), forced_at=DEADLINE_AT - 5 - 30)
    assert answer(drain, pod, BLOCKED, 0) == [Tell(refused)]
    asked(drain, 5)
    assert answer(drain, pod, BLOCKED, 5) == []
    asked(drain, 10)
    assert answer(drain, pod, Rejected("no"), 10) == [Tell(replace(refused, reason="no"))]


@pytest.mark.parametrize(
    "error", [Denied('admission webhook "g" denied the request'), AdmissionFailed("dead")]
)
def test_an_admission_webhooks_refusal_is_a_refusal_of_that_pod_with_its_reason(error: ClusterError) -> None:
    pod = a_pod()
    drain = a_drain(pod)
    asked(drain, 0)
    refused = EvictionRefused(pod=pod, reason=str(error), forced_at=DEADLINE_AT - 5 - 30)
    assert answer(drain, pod, error, 0) == [Tell(refused)]
    assert drain.left() == (LeftBehind(ref=pod.ref, reason=str(error)),)
    assert asked(drain, 85) == [DeletePod(pod, 30)]
    forced = PodForced(pod=pod, grace_seconds=30, reason=str(error))
    assert answer(drain, pod, None, 85) == [Tell(forced)]


def test_a_delete_that_admission_refuses_is_no_lack_of_the_right_to_delete() -> None:
    pods = a_pod("a"), a_pod("b")
    drain, denied = a_drain(*pods), Denied('admission webhook "g" denied the request: keep it')
    asked(drain, 0)
    for pod in pods:
        answer(drain, pod, BLOCKED, 0)
    for seconds in (85, 90, 95):
        assert [each for each in asked(drain, seconds) if isinstance(each, DeletePod)]
        told = answer(drain, pods[0], denied, seconds)
        assert ForceForbidden not in [type(each.report) for each in told if isinstance(each, Tell)]
        answer(drain, pods[1], denied, seconds)
        if seconds == 85:
            # When it is tried again, and not when it was tried.
            refused = EvictionRefused(pod=pods[0], reason=str(denied), forced_at=T0 + 90)
            assert told == [Tell(refused)]


def test_a_reason_that_is_new_each_time_is_not_reported_for_ever() -> None:
    pod = a_pod()
    drain = a_drain(pod)
    told: list[Decision] = []
    for number in range(12):
        asked(drain, 5 * number)
        told += answer(drain, pod, Denied(f"no, for the {number}th time"), 5 * number)
    assert len(told) == MAX_REASONS
    assert drain.left()[0].reason == "no, for the 11th time"


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Throttled("slow down", retry_after_seconds=7), 7),
        (Throttled("slow down"), 1),
        (Conflict("again"), 0.2),
        (Unreachable("refused"), 0.5),
        (Unreachable("busy", retry_after_seconds=3), 3),
        (Forbidden("no rule"), BLOCKED_RETRY_SECONDS),
        (Rejected("no"), BLOCKED_RETRY_SECONDS),
        (Denied("namespace is being terminated"), BLOCKED_RETRY_SECONDS),
        (AdmissionFailed("failed calling webhook", retry_after_seconds=1), BLOCKED_RETRY_SECONDS),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ClusterError) else None,
)
def test_each_error_has_its_pause(error: ClusterError, seconds: float) -> None:
    pod = a_pod()
    drain = a_drain(pod)
    asked(drain, 0)
    answer(drain, pod, error, 0)
    assert drain.wake_at(DEADLINE_AT) == T0 + seconds


def test_pauses_of_an_unreachable_server_grow_to_two_seconds() -> None:
    pod = a_pod()
    drain, at, pauses = a_drain(pod), 0.0, []
    for _ in range(5):
        asked(drain, at)
        answer(drain, pod, Unreachable("refused"), at)
        next_at = drain.wake_at(DEADLINE_AT)
        assert next_at is not None
        pauses.append(next_at - T0 - at)
        at = next_at - T0
    assert pauses == [0.5, 1.0, 2.0, 2.0, 2.0]


def test_news_in_the_namespace_brings_a_blocked_pod_forward() -> None:
    pod, other = a_pod("blocked"), a_pod("other")
    drain = a_drain(pod, other)
    asked(drain, 0)
    answer(drain, pod, BLOCKED, 0)
    answer(drain, other, None, 0)
    drain.gone(other.ref.uid, T0 + 0.5)
    assert drain.wake_at(DEADLINE_AT) == T0 + STIRRED_RETRY_SECONDS
    drain.stirred("elsewhere", T0 + 0.6)
    assert drain.wake_at(DEADLINE_AT) == T0 + STIRRED_RETRY_SECONDS


def test_news_do_not_override_the_servers_own_retry_after() -> None:
    """Only a budget is waiting for news; a server that asks for 8 s gets 8 s."""
    pod = a_pod()
    drain = a_drain(pod)
    asked(drain, 0)
    answer(drain, pod, Throttled("slow down", retry_after_seconds=8), 0)
    drain.stirred("shop", T0 + 1)
    assert drain.wake_at(DEADLINE_AT) == T0 + 8


def test_pod_that_is_missing_is_gone() -> None:
    pod = a_pod()
    drain = a_drain(pod)
    asked(drain, 0)
    left = PodLeft(pod=pod, how="by itself", seconds=1)
    assert answer(drain, pod, Missing("no such pod"), 1) == [Tell(left)]
    assert drain.done


def test_pod_that_left_before_the_answer_came_is_counted() -> None:
    """A finished pod's object is gone before the answer to its eviction is read."""
    pod = a_pod(phase="Succeeded", ready=False)
    drain = a_drain(pod)
    asked(drain, 0)
    assert drain.gone(pod.ref.uid, T0 + 0.5) == [Tell(PodLeft(pod=pod, how="evicted", seconds=0.5))]
    assert drain.done
    assert answer(drain, pod, None, 0.2) == [Tell(EvictionAccepted(pod=pod, grace_seconds=30, cut=False))]
    assert answer(drain, pod, None, 0.3) == []
    assert drain.evicted == 1


def test_refusal_of_a_pod_that_left_meanwhile_is_nothing() -> None:
    pod = a_pod()
    drain = a_drain(pod)
    asked(drain, 0)
    drain.gone(pod.ref.uid, T0 + 0.1)
    assert answer(drain, pod, BLOCKED, 0.2) == []
    assert drain.evicted == 0


def test_pod_of_another_drain_says_nothing() -> None:
    drain = a_drain()
    assert answer(drain, a_pod(), None, 1) == []
    assert drain.gone("unknown", T0) == []


# Tiers


def test_tiers_go_one_after_the_other() -> None:
    web = a_pod("web")
    dns = a_pod("dns", priority_class="system-cluster-critical")
    proxy = a_pod("proxy", priority_class="system-node-critical")
    drain = a_drain(proxy, dns, web)
    assert asked(drain, 0, None) == [EvictPod(web, None)]
    answer(drain, web, None, 0, None)
    assert asked(drain, 1, None) == []
    drain.gone(web.ref.uid, T0 + 3)
    assert asked(drain, 3, None) == [EvictPod(dns, None)]
    drain.gone(dns.ref.uid, T0 + 5)
    assert asked(drain, 5, None) == [EvictPod(proxy, None)]


def test_blocked_tier_does_not_hold_back_the_next_past_its_latest_moment() -> None:
    web, dns = a_pod("web"), a_pod("dns", priority_class="system-cluster-critical")
    drain = a_drain(web, dns)
    asked(drain, 0)
    answer(drain, web, None, 0)
    turn_at = 120 - 5 - 30 - POLITE_LEAD_SECONDS
    assert drain.wake_at(DEADLINE_AT) == T0 + turn_at
    assert asked(drain, turn_at - 0.1) == []
    assert asked(drain, turn_at) == [EvictPod(dns, None)]


def test_tier_without_a_deadline_waits_for_the_one_before() -> None:
    web, dns = a_pod("web"), a_pod("dns", priority_class="system-cluster-critical")
    drain = a_drain(web, dns)
    asked(drain, 0, None)
    answer(drain, web, None, 0, None)
    assert drain.wake_at(None) is None
    assert asked(drain, 1e6, None) == []


# Forced


def test_needs_W13_blocked_pod_is_forced_at_its_latest_moment_and_not_before() -> None:
    pod = a_pod()
    drain = blocked_drain(pod)
    latest = 120 - 5 - 30
    for seconds in range(5, latest, 5):
        assert asked(drain, seconds) == [EvictPod(pod, None)]
        answer(drain, pod, BLOCKED, seconds)
    drain.stirred("shop", T0 + latest - 0.5)
    assert drain.wake_at(DEADLINE_AT) == pytest.approx(T0 + latest - 0.3)
    assert asked(drain, latest - 0.2) == [EvictPod(pod, None)]
    answer(drain, pod, BLOCKED, latest - 0.2)
    assert drain.wake_at(DEADLINE_AT) == T0 + latest
    assert asked(drain, latest) == [DeletePod(pod, 30)]
    forced = PodForced(pod=pod, grace_seconds=30, reason=str(BLOCKED))
    assert answer(drain, pod, None, latest) == [Tell(forced)]
    assert drain.gone(pod.ref.uid, T0 + latest + 3) == [
        Tell(PodLeft(pod=pod, how="forced", seconds=latest + 3))
    ]
    assert (drain.evicted, drain.forced) == (0, 1)


@pytest.mark.parametrize(
    ("pod", "rules", "deadline_at"),
    [
        (a_pod(), DrainRules(force=False), DEADLINE_AT),
        (a_pod(annotations=OPTED_OUT), DrainRules(), DEADLINE_AT),
        (a_pod(), DrainRules(), None),
    ],
    ids=["off by setting", "opted out", "no deadline"],
)
def test_never_forced(pod: Pod, rules: DrainRules, deadline_at: float | None) -> None:
    drain = blocked_drain(pod, rules, deadline_at)
    for seconds in range(5, 300, 5):
        assert asked(drain, seconds, deadline_at) == [EvictPod(pod, None)] or seconds > 80
        told = answer(drain, pod, BLOCKED, seconds, deadline_at)
        assert told == []
    assert drain.forced == 0


def test_refusal_that_will_not_be_forced_says_so() -> None:
    pod = a_pod(annotations=OPTED_OUT)
    drain = a_drain(pod)
    asked(drain, 0)
    assert answer(drain, pod, BLOCKED, 0) == [
        Tell(EvictionRefused(pod=pod, reason=str(BLOCKED), forced_at=None))
    ]


def test_without_the_delete_rule_it_says_so_once_and_stays_polite() -> None:
    pods = a_pod("a"), a_pod("b")
    drain = a_drain(*pods)
    asked(drain, 100)
    for pod in pods:
        answer(drain, pod, BLOCKED, 100)
    assert asked(drain, 100) == [DeletePod(pods[0], 15), DeletePod(pods[1], 15)]
    told = Tell(ForceForbidden(reason="no rule"))
    for pod in pods:
        assert told not in answer(drain, pod, Forbidden("no rule"), 100)
    assert asked(drain, 105) == [DeletePod(pods[0], 10), DeletePod(pods[1], 10)]
    assert answer(drain, pods[0], Forbidden("no rule"), 105)[0] == told
    assert told not in answer(drain, pods[1], Forbidden("no rule"), 105)
    assert asked(drain, 110) == [EvictPod(pods[0], 5), EvictPod(pods[1], 5)]


def test_what_an_api_server_forbids_for_a_moment_after_its_start_is_forced_a_moment_later() -> None:
    pod = a_pod()
    drain = blocked_drain(pod)
    assert asked(drain, 100) == [DeletePod(pod, 15)]
    assert answer(drain, pod, Forbidden("not yet"), 100) == []
    assert drain.wake_at(DEADLINE_AT) == T0 + 105
    assert asked(drain, 105) == [DeletePod(pod, 10)]
    forced = PodForced(pod=pod, grace_seconds=10, reason=str(BLOCKED))
    assert answer(drain, pod, None, 105) == [Tell(forced)]


def test_failed_delete_is_repeated_after_its_pause() -> None:
    pod = a_pod()
    drain = blocked_drain(pod)
    assert asked(drain, 100) == [DeletePod(pod, 15)]
    answer(drain, pod, Unreachable("reset"), 100)
    assert drain.wake_at(DEADLINE_AT) == T0 + 101
    assert asked(drain, 100.5) == []
    assert asked(drain, 101) == [DeletePod(pod, 14)]


# Terminating already


def test_terminating_pod_is_not_asked() -> None:
    pod = terminating(a_pod(), 30, 30)
    drain = a_drain(pod)
    assert asked(drain, 0) == []
    assert drain.left() == (LeftBehind(ref=pod.ref, reason="still terminating"),)
    assert drain.gone(pod.ref.uid, T0 + 5) == [Tell(PodLeft(pod=pod, how="by itself", seconds=5))]


@pytest.mark.parametrize(
    ("reason", "since_seconds", "how"),
    [
        (EVICTED, 0, "evicted"),
        (EVICTED, 0.9, "evicted"),
        (REASON, 0, "forced"),
        (EVICTED, 1, "by itself"),
        (EVICTED, NEVER_AT, "by itself"),
        ("DeletionByTaintManager", 0, "by itself"),
        ("", 0, "by itself"),
    ],
)
def test_a_terminating_pod_shows_how_the_process_before_asked_it(
    reason: str, since_seconds: float, how: str
) -> None:
    pod = replace(terminating(a_pod(grace_seconds=60), 30, 30), disrupted_by=reason)
    drain = Drain(DrainRules(), T0 + 2)
    drain.asked_since_at = T0 + since_seconds
    (told,) = drain.listed([pod], T0 + 2)
    requests: dict[str, EvictionAccepted | PodForced] = {
        "evicted": EvictionAccepted(pod=pod, grace_seconds=30, cut=True),
        "forced": PodForced(pod=pod, grace_seconds=30, reason=""),
    }
    asked_before = ((T0 + since_seconds, requests[how]),) if how in requests else ()
    assert told == Tell(PodsOnNode(going=(pod,), staying=(), asked=asked_before))
    assert (drain.evicted, drain.forced) == (how == "evicted", how == "forced")
    # Nothing more is asked of it, neither an eviction nor a mark.
    assert drain.step(T0 + 10, DEADLINE_AT) == []
    (left,) = drain.gone(pod.ref.uid, T0 + 12)
    assert isinstance(left, Tell)
    assert isinstance(left.report, PodLeft)
    assert left.report.how == how


def test_lost_answer_to_an_accepted_eviction_does_not_evict_again() -> None:
    """The watch said that the pod is going before the request timed out."""
    pod = a_pod()
    drain = a_drain(pod)
    asked(drain, 0)
    drain.changed(terminating(pod, 30, 30), T0 + 0.1)
    answer(drain, pod, Unreachable("timed out"), 10)
    assert asked(drain, 20) == []
    assert drain.wake_at(DEADLINE_AT) is None


def test_refused_pod_that_somebody_else_deletes_is_going() -> None:
    pod = a_pod()
    drain = blocked_drain(pod)
    drain.changed(terminating(pod, 40, 30), T0 + 10)
    assert asked(drain, 90) == []


def test_pod_that_would_outlive_the_machine_is_ended_at_the_limit_once() -> None:
    """Not before: the server counts a shorter grace from the first deletion."""
    pod = terminating(a_pod(grace_seconds=600), 600, 600)
    drain = a_drain(pod)
    assert asked(drain, 114.9) == []
    assert drain.wake_at(DEADLINE_AT) == T0 + 115
    assert asked(drain, 115) == [DeletePod(pod, 1)]
    assert answer(drain, pod, None, 115) == [Tell(GraceShortened(pod=pod, grace_seconds=1))]
    assert asked(drain, 118) == []
    assert drain.forced == 0


@pytest.mark.parametrize(
    ("pod", "rules", "deadline_at"),
    [
        (terminating(a_pod(), 600, 600), DrainRules(force=False), DEADLINE_AT),
        (terminating(a_pod(annotations=OPTED_OUT), 600, 600), DrainRules(), DEADLINE_AT),
        (terminating(a_pod(), 600, 600), DrainRules(), None),
        (terminating(a_pod(), 116, 116), DrainRules(), DEADLINE_AT),
        (replace(a_pod(), deleting_until_at=T0 + 600), DrainRules(), DEADLINE_AT),
    ],
    ids=["off by setting", "opted out", "no deadline", "it fits", "grace not known"],
)
def test_grace_is_not_shortened(pod: Pod, rules: DrainRules, deadline_at: float | None) -> None:
    drain = a_drain(pod, rules=rules)
    assert asked(drain, 0, deadline_at) == []
    assert drain.wake_at(deadline_at) is None


def test_failed_shortening_is_repeated_at_a_moment_that_it_asks_for() -> None:
    pod = terminating(a_pod(grace_seconds=600), 600, 600)
    drain = a_drain(pod)
    asked(drain, 115)
    answer(drain, pod, Unreachable("reset"), 115)
    assert drain.wake_at(DEADLINE_AT) == T0 + 115.5
    assert asked(drain, 115.4) == []
    assert asked(drain, 115.5) == [DeletePod(pod, 1)]


def test_shortening_that_is_forbidden_is_given_up() -> None:
    pod = terminating(a_pod(grace_seconds=600), 600, 600)
    drain = a_drain(pod)
    asked(drain, 115)
    assert answer(drain, pod, Forbidden("no rule"), 115) == []
    assert asked(drain, 120) == [DeletePod(pod, 1)]
    assert answer(drain, pod, Forbidden("no rule"), 120) == [Tell(ForceForbidden(reason="no rule"))]
    assert asked(drain, 126) == []
    assert drain.wake_at(DEADLINE_AT) is None


def test_news_while_the_request_is_under_way_hastens_the_next_one() -> None:
    """The replacement may become Ready just before its budget is counted."""
    pod = a_pod()
    drain = a_drain(pod)
    asked(drain, 0)
    drain.stirred("shop", T0 + 0.1)
    answer(drain, pod, BLOCKED, 0.2)
    assert drain.wake_at(DEADLINE_AT) == T0 + STIRRED_RETRY_SECONDS


# Newcomers, recreated pods, what is left


def test_first_list_may_come_late() -> None:
    """After an outage the first list is no list of newcomers."""
    pod = a_pod()
    drain = Drain(DrainRules(), T0)
    drain.begun = True
    drain.listed([pod], T0 + 25)
    assert asked(drain, 25) == [EvictPod(pod, None)]


def test_pod_that_was_bound_during_the_cordon_goes() -> None:
    drain, late = a_drain(), a_pod("late")
    drain.begun = True
    assert drain.changed(late, T0 + 10) == []
    assert asked(drain, 11) == [EvictPod(late, None)]


def come(drain: Drain, name: str, seconds: float) -> list[bool]:
    """A pod of the ReplicaSet is put on the node; whether it is asked, if it is told that it came back."""
    told = drain.changed(a_pod(name), T0 + seconds)
    return [
        each.report.goes for each in told if isinstance(each, Tell) and isinstance(each.report, PodCameBack)
    ]


def leave(drain: Drain, name: str, seconds: float) -> None:
    """It is evicted, and goes at once."""
    assert asked(drain, seconds) == [EvictPod(a_pod(name), None)]
    answer(drain, a_pod(name), None, seconds)
    drain.gone(a_pod(name).ref.uid, T0 + seconds)


def test_safe_14_pods_that_come_back_are_asked_twice_and_then_named() -> None:
    drain = a_drain(a_pod("first"))
    drain.begun = True
    leave(drain, "first", 0)
    for number in (1, 2):
        assert come(drain, f"back-{number}", number) == [True]
        leave(drain, f"back-{number}", number)
    assert come(drain, "back-3", 3) == [False]
    assert asked(drain, 4) == []
    assert drain.done
    (left,) = drain.left()
    assert left.ref.name == "back-3"
    assert left.reason.startswith("it came back to the cordoned node")
    # It stays known, whatever changes of it.
    assert drain.changed(replace(a_pod("back-3"), ready=False), T0 + 5) == []
    assert asked(drain, 6) == []
    (gone,) = drain.gone(a_pod("back-3").ref.uid, T0 + 7)
    assert isinstance(gone, Tell)
    assert isinstance(gone.report, PodLeft)
    assert drain.left() == ()


def test_safe_14_a_new_cordon_begins_the_count_anew() -> None:
    drain = a_drain(a_pod("first"))
    drain.begun = True
    leave(drain, "first", 0)
    for number in (1, 2):
        come(drain, f"back-{number}", number)
        leave(drain, f"back-{number}", number)
    come(drain, "back-3", 3)
    drain.cordoned = False
    drain.cordon()
    assert asked(drain, 4) == [EvictPod(a_pod("back-3"), None)]


def test_newcomer_on_an_uncordoned_node_is_in_the_way_until_the_cordon() -> None:
    drain, returned = a_drain(), a_pod("returned")
    drain.begun, drain.cordoned = True, False
    drain.changed(returned, T0 + 1)
    drain.changed(replace(returned, ready=False), T0 + 2)
    assert asked(drain, 2) == []
    reason = "it came after the drain had begun, because the node is not cordoned"
    assert drain.left() == (LeftBehind(ref=returned.ref, reason=reason),)
    drain.cordon()
    assert asked(drain, 30) == [EvictPod(replace(returned, ready=False), None)]
    drain.changed(a_pod("another"), T0 + 31)
    assert asked(drain, 31) == [EvictPod(a_pod("another"), None)]


def test_pod_in_the_way_is_judged_anew_when_it_changes() -> None:
    pod = a_pod(local_storage=True)
    drain = a_drain(pod, rules=DrainRules(pods=PodRules(delete_local_data=False)))
    drain.begun = True
    assert drain.done
    reason = "it has an emptyDir volume, and DELETE_LOCAL_DATA is false"
    assert drain.left() == (LeftBehind(ref=pod.ref, reason=reason),)
    finished = replace(pod, phase="Succeeded", ready=False)
    drain.changed(finished, T0 + 60)
    assert asked(drain, 60) == [EvictPod(finished, None)]


def test_pod_recreated_under_the_same_name_is_another_pod() -> None:
    pod = a_pod()
    again = replace(pod, ref=replace(pod.ref, uid="another"))
    drain = a_drain(pod)
    asked(drain, 0)
    answer(drain, pod, None, 0)
    assert drain.listed([again], T0 + 4) == [
        Tell(PodLeft(pod=pod, how="evicted", seconds=4)),
        Tell(PodCameBack(pod=again, goes=True)),
    ]
    assert asked(drain, 4) == [EvictPod(again, None)]


def test_list_after_a_lost_watch_says_who_has_left() -> None:
    pods = a_pod("a"), a_pod("b", controller=owned_by("DaemonSet"))
    drain = a_drain(*pods)
    assert drain.listed([], T0 + 9) == [Tell(PodLeft(pod=pods[0], how="by itself", seconds=9))]
    assert drain.present() == ()


def test_what_is_left_has_its_reason() -> None:
    waiting = a_pod("waiting", priority_class="system-node-critical")
    refused = a_pod("refused")
    held = terminating(a_pod("held", finalizers=("x.io/a", "x.io/b")), 30, 30)
    drain = a_drain(waiting, refused, held)
    asked(drain, 0)
    answer(drain, refused, BLOCKED, 0)
    assert [left.reason for left in drain.left()] == [
        "not evicted yet",
        str(BLOCKED),
        "terminating, held by its finalizers x.io/a, x.io/b",
    ]


def test_nothing_is_done_before_the_pods_were_listed() -> None:
    drain = Drain(DrainRules(), T0)
    assert not drain.done
    assert drain.wake_at(None) is None
    drain.listed([], T0)
    assert drain.done
