"""Which messages wait for what: a message is done when all that it is about is done.

A Health event names many instances in one message; several messages may tell of the same event.
"""

from typing import NamedTuple


class Ref(NamedTuple):
    """A message of a queue."""

    queue_url: str
    message_id: str


class Key(NamedTuple):
    """An event of an instance."""

    instance_id: str
    event_id: str


class Docket:
    """The open messages. Bounded by what is in hand: nothing is kept of what is done."""

    def __init__(self) -> None:
        self._keys: dict[Ref, set[Key]] = {}
        self._refs: dict[Key, set[Ref]] = {}

    def open(self, ref: Ref, keys: set[Key]) -> None:
        """A message is about these; the same message again adds nothing."""
        self._keys.setdefault(ref, set()).update(keys)
        for key in keys:
            self._refs.setdefault(key, set()).add(ref)

    def close(self, key: Key) -> tuple[Ref, ...]:
        """That is done: the messages that wait for nothing any more."""
        done = []
        for ref in self._refs.pop(key, set()):
            keys = self._keys[ref]
            keys.discard(key)
            if not keys:
                del self._keys[ref]
                done.append(ref)
        return tuple(done)

    def drop(self, ref: Ref) -> None:
        """The message was left to the queue; it will come again."""
        for key in self._keys.pop(ref, set()):
            refs = self._refs[key]
            refs.discard(ref)
            if not refs:
                del self._refs[key]

    def has(self, ref: Ref) -> bool:
        """The message is open."""
        return ref in self._keys

    def refs(self, key: Key) -> tuple[Ref, ...]:
        """The messages that wait for this."""
        return tuple(self._refs.get(key, ()))

    def refs_open(self) -> tuple[Ref, ...]:
        """All open messages."""
        return tuple(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
