"""Decides which messages of one queue are hidden longer, deleted or given back, and when.

Pure: deliveries, orders and answers in, batches out, and when to be asked again. It does not know the
contents of a message, and makes no calls (`queue_mode.sqs_upkeep` does).

A message is undecided, then held, until it is settled (deleted for good), given back (others see it at
once) or left (others see it when its visibility timeout ends). Until then it stays hidden.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from nth.core.notices.aws_facts import EntryFailure, Message
from nth.core.queue.batching import BACKOFF, Line
from nth.core.queue.recent_keys import Remembered
from nth.core.queue.visibility_words import Batch, Counts, Delivery, Verb
from nth.core.times import soonest
from nth.errors import AwsError, AwsRefused, NoSuchQueue

GATHER_SECONDS = 0.05
"""A deletion waits so long, to share a call with others."""
EXTEND_AFTER = 0.5
"""A share of the visibility timeout, since it was last set."""
EXTEND_AHEAD = 0.125
"""A share of the visibility timeout: messages due so soon go along with one that is due now."""
MAX_WAITING = 5000
"""Deletions. Further ones are only remembered, and deleted when they are delivered again."""


class _Stage(Enum):
    UNDECIDED = auto()
    HELD = auto()
    SETTLED = auto()
    """It is to be deleted, and kept hidden until it is."""
    RETURNED = auto()
    """It is to be given back."""


_IN_HAND = (_Stage.UNDECIDED, _Stage.HELD)


@dataclass(slots=True)
class _InFlight:
    """One message in flight."""

    handle: str
    """The newest one: an older one may be accepted and do nothing.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
    """
    sent_at: float
    stage: _Stage
    failures: int = 0
    """Failures of its entry, in a row."""


class VisibilityKeeper:
    """Keeps one queue's messages in flight."""

    def __init__(self, visibility_seconds: float) -> None:
        self._extend_after_seconds = visibility_seconds * EXTEND_AFTER
        self._messages: dict[str, _InFlight] = {}
        self._numbers = dict.fromkeys(_Stage, 0)
        """The number of messages in each stage."""
        self._settled = Remembered()
        self._lines = {
            Verb.GIVE_BACK: Line(ahead_seconds=GATHER_SECONDS, eager=True),
            Verb.DELETE: Line(ahead_seconds=GATHER_SECONDS, eager=True),
            Verb.EXTEND: Line(ahead_seconds=visibility_seconds * EXTEND_AHEAD, eager=False),
        }
        self.counts = Counts()

    @property
    def undecided(self) -> int:
        """Returns how many messages are delivered, and not decided yet."""
        return self._numbers[_Stage.UNDECIDED]

    @property
    def held(self) -> int:
        """Returns how many messages are decided, and not done with."""
        return self._numbers[_Stage.HELD]

    @property
    def unanswered(self) -> int:
        """Returns how many messages are settled or given back, which the queue has not confirmed."""
        return self._numbers[_Stage.SETTLED] + self._numbers[_Stage.RETURNED]

    @property
    def oldest_sent_at(self) -> float | None:
        """Returns when the oldest undecided or held message was sent (epoch seconds)."""
        return min((each.sent_at for each in self._messages.values() if each.stage in _IN_HAND), default=None)

    @property
    def wake_at(self) -> float | None:
        """Returns when `due` has something (epoch seconds); None: not before something else happens."""
        return soonest(*(line.next_at for line in self._lines.values()))

    def delivered(self, message: Message, now: float) -> Delivery:
        """Take a delivery of the queue. Returns its kind: only a NEW message is to be looked at."""
        self.counts.received += 1
        message_id = message.message_id
        in_flight = self._messages.get(message_id)
        settled = in_flight is None and self._settled.has(message_id, now)
        if in_flight is None:
            stage = _Stage.SETTLED if settled else _Stage.UNDECIDED
            self._messages[message_id] = in_flight = _InFlight(message.receipt_handle, message.sent_at, stage)
            self._numbers[stage] += 1
            if not settled:
                self._extend_later(message_id, now)
                return Delivery.NEW
            self._settled.add(message_id, now)
        self.counts.duplicates += 1
        self._replace_handle(message_id, in_flight, message.receipt_handle, now)
        return Delivery.SETTLED if in_flight.stage is _Stage.SETTLED else Delivery.KNOWN

    def hold(self, message_id: str) -> None:
        """Keep a decided message hidden until its events are done."""
        in_flight = self._messages.get(message_id)
        if in_flight is not None and in_flight.stage is _Stage.UNDECIDED:
            self._move(in_flight, _Stage.HELD)

    def settle(self, message_id: str, now: float) -> None:
        """Delete a message that is done with, now or whenever it is delivered again."""
        self._settled.add(message_id, now)
        in_flight = self._messages.get(message_id)
        if in_flight is None or in_flight.stage is _Stage.SETTLED:
            return
        self._move(in_flight, _Stage.SETTLED)
        self._lines[Verb.GIVE_BACK].drop(message_id)
        self._delete_soon(message_id, now)

    def give_back(self, message_id: str, now: float) -> None:
        """Let others see a message at once. A settled one stays so."""
        in_flight = self._messages.get(message_id)
        if in_flight is not None and in_flight.stage in _IN_HAND:
            self._move(in_flight, _Stage.RETURNED)
            self._lines[Verb.EXTEND].drop(message_id)
            self._lines[Verb.GIVE_BACK].put(message_id, now + GATHER_SECONDS)

    def leave(self, message_id: str) -> None:
        """Let others see a message when its visibility timeout ends. A settled one stays so."""
        in_flight = self._messages.get(message_id)
        if in_flight is not None and in_flight.stage in _IN_HAND:
            self._forget(message_id)
            self.counts.left += 1

    def leave_undecided(self, message_id: str) -> None:
        """Leave a message unless it is decided."""
        in_flight = self._messages.get(message_id)
        if in_flight is not None and in_flight.stage is _Stage.UNDECIDED:
            self.leave(message_id)

    def due(self, now: float) -> list[Batch]:
        """Returns the calls to make now, side by side."""
        batches = []
        for verb, line in self._lines.items():
            while message_ids := line.take(now):
                handles = tuple(self._messages[message_id].handle for message_id in message_ids)
                batches.append(Batch(verb, message_ids, handles, now))
        return batches

    def answered(self, batch: Batch, answer: Mapping[str, EntryFailure] | AwsError, now: float) -> None:
        """Take the answer to a call: the entries that failed, by receipt handle, or its failure."""
        line = self._lines[batch.verb]
        # A queue that is gone may be made anew: that is not "no permission".
        refused = isinstance(answer, AwsRefused) and not isinstance(answer, NoSuchQueue)
        if isinstance(answer, AwsError):
            self.counts.call_failures += 1
            line.failed(now, refused=refused)
        else:
            line.worked()
        for message_id, handle in zip(batch.message_ids, batch.receipt_handles, strict=True):
            in_flight = self._messages.get(message_id)
            # An answer about an older handle proves nothing; and one for an earlier stage does not matter.
            if in_flight is None or in_flight.handle != handle or not _wants(in_flight.stage, batch.verb):
                continue
            if isinstance(answer, AwsError):
                self._call_failed(batch.verb, message_id, now, refused=refused)
            elif (failure := answer.get(handle)) is not None:
                self._entry_failed(batch.verb, message_id, in_flight, failure, now)
            else:
                self._worked(batch, message_id, in_flight)

    def _worked(self, batch: Batch, message_id: str, in_flight: _InFlight) -> None:
        in_flight.failures = 0
        if batch.verb is Verb.EXTEND:
            self.counts.extended += 1
            self._extend_later(message_id, batch.asked_at)
            return
        self._forget(message_id)
        if batch.verb is Verb.DELETE:
            self.counts.deleted += 1
        else:
            self.counts.given_back += 1

    def _call_failed(self, verb: Verb, message_id: str, now: float, *, refused: bool) -> None:
        if refused and verb is not Verb.EXTEND:
            self._give_up(verb, message_id)
        else:
            self._lines[verb].put(message_id, now)

    def _entry_failed(
        self, verb: Verb, message_id: str, in_flight: _InFlight, failure: EntryFailure, now: float
    ) -> None:
        self.counts.entry_failures += 1
        if not failure.final:
            in_flight.failures += 1
            self._lines[verb].put(message_id, now + BACKOFF.pause_seconds(in_flight.failures))
        elif verb is not Verb.EXTEND:
            self._give_up(verb, message_id)
        # A final failure to extend: the visibility timeout has run out, or the 12 hours that a message
        # can be hidden are over. It stays ours, and will be delivered again with a new handle.

    def _give_up(self, verb: Verb, message_id: str) -> None:
        """Forget a message whose handle is of no use: it waits for the next delivery."""
        self._forget(message_id)
        if verb is Verb.DELETE:
            self.counts.undeletable += 1
        else:
            self.counts.left += 1

    def _replace_handle(self, message_id: str, in_flight: _InFlight, handle: str, now: float) -> None:
        in_flight.handle, in_flight.failures = handle, 0
        if in_flight.stage is _Stage.RETURNED:
            self._lines[Verb.GIVE_BACK].put(message_id, now + GATHER_SECONDS)
            return
        self._extend_later(message_id, now)
        if in_flight.stage is _Stage.SETTLED:
            self._delete_soon(message_id, now)

    def _delete_soon(self, message_id: str, now: float) -> None:
        line = self._lines[Verb.DELETE]
        if (line.refused and line.paused(now)) or len(line) >= MAX_WAITING:
            self._give_up(Verb.DELETE, message_id)
        else:
            line.put(message_id, now + GATHER_SECONDS)

    def _extend_later(self, message_id: str, set_at: float) -> None:
        self._lines[Verb.EXTEND].put(message_id, set_at + self._extend_after_seconds)

    def _move(self, in_flight: _InFlight, stage: _Stage) -> None:
        self._numbers[in_flight.stage] -= 1
        self._numbers[stage] += 1
        in_flight.stage, in_flight.failures = stage, 0

    def _forget(self, message_id: str) -> None:
        self._numbers[self._messages.pop(message_id).stage] -= 1
        for line in self._lines.values():
            line.drop(message_id)


def _wants(stage: _Stage, verb: Verb) -> bool:
    """True if an answer to this still matters to a message in this stage."""
    if verb is Verb.EXTEND:
        return stage is not _Stage.RETURNED
    return stage is (_Stage.SETTLED if verb is Verb.DELETE else _Stage.RETURNED)
