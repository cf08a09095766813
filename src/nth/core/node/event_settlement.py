"""The events of a session: the reports when they come and go, and the settlement that they are owed.

Owed are the deletion of a message and the completion of a lifecycle hook: due when the node has
reached the level that the event asks for, and not before.
"""

from nth.core.decisions import Decision, Engage, Settle, Tell
from nth.core.node.event_ledger import EventLedger, MarkRules
from nth.core.node.node_annotation import NodeRecord
from nth.core.notices.events import AsgTermination, Event, Prolonged, Withdrawn
from nth.core.policy import Demand, Level, Policy
from nth.core.reports import DeadlineMoved, NoticeReceived, NoticeWithdrawn, SessionResumed


class EventSettlement:
    """One node's events."""

    def __init__(self, policy: Policy, rules: MarkRules, record: NodeRecord | None) -> None:
        self.ledger = EventLedger(policy, rules, record)
        self._policy = policy
        self.sourced: set[str] = set()
        """Ids of the events that a source has reported: no record takes those back."""

    def keeps_machine(self, now: float) -> bool:
        """Returns whether a lifecycle hook waits for us: its machine runs until then, or its deadline."""
        until_at = self.ledger.hard_deadline_at
        hooked = any(isinstance(event, AsgTermination) for event in self.ledger.open_events)
        return hooked and until_at is not None and now < until_at

    def resume(self) -> list[Decision]:
        """Go on with the events of the record."""
        if not self.ledger.open_events:
            return []
        engaged = [each for event in self.ledger.open_events for each in self._engage(event)]
        notices = tuple(
            (seen.seen_at, _received(seen.event, demand)) for seen, demand in self.ledger.open_demands
        )
        return [Tell(SessionResumed(event_ids=self.ledger.open_ids, notices=notices)), *engaged]

    def returned(self) -> list[Decision]:
        """Close every event: the machine was booted since it had been marked."""
        return self._close(self.ledger.finish_all(), "the machine has rebooted since")

    def take(self, event: Event, seen_at: float) -> tuple[Demand | None, list[Decision]]:
        """Take an event in; returns its demand if it is news, and the decisions that follow at once."""
        demand = self.ledger.open(event, seen_at)
        if demand is None:
            # A message was delivered once more, after its event had been settled.
            return None, [self._settle_one(event)] if self.ledger.is_settled(event.event_id) else []
        return demand, [Tell(_received(event, demand)), *self._engage(event)]

    def heard(self, given: Withdrawn | Prolonged) -> list[Decision]:
        """Take the news that an event is over, or that its lifecycle hook waits longer."""
        if isinstance(given, Withdrawn):
            return self._close(self.ledger.close(given.event_id), given.reason)
        if not self.ledger.prolong(given.event_id, given.deadline_at):
            return []
        return [Tell(DeadlineMoved(event_id=given.event_id, deadline_at=given.deadline_at))]

    def ended_elsewhere(self, event_ids: tuple[str, ...]) -> list[Decision]:
        """Close those that are open here from a record only: another replica says that they are over."""
        ended = [each for each in event_ids if each in self.ledger.open_ids and each not in self.sourced]
        over = [event for each in ended for event in self.ledger.close(each)]
        return self._close(tuple(over), "another replica says so")

    def expire(self, now: float) -> list[Decision]:
        """Close events without consequence."""
        seconds = self._policy.rebalance_expires_after_seconds or 0
        return self._close(self.ledger.expire(now), f"no interruption has followed within {seconds:.0f} s")

    def settle(self, reached: Level) -> list[Decision]:
        """Settle the events for which the level reached is enough, each once."""
        return [self._settle_one(event) for event in self.ledger.reach(reached)]

    def _settle_one(self, event: Event) -> Settle:
        return Settle(event, drained=self._drains(event))

    def _close(self, events: tuple[Event, ...], reason: str) -> list[Decision]:
        decisions: list[Decision] = []
        for event in events:
            told = NoticeWithdrawn(event_id=event.event_id, reason=reason)
            decisions += [Tell(told), Settle(event, drained=False)]
        return decisions

    def _engage(self, event: Event) -> list[Decision]:
        """Keep the lifecycle hook of an event waiting if a drain answers it: the drain completes it, too."""
        return [Engage(event)] if isinstance(event, AsgTermination) and self._drains(event) else []

    def _drains(self, event: Event) -> bool:
        return self._policy.level_of(event) is Level.DRAIN


def _received(event: Event, demand: Demand) -> NoticeReceived:
    return NoticeReceived(
        event=event, level=demand.level, drain_at=demand.drain_at, deadline_at=demand.deadline_at
    )
