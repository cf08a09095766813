"""The values for objects beside the pods: for the Prometheus operator and Grafana, a network policy."""

from typing import Final

from nth.settings.kinds import PORT, integer
from tools.chart.values import Value, flag, items, text, words

_NUMBER: Final = integer(0).schema
_DURATION: Final = {"type": "string", "pattern": "^$|^([0-9]+(ms|s|m|h|d|w|y))+$"}


def _monitor(kind: str, condition: str) -> tuple[Value, ...]:
    key = kind[0].lower() + kind[1:]
    return (
        flag(f"{key}.create", f"Create a {kind}; needs enablePrometheusServer, and {condition}."),
        text(f"{key}.namespace", "Its namespace; empty: the release's."),
        words(f"{key}.labels", "More labels for it, for instance those that Prometheus selects by."),
        Value(f"{key}.interval", "30s", "How often Prometheus asks.", _DURATION),
        Value(f"{key}.sampleLimit", 5000, "So many samples are accepted; 0: no limit is set.", _NUMBER),
    )


MONITORS: Final = (
    *_monitor("ServiceMonitor", "queue mode"),
    *_monitor("PodMonitor", "metadata mode"),
)
RULES: Final = (
    flag(
        "prometheusRule.create",
        "Create a PrometheusRule with recording rules and alerts; needs enablePrometheusServer.",
    ),
    text("prometheusRule.namespace", "Its namespace; empty: the release's."),
    words("prometheusRule.labels", "More labels for it, for instance those that Prometheus selects by."),
    text("prometheusRule.job", "The label job of our series; empty: as the chart's own monitors make it."),
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
    flag("dashboard.create", "Create a ConfigMap with a Grafana dashboard; needs enablePrometheusServer."),
    text("dashboard.namespace", "Its namespace; empty: the release's."),
    Value(
        "dashboard.labels",
        {"grafana_dashboard": "1"},
        "More labels for it; Grafana's sidecar finds it by them.",
        words("", "").schema,
    ),
)
NETWORK: Final = (
    flag(
        "networkPolicy.create",
        "Create a NetworkPolicy: in, metrics and probes; out, DNS, HTTPS, the API server, the metadata "
        "service. It does not bind pods in the host's network: that needs useHostNetwork=false.",
    ),
    Value(
        "networkPolicy.apiServerPort",
        6443,
        "The API server's own port, besides 443: a policy sees the packet behind the Service.",
        PORT.schema,
    ),
    items("networkPolicy.extraEgress", "More rules for what goes out, e.g. a webhook on another port."),
    items("networkPolicy.extraIngress", "More rules for what comes in."),
)
