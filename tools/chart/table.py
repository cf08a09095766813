"""The chart's values, all of them, in the order of values.yaml.

Names and defaults are those of the original's chart (0.27); what it lacks is marked as new in its comment
only where that matters. Values that are settings are worded in `nth.settings.table`.
"""

from typing import Final

from nth.settings.rows import (
    AWS,
    DRAIN,
    EVENTS,
    KUBERNETES,
    LOG,
    METADATA,
    MODE,
    NODE,
    NOTICES,
    QUEUE,
    SERVERS,
    WEBHOOK,
)
from tools.chart.keys import CHARTED
from tools.chart.monitors import DASHBOARD, MONITORS, NETWORK, RULES
from tools.chart.pods import ACCOUNT, DAEMON_SET, DEPLOYMENT, IMAGE, PODS, PROBES, WINDOWS
from tools.chart.values import Section, Value, of_setting, text

_TESTING: Final = (
    text("awsAccessKeyID", "For tests only. Use EKS Pod Identity or IRSA to give the handler its role."),
    text("awsSecretAccessKey", "For tests only."),
)
_TEMPLATE_FILE: Final = (
    text("webhookURLSecretName", "The Secret with the URL under the key webhookurl. Overrides webhookURL."),
    text(
        "webhookHeadersSecretName",
        "The Secret with the headers under the key webhookheaders. Overrides webhookHeaders.",
    ),
    text("webhookTemplateConfigMapName", "The ConfigMap with the template. Overrides webhookTemplate."),
    text("webhookTemplateConfigMapKey", "The key of the template in that ConfigMap."),
    text(
        "webhookTargetsSecretName",
        "The Secret with several targets and their filters under the key targets.yaml (docs/webhooks.md).",
    ),
)


def _settings(*groups: str) -> tuple[Value, ...]:
    return tuple(of_setting(row.name) for group in groups for row in CHARTED if row.group == group)


SECTIONS: Final = (
    Section("Image and names", IMAGE),
    Section("Mode", _settings(MODE)),
    Section("Service account and rights", ACCOUNT),
    Section("Which notices are acted on", _settings(NOTICES)),
    Section("What is done to the node", _settings(NODE)),
    Section("The drain", _settings(DRAIN)),
    Section("Queue mode", (*_settings(QUEUE, AWS), *_TESTING)),
    Section("Metadata mode", _settings(METADATA)),
    Section("Kubernetes API", _settings(KUBERNETES)),
    Section("Webhook", (*_settings(WEBHOOK), *_TEMPLATE_FILE)),
    Section("Kubernetes events", _settings(EVENTS)),
    Section("Log, metrics, probes", (*_settings(LOG, SERVERS), *PROBES)),
    Section("Pods of both modes", PODS),
    Section("The DaemonSet of metadata mode", DAEMON_SET),
    Section("Windows nodes", WINDOWS),
    Section("The Deployment of queue mode", DEPLOYMENT),
    Section("Prometheus operator and Grafana", (*MONITORS, *RULES, *DASHBOARD)),
    Section("Network policy", NETWORK),
)
VALUES: Final = tuple(value for section in SECTIONS for value in section.values)
