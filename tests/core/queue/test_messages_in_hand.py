"""A message is done when all that it is about is done (needs_W30)."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.queue.dispatch_view import Key, Ref
from nth.core.queue.dispatch_words import Delete
from tests.core.queue.dispatch_world import DispatchWorld

FIRST, SECOND = Ref("queue", "message-1"), Ref("queue", "message-2")
A, B = Key("i-a", "event-1"), Key("i-b", "event-1")


class Docket:
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
    docket = Docket()
    docket.open(FIRST, {A, B})
    assert docket.close(A) == ()
    assert docket.close(B) == (FIRST,)
    assert len(docket) == 0


def test_needs_W7_two_messages_about_one_event_are_done_together() -> None:
    docket = Docket()
    docket.open(FIRST, {A})
    docket.open(SECOND, {A, B})
    assert set(docket.refs(A)) == {FIRST, SECOND}
    assert docket.close(A) == (FIRST,)
    assert docket.refs_open() == (SECOND,)
    assert docket.close(B) == (SECOND,)


def test_needs_W33_the_same_message_again_adds_nothing() -> None:
    docket = Docket()
    docket.open(FIRST, {A})
    docket.open(FIRST, {A})
    assert docket.close(A) == (FIRST,)
    assert docket.close(A) == ()


def test_the_same_message_in_two_queues_is_two_messages() -> None:
    docket = Docket()
    there = Ref("other queue", FIRST.message_id)
    docket.open(FIRST, {A})
    docket.open(there, {A})
    assert set(docket.close(A)) == {FIRST, there}


def test_what_is_left_to_the_queue_is_not_done_later() -> None:
    docket = Docket()
    docket.open(FIRST, {A, B})
    docket.open(SECOND, {A})
    docket.drop(FIRST)
    assert docket.refs(A) == (SECOND,)
    assert docket.refs(B) == ()
    assert docket.close(A) == (SECOND,)
    assert docket.close(B) == ()


def test_what_nobody_has_opened_can_be_closed_and_dropped() -> None:
    docket = Docket()
    docket.drop(FIRST)
    assert docket.close(A) == ()


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
    docket, pairs = Docket(), set[tuple[object, object]]()
    for what, *rest in steps:
        match what, rest:
            case "open", [Ref() as ref, set() as keys]:
                docket.open(ref, keys)
                pairs |= {(ref, key) for key in keys}
            case "close", [Key() as key]:
                before = {ref for ref, _ in pairs}
                pairs -= {(ref, each) for ref, each in pairs if each == key}
                done = docket.close(key)
                assert len(done) == len(set(done))
                assert set(done) == before - {ref for ref, _ in pairs}
            case "drop", [Ref() as ref]:
                docket.drop(ref)
                pairs -= {(each, key) for each, key in pairs if each == ref}
        assert set(docket.refs_open()) == {ref for ref, _ in pairs}
        assert len(docket) == len({ref for ref, _ in pairs})
        for ref, key in itertools.product(REFS, KEYS):
            assert (ref in docket.refs(key)) == ((ref, key) in pairs)
    for ref in REFS:
        docket.drop(ref)
    assert docket.is_empty()
