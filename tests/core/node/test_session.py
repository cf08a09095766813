"""One node from the notice to the end, played in virtual time."""

from dataclasses import replace

import pytest

from nth.core.decisions import DeletePod, EvictPod, FollowPods, ListPods, PatchNode, ReadNode, Woken
from nth.core.drain.drain import DrainRules
from nth.core.drain.pod_filter import PodRules
from nth.core.facts import Node, Taint
from nth.core.node.event_ledger import MarkRules
from nth.core.node.mark_timeout import MARK_TIMEOUT_SECONDS
from nth.core.node.node_annotation import Marks, NodeRecord, Seen, encode, record_of
from nth.core.node.phases import Phase
from nth.core.node.session import Session, SessionRules
from nth.core.notices.events import Noticed, RebalanceRecommendation, Withdrawn
from nth.core.policy import Level, Policy
from nth.core.reports import (
    DrainEnded,
    NodeChangeRefused,
    NodeMarked,
    NodeRestored,
    NoticeReceived,
    NoticeWithdrawn,
    PodForced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    SessionEnded,
    SessionResumed,
    Trouble,
    TroubleOver,
)
from nth.core.trouble import FORBIDDEN_SECONDS
from nth.errors import Forbidden, Rejected, Unreachable
from tests.core.samples import (
    ASG_TAINT,
    NODE,
    REBALANCE_TAINT,
    SCHEDULED_TAINT,
    SPOT_TAINT,
    T0,
    a_node,
    a_pod,
    asg,
    owned_by,
    rebalance,
    scheduled,
    spot,
    taint_keys,
)
from tests.core.world import Fault, Request, World, drained, ended

ALL_MARKS = MarkRules(taint_node=True, exclude_from_load_balancers=True, out_of_service_taint=True)
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
ACTION, ACTION_TIME = "aws-node-termination-handler/action", "aws-node-termination-handler/action-time"


def cancelled(notice: Noticed) -> Withdrawn:
    return Withdrawn(event_id=notice.event.event_id, reason="AWS has cancelled it")


def node_of(world: World) -> Node:
    assert world.node is not None
    return world.node


def is_restored(world: World, was: Node | None = None) -> bool:
    return replace(node_of(world), resource_version="1") == (was or a_node())


# The main way


def test_S1_spot_interruption_from_notice_to_replaced() -> None:
    world = World([a_pod("a"), a_pod("b"), a_pod("logs", controller=owned_by("DaemonSet"))])
    world.notice(spot())
    world.run(20)
    assert world.phases == [Phase.WAITING, Phase.MARKING, Phase.DRAINING, Phase.DRAINED]
    assert set(world.pods) == {"uid-logs", "uid-a-new", "uid-b-new"}
    assert node_of(world).unschedulable
    (ended_drain,) = world.told(DrainEnded)
    assert isinstance(ended_drain, DrainEnded)
    assert (ended_drain.drained, ended_drain.evicted, ended_drain.forced) == (True, 2, 0)
    assert len(world.told(Replaced)) == 1
    (replaced,) = world.told(ReplacementEnded)
    assert isinstance(replaced, ReplacementEnded)
    assert replaced.missing == ()
    assert replaced.seconds < 6


def test_A11_node_is_cordoned_before_the_first_eviction() -> None:
    world = World([a_pod()])
    world.notice(spot())
    world.run(20)
    requests = [type(each) for _, each in world.asked(ReadNode, PatchNode, EvictPod, ListPods)]
    assert requests[:3] == [ReadNode, PatchNode, EvictPod]


def test_drain_of_many_pods_costs_one_list_one_watch_and_one_request_a_pod() -> None:
    world = World([a_pod(f"pod-{number}") for number in range(30)])
    world.notice(spot())
    world.run(20)
    assert len(world.asked(EvictPod)) == 30
    assert world.requests <= 36


def test_needs_W7_nothing_is_called_drained_before_the_pods_were_read() -> None:
    world = World([a_pod()])
    world.notice(spot())
    world.at(0, lambda: world.lose_watches(30))
    world.run(29)
    assert world.session.phase is Phase.DRAINING
    assert not world.told(DrainEnded)
    world.run(60)
    assert drained(world)
    assert len(world.asked(EvictPod)) == 1


@pytest.mark.parametrize(
    ("notice", "taint"),
    [
        (spot(), SPOT_TAINT),
        (scheduled(), SCHEDULED_TAINT),
        (asg(), ASG_TAINT),
    ],
    ids=["S1", "S5", "S8"],
)
def test_S1_S5_S8_A5_A6_A7_each_kind_drains_and_taints(notice: Noticed, taint: str) -> None:
    world = World([a_pod()], rules=SessionRules(marks=MarkRules(taint_node=True)))
    world.notice(notice)
    world.run(20)
    assert drained(world)
    assert taint_keys(node_of(world)) == {taint}


def test_S3_A8_rebalance_only_cordons() -> None:
    world = World([a_pod()], rules=SessionRules(marks=MarkRules(taint_node=True)))
    world.notice(rebalance())
    world.run(300)
    assert world.session.phase is Phase.CORDONED
    assert taint_keys(node_of(world)) == {REBALANCE_TAINT}
    assert not world.asked(EvictPod)
    assert FollowPods not in {type(each) for _, each in world.log}
    assert not world.session.busy


def test_S3_rebalance_drains_when_asked_and_never_forces() -> None:
    rules = SessionRules(policy=Policy(levels={RebalanceRecommendation: Level.DRAIN}))
    world = World([a_pod()], rules=rules, blocked=lambda pod, now: True)
    world.notice(rebalance())
    world.run(300)
    assert not world.asked(DeletePod)
    (late,) = world.told(DrainEnded)
    assert isinstance(late, DrainEnded)
    assert late.margin_seconds is None
    assert late.seconds == pytest.approx(120, abs=0.1)


def test_A11_cordon_only_never_drains() -> None:
    world = World([a_pod()], rules=SessionRules(policy=Policy(cordon_only=True), marks=ALL_MARKS))
    world.notice(spot())
    world.run(300)
    assert world.session.phase is Phase.CORDONED
    assert not world.asked(EvictPod)
    assert OUT_OF_SERVICE not in taint_keys(node_of(world))


def test_P12_scheduled_event_waits_for_its_start_by_setting() -> None:
    world = World([a_pod()], rules=SessionRules(policy=Policy(scheduled_at_start=True)))
    world.notice(scheduled(3600))
    world.run(3479)
    assert world.session.phase is Phase.WAITING
    assert not world.requests
    assert not world.session.busy
    world.run(3500)
    assert drained(world)


def test_P12_drain_waits_until_the_nodes_grace_before_the_deadline() -> None:
    world = World([a_pod()], rules=SessionRules(policy=Policy(node_grace_seconds=60)))
    world.notice(spot())
    world.run(100)
    assert [at for at, _ in world.asked(EvictPod)] == [pytest.approx(60, abs=0.1)]
    assert node_of(world).unschedulable


# Force and lateness


def test_needs_W13_blocked_pod_is_forced_at_its_latest_moment() -> None:
    world = World([a_pod()], blocked=lambda pod, now: True)
    world.notice(spot())
    world.run(120)
    assert [at for at, _ in world.asked(DeletePod)] == [pytest.approx(85)]
    assert len(world.told(PodForced)) == 1
    assert drained(world)


def test_pod_that_is_held_is_told_while_there_is_time_to_tell() -> None:
    world = World([a_pod(finalizers=("x.io/hold",))])
    world.notice(spot())
    world.run(200)
    (late,) = world.told(DrainEnded)
    assert isinstance(late, DrainEnded)
    assert [left.reason for left in late.left] == ["terminating, held by its finalizers x.io/hold"]
    assert late.margin_seconds == pytest.approx(2.5)
    assert world.session.phase is Phase.DRAINING


def test_drain_that_ends_late_says_both() -> None:
    world = World([a_pod(grace_seconds=600)], rules=SessionRules(drain=DrainRules(force=False)))
    world.notice(spot(10))
    world.at(0.5, lambda: None)
    world.run(60)
    ends = [each.drained for each in world.told(DrainEnded) if isinstance(each, DrainEnded)]
    assert ends == [True]


def test_notice_that_comes_too_late_is_tried_before_it_is_called_missed() -> None:
    world = World([a_pod(grace_seconds=30)], stop_seconds=lambda pod: 0.3)
    world.notice(spot(-5))
    world.run(10)
    assert [each.drained for each in world.told(DrainEnded) if isinstance(each, DrainEnded)] == [True]
    (eviction,) = world.asked(EvictPod)
    assert isinstance(eviction[1], EvictPod)
    # Its own: nobody knows how long the machine still has.
    assert eviction[1].grace_seconds is None


def test_event_that_tightens_the_deadline_ends_a_pod_that_is_going_at_the_limit() -> None:
    world = World([a_pod(grace_seconds=600)], stop_seconds=lambda pod: 600)
    world.notice(scheduled(3600))
    world.notice(spot(120), seconds=10)
    world.run(130)
    (cut,) = world.asked(DeletePod)
    assert cut[0] == pytest.approx(115)
    assert isinstance(cut[1], DeletePod)
    assert cut[1].grace_seconds == 1
    assert drained(world)


# Marks


def test_A4_A9_needs_W26_marks_of_a_drained_node() -> None:
    world = World([a_pod()], rules=SessionRules(marks=ALL_MARKS))
    world.notice(spot())
    world.run(1)
    assert taint_keys(node_of(world)) == {SPOT_TAINT}
    world.run(20)
    assert taint_keys(node_of(world)) == {SPOT_TAINT, OUT_OF_SERVICE}
    assert "node.kubernetes.io/exclude-from-external-load-balancers" in node_of(world).labels


def test_A9_needs_W26_no_out_of_service_taint_while_a_volume_is_in_use() -> None:
    daemon = a_pod("csi", controller=owned_by("DaemonSet"), attached_storage=True)
    world = World([a_pod(), daemon], rules=SessionRules(marks=ALL_MARKS))
    world.notice(spot())
    world.run(60)
    assert drained(world)
    assert taint_keys(node_of(world)) == {SPOT_TAINT}


def test_A9_needs_W26_no_out_of_service_taint_while_a_pod_is_in_the_way() -> None:
    rules = SessionRules(marks=ALL_MARKS, drain=DrainRules(pods=PodRules(ignore_daemon_sets=False)))
    world = World([a_pod("logs", controller=owned_by("DaemonSet"))], rules=rules)
    world.notice(spot())
    world.run(60)
    (told,) = world.told(DrainEnded)
    assert isinstance(told, DrainEnded)
    assert not told.drained
    assert OUT_OF_SERVICE not in taint_keys(node_of(world))


def test_S7_A1_reboot_labels_are_there_before_the_drain() -> None:
    world = World([a_pod()])
    world.notice(scheduled())
    world.run(1)
    assert node_of(world).labels[ACTION] == "UncordonAfterReboot"
    assert node_of(world).labels[ACTION_TIME] == str(int(T0))


def test_needs_W32_refused_taint_delays_nothing() -> None:
    def no_taints(request: Request, now: float) -> Fault | None:
        return Fault(Rejected("no taints")) if "'taints': [" in str(request) else None

    world = World([a_pod()], rules=SessionRules(marks=ALL_MARKS), faults=no_taints)
    world.notice(spot())
    world.run(10)
    assert drained(world)
    assert world.asked(EvictPod)[0][0] < 0.1
    assert node_of(world).unschedulable
    assert len(world.told(NodeChangeRefused)) <= 2


def test_needs_W32_doomed_node_that_cannot_be_marked_is_drained_all_the_same() -> None:
    def no_patches(request: Request, now: float) -> Fault | None:
        return Fault(Unreachable("timed out")) if isinstance(request, PatchNode) else None

    world = World([a_pod()], faults=no_patches)
    world.notice(spot())
    world.run(60)
    assert drained(world)
    assert world.asked(EvictPod)[0][0] == pytest.approx(MARK_TIMEOUT_SECONDS, abs=0.1)


def test_needs_W32_while_the_api_server_is_silent_patience_does_not_run_out() -> None:
    """Or the evicted pods would come back to a node that is cordoned a moment later."""

    def silence(request: Request, now: float) -> Fault | None:
        return Fault(Unreachable("timed out")) if now < T0 + 20 else None

    world = World([a_pod()], faults=silence)
    world.notice(spot())
    world.at(0, lambda: world.lose_watches(20))
    world.run(60)
    assert drained(world)
    requests = [type(each) for at, each in world.asked(PatchNode, EvictPod) if at > 20]
    assert requests[:2] == [PatchNode, EvictPod]
    assert world.asked(EvictPod)[0][0] < 21


def test_pods_that_come_back_to_an_uncordoned_node_are_not_evicted_over_and_over() -> None:
    def no_patches(request: Request, now: float) -> Fault | None:
        return Fault(Rejected("no")) if isinstance(request, PatchNode) and now < T0 + 20 else None

    world = World([a_pod("first")], faults=no_patches)
    world.notice(spot())
    world.at(2, lambda: world.add_pod(a_pod("back")))
    world.run(19)
    assert [each.pod.ref.name for _, each in world.asked(EvictPod) if isinstance(each, EvictPod)] == ["first"]
    (ended_drain,) = world.told(DrainEnded)
    assert isinstance(ended_drain, DrainEnded)
    assert [left.ref.name for left in ended_drain.left] == ["back"]
    world.run(60)
    assert node_of(world).unschedulable
    assert [each.pod.ref.name for _, each in world.asked(EvictPod) if isinstance(each, EvictPod)] == [
        "first",
        "back",
    ]
    assert drained(world)


def test_node_that_may_not_be_marked_is_drained_soon() -> None:
    def no_patches(request: Request, now: float) -> Fault | None:
        return Fault(Forbidden("no rule")) if isinstance(request, PatchNode) else None

    world = World([a_pod()], faults=no_patches)
    world.notice(spot())
    world.run(60)
    assert world.asked(EvictPod)[0][0] == pytest.approx(FORBIDDEN_SECONDS, abs=0.5)
    assert drained(world)


def test_S3_without_a_deadline_nobody_is_evicted_from_an_unmarked_node() -> None:
    def no_patches(request: Request, now: float) -> Fault | None:
        return Fault(Unreachable("timed out")) if isinstance(request, PatchNode) else None

    rules = SessionRules(policy=Policy(levels={RebalanceRecommendation: Level.DRAIN}))
    world = World([a_pod()], rules=rules, faults=no_patches)
    world.notice(rebalance())
    world.run(60)
    assert world.session.phase is Phase.MARKING
    assert not world.asked(EvictPod)
    assert world.session.busy


# Several events


def test_P12_needs_W25_repeated_notice_is_no_event() -> None:
    world = World([a_pod()])
    for seconds in range(0, 60, 2):
        world.notice(asg(), seconds=seconds)
    world.run(60)
    assert len(world.told(NoticeReceived)) == 1
    assert len(world.asked(EvictPod)) == 1


def test_needs_W10_second_event_joins_the_drain() -> None:
    world = World([a_pod(grace_seconds=5)], blocked=lambda pod, now: True)
    world.notice(scheduled(3600))
    world.notice(spot(60), seconds=10)
    world.run(60)
    assert [at for at, _ in world.asked(DeletePod)] == [pytest.approx(50)]
    record = record_of(node_of(world))
    assert record is not None
    assert [seen.event for seen in record.events] == [scheduled(3600).event, spot(60).event]
    assert record.deadline_at == T0 + 60


def test_event_after_the_drain_looks_again_and_is_not_told_twice() -> None:
    world = World([a_pod()])
    world.notice(rebalance(), scheduled(3600))
    world.run(20)
    world.edit_node(lambda node: replace(node, unschedulable=False))
    world.notice(spot(), seconds=20)
    world.run(40)
    assert drained(world)
    assert node_of(world).unschedulable
    assert len(world.told(DrainEnded)) == 1
    assert len(world.told(PodsOnNode)) == 2


def test_event_after_the_drain_moves_what_came_since() -> None:
    world = World()
    world.notice(spot())
    world.run(20)
    world.add_pod(a_pod("late"))
    world.notice(scheduled(), seconds=21)
    world.run(40)
    assert drained(world)
    assert len(world.asked(EvictPod)) == 1
    assert len(world.told(DrainEnded)) == 2


def test_level_drops_when_one_of_two_events_is_withdrawn() -> None:
    world = World([a_pod()], blocked=lambda pod, now: True)
    world.notice(rebalance(), spot())
    world.notice(cancelled(spot()), seconds=20)
    world.run(300)
    assert world.session.phase is Phase.CORDONED
    assert not world.asked(DeletePod)
    assert max(at for at, _ in world.asked(EvictPod)) < 20
    assert node_of(world).unschedulable
    assert world.session.wake_at is None


def test_drain_that_was_called_off_is_taken_up_again_by_the_next_event() -> None:
    world = World([a_pod()], blocked=lambda pod, now: now < 30)
    world.notice(rebalance(), spot())
    world.notice(cancelled(spot()), seconds=20)
    world.notice(spot(200, "spot-itn-2"), seconds=80)
    world.run(100)
    assert drained(world)


# Withdrawn


def test_P16_S6_cancelled_event_is_undone() -> None:
    was = a_node(labels={"kept": "yes"}, taints=(Taint("dedicated", "NoSchedule"),))
    world = World([a_pod()], node=was, rules=SessionRules(marks=ALL_MARKS))
    world.notice(scheduled())
    world.notice(cancelled(scheduled()), seconds=30)
    world.run(60)
    assert ended(world)
    assert is_restored(world, was)
    assert [type(each) for each in world.told(NoticeWithdrawn, NodeRestored, SessionEnded)] == [
        NoticeWithdrawn,
        NodeRestored,
        SessionEnded,
    ]
    assert world.session.wake_at is None


def test_P16_other_events_keep_the_node_marked() -> None:
    world = World()
    world.notice(scheduled(), rebalance())
    world.notice(cancelled(scheduled()), seconds=30)
    world.run(60)
    assert node_of(world).unschedulable
    assert not ended(world)


def test_needs_W24_cordon_made_by_a_human_before_us_survives() -> None:
    was = a_node(unschedulable=True)
    world = World(node=was)
    world.notice(scheduled())
    world.notice(cancelled(scheduled()), seconds=30)
    world.run(60)
    assert is_restored(world, was)
    assert ACTION not in node_of(world).labels


def test_withdrawal_of_an_unknown_event_is_nothing() -> None:
    world = World()
    world.notice(rebalance())
    world.notice(cancelled(spot()), seconds=5)
    world.run(10)
    assert not world.told(NoticeWithdrawn)


def test_event_while_undoing_is_taken_up_at_once() -> None:
    world = World([a_pod()])
    world.notice(scheduled())
    world.notice(cancelled(scheduled()), seconds=30)
    world.notice(spot(), seconds=30.005)
    world.run(60)
    assert drained(world)
    assert node_of(world).unschedulable
    record = record_of(node_of(world))
    assert record is not None
    assert record.marks.cordoned
    assert not world.told(SessionEnded)


def test_same_event_again_after_its_withdrawal_is_acted_on_again() -> None:
    world = World()
    world.notice(scheduled())
    world.notice(cancelled(scheduled()), seconds=30)
    world.notice(scheduled(), seconds=30.005)
    world.run(60)
    assert drained(world)
    assert len(world.told(NoticeReceived)) == 2


def test_withdrawn_before_the_mark_was_answered_is_undone_and_told_in_order() -> None:
    world = World(know_node=True)
    world.notice(scheduled())
    world.notice(cancelled(scheduled()), seconds=0.005)
    world.run(10)
    assert is_restored(world)
    assert [type(each) for each in world.told(NodeMarked, NodeRestored)] == [NodeMarked, NodeRestored]


def test_needs_W24_refused_undo_is_tried_until_it_is_done() -> None:
    def no_undo(request: Request, now: float) -> Fault | None:
        refused = isinstance(request, PatchNode) and T0 + 20 < now < T0 + 100
        return Fault(Rejected("no")) if refused else None

    world = World(faults=no_undo)
    world.notice(scheduled())
    world.notice(cancelled(scheduled()), seconds=30)
    world.run(90)
    assert world.session.busy
    world.run(400)
    assert ended(world)
    assert is_restored(world)


# Restarts


def test_resumed_session_goes_on_where_it_was() -> None:
    world = World([a_pod()], blocked=lambda pod, now: now < 20)
    world.notice(spot())
    world.at(10, world.kill)
    world.run(60)
    assert drained(world)
    (resumed,) = world.told(SessionResumed)
    (received,) = world.told(NoticeReceived)
    assert isinstance(received, NoticeReceived)
    assert resumed == SessionResumed(event_ids=("spot-itn-1",), notices=((T0, received),))
    assert world.session.session_id == "session-0"


def test_resumed_session_of_a_drained_node_says_nothing_twice() -> None:
    world = World([a_pod()])
    world.notice(spot())
    world.at(30, world.kill)
    world.run(60)
    assert drained(world)
    assert len(world.told(DrainEnded)) == 1
    assert len(world.accepted) == 1


def test_A16_node_is_given_back_after_the_reboot() -> None:
    world = World([a_pod()], rules=SessionRules(marks=ALL_MARKS))
    world.notice(scheduled())
    world.at(300, lambda: world.kill(booted_at=T0 + 200))
    world.run(400)
    assert not node_of(world).unschedulable
    assert not node_of(world).taints
    assert not node_of(world).labels
    # The event is still listed: remembered, and not acted on again.
    assert world.session.phase is Phase.UNDOING
    assert record_of(node_of(world)) == NodeRecord(session_id="session-0", finished=("instance-event-1",))
    assert world.session.wake_at is None
    assert not world.session.busy


def test_A16_handler_that_comes_back_twice_does_not_act_again() -> None:
    world = World()
    world.notice(scheduled())
    world.at(300, lambda: world.kill(booted_at=T0 + 200))
    world.at(400, lambda: world.kill(booted_at=T0 + 200))
    world.run(500)
    assert not node_of(world).unschedulable
    world.notice(cancelled(scheduled()), seconds=500)
    world.run(600)
    assert ended(world)
    assert is_restored(world)


def test_A16_restart_without_a_reboot_gives_nothing_back() -> None:
    world = World([a_pod()])
    world.notice(scheduled())
    world.at(30, lambda: world.kill(booted_at=T0 - 1000))
    world.run(60)
    assert node_of(world).unschedulable
    assert drained(world)


def test_A16_needs_W24_what_the_original_handler_left_is_undone_after_the_reboot() -> None:
    labels = {ACTION: "UncordonAfterReboot", ACTION_TIME: str(int(T0 - 100)), "kept": "yes"}
    taints = (Taint(SCHEDULED_TAINT, "NoSchedule", "e"),)
    by = ("node-termination-handler",)
    node = a_node(unschedulable=True, cordoned_by=by, labels=labels, taints=taints)
    world = World(node=node)
    world.kill(booted_at=T0 - 50)
    world.run(10)
    assert ended(world)
    assert is_restored(world, a_node(labels={"kept": "yes"}))


def test_new_spot_notice_after_the_reboot_is_a_new_session_of_the_same_node() -> None:
    record = NodeRecord(
        session_id="before",
        marked_at=T0 - 100,
        events=(Seen(asg().event, T0 - 100),),
        marks=Marks(cordoned=True),
    )
    node = a_node(unschedulable=True, annotations={"aws-node-termination-handler/session": encode(record)})
    world = World([a_pod()], node=node)
    world.kill(booted_at=T0 - 50)
    world.notice(spot())
    world.run(20)
    assert drained(world)
    assert node_of(world).unschedulable


# Trouble, the end, and rest


def test_outage_is_waited_out_and_told_once() -> None:
    def outage(request: Request, now: float) -> Fault | None:
        return Fault(Unreachable("connection refused")) if 1 < now - T0 < 21 else None

    world = World([a_pod()], faults=outage, blocked=lambda pod, now: now < 2)
    world.notice(spot())
    world.at(1, lambda: world.lose_watches(20))
    world.run(40)
    assert drained(world)
    assert len(world.told(Trouble)) == 1
    assert len(world.told(TroubleOver)) == 1


def test_session_ends_when_the_node_is_gone() -> None:
    world = World([a_pod()])
    world.node = None
    world.notice(spot())
    world.run(10)
    assert world.told(SessionEnded) == [SessionEnded(reason="the node is gone")]
    assert world.session.handle(Woken(), world.now) == []


def test_session_that_has_nothing_to_do_sleeps() -> None:
    world = World([a_pod()])
    world.notice(spot())
    world.run(1000)
    assert drained(world)
    assert world.session.wake_at is None
    assert world.woken < 10


def test_pods_left_by_their_own_are_told() -> None:
    pod = a_pod(deleting_until_at=T0 + 2, deletion_grace_seconds=2)
    world = World([pod])
    world.notice(spot())
    world.run(10)
    assert [each.how for each in world.told(PodLeft) if isinstance(each, PodLeft)] == ["by itself"]
    assert not world.asked(EvictPod)


def test_level_of_a_session_is_what_its_events_ask_for() -> None:
    world = World()
    world.notice(rebalance(), spot())
    world.run(1)
    levels = [each.level for each in world.told(NoticeReceived) if isinstance(each, NoticeReceived)]
    assert levels == [Level.CORDON, Level.DRAIN]


def test_known_node_needs_no_reading() -> None:
    world = World(know_node=True)
    world.notice(rebalance())
    world.run(1)
    assert not world.asked(ReadNode)
    assert node_of(world).unschedulable


def test_session_id_is_kept_or_given() -> None:
    record = NodeRecord(session_id="first", events=(Seen(spot().event, T0),))
    assert Session(NODE, "second", SessionRules(), T0, record=record).session_id == "first"
    assert Session(NODE, "second", SessionRules(), T0).session_id == "second"
