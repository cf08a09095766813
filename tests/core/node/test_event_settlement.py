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


def an_agenda(policy: Policy | None = None, record: NodeRecord | None = None) -> EventSettlement:
    return EventSettlement(policy or Policy(), MarkRules(), record)


def recorded(*notices: Noticed, settled: bool = False) -> NodeRecord:
    return NodeRecord(session_id="s", events=tuple(Seen(each.event, T0, settled) for each in notices))


def test_an_event_is_told_once() -> None:
    agenda = an_agenda()
    demand, decisions = agenda.take(spot_warning().event, T0)
    assert demand is not None
    assert decisions == [
        Tell(NoticeReceived(event=spot_warning().event, level=Level.DRAIN, drain_at=T0, deadline_at=T0 + 120))
    ]
    assert agenda.take(spot_warning().event, T0 + 5) == (None, [])


def test_Q17_a_hook_is_kept_waiting_by_who_drains_for_it() -> None:
    _, decisions = an_agenda().take(hook().event, T0)
    assert decisions[1:] == [Engage(hook().event)]


@pytest.mark.parametrize("level", [Level.NOTIFY, Level.CORDON])
def test_a_hook_for_which_nobody_drains_is_not_kept_waiting(level: Level) -> None:
    policy = Policy(levels={AsgTermination: level})
    _, decisions = an_agenda(policy).take(hook().event, T0)
    assert [type(each) for each in decisions] == [Tell]
    resumed = an_agenda(policy, recorded(hook())).resume()
    assert [type(each) for each in resumed] == [Tell]


def test_Q17_a_successor_keeps_the_hook_waiting() -> None:
    agenda = an_agenda(record=recorded(risk(), hook()))
    ids = (risk().event.event_id, hook().event.event_id)
    told, engaged = agenda.resume()
    assert isinstance(told, Tell)
    assert isinstance(told.report, SessionResumed)
    assert told.report.event_ids == ids
    assert [received.event for _, received in told.report.notices] == [risk().event, hook().event]
    assert engaged == Engage(hook().event)


def test_there_is_nothing_to_go_on_with_without_open_events() -> None:
    assert an_agenda(record=NodeRecord(session_id="s", finished=("e",))).resume() == []


def test_needs_W7_each_event_is_settled_when_enough_is_done_and_once() -> None:
    agenda = an_agenda(Policy(levels={RebalanceRecommendation: Level.CORDON}))
    agenda.take(spot_warning().event, T0)
    agenda.take(risk().event, T0)
    assert agenda.settle(Level.NOTIFY) == []
    assert agenda.settle(Level.CORDON) == [Settle(risk().event, drained=False)]
    assert agenda.settle(Level.CORDON) == []
    assert agenda.settle(Level.DRAIN) == [Settle(spot_warning().event, drained=True)]
    assert agenda.settle(Level.DRAIN) == []


def test_needs_W33_what_is_delivered_again_after_it_was_done_is_due_again() -> None:
    agenda = an_agenda()
    agenda.take(hook().event, T0)
    agenda.settle(Level.DRAIN)
    assert agenda.take(hook().event, T0 + 60) == (None, [Settle(hook().event, drained=True)])


def test_an_event_that_says_something_new_after_it_was_done_is_done_anew() -> None:
    agenda = an_agenda()
    agenda.take(health(3600).event, T0)
    agenda.settle(Level.DRAIN)
    moved = health(7200).event
    demand, _ = agenda.take(moved, T0 + 60)
    assert demand is not None
    assert agenda.settle(Level.CORDON) == []
    assert agenda.settle(Level.DRAIN) == [Settle(moved, drained=True)]


def test_what_was_settled_by_a_predecessor_is_proven_and_settled_once_more() -> None:
    agenda = an_agenda(record=recorded(spot_warning(), settled=True))
    assert agenda.take(spot_warning().event, T0 + 60) == (None, [])
    assert agenda.settle(Level.DRAIN) == [Settle(spot_warning().event, drained=True)]


def test_what_is_withdrawn_is_settled_without_a_drain() -> None:
    agenda = an_agenda()
    agenda.take(health().event, T0)
    agenda.take(going_down().event, T0)
    assert agenda.heard(Withdrawn(event_id=ARN, reason="cancelled")) == [
        Tell(NoticeWithdrawn(event_id=health().event.event_id, reason="cancelled")),
        Settle(health().event, drained=False),
    ]
    assert agenda.heard(Withdrawn(event_id=ARN, reason="cancelled")) == []
    assert agenda.ledger.open_ids == (going_down().event.event_id,)


def test_a_deadline_that_moves_is_told_once() -> None:
    agenda = an_agenda()
    agenda.take(hook(60).event, T0)
    event_id = hook().event.event_id
    moved = Prolonged(event_id=event_id, deadline_at=T0 + 120)
    assert agenda.heard(moved) == [Tell(DeadlineMoved(event_id=event_id, deadline_at=T0 + 120))]
    assert agenda.heard(moved) == []
    assert agenda.heard(replace(moved, event_id="unknown")) == []


def test_an_event_of_which_nothing_came_is_over_and_settled() -> None:
    agenda = an_agenda(CALM)
    agenda.take(risk().event, T0)
    agenda.take(spot_warning().event, T0)
    assert agenda.expire(T0 + 599) == []
    told, settled = agenda.expire(T0 + 600)
    assert told == Tell(
        NoticeWithdrawn(event_id=risk().event.event_id, reason="no interruption has followed within 600 s")
    )
    assert settled == Settle(risk().event, drained=False)
    assert agenda.expire(T0 + 700) == []
    assert agenda.ledger.open_ids == (spot_warning().event.event_id,)


def test_a_message_about_an_event_that_is_over_is_due_at_once() -> None:
    agenda = an_agenda(CALM)
    agenda.take(risk().event, T0)
    agenda.expire(T0 + 600)
    demand, decisions = agenda.take(risk().event, T0 + 700)
    assert demand is None
    assert [type(each) for each in decisions] == [Settle]


def test_A16_what_was_recorded_before_a_reboot_is_over() -> None:
    agenda = an_agenda(record=recorded(spot_warning(), health()))
    decisions = agenda.returned()
    assert [type(each) for each in decisions] == [Tell, Settle, Tell, Settle]
    assert all(not each.drained for each in decisions if isinstance(each, Settle))
    assert agenda.ledger.open_ids == ()
