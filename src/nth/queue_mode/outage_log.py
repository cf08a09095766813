"""Logs once that something does not work, and once that it works again; renews the errors kept meanwhile."""

import copy
import logging
from typing import TypeVar

from nth.core.trouble import Outage
from nth.errors import NthError
from nth.ports import Clock

E = TypeVar("E", bound=NthError)


class OutageLog:
    """One thing that is done in several ways (verbs). `began` and `over` are the lines of the log."""

    def __init__(self, logger: logging.Logger, clock: Clock, *, began: str, over: str) -> None:
        self._logger = logger
        self._clock = clock
        self._began = began
        self._over = over
        self._outage = Outage()

    def failed(self, verb: str, error: Exception) -> None:
        """Log the first failure of each class since it last worked."""
        if self._outage.failed(type(error).__name__, self._clock.now(), verb=verb):
            fields = {"verb": verb, "error": str(error) or type(error).__name__}
            defect = None if isinstance(error, NthError) else error
            self._logger.warning(self._began, extra={"fields": fields}, exc_info=defect)

    def worked(self, verb: str) -> None:
        """Log it if no verb fails any more."""
        seconds = self._outage.worked(self._clock.now(), verb=verb)
        if seconds is not None:
            self._logger.info(self._over, extra={"fields": {"seconds": round(seconds, 1)}})


def anew(error: E) -> E:
    """Returns the same error without its traceback, for one that is kept and raised for each caller.

    An error that is raised again and again would add to its traceback each time, and keep everything that is
    named there from being freed.
    """
    return copy.copy(error)
