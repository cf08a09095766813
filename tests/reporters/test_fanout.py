"""One listener's failure is nobody else's."""

import logging

import pytest

from nth.core.reports import SessionEnded, Told
from nth.reporters.fanout import FanOut

TOLD = Told(at=0.0, session_id="s", node_name="n", report=SessionEnded(reason="x"))


def test_every_listener_hears_everything_in_order() -> None:
    heard: list[tuple[str, Told]] = []
    fan_out = FanOut(lambda told: heard.append(("a", told)))
    fan_out.add(lambda told: heard.append(("b", told)))
    fan_out(TOLD)
    assert heard == [("a", TOLD), ("b", TOLD)]


def test_a_listener_that_fails_is_logged_once_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Told] = []

    def broken(told: Told) -> None:
        raise ValueError("broken")

    fan_out = FanOut(broken, heard.append)
    with caplog.at_level(logging.ERROR):
        fan_out(TOLD)
        fan_out(TOLD)
    assert heard == [TOLD, TOLD]
    assert len(caplog.records) == 1
