"""Makes optional writes to Kubernetes: a refused or failed one is dropped, counted, and logged once."""

import logging
from collections.abc import Awaitable

from nth.core.trouble import Outage
from nth.errors import ClusterError, Denied, Forbidden
from nth.ports import Clock
from nth.reporters.outbox import SendStats

REFUSED_SECONDS = 60.0
"""The pause after a refusal: a missing right does not come by itself."""


class BestEffort:
    """One kind of write. `what` begins the lines of the log: `Kubernetes events`."""

    def __init__(self, what: str, logger: logging.Logger, clock: Clock, stats: SendStats) -> None:
        self._stats = stats
        self._what = what
        self._logger = logger
        self._clock = clock
        self._refused: dict[str, float] = {}
        """By place, until when nothing is asked there."""
        self._outage = Outage()

    def is_refused(self, place: str) -> bool:
        """True if the place refused a write a short while ago; then this write is dropped, and counted."""
        refused = self._clock.now() < self._refused.get(place, 0.0)
        self._stats.dropped += refused
        return refused

    async def write(self, place: str, request: Awaitable[None]) -> Exception | None:
        """Returns the error, or None after success. `place`: a namespace or a resource, for the log."""
        try:
            await request
        except (Forbidden, Denied) as error:
            is_news = place not in self._refused
            self._refused[place] = self._clock.now() + REFUSED_SECONDS
            return self._failed(f"are refused ({place})", error, is_news=is_news)
        except Exception as error:
            ours = not isinstance(error, ClusterError)
            how = "cannot be made, because the handler itself failed" if ours else "cannot be written"
            return self._failed(how, error, is_news=self._outage.failed("", self._clock.now()))
        self._stats.sent += 1
        self._outage.worked(self._clock.now())
        return None

    def _failed(self, how: str, error: Exception, *, is_news: bool) -> Exception:
        self._stats.failed += 1
        if is_news:
            defect = None if isinstance(error, ClusterError) else error
            fields = {"reason": str(error)}
            self._logger.warning("%s %s", self._what, how, extra={"fields": fields}, exc_info=defect)
        return error
