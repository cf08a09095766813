"""One node that is going away: inputs in, decisions out, and when to be woken next.

Sans-IO: `handle` never waits, reads a clock, logs or opens a socket, so a two-minute drain is a
millisecond's test, and the simulation, the preview and production run the same code.

    decisions = session.handle(input, now)     # carry them out; answers are further inputs
    session.wake_at                            # hand in Woken() then, if nothing comes before

`phases` says which trigger leads from one phase to the next. The node's marks (`NodePatcher`) and its pods
(`Evacuation`) go on side by side; a phase only says which of them may act.
"""

from collections.abc import Callable
from typing import assert_never

from nth.core.decisions import (
    Decision,
    HandOver,
    Input,
    NodeNews,
    NodePatched,
    NodeRead,
    PodAnswered,
    PodsListed,
    SlotGranted,
    Tell,
    Woken,
)
from nth.core.drain.node_drain import NodeDrain, PodInput
from nth.core.facts import Node
from nth.core.node import phases
from nth.core.node.aftermath import Aftermath, aftermath_of
from nth.core.node.claim import Claim
from nth.core.node.cordon_guard import CordonGuard
from nth.core.node.drain_slot import DrainSlot
from nth.core.node.event_settlement import EventSettlement
from nth.core.node.mark_timeout import MarkTimeout
from nth.core.node.node_annotation import Marks, NodeRecord
from nth.core.node.node_patcher import Goal, NodePatcher
from nth.core.node.phases import MARKED_PHASES, TRANSITIONS, Phase
from nth.core.node.session_rules import SessionRules
from nth.core.node.vanished import Vanished, has_returned, vanished_of
from nth.core.notices.events import Event, Noticed, Prolonged, Withdrawn
from nth.core.policy import Demand, Level
from nth.core.reports import SessionEnded
from nth.core.times import soonest
from nth.core.trouble import TroubleLog
from nth.errors import ClusterError, Throttled, Unreachable

__all__ = ["Session", "SessionRules"]

ANSWER_SECONDS = 2.0
"""A handover waits for the answers to requests about pods for so long."""


class Session:
    """The life of one node that is going away.

    `node` and `record` come from the Node, if it was read; `booted_at` is when the machine
    was last booted: events that the record knows from before that are over.
    `leaves_to`: as in `Claim`.
    """

    def __init__(
        self,
        node_name: str,
        session_id: str,
        rules: SessionRules,
        now: float,
        *,
        node: Node | None = None,
        record: NodeRecord | None = None,
        booted_at: float | None = None,
        leaves_to: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.node_name = node_name
        self.session_id = record.session_id if record and record.session_id else session_id
        self.phase = Phase.WAITING
        self.aftermath: Aftermath | None = None
        """The part that goes on after the session's end; None = there is none."""
        self.ended_by = ""
        """The trigger that led to the end (`phases`); empty before it."""
        self.wake_at: float | None = None
        self._rules = rules
        self._settlement = EventSettlement(rules.policy, rules.marks, record)
        self._ledger = self._settlement.ledger
        self._patcher = NodePatcher(record.marks if record else Marks(), node, now)
        self._guard = CordonGuard(self._patcher, watches=rules.watch_node)
        self.claim = Claim(rules.identity, record, node, leaves_to=leaves_to)
        self._slot = DrainSlot(needed=rules.needs_drain_slot)
        self._trouble = TroubleLog("the Kubernetes API server", Unreachable, Throttled)
        self._record = record
        self._booted_at = booted_at
        self._marked_at = record.marked_at if record else 0.0
        self._mark_timeout = MarkTimeout(now)
        self._drain = NodeDrain(
            node_name,
            rules.drain,
            grace_seconds=rules.policy.node_grace_seconds,
            was_drained=record is not None and record.drained,
            resumed=self._marked_at > 0,
            now=now,
        )

    def handle(self, given: Input, now: float) -> list[Decision]:
        """Take one input; the decisions are to be carried out, in this order."""
        if self.phase is Phase.ENDED:
            return []
        decisions = [*self._begin(now), *self._take(given, now), *self._settlement.expire(now)]
        if self.claim.leaves_at is not None and not self.claim.released:
            decisions += self._leave(now, self.claim.leaves_at)
        if self.phase in MARKED_PHASES and not self.claim.displaced_by:
            decisions += self._look_at_cordon(now)
        if self.phase is Phase.UNDOING:
            # Finished events to be remembered may have changed, and then there is more to undo.
            self._patcher.aim(self._goal())
        decisions += [*self._move(now), *self._act(now)]
        while self._trigger(now) is not None:
            decisions += [*self._move(now), *self._act(now)]
        self.wake_at = self._next_moment(now)
        return decisions

    def _begin(self, now: float) -> list[Decision]:
        """Act on a record on the node, before the first input."""
        record, self._record = self._record, None
        if record is None:
            return []
        if self._booted_at is not None and record.is_over(self._booted_at):
            return self._settlement.returned()
        resumed = self._settlement.resume()
        # It was written in the same patch as the cordon.
        lifted = bool(record.events) and record.marked_at > 0 and not self._patcher.cordoned
        return [*resumed, *(self._look_at_cordon(now, looked=False) if lifted else [])]

    def _look_at_cordon(self, now: float, *, looked: bool = True) -> list[Decision]:
        told = self._guard.look(now, doomed=self._ledger.is_doomed(now), looked=looked)
        if told is not None:
            self._drain.uncordon(heeded=self._guard.heeded)
        return told or []

    def _take(self, given: Input, now: float) -> list[Decision]:
        match given:
            case Noticed():
                self._settlement.sourced.add(given.event.event_id)
                return self._noticed(given.event, now)
            case Withdrawn() | Prolonged():
                return self._settlement.heard(given)
            case NodeRead() | NodePatched() | NodeNews():
                return self._node_answered(given, now)
            case SlotGranted():
                self._slot.grant()
            case HandOver():
                self.claim.leaves_at = now + ANSWER_SECONDS
            case Woken():
                pass
            case _:
                return self._pods_heard(given, now)
        return []

    def _node_answered(self, given: NodeRead | NodePatched | NodeNews, now: float) -> list[Decision]:
        if isinstance(given, NodeNews):
            if given.node is None:
                self._patcher.missing = True
                return []
            self._patcher.node_news(given.node, now)
            return self._heed(given.node, now)
        if isinstance(given, NodeRead):
            self._mark_timeout.heard(now, failed=isinstance(given.answer, ClusterError))
            told = self._patcher.node_read(given.answer, now)
        else:
            told = self._patcher.node_patched(given.answer, now)
        heeded = self._heed(given.answer, now, ours=isinstance(given, NodePatched))
        return [*self._report(given.answer, now), *told, *heeded]

    def _pods_heard(self, given: PodInput, now: float) -> list[Decision]:
        decisions = self._drain.heard(given, now, self._deadline_at)
        if isinstance(given, PodsListed):
            self._mark_timeout.heard(now, failed=isinstance(given.answer, ClusterError))
            return [*self._report(given.answer, now), *decisions]
        return [*self._report(given.error, now), *decisions] if isinstance(given, PodAnswered) else decisions

    def _heed(self, answer: Node | ClusterError, now: float, *, ours: bool = False) -> list[Decision]:
        """Take in the events that another replica has written on the node."""
        if isinstance(answer, ClusterError):
            return []
        posted = self.claim.heed(answer, self._patcher.written, ours=ours)
        noticed = [each for seen in posted for each in self._noticed(seen.event, min(seen.seen_at, now))]
        return [*noticed, *self._settlement.ended_elsewhere(self.claim.ended)]

    def older_than(self, at: float) -> tuple[str, ...]:
        """Returns the ids of the open events from before that instant."""
        return self._ledger.older_than(at)

    def _leave(self, now: float, latest_at: float) -> list[Decision]:
        """Give up the node, and the pods when no request is under way: it would be made a second time."""
        if self._drain.pods.asking and now < latest_at:
            return []
        self.claim.released = True
        self._patcher.aim(self._goal())
        return [*self._drain.forget(), *self._drain.stop()]

    def _noticed(self, event: Event, seen_at: float) -> list[Decision]:
        demand, decisions = self._settlement.take(event, seen_at)
        if demand is not None:
            self._guard.heeded = self._drain.heeded = False
            # The cordon may have been taken off since; if it was not, one more list shows it.
            self._drain.again |= self.phase is Phase.DRAINED and demand.level is Level.DRAIN
        return decisions

    def _report(self, answer: object, now: float) -> list[Decision]:
        return [Tell(report) for report in self._trouble.heard(answer, now)]

    def _trigger(self, now: float) -> str | None:
        """Returns the trigger that leads out of the present phase, if there is one."""
        demand = self._ledger.demand()
        if self.phase is Phase.ENDED:
            return None
        if self._patcher.missing and not (self.claim.released or self._outlives_node(now)):
            return phases.GONE
        if self.claim.displaced_by:
            return phases.TAKEN
        if self.claim.released and (demand is not None or self.phase in (Phase.WAITING, Phase.UNDOING)):
            return phases.HANDED_OVER if self.phase is Phase.WAITING or self._patcher.at_rest else None
        if self.phase is Phase.UNDOING:
            if demand is not None:
                return phases.NEW
            return phases.UNDONE if self._patcher.done and not self._ledger.remembers else None
        return phases.OVER if demand is None else self._next_trigger(demand, now)

    def _next_trigger(self, demand: Demand, now: float) -> str | None:
        drain = demand.level is Level.DRAIN
        match self.phase:
            case Phase.WAITING if demand.level >= Level.CORDON and now >= demand.cordon_at:
                return phases.DUE
            case Phase.MARKING if self._is_marked(demand, now):
                return phases.MARKED
            case Phase.CORDONED if drain and now >= demand.drain_at and self._slot.granted:
                return phases.DRAIN_DUE
            case Phase.DRAINING if not drain:
                return phases.CALLED_OFF
            case Phase.DRAINING if self._drain.pods.proven and not self._guard.owed:
                return phases.EMPTY
            case Phase.DRAINED if self._drain.again or self._drain.pods.refilled:
                return phases.AGAIN
            case _:
                return None

    def _is_marked(self, demand: Demand, now: float) -> bool:
        """Returns whether to go on: a node that will certainly die is drained even if it cannot be marked."""
        if self._patcher.done or self._patcher.refused:
            return True
        impatient_at = self._mark_timeout.ends_at(demand.deadline_at)
        return impatient_at is not None and now >= impatient_at

    def _move(self, now: float) -> list[Decision]:
        decisions: list[Decision] = []
        while (trigger := self._trigger(now)) is not None:
            if self.phase is Phase.DRAINING:
                decisions += self._slot.give_back()
            self.phase = TRANSITIONS[self.phase, trigger]
            decisions += self._enter(now, trigger)
            # At once, or the last goal's settlement would count for the new phase.
            self._patcher.aim(self._goal())
        return [*decisions, *self._settlement.settle(self._reached)]

    def _enter(self, now: float, trigger: str) -> list[Decision]:
        """Do the work that is done once, on the way into a phase."""
        match self.phase:
            case Phase.MARKING:
                self._mark_timeout.marking_at = now
                self._marked_at = self._marked_at or now
                # The pods are read while the node is being marked: evictions then start at once.
                return self._drain.prepare(self._drain_noticed_at(now), now)
            case Phase.DRAINING:
                noticed_at = self._drain_noticed_at(now)
                return self._drain.begin(noticed_at, now, cordoned=self._patcher.cordoned)
            case Phase.DRAINED:
                return self._drain.end(now, self._deadline_at)
            case Phase.UNDOING:
                self._marked_at = 0.0
                return self._drain.undo()
            case Phase.CORDONED:
                return [] if self._drain_is_due(now) else self._drain.forget()
            case Phase.ENDED:
                self.ended_by = phases.OVER if trigger == phases.UNDONE else trigger
                # With the node its pods are gone: no event has to wait for them any longer.
                back = has_returned(self.vanished, now, ours=self._rules.watch_node)
                settled = self._settlement.settle(Level.DRAIN) if trigger == phases.GONE and not back else []
                self.aftermath = aftermath_of(self._drain, self, trigger, self._deadline_at)
                ended = [] if self.aftermath else [Tell(SessionEnded(reason=self.ended_by))]
                return [*self._drain.stop(), *self._slot.give_back(), *settled, *ended]
            case Phase.WAITING:
                return []
            case _:
                assert_never(self.phase)

    def _drain_noticed_at(self, now: float) -> float | None:
        """Returns when the drain that is due was noticed; None = none is due yet."""
        return self._ledger.drain_seen_at if self._drain_is_due(now) else None

    def _drain_is_due(self, now: float) -> bool:
        demand = self._ledger.demand()
        return demand is not None and demand.level is Level.DRAIN and now >= demand.drain_at

    # Levels reached, and next actions

    @property
    def _reached(self) -> Level:
        if self.phase is Phase.DRAINED and not self._drain.again:
            return Level.DRAIN
        marked = self.phase in (Phase.CORDONED, Phase.DRAINING, Phase.DRAINED)
        return Level.CORDON if marked and self._patcher.cordoned else Level.NOTIFY

    def _act(self, now: float) -> list[Decision]:
        if self.phase in (Phase.WAITING, Phase.ENDED):
            return []
        self._patcher.aim(self._goal())
        if self.claim.leaves_at is not None:
            return self._patcher.step(now)
        stands = self._patcher.cordoned and not self._guard.heeded
        return [
            *(self._drain.cordon(drained=self.phase is Phase.DRAINED) if stands else []),
            *self._ask_for_slot(now),
            *self._patcher.step(now),
            *self._drain.step(now, self._deadline_at),
            *(self._guard.watch(doomed=self._ledger.is_doomed(now)) if self.phase in MARKED_PHASES else []),
        ]

    def _ask_for_slot(self, now: float) -> list[Decision]:
        wanted = self.phase is Phase.DRAINING or (self.phase is Phase.CORDONED and self._drain_is_due(now))
        if not wanted:
            return self._slot.give_back()
        stuck = self.phase is Phase.DRAINING and now >= self._drain.late_at(None)
        return [*self._slot.ask(self._ledger.deadline_at), *(self._slot.yield_it() if stuck else [])]

    def _goal(self) -> Goal:
        record = self._ledger.record(
            self.session_id, self._marked_at, drained=self._drain.was_drained, holder=self.claim.holder
        )
        if self.phase is Phase.UNDOING:
            return Goal(None, record)
        wanted = self._ledger.wanted(
            self._marked_at, out_of_service=self._drain.out_of_service, cordon=not self._guard.heeded
        )
        return Goal(wanted, record)

    @property
    def vanished(self) -> Vanished | None:
        """The node that is gone, to be remembered as long as its machine may still run."""
        patcher = self._patcher if self.ended_by == phases.GONE else None
        record = self._ledger.record("", 0.0, drained=False, holder=self.claim.holder)
        return vanished_of(patcher, record, self._ledger.doomed_until_at)

    def _outlives_node(self, now: float) -> bool:
        """Returns whether a lifecycle hook keeps a deleted Node's machine: its running pods are drained."""
        draining = self.phase is Phase.DRAINING and self._drain.pods.any_to_go
        return draining and self._patcher.successor is None and self._settlement.keeps_machine(now)

    @property
    def _deadline_at(self) -> float | None:
        """The deadline before which pods may be forced."""
        return self._ledger.hard_deadline_at

    def _next_moment(self, now: float) -> float | None:
        at = soonest(*self._moments())
        return None if at is None else max(at, now)

    def _moments(self) -> list[float | None]:
        if self.phase is Phase.ENDED:
            return []
        marks_at = None if self.phase is Phase.WAITING else self._patcher.wake_at()
        moments = [self._demand_moment(), self._ledger.expires_at, marks_at]
        if self.claim.leaves_at is not None:
            return [*moments, None if self.claim.released else self.claim.leaves_at]
        if self.phase is not Phase.WAITING:
            moments.append(self._drain.wake_at(self._deadline_at))
        if self.phase is Phase.DRAINING and self._slot.limits_others:
            moments.append(self._drain.late_at(None))
        return moments

    def _demand_moment(self) -> float | None:
        """Returns when the events themselves ask for the next phase."""
        demand = self._ledger.demand()
        if demand is None:
            return None
        if self.phase is Phase.WAITING:
            return demand.cordon_at if demand.level >= Level.CORDON else None
        if self.phase is Phase.MARKING:
            return self._mark_timeout.ends_at(demand.deadline_at)
        if self.phase is Phase.CORDONED and demand.level is Level.DRAIN and not self._slot.wanted:
            return demand.drain_at
        return None

    @property
    def busy(self) -> bool:
        """True if there is work under way that a shutdown should wait for."""
        if self.phase in (Phase.WAITING, Phase.ENDED):
            return False
        return self._slot.wanted or self.phase in (Phase.MARKING, Phase.DRAINING) or not self._patcher.done
