"""What a mailbox hears and says: what a delivery is to us, what is asked of the queue, what was counted."""

from dataclasses import dataclass
from enum import Enum


class Delivery(Enum):
    """What a delivery is to us."""

    NEW = "new"
    KNOWN = "known"
    """The message is in our hands: only its receipt handle is new."""
    SETTLED = "settled"
    """The message is done with: it is deleted on sight."""


class Verb(Enum):
    """What is asked of the queue for the messages of a batch."""

    DELETE = "delete"
    EXTEND = "extend"
    """Hide for the whole visibility timeout from now."""
    GIVE_BACK = "give back"
    """Show at once: a visibility timeout of 0."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One call, of at most ten entries. Its answer has to come back through `Mailbox.answered`."""

    verb: Verb
    message_ids: tuple[str, ...]
    receipt_handles: tuple[str, ...]
    """In the same order."""
    asked_at: float


@dataclass(slots=True)
class Counts:
    """Since the start; of messages, not of calls."""

    received: int = 0
    """Deliveries."""
    duplicates: int = 0
    """Of these, of messages that were in our hands, or settled."""
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
