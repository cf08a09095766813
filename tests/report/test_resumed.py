"""A handler that goes on with another's drain knows what AWS had said, and when."""

from nth.core.policy import Level
from nth.core.reports import DrainEnded, NodeMarked, NoticeReceived, Report, SessionResumed, Told
from nth.report.chronicle import Chronicle
from nth.report.metrics.histogram import Histogram
from nth.report.metrics.measures import Measures
from nth.report.metrics.table import DRAINED
from nth.report.webhook.announcements import Announcer
from tests.core.samples import T0, spot

RECEIVED = NoticeReceived(event=spot().event, level=Level.DRAIN, drain_at=T0, deadline_at=T0 + 120)
RESUMED = SessionResumed(event_ids=(RECEIVED.event.event_id,), notices=((T0, RECEIVED),))
MARKED = NodeMarked(cordoned=True, cordoned_by_us=True, taints=(), labels=(), again=False)
ENDED = DrainEnded(left=(), evicted=0, forced=0, seconds=30.0, margin_seconds=90.0)


def told(at: float, report: Report) -> Told:
    return Told(at=at, session_id="s", node_name="n", report=report)


STORY = (told(T0 + 10, RESUMED), told(T0 + 11, MARKED), told(T0 + 30, ENDED))


def test_the_report_begins_at_the_notice_not_at_the_restart() -> None:
    chronicle = Chronicle(STORY[0].at)
    for one in STORY:
        chronicle.take(one)
    report = chronicle.report("s", "n", T0 + 60)
    assert report.began_at == T0
    assert report.deadline_at == T0 + 120
    assert [notice.event for notice in report.notices] == [RECEIVED.event]
    assert report.resumed


def test_needs_W27_the_webhook_of_a_successor_has_kind_and_deadline() -> None:
    announcer = Announcer()
    announcements = [found for one in STORY if (found := announcer.take(one)) is not None]
    (drained,) = [each for each in announcements if each.phase == "drained"]
    assert drained.kinds == {"SPOT_ITN"}


def test_the_histograms_of_a_successor_count_from_the_notice() -> None:
    measures = Measures()
    for one in STORY:
        measures.take(one)
    (series,) = [each for each in measures.tally.series() if each.metric is DRAINED]
    assert series.labels == ("SPOT_ITN",)
    assert isinstance(series.value, Histogram)
    assert series.value.total == 30.0
