"""Every metric: its name, kind, labels, and meaning. docs/metrics.md is tested against this table.

Names without `nth_` (and the two of tagged machines) are the original handler's, with its labels.
A label is bounded by what it names (a verb, a kind of event) or by `limit`.
https://prometheus.io/docs/practices/naming/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from nth.report.metrics.histogram import REQUEST_BOUNDS

OTHER: Final = "other"
"""A label's value beyond its metric's limit."""
SCOPE: Final[Mapping[str, str]] = {
    "otel_scope_name": "aws.node.termination.handler",
    "otel_scope_version": "",
}
"""Labels of the original's metrics, and of no other."""


class Kind(Enum):
    """https://prometheus.io/docs/concepts/metric_types/"""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. Label values are given in the order of `labels`."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Of a histogram's buckets, ascending; +Inf comes by itself."""
    limit: int = 0
    """So many label sets are kept apart; 0 = the labels' values are bounded by themselves."""
    merged: tuple[str, ...] = ()
    """The labels that say `other` beyond the limit."""
    scoped: bool = False
    """True if it is the original's, and carries SCOPE."""


STEP_BOUNDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600)
MARGIN_BOUNDS = (-60, -10, 0, 2, 5, 10, 20, 30, 60, 90, 120, 300, 600)
MAX_NODE_SERIES = 1000
MAX_BUDGETS = 100


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=name, kind=Kind.COUNTER, help=text, labels=labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=name, kind=Kind.GAUGE, help=text, labels=labels)


def _steps(name: str, text: str) -> Metric:
    return Metric(name=name, kind=Kind.HISTOGRAM, help=text, labels=("kind",), bounds=STEP_BOUNDS)


# The original's

ACTIONS = Metric(
    name="actions_total",
    kind=Kind.COUNTER,
    help="Number of actions",
    labels=("node_action", "node_status"),
    scoped=True,
)
NODE_ACTIONS = Metric(
    name="actions_node_total",
    kind=Kind.COUNTER,
    help="Number of actions per node (deprecated)",
    labels=("node_action", "node_event_id", "node_name", "node_status"),
    limit=MAX_NODE_SERIES,
    merged=("node_event_id", "node_name"),
    scoped=True,
)
EVENT_ERRORS = Metric(
    name="events_error_total",
    kind=Kind.COUNTER,
    help="Number of errors in events processing",
    labels=("event_error_where",),
    scoped=True,
)
TAGGED_NODES = Metric(
    name="nth_tagged_nodes", kind=Kind.GAUGE, help="Nodes whose instance has the managed tag", scoped=True
)
TAGGED_INSTANCES = Metric(
    name="nth_tagged_instances", kind=Kind.GAUGE, help="EC2 instances with the managed tag", scoped=True
)

# How well interruptions end

SEEN = _steps("nth_notice_to_seen_seconds", "From AWS's notice until it was seen here")
CORDONED = _steps("nth_notice_to_cordoned_seconds", "From a notice seen until the node was cordoned")
DRAINED = _steps("nth_notice_to_drained_seconds", "From a notice seen until the node was proven empty")
REPLACED = _steps("nth_notice_to_replaced_seconds", "From a notice seen until all pods were Ready elsewhere")
MARGIN = Metric(
    name="nth_deadline_margin_seconds",
    kind=Kind.HISTOGRAM,
    help="From the end of a drain to its deadline; negative = too late",
    labels=("kind",),
    bounds=MARGIN_BOUNDS,
)
INTERRUPTIONS = _counter("nth_interruptions_total", "Interruptions by how they ended", "kind", "result")
MISSED = _counter("nth_missed_deadlines_total", "Interruptions whose deadline came before the drain's end")
FEWER = _counter(
    "nth_ended_with_fewer_pods_total",
    "Interruptions after which controllers had fewer Ready pods than before, with nothing seen missing",
)
PODS_LEFT = _counter("nth_pods_left_total", "Pods of interrupted nodes by how they left", "how")
PODS = _counter("nth_pods_total", "Pods of interrupted nodes by what became of them", "outcome")
BLOCKED = Metric(
    name="nth_evictions_blocked_total",
    kind=Kind.COUNTER,
    help="Pods whose eviction was refused, by the budget that refused it; empty: something else did",
    labels=("namespace", "budget"),
    limit=MAX_BUDGETS,
    merged=("namespace", "budget"),
)
SESSIONS = _gauge("nth_active_sessions", "Nodes that are being handled, by phase", "phase")

# Sources

SOURCE_AGE = _gauge("nth_source_last_answer_age_seconds", "Since a source last answered well", "source")
SOURCE_ANSWERS = _counter(
    "nth_source_answers_total", "What a source was asked, by result", "source", "result"
)
OLDEST_MESSAGE = _gauge(
    "nth_queue_oldest_message_age_seconds", "Age of the oldest message in hand; 0 = none", "queue"
)
QUEUE_MESSAGES = _counter("nth_queue_messages_total", "Messages by what happened to them", "queue", "what")
MESSAGES_IN_HAND = _gauge(
    "nth_queue_messages_in_hand", "Messages received and not yet done with", "queue", "state"
)
ITEMS = _counter("nth_queue_items_total", "What messages said, by what became of it", "result")
LOOKUPS = _counter("nth_instance_lookups_total", "Questions about instances", "what")

# Requests, and messages to others

KUBERNETES_REQUESTS = _counter("nth_kubernetes_requests_total", "Requests to the API server", "verb", "code")
KUBERNETES_SECONDS = Metric(
    name="nth_kubernetes_request_seconds",
    kind=Kind.HISTOGRAM,
    help="Until the API server answered, without the wait for a turn",
    labels=("verb",),
    bounds=REQUEST_BOUNDS,
)
AWS_REQUESTS = _counter("nth_aws_requests_total", "Requests to AWS", "service", "operation", "code")
HOOKS = _counter("nth_hooks_total", "Lifecycle actions that are over, by how they ended", "outcome")
HOOKS_WAITING = _gauge("nth_hooks_waiting", "Lifecycle actions that wait for us")
HOOKS_STUCK = _gauge("nth_hooks_stuck", "Those of them that AWS does not let us prolong or complete")
WEBHOOKS = _counter("nth_webhook_posts_total", "Webhook posts", "target", "result")
KUBERNETES_EVENTS = _counter("nth_kubernetes_events_total", "Kubernetes events", "result")
BUILD = _gauge("nth_build_info", "Always 1; the labels tell what runs", "mode", "version")

# Of this module's names, those that are metrics: none can be forgotten.
METRICS: Final[tuple[Metric, ...]] = tuple(
    value for value in tuple(globals().values()) if isinstance(value, Metric)
)
"""In the order in which they are served."""
