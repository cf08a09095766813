"""Whose drain begins when: gathering, limits, and the earliest deadline first (needs_W1, needs_W2)."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.queue.drain_slots import GATHER_SECONDS, DrainSlots, SlotRules
from tests.core.samples import T0


def some_slots(workers: int = 10, per_group: int = 0) -> DrainSlots:
    return DrainSlots(SlotRules(workers=workers, per_group=per_group))


def test_one_drain_begins_at_once() -> None:
    turns = some_slots()
    turns.want("a", T0 + 120, "", T0)
    assert turns.granted(T0, gathering=False) == ("a",)


def test_a_turn_is_granted_once() -> None:
    turns = some_slots()
    turns.want("a", None, "", T0)
    assert turns.granted(T0, gathering=False) == ("a",)
    turns.want("a", T0 + 120, "", T0 + 1)
    assert turns.granted(T0 + 1, gathering=False) == ()


def test_while_others_are_being_cordoned_no_drain_begins() -> None:
    turns = some_slots()
    turns.want("a", T0 + 120, "", T0)
    turns.want("b", None, "", T0)
    assert turns.granted(T0 + 0.9, gathering=True) == ()
    assert turns.granted(T0 + 0.91, gathering=False) == ("a", "b")


@pytest.mark.parametrize("deadline_at", [None, T0 + 120])
def test_gathering_takes_a_second_at_most(deadline_at: float | None) -> None:
    turns = some_slots()
    turns.want("a", deadline_at, "", T0)
    turns.want("b", deadline_at, "", T0 + 0.5)
    assert GATHER_SECONDS <= 1
    assert turns.granted(T0 + GATHER_SECONDS - 0.01, gathering=True) == ()
    assert turns.granted(T0 + GATHER_SECONDS, gathering=True) == ("a",)
    assert turns.granted(T0 + GATHER_SECONDS + 0.5, gathering=True) == ("b",)


def test_a_deadline_that_moves_does_not_begin_the_gathering_anew() -> None:
    turns = some_slots()
    turns.want("a", None, "", T0)
    turns.want("a", T0 + 120, "", T0 + 0.9)
    assert turns.granted(T0 + 1, gathering=True) == ("a",)


def test_it_wakes_when_the_first_has_waited_long_enough() -> None:
    turns = some_slots()
    assert turns.wake_at(T0) is None
    turns.want("a", None, "", T0)
    turns.want("b", None, "", T0 + 0.5)
    assert turns.wake_at(T0 + 0.5) == T0 + 1
    assert turns.wake_at(T0 + 1) == T0 + 1.5
    assert turns.wake_at(T0 + 1.5) is None


def test_who_waits_for_room_only_needs_no_waking() -> None:
    turns = some_slots(workers=1)
    turns.want("a", None, "", T0)
    turns.want("b", None, "", T0)
    assert turns.granted(T0 + 2, gathering=False) == ("a",)
    assert turns.wake_at(T0 + 2) is None


def test_needs_W2_the_earliest_deadline_comes_first_and_who_has_none_last() -> None:
    turns = some_slots()
    turns.want("calm", None, "", T0)
    turns.want("late", T0 + 3600, "", T0 + 0.1)
    turns.want("soon", T0 + 90, "", T0 + 0.2)
    turns.want("calm too", None, "", T0 + 0.3)
    assert turns.granted(T0 + 1, gathering=False) == ("soon", "late", "calm", "calm too")


def test_needs_W1_drains_without_a_deadline_are_limited() -> None:
    turns = some_slots(workers=2)
    for name in "abcd":
        turns.want(name, None, "", T0)
    assert turns.granted(T0, gathering=False) == ("a", "b")
    turns.give("a")
    assert turns.granted(T0 + 30, gathering=False) == ("c",)
    turns.give("d")
    turns.give("b")
    turns.give("c")
    assert turns.granted(T0 + 60, gathering=False) == ()


def test_needs_W1_a_deadline_never_waits_for_limited_drains() -> None:
    turns = some_slots(workers=1, per_group=1)
    turns.want("calm", None, "fleet", T0)
    assert turns.granted(T0, gathering=False) == ("calm",)
    turns.want("calm too", None, "fleet", T0)
    for number in range(20):
        turns.want(f"doomed-{number}", T0 + 120, "fleet", T0 + 1)
    assert len(turns.granted(T0 + 1, gathering=False)) == 20


def test_needs_W1_who_gets_a_deadline_while_waiting_waits_no_longer() -> None:
    turns = some_slots(workers=1)
    turns.want("a", None, "", T0)
    turns.want("b", None, "", T0)
    assert turns.granted(T0, gathering=False) == ("a",)
    turns.want("b", T0 + 120, "", T0 + 5)
    assert turns.granted(T0 + 5, gathering=False) == ("b",)


def test_a_limited_drain_that_gets_a_deadline_makes_room_for_another() -> None:
    turns = some_slots(workers=1)
    turns.want("a", None, "", T0)
    turns.want("b", None, "", T0)
    assert turns.granted(T0, gathering=False) == ("a",)
    turns.want("a", T0 + 120, "", T0 + 5)
    assert turns.granted(T0 + 5, gathering=False) == ("b",)


def test_needs_W1_groups_have_limits_of_their_own() -> None:
    turns = some_slots(workers=3, per_group=1)
    turns.want("a1", None, "a", T0)
    turns.want("a2", None, "a", T0)
    turns.want("b1", None, "b", T0)
    turns.want("c1", None, "c", T0)
    turns.want("d1", None, "d", T0)
    assert turns.granted(T0, gathering=False) == ("a1", "b1", "c1")
    turns.give("b1")
    assert turns.granted(T0, gathering=False) == ("d1",)
    turns.give("a1")
    assert turns.granted(T0, gathering=False) == ("a2",)


def test_nodes_of_no_known_group_share_only_the_limit_of_all() -> None:
    turns = some_slots(workers=3, per_group=1)
    for name in "abcd":
        turns.want(name, None, "", T0)
    assert turns.granted(T0, gathering=False) == ("a", "b", "c")


def test_what_nobody_wanted_can_be_given_back() -> None:
    some_slots().give("nobody")


@dataclass
class Model:
    """What is known of each node, kept as plainly as possible."""

    deadlines: dict[str, float | None] = field(default_factory=dict)
    wanted_at: dict[str, float] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)

    def limited(self, group: str = "") -> list[str]:
        return [n for n in self.running if self.deadlines[n] is None and n.startswith(group)]


NAMES = [f"{group}{number}" for group in "xyz" for number in range(4)]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["want", "want", "want", "give"]),
        st.sampled_from(NAMES),
        st.sampled_from([None, None, 30.0, 120.0, 3600.0]),
        st.booleans(),
        st.sampled_from([0.0, 0.1, 0.5, 1.0, 20.0]),
    ),
    max_size=40,
)


@settings(max_examples=200)
@given(STEPS, st.integers(1, 4), st.integers(0, 2))
def test_needs_W1_needs_W2_whatever_is_wanted_limits_hold_and_nobody_with_a_deadline_waits(
    steps: list[tuple[str, str, float | None, bool, float]], workers: int, per_group: int
) -> None:
    """Limits are never broken by a grant; a deadline waits for gathering only, and a second at most;
    nobody without one waits while there is room; each grant is in order of the deadlines."""
    turns, model, now = some_slots(workers, per_group), Model(), T0
    for what, name, seconds, gathering, pause in steps:
        now += pause
        if what == "give":
            turns.give(name)
            model.running.discard(name)
            model.deadlines.pop(name, None)
            model.wanted_at.pop(name, None)
        else:
            deadline_at = None if seconds is None else T0 + seconds
            # A drain that runs keeps its deadline: that it goes back to none is not of interest here.
            if name not in model.running:
                turns.want(name, deadline_at, name[0], now)
                model.deadlines[name] = deadline_at
                model.wanted_at.setdefault(name, now)
        begun = turns.granted(now, gathering=gathering)
        assert not set(begun) & model.running
        model.running |= set(begun)
        assert len(model.limited()) <= workers
        assert not per_group or all(len(model.limited(group)) <= per_group for group in "xyz")
        order = [model.deadlines[each] or float("inf") for each in begun]
        assert order == sorted(order)
        for waiting in set(model.deadlines) - model.running:
            gathered = not gathering or now >= model.wanted_at[waiting] + GATHER_SECONDS
            full = len(model.limited()) >= workers
            full |= bool(per_group) and len(model.limited(waiting[0])) >= per_group
            assert not gathered or (model.deadlines[waiting] is None and full)
            wake_at = turns.wake_at(now)
            assert gathered or (wake_at is not None and now < wake_at <= now + GATHER_SECONDS)
