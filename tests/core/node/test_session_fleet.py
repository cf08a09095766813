"""One node in queue mode: what is settled and when, hooks, turns, and rebalance recommendations."""

from dataclasses import replace

import pytest

from nth.core.decisions import (
    DeletePod,
    EvictPod,
    ListPods,
    PatchNode,
    ReadNode,
    ReleaseSlot,
    Settle,
    WantSlot,
)
from nth.core.facts import Taint
from nth.core.node.event_ledger import MarkRules
from nth.core.node.node_annotation import Marks, NodeRecord
from nth.core.node.phases import Phase
from nth.core.node.session import SessionRules
from nth.core.notices.events import AsgTermination, Event, SpotInterruption, Withdrawn
from nth.core.policy import Level, Policy
from nth.core.reports import (
    DeadlineMoved,
    DrainEnded,
    NodeMarked,
    NodeRestored,
    NoticeReceived,
    NoticeWithdrawn,
)
from nth.errors import Rejected, Unreachable
from tests.core.fleet_samples import ARN, OTHER, US, health, hook, risk, spot_warning
from tests.core.queue_scenes import AT_START, CORDON_FOR_RISK, SCENES, play
from tests.core.queue_world import QUEUE_RULES, QueueWorld
from tests.core.samples import REBALANCE_TAINT, T0, a_node, a_pod, taint_keys
from tests.core.world import Fault, Request, drained, ended

EXPIRING = replace(QUEUE_RULES, policy=replace(QUEUE_RULES.policy, rebalance_expires_after_seconds=60))
NO_HEALTH = Withdrawn(event_id=ARN, reason="cancelled")
NO_SPOT = Withdrawn(event_id="spot-itn-event-1", reason="cancelled")


def levels(**changes: Level) -> SessionRules:
    kinds: dict[str, type[Event]] = {"spot": SpotInterruption, "hook": AsgTermination}
    return replace(QUEUE_RULES, policy=Policy(levels={kinds[name]: to for name, to in changes.items()}))


def evictions(world: QueueWorld) -> int:
    return len(world.asked(EvictPod))


# Settled


def test_a_notification_is_settled_at_once_and_touches_nothing() -> None:
    world = QueueWorld([a_pod()], rules=levels(spot=Level.NOTIFY))
    world.notice(spot_warning())
    world.run(200)
    assert world.settled_at(spot_warning()) == [0]
    assert world.settled() == [("spot-itn-event-1", False)]
    assert world.requests == 0
    assert world.node == a_node()


def test_a_cordon_is_settled_when_the_node_is_seen_cordoned() -> None:
    world = QueueWorld([a_pod()], rules=CORDON_FOR_RISK)
    world.notice(risk())
    world.run(200)
    ((patched_at, _),) = world.asked(PatchNode)
    assert world.settled_at(risk()) == [pytest.approx(patched_at + 0.01)]
    assert world.settled() == [("rebalance-recommendation-event-1", False)]
    assert evictions(world) == 0


def test_a_cordon_that_is_refused_is_not_settled() -> None:
    def refused(request: Request, now: float) -> Fault | None:
        return Fault(Rejected("no")) if isinstance(request, PatchNode) and now < T0 + 40 else None

    world = QueueWorld(rules=CORDON_FOR_RISK, faults=refused)
    world.notice(risk())
    world.run(40)
    assert world.settled() == []
    world.run(200)
    assert [at > 40 for at in world.settled_at(risk())] == [True]


def test_a_node_that_somebody_has_cordoned_before_us_is_cordoned() -> None:
    world = QueueWorld([a_pod()], node=a_node(unschedulable=True), rules=CORDON_FOR_RISK)
    world.notice(risk())
    world.run(200)
    assert len(world.settled()) == 1
    assert not world.record.marks.cordoned


def test_needs_W7_a_drain_is_settled_only_after_its_pods_were_read_again() -> None:
    world = QueueWorld([a_pod("a"), a_pod("b")], stop_seconds=lambda pod: 3.0 if pod.ref.name == "a" else 9.0)
    world.notice(spot_warning(), hook())
    world.run(100)
    ((proof_at, _),) = world.asked(ListPods)
    assert proof_at > 9
    assert world.settled_at(spot_warning()) == [pytest.approx(proof_at + 0.01)]
    assert world.settled_at(hook()) == [pytest.approx(proof_at + 0.01)]
    assert all(done for _, done in world.settled())


def test_needs_W7_a_proof_that_fails_settles_nothing() -> None:
    def unread(request: Request, now: float) -> Fault | None:
        return Fault(Unreachable("timed out")) if isinstance(request, ListPods) and now < T0 + 30 else None

    world = QueueWorld([a_pod()], faults=unread)
    world.notice(spot_warning())
    world.run(30)
    assert world.settled() == []
    world.run(60)
    assert world.settled() == [("spot-itn-event-1", True)]


def test_needs_W7_a_pod_that_does_not_go_settles_nothing_until_it_has() -> None:
    world = QueueWorld([a_pod(finalizers=("held",))])
    world.notice(spot_warning())
    world.run(500)
    assert world.settled() == []
    world.vanish()
    world.run(501)
    assert world.settled() == [("spot-itn-event-1", True)]


@pytest.mark.parametrize("phase", SCENES, ids=lambda phase: phase.value)
def test_with_the_node_everything_is_settled(phase: Phase) -> None:
    world = play(phase)
    before = len(world.settled())
    assert before == (phase in (Phase.CORDONED, Phase.DRAINED, Phase.UNDOING)) + (phase is Phase.UNDOING)
    world.vanish()
    world.run(60)
    assert ended(world)
    assert len(world.settled()) == max(1, before)
    assert world.unproven == []


@pytest.mark.parametrize("seconds", [0.005, 0.015, 1, 20])
def test_what_is_withdrawn_is_settled_without_a_drain(seconds: float) -> None:
    world = QueueWorld([a_pod(finalizers=("held",))])
    world.notice(health())
    world.notice(NO_HEALTH, seconds=seconds)
    world.run(100)
    assert world.settled() == [("aws-health-scheduled-change-event-1", False)]
    assert world.settled_at(health()) == [pytest.approx(seconds, abs=0.001)]


def test_needs_W33_duplicates_are_settled_again_once_they_are_done_and_not_before() -> None:
    world = QueueWorld([a_pod()])
    world.notice(spot_warning())
    for seconds in (0.001, 0.015, 1, 20, 40):
        world.notice(spot_warning(), seconds=seconds)
    world.run(100)
    first, *again = world.settled_at(spot_warning())
    assert first > 3
    assert again == [20, 40]
    assert len(world.told(NoticeReceived)) == 1
    assert len(world.asked(ListPods)) == 1
    assert len(world.asked(PatchNode)) == 2


def test_needs_W10_an_event_that_joins_after_the_drain_is_settled_by_a_proof_of_its_own() -> None:
    world = QueueWorld([a_pod()])
    world.notice(spot_warning())
    world.notice(hook(), seconds=20)
    world.run(100)
    assert [at > 20 for at in world.settled_at(hook())] == [True]
    assert len(world.asked(ListPods)) == 2
    assert len(world.settled_at(spot_warning())) == 1
    assert len(world.told(DrainEnded)) == 1


def test_the_record_says_settled_in_the_same_patch_as_drained() -> None:
    world = QueueWorld([a_pod()])
    world.notice(spot_warning(), hook())
    world.run(100)
    marked, proven = [str(each) for _, each in world.asked(PatchNode)]
    assert '"drained":true' not in marked
    assert '"settled":true' not in marked
    assert '"drained":true' in proven
    assert proven.count('"settled":true') == 2


def test_what_a_predecessor_has_settled_is_proven_and_settled_once_more() -> None:
    world = play(Phase.DRAINED)
    assert all(seen.settled for seen in world.record.events)
    world.run(20)
    world.succeed()
    world.run(30)
    _, second = world.settled_at(spot_warning())
    assert second > 20
    assert [at > 20 for at, _ in world.asked(ListPods)] == [False, True]


# Hooks


def test_Q17_a_hook_is_engaged_when_it_is_noticed_and_by_each_successor() -> None:
    world = QueueWorld([a_pod(finalizers=("held",))])
    world.notice(hook())
    world.at(10, world.succeed)
    world.at(20, lambda: world.succeed(US))
    world.run(30)
    assert [(round(at, 1), type(each).__name__) for at, each in world.decided(Settle)] == []
    assert world.engaged() == ["asg-lifecycle-term-1"] * 3


def test_a_hook_that_only_cordons_is_not_engaged() -> None:
    world = QueueWorld([a_pod()], rules=levels(hook=Level.CORDON))
    world.notice(hook())
    world.run(30)
    assert world.engaged() == []
    assert world.settled() == [("asg-lifecycle-term-1", False)]


def test_Q17_a_heartbeat_moves_the_deadline_and_a_redelivery_does_not_move_it_back() -> None:
    world = QueueWorld([a_pod(grace_seconds=5)], blocked=lambda pod, now: True)
    world.notice(hook(60))
    event_id = hook().event.event_id
    world.prolong(event_id, to=90, seconds=30)
    world.notice(hook(60), seconds=40)
    world.run(200)
    assert world.told(DeadlineMoved) == [DeadlineMoved(event_id=event_id, deadline_at=T0 + 90)]
    assert [at for at, _ in world.asked(DeletePod)] == [pytest.approx(80)]
    assert world.record.deadline_at == T0 + 90


# DrainSlots


def test_needs_W1_no_pod_is_evicted_before_its_slot() -> None:
    world = QueueWorld([a_pod()], slot_seconds=15)
    world.notice(risk())
    world.run(14)
    assert world.session.phase is Phase.CORDONED
    assert world.node is not None
    assert world.node.unschedulable
    assert evictions(world) == 0
    assert world.session.busy
    world.run(60)
    assert world.asked(EvictPod)[0][0] == pytest.approx(15.02, abs=0.02)
    assert [type(each) for _, each in world.decided(WantSlot, ReleaseSlot)] == [WantSlot, ReleaseSlot]


def test_needs_W2_a_turn_is_asked_for_anew_with_each_new_deadline() -> None:
    world = QueueWorld([a_pod()], slot_seconds=1000)
    world.notice(risk())
    world.notice(spot_warning(), seconds=10)
    world.run(20)
    wanted = [each for _, each in world.decided(WantSlot)]
    assert wanted == [WantSlot(None), WantSlot(T0 + 120)]


def test_needs_W1_a_turn_is_given_back_when_it_is_not_wanted_any_more() -> None:
    """Or it would be granted to nobody, and one drain less could run for as long as the node lives."""
    world = QueueWorld([a_pod()], slot_seconds=100, rules=EXPIRING)
    world.notice(risk())
    world.run(300)
    assert world.session.phase is Phase.UNDOING
    assert [type(each) for _, each in world.decided(WantSlot, ReleaseSlot)] == [WantSlot, ReleaseSlot]


def test_needs_W1_a_turn_is_given_back_when_only_a_cordon_is_asked_for_any_more() -> None:
    world = QueueWorld([a_pod()], slot_seconds=100, rules=CORDON_FOR_RISK)
    world.notice(risk(), spot_warning())
    world.notice(NO_SPOT, seconds=10)
    world.run(300)
    assert world.session.phase is Phase.CORDONED
    assert [type(each) for _, each in world.decided(WantSlot, ReleaseSlot)] == [WantSlot, ReleaseSlot]
    assert evictions(world) == 0


def test_needs_W1_a_drain_that_is_called_off_gives_its_turn_back() -> None:
    world = QueueWorld([a_pod(finalizers=("held",))], rules=CORDON_FOR_RISK)
    world.notice(risk(), spot_warning())
    world.notice(NO_SPOT, seconds=10)
    world.run(300)
    assert world.session.phase is Phase.CORDONED
    assert [type(each) for _, each in world.decided(WantSlot, ReleaseSlot)] == [WantSlot, ReleaseSlot]


# Rebalance recommendations


def test_an_interruption_that_never_came_uncordons_exactly_what_we_did() -> None:
    marks = MarkRules(taint_node=True, exclude_from_load_balancers=True)
    rules = replace(CORDON_FOR_RISK, marks=marks)
    rules = replace(rules, policy=replace(rules.policy, rebalance_expires_after_seconds=60))
    was = a_node(labels={"kept": "yes"}, taints=(Taint("dedicated", "NoSchedule"),))
    world = QueueWorld([a_pod()], node=was, rules=rules)
    world.notice(risk())
    world.run(59)
    assert world.node is not None
    assert taint_keys(world.node) == {"dedicated", REBALANCE_TAINT}
    world.run(62)
    assert not world.node.unschedulable
    assert (world.node.labels, world.node.taints) == (was.labels, was.taints)
    assert world.record == NodeRecord(session_id="session-0", finished=(risk().event.event_id,))
    assert [type(each) for each in world.told(NoticeWithdrawn, NodeRestored)] == [
        NoticeWithdrawn,
        NodeRestored,
    ]
    assert evictions(world) == 0


def test_a_cordon_that_somebody_else_made_outlives_the_expiry() -> None:
    world = QueueWorld([a_pod()], node=a_node(unschedulable=True), rules=EXPIRING)
    world.notice(risk())
    world.run(100)
    assert world.node is not None
    assert world.node.unschedulable


def test_an_expired_recommendation_that_is_delivered_again_is_settled_and_changes_nothing() -> None:
    world = QueueWorld([a_pod()], rules=EXPIRING)
    world.notice(risk())
    world.run(70)
    patches = len(world.asked(PatchNode))
    world.notice(risk(), seconds=80)
    world.run(100)
    assert world.settled_at(risk())[-1] == 80
    assert len(world.asked(PatchNode)) == patches
    assert world.node is not None
    assert not world.node.unschedulable


def test_an_interruption_that_follows_keeps_the_node_cordoned() -> None:
    world = QueueWorld([a_pod()], rules=EXPIRING)
    world.notice(risk())
    world.notice(spot_warning(170), seconds=50)
    world.run(100)
    assert drained(world)
    assert world.node is not None
    assert world.node.unschedulable
    assert [seen.event for seen in world.record.events] == [spot_warning(170).event]


def test_needs_W10_an_interruption_after_a_cordon_drains_and_each_is_settled_in_its_time() -> None:
    world = QueueWorld([a_pod()], rules=CORDON_FOR_RISK)
    world.notice(risk())
    world.notice(spot_warning(), seconds=30)
    world.run(100)
    assert drained(world)
    assert [at < 1 for at in world.settled_at(risk())] == [True]
    assert [at > 33 for at in world.settled_at(spot_warning())] == [True]
    assert len(world.told(NodeMarked)) == 1
    assert world.accepted == {"uid-web-1": 1}
    settled = {seen.event.event_id: seen.settled for seen in world.record.events}
    assert settled == {risk().event.event_id: False, spot_warning().event.event_id: True}


# Deadlines and the record


def test_scheduled_events_may_wait_for_their_start() -> None:
    world = QueueWorld([a_pod()], rules=AT_START)
    world.notice(health(600))
    world.run(479)
    assert world.requests == 0
    world.run(700)
    assert drained(world)
    assert world.asked(PatchNode)[0][0] == pytest.approx(480, abs=0.1)


def test_a_known_node_whose_record_names_us_needs_no_reading() -> None:
    """A successor with a fresh node goes on at once, and writes its name with its first patch."""
    world = play(Phase.DRAINING)
    world.succeed()
    assert len(world.asked(ReadNode)) == 1
    world.run(12)
    assert world.record.holder == OTHER
    assert world.record.marks == Marks(cordoned=True)
