"""Both words for each pod: how it left, and what became of it."""

import tracemalloc
from dataclasses import replace

import pytest

from nth.core.facts import Pod, PodRef
from nth.core.reports import (
    EvictionAccepted,
    EvictionRefused,
    GraceShortened,
    NotReplaced,
    PodCameBack,
    PodForced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.report.builder import Interruption
from nth.report.interruption import Became, HowLeft, InterruptionReport
from nth.report.pod_fates import counts
from nth.report.pod_outcomes import MAX_CAME_BACK
from nth.report.words import summary, verdict
from tests.report.stories import NODE, NOTICE, REFUSAL, T0, Step, a_pod, owner, report_of

WEB = [a_pod(f"web-5d8f7c9b4-{number}", owner("web")) for number in range(3)]
ONLY = WEB[0]
BARE = a_pod("bare", None)


def found(*pods: Pod) -> tuple[Step, ...]:
    return (0.0, NOTICE), (0.1, PodsOnNode(going=pods, staying=()))


def dying(pod: Pod) -> Pod:
    """As a kubelet since 1.27 leaves it before its object goes."""
    return replace(pod, ready=False, phase="Succeeded", deleting_until_at=T0 + 30)


def evicted(
    pod: Pod, *, grace_seconds: int = 30, cut: bool = False, seconds: float = 4.0
) -> tuple[Step, ...]:
    accepted = EvictionAccepted(pod=pod, grace_seconds=grace_seconds, cut=cut)
    return (1.0, accepted), (1.0 + seconds, PodLeft(pod=dying(pod), how="evicted", seconds=seconds))


def ended(
    *missing: NotReplaced, released: tuple[NotReplaced, ...] = (), final: bool = True
) -> tuple[Step, ...]:
    return (
        (
            110.0,
            ReplacementEnded(missing=missing, released=released, controllers=1, seconds=110, final=final),
        ),
    )


def short(*, ready: int, before: int, wanted: int | None = None, reason: str = "") -> NotReplaced:
    return NotReplaced(
        namespace="shop", controller=owner("web"), ready=ready, before=before, wanted=wanted, reason=reason
    )


def words(report: InterruptionReport) -> list[tuple[str, str]]:
    return [(pod.left.value, pod.became.value) for pod in report.pods]


PENDING = short(ready=0, before=1, reason="Pending: 1 Insufficient cpu")


def test_a_final_phase_that_the_kubelet_sets_does_not_make_a_replacement_superfluous() -> None:
    steps = (*found(ONLY), *evicted(ONLY))
    assert words(report_of(*steps, after_seconds=6)) == [("politely", "not replaced yet")]
    assert verdict(report_of(*steps, after_seconds=6)) == (
        False,
        "Not known yet: 1 replacement is not Ready.",
    )


def test_of_three_pods_gone_and_two_ready_replacements_two_have_moved() -> None:
    steps = [step for pod in WEB for step in evicted(pod)]
    two = short(ready=2, before=3, wanted=3, reason="Pending: 1 Insufficient cpu")
    first = report_of(*found(*WEB), *steps, *ended(two, final=False), after_seconds=115)
    assert counts(first).became == {Became.MOVED: 2, Became.NOT_REPLACED: 1}
    assert verdict(first) == (False, "Not known yet: 1 replacement is not Ready.")
    last = report_of(*found(*WEB), *steps, *ended(two), after_seconds=115)
    assert counts(last).became == {Became.MOVED: 2, Became.LOST: 1}
    assert verdict(last) == (
        False,
        "1 POD LOST: no replacement was Ready at the end: shop/web-5d8f7c9b4-2.",
    )


def test_pods_of_the_controller_that_are_still_here_are_missed_elsewhere_too() -> None:
    steps = (*evicted(WEB[0]), (2.0, EvictionRefused(pod=WEB[1], reason=REFUSAL, forced_at=None)))
    one = short(ready=1, before=2, reason="its pods have not all left")
    report = report_of(*found(*WEB[:2]), *steps, *ended(one, final=False), after_seconds=115)
    assert words(report) == [("politely", "moved"), ("not", "unknown")]


@pytest.mark.parametrize(
    ("one", "released", "became"),
    [
        (PENDING, False, Became.LOST),
        (short(ready=0, before=1, wanted=1), False, Became.LOST),
        (short(ready=0, before=1, wanted=0), False, Became.ENDED),
        (short(ready=0, before=1), False, Became.UNKNOWN),
        (short(ready=0, before=1), True, Became.ENDED),
        (replace(PENDING, deleted=True), True, Became.ENDED),
        (replace(PENDING, failed=True), True, Became.LOST),
    ],
    ids=["pending", "wanted", "scaled down", "no cause seen", "released", "deleted", "a failed Job"],
)
def test_the_end_of_a_controller_is_the_end_of_its_pods(
    one: NotReplaced, released: bool, became: Became
) -> None:
    end = ended(released=(one,)) if released else ended(one)
    report = report_of(*found(ONLY), *evicted(ONLY), *end, after_seconds=115)
    assert words(report) == [("politely", became.value)]


def test_a_cause_that_was_not_seen_is_not_named() -> None:
    report = report_of(*found(ONLY), *evicted(ONLY), *ended(short(ready=0, before=1)), after_seconds=115)
    (sentence,) = (text for text in summary(report) if text.startswith("shop/web"))
    assert sentence == (
        "shop/web has 0 of 1 Ready pods elsewhere: not known how many are wanted, "
        "it may have been scaled down, rolled out or deleted."
    )


def test_a_pod_without_controller_has_ended_and_the_headline_says_so() -> None:
    report = report_of(*found(BARE), *evicted(BARE), after_seconds=6)
    assert words(report) == [("politely", "ended")]
    assert verdict(report) == (True, "No pod was lost; 1 had no controller, so nothing starts it again.")


def test_the_data_of_an_emptydir_is_lost_though_no_pod_is() -> None:
    pod = replace(ONLY, local_storage=True)
    back = Replaced(namespace="shop", controller=owner("web"), ready=1, seconds=5)
    report = report_of(*found(pod), *evicted(pod), (6.0, back), *ended(), after_seconds=115)
    assert verdict(report) == (True, "No pod was lost; the emptyDir data of 1 pod was.")


def test_a_pod_that_had_finished_has_ended_whoever_owns_it() -> None:
    done = replace(ONLY, ready=False, phase="Succeeded")
    assert words(report_of(*found(done), *evicted(done), after_seconds=6)) == [("politely", "ended")]


def test_what_became_of_a_pod_that_was_not_ready_is_unknown_and_no_reason_to_worry() -> None:
    unready = replace(ONLY, ready=False)
    report = report_of(*found(unready), *evicted(unready), after_seconds=6)
    assert words(report) == [("politely", "unknown")]
    assert verdict(report) == (
        True,
        "No pod is known to be lost; what became of 1 pod is not known.",
    )


# How it left


def test_a_pod_is_cut_off_that_used_up_less_than_its_own_grace() -> None:
    cut = evicted(ONLY, grace_seconds=20, cut=True, seconds=20.2)
    report = report_of(*found(ONLY), *cut, after_seconds=30)
    assert [pod.left for pod in report.pods] == [HowLeft.CUT_OFF]
    back = Replaced(namespace="shop", controller=owner("web"), ready=1, seconds=5)
    report = report_of(*found(ONLY), *cut, (30.0, back), *ended(), after_seconds=115)
    assert verdict(report) == (True, "No pod was lost; 1 was cut off before the end of its own grace.")


def test_a_pod_that_stopped_in_less_than_the_grace_that_was_left_was_not_cut_off() -> None:
    quick = evicted(ONLY, grace_seconds=20, cut=True, seconds=3.0)
    report = report_of(*found(ONLY), *quick, after_seconds=30)
    assert [pod.left for pod in report.pods] == [HowLeft.POLITELY]
    assert report.pods[0].cut


def test_a_grace_that_is_shortened_later_counts_from_then() -> None:
    steps = (
        (1.0, EvictionAccepted(pod=ONLY, grace_seconds=30, cut=False)),
        (20.0, GraceShortened(pod=ONLY, grace_seconds=5)),
        (25.1, PodLeft(pod=dying(ONLY), how="evicted", seconds=24.1)),
    )
    assert words(report_of(*found(ONLY), *steps, after_seconds=30))[0][0] == "cut off"


def test_forced_comes_before_cut_off() -> None:
    steps = (
        (1.0, EvictionRefused(pod=ONLY, reason=REFUSAL, forced_at=T0 + 90)),
        (90.0, PodForced(pod=ONLY, grace_seconds=5, reason=REFUSAL)),
        (95.1, PodLeft(pod=dying(ONLY), how="forced", seconds=5.1)),
    )
    assert words(report_of(*found(ONLY), *steps, after_seconds=96))[0][0] == "forced"


def test_a_pod_that_a_person_deleted_after_our_evictions_were_refused_left_by_itself() -> None:
    steps = (
        (1.0, EvictionRefused(pod=ONLY, reason=REFUSAL, forced_at=None)),
        (30.0, PodLeft(pod=dying(ONLY), how="by itself", seconds=29)),
    )
    assert words(report_of(*found(ONLY), *steps, after_seconds=31))[0][0] == "by itself"


@pytest.mark.parametrize("after_seconds", [121, 200])
def test_a_pod_that_died_with_its_machine_is_lost_also_when_its_object_is_deleted_later(
    after_seconds: float,
) -> None:
    steps: list[Step] = [(1.0, EvictionRefused(pod=ONLY, reason=REFUSAL, forced_at=None))]
    if after_seconds > 150:
        steps.append((150.0, PodLeft(pod=ONLY, how="by itself", seconds=149)))
        steps.append((151.0, SessionEnded(reason="the node is gone")))
    report = report_of(*found(ONLY), *steps, after_seconds=after_seconds)
    assert words(report) == [("not", "lost")]
    assert verdict(report) == (False, "1 POD LOST with the machine: shop/web-5d8f7c9b4-0.")


def test_a_pod_that_is_there_when_the_node_is_gone_is_lost_without_any_deadline() -> None:
    steps = ((0.0, replace(NOTICE, deadline_at=None)), found(ONLY)[1])
    report = report_of(*steps, (9.0, SessionEnded(reason="the node is gone")), after_seconds=10)
    assert words(report) == [("not", "lost")]


def test_a_pod_that_left_unseen_around_the_deadline_is_not_called_lost() -> None:
    steps = ((1.0, EvictionAccepted(pod=ONLY, grace_seconds=30, cut=False)),)
    back = ((130.0, SessionResumed(event_ids=("spot-1",))), (130.1, PodsOnNode(going=(), staying=())))
    assert words(report_of(*found(ONLY), *steps, *back, after_seconds=131)) == [
        ("politely", "not replaced yet")
    ]


# Pods that come back


def test_a_pod_that_came_back_and_the_one_before_it_each_have_their_words() -> None:
    again = a_pod("web-5d8f7c9b4-again", owner("web"))
    steps = (*evicted(ONLY), (6.0, PodCameBack(pod=again, goes=True)))
    assert words(report_of(*found(ONLY), *steps, after_seconds=7)) == [
        ("politely", "came back"),
        ("not", "unknown"),
    ]
    left = (
        (7.0, EvictionAccepted(pod=again, grace_seconds=30, cut=False)),
        (9.0, PodLeft(pod=dying(again), how="evicted", seconds=2)),
        (10.0, Replaced(namespace="shop", controller=owner("web"), ready=1, seconds=9)),
    )
    report = report_of(*found(ONLY), *steps, *left, *ended(), after_seconds=115)
    assert words(report) == [("politely", "came back"), ("politely", "moved")]
    assert verdict(report) == (True, "Nothing was lost.")


def test_of_pods_that_come_back_without_end_so_many_are_kept() -> None:
    steps: list[Step] = [*found(ONLY), *evicted(ONLY)]
    for number in range(MAX_CAME_BACK + 50):
        pod = replace(ONLY, ref=PodRef("shop", f"web-{number}", f"uid-{number}"))
        steps += [
            (6.0 + number, PodCameBack(pod=pod, goes=True)),
            (6.5 + number, PodLeft(pod=dying(pod), how="by itself", seconds=0)),
        ]
    assert len(report_of(*steps, after_seconds=1).pods) <= MAX_CAME_BACK + 1


def test_pods_that_come_back_without_end_need_no_more_memory() -> None:
    interruption = Interruption(Told(at=T0, session_id="s", node_name=NODE, report=NOTICE))

    def come_back(numbers: range) -> int:
        for number in numbers:
            pod = replace(ONLY, ref=PodRef("shop", f"web-{number}", f"uid-{number}"))
            for report in (PodCameBack(pod=pod, goes=False), PodLeft(pod=pod, how="by itself", seconds=0)):
                interruption.take(Told(at=T0 + number, session_id="s", node_name=NODE, report=report))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        full = come_back(range(2 * MAX_CAME_BACK + 300))
        later = come_back(range(2 * MAX_CAME_BACK + 300, 4000))
    finally:
        tracemalloc.stop()
    # 3,200 more: an id that is kept of each would be seen.
    assert later < full + 60_000
