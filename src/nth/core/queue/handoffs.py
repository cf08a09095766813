"""Delivers events of our nodes: to our session, or to the replica that has the node.

An event of another replica's node is posted into the record on the node. It stays in hand until that replica
has written that it is done, or is gone itself; `core.replicas.handoff` decides the next step.
"""

from dataclasses import dataclass, field

from nth.core.backoff import Refusals
from nth.core.facts import Node
from nth.core.notices.events import Event, Noticed
from nth.core.policy import Level
from nth.core.queue.adoptions import Adoptions
from nth.core.queue.dispatch_context import NEVER, Context
from nth.core.queue.dispatch_words import INFO, WARNING, GiveNotice, Posted, PostToHolder
from nth.core.queue.owed_hooks import OwedHooks
from nth.core.replicas.handoff import Step, next_step
from nth.errors import Conflict

LOOK_SECONDS = 1.0
"""The pause between two looks at every handoff, unless a node changes or a replica dies."""
OFTEN = 30
"""After so many refusals an event is posted ever less often."""
TIMEOUT_SECONDS = 6.0
"""After this an event is not left to a holder that does not have it, or that is not shown to live."""


@dataclass(slots=True)
class Handoff:
    """One event of a node that another replica has."""

    node_name: str
    event: Event
    since_at: float
    """When its holder fell silent, as far as can be seen."""
    is_posting: bool = False
    refusals: Refusals = field(default_factory=lambda: Refusals(OFTEN))
    post_at: float = 0.0
    """When it may be posted again (epoch seconds)."""


class Handoffs:
    """All events of nodes that other replicas have."""

    def __init__(
        self,
        context: Context,
        hooks: OwedHooks,
        adoptions: Adoptions,
    ) -> None:
        self._context = context
        self._hooks = hooks
        self._adoptions = adoptions
        self._handoffs: dict[tuple[str, str], Handoff] = {}
        self._look_at = NEVER

    def __len__(self) -> int:
        return len(self._handoffs)

    def deliver(self, node: Node, event: Event) -> None:
        """Deliver an event of one of our nodes."""
        if self.is_anothers(node.name):
            self.add(node.name, event)
        else:
            self._context.decide(GiveNotice(node.name, Noticed(event=event), node))

    def is_anothers(self, node_name: str) -> bool:
        """True if another replica has the node, and lives."""
        if node_name in self._context.view.sessions.node_names:
            return False
        record = self._adoptions.records.get(node_name)
        if record is None or not record.is_anothers(self._context.identity):
            return False
        return self._adoptions.is_alive(record.holder)

    def add(self, node_name: str, event: Event) -> None:
        """Add the event of a node that another replica has. A known handoff of that event goes on."""
        new = Handoff(node_name, event, self._context.now)
        self._handoffs.setdefault((node_name, event.event_id), new).event = event
        self.stir()

    @property
    def look_at(self) -> float:
        """Returns when something is due (epoch seconds)."""
        return self._look_at if self._handoffs else NEVER

    def stir(self) -> None:
        """Make every handoff due: a node has changed, or a replica has died."""
        self._look_at = self._context.now

    def due(self) -> tuple[Handoff, ...]:
        """Returns the handoffs to be looked at now."""
        if self._context.now < self._look_at:
            return ()
        self._look_at = self._context.now + LOOK_SECONDS
        return tuple(self._handoffs.values())

    def drop(self, node_name: str, event: Event) -> None:
        """Stop passing on the event."""
        self._handoffs.pop((node_name, event.event_id), None)

    def look(self, handoff: Handoff) -> None:
        """Decide what comes next."""
        if handoff.is_posting:
            return
        event, node = handoff.event, self._context.view.nodes.by_name(handoff.node_name)
        if node is None:
            self.drop(handoff.node_name, event)
            self._hooks.give_up(event)
            return
        level, step = self._context.rules.policy.level_of(event), self._step(handoff, node)
        if step is Step.TAKE:
            self.drop(handoff.node_name, event)
            self._context.decide(GiveNotice(node.name, Noticed(event=event), node))
        elif step is Step.DONE:
            self.drop(handoff.node_name, event)
            self._hooks.confirm(event, drained=level is Level.DRAIN)
        elif step is Step.POST and self._context.now >= handoff.post_at:
            handoff.is_posting = True
            self._context.decide(PostToHolder(node, event, self._adoptions.records[node.name].holder))

    def _step(self, handoff: Handoff, node: Node) -> Step:
        now = self._context.now
        if not self._context.view.nodes.is_fresh:
            # The holder may have written long ago; and a replica that cannot reach the server posts nothing.
            handoff.since_at = now
        return next_step(
            handoff.event,
            self._context.rules.policy.level_of(handoff.event),
            node,
            self._adoptions.records.get(node.name),
            self._context.identity,
            self._adoptions.is_alive,
            is_shown_alive=self._context.view.replicas.is_shown_alive,
            overdue=now - handoff.since_at >= TIMEOUT_SECONDS,
        )

    def posted(self, given: Posted) -> None:
        """Take the answer to a post."""
        asked, error = given.asked, given.error
        fields = {"node": asked.node.name, "event_id": asked.event.event_id, "holder": asked.holder}
        handoff = self._handoffs.get((asked.node.name, asked.event.event_id))
        if handoff is not None:
            handoff.is_posting = False
        if error is None:
            text = "another replica has the node, and gets the event"
            self._context.log(INFO, text, fields)
        elif handoff is not None and not isinstance(error, Conflict):
            # A conflict is the holder's doing, most likely; the watch brings the new node in a moment.
            if not handoff.refusals.number:
                text = f"cannot tell the replica that has the node, trying again: {error}"
                self._context.log(WARNING, text, fields)
            handoff.refusals.heard(error)
            if handoff.refusals.lasting:
                handoff.post_at = self._context.now + handoff.refusals.pause_seconds(LOOK_SECONDS)
