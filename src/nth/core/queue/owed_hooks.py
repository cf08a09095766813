"""Keeps the lifecycle hooks that AWS waits for us to complete, and settles events when their hook is done.

The hook comes first, then the message: if this process dies in between, the message brings the event again.
"""

from dataclasses import replace
from typing import NamedTuple

from nth.core.lifecycle.hook_messages import Outcome
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgLaunch, AsgTermination, Event, Prolonged
from nth.core.queue.dispatch_context import Context
from nth.core.queue.dispatch_view import Key
from nth.core.queue.dispatch_words import (
    INFO,
    AbandonHook,
    CompleteHook,
    GiveNotice,
    KeepHookWaiting,
    ReportSettled,
)
from nth.core.queue.messages_in_hand import MessagesInHand, key_of


class _Due(NamedTuple):
    """An event to be settled when its hook is."""

    key: Key
    node_name: str = ""
    """The node whose session has settled the event; empty = a message alone has."""


class OwedHooks:
    """Settles events: their hooks, and then their messages."""

    def __init__(self, context: Context, in_hand: MessagesInHand) -> None:
        self._context = context
        self._in_hand = in_hand
        self._engaged: dict[LifecycleAction, tuple[str, str]] = {}
        """The node and the event of each hook that a session drains for."""
        self._awaited: dict[LifecycleAction, set[_Due]] = {}
        self._confirming: set[LifecycleAction] = set()
        """Actions that another replica has most likely completed."""

    def __len__(self) -> int:
        return len(self._engaged) + len(self._awaited) + len(self._confirming)

    def engage(self, node_name: str, event: Event) -> None:
        """Note that a session drains for this event."""
        if not isinstance(event, AsgTermination):
            return
        action, unproven = self._told_to_aws(node_name, event)
        if not self._context.view.hooks.is_over(action):
            self._engaged[action] = (node_name, event.event_id)
            self._context.decide(KeepHookWaiting(action, event, unproven))

    def settle(self, node_name: str, event: Event, *, drained: bool) -> None:
        """Take the report that the session of that node is done with this event."""
        due = _Due(key_of(event), node_name)
        if not isinstance(event, AsgTermination):
            self._done(due, None)
            return
        action, unproven = self._told_to_aws(node_name, event)
        if drained:
            self._complete(CompleteHook(action, event, unproven), due)
        else:
            # Without a drain the hook is left to its own timeout.
            self._abandon(action, node_name)
            self._done(due, Outcome.TIMED_OUT)

    def let_go(self, node_name: str) -> None:
        """Abandon the node's hooks: another replica has the node, or will have it."""
        for action in [action for action, (name, _) in self._engaged.items() if name == node_name]:
            self._abandon(action, node_name)

    def give_up(self, event: Event | AsgLaunch) -> None:
        """Settle an event that a message names, and that leaves nothing to wait for."""
        if not isinstance(event, AsgTermination | AsgLaunch):
            self._in_hand.done(key_of(event))
        elif self._context.dry_run:
            fields = {"instance_id": event.instance_id, "event_id": event.event_id, "hook": event.action.hook}
            text = "Lifecycle hook would have been completed, but dry-run flag was set"
            self._context.log(INFO, text, fields)
        else:
            self._complete(CompleteHook(event.action, event), _Due(key_of(event)))

    def confirm(self, event: Event, *, drained: bool) -> None:
        """Settle an event of our message that another replica has reported as done.

        It may have been unable to prove the hook's instance: the message may only go when the hook is over.
        """
        if not (isinstance(event, AsgTermination) and drained):
            self._in_hand.done(key_of(event))
            return
        self._confirming.add(event.action)
        self._complete(CompleteHook(event.action, event), _Due(key_of(event)))

    def prolonged(self, action: LifecycleAction, deadline_at: float) -> None:
        """Give the session the instance's new deadline."""
        if action in self._engaged:
            node_name, event_id = self._engaged[action]
            self._context.decide(GiveNotice(node_name, Prolonged(event_id=event_id, deadline_at=deadline_at)))

    def ended(self, action: LifecycleAction, outcome: Outcome) -> None:
        """Take the news that the action is completed, or over for another reason."""
        self._engaged.pop(action, None)
        confirming = action in self._confirming
        self._confirming.discard(action)
        for due in self._awaited.pop(action, set()):
            if confirming and outcome is Outcome.GONE:
                # The other replica has completed it, and has reported that.
                self._in_hand.done(due.key)
            else:
                self._done(due, outcome)

    def forget(self, action: LifecycleAction) -> None:
        """Leave the messages of all events that wait for it: the handler itself failed."""
        self._engaged.pop(action, None)
        self._confirming.discard(action)
        for due in self._awaited.pop(action, set()):
            self._in_hand.leave_key(due.key)

    def is_told(self, node_name: str, event: AsgTermination | AsgLaunch) -> bool:
        """True if a message in hand names the event of that node, not only a record."""
        return self._told(node_name, event) is not None

    def _told_to_aws(self, node_name: str, event: AsgTermination) -> tuple[LifecycleAction, str]:
        """Returns the action for AWS, and the node whose identity has to be proven before; empty = none.

        An action that only a record names can only be that instance's own, so its token is not used.
        """
        by_record = replace(event.action, token="")
        if (node_name, event.event_id) == self._engaged.get(by_record):
            return by_record, node_name
        told = self._told(node_name, event)
        return (by_record, node_name) if told is None else (told.action, "")

    def _told(self, node_name: str, event: AsgTermination | AsgLaunch) -> AsgTermination | None:
        """Returns the event as a message in hand names it, if one does."""
        assigned = self._in_hand.assigned(key_of(event))
        if assigned is None or assigned.node_name != node_name:
            return None
        return assigned.event if isinstance(assigned.event, AsgTermination) else None

    def _complete(self, decision: CompleteHook, due: _Due) -> None:
        self._awaited.setdefault(decision.action, set()).add(due)
        self._context.decide(decision)

    def _abandon(self, action: LifecycleAction, node_name: str) -> None:
        """Forget that node's session, and abandon the action if no other waits for its completion."""
        self._engaged.pop(action, None)
        dues = {due for due in self._awaited.pop(action, set()) if due.node_name != node_name}
        if dues:
            self._awaited[action] = dues
        else:
            self._context.decide(AbandonHook(action))

    def _done(self, due: _Due, outcome: Outcome | None) -> None:
        assigned = self._in_hand.assigned(due.key)
        if due.node_name and (assigned is None or assigned.node_name != due.node_name):
            # Only a record names it, and a record decides about no message: least of all another node's.
            return
        if (assigned := self._in_hand.done(due.key)) is not None:
            self._context.decide(ReportSettled(assigned.node_name, assigned.event, outcome))
