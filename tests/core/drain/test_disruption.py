"""The condition DisruptionTarget before a pod is deleted past its budget: when, for which pods, how often."""

import pytest

from nth.core.decisions import Decision, DeletePod, EvictPod, MarkPod, Tell
from nth.core.drain.disruption import ATTEMPTS, MARK_SECONDS, RETRY_SECONDS, STALE_SECONDS
from nth.core.drain.drain import Drain, DrainRules
from nth.core.drain.pod_filter import FORCE_ANNOTATION
from nth.core.facts import Pod
from nth.core.reports import MarkForbidden
from nth.errors import Blocked, ClusterError, Forbidden, Missing, Throttled, Unreachable
from tests.core.drain.test_drain import BLOCKED, DEADLINE_AT, OPTED_OUT, a_drain, answer, terminating
from tests.core.samples import T0, a_pod

LATEST = 120 - 5 - 30
"""When a pod with 30 s of grace is deleted, in seconds since the notice."""


def refused_drain(*pods: Pod, seconds: float = 83) -> Drain:
    """Each pod's eviction was refused at that moment."""
    drain = a_drain(*pods)
    drain.step(T0 + seconds, DEADLINE_AT)
    for pod in pods:
        answer(drain, pod, BLOCKED, seconds)
    return drain


def step(drain: Drain, seconds: float) -> list[tuple[type[Decision], str]]:
    decisions = drain.step(T0 + seconds, DEADLINE_AT)
    return [(type(d), d.pod.ref.name) for d in decisions if isinstance(d, MarkPod | DeletePod | EvictPod)]


def marked(drain: Drain, pod: Pod, error: ClusterError | None, seconds: float) -> list[Decision]:
    return drain.marked(pod.ref, error, T0 + seconds)


def test_safe_16_a_pod_is_marked_a_moment_before_its_delete() -> None:
    pod = a_pod()
    drain = refused_drain(pod)
    assert step(drain, LATEST - MARK_SECONDS - 0.1) == []
    assert drain.wake_at(DEADLINE_AT) == T0 + LATEST - MARK_SECONDS
    (mark,) = drain.step(T0 + LATEST - MARK_SECONDS, DEADLINE_AT)
    assert isinstance(mark, MarkPod)
    assert (mark.pod, mark.condition.kind) == (pod, "DisruptionTarget")
    assert mark.condition.changed_at == T0 + LATEST - MARK_SECONDS
    assert marked(drain, pod, None, LATEST - 0.9) == []
    assert drain.wake_at(DEADLINE_AT) == T0 + LATEST
    assert step(drain, LATEST) == [(DeletePod, "web-1")]


def test_safe_16_a_mark_without_an_answer_delays_nothing() -> None:
    pod = a_pod()
    drain = refused_drain(pod)
    assert step(drain, LATEST - MARK_SECONDS) == [(MarkPod, "web-1")]
    assert step(drain, LATEST) == [(DeletePod, "web-1")]


def test_safe_16_where_the_moment_has_passed_both_go_out_at_once_the_mark_first() -> None:
    drain = refused_drain(a_pod(), seconds=100)
    assert step(drain, 100) == [(MarkPod, "web-1"), (DeletePod, "web-1")]


@pytest.mark.parametrize("error", [Unreachable("no answer"), Throttled("slow down"), Blocked("500")])
def test_safe_16_a_mark_that_fails_is_tried_again_a_few_times_also_after_the_delete(
    error: ClusterError,
) -> None:
    pod = a_pod()
    drain = refused_drain(pod)
    seconds = LATEST - MARK_SECONDS
    for _ in range(ATTEMPTS):
        assert (MarkPod, "web-1") in step(drain, seconds)
        assert marked(drain, pod, error, seconds + 0.1) == []
        seconds += 0.1 + RETRY_SECONDS
    for later in (seconds, LATEST, LATEST + 1):
        assert MarkPod not in [kind for kind, _ in step(drain, later)]

    drain = refused_drain(pod, seconds=100)
    step(drain, 100)
    answer(drain, pod, None, 100)
    marked(drain, pod, error, 100)
    assert drain.wake_at(DEADLINE_AT) == T0 + 100 + RETRY_SECONDS
    assert step(drain, 100 + RETRY_SECONDS) == [(MarkPod, "web-1")]


def test_safe_16_without_the_right_it_is_told_once_and_asked_no_more() -> None:
    pods = a_pod("a"), a_pod("b"), a_pod("late", grace_seconds=5)
    drain = refused_drain(*pods, seconds=84.5)
    assert step(drain, 84.5) == [(MarkPod, "a"), (MarkPod, "b")]
    assert marked(drain, pods[0], Forbidden("no rule"), 84.6) == [Tell(MarkForbidden(reason="no rule"))]
    assert marked(drain, pods[1], Forbidden("no rule"), 84.6) == []
    assert [each for each in step(drain, LATEST) if each[0] is DeletePod] == [
        (DeletePod, "a"),
        (DeletePod, "b"),
    ]
    assert MarkPod not in [kind for kind, _ in step(drain, 110)]


def test_safe_16_a_pod_that_is_gone_is_not_marked_again() -> None:
    pod = a_pod()
    drain = refused_drain(pod)
    step(drain, LATEST - MARK_SECONDS)
    assert marked(drain, pod, Missing("gone"), LATEST - 0.9) == []
    assert step(drain, LATEST - 0.5) == []
    drain.gone(pod.ref.uid, T0 + LATEST - 0.4)
    assert marked(drain, pod, None, LATEST) == []


@pytest.mark.parametrize(
    ("pod", "rules", "deadline_at"),
    [
        (a_pod(), DrainRules(force=False), DEADLINE_AT),
        (a_pod(annotations=OPTED_OUT), DrainRules(), DEADLINE_AT),
        (a_pod(), DrainRules(), None),
    ],
    ids=["off by setting", f"{FORCE_ANNOTATION}=never", "no deadline"],
)
def test_safe_16_what_is_never_forced_is_never_marked(
    pod: Pod, rules: DrainRules, deadline_at: float | None
) -> None:
    drain = a_drain(pod, rules=rules)
    for seconds in range(0, 120, 5):
        decisions = drain.step(T0 + seconds, deadline_at)
        assert not any(isinstance(each, MarkPod) for each in decisions)
        drain.answered(pod.ref, BLOCKED, T0 + seconds, deadline_at)


def test_safe_16_an_evicted_pod_is_marked_by_the_server_and_not_by_us() -> None:
    pod = a_pod(grace_seconds=100)
    drain = a_drain(pod)
    step(drain, 60)
    answer(drain, pod, None, 60)
    drain.changed(terminating(pod, 160, 100), T0 + 60)
    # It would need more time than there is: its grace is shortened.
    assert [step(drain, seconds) for seconds in (100, 114)] == [[], []]
    assert step(drain, 115.1) == [(DeletePod, "web-1")]


def test_safe_16_a_mark_that_kubernetes_may_have_taken_away_is_set_anew() -> None:
    pod = a_pod()
    drain = refused_drain(pod)
    step(drain, LATEST - MARK_SECONDS)
    marked(drain, pod, None, LATEST - 0.9)
    # The hook's timeout was prolonged meanwhile.
    later_at = DEADLINE_AT + 2 * STALE_SECONDS
    drain.step(T0 + LATEST - 0.5, later_at)
    answer(drain, pod, BLOCKED, LATEST - 0.5)
    again_at = T0 + LATEST + 2 * STALE_SECONDS - MARK_SECONDS
    decisions = [each for each in drain.step(again_at, later_at) if isinstance(each, MarkPod)]
    assert [each.condition.changed_at for each in decisions] == [again_at]
