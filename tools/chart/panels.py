"""The panels of the Grafana dashboard: titles, queries, units. `dashboard` makes Grafana's JSON of them."""

from dataclasses import dataclass
from typing import Final, Literal

STEP: Final = "$__rate_interval"
RANGE: Final = "$__range"
"""Grafana puts a duration in for these: two scrapes or more, and the whole range."""

ONE: Final = "node, pod, instance"
NAMED: Final = "{{node}} {{pod}} ({{instance}})"
"""The labels of one handler, and how a curve names it. Only the chart's own monitors give node and pod."""

Kind = Literal["timeseries", "stat"]


@dataclass(frozen=True, slots=True)
class Query:
    """One query; `legend` names the curve, with {{label}} for a label's value."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`unit` is one of Grafana's: https://grafana.com/docs/grafana/latest/panels-visualizations/."""

    title: str
    text: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: Kind = "timeseries"
    stacked: bool = False
    bad_above: float | None = None
    """The value above which it is red."""
    bad_below: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


def series(name: str, *matchers: str) -> str:
    """Returns a query for a metric of the chosen jobs."""
    matching = ", ".join(('job=~"$job"', *matchers))
    return f"{name}{{{matching}}}"


def count(name: str, *matchers: str, by: str, within: str = STEP) -> str:
    """Returns a query for its increase within that time."""
    return f"sum by ({by}) (increase({series(name, *matchers)}[{within}]))"


def quantile(share: float, name: str, *, by: str = "", within: str = "1h") -> str:
    """Returns a query for a quantile of a histogram."""
    labels = ", ".join(label for label in (by, "le") if label)
    return f"histogram_quantile({share}, {count(f'{name}_bucket', by=labels, within=within)})"


def _ranged(name: str, legend: str, *matchers: str) -> tuple[Query, ...]:
    label = legend.strip("{}")
    return (Query(count(name, *matchers, by=label, within=RANGE), legend),)


MADE_IT: Final = Row(
    "Did we make it?",
    (
        Panel(
            title="Interruptions",
            text="In the time range shown, by how they ended.",
            kind="stat",
            queries=_ranged("nth_interruptions_total", "{{result}}"),
        ),
        Panel(
            title="Missed deadlines",
            text="In the time range shown. Each has a report in the log.",
            kind="stat",
            queries=(Query(f"sum(increase({series('nth_missed_deadlines_total')}[{RANGE}]))", "missed"),),
            bad_above=0.5,
        ),
        Panel(
            title="Pods",
            text="Of interrupted nodes, by what became of them.",
            kind="stat",
            queries=_ranged("nth_pods_total", "{{outcome}}"),
        ),
        Panel(
            title="Margin",
            text="From the end of a drain to its deadline; one drain in twenty had less. Negative: too late.",
            kind="stat",
            unit="s",
            queries=(Query(quantile(0.05, "nth_deadline_margin_seconds", within=RANGE), "5 %"),),
            bad_below=10,
        ),
        Panel(
            title="From a notice to ...",
            text="95 of 100 interruptions of the last hour took no longer.",
            unit="s",
            queries=tuple(
                Query(quantile(0.95, f"nth_notice_to_{step}_seconds"), step)
                for step in ("seen", "cordoned", "drained", "replaced")
            ),
        ),
        Panel(
            title="Margin to the deadline",
            text='Of the last hour\'s drains: one in twenty had less than "5 %", half less than "half".',
            unit="s",
            queries=(
                Query(quantile(0.05, "nth_deadline_margin_seconds"), "5 %"),
                Query(quantile(0.5, "nth_deadline_margin_seconds"), "half"),
            ),
        ),
        Panel(
            title="Pods by outcome",
            text="lost: there when the machine went, or not replaced at the end. ended: nothing replaces it.",
            stacked=True,
            queries=(Query(count("nth_pods_total", by="outcome"), "{{outcome}}"),),
        ),
    ),
)
NOW: Final = Row(
    "Now",
    (
        Panel(
            title="Nodes that are being handled",
            text="By phase. If one is draining for minutes, something blocks it.",
            stacked=True,
            queries=(Query(f"sum by (phase) ({series('nth_active_sessions')})", "{{phase}}"),),
        ),
        Panel(
            title="Pods blocked by budgets",
            # A budget's counter begins with its first refusal, so an increase would not show that one.
            text="Since the handlers started, counted once for each pod and budget; the ten worst budgets.",
            queries=(
                Query(
                    f"topk(10, sum by (namespace, budget) ({series('nth_evictions_blocked_total')}))",
                    "{{namespace}}/{{budget}}",
                ),
            ),
        ),
        Panel(
            title="Actions",
            text="What was done to nodes, as the original handler counts it.",
            queries=(
                Query(
                    count("actions_total", by="node_action, node_status"), "{{node_action}} {{node_status}}"
                ),
            ),
        ),
    ),
)
SOURCES: Final = Row(
    "Sources",
    (
        Panel(
            title="Since a source last answered well",
            text="The ten handlers that have waited longest. Over 60 s: that handler hears nothing.",
            unit="s",
            queries=(
                Query(
                    f"topk(10, max by (source, {ONE}) ({series('nth_source_last_answer_age_seconds')}))",
                    f"{{{{source}}}} {NAMED}",
                ),
            ),
            bad_above=60,
        ),
        Panel(
            title="Answers of sources",
            text="Polls a second, by result.",
            unit="reqps",
            queries=(
                Query(
                    f"sum by (source, result) (rate({series('nth_source_answers_total')}[{STEP}]))",
                    "{{source}} {{result}}",
                ),
            ),
        ),
        Panel(
            title="Oldest message in hand",
            text="Queue mode. It grows while a drain is running.",
            unit="s",
            queries=(
                Query(f"max by (queue) ({series('nth_queue_oldest_message_age_seconds')})", "{{queue}}"),
            ),
        ),
        Panel(
            title="Messages in hand",
            text="Queue mode. held: a drain is running; unanswered: done, but AWS has not confirmed it.",
            stacked=True,
            queries=(Query(f"sum by (state) ({series('nth_queue_messages_in_hand')})", "{{state}}"),),
        ),
        Panel(
            title="What happened to messages",
            text="Queue mode.",
            queries=(Query(count("nth_queue_messages_total", by="what"), "{{what}}"),),
        ),
        Panel(
            title="What messages said",
            text="Queue mode.",
            queries=(Query(count("nth_queue_items_total", by="result"), "{{result}}"),),
        ),
    ),
)
REQUESTS: Final = Row(
    "Requests, hooks, notifications",
    (
        Panel(
            title="Requests to the API server",
            text="Requests a second, by verb and status. 403: a right is missing; 429 to evict: budgets.",
            unit="reqps",
            queries=(
                Query(
                    f"sum by (verb, code) (rate({series('nth_kubernetes_requests_total')}[{STEP}]))",
                    "{{verb}} {{code}}",
                ),
            ),
        ),
        Panel(
            title="The API server's answers",
            text="99 of 100 requests of the last hour took no longer.",
            unit="s",
            queries=(Query(quantile(0.99, "nth_kubernetes_request_seconds", by="verb"), "{{verb}}"),),
        ),
        Panel(
            title="Requests to AWS",
            text="Queue mode. Requests a second, by operation and result.",
            unit="reqps",
            queries=(
                Query(
                    f"sum by (operation, code) (rate({series('nth_aws_requests_total')}[{STEP}]))",
                    "{{operation}} {{code}}",
                ),
            ),
        ),
        Panel(
            title="Lifecycle hooks",
            text="Queue mode. Hooks that wait for us, those of them that are stuck, how the others ended.",
            queries=(
                Query(f"sum({series('nth_hooks_waiting')})", "waiting"),
                Query(f"sum({series('nth_hooks_stuck')})", "stuck"),
                Query(count("nth_hooks_total", by="outcome"), "{{outcome}}"),
            ),
        ),
        Panel(
            title="Webhook posts",
            text="By target and result.",
            queries=(Query(count("nth_webhook_posts_total", by="target, result"), "{{target}} {{result}}"),),
        ),
        Panel(
            title="Kubernetes events",
            text="By result.",
            queries=(Query(count("nth_kubernetes_events_total", by="result"), "{{result}}"),),
        ),
    ),
)
HANDLERS: Final = Row(
    "Handlers",
    (
        Panel(
            title="Running handlers",
            text="Handlers that Prometheus scrapes, by mode and version.",
            queries=(
                Query(
                    f"count by (mode, version) ({series('nth_build_info')})",
                    "{{mode}} {{version}}",
                ),
            ),
        ),
        Panel(
            title="Nodes and instances with the managed tag",
            text="Queue mode. If these are fewer than your nodes: nodes without the tag are not drained.",
            queries=(
                Query(f"max({series('nth_tagged_nodes')})", "nodes"),
                Query(f"max({series('nth_tagged_instances')})", "instances"),
            ),
        ),
        Panel(
            title="Memory",
            text="Resident; the three largest, and the median of all handlers.",
            unit="bytes",
            queries=(
                Query(f"topk(3, max by ({ONE}) ({series('process_resident_memory_bytes')}))", NAMED),
                Query(f"quantile(0.5, {series('process_resident_memory_bytes')})", "median"),
            ),
        ),
    ),
)
ROWS: Final = (MADE_IT, NOW, SOURCES, REQUESTS, HANDLERS)
