"""The messages in hand, and the events that they wait for."""

from collections.abc import Mapping
from typing import Protocol

from nth.core.notices.events import Event, instance_of
from nth.core.queue.message_refs import Docket, Key, Ref


class Mail(Protocol):
    """One queue's messages."""

    def hold(self, message_id: str) -> None:
        """It is being worked on: keep it hidden from others."""
        ...

    def settle(self, message_id: str) -> None:
        """It is done: delete it."""
        ...

    def leave(self, message_id: str) -> None:
        """It is not for now: let it become visible when its time is over."""
        ...

    def give_back(self, message_id: str) -> None:
        """Let it become visible at once."""
        ...


class Desk:
    """`mails` by the URL of their queue."""

    def __init__(self, mails: Mapping[str, Mail]) -> None:
        self._mails = mails
        self._docket = Docket()
        self._assigned: dict[Key, tuple[str, Event]] = {}

    def open(self, ref: Ref, keys: set[Key]) -> None:
        """A message is about these."""
        self._docket.open(ref, keys)

    def has(self, ref: Ref) -> bool:
        """The message is open."""
        return self._docket.has(ref)

    def assign(self, node_name: str, event: Event) -> None:
        """The event is in the hands of that node's session, or of the replica that has the node."""
        key = key_of(event)
        self._assigned[key] = (node_name, event)
        for ref in self._docket.refs(key):
            self._mails[ref.queue_url].hold(ref.message_id)

    def heard(self, key: Key) -> tuple[str, Event] | None:
        """The node and the event, if a message in hand has told us of it: not only a record."""
        return self._assigned.get(key)

    def hold(self, ref: Ref) -> None:
        """The message waits for something."""
        self._mails[ref.queue_url].hold(ref.message_id)

    def done(self, key: Key) -> tuple[str, Event] | None:
        """That is done; so are the messages that were only about this. Its node and event, if known."""
        assigned = self._assigned.pop(key, None)
        for ref in self._docket.close(key):
            self._mails[ref.queue_url].settle(ref.message_id)
        return assigned

    def settle(self, ref: Ref) -> None:
        """The message asks nothing of us: delete it."""
        self._docket.drop(ref)
        self._mails[ref.queue_url].settle(ref.message_id)

    def leave(self, ref: Ref) -> None:
        """The message is to come again."""
        self._docket.drop(ref)
        self._mails[ref.queue_url].leave(ref.message_id)

    def unassign(self, event: Event) -> None:
        """Nobody has begun to work on it after all."""
        self._assigned.pop(key_of(event), None)

    def leave_event(self, event: Event) -> None:
        """All messages about it are to come again."""
        self.unassign(event)
        for ref in self._docket.refs(key_of(event)):
            self.leave(ref)

    def done_event(self, event: Event) -> None:
        """All that was to be done for it is done."""
        self.done(key_of(event))

    def give_back_unassigned(self) -> None:
        """What nobody has begun to work on is for others, at once."""
        begun = {ref for key in self._assigned for ref in self._docket.refs(key)}
        for ref in self._docket.refs_open():
            if ref not in begun:
                self._give_back(ref)

    def give_back_all(self) -> None:
        """Every message in hand is for others, at once."""
        self._assigned.clear()
        for ref in self._docket.refs_open():
            self._give_back(ref)

    def _give_back(self, ref: Ref) -> None:
        self._docket.drop(ref)
        self._mails[ref.queue_url].give_back(ref.message_id)

    def events_of(self, node_name: str) -> tuple[Event, ...]:
        """The events in hand that are about that node."""
        return tuple(event for name, event in self._assigned.values() if name == node_name)

    def __len__(self) -> int:
        return len(self._docket)


def key_of(event: Event) -> Key:
    """What messages about this event wait for."""
    return Key(instance_of(event), event.event_id)
