"""A standard queue's rules, whatever comes in which order."""

from hypothesis import given
from hypothesis import strategies as st

from nth.simulation.queue_store import INVALID_HANDLE, NOT_IN_FLIGHT, TOO_LONG, QueueStore

VISIBILITY_SECONDS = 20.0

steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.just(0)),
        st.tuples(st.just("take"), st.integers(1, 10)),
        st.tuples(st.just("wait"), st.integers(1, 30)),
        st.tuples(st.just("delete"), st.integers(0, 20)),
        st.tuples(st.just("show"), st.integers(0, 20)),
        st.tuples(st.just("extend"), st.integers(0, 20)),
    ),
    max_size=60,
)


class Model:
    """A queue as one would describe it, beside the one that is tested."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store = QueueStore("queue")
        self.handles: list[str] = []
        self.newest: dict[str, str] = {}
        self.hidden_until: dict[str, float] = {}

    def put(self, _number: int) -> None:
        self.hidden_until[self.store.put("body", self.now)] = self.now

    def wait(self, number: int) -> None:
        self.now += number

    def take(self, number: int) -> None:
        visible = {one for one, at in self.hidden_until.items() if at <= self.now}
        taken = self.store.take(self.now, VISIBILITY_SECONDS, number)
        assert len(taken) == min(number, len(visible))
        assert {message.message_id for message in taken} <= visible
        for message in taken:
            assert message.receipt_handle not in self.handles
            self.handles.append(message.receipt_handle)
            self.newest[message.message_id] = message.receipt_handle
            self.hidden_until[message.message_id] = self.now + VISIBILITY_SECONDS

    def delete(self, number: int) -> None:
        message_id, handle = self._picked(number)
        assert self.store.delete(handle) is None
        if self.newest[message_id] == handle:
            self.hidden_until.pop(message_id, None)

    def show(self, number: int) -> None:
        self._change(number, 0)

    def extend(self, number: int) -> None:
        self._change(number, 60)

    def _change(self, number: int, seconds: int) -> None:
        message_id, handle = self._picked(number)
        in_flight = (
            self.newest[message_id] == handle and self.hidden_until.get(message_id, self.now) > self.now
        )
        failure = self.store.change_visibility(handle, seconds, self.now)
        assert failure == (None if in_flight else NOT_IN_FLIGHT)
        if in_flight:
            self.hidden_until[message_id] = self.now + seconds

    def _picked(self, number: int) -> tuple[str, str]:
        handle = self.handles[number % len(self.handles)]
        return handle.partition("#")[0], handle


@given(steps)
def test_needs_W33_nobody_gets_what_is_hidden_or_deleted(plan: list[tuple[str, int]]) -> None:
    model = Model()
    for what, number in plan:
        if model.handles or what in ("put", "wait", "take"):
            getattr(model, what)(number)
    assert len(model.store) == len(model.hidden_until)
    assert len(model.store.deleted) == len(set(model.store.deleted))
    assert model.store.in_flight(model.now) == sum(at > model.now for at in model.hidden_until.values())


def test_the_first_in_is_the_first_out_as_far_as_possible() -> None:
    store = QueueStore("queue")
    sent = [store.put(str(i), 1000.0 + i) for i in range(5)]
    assert [message.message_id for message in store.take(2000.0, 1.0)] == sent


def test_needs_W33_twelve_hours_count_from_the_newest_delivery() -> None:
    store = QueueStore("queue")
    store.put("body", 0.0)
    (first,) = store.take(0.0, 200.0)
    assert store.change_visibility(first.receipt_handle, 43_100, 100.0) is None
    assert store.change_visibility(first.receipt_handle, 43_101, 100.0) == TOO_LONG
    (second,) = store.take(50_000.0, 200.0)
    assert store.change_visibility(second.receipt_handle, 43_100, 50_100.0) is None


def test_needs_W33_a_message_that_has_come_back_cannot_be_extended_any_more() -> None:
    store = QueueStore("queue")
    store.put("body", 0.0)
    (message,) = store.take(0.0, 20.0)
    assert store.change_visibility(message.receipt_handle, 20, 20.0) == NOT_IN_FLIGHT
    assert len(store.take(20.0, 20.0)) == 1


def test_what_was_never_given_is_invalid() -> None:
    store = QueueStore("queue")
    for handle in ("", "nonsense", "#1", "id#", "id#x"):
        assert store.delete(handle) == INVALID_HANDLE
        assert store.change_visibility(handle, 0, 0.0) == INVALID_HANDLE


def test_ten_thousand_messages_are_no_burden() -> None:
    store = QueueStore("queue")
    for i in range(10_000):
        store.put(str(i), 1000.0)
    taken = 0
    while messages := store.take(1001.0, 20.0):
        taken += len(messages)
        for message in messages:
            store.delete(message.receipt_handle)
    assert (taken, len(store), store.next_visible_at()) == (10_000, 0, None)
