"""Adds up the records of each interruption, once, and hands both to every listener.

None of them can stop or delay another, or a drain.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from nth.core.reports import Told

if TYPE_CHECKING:
    from nth.report.builder import Interruption
    from nth.report.interruptions import Interruptions

logger = logging.getLogger("nth.reporters")

P = ParamSpec("P")
T = TypeVar("T")
Listener = Callable[[Told, "Interruption | None"], None]
"""Takes a record and its interruption, if any. Never waits: slow work goes into an outbox of its own."""


class FanOut:
    """Calls the log, and then the listeners in the order in which they were added."""

    def __init__(
        self,
        *listeners: Listener,
        log: Callable[[Told], None] | None = None,
        interruptions: "Interruptions | None" = None,
    ) -> None:
        """`log` needs no interruption; `interruptions` adds the records up, a new one unless it is given."""
        self._log = log
        self._listeners: list[Listener] = []
        self._interruptions = interruptions
        self._failed: set[object] = set()
        self._told_of_too_many = False
        for listener in listeners:
            self.add(listener)

    def add(self, listener: Listener) -> None:
        if self._interruptions is None:
            # Imported here: where there is only the log, nothing is added up, and no memory is paid for it.
            from nth.report.interruptions import Interruptions

            self._interruptions = Interruptions()
        self._listeners.append(listener)

    def __call__(self, told: Told) -> None:
        if self._log is not None:
            self._tell(self._log, told)
        if self._interruptions is not None:
            interruption = self._tell(self._interruptions.take, told)
            self._look_for_forgotten(self._interruptions)
            for listener in self._listeners:
                self._tell(listener, told, interruption)

    def _tell(self, listener: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return listener(*args, **kwargs)
        except Exception:
            # Once: a listener that fails at one report may fail at a thousand.
            if listener not in self._failed:
                self._failed.add(listener)
                logger.exception(
                    "a report could not be handed to a listener; this is logged only once for it"
                )
            return None

    def _look_for_forgotten(self, interruptions: "Interruptions") -> None:
        if interruptions.forgotten and not self._told_of_too_many:
            self._told_of_too_many = True
            text = "Too many interruptions at once to report on; the oldest ones get no report"
            logger.warning(text, extra={"fields": {"most": interruptions.max_open}})
