"""The values of `visibility`: kinds of deliveries, calls to the queue, and counts."""

from dataclasses import dataclass
from enum import Enum


class Delivery(Enum):
    """The kind of a delivery."""

    NEW = "new"
    KNOWN = "known"
    """The message is in flight: only its receipt handle is new."""
    SETTLED = "settled"
    """The message is done with: it is deleted on sight."""


class Verb(Enum):
    """The calls to the queue for the messages of a batch."""

    DELETE = "delete"
    EXTEND = "extend"
    """Hide for the whole visibility timeout from now."""
    GIVE_BACK = "give back"
    """Show at once: a visibility timeout of 0."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One call, of at most ten entries. Its answer has to come back through `answered`."""

    verb: Verb
    message_ids: tuple[str, ...]
    receipt_handles: tuple[str, ...]
    """The receipt handles, in the same order."""
    asked_at: float


@dataclass(slots=True)
class Counts:
    """Counts since the start; of messages, not of calls."""

    received: int = 0
    """Deliveries."""
    duplicates: int = 0
    """Deliveries of messages that were in flight, or settled."""
    deleted: int = 0
    extended: int = 0
    given_back: int = 0
    left: int = 0
    entry_failures: int = 0
    """Entries that failed in a call that did not."""
    call_failures: int = 0
    """Calls that failed as a whole."""
    undeletable: int = 0
    """Settled, but deleted only when they are delivered again: the handle or the permission was gone."""
