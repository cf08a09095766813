"""Large messages: read one at a time and in slices, so that others go on in between, in bounded memory.

Nodes that we know are always taken. Of instances that are none, so many of one message are looked at; if
it names more, the message is left in the queue, because one of them might be ours all the same.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence

from nth.core.notices.aws_facts import Message
from nth.core.notices.eventbridge import read_message
from nth.core.notices.message import Heard, Item, Many, NotForUs, Unreadable
from nth.core.queue.message_refs import Key, Ref
from nth.core.queue.recent_keys import Remembered
from nth.ports import Clock
from nth.queue_mode.intake_parts import Case, ref_of
from nth.queue_mode.messages_in_hand import Desk

logger = logging.getLogger("nth.fleet.intake")

LARGE_CHARS = 16_384
"""A message that names one instance has a tenth of this; AWS Health names about a hundred instances in it."""
MAX_WAITING_CHARS = 4_194_304
"""What would be more is left to the queue, and comes again: four messages of the largest size."""
MAX_STRANGERS = 10_000
"""Of one message, instances that are no nodes of ours. AWS Health puts 256 KB into a page: about 2,000.

https://docs.aws.amazon.com/health/latest/ug/pagnation-of-health-events.html
"""

Place = Callable[[Case], Coroutine[object, object, None] | None]


class Bulk:
    """`act_on` a message that names few instances. `place` a case: now, or when what it returns is done.

    `is_known`: a node of ours is that instance. `failed`: a defect of ours has hit that message.
    """

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        *,
        act_on: Callable[[Message, Heard | NotForUs | Unreadable], None],
        place: Place,
        is_known: Callable[[Case], bool],
        failed: Callable[[Ref], None],
        max_strangers: int = MAX_STRANGERS,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._act_on = act_on
        self._place = place
        self._is_known = is_known
        self._failed = failed
        self._max_strangers = max_strangers
        self._waiting: deque[Message] = deque()
        self._chars = 0
        """Of those that wait, and of the one that is being read."""
        self._wanted = asyncio.Event()
        self._told = Remembered()
        self._closed = False

    def put(self, message: Message) -> None:
        """It is read when its turn comes."""
        ref, chars = ref_of(message), len(message.body)
        if self._chars and self._chars + chars > MAX_WAITING_CHARS:
            fields = {"message_id": ref.message_id, "bytes": chars}
            logger.debug("No room for a large message now, leaving it in the queue", extra={"fields": fields})
            self._desk.leave(ref)
            return
        self._chars += chars
        self._desk.open(ref, {_whole(ref)})
        self._desk.hold(ref)
        self._waiting.append(message)
        self._wanted.set()

    def close(self) -> None:
        """Begin nothing new."""
        self._closed = True

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting and not self._closed:
                message = self._waiting.popleft()
                chars = len(message.body)
                await self._read(message)
                del message
                self._chars -= chars
                await asyncio.sleep(0)

    async def _read(self, message: Message) -> None:
        ref = ref_of(message)
        try:
            reading = read_message(message.body, received_at=message.sent_at or self._clock.now())
            if isinstance(reading, Many):
                await self._hear(message, reading)
            else:
                self._act_on(message, reading)
        except Exception:
            self._failed(ref)
        else:
            if not self._closed:
                # Else some of it may not be read, and it is to be given back.
                self._desk.done(_whole(ref))

    async def _hear(self, message: Message, many: Many) -> None:
        ref, named, left_out, room = ref_of(message), 0, 0, self._max_strangers
        for items in many.slices:
            if self._closed:
                return
            cases = [_case(message, item, many.account) for item in items]
            known = [case for case in cases if self._is_known(case)]
            strangers = [case for case in cases if not self._is_known(case)]
            named += len(items)
            left_out += max(0, len(strangers) - room)
            await self._place_all(ref, [*known, *strangers[:room]])
            room = max(0, room - len(strangers))
            await asyncio.sleep(0)
        if left_out:
            self._leave_out(message, left_out)
        if not named:
            self._act_on(message, NotForUs("it names no instance"))
        for warning in many.warnings:
            fields = {"message_id": ref.message_id, "warning": warning}
            logger.warning("Something in a message cannot be read, going on", extra={"fields": fields})

    async def _place_all(self, ref: Ref, cases: Sequence[Case]) -> None:
        """One slice; if EC2 has to be asked, then for all of it, and before the next one is read."""
        if self._desk.has(ref):
            # A message that is left already comes again: nothing that is done settles it.
            self._desk.open(ref, {case.key for case in cases})
        await asyncio.gather(*(asking for case in cases if (asking := self._place(case)) is not None))

    def _leave_out(self, message: Message, number: int) -> None:
        self._desk.leave(ref_of(message))
        if self._told.is_news(message.message_id, self._clock.now()):
            fields = {"message_id": message.message_id, "left_out": number, "bytes": len(message.body)}
            logger.warning(
                "A message names too many instances that are no nodes of ours, leaving it in the queue",
                extra={"fields": fields},
            )


def _whole(ref: Ref) -> Key:
    """What a message waits for until all of it is read."""
    return Key("", ref.message_id)


def _case(message: Message, item: Item, account: str) -> Case:
    return Case(ref=ref_of(message), item=item, account=account, sent_at=message.sent_at)
