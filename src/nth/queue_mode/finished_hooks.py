"""Remembers how lifecycle actions ended, for messages about them that come late, in bounded memory."""

from collections import OrderedDict

from nth.core.lifecycle.hook_messages import Outcome

MAX_ACTIONS = 20_000
MAX_SECONDS = 3600.0
"""After that a late message costs one request, and AWS answers that the action is over."""


class FinishedHooks:
    """Outcomes by token."""

    def __init__(self) -> None:
        self._ended: OrderedDict[str, tuple[float, Outcome]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ended)

    def add(self, token: str, outcome: Outcome, now: float) -> None:
        """Add an action that is over."""
        self._ended[token] = (now, outcome)
        self._ended.move_to_end(token)
        if len(self._ended) > MAX_ACTIONS:
            self._ended.popitem(last=False)
        self._forget(now)

    def get(self, token: str, now: float) -> Outcome | None:
        """Returns the outcome; None: not over, or long ago."""
        self._forget(now)
        return self._ended[token][1] if token in self._ended else None

    def _forget(self, now: float) -> None:
        while self._ended and next(iter(self._ended.values()))[0] + MAX_SECONDS <= now:
            self._ended.popitem(last=False)
