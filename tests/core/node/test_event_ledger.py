"""The events of one session: open, over, and what they ask of the node together."""

from dataclasses import replace

import pytest

from nth.core.facts import Taint
from nth.core.node.event_ledger import EventLedger, MarkRules
from nth.core.node.node_annotation import NodeRecord, Seen, seen_by
from nth.core.notices.events import AsgTargetState, Noticed, RebalanceRecommendation, ScheduledMaintenance
from nth.core.policy import LOAD_BALANCER_LABEL, OUT_OF_SERVICE_TAINT, Level, Policy
from tests.core import fleet_samples as queue
from tests.core.samples import T0, asg, rebalance, scheduled, spot

PREFIX = "aws-node-termination-handler"
ALL_MARKS = MarkRules(taint_node=True, exclude_from_load_balancers=True, out_of_service_taint=True)


def a_ledger(*notices: Noticed, rules: MarkRules | None = None, policy: Policy | None = None) -> EventLedger:
    ledger = EventLedger(policy or Policy(), rules or MarkRules())
    for seconds, notice in enumerate(notices):
        ledger.open(notice.event, T0 + seconds)
    return ledger


def test_P12_needs_W25_same_event_again_is_no_event() -> None:
    ledger = a_ledger()
    first = ledger.open(spot().event, T0)
    assert first is not None
    assert first.level is Level.DRAIN
    assert ledger.open(spot().event, T0 + 2) is None
    assert ledger.open_ids == ("spot-itn-1",)


def test_moved_scheduled_event_keeps_the_moment_at_which_it_was_first_seen() -> None:
    ledger = a_ledger(scheduled(-10))
    moved = ledger.open(scheduled(600).event, T0 + 50)
    assert moved is not None
    assert moved.deadline_at == T0 + 600
    assert ledger.drain_seen_at == T0
    assert ledger.open(scheduled(-20).event, T0 + 60) is not None
    demand = ledger.demand()
    assert demand is not None
    assert demand.deadline_at == T0 + 120


def test_P16_event_is_over_once() -> None:
    ledger = a_ledger(spot())
    assert ledger.close("spot-itn-1")
    assert not ledger.close("spot-itn-1")
    assert ledger.demand() is None


def test_same_event_again_after_its_withdrawal_is_new() -> None:
    ledger = a_ledger(spot())
    ledger.close("spot-itn-1")
    assert ledger.open(spot().event, T0 + 60) is not None


def test_A16_after_a_reboot_scheduled_events_are_remembered_while_they_are_listed() -> None:
    ledger = a_ledger(spot(), scheduled())
    assert [event.event_id for event in ledger.finish_all()] == ["spot-itn-1", "instance-event-1"]
    assert ledger.remembers
    assert ledger.open(scheduled().event, T0) is None
    assert ledger.open(spot().event, T0) is not None
    assert not ledger.close("instance-event-1")
    assert not ledger.remembers


def test_needs_W10_all_events_count_together() -> None:
    ledger = a_ledger(rebalance(), spot(), asg())
    demand = ledger.demand()
    assert demand is not None
    assert (demand.level, demand.deadline_at) == (Level.DRAIN, T0 + 120)
    assert ledger.drain_seen_at == T0 + 1
    ledger.close("spot-itn-1")
    demand = ledger.demand()
    assert demand is not None
    assert demand.deadline_at == T0 + 2 + 120


def test_cordon_alone_asks_for_no_drain() -> None:
    assert a_ledger(rebalance()).drain_seen_at is None


def test_A5_A6_A7_A8_taints_only_by_setting() -> None:
    events = (spot(), scheduled(), asg(), rebalance())
    assert a_ledger(*events).wanted(T0, out_of_service=False).taints == ()
    rules = MarkRules(taint_node=True, taint_effect="NoExecute")
    assert a_ledger(*events, rules=rules).wanted(T0, out_of_service=False).taints == (
        Taint(f"{PREFIX}/spot-itn", "NoExecute", "spot-itn-1"),
        Taint(f"{PREFIX}/scheduled-maintenance", "NoExecute", "instance-event-1"),
        Taint(f"{PREFIX}/asg-lifecycle-termination", "NoExecute", "target-lifecycle-state-1"),
        Taint(f"{PREFIX}/rebalance-recommendation", "NoExecute", "rebalance-recommendation-1"),
    )


def test_S7_A6_codes_without_a_return_get_no_taint_and_no_labels() -> None:
    wanted = a_ledger(scheduled(code="system-maintenance"), rules=ALL_MARKS).wanted(T0, out_of_service=False)
    assert (wanted.taints, wanted.if_we_cordon) == ((), {})
    assert set(wanted.labels) == {LOAD_BALANCER_LABEL}


def test_oldest_event_of_a_kind_names_the_reason() -> None:
    second = scheduled(event_id="instance-event-2")
    wanted = a_ledger(scheduled(), second, rules=ALL_MARKS).wanted(T0, out_of_service=False)
    assert [taint.value for taint in wanted.taints] == ["instance-event-1"]
    assert wanted.labels[f"{PREFIX}/event-id"] == "instance-event-1"


def test_A5_taint_value_is_cut_to_63_characters() -> None:
    ledger = a_ledger(spot(event_id="spot-itn-" + "a" * 64), rules=ALL_MARKS)
    assert ledger.wanted(T0, out_of_service=False).taints[0].value == "spot-itn-" + "a" * 54


def test_A1_A2_A3_labels_of_a_node_that_returns() -> None:
    wanted = a_ledger(scheduled()).wanted(T0 + 0.9, out_of_service=False)
    assert wanted.cordon
    assert wanted.labels == {f"{PREFIX}/event-id": "instance-event-1"}
    assert wanted.if_we_cordon == {
        f"{PREFIX}/action": "UncordonAfterReboot",
        f"{PREFIX}/action-time": str(int(T0)),
    }


def test_A4_load_balancer_label_by_setting() -> None:
    rules = MarkRules(exclude_from_load_balancers=True)
    assert a_ledger(spot(), rules=rules).wanted(T0, out_of_service=False).labels == {
        LOAD_BALANCER_LABEL: PREFIX
    }
    assert a_ledger(spot()).wanted(T0, out_of_service=False).labels == {}


def test_A9_needs_W26_out_of_service_taint_only_by_setting_and_when_it_may() -> None:
    rules = MarkRules(out_of_service_taint=True)
    assert a_ledger(spot(), rules=rules).wanted(T0, out_of_service=True).taints == (OUT_OF_SERVICE_TAINT,)
    assert a_ledger(spot(), rules=rules).wanted(T0, out_of_service=False).taints == ()
    assert a_ledger(spot()).wanted(T0, out_of_service=True).taints == ()


def test_record_tells_a_successor_everything() -> None:
    ledger = a_ledger(spot())
    record = ledger.record("s", T0, drained=True)
    assert record == NodeRecord(
        session_id="s",
        drained=True,
        marked_at=T0,
        deadline_at=T0 + 120,
        events=(Seen(spot().event, T0),),
    )
    successor = EventLedger(Policy(), MarkRules(), replace(record, finished=("instance-event-1",)))
    assert successor.demand() == ledger.demand()
    assert successor.open(spot().event, T0 + 9) is None
    assert successor.remembers


def test_record_of_a_session_that_is_over() -> None:
    ledger = a_ledger(scheduled())
    assert ledger.demand() is not None
    ledger.finish_all()
    assert ledger.record("s", T0, drained=False) == NodeRecord(session_id="s", finished=("instance-event-1",))


def test_kinds_differ_in_what_a_reboot_leaves_to_remember() -> None:
    assert isinstance(scheduled().event, ScheduledMaintenance)
    ledger = a_ledger(asg())
    assert isinstance(asg().event, AsgTargetState)
    ledger.finish_all()
    assert not ledger.remembers


# Queue mode

EXPIRING = Policy(levels={RebalanceRecommendation: Level.CORDON}, rebalance_expires_after_seconds=600)


def event_ids(events: tuple[object, ...]) -> list[str]:
    return [event.event_id for event in events]  # type: ignore[attr-defined]  # every event has one


def test_a_recommendation_of_which_nothing_came_is_over_and_remembered() -> None:
    ledger = a_ledger(queue.risk(), queue.spot_warning(), policy=EXPIRING)
    assert ledger.expire(T0 + 599.9) == ()
    assert event_ids(ledger.expire(T0 + 600)) == ["rebalance-recommendation-event-1"]
    assert ledger.open_ids == ("spot-itn-event-1",)
    assert ledger.remembers
    assert ledger.open(queue.risk().event, T0 + 700) is None
    assert ledger.record("s", T0, drained=False).finished == ("rebalance-recommendation-event-1",)


def test_it_is_known_when_the_next_is_over() -> None:
    assert a_ledger(queue.risk(), queue.spot_warning(), policy=EXPIRING).expires_at == T0 + 600
    assert a_ledger(queue.spot_warning(), policy=EXPIRING).expires_at is None


def test_each_recommendation_has_its_own_time() -> None:
    ledger = a_ledger(policy=EXPIRING)
    ledger.open(queue.risk("first").event, T0)
    ledger.open(queue.risk("second").event, T0 + 100)
    assert event_ids(ledger.expire(T0 + 650)) == ["first"]
    assert ledger.expires_at == T0 + 700


def test_a_successor_counts_from_when_it_was_first_seen() -> None:
    record = a_ledger(queue.risk(), policy=EXPIRING).record("s", T0, drained=False)
    successor = EventLedger(EXPIRING, MarkRules(), record)
    assert successor.expires_at == T0 + 600


def test_without_the_setting_nothing_is_over_by_itself() -> None:
    ledger = a_ledger(queue.risk())
    assert ledger.expires_at is None
    assert ledger.expire(T0 + 1e9) == ()


def test_Q17_a_hook_can_be_prolonged_and_only_a_hook() -> None:
    ledger = a_ledger(queue.hook(60), queue.spot_warning(300))
    assert ledger.prolong("asg-lifecycle-term-1", T0 + 200)
    assert not ledger.prolong("asg-lifecycle-term-1", T0 + 200)
    assert not ledger.prolong("spot-itn-event-1", T0 + 900)
    assert not ledger.prolong("no such event", T0 + 900)
    demand = ledger.demand()
    assert demand is not None
    assert demand.deadline_at == T0 + 200


def test_Q17_needs_W33_a_hook_that_is_delivered_again_keeps_its_prolonged_deadline() -> None:
    ledger = a_ledger(queue.hook(60))
    ledger.prolong("asg-lifecycle-term-1", T0 + 200)
    assert ledger.open(queue.hook(60).event, T0 + 100) is None
    assert ledger.open(queue.hook(None).event, T0 + 100) is None
    record = ledger.record("s", T0, drained=False)
    assert record.deadline_at == T0 + 200
    assert record.events == (Seen(queue.hook(200).event, T0),)


def test_each_event_is_reached_once_at_its_own_level() -> None:
    ledger = a_ledger(queue.risk(), queue.spot_warning(), queue.hook())
    assert ledger.reach(Level.NOTIFY) == ()
    assert event_ids(ledger.reach(Level.CORDON)) == ["rebalance-recommendation-event-1"]
    assert event_ids(ledger.reach(Level.DRAIN)) == ["spot-itn-event-1", "asg-lifecycle-term-1"]
    assert ledger.reach(Level.DRAIN) == ()
    assert ledger.is_settled("spot-itn-event-1")
    assert not ledger.is_settled("no such event")


def test_what_says_something_new_is_reached_anew() -> None:
    ledger = a_ledger(queue.health(3600))
    ledger.reach(Level.DRAIN)
    assert ledger.open(queue.health(7200).event, T0 + 60) is not None
    assert not ledger.is_settled("aws-health-scheduled-change-event-1")
    assert len(ledger.reach(Level.DRAIN)) == 1


def test_what_comes_again_after_its_withdrawal_is_reached_anew() -> None:
    ledger = a_ledger(queue.health())
    ledger.reach(Level.DRAIN)
    ledger.close("aws-health-scheduled-change-event-1")
    ledger.open(queue.health().event, T0 + 60)
    assert len(ledger.reach(Level.DRAIN)) == 1


def test_the_record_says_which_drains_are_done_and_leaves_cordons_out() -> None:
    """A cordon is seen on the node itself; a successor proves every drain once more."""
    ledger = a_ledger(queue.risk(), queue.spot_warning())
    ledger.reach(Level.DRAIN)
    record = ledger.record("s", T0, drained=True)
    assert [seen.settled for seen in record.events] == [False, True]
    successor = EventLedger(Policy(), MarkRules(), record)
    assert not successor.is_settled("spot-itn-event-1")
    assert successor.record("s", T0, drained=True) == record
    assert len(successor.reach(Level.DRAIN)) == 2


def test_maintenance_is_over_by_its_id_or_by_the_name_that_health_gives_it() -> None:
    second = queue.health(event_id="second")
    elsewhere = queue.health(event_id="third", arn="another arn")
    ledger = a_ledger(queue.health(), second, elsewhere, queue.spot_warning())
    assert event_ids(ledger.close(queue.ARN)) == ["aws-health-scheduled-change-event-1", "second"]
    assert event_ids(ledger.close("third")) == ["third"]
    assert ledger.close("") == ()
    assert ledger.open_ids == ("spot-itn-event-1",)


def test_the_record_names_its_holder() -> None:
    assert a_ledger(queue.risk()).record("s", T0, drained=False, holder="nth-a").holder == "nth-a"


@pytest.mark.parametrize("notice", [queue.spot_warning(), queue.hook(), queue.going_down(), spot(), asg()])
def test_safe_1_a_record_cannot_say_that_a_notice_of_the_end_is_over(notice: Noticed) -> None:
    record = NodeRecord(session_id="s", finished=(notice.event.event_id,))
    assert EventLedger(Policy(), MarkRules(), record).open(notice.event, T0) is not None


@pytest.mark.parametrize("notice", [scheduled(), rebalance(), queue.risk()])
def test_safe_1_what_the_machine_outlives_may_be_over(notice: Noticed) -> None:
    record = NodeRecord(session_id="s", finished=(notice.event.event_id,))
    assert EventLedger(Policy(), MarkRules(), record).open(notice.event, T0) is None


def test_safe_1_a_record_cannot_put_a_notice_off() -> None:
    later = Seen(RebalanceRecommendation(event_id=queue.risk().event.event_id, noticed_at=1), T0 + 1e6)
    ledger = EventLedger(Policy(), MarkRules(), NodeRecord(session_id="s", events=(later,)))
    demand = ledger.open(queue.risk().event, T0)
    assert demand is not None
    assert demand.cordon_at == T0
    assert seen_by(NodeRecord(session_id="s", events=(later,)), T0).events[0].seen_at == T0
