"""Asks AWS about many keys at once: in batches, one call at a time, and remembers answers for a moment."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Generic, TypeVar

from nth.core.backoff import Backoff
from nth.errors import AwsError, AwsRefused, AwsUnreachable
from nth.ports import Clock
from nth.queue_mode.kept_errors import anew
from nth.queue_mode.outage_log import OutageLog

logger = logging.getLogger("nth.queue_mode.lookup")

GATHER_SECONDS = 0.02
KEPT_SECONDS = 3.0
MAX_KEPT = 20_000
BACKOFF = Backoff(0.5, 10.0)
REFUSED_SECONDS = 30.0
"""The permission may have been given since."""

T = TypeVar("T")


class Lookup(Generic[T]):
    """Asks with `ask` for a batch of at most `max_keys`; AWS does not know a key that its answer lacks."""

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
        self._kept: OrderedDict[str, tuple[float, T | None]] = OrderedDict()
        self._wishes: dict[str, asyncio.Future[T | AwsRefused | None]] = {}
        self._waiting: dict[str, int] = {}
        self._wanted = asyncio.Event()
        self._trouble = OutageLog(logger, clock, began=began, over=over)
        self._failures = 0
        self._refusal: tuple[float, AwsRefused] | None = None
        self.calls = 0

    async def get(self, key: str) -> T | None:
        """Returns the answer; None: AWS does not know the key. It waits for as long as AWS does not answer.

        AwsRefused at once: there is no permission.
        """
        until_at, found = self._kept.get(key, (float("-inf"), None))
        if self._clock.now() < until_at:
            return found
        if self._refusal is not None and self._clock.now() < self._refusal[0]:
            raise anew(self._refusal[1])
        wish = self._wishes.setdefault(key, asyncio.get_running_loop().create_future())
        self._waiting[key] = self._waiting.get(key, 0) + 1
        self._wanted.set()
        try:
            answer = await asyncio.shield(wish)
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                # No caller waits any more: it need not be asked.
                del self._waiting[key]
                if self._wishes.get(key) is wish:
                    del self._wishes[key]
        if isinstance(answer, AwsRefused):
            raise anew(answer)
        return answer

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(GATHER_SECONDS)
            batch = tuple(islice(self._wishes, self._max_keys))
            if batch:
                await self._ask_about(batch)
            if not self._wishes:
                self._wanted.clear()

    async def _ask_about(self, batch: tuple[str, ...]) -> None:
        self.calls += 1
        try:
            found = await self._ask(batch)
        except AwsRefused as error:
            self._refused(batch, error)
        except AwsError as error:
            await self._failed(error)
        except Exception as error:
            logger.exception("a question failed in the handler itself; it will be asked again")
            await self._failed(AwsUnreachable(f"internal error: {error!r}"))
        else:
            self._failures, self._refusal = 0, None
            self._trouble.worked(self._name)
            for key in batch:
                self._answer(key, found.get(key))

    def _answer(self, key: str, found: T | None) -> None:
        self._kept[key] = self._clock.now() + KEPT_SECONDS, found
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        wish = self._wishes.pop(key, None)
        if wish is not None and not wish.done():
            wish.set_result(found)

    def _refused(self, batch: tuple[str, ...], error: AwsRefused) -> None:
        self._refusal = self._clock.now() + REFUSED_SECONDS, anew(error)
        self._trouble.failed(self._name, error)
        for key in batch:
            wish = self._wishes.pop(key, None)
            if wish is not None and not wish.done():
                # It is kept as a value: each caller raises an error of its own.
                wish.set_result(anew(error))

    async def _failed(self, error: AwsError) -> None:
        self._trouble.failed(self._name, error)
        self._failures += 1
        await asyncio.sleep(BACKOFF.pause_seconds(self._failures))
