"""Whether the pods that left run elsewhere, counted pod by pod."""

from dataclasses import replace

from nth.core.drain.replacement import Replacement
from nth.core.facts import Pod, PodGone, PodRef, PodScope, PodSeen, Wanted
from nth.core.reports import NotReplaced, Replaced
from tests.core.samples import NODE, T0, a_pod, owned_by

SCOPE = PodScope(namespace="shop", label_selector="pod-template-hash in (abc)")
WEB = owned_by("ReplicaSet")


def of(*going: Pod) -> Replacement:
    replacement = Replacement(NODE)
    replacement.add(going)
    return replacement


def elsewhere(pod: Pod, name: str = "new", **changes: object) -> Pod:
    moved = replace(pod, ref=PodRef(pod.ref.namespace, name, f"uid-{name}"), node_name="node-2")
    return replace(moved, **changes)  # type: ignore[arg-type]  # a test names the fields


def test_scopes_are_one_per_namespace_and_kind() -> None:
    def pod(name: str, kind: str, namespace: str = "shop", **labels: str) -> Pod:
        return a_pod(name, namespace=namespace, controller=owned_by(kind, name), labels=labels)

    replacement = Replacement(NODE)
    new = replacement.add(
        [
            pod("a", "ReplicaSet", **{"pod-template-hash": "h2"}),
            pod("b", "ReplicaSet", **{"pod-template-hash": "h1"}),
            pod("c", "StatefulSet", **{"statefulset.kubernetes.io/pod-name": "c"}),
            pod("d", "Job", **{"batch.kubernetes.io/job-name": "j"}),
            pod("e", "Job", "other"),
            pod("f", "MyOperator", "other"),
        ]
    )
    assert new == replacement.scopes
    assert set(replacement.scopes) == {
        PodScope(namespace="shop", label_selector="pod-template-hash in (h1,h2)"),
        PodScope(namespace="shop", label_selector="statefulset.kubernetes.io/pod-name in (c)"),
        PodScope(namespace="shop", label_selector="batch.kubernetes.io/job-name in (j)"),
        PodScope(namespace="other"),
    }
    assert len(replacement.scopes) == 4


def test_pods_that_were_not_ready_or_have_no_controller_are_not_followed() -> None:
    replacement = of(a_pod(ready=False), a_pod("naked", controller=None))
    assert replacement.scopes == ()
    replacement.asked(a_pod("naked", controller=None), T0)
    replacement.asked(a_pod(ready=False), T0)
    assert replacement.controllers == 0


def test_controller_has_its_pods_back_when_as_many_are_ready_elsewhere() -> None:
    here, there = a_pod(), elsewhere(a_pod(), "there")
    replacement = of(here)
    assert replacement.listed(SCOPE, [here, there], T0) == []
    replacement.asked(here, T0 + 1)
    replacement.asked(here, T0 + 2)
    new = elsewhere(here, ready=False)
    assert replacement.changed(SCOPE, PodSeen(new), T0 + 3) == []
    told = replacement.changed(SCOPE, PodSeen(replace(new, ready=True)), T0 + 9)
    assert told == [Replaced(namespace="shop", controller=WEB, ready=2, seconds=8)]
    assert replacement.changed(SCOPE, PodSeen(replace(new, ready=True)), T0 + 10) == []
    assert replacement.controllers == 1
    assert replacement.missing() == ()


def test_nobody_is_replaced_before_it_was_asked_to_go() -> None:
    here = a_pod()
    replacement = of(here)
    replacement.listed(SCOPE, [here], T0)
    assert replacement.changed(SCOPE, PodSeen(elsewhere(here)), T0 + 1) == []


def test_list_after_a_lost_watch_counts_as_well() -> None:
    here = a_pod()
    replacement = of(here)
    replacement.listed(SCOPE, [here], T0)
    replacement.asked(here, T0)
    told = replacement.listed(SCOPE, [elsewhere(here)], T0 + 5)
    assert told == [Replaced(namespace="shop", controller=WEB, ready=1, seconds=5)]


def test_finished_pod_of_a_job_counts() -> None:
    job = a_pod(controller=owned_by("Job"), labels={})
    replacement = of(job)
    scope = PodScope(namespace="shop")
    replacement.listed(scope, [job], T0)
    replacement.asked(job, T0)
    done = elsewhere(job, ready=False, phase="Succeeded")
    assert len(replacement.changed(scope, PodSeen(done), T0 + 5)) == 1


def test_pods_of_others_and_pods_that_leave_say_nothing() -> None:
    here = a_pod()
    replacement = of(here)
    replacement.asked(here, T0)
    strangers = [
        elsewhere(here, "a", controller=owned_by("ReplicaSet", "other")),
        elsewhere(here, "b", controller=None),
        elsewhere(here, "c", deleting_until_at=T0 + 30),
    ]
    for pod in strangers:
        assert replacement.changed(SCOPE, PodSeen(pod), T0 + 1) == []
    assert replacement.changed(SCOPE, PodGone(here.ref), T0 + 2) == []
    assert replacement.changed(SCOPE, PodGone(here.ref), T0 + 2) == []


def missing_after(*others: Pod) -> NotReplaced:
    here = a_pod()
    replacement = of(here)
    replacement.listed(SCOPE, [here], T0)
    replacement.asked(here, T0)
    for other in others:
        replacement.changed(SCOPE, PodSeen(other), T0 + 5)
    (missing,) = replacement.missing()
    return missing


def test_what_is_missing_and_why() -> None:
    pending = elsewhere(
        a_pod(), phase="Pending", ready=False, pending_reason="0/3 nodes are available: too many pods."
    )
    assert missing_after(pending) == NotReplaced(
        namespace="shop",
        controller=WEB,
        ready=0,
        before=1,
        reason="Pending: 0/3 nodes are available: too many pods.",
    )
    assert missing_after(elsewhere(a_pod(), ready=False)).reason == "1 of its pods not Ready yet"
    assert missing_after().reason == ""


def test_pods_that_could_not_be_read() -> None:
    here = a_pod()
    replacement = of(here)
    assert replacement.missing() == ()
    replacement.asked(here, T0)
    assert [each.reason for each in replacement.missing()] == ["its pods could not be read"]


# Pods that are nobody's replacement


def test_a_pod_that_was_there_before_and_gets_ready_only_now_replaces_none() -> None:
    here = a_pod()
    starting = elsewhere(here, "starting", ready=False, created_at=T0 - 60)
    replacement = of(here)
    replacement.listed(SCOPE, [here, starting], T0)
    replacement.asked(here, T0)
    replacement.changed(SCOPE, PodSeen(elsewhere(here, ready=False, phase="Pending")), T0 + 1)
    assert replacement.changed(SCOPE, PodSeen(replace(starting, ready=True)), T0 + 5) == []
    (short,) = replacement.missing()
    assert (short.ready, short.before) == (1, 2)
    (told,) = replacement.changed(SCOPE, PodSeen(elsewhere(here)), T0 + 9)
    assert told.ready == 2


def leaving(pod: Pod, at: float) -> Pod:
    return replace(pod, deleting_until_at=at + 30, deletion_grace_seconds=30)


def test_a_pod_in_the_place_of_one_that_leaves_another_node_replaces_none_here() -> None:
    """In a storm, the pods of one controller leave two nodes before their list is read."""
    here = a_pod()
    other = leaving(elsewhere(here, "other"), T0 + 1)
    first = elsewhere(here, "first", ready=False, created_at=T0 + 1)
    second = elsewhere(here, "second", ready=False, created_at=T0 + 1)
    replacement = of(here)
    replacement.asked(here, T0 + 1)
    replacement.listed(SCOPE, [leaving(here, T0 + 1), other, first, second], T0 + 1.1)
    assert replacement.changed(SCOPE, PodSeen(replace(first, ready=True)), T0 + 5) == []
    (short,) = replacement.missing()
    assert (short.ready, short.before) == (1, 2)
    (told,) = replacement.changed(SCOPE, PodSeen(replace(second, ready=True)), T0 + 9)
    assert told.ready == 2


def test_a_pod_that_leaves_another_node_and_has_been_replaced_is_not_missed_here() -> None:
    here = a_pod()
    other = leaving(elsewhere(here, "other"), T0 - 20)
    in_its_place = elsewhere(here, "in-its-place", created_at=T0 - 20)
    replacement = of(here)
    replacement.listed(SCOPE, [here, other, in_its_place], T0)
    replacement.asked(here, T0)
    (told,) = replacement.changed(SCOPE, PodSeen(elsewhere(here)), T0 + 9)
    assert told.ready == 2


def test_a_jobs_pod_that_has_done_its_work_elsewhere_is_not_counted_as_ready() -> None:
    here = a_pod(controller=owned_by("Job"), labels={})
    scope, other = PodScope(namespace="shop"), elsewhere(here, "other")
    replacement = of(here)
    replacement.listed(scope, [here, other], T0)
    replacement.asked(here, T0)
    replacement.changed(scope, PodSeen(replace(other, ready=False, phase="Succeeded")), T0 + 5)
    (short,) = replacement.missing()
    assert (short.ready, short.before) == (0, 1)


def test_of_pods_that_are_pending_for_many_reasons_a_few_are_given_and_the_rest_counted() -> None:
    here = a_pod()
    replacement = of(here)
    replacement.asked(here, T0)
    waiting = [
        elsewhere(
            here, f"new-{n}", node_name="", ready=False, phase="Pending", pending_reason=f"no room for {n}"
        )
        for n in range(9)
    ]
    replacement.listed(SCOPE, waiting, T0 + 1)
    (short,) = replacement.missing()
    assert short.reason == "Pending: no room for 0; no room for 1; no room for 2; and 6 more reasons"


def of_db(number: int, **changes: object) -> Pod:
    name = f"db-{number}"
    label = {"statefulset.kubernetes.io/pod-name": name}
    pod = a_pod(name, controller=owned_by("StatefulSet", "db"), labels=label)
    return replace(pod, **changes)  # type: ignore[arg-type]  # a test names the fields


def test_a_pod_of_a_stateful_set_that_gets_ready_before_it_is_asked_is_followed_like_the_first() -> None:
    replacement = Replacement(NODE)
    zero, one = of_db(0), of_db(1)
    (scope,) = replacement.add([zero, replace(one, ready=False)])
    assert scope.label_selector == "statefulset.kubernetes.io/pod-name in (db-0,db-1)"
    replacement.listed(scope, [zero, one], T0)
    assert replacement.asked(zero, T0) == ()
    assert replacement.asked(one, T0 + 1) == ()
    assert replacement.changed(scope, PodSeen(elsewhere(zero, "db-0")), T0 + 5) == []
    (back,) = replacement.changed(scope, PodSeen(elsewhere(one, "db-1")), T0 + 6)
    assert back.ready == 2


def test_one_that_never_was_ready_is_not_missed_and_replaces_none() -> None:
    replacement = Replacement(NODE)
    zero, one = of_db(0), of_db(1, ready=False)
    (scope,) = replacement.add([zero, one])
    replacement.listed(scope, [zero, one], T0)
    replacement.asked(zero, T0)
    replacement.asked(one, T0)
    assert replacement.changed(scope, PodSeen(elsewhere(of_db(1), "db-1")), T0 + 5) == []
    (back,) = replacement.changed(scope, PodSeen(elsewhere(zero, "db-0")), T0 + 6)
    assert back.ready == 1


def test_of_a_stateful_set_that_was_scaled_down_the_pods_that_left_and_are_wanted_are_counted() -> None:
    replacement = Replacement(NODE)
    pods = [of_db(0), of_db(2)]
    (scope,) = replacement.add(pods)
    replacement.listed(scope, pods, T0)
    for pod in pods:
        replacement.asked(pod, T0)
    replacement.wanted_read(pods[0].controller, Wanted(pods=2))  # type: ignore[arg-type]  # it has one
    (short,) = replacement.missing()
    assert (short.ready, short.before, short.wanted) == (0, 2, 1)


def test_of_a_stateful_set_only_the_pods_that_leave_are_counted_also_without_their_label() -> None:
    replacement = Replacement(NODE)
    zero, two = of_db(0, labels={}), elsewhere(of_db(2, labels={}), "db-2")
    (scope,) = replacement.add([zero])
    assert not scope.label_selector
    replacement.listed(scope, [zero, two], T0)
    replacement.asked(zero, T0)
    (back,) = replacement.changed(scope, PodSeen(elsewhere(zero, "db-0")), T0 + 6)
    assert back.ready == 1
