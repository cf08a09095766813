"""Limits how often pods that come back to the node that they were asked to leave are asked once more.

A pod that tolerates the cordon may be put back on the node at once, and would be asked for ever. So they are
counted since the cordon was set: for each controller, or without one for each name.
"""

from dataclasses import dataclass, field

from nth.core.facts import Pod

ASKED_AGAIN = 2
"""So many pods are asked that come in the place of one pod."""
MAX_CHAINS = 1000
"""Of more controllers than this, no newcomer is asked. All pods that a drain finds are asked."""


@dataclass(slots=True)
class _Chain:
    """The pods of one controller."""

    here: set[str] = field(default_factory=set)
    """UIDs of those on the node that have not been asked to go."""
    let_go: set[str] = field(default_factory=set)
    """UIDs of those that may be asked, or were."""
    first: int = 0
    """The number of them that a drain found at its begin."""
    most: int = 0
    """The most of them that were here at one time: so many places it has on this node."""
    left: set[str] = field(default_factory=set)
    """UIDs of those that are on their way out, or gone."""
    back: int = 0
    """The number of them that came in the place of one that left."""


class Returns:
    """The counts of one node, since its cordon was set."""

    def __init__(self) -> None:
        self._chains: dict[object, _Chain] = {}

    def clear(self) -> None:
        """Forget the counts: the cordon was taken off, and pods that come then may not tolerate one."""
        self._chains.clear()

    def look_anew(self) -> None:
        """Prepare for a list of all pods of the node."""
        for chain in self._chains.values():
            chain.here.clear()

    def came_back(self, pod: Pod) -> bool:
        """Returns whether a pod that was not seen before came in the place of one that has left."""
        chain = self._chains.get(_key(pod))
        if chain is None or pod.ref.uid in chain.let_go or chain.back >= len(chain.left):
            return False
        chain.back += 1
        return True

    def may_go(self, pod: Pod, *, newcomer: bool) -> bool:
        """Returns whether this pod is asked to go. A newcomer was not there when the drain began."""
        chain = self._chains.get(_key(pod))
        if chain is None:
            if newcomer and len(self._chains) >= MAX_CHAINS:
                return False
            chain = self._chains[_key(pod)] = _Chain()
        chain.here.add(pod.ref.uid)
        chain.most = max(chain.most, len(chain.here))
        if pod.ref.uid in chain.let_go:
            return True
        if not newcomer and not chain.left:
            chain.first += 1
        elif len(chain.let_go) - chain.first >= ASKED_AGAIN * chain.most:
            return False
        chain.let_go.add(pod.ref.uid)
        return True

    def left(self, pod: Pod) -> None:
        """Note that a pod is on its way out, or gone."""
        chain = self._chains.get(_key(pod))
        if chain is None:
            return
        chain.here.discard(pod.ref.uid)
        if pod.ref.uid in chain.let_go:
            chain.left.add(pod.ref.uid)


def _key(pod: Pod) -> object:
    return (pod.ref.namespace, pod.ref.name) if pod.controller is None else pod.controller.uid
