"""The instances whose nodes have left the cluster, and what those nodes were called. In bounded memory."""

from collections import OrderedDict

MAX_INSTANCES = 20_000
MAX_NAMES = 8
"""Of one instance: whoever may make Nodes may let many claim the same one."""
MAX_SECONDS = 3600.0


class Departed:
    """By instance id. That a Node named an instance is a claim: `ownership` says when it counts."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, frozenset[str]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def add(self, instance_id: str, node_name: str, now: float) -> None:
        """A node of this name, which claimed to be that instance, has left."""
        names = self.names(instance_id, now)
        if len(names) < MAX_NAMES:
            names |= {node_name}
        self._left[instance_id] = now, names
        self._left.move_to_end(instance_id)
        if len(self._left) > MAX_INSTANCES:
            self._left.popitem(last=False)

    def names(self, instance_id: str, now: float) -> frozenset[str]:
        """What the nodes that have left and claimed this instance were called; empty: there was none."""
        while self._left and next(iter(self._left.values()))[0] + MAX_SECONDS <= now:
            self._left.popitem(last=False)
        return self._left.get(instance_id, (now, frozenset[str]()))[1]
