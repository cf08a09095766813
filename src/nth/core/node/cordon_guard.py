"""Decides about a cordon that is taken off a node while it is going away.

As long as the machine certainly goes, it is set again: at once, and after growing pauses if it is
taken off again and again. Without such a deadline a person's uncordon is heeded.
"""

from nth.core.decisions import Decision, Tell, WatchNode
from nth.core.node.node_patcher import NodePatcher
from nth.core.reports import CordonLifted

AGAIN_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Pauses before the cordon is set again, the last one for ever."""
QUIET_SECONDS = 60.0
"""After a cordon that has stood for so long the pauses begin anew."""
MAX_TOLD = 10
"""The number of reports about one node."""


class CordonGuard:
    """`patcher` sees the node and sets the cordon. `watches`: the node is to be watched for it."""

    def __init__(self, patcher: NodePatcher, *, watches: bool) -> None:
        self.heeded = False
        """True while it stays off, until one more event asks for it."""
        self._patcher = patcher
        self._watches = watches
        self._watched: tuple[bool] | None = None
        """The urgency of the watch."""
        self._missing = False
        self._times = 0
        self._told = 0
        self._last_at = 0.0

    @property
    def owed(self) -> bool:
        """True if it is to be set again, and may be."""
        return self._missing and not self._patcher.refused

    def look(self, now: float, *, doomed: bool, looked: bool = True) -> list[Decision] | None:
        """Returns None unless the cordon was taken off. `looked` False: while no handler was running."""
        lifted, self._patcher.lifted = self._patcher.lifted or not looked, False
        if not lifted:
            self._missing &= not self._patcher.cordoned
            return None
        if now - self._last_at > QUIET_SECONDS:
            self._times = 0
        self._last_at, self._missing, self.heeded = now, doomed, not doomed
        again_at = now + AGAIN_SECONDS[min(self._times, len(AGAIN_SECONDS) - 1)] if doomed else None
        self._times += 1
        if again_at is None:
            self._patcher.leave_uncordoned()
        else:
            self._patcher.cordon_again(again_at)
        self._told += 1
        if self._told > MAX_TOLD:
            return []
        return [
            Tell(CordonLifted(seen_at=now, again_at=again_at, looked=looked, last=self._told == MAX_TOLD))
        ]

    def watch(self, *, doomed: bool) -> list[Decision]:
        """Ask for a watch once our marks are on the node: they might vanish."""
        if not self._watches or not self._patcher.version or self._watched == (doomed,):
            return []
        self._watched = (doomed,)
        return [WatchNode(self._patcher.version, urgent=doomed)]
