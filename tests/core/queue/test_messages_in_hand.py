"""A message is done when all that it is about is done (needs_W30)."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.queue.dispatch_view import Key, Ref
from nth.core.queue.dispatch_words import Delete
from tests.core.queue.dispatch_world import DispatchWorld

FIRST, SECOND = Ref("queue", "message-1"), Ref("queue", "message-2")
A, B = Key("i-a", "event-1"), Key("i-b", "event-1")


class Messages:
    """The messages in hand of a dispatch, and the keys that they wait for."""

    def __init__(self) -> None:
        self._machine = DispatchWorld().machine
        self._in_hand = self._machine.in_hand
        self.open, self.refs, self.drop = self._in_hand.open, self._in_hand.refs, self._in_hand.leave

    def close(self, key: Key) -> tuple[Ref, ...]:
        """The messages that are deleted for it."""
        self._machine._context.decided()
        self._in_hand.done(key)
        return tuple(each.ref for each in self._machine._context.decided() if isinstance(each, Delete))

    def refs_open(self) -> tuple[Ref, ...]:
        return tuple(self._in_hand._keys)

    def is_empty(self) -> bool:
        return not (self._in_hand._keys or self._in_hand._refs or self._in_hand._assigned)

    def __len__(self) -> int:
        return len(self._in_hand)


def test_needs_W30_a_message_about_two_instances_is_done_when_both_are() -> None:
    messages = Messages()
    messages.open(FIRST, {A, B})
    assert messages.close(A) == ()
    assert messages.close(B) == (FIRST,)
    assert len(messages) == 0


def test_needs_W7_two_messages_about_one_event_are_done_together() -> None:
    messages = Messages()
    messages.open(FIRST, {A})
    messages.open(SECOND, {A, B})
    assert set(messages.refs(A)) == {FIRST, SECOND}
    assert messages.close(A) == (FIRST,)
    assert messages.refs_open() == (SECOND,)
    assert messages.close(B) == (SECOND,)


def test_needs_W33_the_same_message_again_adds_nothing() -> None:
    messages = Messages()
    messages.open(FIRST, {A})
    messages.open(FIRST, {A})
    assert messages.close(A) == (FIRST,)
    assert messages.close(A) == ()


def test_the_same_message_in_two_queues_is_two_messages() -> None:
    messages = Messages()
    there = Ref("other queue", FIRST.message_id)
    messages.open(FIRST, {A})
    messages.open(there, {A})
    assert set(messages.close(A)) == {FIRST, there}


def test_what_is_left_to_the_queue_is_not_done_later() -> None:
    messages = Messages()
    messages.open(FIRST, {A, B})
    messages.open(SECOND, {A})
    messages.drop(FIRST)
    assert messages.refs(A) == (SECOND,)
    assert messages.refs(B) == ()
    assert messages.close(A) == (SECOND,)
    assert messages.close(B) == ()


def test_what_nobody_has_opened_can_be_closed_and_dropped() -> None:
    messages = Messages()
    messages.drop(FIRST)
    assert messages.close(A) == ()


REFS = [Ref("queue", str(number)) for number in range(4)]
KEYS = [Key(f"i-{number}", "event") for number in range(4)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.sampled_from(REFS), st.sets(st.sampled_from(KEYS), min_size=1)),
        st.tuples(st.just("close"), st.sampled_from(KEYS)),
        st.tuples(st.just("drop"), st.sampled_from(REFS)),
    ),
    max_size=30,
)


@settings(max_examples=300)
@given(STEPS)
def test_Q15_needs_W30_a_message_is_done_exactly_when_all_its_keys_are(
    steps: list[tuple[object, ...]],
) -> None:
    """Against a plain list of (message, key) pairs: done in the very step in which its last key
    closes, once; nothing is kept of what is done or dropped."""
    messages, pairs = Messages(), set[tuple[object, object]]()
    for what, *rest in steps:
        match what, rest:
            case "open", [Ref() as ref, set() as keys]:
                messages.open(ref, keys)
                pairs |= {(ref, key) for key in keys}
            case "close", [Key() as key]:
                before = {ref for ref, _ in pairs}
                pairs -= {(ref, each) for ref, each in pairs if each == key}
                done = messages.close(key)
                assert len(done) == len(set(done))
                assert set(done) == before - {ref for ref, _ in pairs}
            case "drop", [Ref() as ref]:
                messages.drop(ref)
                pairs -= {(each, key) for each, key in pairs if each == ref}
        assert set(messages.refs_open()) == {ref for ref, _ in pairs}
        assert len(messages) == len({ref for ref, _ in pairs})
        for ref, key in itertools.product(REFS, KEYS):
            assert (ref in messages.refs(key)) == ((ref, key) in pairs)
    for ref in REFS:
        messages.drop(ref)
    assert messages.is_empty()
