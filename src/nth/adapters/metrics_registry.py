"""Writes figures as Prometheus' text, also of the process and of Python. Only this module knows the library.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import GCCollector, Metric, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from nth.core.visible import visible
from nth.report.metrics.counters import Series
from nth.report.metrics.histogram import Histogram
from nth.report.metrics.table import METRICS, SCOPE, Kind

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
WHOLE = re.compile(rb"\.0$", re.MULTILINE)
"""Scripts that worked with the original's metrics compare whole numbers as such."""
ORDER = {metric.name: place for place, metric in enumerate(METRICS)}


class MetricsRegistry:
    """Answers a scrape with `text(series)`."""

    def __init__(self) -> None:
        self._figures = _Figures()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self._figures)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self, series: Iterable[Series]) -> bytes:
        """Returns these series, and those of the process (`process_*`) and of Python (`python_*`)."""
        self._figures.series = series
        try:
            return WHOLE.sub(b"", generate_latest(self._registry))
        finally:
            self._figures.series = ()


class _Figures(Collector):
    """Holds the series that are served next."""

    def __init__(self) -> None:
        self.series: Iterable[Series] = ()

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for one in sorted(self.series, key=lambda one: ORDER[one.metric.name]):
            metric = one.metric
            family = families.get(metric.name)
            if family is None:
                plain = metric.name.removesuffix("_total")
                family = families[metric.name] = Metric(plain, metric.help, metric.kind.value)
            _add(family, one)
        yield from families.values()


def _add(family: Metric, one: Series) -> None:
    metric, value = one.metric, one.value
    labels = dict(zip(metric.labels, map(visible, one.labels), strict=True))
    if metric.scoped:
        labels |= SCOPE
    if isinstance(value, Histogram):
        assert metric.kind is Kind.HISTOGRAM
        _add_histogram(family, labels, value)
    else:
        family.add_sample(metric.name, labels, value)


def _add_histogram(family: Metric, labels: dict[str, str], histogram: Histogram) -> None:
    bounds = (*(repr(float(bound)) for bound in histogram.bounds), "+Inf")
    for bound, count in zip(bounds, accumulate(histogram.counts), strict=True):
        family.add_sample(f"{family.name}_bucket", {**labels, "le": bound}, count)
    family.add_sample(f"{family.name}_count", labels, sum(histogram.counts))
    family.add_sample(f"{family.name}_sum", labels, histogram.total)
