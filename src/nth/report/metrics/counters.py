"""Counters and histograms in memory, with a bound on the label sets of each.

Pure and plain: adding costs a dictionary's look-up. An adapter writes them down.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nth.report.metrics.histogram import Histogram
from nth.report.metrics.table import OTHER, Kind, Metric

Labels = tuple[str, ...]


Value = float | Histogram


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a metric, or one histogram."""

    metric: Metric
    labels: Labels
    value: Value


class Counters:
    """The counters and histograms by metric and labels."""

    def __init__(self) -> None:
        self._values: dict[str, dict[Labels, Value]] = {}
        self._metrics: dict[str, Metric] = {}

    def add(self, metric: Metric, *labels: str, amount: float = 1) -> None:
        """Add to a counter. An amount of 0 makes it known: only a known one can be seen to increase."""
        assert metric.kind is Kind.COUNTER
        known, key = self._place(metric, labels)
        value = known.get(key, 0.0)
        assert not isinstance(value, Histogram)
        known[key] = value + amount

    def begin(self, metric: Metric, *labels: str) -> Histogram:
        """Returns the histogram; without observations if it is new."""
        known, key = self._place(metric, labels)
        histogram = known.setdefault(key, Histogram(metric.bounds))
        assert isinstance(histogram, Histogram)
        return histogram

    def observe(self, metric: Metric, *labels: str, value: float) -> None:
        """Add one more observation to a histogram."""
        self.begin(metric, *labels).observe(value)

    def series(self) -> Iterator[Series]:
        """Returns everything, in the order in which it came up."""
        for name, known in self._values.items():
            for labels, value in known.items():
                yield Series(self._metrics[name], labels, value)

    def _place(self, metric: Metric, labels: Labels) -> tuple[dict[Labels, Value], Labels]:
        assert len(labels) == len(metric.labels), f"{metric.name} has the labels {metric.labels}"
        self._metrics[metric.name] = metric
        known = self._values.setdefault(metric.name, {})
        if metric.limit and labels not in known and len(known) >= metric.limit:
            pairs = zip(metric.labels, labels, strict=True)
            labels = tuple([OTHER if name in metric.merged else value for name, value in pairs])
        return known, labels
