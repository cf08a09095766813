"""The listener that counts, and the answer to a scrape.

`report.metrics.measures` counts, other parts' figures are read at the scrape (`pulled`), and an adapter,
which is passed in, makes the text.
"""

from collections.abc import Callable, Iterable

from nth.core.notices.kinds import KINDS
from nth.core.reports import Told
from nth.ports import Clock
from nth.report.builder import Interruption
from nth.report.metrics.counters import Series
from nth.report.metrics.measures import Measures
from nth.report.metrics.table import BUILD
from nth.reporters.pulled import Pulls, pulled

KIND_NAMES = sorted({kind.name for kind in KINDS})
Text = Callable[[Iterable[Series]], bytes]
"""Writes series in Prometheus' text format."""


class Metrics:
    """A listener. `mode`: `metadata` or `queue`; `pulls` may be set later, when its sources are there."""

    def __init__(self, clock: Clock, text: Text, *, mode: str, version: str, per_node: bool = False) -> None:
        self.pulls = Pulls()
        self._clock = clock
        self._text = text
        self._started_at = clock.now()
        self._build = Series(BUILD, (mode, version), 1)
        # A DaemonSet's pods are many: there, series come up with the first interruption.
        self._measures = Measures(per_node=per_node, kinds=KIND_NAMES if mode == "queue" else ())

    def __call__(self, told: Told, interruption: Interruption | None) -> None:
        self._measures.take(told, interruption)

    def series(self) -> Iterable[Series]:
        """Returns everything as of this moment."""
        now = self._clock.now()
        self._measures.look(now)
        yield from self._measures.counters.series()
        yield from pulled(self.pulls, now, self._started_at)
        yield self._build

    def exposition(self) -> bytes:
        """Returns the answer to a scrape; it takes milliseconds and never waits."""
        return self._text(self.series())
