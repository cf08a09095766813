"""The scripted world in queue mode: other replicas, a watch of the node, and turns.

The watch tells of every change of the node, as late as a story says. What another replica does to
the record it does by compare and swap, as `core.replicas.handoff` and another session would.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from nth.core.decisions import (
    Decision,
    Engage,
    HandOver,
    ListPods,
    NodeNews,
    Settle,
    SlotGranted,
    WantSlot,
    Woken,
)
from nth.core.dry_run.merge_patch import patched
from nth.core.facts import Node, Pod
from nth.core.node.node_annotation import RECORD_ANNOTATION, NodeRecord, encode, record_of
from nth.core.node.session import Session, SessionRules
from nth.core.notices.events import Noticed, Prolonged, RebalanceRecommendation
from nth.core.policy import Level, Policy
from nth.core.replicas.handoff import post
from tests.core.fleet_samples import OTHER, US
from tests.core.samples import NODE, T0
from tests.core.world import NEWS_SECONDS, Faults, Request, World, no_faults

QUEUE_RULES = SessionRules(
    policy=Policy(levels={RebalanceRecommendation: Level.DRAIN}), identity=US, needs_drain_slot=True
)
"""As the settings' defaults are in queue mode (Q8)."""


class QueueWorld(World):
    """`lag_seconds`: how late the watch of the node is. `slot_seconds`: how long each turn is waited for."""

    def __init__(
        self,
        pods: Iterable[Pod] = (),
        *,
        node: Node | None = None,
        rules: SessionRules = QUEUE_RULES,
        stop_seconds: Callable[[Pod], float] = lambda _: 3.0,
        blocked: Callable[[Pod, float], bool] = lambda pod, now: False,
        faults: Faults = no_faults,
        lag_seconds: float = NEWS_SECONDS,
        slot_seconds: float = 0.0,
        put_on: Callable[[Pod], str] = lambda _: "node-2",
        slow_seconds: Callable[[Request], float] = lambda _: 0.0,
    ) -> None:
        self.lag_seconds = lag_seconds
        self.slot_seconds = slot_seconds
        self.unproven: list[str] = []
        """Ids of events that were settled as drained while pods were on the node, or had not been read."""
        super().__init__(
            pods,
            node=node,
            rules=rules,
            stop_seconds=stop_seconds,
            blocked=blocked,
            faults=faults,
            put_on=put_on,
            slow_seconds=slow_seconds,
        )

    # The node

    def edit_node(self, change: Callable[[Node], Node]) -> None:
        super().edit_node(change)
        if self.node is not None:
            self._news_of_node(self.node)

    def vanish(self) -> None:
        """The Node object is deleted, now."""
        self.node = None
        self._news_of_node(None)

    def _news_of_node(self, node: Node | None) -> None:
        self.at(self.now - T0 + self.lag_seconds, lambda: self._tell_node(node))

    def _tell_node(self, node: Node | None) -> None:
        self.give(NodeNews(node))

    @property
    def record(self) -> NodeRecord:
        """What stands on the node."""
        assert self.node is not None
        record = record_of(self.node)
        assert record is not None
        return record

    # Other replicas

    def post(self, notice: Noticed) -> None:
        """Another replica hears of an event about our node, now."""
        assert self.node is not None
        patch = post(notice.event, self.node, self.now)
        self.edit_node(lambda node: patched(node, patch))

    def seize(self, holder: str = OTHER) -> None:
        """Another replica takes the node, now."""
        assert self.node is not None
        text = encode(replace(record_of(self.node) or NodeRecord(session_id="theirs"), holder=holder))
        self.edit_node(lambda node: replace(node, annotations={RECORD_ANNOTATION: text}))

    def hand_over(self) -> None:
        """We are shut down, now."""
        self.give(HandOver())

    def succeed(self, identity: str = OTHER) -> None:
        """Another replica goes on with the node, now, with what stands on it and nothing else."""
        self._life += 1
        self._following = {}
        self._rules = replace(self._rules, identity=identity)
        record = None if self.node is None else record_of(self.node)
        self.session = Session(
            NODE, f"session-{self._life}", self._rules, self.now, node=self.node, record=record
        )
        if record is not None and (record.events or record.finished):
            self.give(Woken())

    def prolong(self, event_id: str, *, to: float, seconds: float) -> None:
        """A heartbeat is accepted then: the hook times out `to` seconds after the story's begin."""

        def tell() -> None:
            self.give(Prolonged(event_id=event_id, deadline_at=T0 + to))

        self.at(seconds, tell)

    # DrainSlots

    def _carry_out(self, decision: Decision) -> None:
        if isinstance(decision, WantSlot) and self.slot_seconds:
            self.log.append((self.now, decision))
            self._answer(self.slot_seconds, SlotGranted())
            return
        if isinstance(decision, Settle) and decision.drained and not self._is_proven():
            self.unproven.append(decision.event.event_id)
        super()._carry_out(decision)

    def _is_proven(self) -> bool:
        if self.node is None:
            return True
        going = [pod for pod in self.pods.values() if pod.node_name == NODE and not pod.finished]
        return bool(self.asked(ListPods)) and not going

    # What happened

    def decided(self, *kinds: type[Decision]) -> list[tuple[float, Decision]]:
        """(seconds after T0, decision) of these kinds."""
        return [(at - T0, each) for at, each in self.log if isinstance(each, kinds)]

    def settled(self) -> list[tuple[str, bool]]:
        """(event id, drained) of what was settled, in order."""
        settled = [each for _, each in self.log if isinstance(each, Settle)]
        return [(each.event.event_id, each.drained) for each in settled]

    def settled_at(self, notice: Noticed) -> list[float]:
        """When that event was settled, seconds after T0."""
        mine = notice.event.event_id
        return [at - T0 for at, each in self.log if isinstance(each, Settle) and each.event.event_id == mine]

    def engaged(self) -> list[str]:
        """The ids of the events whose hooks were to be kept waiting, in order."""
        return [each.event.event_id for _, each in self.log if isinstance(each, Engage)]
