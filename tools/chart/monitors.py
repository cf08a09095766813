"""The values for objects beside the pods: for the Prometheus operator and Grafana, a network policy."""

from typing import Final

from nth.settings.kinds import PORT, integer
from tools.chart.values import Value, flag, items, text, words

_NUMBER: Final = integer(0).schema
_DURATION: Final = {"type": "string", "pattern": "^$|^([0-9]+(ms|s|m|h|d|w|y))+$"}


def _monitor(kind: str, condition: str) -> tuple[Value, ...]:
    key = kind[0].lower() + kind[1:]
    return (
        flag(f"{key}.create", f"Create a {kind}. Needs enablePrometheusServer and {condition}."),
        text(f"{key}.namespace", "Its namespace. Empty: that of the release."),
        words(f"{key}.labels", "Additional labels for it, such as those by which Prometheus selects."),
        Value(f"{key}.interval", "30s", "How often Prometheus scrapes.", _DURATION),
        Value(f"{key}.sampleLimit", 5000, "The most samples that a scrape may have. 0: no limit.", _NUMBER),
    )


MONITORS: Final = (
    *_monitor("ServiceMonitor", "queue mode"),
    *_monitor("PodMonitor", "metadata mode"),
)
RULES: Final = (
    flag(
        "prometheusRule.create",
        "Create a PrometheusRule with recording rules and alerts. Needs enablePrometheusServer.",
    ),
    text("prometheusRule.namespace", "Its namespace. Empty: that of the release."),
    words("prometheusRule.labels", "Additional labels for it, such as those by which Prometheus selects."),
    text(
        "prometheusRule.job",
        "The label job of the handler's series. Empty: as the chart's own monitors set it.",
    ),
    Value(
        "prometheusRule.runbookURL",
        "",
        "The absolute URL of the page of runbooks; each alert links to its section there. Empty: "
        "docs/runbooks.md in the repository that Chart.yaml names as its home.",
        {"type": "string", "pattern": "^$|^https?://"},
    ),
    Value(
        "prometheusRule.forcedPods", 0, "Alert when more pods than this are forced within an hour.", _NUMBER
    ),
    Value(
        "prometheusRule.marginSeconds",
        10,
        "Alert when drains end less than this many seconds before their deadline.",
        _NUMBER,
    ),
    Value(
        "prometheusRule.sourceSilentSeconds",
        60,
        "Alert when the metadata service or SQS has not answered for this many seconds.",
        _NUMBER,
    ),
    Value(
        "prometheusRule.queueAgeSeconds",
        1800,
        "Alert when a message has been in hand for this many seconds.",
        _NUMBER,
    ),
)
DASHBOARD: Final = (
    flag("dashboard.create", "Create a ConfigMap with a Grafana dashboard. Needs enablePrometheusServer."),
    text("dashboard.namespace", "Its namespace. Empty: that of the release."),
    Value(
        "dashboard.labels",
        {"grafana_dashboard": "1"},
        "Additional labels for it, by which Grafana's sidecar finds it.",
        words("", "").schema,
    ),
)
NETWORK: Final = (
    flag(
        "networkPolicy.create",
        "Create a NetworkPolicy. It lets in requests for metrics and probes, and lets out DNS, HTTPS, and "
        "requests to the API server and the metadata service. It has no effect on pods in the host's "
        "network, "
        "so set useHostNetwork=false.",
    ),
    Value(
        "networkPolicy.apiServerPort",
        6443,
        "The port on which the API server itself listens: network policies apply behind the Service, "
        "whose port is 443.",
        PORT.schema,
    ),
    items("networkPolicy.extraEgress", "Additional egress rules, e.g. for a webhook on another port."),
    items("networkPolicy.extraIngress", "Additional ingress rules."),
)
