"""The messages in hand, and the events that they wait for: a message is done when all its events are done.

A Health event names many instances in one message; several messages may name the same event. A message
that is done is forgotten.
"""

from typing import NamedTuple

from nth.core.notices.events import AsgLaunch, Event
from nth.core.notices.message import instance_id_of
from nth.core.queue.dispatch_context import Context
from nth.core.queue.dispatch_view import Key, Ref
from nth.core.queue.dispatch_words import Delete, GiveBack, Hold, Leave


class Assigned(NamedTuple):
    """An event named by a message in hand, and its node."""

    node_name: str
    event: Event


class MessagesInHand:
    """Decides when each message is deleted, left or given back."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._keys: dict[Ref, set[Key]] = {}
        self._refs: dict[Key, set[Ref]] = {}
        self._assigned: dict[Key, Assigned] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def open(self, ref: Ref, keys: set[Key]) -> None:
        """Add the keys that a message waits for; the same message again adds nothing."""
        self._keys.setdefault(ref, set()).update(keys)
        for key in keys:
            self._refs.setdefault(key, set()).add(ref)

    def has(self, ref: Ref) -> bool:
        """True if the message is open."""
        return ref in self._keys

    def refs(self, key: Key) -> tuple[Ref, ...]:
        """Returns the messages that wait for this event."""
        return tuple(self._refs.get(key, ()))

    def hold(self, ref: Ref) -> None:
        """Hold the message: it waits for something, and stays hidden from others."""
        self._context.decide(Hold(ref))

    def assign(self, node_name: str, event: Event) -> None:
        """Note that a session works on the event, or the replica that has the node."""
        key = key_of(event)
        self._assigned[key] = Assigned(node_name, event)
        for ref in self.refs(key):
            self.hold(ref)

    def assigned(self, key: Key) -> Assigned | None:
        """Returns the event and its node, if a message in hand names it; a record alone does not count."""
        return self._assigned.get(key)

    def events_of(self, node_name: str) -> tuple[Event, ...]:
        """Returns the assigned events of that node."""
        return tuple(each.event for each in self._assigned.values() if each.node_name == node_name)

    def unassign(self, event: Event) -> None:
        """Take back the assignment: work on the event has not begun."""
        self._assigned.pop(key_of(event), None)

    def done(self, key: Key) -> Assigned | None:
        """Delete the messages that waited only for this event. Returns its assignment."""
        for ref in self._refs.pop(key, set()):
            keys = self._keys[ref]
            keys.discard(key)
            if not keys:
                del self._keys[ref]
                self._context.decide(Delete(ref))
        return self._assigned.pop(key, None)

    def delete(self, ref: Ref) -> None:
        """Delete a message that asks nothing of us."""
        self._drop(ref)
        self._context.decide(Delete(ref))

    def leave(self, ref: Ref) -> None:
        """Leave the message: it comes again when its visibility timeout ends."""
        self._drop(ref)
        self._context.decide(Leave(ref))

    def leave_key(self, key: Key) -> None:
        """Leave all messages that wait for this event."""
        self._assigned.pop(key, None)
        for ref in self.refs(key):
            self.leave(ref)

    def give_back(self, *, begun: bool) -> None:
        """Make all messages visible to others at once; `begun`: also those with an assigned event."""
        if begun:
            self._assigned.clear()
        kept = {ref for key in self._assigned for ref in self._refs.get(key, ())}
        for ref in tuple(self._keys):
            if ref not in kept:
                self._drop(ref)
                self._context.decide(GiveBack(ref))

    def _drop(self, ref: Ref) -> None:
        for key in self._keys.pop(ref, set()):
            refs = self._refs[key]
            refs.discard(ref)
            if not refs:
                del self._refs[key]


def key_of(event: Event | AsgLaunch) -> Key:
    """Returns the key that messages about this event wait for."""
    return Key(instance_id_of(event), event.event_id)
