"""What the body of a queue's message turned out to be.

`queue_documents` makes these; whose node it is about is another question.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nth.core.notices.events import AsgLaunch, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """AWS Health says that scheduled maintenance is over, or was called off."""

    instance_id: str
    arn: str
    reason: str


Item = Event | AsgLaunch | Ended
"""Each names its instance."""


def instance_id_of(item: Item) -> str:
    """The instance that it is about."""
    # No queue tells of those that name none; the type knows them from metadata mode.
    return getattr(item, "instance_id", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The message is about these instances."""

    items: tuple[Item, ...]
    """At least one; the message is settled when all of them are."""
    account: str = ""
    """The AWS account whose instances these are; empty if the message does not say."""
    warnings: tuple[str, ...] = ()
    """What could not be read and was replaced: a time, say."""


@dataclass(frozen=True, slots=True)
class NotForUs:
    """A well-formed message that asks nothing of us: another kind, another state, a test."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Not a message that anybody should have put there."""

    reason: str
    """What was expected; never a part of the body."""


@dataclass(frozen=True, slots=True, eq=False)
class Many:
    """The message names more instances than are read at once: others are to go on between the slices."""

    slices: Iterator[tuple[Item, ...]]
    """To be taken in order; a slice may be empty, and all may be."""
    account: str
    """As `Heard` has it."""
    warnings: list[str]
    """As `Heard` has them; complete when the last slice is taken."""


Reading = Heard | Many | NotForUs | Unreadable
