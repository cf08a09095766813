"""The events of one session: what they demand together, and how they mark the node."""

from collections.abc import Iterable
from dataclasses import dataclass

from nth.core.events import Event, ScheduledMaintenance
from nth.core.facts import Taint
from nth.core.node_changes import LOAD_BALANCER_LABEL, OUT_OF_SERVICE_TAINT, Wanted, as_label_value
from nth.core.node_record import (
    ACTION_LABEL,
    ACTION_TIME_LABEL,
    EVENT_ID_LABEL,
    UNCORDON_AFTER_REBOOT,
    NodeRecord,
    Seen,
)
from nth.core.policy import (
    PREFIX,
    Demand,
    Level,
    Policy,
    demand_of,
    returns_after_reboot,
    taint_key_of,
    together,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRules:
    """What the settings say about marking a node."""

    taint_node: bool = False
    taint_effect: str = "NoSchedule"
    exclude_from_load_balancers: bool = False
    out_of_service_taint: bool = False


class Ledger:
    """The open and the finished events of a node."""

    def __init__(self, policy: Policy, rules: MarkRules, record: NodeRecord | None = None) -> None:
        self._policy = policy
        self._rules = rules
        self._open: dict[str, Seen] = {s.event.event_id: s for s in (record.events if record else ())}
        self._finished: dict[str, None] = dict.fromkeys(record.finished if record else ())

    def open(self, event: Event, now: float) -> Demand | None:
        """Take an event in; its demand if it says something new, None if it is known or over.

        AWS may move a scheduled event: it keeps its id, and the moment at which it was first seen.
        """
        known = self._open.get(event.event_id)
        if event.event_id in self._finished or (known is not None and known.event == event):
            return None
        self._open[event.event_id] = seen = Seen(event, known.seen_at if known else now)
        return self._demand(seen)

    def close(self, event_id: str) -> bool:
        """An event is over and need not be remembered; True if it was open."""
        self._finished.pop(event_id, None)
        return self._open.pop(event_id, None) is not None

    def finish_all(self) -> tuple[str, ...]:
        """The machine has come back: every open event is over.

        Scheduled ones are remembered, because they stay listed for a while.
        """
        closed, self._open = self._open, {}
        for event_id, seen in closed.items():
            if isinstance(seen.event, ScheduledMaintenance):
                self._finished[event_id] = None
        return tuple(closed)

    def demand(self) -> Demand | None:
        """What all open events demand together; None if there is none."""
        return together([self._demand(seen) for seen in self._open.values()])

    @property
    def open_ids(self) -> tuple[str, ...]:
        """The ids of the open events."""
        return tuple(self._open)

    @property
    def drain_seen_at(self) -> float | None:
        """When the oldest event that asks for a drain was first seen."""
        return min(
            (s.seen_at for s in self._open.values() if self._demand(s).level is Level.DRAIN), default=None
        )

    def _demand(self, seen: Seen) -> Demand:
        return demand_of(seen.event, seen.seen_at, self._policy)

    def wanted(self, marked_at: float, *, out_of_service: bool) -> Wanted:
        """The marks that the open events ask for; the oldest event names the reason."""
        events = [seen.event for seen in sorted(self._open.values(), key=lambda seen: seen.seen_at)]
        returning = [event for event in events if returns_after_reboot(event)]
        labels = {EVENT_ID_LABEL: as_label_value(returning[0].event_id)} if returning else {}
        if self._rules.exclude_from_load_balancers:
            labels[LOAD_BALANCER_LABEL] = PREFIX
        taints = self._taints(events) if self._rules.taint_node else ()
        if out_of_service and self._rules.out_of_service_taint:
            taints = (*taints, OUT_OF_SERVICE_TAINT)
        return Wanted(
            cordon=True,
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

    def record(self, session_id: str, marked_at: float, *, drained: bool) -> NodeRecord:
        """What a successor needs, but for the marks."""
        demand = self.demand()
        return NodeRecord(
            session_id=session_id,
            drained=drained,
            marked_at=marked_at if demand else 0,
            deadline_at=demand.deadline_at if demand else None,
            events=tuple(self._open.values()),
            finished=tuple(self._finished),
        )

    @property
    def remembers(self) -> bool:
        """There are finished events that may still be listed."""
        return bool(self._finished)
