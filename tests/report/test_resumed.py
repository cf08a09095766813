"""A handler that goes on with another's drain knows what AWS had said, and when."""

from nth.core.policy import Level
from nth.core.reports import DrainEnded, NodeMarked, NoticeReceived, Report, SessionResumed, Told
from nth.report.builder import built
from nth.report.metrics.histogram import Histogram
from nth.report.metrics.measures import Measures
from nth.report.metrics.table import DRAINED
from nth.report.webhook.announcements import Announcer
from tests.core.samples import T0, spot
from tests.report.stories import fed

RECEIVED = NoticeReceived(event=spot().event, level=Level.DRAIN, drain_at=T0, deadline_at=T0 + 120)
RESUMED = SessionResumed(event_ids=(RECEIVED.event.event_id,), notices=((T0, RECEIVED),))
MARKED = NodeMarked(cordoned=True, cordoned_by_us=True, taints=(), labels=(), again=False)
ENDED = DrainEnded(left=(), evicted=0, forced=0, seconds=30.0, margin_seconds=90.0)


def told(at: float, report: Report) -> Told:
    return Told(at=at, session_id="s", node_name="n", report=report)


STORY = (told(T0 + 10, RESUMED), told(T0 + 11, MARKED), told(T0 + 30, ENDED))


def test_the_report_begins_at_the_notice_not_at_the_restart() -> None:
    report = built(STORY).report(T0 + 60)
    assert report.began_at == T0
    assert report.deadline_at == T0 + 120
    assert [notice.event for notice in report.notices] == [RECEIVED.event]
    assert report.resumed


def test_needs_W27_the_webhook_of_a_successor_has_kind_and_deadline() -> None:
    announcements = fed(Announcer().take, STORY)
    (drained,) = [each for each in announcements if each is not None and each.phase == "drained"]
    assert drained.kinds == {"SPOT_ITN"}


def test_the_histograms_of_a_successor_count_from_the_notice() -> None:
    measures = Measures()
    fed(measures.take, STORY)
    (series,) = [each for each in measures.counters.series() if each.metric is DRAINED]
    assert series.labels == ("SPOT_ITN",)
    assert isinstance(series.value, Histogram)
    assert series.value.total == 30.0
