"""Logs once that something does not work, and once that it works again. It decides nothing else."""

import logging

from nth.errors import NthError
from nth.ports import Clock


class TroubleTold:
    """One thing that is done in several ways (verbs): it works while none of them fails.

    `began` and `over` are what the log says.
    """

    def __init__(self, logger: logging.Logger, clock: Clock, *, began: str, over: str) -> None:
        self._logger = logger
        self._clock = clock
        self._began = began
        self._over = over
        self._failing: set[str] = set()
        self._since_at = 0.0
        self._said: set[type[Exception]] = set()

    def failed(self, verb: str, error: Exception) -> None:
        """Told if it is the first failure, or the first of its class, since it last worked."""
        if not self._failing:
            self._since_at = self._clock.now()
            self._said.clear()
        self._failing.add(verb)
        if type(error) not in self._said:
            self._said.add(type(error))
            fields = {"verb": verb, "error": str(error) or type(error).__name__}
            defect = None if isinstance(error, NthError) else error
            self._logger.warning(self._began, extra={"fields": fields}, exc_info=defect)

    def worked(self, verb: str) -> None:
        """Told if nothing fails any more."""
        if verb not in self._failing:
            return
        self._failing.discard(verb)
        if not self._failing:
            seconds = round(self._clock.now() - self._since_at, 1)
            self._logger.info(self._over, extra={"fields": {"seconds": seconds}})
