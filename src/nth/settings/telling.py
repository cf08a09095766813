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
        WEBHOOK, optional(URL), "", "Where to post what was done. Empty: nowhere.", secret=True
    )
    webhook_proxy: str = setting(
        WEBHOOK,
        optional(PROXY),
        "",
        "The proxy for webhook posts, e.g. --webhook-proxy=http://proxy.example:3128. "
        "HTTP_PROXY and the like are not used.",
    )
    webhook_headers: str = setting(
        WEBHOOK, HEADERS, '{"Content-type":"application/json"}', "The headers of the request.", secret=True
    )
    webhook_template: str = setting(
        WEBHOOK,
        TEXT,
        WEBHOOK_TEMPLATE,
        "The body, as a Go text/template with sprig's functions.",
        secret=True,
    )
    webhook_template_file: str = setting(WEBHOOK, PATH, "", "Read the template from this file instead.")
    webhook_phases: str = setting(
        WEBHOOK,
        PHASES,
        "",
        "When to post. Empty: once for each interruption, when its drain or cordon has succeeded or failed.",
    )
    webhook_tries: int = setting(
        WEBHOOK, integer(1, 20), 1, "How often a post is tried that fails; all have the same Idempotency-Key."
    )
    webhook_targets_file: str = setting(
        WEBHOOK, PATH, "", "A file that names several targets, each with its filters (docs/webhooks.md)."
    )

    emit_kubernetes_events: bool = setting(
        EVENTS, BOOL, False, "Say as Kubernetes events, too, what is done to the node."
    )
    kubernetes_events_extra_annotations: str = setting(
        EVENTS, optional(PAIRS), "", "Annotations that each of these events gets besides our own."
    )

    enable_node_condition: bool = setting(
        EVENTS,
        BOOL,
        False,
        "Say on the Node, as a condition and an annotation, why it goes away, until when, and what blocks.",
    )

    enable_prometheus_server: bool = setting(
        SERVERS, BOOL, False, "Serve metrics for Prometheus at /metrics."
    )
    prometheus_server_port: int = setting(SERVERS, PORT, 9092, "The port of /metrics.")
    prometheus_server_address: str = setting(
        SERVERS, optional(ADDRESS), "", "The address that this port is opened on. Empty: all of them."
    )
    enable_per_node_metrics: bool = setting(
        SERVERS, BOOL, False, "Count actions per node, too (actions_node_total). Deprecated by the original."
    )
    enable_probes_server: bool = setting(
        SERVERS, BOOL, False, "Serve the liveness probe, and the readiness probe at /readyz."
    )
    probes_server_port: int = setting(
        SERVERS, PORT, 8080, "The port of the probes. It may be that of /metrics, too."
    )
    probes_server_address: str = setting(
        SERVERS,
        optional(ADDRESS),
        "",
        "The address that this port is opened on. Empty: all of them. Both ports serve all pages, so bind "
        "both to hide /metrics.",
    )
    probes_server_endpoint: str = setting(SERVERS, URL_PATH, "/healthz", "The path of the liveness probe.")

    log_level: LogLevel = setting(  # noqa: RUF009
        LOG, choice("DEBUG", "INFO", "WARN", "WARNING", "ERROR"), "INFO", "The least level that is logged."
    )
    json_logging: bool = setting(LOG, BOOL, False, "Log lines of JSON instead of text.")
    log_format_version: int = setting(
        LOG, FORMAT_VERSION, 1, "1: the monitor's name is in event_type; 2: in monitor_type."
    )
    enable_interruption_report: bool = setting(
        LOG, BOOL, True, "Log one line at the end of each interruption that `nth report` makes a page of."
    )
    tracing_endpoint: str = setting(
        LOG,
        optional(URL),
        "",
        "Where to send a trace of each interruption (OTLP over HTTP, e.g. http://collector:4318/v1/traces). "
        "Needs the extra `tracing`. Empty: nowhere.",
    )
