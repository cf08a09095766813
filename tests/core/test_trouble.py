"""Trouble is told once, and once that it is over."""

from nth.core.reports import Trouble, TroubleOver
from nth.core.trouble import CALM_SECONDS, MAX_REASONS, Outage, TroubleLog
from nth.errors import AdmissionFailed, Blocked, Denied, Throttled, Unreachable
from tests.core.samples import T0

DOWN = Unreachable("connection refused")
TOLD = Trouble(what="the server", reason="connection refused")


def test_outage_is_told_once_and_its_end_once() -> None:
    log = TroubleLog("the server", Unreachable, Throttled)
    assert log.heard(None, T0) == []
    assert log.heard(DOWN, T0 + 1) == [TOLD]
    assert log.heard(Throttled("slow down"), T0 + 5) == []
    assert log.heard(DOWN, T0 + 20) == []
    assert log.heard(None, T0 + 21) == [TroubleOver(what="the server", seconds=20)]
    assert log.heard(None, T0 + 22) == []


def test_refusal_is_an_answer() -> None:
    log = TroubleLog("the server", Unreachable, Throttled)
    for refusal in (
        Blocked("budget"),
        Denied("admission webhook"),
        AdmissionFailed("failed calling webhook"),
    ):
        assert log.heard(refusal, T0) == []
    log.heard(DOWN, T0 + 1)
    assert log.heard(Blocked("budget"), T0 + 2) == [TroubleOver(what="the server", seconds=1)]


def test_answers_that_were_under_way_do_not_end_an_outage() -> None:
    log = TroubleLog("the server", Unreachable, Throttled)
    assert log.heard(DOWN, T0) == [TOLD]
    assert log.heard(None, T0 + 0.2) == []
    assert log.heard(DOWN, T0 + 19) == []
    assert log.heard(None, T0 + 20) == [TroubleOver(what="the server", seconds=20)]


def test_flapping_is_not_told_again_and_again() -> None:
    log = TroubleLog("the server", Unreachable, Throttled)
    log.heard(DOWN, T0)
    log.heard(None, T0 + 1)
    for second in range(2, 10, 2):
        assert log.heard(DOWN, T0 + second) == []
        assert log.heard(None, T0 + second + 1) == []


def test_outage_that_comes_back_soon_and_lasts_is_told() -> None:
    log = TroubleLog("the server", Unreachable, Throttled)
    log.heard(DOWN, T0)
    log.heard(None, T0 + 1)
    assert log.heard(DOWN, T0 + 5) == []
    assert log.heard(DOWN, T0 + 5 + CALM_SECONDS) == []
    assert log.heard(DOWN, T0 + 6 + CALM_SECONDS) == [TOLD]
    assert log.heard(DOWN, T0 + 30) == []
    assert log.heard(None, T0 + 35) == [TroubleOver(what="the server", seconds=30)]


def test_outage_after_a_calm_is_told_again() -> None:
    log = TroubleLog("the server", Unreachable, Throttled)
    log.heard(DOWN, T0)
    log.heard(None, T0 + 1)
    assert log.heard(DOWN, T0 + 1.1 + CALM_SECONDS) == [TOLD]


def test_needs_W14_each_reason_is_news_once_in_a_period() -> None:
    outage = Outage()
    assert [outage.failed(reason, 100.0 + n) for n, reason in enumerate("aabab")] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert (outage.since_at, outage.failures) == (100.0, 5)


def test_needs_W14_after_it_is_over_the_same_reason_is_news_again() -> None:
    outage = Outage()
    assert outage.worked(99.0) is None
    outage.failed("a", 100.0)
    assert outage.worked(112.5) == 12.5
    assert (outage.since_at, outage.failures, outage.worked(113.0)) == (None, 0, None)
    assert outage.failed("a", 200.0)


def test_needs_W14_reasons_that_are_new_each_time_are_said_a_few_times_only() -> None:
    outage = Outage()
    assert sum(outage.failed(str(n), 0.0) for n in range(1000)) == MAX_REASONS


def test_what_is_done_in_several_ways_works_when_none_of_them_fails() -> None:
    outage = Outage()
    assert outage.failed("a", 100.0, verb="list")
    assert not outage.failed("a", 101.0, verb="watch")
    assert outage.failed("b", 102.0, verb="watch")
    assert outage.worked(103.0, verb="read") is None
    assert outage.worked(104.0, verb="list") is None
    assert outage.worked(105.0, verb="watch") == 5.0
