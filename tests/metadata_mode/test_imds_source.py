"""The source over a scripted metadata service, in virtual time."""

import asyncio
import itertools
import json
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import pytest

from nth.core.notices.events import (
    AsgTargetState,
    Event,
    Notice,
    Noticed,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
    Withdrawn,
)
from nth.core.notices.imds import ASG_PATH, REBALANCE_PATH, SCHEDULED_PATH, SPOT_PATH
from nth.core.notices.kinds import KIND_OF
from nth.core.times import utc_text
from nth.errors import Silent
from nth.metadata_mode.imds_source import ImdsSource
from nth.report.metrics.figures import MonitorFigures
from nth.simulation.clock import START_AT, VirtualClock, run
from tests.metadata_mode.fake_service import FakeService, Script

DEFAULTS = (SpotInterruption, ScheduledMaintenance)
SPOT = json.dumps({"action": "terminate", "time": utc_text(START_AT + 120)}).encode()
REBALANCE = json.dumps({"noticeTime": utc_text(START_AT)}).encode()


def scheduled(state: str = "active", event_id: str = "event-1") -> bytes:
    entry = {
        "EventId": event_id,
        "Code": "system-reboot",
        "State": state,
        "NotBefore": "1 Jan 2027 00:00:00 GMT",
    }
    return json.dumps([entry]).encode()


@dataclass
class Watched:
    """What came of a watch."""

    service: FakeService
    source: ImdsSource
    notices: list[tuple[float, Notice]] = field(default_factory=list)
    """With seconds since the start."""

    @property
    def ids(self) -> list[tuple[float, str]]:
        return [(at, n.event.event_id if isinstance(n, Noticed) else n.event_id) for at, n in self.notices]

    def statistics(self, kind: type[Event]) -> MonitorFigures:
        return next(s for s in self.source.statistics() if s.monitor == KIND_OF[kind.__name__].monitor)


Refuse = Callable[[Notice], bool]


def watch(
    scripts: dict[str, Script],
    *,
    until_seconds: float,
    monitors: Collection[type[Event]] = DEFAULTS,
    interval_seconds: float = 1.0,
    takes_seconds: Callable[[float], float] = lambda at: 0.0,
    jitter: float = 0.5,
    open_event_ids: Collection[str] = (),
    refuse: Refuse = lambda notice: False,
) -> Watched:
    """Run the source for so long; `refuse` says which notices the consumer cannot take."""

    async def main(clock: VirtualClock) -> Watched:
        service = FakeService(clock, scripts, takes_seconds)
        source = ImdsSource(
            service,
            clock,
            monitors=monitors,
            interval_seconds=interval_seconds,
            jitter=lambda: jitter,
            node_name="i-1",
            open_event_ids=open_event_ids,
        )
        watched = Watched(service, source)

        def emit(notice: Notice) -> None:
            if refuse(notice):
                raise RuntimeError("the consumer is broken")
            watched.notices.append((round(clock.now() - START_AT, 3), notice))

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(until_seconds):
                await source.run(emit)
        return watched

    return run(main)


def problems(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [
        (record.__dict__["fields"]["event_type"], record.__dict__["fields"]["error"])
        for record in caplog.records
        if record.message == "There was a problem monitoring for events"
    ]


def recoveries(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [
        record.__dict__["fields"]
        for record in caplog.records
        if record.message == "Monitoring for events works again"
    ]


def between(start: float, end: float, during: bytes | Exception, after: bytes | None = None) -> Script:
    return lambda at: during if start <= at < end else after


def test_P2_only_what_is_switched_on_is_asked_for_in_order_of_urgency() -> None:
    assert {path for _, path in watch({}, until_seconds=3).service.asked} == {SPOT_PATH, SCHEDULED_PATH}
    kinds = (RebalanceRecommendation, ScheduledMaintenance, AsgTargetState, SpotInterruption)
    asked = watch({}, until_seconds=0.5, monitors=kinds).service.asked
    assert [path for _, path in asked] == [SPOT_PATH, ASG_PATH, SCHEDULED_PATH, REBALANCE_PATH]


def test_P2_nothing_switched_on_is_a_quiet_life() -> None:
    watched = watch({}, until_seconds=10, monitors=())
    assert (watched.service.asked, watched.source.last_answer_at, watched.source.statistics()) == (
        [],
        None,
        (),
    )


@pytest.mark.parametrize("interval_seconds", [0.25, 1.0, 2.0])
def test_P3_polls_at_the_interval_measured_from_the_start_of_the_round(interval_seconds: float) -> None:
    watched = watch({}, until_seconds=6.1, interval_seconds=interval_seconds, takes_seconds=lambda at: 0.05)
    expected = [n * interval_seconds for n in range(int(6.1 / interval_seconds) + 1)]
    assert watched.service.times(SPOT_PATH) == expected
    assert watched.service.times(SCHEDULED_PATH) == [at + 0.05 for at in expected]


def test_P3_rounds_that_take_longer_than_the_interval_do_not_pile_up() -> None:
    watched = watch({}, until_seconds=9.5, takes_seconds=lambda at: 1.5)
    assert watched.service.times(SPOT_PATH) == [0.0, 3.0, 6.0, 9.0]


def test_P3_rounds_that_were_missed_are_not_made_up_for() -> None:
    watched = watch({}, until_seconds=6.0, takes_seconds=lambda at: 2.5 if at < 1 else 0.0)
    assert watched.service.times(SPOT_PATH) == [0.0, 2.5, 3.5, 4.5, 5.5]


def test_L3_start_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    watch({}, until_seconds=5)
    assert caplog.messages == [
        "Started monitoring for events",
        "Started monitoring for events",
        "Started watching for interruption events",
    ]
    assert caplog.records[0].__dict__["fields"] == {"event_type": "SPOT_ITN_MONITOR"}
    assert caplog.records[1].__dict__["fields"] == {"event_type": "SCHEDULED_EVENT_MONITOR"}


def test_needs_W25_each_notice_is_handed_on_once() -> None:
    scripts: dict[str, Script] = {
        SPOT_PATH: between(2, 99, SPOT),
        ASG_PATH: between(3, 99, b"Terminated", b"InService"),
        SCHEDULED_PATH: between(4, 99, scheduled()),
        REBALANCE_PATH: between(5, 99, REBALANCE),
    }
    kinds = (RebalanceRecommendation, ScheduledMaintenance, AsgTargetState, SpotInterruption)
    watched = watch(scripts, until_seconds=60, monitors=kinds)
    seen = [(at, type(notice.event)) for at, notice in watched.notices if isinstance(notice, Noticed)]
    assert seen == [
        (2.0, SpotInterruption),
        (3.0, AsgTargetState),
        (4.0, ScheduledMaintenance),
        (5.0, RebalanceRecommendation),
    ]
    assert len(watched.notices) == 4
    assert [s.notices for s in watched.source.statistics()] == [1, 1, 1, 1]


def test_notice_is_handed_on_before_the_next_document_is_asked_for() -> None:
    watched = watch({SPOT_PATH: lambda at: SPOT}, until_seconds=1.5, takes_seconds=lambda at: 0.3)
    assert [at for at, _ in watched.notices] == [0.3]
    assert watched.service.times(SCHEDULED_PATH)[0] == 0.3


def test_S6_P16_cancellation_is_handed_on_once() -> None:
    script: Script = lambda at: scheduled("active" if at < 3 else "canceled")  # noqa: E731
    watched = watch({SCHEDULED_PATH: script}, until_seconds=30)
    assert watched.ids == [(0.0, "event-1"), (3.0, "event-1")]
    assert watched.notices[1][1] == Withdrawn(event_id="event-1", reason="AWS says it is canceled")


def test_P16_silence_is_no_withdrawal() -> None:
    script: Script = lambda at: scheduled() if at < 3 else Silent("x")  # noqa: E731
    watched = watch({SCHEDULED_PATH: script}, until_seconds=120)
    assert watched.ids == [(0.0, "event-1")]


def test_P16_what_an_earlier_process_left_open_is_withdrawn_on_the_first_good_answer() -> None:
    script: Script = lambda at: Silent("x") if at < 3 else scheduled(event_id="event-2")  # noqa: E731
    watched = watch({SCHEDULED_PATH: script}, until_seconds=30, open_event_ids=["event-1", "spot-itn-1"])
    assert watched.ids == [(3.0, "event-2"), (3.0, "event-1")]
    assert watched.notices[1][1] == Withdrawn(event_id="event-1", reason="AWS lists it no longer")


def test_P16_open_events_stay_if_scheduled_events_are_not_watched() -> None:
    assert watch({}, until_seconds=9, monitors=(SpotInterruption,), open_event_ids=["event-1"]).notices == []


def test_S1_vanished_spot_notice_is_not_withdrawn() -> None:
    watched = watch({SPOT_PATH: between(1, 3, SPOT)}, until_seconds=30)
    assert [at for at, _ in watched.notices] == [1.0]


def test_needs_W14_silence_is_told_once_and_its_end_with_its_length(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    watched = watch({SPOT_PATH: between(10, 70, Silent("it answered 503"))}, until_seconds=100)
    assert problems(caplog) == [("SPOT_ITN_MONITOR", "it answered 503")]
    (recovery,) = recoveries(caplog)
    statistics = watched.statistics(SpotInterruption)
    assert recovery == {"event_type": "SPOT_ITN_MONITOR", "seconds": 62.0, "failures": statistics.failures}
    assert 12 <= statistics.failures <= 16


def test_needs_W14_reason_that_changes_is_told_and_one_that_comes_back_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    script: Script = lambda at: Silent("refused" if int(at) // 20 % 2 == 0 else "no answer in time")  # noqa: E731
    watch({SPOT_PATH: script}, until_seconds=600)
    assert [reason for _, reason in problems(caplog)] == ["refused", "no answer in time"]


def test_needs_W14_silent_document_is_asked_less_often_up_to_5_s_and_the_others_as_ever() -> None:
    watched = watch({SPOT_PATH: between(2, 30, Silent("x"))}, until_seconds=40.5)
    times = watched.service.times(SPOT_PATH)
    # Delays of 1, 2, 4, 5, 5 s ...; then each second again.
    assert times[:9] == [0.0, 1.0, 2.0, 3.0, 5.0, 9.0, 14.0, 19.0, 24.0]
    assert times[9:] == [29.0, 34.0, 35.0, 36.0, 37.0, 38.0, 39.0, 40.0]
    assert watched.service.times(SCHEDULED_PATH) == [float(n) for n in range(41)]


def test_silent_document_is_asked_for_when_the_others_are_over_one_warm_connection() -> None:
    silent: Script = lambda at: Silent("x")  # noqa: E731
    watched = watch({SPOT_PATH: silent}, until_seconds=20, jitter=0.0)
    # Delays of 0.8, 1.6, 3.2, 4, 4 s, each to the next full second.
    assert watched.service.times(SPOT_PATH) == [0.0, 1.0, 3.0, 7.0, 11.0, 15.0, 19.0]


def test_needs_W14_while_nothing_answers_it_is_tried_again_after_at_most_6_s() -> None:
    everything: dict[str, Script] = {path: lambda at: Silent("x") for path in (SPOT_PATH, SCHEDULED_PATH)}
    times = watch(everything, until_seconds=120, takes_seconds=lambda at: 0.7).service.times(SPOT_PATH)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(gaps) <= 7.0
    assert len(times) >= 20


def test_needs_W14_notice_after_an_outage_is_handed_on() -> None:
    script: Script = lambda at: Silent("x") if at < 60 else SPOT  # noqa: E731
    watched = watch({SPOT_PATH: script}, until_seconds=70)
    ((at, _),) = watched.notices
    assert 60 <= at <= 66


def test_needs_W14_document_that_cannot_be_read_is_told_once_per_content_and_asked_for_as_often(
    caplog: pytest.LogCaptureFixture,
) -> None:
    script: Script = lambda at: b"<html>" if at < 5 else (b'{"action": 1}' if at < 9 else SPOT)  # noqa: E731
    watched = watch({SPOT_PATH: script, SCHEDULED_PATH: lambda at: scheduled()}, until_seconds=20.5)
    assert problems(caplog) == [
        ("SPOT_ITN_MONITOR", "expected a Spot instance action, got '<html>'"),
        ("SPOT_ITN_MONITOR", "expected a Spot instance action, got '{\"action\": 1}'"),
    ]
    assert [at for at, _ in watched.notices] == [0.0, 9.0]
    assert watched.service.times(SPOT_PATH) == [float(n) for n in range(21)]
    statistics = watched.statistics(SpotInterruption)
    assert (statistics.bad_documents, statistics.failures, statistics.answers) == (9, 9, 12)


def test_needs_W14_bad_entry_in_a_list_is_told_once_and_the_others_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = json.loads(scheduled())[0]
    body = json.dumps([7, good]).encode()
    watched = watch({SCHEDULED_PATH: lambda at: body}, until_seconds=10.5)
    assert watched.ids == [(0.0, "event-1")]
    assert problems(caplog) == [("SCHEDULED_EVENT_MONITOR", "expected a scheduled event, got '7'")]
    statistics = watched.statistics(ScheduledMaintenance)
    assert (statistics.bad_documents, statistics.failures, statistics.answers) == (11, 0, 11)


def test_needs_W14_bad_entry_that_comes_back_later_is_told_again(caplog: pytest.LogCaptureFixture) -> None:
    watch({SCHEDULED_PATH: lambda at: b"[]" if at == 5 else b"[7]"}, until_seconds=10.5)
    assert len(problems(caplog)) == 2


def test_P7_needs_W14_defect_is_told_with_its_traceback_and_does_not_end_the_watch(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = watch({SPOT_PATH: between(0, 20, ZeroDivisionError("oops"), SPOT)}, until_seconds=40)
    assert problems(caplog) == [("SPOT_ITN_MONITOR", "ZeroDivisionError: oops")]
    assert caplog.records[0].exc_info is not None
    assert [at for at, _ in watched.notices] == [22.0]


def test_notice_that_could_not_be_handed_on_is_handed_on_later() -> None:
    refusals = [True, True, False]
    watched = watch({SPOT_PATH: lambda at: SPOT}, until_seconds=20, refuse=lambda notice: refusals.pop(0))
    assert [at for at, _ in watched.notices] == [3.0]


def test_readiness_last_answer_is_that_of_the_document_that_is_silent_longest() -> None:
    watched = watch({SPOT_PATH: between(10, 999, Silent("x"))}, until_seconds=60.5)
    assert watched.source.last_answer_at == START_AT + 9
    assert watched.statistics(ScheduledMaintenance).last_answer_at == START_AT + 60


def test_readiness_none_until_every_document_was_answered_for() -> None:
    watched = watch({SPOT_PATH: lambda at: Silent("x")}, until_seconds=30)
    assert watched.source.last_answer_at is None
