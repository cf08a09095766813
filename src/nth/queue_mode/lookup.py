"""Asks AWS about many keys at once: in batches, one call at a time, and remembers answers for a while.

Throttling delays only callers that wait for an answer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Generic, TypeVar

from nth.core.backoff import Backoff
from nth.core.queue.recent_keys import RecentValues
from nth.errors import AwsError, AwsRefused, AwsThrottled, AwsUnreachable
from nth.ports import Clock
from nth.queue_mode.outage_log import OutageLog, anew
from nth.report.metrics.figures import LookupFigures

GATHER_SECONDS = 0.02
KEPT_SECONDS = 3.0
MAX_KEPT = 20_000
BACKOFF = Backoff(0.5, 10.0)
REFUSED_SECONDS = 30.0
"""The permission may have been given since."""

T = TypeVar("T")


@dataclass(slots=True)
class _Wish(Generic[T]):
    """A key that callers wait for."""

    answer: asyncio.Future[T | AwsRefused | None]
    waiting: int = 0
    urgent: bool = False


class Lookup(Generic[T]):
    """Asks with `ask` for a batch of at most `max_keys`; AWS does not know a key that its answer lacks."""

    found_seconds = KEPT_SECONDS
    absent_seconds = KEPT_SECONDS
    logger = logging.getLogger("nth.queue_mode.lookup")
    defect = "a question failed in the handler itself; it will be asked again"

    def __init__(
        self,
        ask: Callable[[tuple[str, ...]], Awaitable[Mapping[str, T]]],
        clock: Clock,
        *,
        max_keys: int,
        name: str,
        began: str,
        over: str,
    ) -> None:
        """`name` of the call, for the log; `began` and `over`: as in `OutageLog`."""
        self._ask = ask
        self._clock = clock
        self._max_keys = max_keys
        self._name = name
        self._kept: RecentValues[tuple[T | None]] = RecentValues(MAX_KEPT, self.found_seconds)
        self._wishes: dict[str, _Wish[T]] = {}
        self._wanted = asyncio.Event()
        self._trouble = OutageLog(self.logger, clock, began=began, over=over)
        self._failures = 0
        self._refusal: tuple[float, AwsRefused] | None = None
        self.statistics = LookupFigures()

    @property
    def waiting(self) -> int:
        """Returns how many keys are waited for."""
        return len(self._wishes)

    def peek(self, key: str) -> tuple[T | None] | None:
        """Returns the kept answer in a tuple, (None,) being "AWS does not know it"; None: nothing is kept."""
        return self._kept.get(key, self._clock.now())

    async def look_up(self, key: str, *, urgent: bool = False) -> T | None:
        """Returns the answer; None: AWS does not know the key. `urgent` ones are asked first.

        It waits for as long as AWS does not answer: bound it with `asyncio.timeout`. AwsRefused at once:
        there is no permission.
        """
        if (known := self.peek(key)) is not None:
            self.statistics.cache_hits += 1
            return known[0]
        if self._refusal is not None and self._clock.now() < self._refusal[0]:
            raise anew(self._refusal[1])
        wish = self._wishes.get(key)
        if wish is None:
            wish = self._wishes[key] = _Wish(asyncio.get_running_loop().create_future())
            self._wanted.set()
        wish.waiting += 1
        wish.urgent = wish.urgent or urgent
        try:
            answer = await asyncio.shield(wish.answer)
        finally:
            wish.waiting -= 1
            if not wish.waiting and self._wishes.get(key) is wish:
                # No caller waits any more: it need not be asked, nor kept.
                del self._wishes[key]
        if isinstance(answer, AwsRefused):
            raise anew(answer)
        return answer

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(GATHER_SECONDS)
            if self._wishes:
                await self._ask_about(self._next_batch())
            if not self._wishes:
                self._wanted.clear()

    def _next_batch(self) -> tuple[str, ...]:
        urgent = [key for key, wish in self._wishes.items() if wish.urgent]
        others = (key for key, wish in self._wishes.items() if not wish.urgent)
        return tuple(islice(chain(urgent, others), self._max_keys))

    async def _ask_about(self, batch: tuple[str, ...]) -> None:
        self.statistics.calls += 1
        self.statistics.ids_asked += len(batch)
        try:
            found = await self._ask(batch)
        except AwsRefused as error:
            self._refused(batch, error)
        except AwsError as error:
            self.statistics.throttled += isinstance(error, AwsThrottled)
            await self._failed(error)
        except Exception as error:
            self.logger.exception(self.defect)
            await self._failed(AwsUnreachable(f"internal error: {error!r}"))
        else:
            self._failures, self._refusal = 0, None
            self._trouble.worked(self._name)
            for key in batch:
                self._answer(key, found.get(key))

    def _answer(self, key: str, found: T | None) -> None:
        seconds = self.absent_seconds if found is None else self.found_seconds
        self._kept.put(key, (found,), self._clock.now(), seconds)
        wish = self._wishes.pop(key, None)
        if wish is not None:
            wish.answer.set_result(found)

    def _refused(self, batch: tuple[str, ...], error: AwsRefused) -> None:
        self._refusal = self._clock.now() + REFUSED_SECONDS, anew(error)
        self._trouble.failed(self._name, error)
        for key in batch:
            wish = self._wishes.pop(key, None)
            if wish is not None:
                # It is kept as a value: each caller raises an error of its own.
                wish.answer.set_result(anew(error))

    async def _failed(self, error: AwsError) -> None:
        self._trouble.failed(self._name, error)
        self._failures += 1
        await asyncio.sleep(BACKOFF.pause_seconds(self._failures))
