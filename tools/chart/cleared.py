"""templates/_cleared.tpl: values that users write otherwise than values.yaml does, with the same meaning.

`--set x=""` clears a list, a map or a number, and `--set-string x=true` is a boolean in quotes. The
original's chart takes both: it writes most values into variables, where a text is as good, and skips what is
empty.
"""

from typing import Any, Final

import yaml

from tools.chart.keys import CHARTED, key_of
from tools.chart.table import VALUES
from tools.chart.values import NEEDED, TRUE_TEXTS, Value

CONDITIONS: Final = frozenset(
    {
        "enableSqsTerminationDraining",
        "enablePrometheusServer",
        "enableProbesServer",
        "emitKubernetesEvents",
        "serviceAccount.create",
        "rbac.create",
        "serviceMonitor.create",
        "podMonitor.create",
    }
)
"""The booleans that the original's templates ask with `if`, where any text that is not empty is true."""
_NO_LIMIT: Final = frozenset({"serviceMonitor.sampleLimit", "podMonitor.sampleLimit"})
_HEAD: Final = """\
{{- /* Made by `make docs`; do not edit. Gives values the types of values.yaml, whatever users write. */ -}}
"""
_TEMPLATES: Final = """\
{{- define "nth.typed" }}
{{- $values := .Values }}
{{- range include "nth.types" . | fromYamlArray }}
{{- $holder := $values }}{{ if .in }}{{ $holder = get $values .in }}{{ end }}
{{- if and (kindIs "map" $holder) (or (hasKey $holder .key) (eq .is "condition")) }}
{{- include "nth.typedOne" (dict "holder" $holder "type" . "value" (get $holder .key)) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nth.typedOne" }}
{{- $type := .type }}
{{- if or (eq $type.is "switch") (eq $type.is "condition") }}
{{- if not (kindIs "bool" .value) }}{{ include "nth.typedSwitch" . }}{{ end }}
{{- else if and (kindIs "string" .value) (eq (toString .value) "") }}
{{- if hasKey $type "default" }}{{ $_ := set .holder $type.key $type.default }}
{{- else }}{{ $_ := unset .holder $type.key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nth.typedSwitch" }}
{{- $type := .type }}
{{- $text := ternary "" (toString .value) (kindIs "invalid" .value) }}
{{- if has $text (list %(true)s) }}{{ $_ := set .holder $type.key true }}
{{- else if and $text (eq $type.is "condition") (kindIs "string" .value) }}
{{- $words := "%%s is the text %%q, which Go's templates take for true: write false without quotes" }}
{{- fail (printf $words $type.name $text) }}
{{- else if or $text (eq $type.is "condition") (not $type.variable) }}{{ $_ := set .holder $type.key false }}
{{- else }}{{ $_ := unset .holder $type.key }}
{{- end }}
{{- end }}
"""


def cleared_template() -> str:
    """Returns the templates, and the list of values that they go by."""
    types = yaml.safe_dump([_type(value) for value in VALUES if _kind(value)], sort_keys=False)
    templates = _TEMPLATES % {"true": " ".join(f'"{text}"' for text in TRUE_TEXTS)}
    return f'{_HEAD}{templates}\n{{{{- define "nth.types" }}}}\n{types}{{{{- end }}}}\n'


_IN_A_VARIABLE: Final = frozenset(key_of(row) for row in CHARTED)


def _kind(value: Value) -> str:
    """Returns the kind of value that may be written otherwise; empty: it may not."""
    if value.key in NEEDED:
        return ""
    if isinstance(value.default, bool):
        return "condition" if value.key in CONDITIONS else "switch"
    return "" if isinstance(value.default, str) else "other"


def _type(value: Value) -> dict[str, Any]:
    above, _, key = value.key.rpartition(".")
    found: dict[str, Any] = {"name": value.key, "in": above, "key": key, "is": _kind(value)}
    if isinstance(value.default, bool):
        # An empty variable is not set, and then the program's own default holds.
        return found | {"variable": value.key in _IN_A_VARIABLE}
    if value.key in _NO_LIMIT:
        return found
    return found | {"default": _empty(value)}


def _empty(value: Value) -> object:
    """Returns the meaning of an empty text: nothing, or the program's own default."""
    return type(value.default)() if isinstance(value.default, dict | list) else value.default
