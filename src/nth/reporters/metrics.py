"""The listener that counts, and the answer to a scrape. It reads others' figures: none of them has to push.

`report.metrics.measures` counts, and an adapter, which is passed in, makes the text. The sources of figures
are passed in as small functions, so that nothing here knows the parts themselves.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from nth.core.notices.kinds import KINDS, SQS_MONITOR
from nth.core.queue.visibility_words import Counts
from nth.core.reports import Told
from nth.ports import Clock
from nth.report.builder import Interruption
from nth.report.metrics.counters import Series
from nth.report.metrics.figures import HookFigures, LookupFigures, MonitorFigures, QueueFigures, TaggedFigures
from nth.report.metrics.histogram import Histogram
from nth.report.metrics.measures import Measures
from nth.report.metrics.table import (
    AWS_REQUESTS,
    BUILD,
    EVENT_ERRORS,
    HOOKS,
    HOOKS_STUCK,
    HOOKS_WAITING,
    ITEMS,
    KUBERNETES_EVENTS,
    KUBERNETES_REQUESTS,
    KUBERNETES_SECONDS,
    LOOKUPS,
    MESSAGES_IN_HAND,
    OLDEST_MESSAGE,
    QUEUE_MESSAGES,
    SESSIONS,
    SOURCE_AGE,
    SOURCE_ANSWERS,
    TAGGED_INSTANCES,
    TAGGED_NODES,
    WEBHOOKS,
    Metric,
)

KIND_NAMES = sorted({kind.name for kind in KINDS})
Text = Callable[[Iterable[Series]], bytes]
"""Writes series in Prometheus' text format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulls:
    """The sources of a scrape. They answer at once, from memory; None = there is none, or not yet."""

    sessions: Callable[[], Mapping[str, int]] = dict
    """Nodes that are being handled, by phase."""
    monitors: Callable[[], Iterable[MonitorFigures]] = tuple
    queues: Callable[[], Sequence[QueueFigures]] = tuple
    items: Callable[[], Mapping[str, int]] = dict
    """Contents of messages, by outcome (`core.queue.dispatch.Dispatch.counts`)."""
    lookups: Callable[[], LookupFigures | None] = lambda: None
    hooks: Callable[[], HookFigures | None] = lambda: None
    tagged: Callable[[], TaggedFigures | None] = lambda: None
    kubernetes_requests: Callable[[], Mapping[tuple[str, int], int]] = dict
    """By verb and status code; 0 = no answer."""
    kubernetes_seconds: Callable[[], Mapping[str, Histogram]] = dict
    """By verb."""
    aws_requests: Callable[[], Mapping[tuple[str, str, str], int]] = dict
    """By service, operation and code."""
    webhook_posts: Callable[[], Mapping[tuple[str, str], int]] = dict
    """By target and result."""
    kubernetes_events: Callable[[], Mapping[str, int]] = dict
    """By result."""


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


def pulled(pulls: Pulls, now: float, started_at: float) -> Iterator[Series]:
    """Returns all figures as of `now`; a source that never answered is as old as the process."""
    yield from _counted(SESSIONS, pulls.sessions())
    for monitor in pulls.monitors():
        yield from _of_monitor(monitor, now, started_at)
    yield from _of_queues(pulls.queues(), now, started_at)
    yield from _counted(ITEMS, pulls.items())
    yield from _of_aws(pulls)
    for (verb, code), number in pulls.kubernetes_requests().items():
        yield Series(KUBERNETES_REQUESTS, (verb, str(code) if code else "none"), number)
    for verb, histogram in pulls.kubernetes_seconds().items():
        yield Series(KUBERNETES_SECONDS, (verb,), histogram)
    for post, number in pulls.webhook_posts().items():
        yield Series(WEBHOOKS, post, number)
    yield from _counted(KUBERNETES_EVENTS, pulls.kubernetes_events())


def _of_queues(queues: Sequence[QueueFigures], now: float, started_at: float) -> Iterator[Series]:
    if queues:
        yield Series(EVENT_ERRORS, (SQS_MONITOR,), sum(queue.receive_failures for queue in queues))
    for queue in queues:
        yield from _of_queue(queue, now, started_at)


def _of_aws(pulls: Pulls) -> Iterator[Series]:
    lookups, hooks, tagged = pulls.lookups(), pulls.hooks(), pulls.tagged()
    if lookups is not None:
        for what in ("calls", "ids_asked", "cache_hits", "throttled"):
            yield Series(LOOKUPS, (what,), getattr(lookups, what))
    if hooks is not None:
        yield from _of_hooks(hooks)
    if tagged is not None:
        yield Series(TAGGED_NODES, (), tagged.nodes)
        yield Series(TAGGED_INSTANCES, (), tagged.instances)
    for asked, number in pulls.aws_requests().items():
        yield Series(AWS_REQUESTS, asked, number)


def _of_monitor(monitor: MonitorFigures, now: float, started_at: float) -> Iterator[Series]:
    source = monitor.monitor
    yield Series(EVENT_ERRORS, (source,), monitor.failures)
    yield Series(SOURCE_ANSWERS, (source, "ok"), monitor.answers)
    yield Series(SOURCE_ANSWERS, (source, "error"), monitor.failures)
    yield Series(SOURCE_AGE, (source,), _age(monitor.last_answer_at, now, started_at))


def _of_queue(queue: QueueFigures, now: float, started_at: float) -> Iterator[Series]:
    name = queue.queue_url.rpartition("/")[2]
    yield Series(SOURCE_ANSWERS, (name, "ok"), queue.receive_calls)
    yield Series(SOURCE_ANSWERS, (name, "error"), queue.receive_failures)
    yield Series(SOURCE_AGE, (name,), _age(queue.last_answer_at, now, started_at))
    oldest_at = queue.oldest_sent_at
    yield Series(OLDEST_MESSAGE, (name,), 0 if oldest_at is None else max(0.0, now - oldest_at))
    for each in fields(Counts):
        yield Series(QUEUE_MESSAGES, (name, each.name), getattr(queue.counts, each.name))
    for state in ("undecided", "held", "unanswered"):
        yield Series(MESSAGES_IN_HAND, (name, state), getattr(queue, state))


def _of_hooks(hooks: HookFigures) -> Iterator[Series]:
    yield from _counted(HOOKS, hooks.ended)
    yield Series(HOOKS_WAITING, (), hooks.waiting)
    yield Series(HOOKS_STUCK, (), hooks.stuck)


def _age(answered_at: float | None, now: float, started_at: float) -> float:
    return max(0.0, now - (started_at if answered_at is None else answered_at))


def _counted(metric: Metric, numbers: Mapping[str, int]) -> Iterator[Series]:
    for label, number in numbers.items():
        yield Series(metric, (label.replace(" ", "_"),), number)
