"""The pods' side of a session: followed with one list and one watch, proven, replaced."""

from dataclasses import replace

import pytest

from nth.core.decisions import (
    Decision,
    EvictPod,
    FollowPods,
    ListPods,
    PodAnswered,
    PodChanged,
    PodsListed,
    ReadWanted,
    StopFollowing,
    Tell,
    WantedRead,
)
from nth.core.drain.drain import DrainRules
from nth.core.drain.evacuation import PROOF_RETRY_SECONDS, Evacuation
from nth.core.drain.follow_up import ANSWER_SECONDS, FOLLOW_SECONDS
from nth.core.facts import Pod, PodGone, PodScope, PodSeen, Wanted
from nth.core.reports import DrainEnded, Replaced, ReplacementEnded, Report
from nth.errors import Blocked, Unreachable
from tests.core.samples import NODE, T0, a_pod, owned_by

HERE = PodScope(node_name=NODE)
SHOP = PodScope(namespace="shop", label_selector="pod-template-hash in (abc)")
LATE_AT = T0 + 115
DOWN = Unreachable("connection refused")


def evicting(*pods: Pod) -> Evacuation:
    pods_of = Evacuation(NODE, DrainRules())
    pods_of.begin(T0, T0)
    pods_of.evict()
    pods_of.pods_listed(PodsListed(HERE, pods), T0)
    return pods_of


def step(pods: Evacuation, now: float, late_at: float = LATE_AT) -> list[Decision]:
    return pods.step(now, T0 + 120, late_at)


def reports(decisions: list[Decision]) -> list[Report]:
    return [each.report for each in decisions if isinstance(each, Tell)]


def gone(pods: Evacuation, pod: Pod, now: float) -> None:
    pods.pod_changed(PodChanged(HERE, PodGone(pod.ref)), now)


def ready_elsewhere(pod: Pod) -> PodSeen:
    ref = replace(pod.ref, name="new", uid="uid-new")
    return PodSeen(replace(pod, ref=ref, node_name="node-2", deleting_until_at=None))


def accept(pods: Evacuation, pod: Pod, now: float) -> None:
    assert EvictPod(pod, None) in step(pods, now)
    pods.pod_answered(PodAnswered(pod.ref, None), now, T0 + 120)


def test_pods_are_followed_once() -> None:
    pods = Evacuation(NODE, DrainRules())
    assert pods.begin(T0, T0) == [FollowPods(HERE)]
    assert pods.begin(T0, T0 + 1) == []
    assert pods.stop() == [StopFollowing(HERE)]
    assert pods.stop() == []


def test_nobody_is_asked_before_evictions_begin() -> None:
    pods = Evacuation(NODE, DrainRules())
    pods.begin(T0, T0)
    pods.pods_listed(PodsListed(HERE, (a_pod(),)), T0)
    assert step(pods, T0) == []
    assert pods.wake_at(T0 + 120, LATE_AT) is None
    pods.evict()
    assert step(pods, T0 + 1) == [EvictPod(a_pod(), None)]


def test_replacements_are_followed_from_the_first_list_on() -> None:
    pods = Evacuation(NODE, DrainRules())
    pods.begin(T0, T0)
    assert pods.pods_listed(PodsListed(HERE, (a_pod(),)), T0)[1:] == [FollowPods(SHOP)]
    assert pods.pods_listed(PodsListed(HERE, (a_pod(),)), T0 + 1) == []


def test_node_is_drained_only_on_proof() -> None:
    pod = a_pod()
    pods = evicting(pod)
    accept(pods, pod, T0)
    gone(pods, pod, T0 + 4)
    assert not pods.proven
    assert step(pods, T0 + 4) == [ListPods(HERE)]
    assert step(pods, T0 + 4) == []
    pods.pods_listed(PodsListed(HERE, ()), T0 + 4.1)
    assert pods.proven


def test_proof_that_finds_a_pod_is_no_proof() -> None:
    pods = evicting()
    assert step(pods, T0) == [ListPods(HERE)]
    pods.pods_listed(PodsListed(HERE, (a_pod(),)), T0 + 0.1)
    assert not pods.proven
    assert step(pods, T0 + 0.1) == [EvictPod(a_pod(), None)]


def test_list_from_a_cache_is_no_proof() -> None:
    pods = evicting()
    step(pods, T0)
    pods.pods_listed(PodsListed(HERE, (), fresh=False), T0 + 0.1)
    assert not pods.proven
    pods.pods_listed(PodsListed(HERE, ()), T0 + 0.2)
    assert pods.proven


def test_proof_that_could_not_be_had_is_asked_for_again() -> None:
    pods = evicting()
    step(pods, T0)
    pods.pods_listed(PodsListed(HERE, DOWN), T0 + 1)
    assert pods.wake_at(T0 + 120, LATE_AT) == T0 + 1 + PROOF_RETRY_SECONDS
    assert step(pods, T0 + 1.5) == []
    assert step(pods, T0 + 2) == [ListPods(HERE)]


def test_list_of_replacements_that_fails_is_no_news() -> None:
    pods = evicting(a_pod())
    assert pods.pods_listed(PodsListed(SHOP, DOWN), T0 + 1) == []


def test_pod_news_of_the_node_are_taken() -> None:
    pods = evicting(a_pod())
    pods.pod_changed(PodChanged(HERE, PodSeen(a_pod("late"))), T0 + 1)
    assert step(pods, T0 + 1) == [EvictPod(a_pod(), None), EvictPod(a_pod("late"), None)]


def test_pod_first_seen_after_a_lost_watch_is_no_newcomer() -> None:
    pods = evicting()
    now = T0 + 20
    pods.pods_listed(PodsListed(HERE, DOWN), now)
    pods.pods_listed(PodsListed(HERE, (a_pod(),)), now + 1)
    assert EvictPod(a_pod(), None) in step(pods, now + 1)


def test_failed_list_before_evictions_begin_changes_nothing() -> None:
    pods = Evacuation(NODE, DrainRules())
    pods.begin(T0, T0)
    assert pods.pods_listed(PodsListed(HERE, DOWN), T0) == []
    pods.evict()
    pods.pods_listed(PodsListed(HERE, (a_pod(),)), T0 + 60)
    assert step(pods, T0 + 60) == [EvictPod(a_pod(), None)]


def test_lateness_is_told_once_for_each_deadline() -> None:
    pods = evicting(a_pod(controller=None))
    assert pods.wake_at(T0 + 120, LATE_AT) == T0
    step(pods, T0)
    assert pods.wake_at(T0 + 120, LATE_AT) == LATE_AT
    assert step(pods, LATE_AT - 1) == []
    (told,) = reports(step(pods, LATE_AT))
    assert isinstance(told, DrainEnded)
    assert not told.drained
    assert (told.seconds, told.margin_seconds) == (115, 5)
    assert step(pods, LATE_AT + 1) == []
    assert pods.step(LATE_AT + 1, T0 + 118, LATE_AT + 2) == []
    moved = pods.step(LATE_AT + 2, T0 + 118, LATE_AT + 2)
    assert [type(told) for told in reports(moved)] == [DrainEnded]
    assert pods.step(LATE_AT + 3, T0 + 118, LATE_AT + 2) == []


def test_needs_W7_node_whose_pods_could_not_be_read_is_neither_drained_nor_late() -> None:
    pods = Evacuation(NODE, DrainRules())
    pods.begin(T0, T0)
    pods.evict()
    pods.pods_listed(PodsListed(HERE, DOWN), T0)
    assert step(pods, LATE_AT + 1) == []
    assert pods.wake_at(T0 + 120, LATE_AT) is None
    pods.pods_listed(PodsListed(HERE, (a_pod(controller=None),)), LATE_AT + 2)
    (told,) = reports(step(pods, LATE_AT + 2))
    assert isinstance(told, DrainEnded)
    assert not told.drained


def test_needs_W7_empty_node_is_not_called_drained_before_the_proof() -> None:
    pods = evicting()
    assert step(pods, LATE_AT) == [ListPods(HERE)]
    assert step(pods, LATE_AT + 1) == []


def test_late_news_of_an_ended_drain_say_nothing() -> None:
    pods = evicting()
    step(pods, T0)
    pods.pods_listed(PodsListed(HERE, ()), T0)
    assert pods.drained(T0, None, tell=True)[-1] == StopFollowing(HERE)
    assert pods.pods_listed(PodsListed(HERE, (a_pod(),)), T0 + 1) == []
    assert pods.pod_changed(PodChanged(HERE, PodSeen(a_pod())), T0 + 1) == []
    assert pods.proven
    assert not pods.moved_anything


def test_drained_says_so_unless_it_was_said() -> None:
    told = DrainEnded(left=(), evicted=0, forced=0, seconds=3, margin_seconds=None)
    assert evicting().drained(T0 + 3, None, tell=True) == [Tell(told), StopFollowing(HERE)]
    assert evicting().drained(T0 + 3, None, tell=False) == [StopFollowing(HERE)]


def test_replacements_are_told_when_the_last_one_is_back() -> None:
    pod = a_pod()
    pods = evicting(pod)
    pods.pods_listed(PodsListed(SHOP, (pod,)), T0)
    accept(pods, pod, T0)
    pods.pod_changed(PodChanged(SHOP, ready_elsewhere(pod)), T0 + 5)
    gone(pods, pod, T0 + 6)
    step(pods, T0 + 6)
    pods.pods_listed(PodsListed(HERE, ()), T0 + 6)
    assert step(pods, T0 + 6) == [
        Tell(ReplacementEnded(missing=(), controllers=1, seconds=6)),
        StopFollowing(SHOP),
    ]
    assert pods.wake_at(T0 + 120, LATE_AT) is None


def test_what_is_missing_is_told_while_there_is_time_and_followed_on() -> None:
    pod = a_pod()
    pods = evicting(pod)
    pods.pods_listed(PodsListed(SHOP, (pod,)), T0)
    accept(pods, pod, T0)
    gone(pods, pod, T0 + 3)
    step(pods, T0 + 3)
    pods.pods_listed(PodsListed(HERE, ()), T0 + 3)
    pods.drained(T0 + 3, T0 + 120, tell=True)
    assert pods.wake_at(T0 + 120, LATE_AT) == LATE_AT
    assert step(pods, T0 + 4) == []
    assert step(pods, LATE_AT) == [ReadWanted("shop", owned_by("ReplicaSet"))]
    pods.wanted_read(WantedRead(owned_by("ReplicaSet"), Wanted(pods=1)))
    assert pods.wake_at(T0 + 120, LATE_AT) == LATE_AT
    (told,) = reports(step(pods, LATE_AT))
    assert isinstance(told, ReplacementEnded)
    assert [missing.ready for missing in told.missing] == [0]
    # Until its deadline somebody may come back to the node.
    assert not told.final
    assert pods.wake_at(T0 + 120, LATE_AT) == T0 + 120
    assert step(pods, T0 + 120) == [StopFollowing(HERE)]
    at, decisions = LATE_AT, list[Decision]()
    while at < LATE_AT + FOLLOW_SECONDS:
        woken_at = pods.wake_at(T0 + 120, LATE_AT)
        assert woken_at is not None
        at = woken_at
        assert step(pods, at) == [ReadWanted("shop", owned_by("ReplicaSet"))]
        # The API server does not answer any more.
        assert step(pods, at + 0.5) == []
        decisions = step(pods, at + ANSWER_SECONDS)
    assert at == LATE_AT + FOLLOW_SECONDS
    (told,) = reports(decisions)
    assert isinstance(told, ReplacementEnded)
    assert told.final
    assert decisions[1:] == [StopFollowing(SHOP)]
    assert pods.wake_at(T0 + 120, LATE_AT) is None


def test_replacements_of_pods_that_left_by_themselves_are_not_waited_for() -> None:
    pod = a_pod()
    pods = evicting(pod)
    gone(pods, pod, T0)
    step(pods, T0)
    pods.pods_listed(PodsListed(HERE, ()), T0)
    assert step(pods, T0) == [StopFollowing(SHOP)]


def test_pod_that_was_terminating_already_is_replaced_too() -> None:
    pod = a_pod(deleting_until_at=T0 + 30, deletion_grace_seconds=30)
    pods = evicting(pod)
    pods.pods_listed(PodsListed(SHOP, (pod,)), T0)
    told = pods.pod_changed(PodChanged(SHOP, ready_elsewhere(pod)), T0 + 2)
    assert len(reports(told)) == 1


def test_ready_pod_elsewhere_is_what_a_budget_may_wait_for() -> None:
    pod = a_pod()
    pods = evicting(pod)
    step(pods, T0)
    pods.pod_answered(PodAnswered(pod.ref, Blocked("budget")), T0, T0 + 120)
    pods.pod_changed(PodChanged(SHOP, ready_elsewhere(pod)), T0 + 2)
    assert step(pods, T0 + 2) == []
    assert step(pods, T0 + 2.2) == [EvictPod(pod, None)]


@pytest.mark.parametrize(
    ("pod", "in_use"),
    [
        (a_pod(controller=owned_by("DaemonSet")), False),
        (a_pod(controller=owned_by("DaemonSet"), attached_storage=True), True),
        (a_pod(), True),
    ],
    ids=["daemon", "daemon with a volume", "a pod is left"],
)
def test_needs_W26_volumes_in_use(pod: Pod, in_use: bool) -> None:
    assert evicting(pod).volumes_in_use is in_use


def test_pod_that_was_bound_late_is_followed_too() -> None:
    pods = evicting(a_pod(controller=owned_by("Workflow", "one")))
    later = a_pod("web-9", controller=owned_by("Workflow", "two"))
    pods.pod_changed(PodChanged(HERE, PodSeen(later)), T0 + 1)
    step(pods, T0 + 1)
    decisions = pods.pod_answered(PodAnswered(later.ref, None), T0 + 1, T0 + 120)
    # Pods of that namespace are followed already: those of its controller have to be read.
    assert decisions[1:] == [ListPods(PodScope(namespace="shop"))]
    other = a_pod("web-8", controller=owned_by("ReplicaSet"))
    pods.pod_changed(PodChanged(HERE, PodSeen(other)), T0 + 2)
    step(pods, T0 + 2)
    assert pods.pod_answered(PodAnswered(other.ref, None), T0 + 2, T0 + 120)[1:] == [FollowPods(SHOP)]


def test_controller_whose_pods_could_not_be_listed_is_not_called_short_without_a_further_try() -> None:
    pods = evicting(a_pod(controller=owned_by("Workflow", "one")))
    later = a_pod("web-9", controller=owned_by("Workflow", "two"))
    all_of_shop = PodScope(namespace="shop")
    pods.pods_listed(PodsListed(all_of_shop, (a_pod(controller=owned_by("Workflow", "one")),)), T0)
    pods.pod_changed(PodChanged(HERE, PodSeen(later)), T0 + 1)
    step(pods, T0 + 1)
    pods.pod_answered(PodAnswered(later.ref, None), T0 + 1, T0 + 120)
    pods.pods_listed(PodsListed(all_of_shop, DOWN), T0 + 1)
    asked = step(pods, LATE_AT)
    assert ListPods(all_of_shop) in asked
    new = ready_elsewhere(later).pod
    told = pods.pods_listed(PodsListed(all_of_shop, (replace(new, created_at=T0 + 5),)), LATE_AT)
    assert [type(each) for each in reports(told)] == [Replaced]
