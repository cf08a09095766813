"""The events of one session: open, over, and what they ask of the node together."""

from dataclasses import replace

from nth.core.events import AsgTargetState, Noticed, ScheduledMaintenance
from nth.core.facts import Taint
from nth.core.ledger import Ledger, MarkRules
from nth.core.node_changes import LOAD_BALANCER_LABEL, OUT_OF_SERVICE_TAINT
from nth.core.node_record import NodeRecord, Seen
from nth.core.policy import Level, Policy
from tests.core.samples import T0, asg, rebalance, scheduled, spot

PREFIX = "aws-node-termination-handler"
ALL_MARKS = MarkRules(taint_node=True, exclude_from_load_balancers=True, out_of_service_taint=True)


def a_ledger(*notices: Noticed, rules: MarkRules | None = None, policy: Policy | None = None) -> Ledger:
    ledger = Ledger(policy or Policy(), rules or MarkRules())
    for seconds, notice in enumerate(notices):
        ledger.open(notice.event, T0 + seconds)
    return ledger


def test_P12_W25_same_event_again_is_no_event() -> None:
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


def test_W10_all_events_count_together() -> None:
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


def test_A9_W26_out_of_service_taint_only_by_setting_and_when_it_may() -> None:
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
    successor = Ledger(Policy(), MarkRules(), replace(record, finished=("instance-event-1",)))
    assert successor.demand() == ledger.demand()
    assert successor.open(spot().event, T0 + 9) is None
    assert successor.remembers


def test_record_of_a_session_that_is_over() -> None:
    ledger = a_ledger(scheduled())
    ledger.finish_all()
    assert ledger.record("s", T0, drained=False) == NodeRecord(session_id="s", finished=("instance-event-1",))


def test_kinds_differ_in_what_a_reboot_leaves_to_remember() -> None:
    assert isinstance(scheduled().event, ScheduledMaintenance)
    ledger = a_ledger(asg())
    assert isinstance(asg().event, AsgTargetState)
    ledger.finish_all()
    assert not ledger.remembers
