"""An event about a node that another replica has: posted, waited for, or taken (Q15, needs_W7)."""

import itertools
from dataclasses import replace

import pytest

from nth.core.dry_run.merge_patch import patched
from nth.core.node.node_annotation import (
    FIELD_MANAGER,
    MAX_EVENTS,
    RECORD_ANNOTATION,
    Marks,
    NodeRecord,
    Seen,
    encode,
    record_of,
)
from nth.core.notices.events import Event
from nth.core.policy import Level
from nth.core.replicas.handoff import Step, next_step, post
from tests.core.fleet_samples import OTHER, US, going_down, hook, risk, spot_warning
from tests.core.samples import T0, a_node

SPOT, RISK = spot_warning().event, risk().event
HELD = NodeRecord(session_id="s", holder=OTHER, events=(Seen(RISK, T0),), marks=Marks(cordoned=True))


def other_lives(identity: str) -> bool:
    return identity == OTHER


def step(record: NodeRecord | None, *, level: Level = Level.DRAIN, unschedulable: bool = False) -> Step:
    node = a_node(unschedulable=unschedulable)
    return next_step(SPOT, level, node, record, US, other_lives)


def with_spot(*, settled: bool) -> NodeRecord:
    return replace(HELD, events=(*HELD.events, Seen(SPOT, T0 + 1, settled)))


def test_a_node_without_a_record_is_free() -> None:
    assert step(None) is Step.TAKE


@pytest.mark.parametrize("holder", ["", US, "dead"])
def test_a_node_that_no_live_other_replica_has_is_free(holder: str) -> None:
    for record in (HELD, with_spot(settled=False), with_spot(settled=True)):
        assert step(replace(record, holder=holder)) is Step.TAKE


def test_an_event_that_the_holder_does_not_know_is_posted() -> None:
    assert step(HELD) is Step.POST


def test_needs_W7_a_posted_event_is_done_only_when_the_holder_has_proven_it() -> None:
    assert step(with_spot(settled=False)) is Step.WAIT
    assert step(with_spot(settled=False), unschedulable=True) is Step.WAIT
    assert step(with_spot(settled=True)) is Step.DONE


def test_a_cordon_is_seen_on_the_node() -> None:
    assert step(with_spot(settled=False), level=Level.CORDON) is Step.WAIT
    assert step(with_spot(settled=False), level=Level.CORDON, unschedulable=True) is Step.DONE


def test_a_notification_is_done_once_the_holder_can_read_it() -> None:
    assert step(with_spot(settled=False), level=Level.NOTIFY) is Step.DONE


def test_an_event_that_is_over_is_not_posted_again() -> None:
    over = replace(HELD, events=(), finished=(risk().event.event_id,))
    node = a_node()
    assert next_step(risk().event, Level.DRAIN, node, over, US, other_lives) is Step.DONE


@pytest.mark.parametrize("event", [SPOT, hook().event, going_down().event])
def test_safe_1_a_record_silences_no_notice_that_the_machine_dies(event: Event) -> None:
    over = replace(HELD, finished=(event.event_id,))
    assert next_step(event, Level.DRAIN, a_node(), over, US, other_lives) is Step.POST


@pytest.mark.parametrize(("shown", "settled"), [(True, False), (False, False), (False, True)])
@pytest.mark.parametrize("posted", [True, False])
def test_safe_1_an_event_is_not_left_for_long_to_a_holder_that_has_it_not_or_is_made_up(
    shown: bool, settled: bool, posted: bool
) -> None:
    record = with_spot(settled=settled) if posted else HELD

    def found(*, overdue: bool) -> Step:
        return next_step(
            SPOT,
            Level.DRAIN,
            a_node(),
            record,
            US,
            other_lives,
            is_shown_alive=lambda _: shown,
            overdue=overdue,
        )

    assert found(overdue=False) is not Step.TAKE
    assert found(overdue=True) is (Step.WAIT if shown and posted else Step.TAKE)


def test_safe_3_no_event_is_posted_into_a_full_record() -> None:
    many = tuple(Seen(spot_warning(event_id=f"spot-{number}").event, T0) for number in range(MAX_EVENTS))
    assert step(replace(HELD, events=many)) is Step.WAIT


@pytest.mark.parametrize(
    ("holder", "known", "level", "unschedulable"),
    [
        *itertools.product(
            ["", US, OTHER, "dead"], ["no", "open", "settled", "finished"], list(Level), [False, True]
        )
    ],
)
def test_only_a_live_holder_can_make_it_done(
    holder: str, known: str, level: Level, unschedulable: bool
) -> None:
    """Total: whatever stands on the node there is a next step, and it is done only by proof."""
    seen = (Seen(SPOT, T0, known == "settled"),) if known in ("open", "settled") else ()
    finished = (SPOT.event_id,) if known == "finished" else ()
    record = NodeRecord(session_id="s", holder=holder, events=seen, finished=finished)
    found = step(record, level=level, unschedulable=unschedulable)
    if holder != OTHER:
        assert found is Step.TAKE
    elif known in ("no", "finished"):
        assert found is Step.POST
    elif level is Level.DRAIN:
        assert (found is Step.DONE) == (known != "open")
    else:
        assert found in (Step.WAIT, Step.DONE)


def test_what_is_posted_adds_to_the_record_and_changes_nothing_else() -> None:
    node = a_node(
        unschedulable=True,
        cordoned_by=(FIELD_MANAGER,),
        labels={"a": "b"},
        annotations={"c": "d", RECORD_ANNOTATION: encode(HELD)},
    )
    after = patched(node, post(hook().event, node, T0 + 5))
    assert record_of(after) == replace(HELD, events=(*HELD.events, Seen(hook().event, T0 + 5)))
    assert replace(after, annotations={}) == replace(node, annotations={})
    assert after.annotations["c"] == "d"


def test_what_is_posted_fails_if_anybody_wrote_meanwhile() -> None:
    body = post(SPOT, a_node(resource_version="17", annotations={RECORD_ANNOTATION: encode(HELD)}), T0).body
    assert isinstance(body["metadata"], dict)
    assert body["metadata"]["resourceVersion"] == "17"
