"""Reads messages for the dispatch: small ones at once, large ones in slices, so that others go on in between.

Large ones are read one at a time, in bounded memory. Nodes that we know are always taken. Of other instances,
so many of one message are looked at; if it names more, the message is left in the queue, because one of
them might be ours all the same. No content of a message ends this or holds up another message.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from nth.core.notices.aws_facts import Message
from nth.core.notices.eventbridge import read_message
from nth.core.notices.message import Heard, Item, Many, NotForUs, Unreadable
from nth.core.queue.dispatch_view import Case, Ref
from nth.core.queue.dispatch_words import Input, LargeMessageBegun, MessageLeft, MessageRead, SliceRead
from nth.core.queue.recent_keys import Remembered
from nth.ports import Clock

logger = logging.getLogger("nth.queue_mode.reader")

LARGE_CHARS = 16_384
"""A message that names one instance has a tenth of this; AWS Health names about a hundred instances in it."""
MAX_WAITING_CHARS = 4_194_304
"""Further messages are left to the queue, and come again: this is four messages of the largest size."""
MAX_STRANGERS = 10_000
"""Instances of one message that are no nodes of ours. AWS Health puts 256 KB into a page: about 2,000.

https://docs.aws.amazon.com/health/latest/ug/pagnation-of-health-events.html
"""

Feed = Callable[[Input], Sequence["asyncio.Task[None]"]]


class Reader:
    """Calls `feed`, which returns the tasks that ask EC2. `is_known`: a node of ours is that instance.

    `run` comes first.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        feed: Feed,
        is_known: Callable[[Case], bool],
        max_strangers: int = MAX_STRANGERS,
    ) -> None:
        self._clock = clock
        self._feed = feed
        self._is_known = is_known
        self._max_strangers = max_strangers
        self._waiting: deque[Message] = deque()
        self._chars = 0
        """The size of those that wait, and of the one that is being read."""
        self._wanted = asyncio.Event()
        self._told = Remembered()
        self._closed = False

    def take(self, messages: Sequence[Message]) -> None:
        """Take messages that a queue has delivered."""
        for message in messages:
            try:
                if len(message.body) > LARGE_CHARS or isinstance(reading := self._read(message), Many):
                    self._put(message)
                else:
                    self._hand_in(message, reading)
            except Exception:
                self._failed(message)

    def close(self) -> None:
        """Begin nothing new."""
        self._closed = True

    async def run(self) -> None:
        """Read large messages until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting and not self._closed:
                message = self._waiting.popleft()
                chars = len(message.body)
                await self._read_large(message)
                del message
                self._chars -= chars
                await asyncio.sleep(0)

    def _read(self, message: Message) -> Heard | Many | NotForUs | Unreadable:
        return read_message(message.body, received_at=message.sent_at or self._clock.now())

    def _hand_in(self, message: Message, reading: Heard | NotForUs | Unreadable) -> None:
        self._feed(MessageRead(ref_of(message), message.sent_at, len(message.body), reading))

    def _put(self, message: Message) -> None:
        """Queue a large message."""
        ref, chars = ref_of(message), len(message.body)
        if self._chars and self._chars + chars > MAX_WAITING_CHARS:
            fields = {"message_id": ref.message_id, "bytes": chars}
            logger.debug("No room for a large message now, leaving it in the queue", extra={"fields": fields})
            self._feed(MessageLeft(ref))
            return
        self._chars += chars
        self._feed(LargeMessageBegun(ref))
        self._waiting.append(message)
        self._wanted.set()

    async def _read_large(self, message: Message) -> None:
        try:
            reading = self._read(message)
            if isinstance(reading, Many):
                await self._hear(message, reading)
            else:
                self._hand_in(message, reading)
            self._feed(SliceRead(ref_of(message), (), last=True))
        except Exception:
            self._failed(message)

    async def _hear(self, message: Message, many: Many) -> None:
        ref, named, left_out, room = ref_of(message), 0, 0, self._max_strangers
        for items in many.slices:
            if self._closed:
                return
            known: list[Case] = []
            strangers: list[Case] = []
            for item in items:
                case = _case(message, item, many.account)
                (known if self._is_known(case) else strangers).append(case)
            named += len(items)
            left_out += max(0, len(strangers) - room)
            # EC2 is asked, if need be, about all of the slice, before the next one is read.
            await asyncio.gather(*self._feed(SliceRead(ref, (*known, *strangers[:room]))))
            room = max(0, room - len(strangers))
            await asyncio.sleep(0)
        if left_out:
            self._leave_out(message, left_out)
        if not named:
            self._hand_in(message, NotForUs("it names no instance"))
        for warning in many.warnings:
            fields = {"message_id": ref.message_id, "warning": warning}
            logger.warning("Something in a message cannot be read, going on", extra={"fields": fields})

    def _leave_out(self, message: Message, number: int) -> None:
        self._feed(MessageLeft(ref_of(message)))
        if self._told.is_news(message.message_id, self._clock.now()):
            fields = {"message_id": message.message_id, "left_out": number, "bytes": len(message.body)}
            logger.warning(
                "A message names too many instances that are no nodes of ours, leaving it in the queue",
                extra={"fields": fields},
            )

    def _failed(self, message: Message) -> None:
        """Leave a message after a defect of ours: it comes again when its visibility timeout ends."""
        logger.exception("a message could not be handled, because the handler itself failed")
        self._feed(MessageLeft(ref_of(message)))


def ref_of(message: Message) -> Ref:
    """Returns the message's name."""
    return Ref(message.queue_url, message.message_id)


def _case(message: Message, item: Item, account: str) -> Case:
    return Case(ref=ref_of(message), item=item, account=account, sent_at=message.sent_at)
