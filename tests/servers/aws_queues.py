"""SQS's actions on messages, answered from `QueueStore`s: moto takes milliseconds for each.

And moto deletes by old receipt handles, and loses what is sent while it deletes. Knows no moto: queues
are made elsewhere, and come here by their names.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
"""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from nth.core.notices.aws_facts import EntryFailure, Message
from nth.simulation.queue_store import MAX_MESSAGES, MAX_VISIBILITY_SECONDS, QueueStore
from tests.servers.aws_wire import Answer, error, json_answer

MAX_WAIT_SECONDS = 20
DEFAULT_VISIBILITY_SECONDS = 30
SENDER_ID = "AIDAIT2UOQQY3AUEKVGXU"

Asked = Mapping[str, Any]


class Shelf:
    """One queue's messages. Safe for threads."""

    def __init__(self, store: QueueStore) -> None:
        self.store = store
        self._changed = threading.Condition()

    def put(self, body: str, message_id: str) -> None:
        with self._changed:
            self.store.put(body, time.time(), message_id)
            self._changed.notify_all()

    def receive(
        self, count: int, wait_seconds: float, visibility_seconds: float, peer: socket.socket
    ) -> tuple[Message, ...]:
        end_at = time.time() + wait_seconds
        with self._changed:
            # What is given to a closed connection would be hidden from everybody else.
            while not _has_left(peer):
                now = time.time()
                taken = self.store.take(now, visibility_seconds, count)
                if taken or now >= end_at:
                    return taken
                next_at = self.store.next_visible_at()
                self._changed.wait((end_at if next_at is None else min(end_at, next_at)) - now)
        return ()

    def delete(self, entry: Asked) -> EntryFailure | None:
        with self._changed:
            return self.store.delete(entry["ReceiptHandle"])

    def change_visibility(self, entry: Asked) -> EntryFailure | None:
        with self._changed:
            seconds = int(entry["VisibilityTimeout"])
            failure = self.store.change_visibility(entry["ReceiptHandle"], seconds, time.time())
            self._changed.notify_all()
            return failure

    def counts(self) -> dict[str, int]:
        """How many messages there are, are in flight, and have been deleted."""
        with self._changed:
            in_flight = self.store.in_flight(time.time())
            return {
                "messages": len(self.store),
                "in_flight": in_flight,
                "deleted": len(self.store.deleted),
            }


class Queues:
    """All of them, by name."""

    def __init__(self) -> None:
        self._shelves: dict[str, Shelf] = {}
        self._actions: Mapping[str, Callable[[Shelf, Asked, socket.socket], Answer]] = {
            "ReceiveMessage": self._receive,
            "DeleteMessage": lambda shelf, asked, peer: _single(shelf.delete(asked)),
            "DeleteMessageBatch": lambda shelf, asked, peer: _batch(asked, shelf.delete),
            "ChangeMessageVisibility": lambda shelf, asked, peer: _single(shelf.change_visibility(asked)),
            "ChangeMessageVisibilityBatch": lambda shelf, asked, peer: _batch(asked, shelf.change_visibility),
        }

    @property
    def actions(self) -> frozenset[str]:
        """Those that `answer` answers."""
        return frozenset(self._actions)

    def add(self, name: str, retention_seconds: float, dead_letters: str, max_receive_count: int) -> None:
        """A new queue; `dead_letters` is the name of another one, or empty."""
        store = QueueStore(
            name,
            retention_seconds=retention_seconds,
            dead_letters=self._shelves[dead_letters].store if dead_letters else None,
            max_receive_count=max_receive_count,
        )
        self._shelves[name] = Shelf(store)

    def shelf(self, name_or_url: str) -> Shelf:
        """KeyError: no such queue."""
        return self._shelves[name_or_url.rpartition("/")[2]]

    def reset(self) -> None:
        """None are left."""
        self._shelves.clear()

    def answer(self, action: str, body: bytes, peer: socket.socket) -> Answer:
        """One of `actions`, asked by that connection."""
        asked = json.loads(body)
        try:
            shelf = self.shelf(asked["QueueUrl"])
        except KeyError:
            code = "AWS.SimpleQueueService.NonExistentQueue"
            return error(
                "sqs", 400, code, "The specified queue does not exist.", json_code="QueueDoesNotExist"
            )
        return self._actions[action](shelf, asked, peer)

    def _receive(self, shelf: Shelf, asked: Asked, peer: socket.socket) -> Answer:
        wait_seconds = int(asked.get("WaitTimeSeconds", 0))
        visibility_seconds = int(asked.get("VisibilityTimeout", DEFAULT_VISIBILITY_SECONDS))
        count = int(asked.get("MaxNumberOfMessages", 1))
        for name, value, low, high in (
            ("WaitTimeSeconds", wait_seconds, 0, MAX_WAIT_SECONDS),
            ("VisibilityTimeout", visibility_seconds, 0, MAX_VISIBILITY_SECONDS),
            ("MaxNumberOfMessages", count, 1, MAX_MESSAGES),
        ):
            if not low <= value <= high:
                words = f"Value {value} for parameter {name} is invalid. Reason: Must be {low} to {high}."
                return error("sqs", 400, "InvalidParameterValue", words)
        taken = shelf.receive(count, wait_seconds, visibility_seconds, peer)
        names = frozenset(asked.get("MessageSystemAttributeNames", ()))
        messages = [_told(message, names) for message in taken]
        return json_answer({"Messages": messages} if messages else {})


def _told(message: Message, names: frozenset[str]) -> dict[str, object]:
    attributes = {
        "ApproximateReceiveCount": str(message.receive_count),
        "SenderId": SENDER_ID,
        "SentTimestamp": str(int(message.sent_at * 1000)),
    }
    wanted = {name: value for name, value in attributes.items() if names & {name, "All"}}
    told: dict[str, object] = {
        "Body": message.body,
        "MD5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt_handle,
    }
    return {**told, "Attributes": wanted} if wanted else told


def _single(failure: EntryFailure | None) -> Answer:
    return json_answer({}) if failure is None else error("sqs", 400, failure.code, failure.reason)


def _batch(asked: Asked, act: Callable[[Asked], EntryFailure | None]) -> Answer:
    entries = asked.get("Entries", ())
    if not entries:
        code = "EmptyBatchRequest"
        return error("sqs", 400, f"AWS.SimpleQueueService.{code}", "No entries", json_code=code)
    if len(entries) > MAX_MESSAGES:
        code = "TooManyEntriesInBatchRequest"
        return error("sqs", 400, f"AWS.SimpleQueueService.{code}", "More than 10 entries", json_code=code)
    answers = {entry["Id"]: act(entry) for entry in entries}
    failed = [
        {"Id": entry_id, "Code": failure.code, "Message": failure.reason, "SenderFault": failure.final}
        for entry_id, failure in answers.items()
        if failure is not None
    ]
    done = [{"Id": entry_id} for entry_id, failure in answers.items() if failure is None]
    return json_answer(
        {name: entries for name, entries in (("Successful", done), ("Failed", failed)) if entries}
    )


def _has_left(peer: socket.socket) -> bool:
    try:
        return peer.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
