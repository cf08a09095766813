"""New instances that wait in a launch hook until their node is Ready."""

import logging
from collections import OrderedDict
from collections.abc import Callable

from nth.core.facts import Node
from nth.core.notices.events import AsgLaunch

logger = logging.getLogger("nth.fleet.launches")

MAX_LAUNCHED = 5_000


def _always(_launch: AsgLaunch, _node: Node) -> bool:
    return True


class Launches:
    """`find` a node by its instance id; `ready` is told of each launch whose node is Ready.

    `is_given_back`: nothing is left on the node from before the launch (`returns.Returns`).
    """

    def __init__(
        self,
        *,
        find: Callable[[str], Node | None],
        ready: Callable[[AsgLaunch], None],
        is_given_back: Callable[[AsgLaunch, Node], bool] = _always,
    ) -> None:
        self._find = find
        self._ready = ready
        self._is_given_back = is_given_back
        self._waiting: dict[str, dict[str, tuple[AsgLaunch, float]]] = {}
        self._launched: OrderedDict[str, float] = OrderedDict()

    def add(self, event: AsgLaunch, until_at: float) -> None:
        """Its hook is completed the moment its node is Ready; at `until_at` it has timed out."""
        self._remember(event)
        self._waiting.setdefault(event.instance_id, {})[event.event_id] = event, until_at
        node = self._find(event.instance_id)
        if node is not None:
            self.look(event.instance_id, node)

    def launched_at(self, instance_id: str) -> float | None:
        """When it was last launched (epoch seconds), as far as is remembered."""
        return self._launched.get(instance_id)

    def _remember(self, event: AsgLaunch) -> None:
        at = max(event.noticed_at, self._launched.pop(event.instance_id, 0.0))
        self._launched[event.instance_id] = at
        if len(self._launched) > MAX_LAUNCHED:
            self._launched.popitem(last=False)

    def look(self, instance_id: str, node: Node) -> None:
        """A node is new or has changed."""
        for event, _ in tuple(self._waiting.get(instance_id, {}).values()):
            # At once, so that it is done when the node gets Ready.
            if not self._is_given_back(event, node) or not node.ready:
                continue
            fields = {"node": node.name, "instance_id": instance_id, "event_id": event.event_id}
            logger.info("Node is Ready, so its launch hook is to be completed", extra={"fields": fields})
            self._ready(event)
            # Only now: what could not be completed for a defect of ours is not to be forgotten.
            self._forget(event)

    def overdue(self, now: float) -> tuple[AsgLaunch, ...]:
        """Those whose hook has timed out: nobody waits for them any more. The others are looked at again."""
        for instance_id in tuple(self._waiting):
            if (node := self._find(instance_id)) is not None:
                self.look(instance_id, node)
        over = tuple(
            event
            for events in self._waiting.values()
            for event, until_at in events.values()
            if until_at <= now
        )
        for event in over:
            self._forget(event)
        return over

    def _forget(self, event: AsgLaunch) -> None:
        events = self._waiting[event.instance_id]
        del events[event.event_id]
        if not events:
            del self._waiting[event.instance_id]

    def __len__(self) -> int:
        return len(self._waiting)
