"""templates/_defaults.tpl: the values that the original's chart lacks, for `helm upgrade --reuse-values`.

It takes all values from the release, and none from the new chart: https://helm.sh/docs/helm/helm_upgrade/.
The original's values stay what the release says, even where a user has taken a default away with null.
"""

from typing import Final

import yaml

from nth.core.notices.kinds import KINDS
from nth.settings.table import BY_NAME
from tools.chart.documents import defaults
from tools.chart.keys import key_of

ADDED: Final = (
    "scheduledEventDrainAt",
    *dict.fromkeys(key_of(BY_NAME[kind.action_setting]) for kind in KINDS),
    "rebalanceUncordonAfter",
    "taintEffect",
    "deadlineReserveSeconds",
    "forcePolicy",
    "shutdownGracePeriod",
    "workersPerGroup",
    "groupLabel",
    "notForUsMessages",
    "unreadableMessages",
    "lifecycleActionResult",
    "heartbeatAuto",
    "metadataPollInterval",
    "kubernetesServiceHost",
    "kubernetesServicePort",
    "kubeApiQps",
    "kubeApiBurst",
    "useApiserverCache",
    "webhookPhases",
    "webhookTries",
    "webhookHeadersSecretName",
    "webhookTargetsSecretName",
    "enableNodeCondition",
    "enablePerNodeMetrics",
    "prometheusServerAddress",
    "probesServerAddress",
    "enableInterruptionReport",
    "tracingEndpoint",
    "readinessProbe",
    "admissionPolicy",
    "windowsImage",
    "prometheusRule",
    "dashboard",
    "networkPolicy",
)
"""The values, whole groups among them, that no release of the original's chart has."""
_HEAD = """\
{{- /* Made by `make docs`; do not edit. `helm upgrade --reuse-values` brings none of a new chart's defaults.
       nth.complete adds those that the original's lacks; each template that needs one begins with it. */ -}}
{{- define "nth.complete" }}
{{- include "nth.fill" (list .Values (include "nth.added" . | fromYaml)) }}
{{- include "nth.typed" . }}
{{- end }}

{{- define "nth.fill" }}
{{- $values := index . 0 }}
{{- range $key, $default := index . 1 }}
{{- if not (hasKey $values $key) }}{{ $_ := set $values $key $default }}
{{- else if and (kindIs "map" $default) (kindIs "map" (get $values $key)) }}
{{- include "nth.fill" (list (get $values $key) $default) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nth.added" }}
"""


def defaults_template() -> str:
    """Returns one template with the defaults, and one that sets absent values."""
    known = defaults()
    added = yaml.safe_dump({key: known[key] for key in ADDED}, sort_keys=False)
    return f"{_HEAD}{added}{{{{- end }}}}\n"
