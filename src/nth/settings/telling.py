"""The part of the table about reporting: webhooks, events, metrics, probes, log, traces."""

from dataclasses import dataclass

from nth.settings.kinds import (
    ADDRESS,
    BOOL,
    HEADERS,
    PAIRS,
    PATH,
    PORT,
    PROXY,
    TEXT,
    URL,
    URL_PATH,
    choice,
    integer,
    optional,
)
from nth.settings.rows import EVENTS, LOG, SERVERS, WEBHOOK, setting
from nth.settings.words import FORMAT_VERSION, PHASES, WEBHOOK_TEMPLATE, LogLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingSettings:
    """Settings of all kinds of reports."""

    webhook_url: str = setting(
        WEBHOOK,
        optional(URL),
        "",
        "The URL to which reports of interruptions are posted. Empty: none are posted.",
        secret=True,
    )
    webhook_proxy: str = setting(
        WEBHOOK,
        optional(PROXY),
        "",
        "The proxy for webhook posts, e.g. --webhook-proxy=http://proxy.example:3128. "
        "HTTP_PROXY and the like are not used.",
    )
    webhook_headers: str = setting(
        WEBHOOK, HEADERS, '{"Content-type":"application/json"}', "The headers of the posts.", secret=True
    )
    webhook_template: str = setting(
        WEBHOOK,
        TEXT,
        WEBHOOK_TEMPLATE,
        "The body of the posts: a Go text/template with sprig's functions.",
        secret=True,
    )
    webhook_template_file: str = setting(WEBHOOK, PATH, "", "Read the template from this file instead.")
    webhook_phases: str = setting(
        WEBHOOK,
        PHASES,
        "",
        "When to post. Empty: once per interruption, when its drain or cordon has succeeded or failed.",
    )
    webhook_tries: int = setting(
        WEBHOOK, integer(1, 20), 1, "How many times a post is tried. All tries have the same Idempotency-Key."
    )
    webhook_targets_file: str = setting(
        WEBHOOK, PATH, "", "A file with several targets, each with its own filters (docs/webhooks.md)."
    )

    emit_kubernetes_events: bool = setting(
        EVENTS, BOOL, False, "Also report what is done to the node as Kubernetes events."
    )
    kubernetes_events_extra_annotations: str = setting(
        EVENTS, optional(PAIRS), "", "Annotations to add to each of these events."
    )

    enable_node_condition: bool = setting(
        EVENTS,
        BOOL,
        False,
        "Show on the Node, as a condition and an annotation, why it is going away, when, and what "
        "blocks the drain.",
    )

    enable_prometheus_server: bool = setting(
        SERVERS, BOOL, False, "Serve metrics for Prometheus at /metrics."
    )
    prometheus_server_port: int = setting(SERVERS, PORT, 9092, "The port for /metrics.")
    prometheus_server_address: str = setting(
        SERVERS, optional(ADDRESS), "", "The address to listen on for metrics. Empty: all addresses."
    )
    enable_per_node_metrics: bool = setting(
        SERVERS,
        BOOL,
        False,
        "Also count actions per node (actions_node_total). The original has deprecated this metric.",
    )
    enable_probes_server: bool = setting(
        SERVERS, BOOL, False, "Serve the liveness probe, and a readiness probe at /readyz."
    )
    probes_server_port: int = setting(
        SERVERS, PORT, 8080, "The port for the probes. It may be the same as PROMETHEUS_SERVER_PORT."
    )
    probes_server_address: str = setting(
        SERVERS,
        optional(ADDRESS),
        "",
        "The address to listen on for probes. Empty: all addresses. Both servers serve all pages, so "
        "set both addresses if /metrics must not be reachable.",
    )
    probes_server_endpoint: str = setting(SERVERS, URL_PATH, "/healthz", "The path of the liveness probe.")

    log_level: LogLevel = setting(  # noqa: RUF009
        LOG, choice("DEBUG", "INFO", "WARN", "WARNING", "ERROR"), "INFO", "The lowest level that is logged."
    )
    json_logging: bool = setting(LOG, BOOL, False, "Log in JSON instead of text.")
    log_format_version: int = setting(
        LOG, FORMAT_VERSION, 1, "The field with the monitor's name: 1 for event_type, 2 for monitor_type."
    )
    enable_interruption_report: bool = setting(
        LOG, BOOL, True, "At the end of each interruption, log one line from which `nth report` makes a page."
    )
    tracing_endpoint: str = setting(
        LOG,
        optional(URL),
        "",
        "The URL to which a trace of each interruption is sent (OTLP over HTTP, e.g. "
        "http://collector:4318/v1/traces). Needs the extra `tracing`. Empty: no traces.",
    )
