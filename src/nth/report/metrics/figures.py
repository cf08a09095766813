"""The figures that a part keeps about itself, as a scrape reads them: plain values, without metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

from nth.core.queue.visibility_words import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorFigures:
    """One document of the metadata service; counts since the start."""

    monitor: str
    answers: int
    """Usable answers, "there is none" (404) included."""
    notices: int
    failures: int
    """Polls without a usable answer, bad documents included."""
    bad_documents: int
    """Answers that are not the document they should be, or have a part that is not."""
    last_answer_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """One queue's figures."""

    queue_url: str
    counts: Counts
    receive_calls: int
    """Receive calls that were answered."""
    receive_failures: int
    receivers: int
    """Receive calls that run side by side."""
    undecided: int
    held: int
    unanswered: int
    """Messages that are settled or given back, which the queue has not confirmed."""
    oldest_sent_at: float | None
    """When the oldest undecided or held message was sent."""
    last_answer_at: float | None


@dataclass(slots=True)
class LookupFigures:
    """Questions to EC2 about instances; counts since the start."""

    calls: int = 0
    ids_asked: int = 0
    cache_hits: int = 0
    throttled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFigures:
    """Lifecycle actions: those that are over by outcome, those under way, and the stuck ones of these."""

    ended: Mapping[str, int]
    waiting: int
    stuck: int


@dataclass(frozen=True, slots=True)
class TaggedFigures:
    """Counts of the instances that have the managed tag, and of the nodes on them."""

    instances: int
    nodes: int
