"""Remembers the names of nodes that have left the cluster, by their instances, in bounded memory."""

from collections import OrderedDict

MAX_INSTANCES = 20_000
MAX_NAMES = 8
"""Names of one instance: a client that may make Nodes may let many claim the same one."""
MAX_SECONDS = 3600.0


class Departed:
    """Names by instance id. That a Node named an instance is a claim: `node_owner` decides when it counts."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, frozenset[str]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def add(self, instance_id: str, node_name: str, now: float) -> None:
        """Add a node of this name, which claimed to be that instance, and has left."""
        names = self.names(instance_id, now)
        if len(names) < MAX_NAMES:
            names |= {node_name}
        self._left[instance_id] = now, names
        self._left.move_to_end(instance_id)
        if len(self._left) > MAX_INSTANCES:
            self._left.popitem(last=False)

    def names(self, instance_id: str, now: float) -> frozenset[str]:
        """Returns the names of the nodes that have left and claimed this instance."""
        while self._left and next(iter(self._left.values()))[0] + MAX_SECONDS <= now:
            self._left.popitem(last=False)
        return self._left.get(instance_id, (now, frozenset[str]()))[1]
