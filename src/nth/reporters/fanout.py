"""Hands what is told to every listener. None of them can stop or delay another, or a drain."""

import logging
from collections.abc import Callable

from nth.core.reports import Told

logger = logging.getLogger("nth.reporters")

Listener = Callable[[Told], None]
"""Never waits: what takes time goes into a queue of its own."""


class FanOut:
    """Calls listeners in the order in which they were added."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = list(listeners)
        self._failed: set[int] = set()

    def add(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def __call__(self, told: Told) -> None:
        for number, listener in enumerate(self._listeners):
            try:
                listener(told)
            except Exception:
                # Once: a listener that fails at one report may fail at a thousand.
                if number not in self._failed:
                    self._failed.add(number)
                    logger.exception("a report could not be told; it will not be said again of this listener")
