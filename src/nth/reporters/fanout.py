"""Adds up the records of each interruption, once, and hands both to every listener.

None of them can stop or delay another, or a drain.
"""

import logging
from collections.abc import Callable

from nth.core.reports import Told
from nth.report.builder import Interruption
from nth.report.interruptions import MAX_OPEN, Interruptions

logger = logging.getLogger("nth.reporters")

Listener = Callable[[Told, Interruption | None], None]
"""Takes a record and its interruption, if any. Never waits: slow work goes into an outbox of its own."""


class FanOut:
    """Calls listeners in the order in which they were added."""

    def __init__(self, *listeners: Listener, max_open: int = MAX_OPEN) -> None:
        """`max_open`: as `Interruptions`."""
        self._listeners = list(listeners)
        self._failed: set[int] = set()
        self._interruptions = Interruptions(max_open)
        self._told_of_too_many = False

    def add(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def __call__(self, told: Told) -> None:
        interruption = self._interruptions.take(told)
        if self._interruptions.forgotten and not self._told_of_too_many:
            self._told_of_too_many = True
            text = "Too many interruptions at once to report on; the oldest ones get no report"
            logger.warning(text, extra={"fields": {"most": MAX_OPEN}})
        for number, listener in enumerate(self._listeners):
            try:
                listener(told, interruption)
            except Exception:
                # Once: a listener that fails at one report may fail at a thousand.
                if number not in self._failed:
                    self._failed.add(number)
                    logger.exception("a report could not be told; it will not be said again of this listener")
