"""Which replica has a node, and what others have posted into its record (needs_W20)."""

from dataclasses import replace

import pytest

from nth.core.facts import Node
from nth.core.node.claim import Claim
from nth.core.node.node_annotation import RECORD_ANNOTATION, NodeRecord, Seen, encode
from nth.core.notices.events import Noticed
from tests.core.fleet_samples import OTHER, US, going_down, hook, risk, spot_warning
from tests.core.samples import T0, a_node


def record(*notices: Noticed, holder: str = US) -> NodeRecord:
    return NodeRecord(session_id="s", holder=holder, events=tuple(Seen(each.event, T0) for each in notices))


def node(text: NodeRecord | str, version: str = "2") -> Node:
    annotation = text if isinstance(text, str) else encode(text)
    return a_node(resource_version=version, annotations={RECORD_ANNOTATION: annotation})


def ids(*notices: Noticed) -> frozenset[str]:
    return frozenset(each.event.event_id for each in notices)


def heeded(claim: Claim, seen: Node, *written: Noticed, ours: bool = False) -> frozenset[str]:
    return frozenset(each.event.event_id for each in claim.heed(seen, ids(*written), ours=ours))


def test_without_an_identity_nothing_is_heeded() -> None:
    claim = Claim("", None)
    assert claim.heed(node(record(spot_warning(), holder=OTHER))) == ()
    assert claim.displaced_by == ""
    assert claim.holder == ""


def test_what_others_post_is_heeded_once_with_the_moment_at_which_it_was_seen() -> None:
    claim = Claim(US, None)
    posted = replace(record(risk()), events=(Seen(risk().event, T0), Seen(spot_warning().event, T0 + 7)))
    heeded(claim, node(record(risk())), risk(), ours=True)
    assert claim.heed(node(posted, "3")) == (Seen(spot_warning().event, T0 + 7),)
    assert claim.heed(node(posted, "4")) == ()


def test_two_posts_are_two_events() -> None:
    claim = Claim(US, record(risk()))
    assert heeded(claim, node(record(risk(), hook()), "3")) == ids(hook())
    assert heeded(claim, node(record(risk(), hook(), going_down()), "4")) == ids(going_down())


def test_what_the_record_said_at_the_begin_is_no_news() -> None:
    claim = Claim(US, record(risk(), holder=OTHER))
    assert heeded(claim, node(record(risk(), holder=OTHER))) == frozenset()
    assert claim.displaced_by == ""


def test_what_we_have_sent_is_no_news_even_if_a_watch_is_faster_than_the_answer() -> None:
    claim = Claim(US, None)
    assert heeded(claim, node(record(spot_warning())), spot_warning()) == frozenset()


def test_what_we_have_dropped_and_another_posts_again_is_news() -> None:
    claim = Claim(US, None)
    heeded(claim, node(record(risk(), hook())), risk(), hook(), ours=True)
    heeded(claim, node(record(hook()), "3"), hook(), ours=True)
    assert heeded(claim, node(record(hook(), risk()), "4"), hook()) == ids(risk())


def test_what_was_written_before_and_is_not_yet_overwritten_is_no_news() -> None:
    """We are about to drop one event while another replica posts a third."""
    claim = Claim(US, None)
    heeded(claim, node(record(risk(), hook())), risk(), hook(), ours=True)
    posted = node(record(risk(), hook(), going_down()), "3")
    assert heeded(claim, posted, hook()) == ids(going_down())


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_watch_that_lags_is_ignored(version: str) -> None:
    claim = Claim(US, None)
    heeded(claim, node(record(), "3"), ours=True)
    assert heeded(claim, node(record(spot_warning(), holder=OTHER), version)) == frozenset()
    assert claim.displaced_by == ""


def test_a_watch_that_lags_behind_where_we_began_is_ignored() -> None:
    begun = node(record(spot_warning()), "3")
    claim = Claim(US, record(spot_warning()), begun)
    assert heeded(claim, node(record(holder="dead"), "2")) == frozenset()
    assert claim.displaced_by == ""
    assert heeded(claim, begun) == frozenset()
    assert heeded(claim, node(record(spot_warning(), hook()), "4")) == ids(hook())


def test_versions_are_numbers() -> None:
    claim = Claim(US, None)
    heeded(claim, node(record(), "9"), ours=True)
    assert heeded(claim, node(record(hook()), "10")) == ids(hook())
    assert heeded(claim, node(record(hook(), risk()), "9")) == frozenset()


def test_another_replica_that_has_the_node_displaces_us() -> None:
    claim = Claim(US, None)
    assert heeded(claim, node(record(spot_warning(), holder=OTHER))) == frozenset()
    assert claim.displaced_by == OTHER


@pytest.mark.parametrize("holder", ["", US])
def test_who_has_the_node_is_us_or_nobody(holder: str) -> None:
    claim = Claim(US, None)
    assert heeded(claim, node(record(spot_warning(), holder=holder))) == ids(spot_warning())
    assert claim.displaced_by == ""


@pytest.mark.parametrize("ours", [True, False], ids=["answer", "watch"])
def test_the_predecessor_is_a_stranger_once_our_name_stands_there(ours: bool) -> None:
    claim = Claim(US, record(risk(), holder="dead"))
    heeded(claim, node(record(risk(), holder="dead"), "2"))
    assert claim.displaced_by == ""
    heeded(claim, node(record(risk()), "3"), risk(), ours=ours)
    heeded(claim, node(record(risk(), holder="dead"), "4"))
    assert claim.displaced_by == "dead"


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_what_somebody_has_edited_says_nothing(text: str) -> None:
    claim = Claim(US, None)
    assert claim.heed(node(text)) == ()
    assert claim.displaced_by == ""


def test_a_node_without_a_record_says_nothing() -> None:
    claim = Claim(US, record(risk()))
    assert claim.heed(a_node(resource_version="7")) == ()
    assert claim.displaced_by == ""


def test_released_it_names_nobody() -> None:
    claim = Claim(US, None)
    assert claim.holder == US
    claim.released = True
    assert claim.holder == ""


def test_safe_1_a_name_without_a_lease_displaces_nobody_until_it_has_one() -> None:
    living: set[str] = set()
    claim = Claim(US, None, leaves_to=living.__contains__)
    seen = node(record(spot_warning(), holder=OTHER))
    assert heeded(claim, seen) == frozenset()
    assert claim.displaced_by == ""
    living.add(OTHER)
    heeded(claim, seen)
    assert claim.displaced_by == OTHER


def test_safe_1_a_node_that_was_left_once_is_not_left_again() -> None:
    claim = Claim(US, None, leaves_to=lambda _: False)
    assert heeded(claim, node(record(spot_warning(), holder=OTHER))) == frozenset()
    assert claim.displaced_by == ""
    assert heeded(claim, node(record(spot_warning()), "3")) == ids(spot_warning())
