"""Counters and histograms in memory: what is added, and where the bound is."""

import pytest

from nth.report.metrics.counters import Counters, Labels, Value
from nth.report.metrics.histogram import Histogram
from nth.report.metrics.table import METRICS, OTHER, Kind, Metric

COUNTER = Metric(name="n_total", kind=Kind.COUNTER, help="", labels=("a",))
BOUNDED = Metric(name="b_total", kind=Kind.COUNTER, help="", labels=("who", "how"), limit=2, merged=("who",))
STEPS = Metric(name="s_seconds", kind=Kind.HISTOGRAM, help="", labels=("a",), bounds=(1, 5))


def values(counters: Counters, metric: Metric) -> dict[Labels, Value]:
    return {one.labels: one.value for one in counters.series() if one.metric is metric}


def test_a_counter_adds_up_by_label_and_an_amount_of_none_makes_it_known() -> None:
    counters = Counters()
    counters.add(COUNTER, "x", amount=0)
    counters.add(COUNTER, "y")
    counters.add(COUNTER, "y", amount=2.5)
    assert values(counters, COUNTER) == {("x",): 0.0, ("y",): 3.5}


def test_a_bound_belongs_to_the_bucket_that_it_ends() -> None:
    counters = Counters()
    for value in (-3.0, 1.0, 1.1, 5.0, 7.0):
        counters.observe(STEPS, "x", value=value)
    found = values(counters, STEPS)["x",]
    assert isinstance(found, Histogram)
    assert found.counts == [2, 2, 1]
    assert found.total == pytest.approx(11.1)


def test_needs_W28_beyond_the_limit_only_the_unbounded_labels_are_merged() -> None:
    counters = Counters()
    for who in ("a", "b", "c", "d"):
        counters.add(BOUNDED, who, "ok")
    counters.add(BOUNDED, "d", "failed")
    counters.add(BOUNDED, "a", "ok")
    assert values(counters, BOUNDED) == {
        ("a", "ok"): 2,
        ("b", "ok"): 1,
        (OTHER, "ok"): 2,
        (OTHER, "failed"): 1,
    }


def test_the_number_of_labels_must_be_right() -> None:
    with pytest.raises(AssertionError, match="n_total has the labels"):
        Counters().add(COUNTER)


def test_every_metric_of_the_table_has_a_name_of_its_own_and_a_name_as_its_kind_asks() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS) > 30
    for metric in METRICS:
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
        assert bool(metric.bounds) == (metric.kind is Kind.HISTOGRAM)
        assert sorted(metric.bounds) == list(metric.bounds)
        assert set(metric.merged) <= set(metric.labels)
        assert bool(metric.limit) == bool(metric.merged)
        assert metric.help
        assert not metric.help.endswith(".")
