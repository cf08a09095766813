"""What the engine tells of that which AWS waits for."""

from typing import Protocol

from nth.core.notices.events import Event


class Dues(Protocol):
    """Who is told what AWS waits for, in queue mode."""

    def engage(self, node_name: str, event: Event) -> None:
        """The event's lifecycle hook is to be kept waiting."""
        ...

    def settle(self, node_name: str, event: Event, *, drained: bool) -> None:
        """What the event asked for is done; said again whenever it is noticed again."""
        ...

    def let_go(self, node_name: str) -> None:
        """Another replica has the node now, with all that is still due for it."""
        ...


class NothingDue:
    """Metadata mode: nobody waits."""

    def engage(self, node_name: str, event: Event) -> None:
        pass

    def settle(self, node_name: str, event: Event, *, drained: bool) -> None:
        pass

    def let_go(self, node_name: str) -> None:
        pass
