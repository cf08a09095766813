"""What a session says became of the pods that left, in the cases where it once said what was not so."""

from dataclasses import replace

import pytest

from nth.core.decisions import DeletePod, EvictPod, ReadWanted
from nth.core.facts import Pod, PodRef, Wanted
from nth.core.node.session import SessionRules
from nth.core.notices.events import RebalanceRecommendation
from nth.core.policy import Level, Policy
from nth.core.reports import NotReplaced, PodLeft, Replaced, ReplacementEnded
from nth.errors import ClusterError, Forbidden, Missing, Unreachable
from tests.core.samples import T0, a_pod, owned_by, rebalance, spot
from tests.core.world import Fault, Request, World, drained

WEB = owned_by("ReplicaSet")
DB = owned_by("StatefulSet", "db")
ENCODER = owned_by("Job", "encode")
INTERIM_SECONDS = 118.5
"""A little after the report of what is missing, of a Spot interruption."""
PENDING = "0/3 nodes are available: 3 Insufficient cpu."


def elsewhere(pod: Pod, name: str, **changes: object) -> Pod:
    """Another pod of its controller, on another node."""
    ref = PodRef(pod.ref.namespace, name, f"uid-of-{name}")
    moved = replace(pod, ref=ref, node_name="node-2")
    return replace(moved, **changes)  # type: ignore[arg-type]  # a test names the fields


def pending(pod: Pod, name: str) -> Pod:
    return elsewhere(pod, name, node_name="", phase="Pending", ready=False, pending_reason=PENDING)


DRAINING = SessionRules(policy=Policy(levels={RebalanceRecommendation: Level.DRAIN}))


def world_of(*pods: Pod, wanted: Wanted | ClusterError | None = None) -> World:
    """A world whose controllers make no pod by themselves, and answer so when they are asked."""
    world = World(pods, rules=DRAINING)
    world.wanted = {pod.controller.uid: wanted for pod in pods if pod.controller is not None}
    return world


def ends(world: World) -> list[ReplacementEnded]:
    return [each for each in world.told(ReplacementEnded) if isinstance(each, ReplacementEnded)]


def left(world: World) -> dict[str, PodLeft]:
    return {each.pod.ref.name: each for each in world.told(PodLeft) if isinstance(each, PodLeft)}


def webs(count: int) -> list[Pod]:
    return [a_pod(f"web-{number}") for number in range(count)]


# Nothing is claimed before it is known


def test_replacements_that_stay_pending_are_not_known_yet_and_told_to_their_end() -> None:
    pods = webs(2)
    world = world_of(*pods, wanted=Wanted(pods=2))
    for pod in pods:
        world.at(4, lambda pod=pod: world.add_pod(pending(pod, f"{pod.ref.name}-new")))  # type: ignore[misc]
    world.notice(spot())
    world.run(60, until=drained)
    world.run(INTERIM_SECONDS)
    # Its kubelet has shown each pod as finished and not Ready before it went.
    assert [each.pod.ready for each in left(world).values()] == [True, True]
    (soon,) = ends(world)
    assert (soon.final, soon.released, soon.controllers) == (False, (), 1)
    assert soon.missing == (
        NotReplaced(
            namespace="shop", controller=WEB, ready=0, before=2, wanted=2, reason=f"Pending: {PENDING}"
        ),
    )
    for pod in pods:
        new = elsewhere(pod, f"{pod.ref.name}-new")
        world.at(200, lambda new=new: world.add_pod(new))  # type: ignore[misc]
    world.run(250)
    (_, final) = ends(world)
    assert (final.final, final.missing, final.released) == (True, (), ())
    assert 200 < final.seconds < 201


def test_replacements_that_never_come_get_a_final_word_too() -> None:
    world = world_of(*webs(1), wanted=Wanted(pods=1))
    world.notice(spot())
    world.run(900)
    assert [(each.final, len(each.missing)) for each in ends(world)] == [(False, 1), (True, 1)]
    # No cause was seen: no new pod, and no reason for that.
    assert [each.missing[0].reason for each in ends(world)] == ["", ""]


def test_an_ordinary_drain_asks_no_controller() -> None:
    world = World([*webs(3), a_pod("db-0", controller=DB)])
    world.notice(spot())
    world.run(900)
    assert [(each.final, each.missing) for each in ends(world)] == [(True, ())]
    assert world.asked(ReadWanted) == []


def test_a_second_notice_does_not_end_what_is_said_of_the_first_drains_replacements() -> None:
    world = world_of(*webs(1), wanted=Wanted(pods=1))
    world.notice(rebalance())
    world.notice(spot(seconds=500), seconds=300)
    world.at(450, lambda: world.add_pod(elsewhere(a_pod("web-0"), "web-9")))
    world.run(460)
    assert [(each.final, len(each.missing)) for each in ends(world)] == [(False, 1), (True, 0)]


API = owned_by("ReplicaSet", "api")


@pytest.mark.parametrize("recovers", [True, False])
def test_a_replacement_that_was_ready_and_crashed_before_the_final_report_is_not_called_replaced(
    recovers: bool,
) -> None:
    web, api = a_pod("web-0"), a_pod("api-0", controller=API, labels={"pod-template-hash": "def"})
    world = world_of(web, api, wanted=Wanted(pods=1))
    new = elsewhere(web, "web-1")
    world.at(5, lambda: world.add_pod(new))
    world.at(20, lambda: world.add_pod(replace(new, ready=False)))
    world.at(200, lambda: world.add_pod(elsewhere(api, "api-1")))
    if recovers:
        world.at(300, lambda: world.add_pod(new))
    world.notice(spot())
    world.run(900)
    soon, final = ends(world)
    assert [(one.controller.name, one.ready) for one in soon.missing] == [("web", 0), ("api", 0)]
    assert [one.controller.name for one in final.missing] == ([] if recovers else ["web"])
    back = [each.controller.name for each in world.told(Replaced) if isinstance(each, Replaced)]
    assert back == ["web", "api", *(["web"] if recovers else [])]


# A StatefulSet, whatever its rollout does


def test_a_statefulset_whose_template_was_changed_has_its_pod_back() -> None:
    """Its updateStrategy may be OnDelete: then the old pod goes, and the new one has another revision."""
    pod = a_pod("db-1", controller=DB, labels=stateful_labels("db-1", "old"))
    world = world_of(pod, wanted=Wanted(pods=3))
    new = elsewhere(pod, "db-1", labels=stateful_labels("db-1", "new"))
    world.at(10, lambda: world.add_pod(new))
    world.notice(spot())
    world.run(60)
    assert len(world.told(Replaced)) == 1
    assert [(each.final, each.missing) for each in ends(world)] == [(True, ())]


@pytest.mark.parametrize(
    ("wanted", "is_released"),
    [
        (Wanted(pods=2), True),
        (Wanted(pods=3), False),
        (Wanted(pods=3, first_ordinal=1), False),
        (Wanted(pods=3, first_ordinal=5), True),
    ],
)
def test_a_statefulset_wants_a_pod_by_its_number(wanted: Wanted, is_released: bool) -> None:
    pod = a_pod("db-2", controller=DB, labels=stateful_labels("db-2", "old"))
    world = world_of(pod, wanted=wanted)
    world.notice(spot())
    world.run(INTERIM_SECONDS)
    (end,) = ends(world)
    assert [bool(end.missing), bool(end.released), end.final] == [not is_released, is_released, is_released]


def stateful_labels(name: str, revision: str) -> dict[str, str]:
    return {"statefulset.kubernetes.io/pod-name": name, "controller-revision-hash": revision}


# Controllers that want fewer pods, or are gone


def test_a_deployment_that_somebody_scaled_down_is_not_short() -> None:
    pods = webs(4)
    world = world_of(*pods, wanted=Wanted(pods=1))
    world.at(5, lambda: world.add_pod(elsewhere(pods[0], "web-9")))
    world.notice(spot())
    world.run(INTERIM_SECONDS)
    (end,) = ends(world)
    assert (end.final, end.missing) == (True, ())
    (released,) = end.released
    assert (released.ready, released.before, released.wanted, released.deleted) == (1, 4, 1, False)
    # Each is asked once, at the end.
    assert len(world.asked(ReadWanted)) == 1


def test_a_deployment_whose_rollout_goes_on_elsewhere_is_not_short() -> None:
    world = world_of(*webs(2), wanted=Wanted(pods=0))
    world.notice(spot())
    world.run(INTERIM_SECONDS)
    (end,) = ends(world)
    assert (end.final, end.missing, end.released[0].wanted) == (True, (), 0)


def test_a_deployment_that_was_deleted_is_not_short() -> None:
    world = world_of(*webs(2), wanted=Missing("not found"))
    world.notice(spot())
    world.run(INTERIM_SECONDS)
    (end,) = ends(world)
    assert (end.final, end.missing) == (True, ())
    (released,) = end.released
    assert (released.deleted, released.wanted) == (True, None)


def test_what_is_scaled_down_after_it_was_reported_as_short_is_released() -> None:
    world = world_of(*webs(2), wanted=Wanted(pods=2))
    world.notice(spot())
    world.at(130, lambda: world.wanted.update({WEB.uid: Wanted(pods=0)}))
    world.run(250)
    assert [(each.final, len(each.missing), len(each.released)) for each in ends(world)] == [
        (False, 1, 0),
        (True, 0, 1),
    ]


@pytest.mark.parametrize(
    "answer",
    [None, Forbidden("cannot get replicasets"), Unreachable("connection refused")],
    ids=["a kind that is not asked", "without the right", "no answer"],
)
def test_without_an_answer_it_is_not_known_how_many_are_wanted(answer: ClusterError | None) -> None:
    world = world_of(*webs(2), wanted=answer)
    world.notice(spot())
    world.run(900)
    assert [(each.final, each.released) for each in ends(world)] == [(False, ()), (True, ())]
    for end in ends(world):
        (missing,) = end.missing
        assert (missing.wanted, missing.deleted, missing.reason) == (None, False, "")
    # A right that is missing is not asked for again and again.
    assert (len(world.asked(ReadWanted)) == 1) is isinstance(answer, Forbidden)


def test_an_answer_that_does_not_come_delays_the_report_by_a_second_at_most() -> None:
    world = World(webs(1), slow_seconds=lambda request: 60.0 if isinstance(request, ReadWanted) else 0.0)
    world.wanted = {WEB.uid: Wanted(pods=0)}
    world.notice(spot())
    world.run(119)
    (end,) = ends(world)
    assert 117.5 < end.seconds <= 118.6
    assert not end.final


# Jobs


def job_pod(name: str = "encode-1") -> Pod:
    return a_pod(name, controller=ENCODER, labels={"batch.kubernetes.io/job-name": "encode"})


def test_a_jobs_pod_that_has_ended_well_is_not_missed() -> None:
    world = world_of(job_pod(), wanted=Wanted(pods=0))
    world.notice(spot())
    world.run(900)
    assert left(world)["encode-1"].pod.done
    assert ends(world) == []


def test_a_job_that_has_failed_is_said_to_have_failed() -> None:
    failed = Wanted(pods=0, failure="BackoffLimitExceeded")
    world = world_of(job_pod(), wanted=failed)
    world.final_phase = "Failed"
    world.notice(spot())
    world.run(900)
    (end,) = ends(world)
    (missing,) = end.missing
    assert (end.final, end.released) == (True, ())
    assert (missing.failed, missing.reason) == (True, failed.failure)
    assert left(world)["encode-1"].pod.phase == "Failed"


# Pods that come back to the node


def test_pods_that_came_back_to_the_node_replace_nothing() -> None:
    pod = a_pod("web-0")
    world = world_of(pod, wanted=Wanted(pods=1))
    for number in range(1, 5):
        back = replace(pod, ref=PodRef("shop", f"web-{number}", f"uid-back-{number}"))
        world.at(5.0 * number, lambda back=back: world.add_pod(back))  # type: ignore[misc]
    world.notice(spot())
    world.run(INTERIM_SECONDS)
    assert world.told(Replaced) == []
    (end,) = ends(world)
    # Those before it were asked to go once more.
    assert end.missing[0].reason == "1 of its pods came back to the node that goes away"


# After a restart of the handler


def terminating(pod: Pod, **changes: object) -> Pod:
    going = replace(pod, deleting_until_at=T0 + 30, deletion_grace_seconds=30)
    return replace(going, **changes)  # type: ignore[arg-type]  # a test names the fields


@pytest.mark.parametrize(
    "shown",
    [{}, {"ready": False, "phase": "Failed", "unready_since_at": T0 + 2}],
    ids=["still Ready", "in its final phase"],
)
def test_after_a_restart_terminating_pods_and_those_in_their_place_are_not_counted_twice(
    shown: dict[str, object],
) -> None:
    pods = webs(4)
    news = [elsewhere(pod, f"{pod.ref.name}-new", created_at=T0 + 1) for pod in pods]
    world = world_of(*(terminating(pod, **shown) for pod in pods), *news, wanted=Wanted(pods=4))
    world.notice(spot())
    world.run(INTERIM_SECONDS)
    (replaced,) = world.told(Replaced)
    assert isinstance(replaced, Replaced)
    assert replaced.ready == 4
    assert [(each.final, each.missing, each.released) for each in ends(world)] == [(True, (), ())]


def test_after_a_restart_replacements_that_are_not_ready_yet_are_waited_for() -> None:
    pods = webs(2)
    old = elsewhere(pods[0], "web-8", created_at=T0 - 1000)
    world = world_of(*(terminating(pod) for pod in pods), old, wanted=Wanted(pods=3))
    world.notice(spot())
    world.run(INTERIM_SECONDS)
    (end,) = ends(world)
    (missing,) = end.missing
    assert (missing.ready, missing.before, end.final) == (1, 3, False)


def test_a_pod_that_was_not_ready_before_it_was_deleted_is_not_missed() -> None:
    sick = terminating(a_pod(), ready=False, phase="Running", unready_since_at=T0 - 60)
    world = world_of(sick, wanted=Wanted(pods=1))
    world.notice(spot())
    world.run(900)
    assert ends(world) == []


# Who ended the pod


def delete(world: World, uid: str) -> None:
    """A person deletes the pod."""
    world.apply(DeletePod(world.pods[uid], 5))


def lose_answers(request: Request, now: float) -> Fault | None:
    return Fault(Unreachable("no answer"), applied=True) if isinstance(request, EvictPod) else None


def test_a_pod_whose_every_eviction_was_refused_left_by_itself() -> None:
    world = World([a_pod("web-0")], rules=DRAINING, blocked=lambda pod, now: True)
    world.notice(rebalance())
    world.at(20, lambda: delete(world, "uid-web-0"))
    world.run(60)
    assert len(world.asked(EvictPod)) > 2
    assert left(world)["web-0"].how == "by itself"
    # That it runs elsewhere again counts all the same.
    assert len(world.told(Replaced)) == 1


def test_a_pod_that_went_by_a_request_whose_answer_was_lost_was_evicted() -> None:
    world = World([a_pod("web-0")], faults=lose_answers)
    world.notice(spot())
    world.run(60)
    assert left(world)["web-0"].how == "evicted"


def test_a_pod_that_was_refused_and_deleted_past_its_budget_was_forced() -> None:
    world = World([a_pod("web-0")], blocked=lambda pod, now: True)
    world.notice(spot())
    world.run(119)
    assert world.asked(DeletePod) != []
    assert left(world)["web-0"].how == "forced"
