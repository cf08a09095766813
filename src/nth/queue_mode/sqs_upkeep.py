"""Makes the calls that `core.queue.visibility` decides: delete, hide, give back. No error ends it."""

import asyncio
import logging
from collections.abc import Mapping

from nth.core.notices.aws_facts import EntryFailure
from nth.core.queue.visibility import VisibilityKeeper
from nth.core.queue.visibility_words import Batch, Verb
from nth.errors import AwsError, AwsUnreachable
from nth.ports import Clock, Queue
from nth.queue_mode.sqs_trouble import DELETING, EXTENDING, GIVING_BACK, CallTrouble

logger = logging.getLogger("nth.sources.sqs")

SHORTEST_WAIT_SECONDS = 0.001
"""A timer may come a moment early; its work is then due a moment later."""


async def until_set(event: asyncio.Event, seconds: float | None = None) -> None:
    """Wait until the event is set from now on, at most so long; None: however long."""
    event.clear()
    try:
        async with asyncio.timeout(None if seconds is None else max(SHORTEST_WAIT_SECONDS, seconds)):
            await event.wait()
    except TimeoutError:
        return


class QueueUpkeep:
    """Makes one queue's calls. A message is hidden for `visibility_seconds`."""

    def __init__(self, queue: Queue, clock: Clock, keeper: VisibilityKeeper, visibility_seconds: int) -> None:
        self._queue = queue
        self._clock = clock
        self._visibility = keeper
        self._seconds = {Verb.EXTEND: visibility_seconds, Verb.GIVE_BACK: 0}
        self._troubles = {
            Verb.DELETE: CallTrouble(DELETING, queue.url),
            Verb.EXTEND: CallTrouble(EXTENDING, queue.url),
            Verb.GIVE_BACK: CallTrouble(GIVING_BACK, queue.url),
        }
        self._stirred = asyncio.Event()
        self._answered = asyncio.Event()

    def stir(self) -> None:
        """Look again which calls are due: a message has changed."""
        self._stirred.set()

    async def run(self) -> None:
        """Run until cancelled; calls that are under way are cancelled with it."""
        async with asyncio.TaskGroup() as calls:
            while True:
                now = self._clock.now()
                for batch in self._visibility.due(now):
                    calls.create_task(self._call(batch), name=batch.verb.value)
                wake_at = self._visibility.wake_at
                await until_set(self._stirred, None if wake_at is None else wake_at - now)

    async def all_answered(self, seconds: float) -> None:
        """Wait until the queue has confirmed all settled and returned messages, at most so long."""
        end_at = self._clock.now() + seconds
        while self._visibility.unanswered and (left_seconds := end_at - self._clock.now()) > 0:
            await until_set(self._answered, left_seconds)

    async def _call(self, batch: Batch) -> None:
        answer = await self._answer(batch)
        now = self._clock.now()
        self._visibility.answered(batch, answer, now)
        self._tell(batch.verb, answer, now)
        self._answered.set()
        self.stir()

    async def _answer(self, batch: Batch) -> Mapping[str, EntryFailure] | AwsError:
        try:
            if batch.verb is Verb.DELETE:
                return await self._queue.delete(batch.receipt_handles)
            return await self._queue.change_visibility(batch.receipt_handles, self._seconds[batch.verb])
        except AwsError as error:
            return error
        except Exception as error:
            # A defect of ours must not end the upkeep of the others.
            logger.exception("a call to the queue failed in the handler itself; it will be tried again")
            return AwsUnreachable(f"internal error: {error!r}")

    def _tell(self, verb: Verb, answer: Mapping[str, EntryFailure] | AwsError, now: float) -> None:
        trouble = self._troubles[verb]
        if isinstance(answer, AwsError):
            trouble.failed(answer, now)
            return
        # A final failure is no trouble: the message is delivered again, with a handle that works.
        passing = [failure for failure in answer.values() if not failure.final]
        if passing:
            trouble.failed(AwsUnreachable(f"{passing[0].code}: {passing[0].reason}"), now)
        else:
            trouble.worked(now)
