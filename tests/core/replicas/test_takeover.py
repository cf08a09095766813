"""Nodes whose drain nobody goes on with, and who takes them (needs_W20)."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.node.node_annotation import NodeRecord, Seen
from nth.core.replicas.takeover import TIMEOUT_SECONDS, Takeovers, falls_to, is_abandoned
from tests.core.fleet_samples import OTHER, US, spot_warning
from tests.core.samples import T0

NAMES = [f"ip-10-0-0-{number}.ec2.internal" for number in range(60)]


def left_by(holder: str) -> NodeRecord:
    return NodeRecord(session_id="s", holder=holder, events=(Seen(spot_warning().event, T0),))


def nobody(identity: str) -> bool:
    return False


def only_other(identity: str) -> bool:
    return identity == OTHER


@pytest.mark.parametrize(
    ("holder", "abandoned"), [("", True), (US, True), (OTHER, False), ("dead", True)], ids=str
)
def test_needs_W20_a_node_is_abandoned_unless_a_live_replica_has_it(holder: str, abandoned: bool) -> None:
    assert is_abandoned(left_by(holder), US, only_other) is abandoned


def test_nothing_is_to_be_done_for_a_node_without_open_events() -> None:
    assert not is_abandoned(NodeRecord(session_id="s", holder="dead", finished=("e",)), US, nobody)


@given(st.sets(st.sampled_from(["nth-a", "nth-b", "nth-c", "nth-d"]), min_size=1), st.text(max_size=20))
def test_needs_W20_each_node_falls_to_exactly_one_replica(replicas: set[str], name: str) -> None:
    chosen = [each for each in replicas if falls_to(name, each, replicas - {each})]
    assert len(chosen) == 1
    assert falls_to(name, chosen[0], replicas)


def test_needs_W20_the_nodes_are_shared_out() -> None:
    ours = sum(falls_to(name, US, [OTHER]) for name in NAMES)
    assert 15 < ours < 45


def due(
    takeovers: Takeovers,
    names: Collection[str],
    record: NodeRecord,
    now: float,
    others: Collection[str] = (OTHER,),
) -> set[str]:
    return set(takeovers.due([(name, record) for name in names], US, others, only_other, now))


def test_needs_W20_what_falls_to_us_is_taken_at_once_and_the_rest_if_nobody_else_does() -> None:
    abandoned, record = Takeovers(), left_by("dead")
    ours = {name for name in NAMES if falls_to(name, US, [OTHER])}
    assert due(abandoned, NAMES, record, T0) == ours
    rest = set(NAMES) - ours
    assert due(abandoned, rest, record, T0 + TIMEOUT_SECONDS - 0.1) == set()
    assert due(abandoned, rest, record, T0 + TIMEOUT_SECONDS) == rest


def test_needs_W20_who_is_alone_takes_all_at_once() -> None:
    assert due(Takeovers(), NAMES, left_by("dead"), T0, others=()) == set(NAMES)


def test_our_own_name_may_only_be_a_watch_that_lags() -> None:
    abandoned, record = Takeovers(), left_by(US)
    assert due(abandoned, NAMES, record, T0, others=()) == set()
    assert due(abandoned, NAMES, record, T0 + TIMEOUT_SECONDS, others=()) == set(NAMES)


def test_a_node_that_was_taken_meanwhile_is_waited_for_anew() -> None:
    abandoned, record = Takeovers(), left_by("dead")
    theirs = next(name for name in NAMES if not falls_to(name, US, [OTHER]))
    due(abandoned, [theirs], record, T0)
    due(abandoned, [theirs], left_by(OTHER), T0 + 1)
    assert due(abandoned, [theirs], record, T0 + TIMEOUT_SECONDS) == set()
    assert due(abandoned, [theirs], record, T0 + 2 * TIMEOUT_SECONDS) == {theirs}


def test_needs_W17_nothing_is_kept_of_nodes_that_are_gone() -> None:
    abandoned = Takeovers()
    due(abandoned, NAMES, left_by("dead"), T0)
    due(abandoned, [], left_by("dead"), T0 + 1)
    assert vars(abandoned) == vars(Takeovers())
