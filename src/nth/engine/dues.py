"""The engine's words to the keeper of messages and lifecycle hooks, for which AWS waits."""

from typing import Protocol

from nth.core.notices.events import Event


class Dues(Protocol):
    """Hears in queue mode which hooks wait for a drain, and which events are done with."""

    def engage(self, node_name: str, event: Event) -> None:
        """Keep the event's lifecycle hook waiting."""
        ...

    def settle(self, node_name: str, event: Event, *, drained: bool) -> None:
        """The event is done with; said again whenever it is noticed again."""
        ...

    def let_go(self, node_name: str) -> None:
        """Another replica has the node now, with all messages and hooks that are still due for it."""
        ...


class NothingDue:
    """Does nothing: in metadata mode, AWS waits for no answer."""

    def engage(self, node_name: str, event: Event) -> None:
        pass

    def settle(self, node_name: str, event: Event, *, drained: bool) -> None:
        pass

    def let_go(self, node_name: str) -> None:
        pass
