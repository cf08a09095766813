"""Follows new instances that wait in a launch hook until their node is Ready."""

from nth.core.notices.events import AsgLaunch
from nth.core.queue.dispatch_context import NEVER, Context
from nth.core.queue.dispatch_words import INFO, WARNING, GiveBackNode
from nth.core.queue.messages_in_hand import MessagesInHand, key_of
from nth.core.queue.owed_hooks import OwedHooks
from nth.core.queue.recent_keys import RecentValues

LAUNCH_SECONDS = 7200.0
"""A launch hook whose timeout AWS does not give is forgotten after this."""
MAX_LAUNCHED = 5_000


class Launches:
    """The launches that wait, and when instances were last launched."""

    def __init__(self, context: Context, in_hand: MessagesInHand, hooks: OwedHooks) -> None:
        self._context = context
        self._in_hand = in_hand
        self._hooks = hooks
        self._waiting: dict[str, dict[str, tuple[AsgLaunch, float]]] = {}
        self._launched: RecentValues[float] = RecentValues(MAX_LAUNCHED, NEVER)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, event: AsgLaunch, deadline_at: float | None) -> None:
        """Add a launch. Its hook is completed when its node is Ready, and times out at `deadline_at`."""
        if deadline_at is None or deadline_at <= self._context.now:
            deadline_at = event.noticed_at + LAUNCH_SECONDS
        at = max(event.noticed_at, self.launched_at(event.instance_id) or 0.0)
        self._launched.put(event.instance_id, at, self._context.now)
        self._waiting.setdefault(event.instance_id, {})[event.event_id] = event, deadline_at
        self.look(event.instance_id)

    def launched_at(self, instance_id: str) -> float | None:
        """Returns when it was last launched (epoch seconds), as far as is remembered."""
        return self._launched.get(instance_id, self._context.now)

    def look(self, instance_id: str) -> None:
        """Look at the instance's node, which is new or has changed.

        It is given back at once, so that nothing has to be undone any more when it gets Ready.
        """
        waiting = self._waiting.get(instance_id)
        if waiting and (node := self._context.view.nodes.find(instance_id)) is not None:
            for event, _ in waiting.values():
                self._context.decide(GiveBackNode(event, node))

    def given_back(self, asked: GiveBackNode) -> None:
        """Take the answer that nothing is left on the node from before the launch."""
        event, node = asked.launch, asked.node
        if not node.ready or event.event_id not in self._waiting.get(event.instance_id, {}):
            return
        fields = {"node": node.name, "instance_id": event.instance_id, "event_id": event.event_id}
        text = "Node is Ready, so its launch hook is to be completed"
        self._context.log(INFO, text, fields)
        self._forget(event)
        self._hooks.give_up(event)

    def look_at_all(self) -> None:
        """Look again at launches whose node is there, and give up those whose hook has timed out."""
        for instance_id in self._waiting:
            self.look(instance_id)
        now = self._context.now
        over = [
            event for each in self._waiting.values() for event, until_at in each.values() if until_at <= now
        ]
        for event in over:
            fields = {"instance_id": event.instance_id, "event_id": event.event_id}
            text = "The launch hook's time is over, and its node is not Ready yet"
            self._context.log(WARNING, text, fields)
            self._forget(event)
            self._in_hand.done(key_of(event))

    def _forget(self, event: AsgLaunch) -> None:
        events = self._waiting[event.instance_id]
        del events[event.event_id]
        if not events:
            del self._waiting[event.instance_id]
