"""The results of reading the body of a queue's message.

`eventbridge` makes these; they name instances, not nodes.
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
    """Returns the id of its instance."""
    # No queue tells of those that name none; the type has them from metadata mode.
    return getattr(item, "instance_id", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The message is about these instances."""

    items: tuple[Item, ...]
    """At least one; the message is settled when all of them are."""
    account: str = ""
    """The AWS account of these instances; empty if the message does not say."""
    warnings: tuple[str, ...] = ()
    """One line for each value that could not be read and was replaced: a time, say."""


@dataclass(frozen=True, slots=True)
class NotForUs:
    """A well-formed message that asks nothing of us: another kind, another state, a test."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is none of those that the queue is for."""

    reason: str
    """It says what was expected, and quotes nothing of the body."""


@dataclass(frozen=True, slots=True, eq=False)
class Many:
    """The message names too many instances to read at once: other work goes on between the slices."""

    slices: Iterator[tuple[Item, ...]]
    """The items, to be taken in order; a slice may be empty, and all may be."""
    account: str
    """As `Heard` has it."""
    warnings: list[str]
    """As `Heard` has them; complete when the last slice is taken."""


Reading = Heard | Many | NotForUs | Unreadable
