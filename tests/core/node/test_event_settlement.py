"""What is said and owed for the events of a node: messages and lifecycle hooks."""

from dataclasses import replace

import pytest

from nth.core.decisions import Engage, Settle, Tell
from nth.core.node.event_ledger import MarkRules
from nth.core.node.event_settlement import EventSettlement
from nth.core.node.node_annotation import NodeRecord, Seen
from nth.core.notices.events import AsgTermination, Noticed, Prolonged, RebalanceRecommendation, Withdrawn
from nth.core.policy import Level, Policy
from nth.core.reports import DeadlineMoved, NoticeReceived, NoticeWithdrawn, SessionResumed
from tests.core.fleet_samples import ARN, going_down, health, hook, risk, spot_warning
from tests.core.samples import T0

CALM = Policy(rebalance_expires_after_seconds=600)


def a_settlement(policy: Policy | None = None, record: NodeRecord | None = None) -> EventSettlement:
    return EventSettlement(policy or Policy(), MarkRules(), record)


def recorded(*notices: Noticed, settled: bool = False) -> NodeRecord:
    return NodeRecord(session_id="s", events=tuple(Seen(each.event, T0, settled) for each in notices))


def test_an_event_is_told_once() -> None:
    settlement = a_settlement()
    demand, decisions = settlement.take(spot_warning().event, T0)
    assert demand is not None
    assert decisions == [
        Tell(NoticeReceived(event=spot_warning().event, level=Level.DRAIN, drain_at=T0, deadline_at=T0 + 120))
    ]
    assert settlement.take(spot_warning().event, T0 + 5) == (None, [])


def test_Q17_a_hook_is_kept_waiting_by_who_drains_for_it() -> None:
    _, decisions = a_settlement().take(hook().event, T0)
    assert decisions[1:] == [Engage(hook().event)]


@pytest.mark.parametrize("level", [Level.NOTIFY, Level.CORDON])
def test_a_hook_for_which_nobody_drains_is_not_kept_waiting(level: Level) -> None:
    policy = Policy(levels={AsgTermination: level})
    _, decisions = a_settlement(policy).take(hook().event, T0)
    assert [type(each) for each in decisions] == [Tell]
    resumed = a_settlement(policy, recorded(hook())).resume()
    assert [type(each) for each in resumed] == [Tell]


def test_Q17_a_successor_keeps_the_hook_waiting() -> None:
    settlement = a_settlement(record=recorded(risk(), hook()))
    ids = (risk().event.event_id, hook().event.event_id)
    told, engaged = settlement.resume()
    assert isinstance(told, Tell)
    assert isinstance(told.report, SessionResumed)
    assert told.report.event_ids == ids
    assert [received.event for _, received in told.report.notices] == [risk().event, hook().event]
    assert engaged == Engage(hook().event)


def test_there_is_nothing_to_go_on_with_without_open_events() -> None:
    assert a_settlement(record=NodeRecord(session_id="s", finished=("e",))).resume() == []


def test_needs_W7_each_event_is_settled_when_enough_is_done_and_once() -> None:
    settlement = a_settlement(Policy(levels={RebalanceRecommendation: Level.CORDON}))
    settlement.take(spot_warning().event, T0)
    settlement.take(risk().event, T0)
    assert settlement.settle(Level.NOTIFY) == []
    assert settlement.settle(Level.CORDON) == [Settle(risk().event, drained=False)]
    assert settlement.settle(Level.CORDON) == []
    assert settlement.settle(Level.DRAIN) == [Settle(spot_warning().event, drained=True)]
    assert settlement.settle(Level.DRAIN) == []


def test_needs_W33_what_is_delivered_again_after_it_was_done_is_due_again() -> None:
    settlement = a_settlement()
    settlement.take(hook().event, T0)
    settlement.settle(Level.DRAIN)
    assert settlement.take(hook().event, T0 + 60) == (None, [Settle(hook().event, drained=True)])


def test_an_event_that_says_something_new_after_it_was_done_is_done_anew() -> None:
    settlement = a_settlement()
    settlement.take(health(3600).event, T0)
    settlement.settle(Level.DRAIN)
    moved = health(7200).event
    demand, _ = settlement.take(moved, T0 + 60)
    assert demand is not None
    assert settlement.settle(Level.CORDON) == []
    assert settlement.settle(Level.DRAIN) == [Settle(moved, drained=True)]


def test_what_was_settled_by_a_predecessor_is_proven_and_settled_once_more() -> None:
    settlement = a_settlement(record=recorded(spot_warning(), settled=True))
    assert settlement.take(spot_warning().event, T0 + 60) == (None, [])
    assert settlement.settle(Level.DRAIN) == [Settle(spot_warning().event, drained=True)]


def test_what_is_withdrawn_is_settled_without_a_drain() -> None:
    settlement = a_settlement()
    settlement.take(health().event, T0)
    settlement.take(going_down().event, T0)
    assert settlement.heard(Withdrawn(event_id=ARN, reason="cancelled")) == [
        Tell(NoticeWithdrawn(event_id=health().event.event_id, reason="cancelled")),
        Settle(health().event, drained=False),
    ]
    assert settlement.heard(Withdrawn(event_id=ARN, reason="cancelled")) == []
    assert settlement.ledger.open_ids == (going_down().event.event_id,)


def test_a_deadline_that_moves_is_told_once() -> None:
    settlement = a_settlement()
    settlement.take(hook(60).event, T0)
    event_id = hook().event.event_id
    moved = Prolonged(event_id=event_id, deadline_at=T0 + 120)
    assert settlement.heard(moved) == [Tell(DeadlineMoved(event_id=event_id, deadline_at=T0 + 120))]
    assert settlement.heard(moved) == []
    assert settlement.heard(replace(moved, event_id="unknown")) == []


def test_an_event_of_which_nothing_came_is_over_and_settled() -> None:
    settlement = a_settlement(CALM)
    settlement.take(risk().event, T0)
    settlement.take(spot_warning().event, T0)
    assert settlement.expire(T0 + 599) == []
    told, settled = settlement.expire(T0 + 600)
    assert told == Tell(
        NoticeWithdrawn(event_id=risk().event.event_id, reason="no interruption has followed within 600 s")
    )
    assert settled == Settle(risk().event, drained=False)
    assert settlement.expire(T0 + 700) == []
    assert settlement.ledger.open_ids == (spot_warning().event.event_id,)


def test_a_message_about_an_event_that_is_over_is_due_at_once() -> None:
    settlement = a_settlement(CALM)
    settlement.take(risk().event, T0)
    settlement.expire(T0 + 600)
    demand, decisions = settlement.take(risk().event, T0 + 700)
    assert demand is None
    assert [type(each) for each in decisions] == [Settle]


def test_A16_what_was_recorded_before_a_reboot_is_over() -> None:
    settlement = a_settlement(record=recorded(spot_warning(), health()))
    decisions = settlement.returned()
    assert [type(each) for each in decisions] == [Tell, Settle, Tell, Settle]
    assert all(not each.drained for each in decisions if isinstance(each, Settle))
    assert settlement.ledger.open_ids == ()
