"""Receives from one queue without a pause, and hands on each message once.

`core.queue.visibility` decides which message is deleted or kept hidden, and when, and `sqs_upkeep` does it;
this module decides how many receive calls run, and hands on their messages. It must not look into a message.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from nth.core.notices.aws_facts import Message
from nth.core.queue.batching import BACKOFF, MAX_ENTRIES
from nth.core.queue.visibility import VisibilityKeeper
from nth.core.queue.visibility_words import Delivery
from nth.errors import AwsError, AwsUnreachable, NoSuchQueue, SettingError
from nth.ports import Clock, Queue
from nth.queue_mode.sqs_trouble import RECEIVING, CallTrouble, is_refused
from nth.queue_mode.sqs_upkeep import QueueUpkeep, until_set
from nth.report.metrics.figures import QueueFigures

logger = logging.getLogger("nth.sources.sqs")

WAIT_SECONDS = 20
"""The longest poll that SQS allows: an empty queue costs three calls a minute.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
"""
SHORT_WAIT_SECONDS = 1
"""The wait while it is not known whether the queue answers, or whether so many receivers are needed."""
MAX_RECEIVERS = 8
MAX_UNDECIDED = 1000
"""Receiving pauses while so many messages wait to be looked at."""
MAX_UNANSWERED = 500
"""When so many deletions lag behind, they get the connection: one receive call at a time goes on."""
HEAVY_CHARS = 1_048_576
"""After an answer of more than this one receive call at a time goes on."""
REFUSED_RETRY_SECONDS = 10.0
"""A change of permissions takes a while to be known everywhere.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
"""
GATHERING_SECONDS = 0.3
"""If there is more after a full call, the next one's answer comes within this."""

Take = Callable[[Sequence[Message]], None]


class _Flushed(Exception):
    """Ends the group of tasks."""


class QueueSource:
    """One queue. `visibility_seconds` is at least 1; `jitter` gives numbers in [0, 1).

    `failing(reason)` is called when receiving begins to fail.
    """

    def __init__(
        self,
        queue: Queue,
        clock: Clock,
        *,
        visibility_seconds: int,
        jitter: Callable[[], float],
        wait_seconds: int = WAIT_SECONDS,
        failing: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._visibility_seconds = visibility_seconds
        self._wait_seconds = wait_seconds
        self._jitter = jitter
        self._visibility = VisibilityKeeper(visibility_seconds)
        self._upkeep = QueueUpkeep(queue, clock, self._visibility, visibility_seconds)
        self._trouble = CallTrouble(RECEIVING, queue.url, failing)
        self._receivers = 0
        self._wanted = 1
        """The number of receivers that there should be."""
        self._calls = 0
        self._failures = 0
        self._last_full_at = float("-inf")
        self._last_answer_at: float | None = None
        self._fault: SettingError | None = None
        self._stopping = False
        self._eased = asyncio.Event()
        """Set when fewer messages are undecided."""
        self._ended = asyncio.Event()

    @property
    def last_answer_at(self) -> float | None:
        """Returns when the queue last answered a receive call (epoch seconds); None: never."""
        return self._last_answer_at

    @property
    def calls(self) -> int:
        """Returns the number of receive calls that have ended, well or not."""
        return self._calls + self._failures

    @property
    def gathering(self) -> bool:
        """True if more messages of a storm are probably on their way, or wait to be looked at."""
        return self._visibility.undecided > 0 or self._clock.now() < self._last_full_at + GATHERING_SECONDS

    def statistics(self) -> QueueFigures:
        """Returns the figures of this moment."""
        return QueueFigures(
            queue_url=self._queue.url,
            counts=replace(self._visibility.counts),
            receive_calls=self._calls,
            receive_failures=self._failures,
            receivers=self._receivers,
            undecided=self._visibility.undecided,
            held=self._visibility.held,
            unanswered=self._visibility.unanswered,
            oldest_sent_at=self._visibility.oldest_sent_at,
            last_answer_at=self._last_answer_at,
        )

    def hold(self, message_id: str) -> None:
        """Keep a decided message hidden, until one of the other three calls."""
        self._visibility.hold(message_id)
        self._heard()

    def settle(self, message_id: str) -> None:
        """Delete a message that is done with, also if it is delivered again. Twice is as good as once."""
        self._visibility.settle(message_id, self._clock.now())
        self._heard()

    def give_back(self, message_id: str) -> None:
        """Let others see a message at once."""
        self._visibility.give_back(message_id, self._clock.now())
        self._heard()

    def leave(self, message_id: str) -> None:
        """Let others see a message when its visibility timeout ends."""
        self._visibility.leave(message_id)
        self._heard()

    def stop_receiving(self) -> None:
        """Begin no more receive calls.

        Those that run go on until `flush` ends, and their messages are given back unlooked: were they cut
        off at once, a message on its way would stay hidden for its visibility timeout.
        """
        self._stopping = True

    async def flush(self, seconds: float) -> bool:
        """Wait until settled and returned messages are confirmed, at most so long; then `run` ends.

        It needs `run` to be still running. Returns whether all are confirmed; the others are delivered again
        when their visibility timeout ends.
        """
        self.stop_receiving()
        await self._upkeep.all_answered(seconds)
        if unconfirmed := self._visibility.unanswered:
            fields = {"queue_url": self._queue.url, "messages": unconfirmed, "seconds": seconds}
            logger.warning(
                "Messages could not be deleted or given back in time; they will be delivered again",
                extra={"fields": fields},
            )
        self._ended.set()
        return not unconfirmed

    async def run(self, take: Take) -> None:
        """Receive until `flush` or cancelled; hand each message that is new to `take`, up to ten at once.

        `take` must not block; each of its messages is to be held, settled, given back or left sometime.
        SettingError: there is no such queue.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._upkeep.run(), name="queue upkeep")
                tasks.create_task(self._end(), name="queue end")
                self._add_receivers(take, tasks)
        except* _Flushed:
            pass
        if self._fault is not None:
            raise self._fault

    async def _end(self) -> None:
        await self._ended.wait()
        raise _Flushed

    def _heard(self) -> None:
        self._eased.set()
        self._upkeep.stir()

    def _add_receivers(self, take: Take, tasks: asyncio.TaskGroup) -> None:
        while self._receivers < self._wanted and not self._stopping:
            self._receivers += 1
            tasks.create_task(self._receive_on(take, tasks), name="receive")

    async def _receive_on(self, take: Take, tasks: asyncio.TaskGroup) -> None:
        """Run one receiver: call after call, until fewer are wanted."""
        while not self._stopping and self._receivers <= self._wanted:
            if self._visibility.undecided >= MAX_UNDECIDED:
                await until_set(self._eased)
                continue
            try:
                messages = await self._receive()
            except AwsError as error:
                await asyncio.sleep(self._failed(error))
            else:
                self._hand_on(messages, take)
                self._add_receivers(take, tasks)
        self._receivers -= 1

    async def _receive(self) -> tuple[Message, ...]:
        answers = self._last_answer_at is not None and not self._trouble.failures
        long = answers and self._receivers == 1
        wait_seconds = self._wait_seconds if long else min(SHORT_WAIT_SECONDS, self._wait_seconds)
        try:
            return await self._queue.receive(
                wait_seconds=wait_seconds, visibility_seconds=self._visibility_seconds
            )
        except AwsError:
            raise
        except Exception as error:
            logger.exception("receiving failed in the handler itself; it will be tried again")
            raise AwsUnreachable(f"internal error: {error!r}") from error

    def _failed(self, error: AwsError) -> float:
        """Returns for how many seconds to wait."""
        self._failures += 1
        self._wanted = 1
        if isinstance(error, NoSuchQueue) and self._last_answer_at is None:
            self._fault = SettingError(
                f"--queue-url (QUEUE_URL) is {self._queue.url!r}, and there is no such queue; "
                "allowed: the URL of an SQS queue that exists"
            )
            self._ended.set()
        else:
            self._trouble.failed(error, self._clock.now())
        if is_refused(error):
            return REFUSED_RETRY_SECONDS
        return BACKOFF.pause_seconds(self._trouble.failures) * (0.8 + 0.4 * self._jitter())

    def _hand_on(self, messages: Sequence[Message], take: Take) -> None:
        self._answered(len(messages))
        if sum(len(message.body) for message in messages) > HEAVY_CHARS:
            # Eight calls at once may bring 80 MiB.
            self._wanted = 1
        now = self._clock.now()
        new = [each for each in messages if self._visibility.delivered(each, now) is Delivery.NEW]
        self._upkeep.stir()
        if self._stopping:
            for message in new:
                self._visibility.give_back(message.message_id, now)
        elif new:
            self._give(new, take)

    def _answered(self, number: int) -> None:
        now = self._clock.now()
        self._calls += 1
        self._last_answer_at = now
        self._trouble.worked(now)
        if number == MAX_ENTRIES:
            self._last_full_at = now
        if number == 0 or self._visibility.unanswered >= MAX_UNANSWERED:
            self._wanted = 1
        elif number == MAX_ENTRIES:
            self._wanted = min(MAX_RECEIVERS, self._wanted + 1)
        else:
            self._wanted = max(1, self._wanted - 1)

    def _give(self, new: Sequence[Message], take: Take) -> None:
        try:
            take(new)
        except Exception:
            # Messages that were undecided before the defect are delivered again.
            logger.exception("messages could not be looked at; they will be delivered again")
            for message in new:
                self._visibility.leave_undecided(message.message_id)
