"""Who lives and who does not, by leases that change or do not."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.facts import Lease
from nth.core.replicas.membership import (
    LEASE_SECONDS,
    RENEW_SECONDS,
    STALE_SECONDS,
    Replicas,
    identity_of,
    lease_name,
)

START_AT = 1_800_000_000.0
STEP = RENEW_SECONDS


def lease(identity: str, renewed_at: float = 0.0, *, holder: str | None = None) -> Lease:
    return Lease(
        name=lease_name(identity),
        holder=identity if holder is None else holder,
        duration_seconds=LEASE_SECONDS,
        renewed_at=renewed_at,
    )


class Reader:
    """Replica `a`, which lists each two seconds, at once."""

    def __init__(self) -> None:
        self.replicas = Replicas("a")
        self.now = START_AT

    def list(self, *leases: Lease, after_seconds: float = STEP) -> tuple[str, ...]:
        self.replicas.asking()
        self.now += after_seconds
        return self.replicas.heard(leases, began_at=self.now, now=self.now)

    def list_until_death(self, *leases: Lease) -> int:
        """How many lists it takes."""
        return next(n for n in count(1) if self.list(*leases))


def test_a_lease_is_named_after_its_pod() -> None:
    assert lease_name("pod-1") == "aws-node-termination-handler-pod-1"
    assert identity_of(lease("aws-node-termination-handler-pod-1")) == "aws-node-termination-handler-pod-1"


def test_nothing_is_known_before_the_first_list_so_everybody_lives() -> None:
    replicas = Replicas("a")
    assert replicas.is_alive("a")
    assert replicas.is_alive("b")
    assert replicas.others_alive() == ()


def test_who_is_in_the_first_list_lives_whatever_its_time_says() -> None:
    reader = Reader()
    assert reader.list(lease("a"), lease("b", renewed_at=1.0)) == ()
    assert reader.replicas.others_alive() == ("b",)


def test_an_old_lease_is_dead_when_it_has_not_changed_for_its_duration() -> None:
    reader = Reader()
    reader.list(lease("b"))
    assert reader.list_until_death(lease("b")) == LEASE_SECONDS / RENEW_SECONDS
    assert not reader.replicas.is_alive("b")
    assert reader.replicas.others_alive() == ()


def test_a_lease_that_changes_lives_though_its_clock_goes_backwards() -> None:
    reader = Reader()
    for renewed_at in range(100, 0, -1):
        assert reader.list(lease("b", renewed_at)) == ()
    assert reader.replicas.is_alive("b")


def test_a_death_is_told_once() -> None:
    reader = Reader()
    reader.list(lease("b"), lease("c"))
    deaths = [name for _ in range(20) for name in reader.list(lease("b"), lease("c"))]
    assert deaths == ["b", "c"]


def test_a_released_lease_is_dead_at_once() -> None:
    reader = Reader()
    reader.list(lease("b"))
    assert reader.list(lease("b", holder="")) == ("b",)
    assert not reader.replicas.is_alive("b")


def test_a_deleted_lease_is_dead_at_once_and_once() -> None:
    reader = Reader()
    reader.list(lease("b"))
    assert reader.list() == ("b",)
    assert not reader.replicas.is_alive("b")
    assert reader.list() == ()


def test_a_replica_that_comes_back_lives_and_can_die_again() -> None:
    reader = Reader()
    reader.list(lease("b"))
    reader.list()
    assert reader.list(lease("b", 5.0)) == ()
    assert reader.replicas.is_alive("b")
    assert reader.list() == ("b",)


def test_a_silent_replica_that_renews_again_lives() -> None:
    reader = Reader()
    reader.list(lease("b"))
    reader.list_until_death(lease("b"))
    assert reader.list(lease("b", 9.0)) == ()
    assert reader.replicas.others_alive() == ("b",)


def test_a_replica_in_no_list_is_dead_when_a_list_that_began_later_does_not_have_it() -> None:
    reader = Reader()
    reader.list()
    reader.replicas.asking()
    assert reader.replicas.is_alive("b"), "its lease may be newer than the last list"
    assert reader.replicas.heard((), began_at=reader.now, now=reader.now) == (), (
        "began before it was asked for"
    )
    assert reader.list() == ("b",)
    assert not reader.replicas.is_alive("b")


def test_a_replica_that_was_asked_for_is_no_death_if_the_next_list_has_it() -> None:
    reader = Reader()
    reader.list()
    reader.replicas.is_alive("b")
    assert reader.list(lease("b")) == ()
    assert reader.replicas.is_alive("b")


def test_a_released_lease_in_the_first_list_is_a_death_only_for_whoever_asked() -> None:
    reader = Reader()
    reader.replicas.is_alive("b")
    assert reader.list(lease("b", holder=""), lease("c", holder="")) == ("b",)
    assert not reader.replicas.is_alive("c")


def test_after_an_interruption_everybody_is_given_the_whole_time_anew() -> None:
    reader = Reader()
    for _ in range(3):
        reader.list(lease("b"))
    reader.replicas.interrupted()
    assert reader.list(lease("b"), after_seconds=60) == ()
    assert reader.list_until_death(lease("b")) == LEASE_SECONDS / RENEW_SECONDS


def test_an_interruption_brings_nobody_back() -> None:
    reader = Reader()
    reader.list(lease("b"))
    reader.list_until_death(lease("b"))
    reader.replicas.interrupted()
    assert reader.list(lease("b")) == ()
    assert not reader.replicas.is_alive("b")


def test_when_our_clock_is_set_nobody_dies_of_it() -> None:
    for jump_seconds in (3600.0, -3600.0):
        reader = Reader()
        reader.list(lease("b"))
        assert reader.list(lease("b"), after_seconds=jump_seconds) == ()
        assert reader.list_until_death(lease("b")) == LEASE_SECONDS / RENEW_SECONDS


def test_what_a_slow_list_says_may_have_been_read_when_it_began() -> None:
    replicas = Replicas("a")
    replicas.heard([lease("b")], began_at=START_AT, now=START_AT)
    replicas.heard([lease("b")], began_at=START_AT + 2, now=START_AT + 4)
    assert replicas.heard([lease("b")], began_at=START_AT + 5.9, now=START_AT + 7) == ()


def test_who_may_never_list_is_alone_after_a_while() -> None:
    replicas = Replicas("a")
    assert replicas.is_alive("b")
    assert replicas.forbidden(START_AT) == ()
    assert replicas.forbidden(START_AT + LEASE_SECONDS - 1) == ()
    assert replicas.is_alive("b"), "a server that has just started forbids everything"
    assert replicas.forbidden(START_AT + LEASE_SECONDS) == ("b",)
    assert replicas.alone
    assert not replicas.is_alive("b")
    assert not replicas.is_alive("c")
    assert replicas.is_alive("a")
    assert replicas.forbidden(START_AT + LEASE_SECONDS + 1) == ()


def test_only_an_uninterrupted_refusal_makes_alone() -> None:
    replicas = Replicas("a")
    replicas.forbidden(START_AT)
    replicas.interrupted()
    replicas.forbidden(START_AT + 100)
    assert not replicas.alone


def test_who_was_alone_heeds_others_when_it_may_list() -> None:
    reader = Reader()
    reader.replicas.forbidden(START_AT)
    reader.replicas.forbidden(START_AT + LEASE_SECONDS)
    reader.list(lease("b"))
    assert not reader.replicas.alone
    assert reader.replicas.others_alive() == ("b",)


def test_rules_that_are_taken_away_later_make_nobody_dead() -> None:
    reader = Reader()
    reader.list(lease("b"))
    for _ in range(50):
        reader.now += 1
        assert reader.replicas.forbidden(reader.now) == ()
    assert reader.replicas.is_alive("b")


def test_only_leases_that_have_long_been_dead_are_stale() -> None:
    reader = Reader()
    reader.list(lease("b"), lease("c"))
    for n in range(int(STALE_SECONDS / STEP)):
        reader.list(lease("a"), lease("b"), lease("c", n))
        assert reader.replicas.stale(reader.now) == ()
    reader.list(lease("a"), lease("b"), lease("c", 0))
    assert reader.replicas.stale(reader.now) == (lease_name("b"),)


def test_only_the_dead_are_stale_however_late_it_is_asked() -> None:
    reader = Reader()
    reader.list(lease("b"))
    assert reader.replicas.stale(reader.now + 2 * STALE_SECONDS) == ()


def test_neither_an_interruption_nor_a_clock_that_is_set_back_does_the_dead_any_good() -> None:
    reader = Reader()
    reader.list(lease("b"))
    reader.list_until_death(lease("b"))
    reader.replicas.interrupted()
    reader.list(lease("b"), after_seconds=STALE_SECONDS)
    assert reader.replicas.stale(reader.now) == (lease_name("b"),)
    reader.list(lease("b"), after_seconds=-2 * STALE_SECONDS)
    assert not reader.replicas.is_alive("b")


LATENCY_SECONDS = 0.4


@dataclass
class World:
    """Replicas `a` and `b` and an API server that is away at times, on a line of events."""

    outages: list[tuple[float, float]]
    shares: Callable[[], float]
    """Draws a number in [0, 1]."""
    killed_at: float = float("inf")
    now: float = START_AT
    lease: Lease = field(default_factory=lambda: lease("b", START_AT))
    replicas: Replicas = field(default_factory=lambda: Replicas("a"))
    deaths: list[float] = field(default_factory=list)
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list, repr=False)
    _order: "count[int]" = field(default_factory=count)

    def at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), act))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] < until:
            self.now, _, act = heapq.heappop(self._events)
            act()

    def request(
        self,
        again: Callable[[], None],
        fail: Callable[[], None],
        land: Callable[[], None] = lambda: None,
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        """One request of a loop: it lands and is answered, or it fails, then the loop pauses."""
        latency = LATENCY_SECONDS * self.shares()
        lands_at, ends_at = self.now + latency * self.shares(), self.now + latency
        if self.away(self.now) or self.away(lands_at):
            ends_at = self.now + 2 * self.shares()
            self.at(ends_at, fail)
            self.at(ends_at + 1, again)
        else:
            self.at(lands_at, land)
            self.at(ends_at, answered)
            self.at(ends_at + RENEW_SECONDS, again)

    def away(self, at: float) -> bool:
        return any(begin <= at <= end for begin, end in self.outages)

    def renew_b(self) -> None:
        renewed_at = self.now

        def land() -> None:
            if self.now < self.killed_at:
                self.lease = lease("b", renewed_at)

        if self.now < self.killed_at:
            self.request(self.renew_b, lambda: None, land)

    def renew_a(self) -> None:
        self.request(self.renew_a, self.replicas.interrupted)

    def list_a(self) -> None:
        began_at = self.now
        self.replicas.asking()

        read: list[Lease] = []

        def answered() -> None:
            if self.replicas.heard(read, began_at=began_at, now=self.now):
                self.deaths.append(self.now)

        self.request(self.list_a, self.replicas.interrupted, lambda: read.append(self.lease), answered)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """An outage is short, or so long that we meet it too; and there is some time between two."""
    outages, at = [], START_AT
    for _ in range(draw(st.integers(0, 3))):
        begin = at + draw(st.floats(15, 40))
        at = begin + draw(st.floats(0, 0.9) | st.floats(3, 90))
        outages.append((begin, at))
    world = World(outages, Random(draw(st.integers(0, 1 << 32))).random)
    for loop in (world.renew_b, world.renew_a, world.list_a):
        world.at(START_AT + RENEW_SECONDS * draw(st.floats(0, 1)), loop)
    return world


@settings(max_examples=150)
@given(worlds())
def test_a_replica_that_lives_is_never_taken_for_dead(world: World) -> None:
    world.run(START_AT + 150)
    assert world.deaths == []
    assert world.replicas.is_alive("b")


@settings(max_examples=150)
@given(worlds(), st.floats(5, 60))
def test_a_replica_that_is_killed_is_dead_within_the_bound_once_the_api_server_answers(
    world: World, killed_after_seconds: float
) -> None:
    killed_at = START_AT + killed_after_seconds
    bound_seconds = LEASE_SECONDS + RENEW_SECONDS + 5 * LATENCY_SECONDS
    world.killed_at = killed_at
    # An outage that begins before the death is known puts it off to its end, and one round of retries.
    known_by = killed_at + bound_seconds
    for begin, end in world.outages:
        if begin <= known_by:
            known_by = max(known_by, end + 3 + bound_seconds)
    world.run(known_by + 0.1)
    assert len(world.deaths) == 1
    assert world.deaths[0] > killed_at
