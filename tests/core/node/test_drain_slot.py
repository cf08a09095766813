"""A drain's turn, as its session asks for it and gives it back."""

from nth.core.decisions import ReleaseSlot, WantSlot
from nth.core.node.drain_slot import DrainSlot
from tests.core.samples import T0


def test_where_no_turns_are_taken_every_drain_may_begin() -> None:
    turn = DrainSlot(needed=False)
    assert turn.granted
    assert turn.ask(None) == []
    assert not turn.wanted
    assert turn.give_back() == []
    assert turn.granted


def test_it_is_asked_for_once_and_again_when_the_deadline_has_changed() -> None:
    turn = DrainSlot(needed=True)
    assert turn.ask(None) == [WantSlot(None)]
    assert turn.ask(None) == []
    assert turn.ask(T0 + 120) == [WantSlot(T0 + 120)]
    assert turn.ask(T0 + 120) == []
    assert turn.wanted
    assert not turn.granted


def is_ours(turn: DrainSlot) -> bool:
    return turn.granted


def test_granted_it_is_ours_until_it_is_given_back() -> None:
    turn = DrainSlot(needed=True)
    turn.ask(T0)
    turn.grant()
    assert is_ours(turn)
    assert turn.ask(T0 - 60) == [WantSlot(T0 - 60)]
    assert is_ours(turn)
    assert turn.give_back() == [ReleaseSlot()]
    assert not is_ours(turn)
    assert not turn.wanted


def test_it_is_given_back_only_if_it_was_asked_for() -> None:
    turn = DrainSlot(needed=True)
    assert turn.give_back() == []
    turn.ask(None)
    assert turn.give_back() == [ReleaseSlot()]
    assert turn.give_back() == []


def test_granted_too_late_it_is_not_ours() -> None:
    turn = DrainSlot(needed=True)
    turn.ask(None)
    turn.give_back()
    turn.grant()
    assert not turn.granted


def test_after_it_was_given_back_it_is_asked_for_anew() -> None:
    turn = DrainSlot(needed=True)
    turn.ask(None)
    turn.give_back()
    assert turn.ask(None) == [WantSlot(None)]


def test_safe_11_a_stuck_drain_gives_its_turn_back_goes_on_and_does_not_ask_again() -> None:
    turn = DrainSlot(needed=True)
    turn.ask(None)
    turn.grant()
    assert turn.limits_others
    assert turn.yield_it() == [ReleaseSlot()]
    assert turn.yield_it() == []
    assert is_ours(turn)
    assert turn.wanted
    assert turn.ask(None) == []
    # Drains with a deadline are not limited: there is nothing to ask for.
    assert turn.ask(T0 + 120) == []
    # The next drain of this node is one like any other.
    assert turn.give_back() == []
    assert turn.ask(None) == [WantSlot(None)]
    assert not is_ours(turn)


def test_safe_11_a_turn_that_limits_nobody_is_kept() -> None:
    turn = DrainSlot(needed=True)
    assert turn.yield_it() == []
    turn.ask(T0 + 120)
    turn.grant()
    assert turn.yield_it() == []
    assert turn.give_back() == [ReleaseSlot()]
