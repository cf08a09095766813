"""Trouble is told once, and once that it is over."""

from nth.core.reports import Trouble, TroubleOver
from nth.core.trouble import CALM_SECONDS, TroubleLog
from nth.errors import Blocked, Throttled, Unreachable
from tests.core.samples import T0

DOWN = Unreachable("connection refused")
TOLD = Trouble(what="the server", reason="connection refused")


def test_outage_is_told_once_and_its_end_once() -> None:
    log = TroubleLog("the server")
    assert log.heard(None, T0) == []
    assert log.heard(DOWN, T0 + 1) == [TOLD]
    assert log.heard(Throttled("slow down"), T0 + 5) == []
    assert log.heard(DOWN, T0 + 20) == []
    assert log.heard(None, T0 + 21) == [TroubleOver(what="the server", seconds=20)]
    assert log.heard(None, T0 + 22) == []


def test_refusal_is_an_answer() -> None:
    log = TroubleLog("the server")
    assert log.heard(Blocked("budget"), T0) == []
    log.heard(DOWN, T0 + 1)
    assert log.heard(Blocked("budget"), T0 + 2) == [TroubleOver(what="the server", seconds=1)]


def test_answers_that_were_under_way_do_not_end_an_outage() -> None:
    log = TroubleLog("the server")
    assert log.heard(DOWN, T0) == [TOLD]
    assert log.heard(None, T0 + 0.2) == []
    assert log.heard(DOWN, T0 + 19) == []
    assert log.heard(None, T0 + 20) == [TroubleOver(what="the server", seconds=20)]


def test_flapping_is_not_told_again_and_again() -> None:
    log = TroubleLog("the server")
    log.heard(DOWN, T0)
    log.heard(None, T0 + 1)
    for second in range(2, 10, 2):
        assert log.heard(DOWN, T0 + second) == []
        assert log.heard(None, T0 + second + 1) == []


def test_outage_that_comes_back_soon_and_lasts_is_told() -> None:
    log = TroubleLog("the server")
    log.heard(DOWN, T0)
    log.heard(None, T0 + 1)
    assert log.heard(DOWN, T0 + 5) == []
    assert log.heard(DOWN, T0 + 5 + CALM_SECONDS) == []
    assert log.heard(DOWN, T0 + 6 + CALM_SECONDS) == [TOLD]
    assert log.heard(DOWN, T0 + 30) == []
    assert log.heard(None, T0 + 35) == [TroubleOver(what="the server", seconds=30)]


def test_outage_after_a_calm_is_told_again() -> None:
    log = TroubleLog("the server")
    log.heard(DOWN, T0)
    log.heard(None, T0 + 1)
    assert log.heard(DOWN, T0 + 1.1 + CALM_SECONDS) == [TOLD]
