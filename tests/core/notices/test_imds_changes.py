"""What counts as new, as the same, and as withdrawn."""

import json
from collections.abc import Sequence

import pytest

from nth.core.notices import imds as documents
from nth.core.notices.events import (
    AsgTargetState,
    Event,
    Noticed,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
    Withdrawn,
)
from nth.core.notices.imds_changes import Known, known_scheduled, read_scheduled, reader_of
from nth.core.times import utc_text
from nth.errors import BadDocument

AT = 1_795_336_200.0


def spot(seconds: float, action: str = "terminate") -> bytes:
    return json.dumps({"action": action, "time": utc_text(AT + seconds)}).encode()


def recommendation(seconds: float) -> bytes:
    return json.dumps({"noticeTime": utc_text(AT + seconds)}).encode()


def scheduled(**state_by_id: str) -> bytes:
    return json.dumps(
        [
            {
                "EventId": event_id,
                "Code": "system-reboot",
                "State": state,
                "NotBefore": "1 Jan 2027 00:00:00 GMT",
            }
            for event_id, state in state_by_id.items()
        ]
    ).encode()


def ids_noticed(kind: type[Event], bodies: Sequence[bytes | None]) -> list[int]:
    """How many notices each of the bodies brings, read one after the other."""
    _, read = reader_of(kind, "i-1")
    known: Known = {}
    counts: list[int] = []
    for body in bodies:
        reading = read(known, body)
        assert all(isinstance(notice, Noticed) for notice in reading.notices)
        counts.append(len(reading.notices))
        known = reading.known
    return counts


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (SpotInterruption, "/latest/meta-data/spot/instance-action"),
        (RebalanceRecommendation, "/latest/meta-data/events/recommendations/rebalance"),
        (ScheduledMaintenance, "/latest/meta-data/events/maintenance/scheduled"),
        (AsgTargetState, "/latest/meta-data/autoscaling/target-lifecycle-state"),
    ],
)
def test_S1_S2_S4_S8_paths(kind: type[Event], path: str) -> None:
    assert reader_of(kind, "i-1")[0] == path


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (SpotInterruption, spot(120)),
        (RebalanceRecommendation, recommendation(0)),
        (AsgTargetState, b"Terminated"),
    ],
)
def test_needs_W25_a_notice_is_new_once_even_if_it_vanishes_in_between(
    kind: type[Event], body: bytes
) -> None:
    assert ids_noticed(kind, [None, body, body, None, None, body]) == [0, 1, 0, 0, 0, 0]


def test_needs_W25_a_notice_whose_time_moves_with_each_request_is_one_notice() -> None:
    assert ids_noticed(SpotInterruption, [spot(120 + second) for second in range(300)]) == [1] + [0] * 299
    assert (
        ids_noticed(RebalanceRecommendation, [recommendation(n) for n in range(0, 900, 3)]) == [1] + [0] * 299
    )


def test_S1_an_earlier_time_another_action_or_a_much_later_time_is_another_notice() -> None:
    assert ids_noticed(SpotInterruption, [spot(120), spot(119)]) == [1, 1]
    assert ids_noticed(SpotInterruption, [spot(120), spot(120, "stop")]) == [1, 1]
    assert ids_noticed(SpotInterruption, [spot(120), spot(239), spot(359)]) == [1, 0, 1]
    assert ids_noticed(RebalanceRecommendation, [recommendation(0), recommendation(120)]) == [1, 1]


def test_S8_state_that_is_no_termination_is_no_notice() -> None:
    assert ids_noticed(AsgTargetState, [b"InService", b"Terminated", b"InService", b"Terminated"]) == [
        0,
        1,
        0,
        0,
    ]


def test_bad_document_is_passed_on() -> None:
    with pytest.raises(BadDocument):
        reader_of(SpotInterruption, "i-1")[1]({}, b"x")


def test_S6_P16_cancelled_and_completed_events_are_withdrawn_once() -> None:
    known = read_scheduled({}, scheduled(a="active", b="active", c="active")).known
    assert set(known) == {"a", "b", "c"}
    reading = read_scheduled(known, scheduled(a="canceled", b="completed", c="active"))
    assert reading.notices == (
        Withdrawn(event_id="a", reason="AWS says it is canceled"),
        Withdrawn(event_id="b", reason="AWS says it is completed"),
    )
    assert set(reading.known) == {"c"}
    assert read_scheduled(reading.known, scheduled(a="canceled", b="completed", c="active")).notices == ()


@pytest.mark.parametrize("body", [b"[]", None])
def test_P16_vanished_event_is_withdrawn(body: bytes | None) -> None:
    known = read_scheduled({}, scheduled(a="active")).known
    reading = read_scheduled(known, body)
    assert reading.notices == (Withdrawn(event_id="a", reason="AWS lists it no longer"),)
    assert read_scheduled(reading.known, body).notices == ()


def test_P16_nothing_counts_as_vanished_while_an_entry_cannot_be_read() -> None:
    known = read_scheduled({}, scheduled(a="active", b="active")).known
    entries = json.loads(scheduled(b="canceled", x="active"))
    entries[1]["NotBefore"] = "?"
    reading = read_scheduled(known, json.dumps(entries).encode())
    assert reading.notices == (Withdrawn(event_id="b", reason="AWS says it is canceled"),)
    assert set(reading.known) == {"a"}
    assert len(reading.problems) == 1


def test_P16_ended_event_that_was_never_known_is_nothing() -> None:
    reading = read_scheduled({}, scheduled(a="completed", b="canceled"))
    assert (reading.notices, reading.known) == ((), {})


def test_S4_event_that_comes_back_is_new() -> None:
    known = read_scheduled({}, scheduled(a="active")).known
    known = read_scheduled(known, b"[]").known
    (notice,) = read_scheduled(known, scheduled(a="active")).notices
    assert isinstance(notice, Noticed)


def test_S4_event_that_AWS_moves_is_noticed_again_and_one_that_is_reworded_is_not() -> None:
    (entry,) = json.loads(scheduled(a="active"))
    known = read_scheduled({}, json.dumps([entry]).encode()).known
    reworded = read_scheduled(known, json.dumps([{**entry, "Description": "now for sure"}]).encode())
    assert reworded.notices == ()
    moved = json.dumps([{**entry, "NotBefore": "1 Dec 2026 00:00:00 GMT"}]).encode()
    (notice,) = read_scheduled(reworded.known, moved).notices
    assert isinstance(notice, Noticed)
    assert notice.event.event_id == "a"


def test_P16_ids_of_an_earlier_process_are_withdrawn_if_they_have_ended_meanwhile() -> None:
    known = known_scheduled(["gone", "canceled", "still", *(f"{p}1" for p in PREFIXES)])
    reading = read_scheduled(known, scheduled(canceled="canceled", still="active"))
    noticed, *withdrawn = reading.notices
    assert isinstance(noticed, Noticed)
    assert noticed.event.event_id == "still"
    assert {w.event_id for w in withdrawn if isinstance(w, Withdrawn)} == {"gone", "canceled"}
    assert set(reading.known) == {"still"}


PREFIXES = (documents.SPOT_ID_PREFIX, documents.REBALANCE_ID_PREFIX, documents.ASG_ID_PREFIX)
