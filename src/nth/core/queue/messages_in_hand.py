"""The messages in hand, and the events that they wait for: a message is done when all its events are done.

A Health event names many instances in one message; several messages may tell of the same event. Nothing is
kept of what is done.
"""

from typing import NamedTuple

from nth.core.notices.events import AsgLaunch, Event
from nth.core.notices.message import instance_id_of
from nth.core.queue.dispatch_context import Context
from nth.core.queue.dispatch_view import Key, Ref
from nth.core.queue.dispatch_words import Delete, GiveBack, Hold, Leave


class Assigned(NamedTuple):
    """An event of which a message in hand has told, and the node that it is about."""

    node_name: str
    event: Event


class MessagesInHand:
    """Decides what becomes of each message."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._keys: dict[Ref, set[Key]] = {}
        self._refs: dict[Key, set[Ref]] = {}
        self._assigned: dict[Key, Assigned] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def open(self, ref: Ref, keys: set[Key]) -> None:
        """A message waits for these; the same message again adds nothing."""
        self._keys.setdefault(ref, set()).update(keys)
        for key in keys:
            self._refs.setdefault(key, set()).add(ref)

    def has(self, ref: Ref) -> bool:
        """Whether the message is open."""
        return ref in self._keys

    def refs(self, key: Key) -> tuple[Ref, ...]:
        """The messages that wait for this."""
        return tuple(self._refs.get(key, ()))

    def hold(self, ref: Ref) -> None:
        """The message waits for something, and stays hidden from others."""
        self._context.decide(Hold(ref))

    def assign(self, node_name: str, event: Event) -> None:
        """A session works on the event, or the replica that has the node."""
        key = key_of(event)
        self._assigned[key] = Assigned(node_name, event)
        for ref in self.refs(key):
            self.hold(ref)

    def assigned(self, key: Key) -> Assigned | None:
        """The event and its node, if a message in hand has told of it: not only a record."""
        return self._assigned.get(key)

    def events_of(self, node_name: str) -> tuple[Event, ...]:
        """The assigned events that are about that node."""
        return tuple(each.event for each in self._assigned.values() if each.node_name == node_name)

    def unassign(self, event: Event) -> None:
        """Work on the event has not begun after all."""
        self._assigned.pop(key_of(event), None)

    def done(self, key: Key) -> Assigned | None:
        """That is done: the messages that waited only for it are deleted. Returns what was assigned."""
        for ref in self._refs.pop(key, set()):
            keys = self._keys[ref]
            keys.discard(key)
            if not keys:
                del self._keys[ref]
                self._context.decide(Delete(ref))
        return self._assigned.pop(key, None)

    def delete(self, ref: Ref) -> None:
        """The message asks nothing of us."""
        self._drop(ref)
        self._context.decide(Delete(ref))

    def leave(self, ref: Ref) -> None:
        """The message comes again when its visibility timeout ends."""
        self._drop(ref)
        self._context.decide(Leave(ref))

    def leave_key(self, key: Key) -> None:
        """All messages that wait for it come again."""
        self._assigned.pop(key, None)
        for ref in self.refs(key):
            self.leave(ref)

    def give_back(self, *, begun: bool) -> None:
        """All messages become visible to others at once; `begun`: also those with an assigned event."""
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
    """What messages about this event wait for."""
    return Key(instance_id_of(event), event.event_id)
