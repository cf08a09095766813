"""The events of one session: their demands together, and their marks on the node."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from nth.core.facts import Taint
from nth.core.node.node_annotation import (
    ACTION_LABEL,
    ACTION_TIME_LABEL,
    EVENT_ID_LABEL,
    UNCORDON_AFTER_REBOOT,
    NodeRecord,
    Seen,
)
from nth.core.node.node_marks import Wanted, as_label_value
from nth.core.notices.events import AsgTermination, Event, ScheduledMaintenance
from nth.core.policy import (
    LOAD_BALANCER_LABEL,
    OUT_OF_SERVICE_TAINT,
    PREFIX,
    Demand,
    Level,
    Policy,
    demand_of,
    returns_after_reboot,
    taint_key_of,
    together,
)
from nth.core.times import soonest


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRules:
    """The settings about marking a node."""

    taint_node: bool = False
    taint_effect: str = "NoSchedule"
    exclude_from_load_balancers: bool = False
    out_of_service_taint: bool = False


class EventLedger:
    """The open and the finished events of a node."""

    def __init__(self, policy: Policy, rules: MarkRules, record: NodeRecord | None = None) -> None:
        self._policy = policy
        self._rules = rules
        self._open: dict[str, Seen] = {s.event.event_id: s for s in (record.events if record else ())}
        self._settled: set[str] = set()
        """Settled by this process: a successor proves and settles the recorded ones once more."""
        self._finished: dict[str, None] = dict.fromkeys(record.finished if record else ())
        self._added_up: tuple[Demand | None] | None = None
        """The result of `demand`; None: something has changed since."""

    def open(self, event: Event, seen_at: float) -> Demand | None:
        """Take an event in; returns its demand if it has news, None if it is known or over.

        AWS may move a scheduled event: it keeps its id, and the moment at which it was first seen.
        """
        known = self._open.get(event.event_id)
        if self._is_finished(event) or (known is not None and not _is_news(known.event, event)):
            return None
        self._settled.discard(event.event_id)
        self._open[event.event_id] = seen = Seen(event, min(known.seen_at, seen_at) if known else seen_at)
        self._added_up = None
        return self._demand(seen)

    def _is_finished(self, event: Event) -> bool:
        """Returns whether its end counts: a record cannot silence a notice that no machine outlives."""
        return event.event_id in self._finished and event.kind.outlived

    def prolong(self, event_id: str, deadline_at: float) -> bool:
        """Move a lifecycle hook's deadline; returns True if that is news."""
        seen = self._open.get(event_id)
        if (
            seen is None
            or not isinstance(seen.event, AsgTermination)
            or seen.event.deadline_at == deadline_at
        ):
            return False
        self._open[event_id] = replace(seen, event=replace(seen.event, deadline_at=deadline_at))
        self._added_up = None
        return True

    def close(self, name: str) -> tuple[Event, ...]:
        """Close and forget an event; returns those that were open under that id, or AWS Health's arn."""
        self._finished.pop(name, None)
        closed = [
            seen.event
            for seen in self._open.values()
            if name == seen.event.event_id
            or (isinstance(seen.event, ScheduledMaintenance) and name == seen.event.arn)
        ]
        for event in closed:
            del self._open[event.event_id]
        self._added_up = None
        return tuple(closed)

    def expire(self, now: float) -> tuple[Event, ...]:
        """Close events without consequence; they are remembered, as a source may go on naming them."""
        over = [seen.event for seen in self._open.values() if (self._expires_at(seen) or now + 1) <= now]
        for event in over:
            del self._open[event.event_id]
            self._finished[event.event_id] = None
            self._added_up = None
        return tuple(over)

    @property
    def expires_at(self) -> float | None:
        """The moment when the next event is over by itself."""
        return soonest(*(self._expires_at(seen) for seen in self._open.values()))

    def _expires_at(self, seen: Seen) -> float | None:
        return self._policy.expires_at(seen.event, seen.seen_at)

    def reach(self, level: Level) -> tuple[Event, ...]:
        """Settle the events for which this level is enough, and return them, each once."""
        reached = [
            seen
            for event_id, seen in self._open.items()
            if event_id not in self._settled and self._demand(seen).level <= level
        ]
        for seen in reached:
            self._settled.add(seen.event.event_id)
            self._open[seen.event.event_id] = replace(seen, settled=True)
        return tuple(seen.event for seen in reached)

    def is_settled(self, event_id: str) -> bool:
        """Returns whether the event is done with."""
        return event_id in (self._settled if event_id in self._open else self._finished)

    def level_of(self, event: Event) -> Level:
        """Returns the level that the event asks for."""
        return self._policy.level_of(event)

    @property
    def open_events(self) -> tuple[Event, ...]:
        """The open events."""
        return tuple(seen.event for seen in self._open.values())

    @property
    def open_demands(self) -> tuple[tuple[Seen, Demand], ...]:
        """The open events, and the demand of each."""
        return tuple((seen, self._demand(seen)) for seen in self._open.values())

    def finish_all(self) -> tuple[Event, ...]:
        """Close every open event, because the machine has come back; returns them.

        Scheduled ones are remembered, because they stay listed for a while.
        """
        closed, self._open, self._added_up = self._open, {}, None
        for event_id, seen in closed.items():
            if isinstance(seen.event, ScheduledMaintenance):
                self._finished[event_id] = None
        return tuple(seen.event for seen in closed.values())

    def demand(self) -> Demand | None:
        """Returns the demand of all open events together; None if there is none."""
        if self._added_up is None:
            self._added_up = (together([self._demand(seen) for seen in self._open.values()]),)
        return self._added_up[0]

    @property
    def deadline_at(self) -> float | None:
        """The earliest moment at which the machine may stop, as far as it is named."""
        demand = self.demand()
        return None if demand is None else demand.deadline_at

    @property
    def hard_deadline_at(self) -> float | None:
        """The deadline before which pods may be forced."""
        demand = self.demand()
        return None if demand is None else demand.hard_deadline_at

    def older_than(self, at: float) -> tuple[str, ...]:
        """Returns the ids of the open events from before that instant."""
        return tuple(seen.event.event_id for seen in self._open.values() if seen.began_at < at)

    @property
    def doomed_until_at(self) -> float | None:
        """The deadline plus a grace: until then the machine certainly goes. None: it may stay."""
        deadline_at = self.hard_deadline_at
        return None if deadline_at is None else deadline_at + self._policy.node_grace_seconds

    def is_doomed(self, now: float) -> bool:
        """Returns whether the machine certainly goes."""
        return self.doomed_until_at is not None and now < self.doomed_until_at

    @property
    def open_ids(self) -> tuple[str, ...]:
        """The ids of the open events."""
        return tuple(self._open)

    @property
    def drain_seen_at(self) -> float | None:
        """The moment when the oldest event that asks for a drain was first seen."""
        return min(
            (s.seen_at for s in self._open.values() if self._demand(s).level is Level.DRAIN), default=None
        )

    def _demand(self, seen: Seen) -> Demand:
        return demand_of(seen.event, seen.seen_at, self._policy)

    def wanted(self, marked_at: float, *, out_of_service: bool, cordon: bool = True) -> Wanted:
        """Returns the marks that the open events ask for; the oldest event names the reason."""
        events = [seen.event for seen in sorted(self._open.values(), key=lambda seen: seen.seen_at)]
        returning = [event for event in events if returns_after_reboot(event)]
        labels = {EVENT_ID_LABEL: as_label_value(returning[0].event_id)} if returning else {}
        if self._rules.exclude_from_load_balancers:
            labels[LOAD_BALANCER_LABEL] = PREFIX
        taints = self._taints(events) if self._rules.taint_node else ()
        if out_of_service and self._rules.out_of_service_taint:
            taints = (*taints, OUT_OF_SERVICE_TAINT)
        return Wanted(
            cordon=cordon,
            taints=taints,
            labels=labels,
            if_we_cordon={
                ACTION_LABEL: UNCORDON_AFTER_REBOOT,
                ACTION_TIME_LABEL: str(int(marked_at)),
            }
            if returning
            else {},
        )

    def _taints(self, events: Iterable[Event]) -> tuple[Taint, ...]:
        taints: dict[str, Taint] = {}
        for event in events:
            key = taint_key_of(event)
            if key is not None and key not in taints:
                taints[key] = Taint(key, self._rules.taint_effect, as_label_value(event.event_id))
        return tuple(taints.values())

    def record(self, session_id: str, marked_at: float, *, drained: bool, holder: str = "") -> NodeRecord:
        """Returns all that a successor needs, but for the marks."""
        return NodeRecord(
            session_id=session_id,
            holder=holder,
            drained=drained,
            marked_at=marked_at if self._open else 0,
            deadline_at=self.deadline_at,
            events=tuple(self._recorded(seen) for seen in self._open.values()),
            finished=tuple(self._finished),
        )

    def _recorded(self, seen: Seen) -> Seen:
        """Returns it settled for a drain only: a cordon shows on the node, and is not worth a request."""
        return replace(seen, settled=seen.settled and self._demand(seen).level is Level.DRAIN)

    @property
    def remembers(self) -> bool:
        """True if there are finished events that may still be listed."""
        return bool(self._finished)


def _is_news(known: Event, event: Event) -> bool:
    """Returns whether an event is news. A hook's deadline is ours to move: a repeated message knows less."""
    return known != event and not isinstance(event, AsgTermination)
