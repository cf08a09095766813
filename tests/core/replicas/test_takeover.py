"""Nodes whose drain nobody goes on with, and who takes them (needs_W20)."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.node.node_annotation import NodeRecord, Seen
from nth.core.replicas.takeover import PATIENCE_SECONDS, Orphans, falls_to, is_orphan
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
    ("holder", "orphan"), [("", True), (US, True), (OTHER, False), ("dead", True)], ids=str
)
def test_needs_W20_a_node_is_an_orphan_unless_a_live_replica_has_it(holder: str, orphan: bool) -> None:
    assert is_orphan(left_by(holder), US, only_other) is orphan


def test_nothing_is_to_be_done_for_a_node_without_open_events() -> None:
    assert not is_orphan(NodeRecord(session_id="s", holder="dead", finished=("e",)), US, nobody)


@given(st.sets(st.sampled_from(["nth-a", "nth-b", "nth-c", "nth-d"]), min_size=1), st.text(max_size=20))
def test_needs_W20_each_node_falls_to_exactly_one_replica(replicas: set[str], name: str) -> None:
    chosen = [each for each in replicas if falls_to(name, each, replicas - {each})]
    assert len(chosen) == 1
    assert falls_to(name, chosen[0], replicas)


def test_needs_W20_the_nodes_are_shared_out() -> None:
    ours = sum(falls_to(name, US, [OTHER]) for name in NAMES)
    assert 15 < ours < 45


def due(
    orphans: Orphans,
    names: Collection[str],
    record: NodeRecord,
    now: float,
    others: Collection[str] = (OTHER,),
) -> set[str]:
    return set(orphans.due([(name, record) for name in names], US, others, only_other, now))


def test_needs_W20_what_falls_to_us_is_taken_at_once_and_the_rest_if_nobody_else_does() -> None:
    orphans, record = Orphans(), left_by("dead")
    ours = {name for name in NAMES if falls_to(name, US, [OTHER])}
    assert due(orphans, NAMES, record, T0) == ours
    rest = set(NAMES) - ours
    assert due(orphans, rest, record, T0 + PATIENCE_SECONDS - 0.1) == set()
    assert due(orphans, rest, record, T0 + PATIENCE_SECONDS) == rest


def test_needs_W20_who_is_alone_takes_all_at_once() -> None:
    assert due(Orphans(), NAMES, left_by("dead"), T0, others=()) == set(NAMES)


def test_our_own_name_may_only_be_a_watch_that_lags() -> None:
    orphans, record = Orphans(), left_by(US)
    assert due(orphans, NAMES, record, T0, others=()) == set()
    assert due(orphans, NAMES, record, T0 + PATIENCE_SECONDS, others=()) == set(NAMES)


def test_a_node_that_was_taken_meanwhile_is_waited_for_anew() -> None:
    orphans, record = Orphans(), left_by("dead")
    theirs = next(name for name in NAMES if not falls_to(name, US, [OTHER]))
    due(orphans, [theirs], record, T0)
    due(orphans, [theirs], left_by(OTHER), T0 + 1)
    assert due(orphans, [theirs], record, T0 + PATIENCE_SECONDS) == set()
    assert due(orphans, [theirs], record, T0 + 2 * PATIENCE_SECONDS) == {theirs}


def test_needs_W17_nothing_is_kept_of_nodes_that_are_gone() -> None:
    orphans = Orphans()
    due(orphans, NAMES, left_by("dead"), T0)
    due(orphans, [], left_by("dead"), T0 + 1)
    assert vars(orphans) == vars(Orphans())
