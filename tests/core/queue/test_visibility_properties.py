"""The keeper against a queue, in any order of deliveries, orders, answers and failures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.notices.aws_facts import EntryFailure
from nth.core.queue.visibility import VisibilityKeeper
from nth.core.queue.visibility_words import Batch, Delivery, Verb
from nth.errors import AwsError, AwsRefused, AwsThrottled, AwsUnreachable
from nth.simulation.queue_store import QueueStore

VISIBILITY_SECONDS = 20
STEP_SECONDS = 0.01
FATES = ("well", "throttled", "lost before", "lost after", "refused", "entries busy", "entries invalid")
WORKING = ("well",)

Op = tuple[str, int, float, str]
"""What is done, to which message, the seconds of it, and the fate of calls from now on."""


def ops(fates: tuple[str, ...], most_seconds: float) -> st.SearchStrategy[list[Op]]:
    verbs = ("send", "receive", "hold", "settle", "give back", "leave", "wait", "duplicate", "answer")
    one = st.tuples(
        st.sampled_from(verbs), st.integers(0, 8), st.floats(0, most_seconds), st.sampled_from(fates)
    )
    return st.lists(one, max_size=60)


@dataclass
class World:
    """A queue, our keeper, and the calls between them."""

    answer_at_once: bool
    store: QueueStore = field(default_factory=lambda: QueueStore("queue"))
    keeper: VisibilityKeeper = field(default_factory=lambda: VisibilityKeeper(VISIBILITY_SECONDS))
    now: float = 0.0
    fate: str = "well"
    sent: list[str] = field(default_factory=list)
    fresh: set[str] = field(default_factory=set)
    """NEW, and not yet settled, given back or left."""
    settled: set[str] = field(default_factory=set)
    under_way: list[tuple[Batch, Mapping[str, EntryFailure] | AwsError]] = field(default_factory=list)

    def do(self, op: Op) -> None:
        verb, index, seconds, self.fate = op
        message_id = self.sent[index % len(self.sent)] if self.sent else ""
        orders: Mapping[str, Callable[[], None]] = {
            "send": lambda: self.sent.append(self.store.put("", self.now)),
            "receive": self.receive,
            "wait": lambda: self.wait(seconds),
            "answer": lambda: self.answer(index),
            "duplicate": lambda: self.duplicate(message_id),
        }
        if verb in orders:
            orders[verb]()
        elif message_id in self.fresh:
            self.order(verb, message_id)
        self.call()

    def order(self, verb: str, message_id: str) -> None:
        if verb == "hold":
            self.keeper.hold(message_id)
            return
        self.fresh.discard(message_id)
        if verb == "settle":
            self.settled.add(message_id)
            self.keeper.settle(message_id, self.now)
        elif verb == "give back":
            self.keeper.give_back(message_id, self.now)
        else:
            self.keeper.leave(message_id)

    def duplicate(self, message_id: str) -> None:
        if message_id and message_id not in self.store.deleted:
            self.store.duplicate(message_id, self.now)
            self.receive()

    def receive(self) -> None:
        for message in self.store.take(self.now, VISIBILITY_SECONDS):
            delivery = self.keeper.delivered(message, self.now)
            if delivery is Delivery.NEW:
                assert message.message_id not in self.fresh | self.settled, "handled twice"
                self.fresh.add(message.message_id)
            assert (delivery is Delivery.SETTLED) == (message.message_id in self.settled)

    def wait(self, seconds: float) -> None:
        """Every call is made when it is due, or a moment later."""
        end_at = self.now + seconds
        while (wake_at := self.keeper.wake_at) is not None and wake_at < end_at:
            self.now = max(wake_at, self.now + STEP_SECONDS)
            self.call()
        self.now = max(end_at, self.now)

    def call(self) -> None:
        for batch in self.keeper.due(self.now):
            assert 1 <= len(batch.receipt_handles) <= 10
            self.under_way.append((batch, self.serve(batch)))
        while self.answer_at_once and self.under_way:
            self.answer(0)

    def answer(self, index: int) -> None:
        if self.under_way:
            batch, answer = self.under_way.pop(index % len(self.under_way))
            self.keeper.answered(batch, answer, self.now)

    def serve(self, batch: Batch) -> Mapping[str, EntryFailure] | AwsError:
        errors: Mapping[str, AwsError] = {
            "throttled": AwsThrottled("slow down"),
            "lost before": AwsUnreachable("refused"),
            "lost after": AwsUnreachable("reset"),
            "refused": AwsRefused("no permission", code="AccessDenied"),
        }
        if self.fate in errors and self.fate != "lost after":
            return errors[self.fate]
        failures = {}
        for n, (message_id, handle) in enumerate(zip(batch.message_ids, batch.receipt_handles, strict=True)):
            if self.fate.startswith("entries") and n % 2 == 0:
                failures[handle] = EntryFailure("Fails", "", final=self.fate.endswith("invalid"))
            elif (failure := self.serve_one(batch.verb, message_id, handle)) is not None:
                failures[handle] = failure
        return errors.get(self.fate, failures)

    def serve_one(self, verb: Verb, message_id: str, handle: str) -> EntryFailure | None:
        if verb is Verb.DELETE:
            assert message_id in self.settled, "deleted, and not settled"
            return self.store.delete(handle)
        seconds = VISIBILITY_SECONDS if verb is Verb.EXTEND else 0
        return self.store.change_visibility(handle, seconds, self.now)

    def finish(self) -> None:
        """From now on all works, and whatever comes is settled."""
        self.fate, self.answer_at_once = "well", True
        self.call()
        for _ in range(12):
            self.receive()
            for message_id in tuple(self.fresh):
                self.order("settle", message_id)
            self.wait(VISIBILITY_SECONDS)


@given(ops(FATES, 90.0), st.booleans())
@settings(max_examples=400)
def test_in_the_end_every_settled_message_is_deleted_once_and_nothing_is_in_flight(
    steps: list[Op], answer_at_once: bool
) -> None:
    world = World(answer_at_once)
    for op in steps:
        world.do(op)
    world.finish()
    assert sorted(world.store.deleted) == sorted(world.sent)
    assert len(world.store) == 0
    keeper = world.keeper
    assert (keeper.undecided, keeper.held, keeper.unanswered) == (0, 0, 0)
    assert keeper.wake_at is None
    assert not keeper._messages


@given(ops(WORKING, 90.0))
@settings(max_examples=300)
def test_needs_W33_while_calls_work_no_message_in_our_hands_is_ever_visible(steps: list[Op]) -> None:
    world = World(answer_at_once=True)
    for op in steps:
        world.do(op)
        hidden = {id_: stored.visible_at > world.now for id_, stored in world.store._messages.items()}
        assert all(hidden[each] for each in world.fresh)
    # So nothing is ever handled a second time by somebody else.
    assert world.keeper.counts.entry_failures == 0


@given(ops(FATES, 30.0))
@settings(max_examples=200)
def test_the_figures_are_those_of_what_is_in_our_hands(steps: list[Op]) -> None:
    world = World(answer_at_once=False)
    for op in steps:
        world.do(op)
        keeper = world.keeper
        assert keeper.undecided + keeper.held == len(world.fresh)
        assert keeper.undecided + keeper.held + keeper.unanswered == len(keeper._messages)
