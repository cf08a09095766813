"""New instances that wait in a launch hook until their node is Ready (Q18)."""

import logging
from collections.abc import Callable

from nth.core.events import AsgLaunch
from nth.core.facts import Node

logger = logging.getLogger("nth.fleet.launches")


class Launches:
    """`find` a node by its instance id; `ready` is told of each launch whose node is Ready."""

    def __init__(self, *, find: Callable[[str], Node | None], ready: Callable[[AsgLaunch], None]) -> None:
        self._find = find
        self._ready = ready
        self._waiting: dict[str, dict[str, AsgLaunch]] = {}

    def add(self, event: AsgLaunch) -> None:
        """Its hook is completed the moment its node is Ready."""
        self._waiting.setdefault(event.instance_id, {})[event.event_id] = event
        node = self._find(event.instance_id)
        if node is not None:
            self.look(event.instance_id, node)

    def look(self, instance_id: str, node: Node) -> None:
        """A node is new or has changed."""
        if not node.ready:
            return
        for event in self._waiting.pop(instance_id, {}).values():
            fields = {"node": node.name, "instance_id": instance_id, "event_id": event.event_id}
            logger.info("Node is Ready, completing its launch hook", extra={"fields": fields})
            self._ready(event)

    def forget(self, event: AsgLaunch) -> None:
        """Its hook is over."""
        events = self._waiting.get(event.instance_id, {})
        events.pop(event.event_id, None)
        if not events:
            self._waiting.pop(event.instance_id, None)

    def __len__(self) -> int:
        return len(self._waiting)
