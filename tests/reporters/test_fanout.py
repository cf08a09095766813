"""One listener's failure is nobody else's, and each interruption is added up once for all of them."""

import logging
from dataclasses import replace

import pytest

from nth.core.reports import MonitorFailed, SessionEnded, Told
from nth.report.builder import Interruption
from nth.report.interruptions import Interruptions
from nth.reporters.fanout import FanOut
from tests.report.stories import NOTICE, T0

TOLD = Told(at=0.0, session_id="s", node_name="n", report=SessionEnded(reason="x"))


def test_every_listener_hears_everything_in_order() -> None:
    heard: list[tuple[str, Told]] = []
    fan_out = FanOut(lambda told, _: heard.append(("a", told)))
    fan_out.add(lambda told, _: heard.append(("b", told)))
    fan_out(TOLD)
    assert heard == [("a", TOLD), ("b", TOLD)]


def test_a_listener_that_fails_is_logged_once_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Told] = []

    def broken(told: Told, _: Interruption | None) -> None:
        raise ValueError("broken")

    fan_out = FanOut(broken, lambda told, _: heard.append(told))
    with caplog.at_level(logging.ERROR):
        fan_out(TOLD)
        fan_out(TOLD)
    assert heard == [TOLD, TOLD]
    assert len(caplog.records) == 1


def test_every_listener_gets_the_same_interruption_and_what_no_session_says_is_of_none() -> None:
    heard: list[Interruption | None] = []
    fan_out = FanOut(*[lambda _, interruption: heard.append(interruption)] * 2)
    fan_out(replace(TOLD, report=NOTICE))
    fan_out(TOLD)
    first, *others = heard
    assert first is not None
    assert all(other is first for other in others)
    assert (first.kind, first.session_ended) == ("SPOT_ITN", True)
    fan_out(Told(at=T0, session_id="", node_name="n", report=MonitorFailed(monitor="m", reason="r")))
    assert heard[-1] is None


class Broken(Interruptions):
    def take(self, told: Told) -> Interruption | None:
        raise ValueError("broken")


def test_a_defect_in_adding_up_stops_nobody_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Told] = []
    fan_out = FanOut(lambda told, _: heard.append(told), interruptions=Broken())
    with caplog.at_level(logging.ERROR):
        fan_out(TOLD)
        fan_out(TOLD)
    assert heard == [TOLD, TOLD]
    assert len(caplog.records) == 1


def test_its_memory_is_bounded_and_it_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Interruption | None] = []
    interruptions = Interruptions(3)
    fan_out = FanOut(lambda _, interruption: heard.append(interruption), interruptions=interruptions)
    for number in range(9):
        fan_out(Told(at=T0, session_id=f"s-{number}", node_name=f"n-{number}", report=NOTICE))
    for number in range(3, 9):
        # What is forgotten stays so, and drives no other out.
        fan_out(Told(at=T0, session_id=f"s-{number}", node_name=f"n-{number}", report=NOTICE))
    assert heard[9:12] == [None] * 3
    assert [id(one) for one in heard[12:]] == [id(one) for one in heard[6:9]]
    for number in range(3, 9):
        ended = SessionEnded(reason="done")
        fan_out(Told(at=T0, session_id=f"s-{number}", node_name=f"n-{number}", report=ended))
    assert vars(interruptions)["_unfollowed"] == {}
    said = "Too many interruptions at once to report on; the oldest ones get no report"
    assert [record.getMessage() for record in caplog.records] == [said]
