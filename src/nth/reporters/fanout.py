"""Adds up the records of each interruption, once, and hands both to every listener.

None of them can stop or delay another, or a drain.
"""

import logging
from collections.abc import Callable

from nth.core.reports import Told
from nth.report.builder import Interruption
from nth.report.interruptions import Interruptions

logger = logging.getLogger("nth.reporters")

Listener = Callable[[Told, Interruption | None], None]
"""Takes a record and its interruption, if any. Never waits: slow work goes into an outbox of its own."""


class FanOut:
    """Calls listeners in the order in which they were added."""

    def __init__(self, *listeners: Listener, interruptions: Interruptions | None = None) -> None:
        """`interruptions` adds the records up; a new one, unless it is given."""
        self._listeners = list(listeners)
        self._interruptions = interruptions or Interruptions()
        self._failed: set[int] = set()
        self._told_of_too_many = False

    def add(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def __call__(self, told: Told) -> None:
        interruption = self._interruption_of(told)
        for listener in self._listeners:
            try:
                listener(told, interruption)
            except Exception:
                self._say_failed(listener)

    def _interruption_of(self, told: Told) -> Interruption | None:
        try:
            interruption = self._interruptions.take(told)
        except Exception:
            self._say_failed(self._interruptions)
            return None
        if self._interruptions.forgotten and not self._told_of_too_many:
            self._told_of_too_many = True
            text = "Too many interruptions at once to report on; the oldest ones get no report"
            logger.warning(text, extra={"fields": {"most": self._interruptions.max_open}})
        return interruption

    def _say_failed(self, what: object) -> None:
        """Log it once: what fails at one report may fail at a thousand."""
        if id(what) not in self._failed:
            self._failed.add(id(what))
            logger.exception("a report could not be told; it will not be said again of this listener")
