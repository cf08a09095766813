"""Checks every event on its way to its node's session: AWS is asked about an old one, which may be over.

`staleness` decides which are old, and what an answer means.
"""

from nth.core.facts import Node
from nth.core.notices.events import Event, Withdrawn, given_at, instance_of
from nth.core.queue.dispatch_context import Context
from nth.core.queue.dispatch_words import INFO, WARNING, AskWhetherOver, GiveNotice, OldEventJudged
from nth.core.queue.handoffs import Handoffs
from nth.core.queue.launches import Launches
from nth.core.queue.messages_in_hand import MessagesInHand, key_of
from nth.core.queue.owed_hooks import OwedHooks
from nth.core.queue.staleness import Checked, LeftAlone, Over, as_checked


class OldEvents:
    """The events about which AWS is being asked; the others pass at once."""

    def __init__(
        self,
        context: Context,
        in_hand: MessagesInHand,
        hooks: OwedHooks,
        launches: Launches,
        handoffs: Handoffs,
    ) -> None:
        self._context = context
        self._in_hand = in_hand
        self._hooks = hooks
        self._launches = launches
        self._handoffs = handoffs
        self._asking: dict[tuple[str, str], Event] = {}

    def check(self, node: Node, event: Event) -> None:
        """Deliver an event of one of our nodes, unless it is over by now."""
        self._in_hand.assign(node.name, event)
        launched_at, at = self._launches.launched_at(instance_of(event)), given_at(event)
        if launched_at is not None and at is not None and at < launched_at:
            # The message of the launch has overtaken its message.
            self._end(node, event, "the instance was launched after it")
        elif as_checked(event, self._context.now) is None:
            self._handoffs.deliver(node, event)
        elif (node.name, event.event_id) not in self._asking:
            self._asking[node.name, event.event_id] = event
            self._context.decide(AskWhetherOver(node.name, event))

    def judged(self, given: OldEventJudged) -> None:
        """Take the verdict about an old event."""
        event, verdict = given.asked.event, given.verdict
        self.forget(given.asked)
        node = self._context.view.nodes.by_name(given.asked.node_name)
        if node is None:
            self._hooks.give_up(event)
        elif isinstance(verdict, Over):
            self._end(node, event, verdict.reason)
        elif isinstance(verdict, LeftAlone):
            text = "An old event is left alone for now; AWS is asked about it again"
            self._log(WARNING, text, node, event, verdict.reason)
            self._in_hand.leave_key(key_of(event))
        else:
            if verdict.doubt:
                text = "An old event is handled unchecked"
                self._log(WARNING, text, node, event, verdict.doubt)
            self._handoffs.deliver(node, event)

    def forget(self, asked: AskWhetherOver) -> None:
        """Forget that AWS is being asked about it."""
        self._asking.pop((asked.node_name, asked.event.event_id), None)

    def close(self) -> None:
        """Leave the events about which AWS has not answered to others."""
        for event in self._asking.values():
            self._in_hand.unassign(event)

    def _end(self, node: Node, event: Event, reason: str) -> None:
        """Settle its message; a session that knows the event from a record gives it up."""
        self._log(INFO, "An old event is over, doing nothing for it", node, event, reason)
        self._context.counts["over"] += 1
        withdrawn = Withdrawn(event_id=event.event_id, reason=reason)
        self._context.decide(GiveNotice(node.name, withdrawn, settles=key_of(event)))

    def _log(self, level: int, text: str, node: Node, event: Event, reason: str) -> None:
        """Log the line once for each event, however often it is delivered."""
        age = self._context.now - event.noticed_at if isinstance(event, Checked) else 0.0
        fields = {"node": node.name, "event_id": event.event_id, "kind": event.kind.name, "reason": reason}
        key = f"{text} {event.event_id} {node.name}"
        self._context.log_once(key, level, text, {**fields, "age_seconds": round(age)})
