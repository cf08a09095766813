"""Writes values.schema.json of the chart: what helm takes before it renders anything.

The rules of a value count only where its feature is on: the original's chart ignores it elsewhere, and so
does the program. Its type always counts.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from tools.chart.modes import mode_of
from tools.chart.table import VALUES
from tools.chart.values import NEEDED, TRUE_TEXTS, Schema, Value, or_empty

_UMBRELLA: Final = {
    "global": {"type": "object", "description": "Values of a parent chart; not used here."},
    "enabled": {"type": "boolean", "description": "For a parent chart's condition; not used here."},
}
_ON: Final = {"enum": [True, *TRUE_TEXTS]}
_FEATURE_BY_KEY: Final = {
    "prometheusServerPort": "metrics",
    "prometheusServerAddress": "metrics",
    "webhookProxy": "webhook",
}


def _has(key: str, schema: Schema) -> Schema:
    return {"properties": {key: schema}, "required": [key]}


_WEBHOOKS: Final = ("webhookURL", "webhookURLSecretName", "webhookTargetsSecretName")
_FEATURES: Final[Mapping[str, Schema]] = {
    "queue": _has("enableSqsTerminationDraining", _ON),
    "metadata": {"not": _has("enableSqsTerminationDraining", _ON)},
    "metrics": _has("enablePrometheusServer", _ON),
    "webhook": {"anyOf": [_has(key, {"type": "string", "minLength": 1}) for key in _WEBHOOKS]},
}
"""What holds where a feature is on."""


def schema_json() -> str:
    """Returns the JSON schema, draft 7, which every helm 3 reads."""
    properties: dict[str, Any] = {}
    strict: dict[str, dict[str, Schema]] = {feature: {} for feature in _FEATURES}
    for value in VALUES:
        above, _, name = value.key.rpartition(".")
        holder = properties
        if above:
            closed = {"type": "object", "additionalProperties": False, "properties": {}}
            holder = properties.setdefault(above, closed)["properties"]
        schema = _schema(value)
        feature = "" if above else _feature_of(value, schema)
        if feature:
            strict[feature][name] = schema
        holder[name] = {"description": value.comment, **({"type": schema["type"]} if feature else schema)}
    document = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": False,
        "properties": {**properties, **_UMBRELLA},
        "allOf": [
            {"if": _FEATURES[feature], "then": {"properties": schemas}} for feature, schemas in strict.items()
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _feature_of(value: Value, schema: Schema) -> str:
    """Returns the feature without which the value has no effect; empty: all its rules always count."""
    if not {"pattern", "minimum", "maximum"} & schema.keys() or isinstance(value.default, bool):
        return ""
    return mode_of(value) or _FEATURE_BY_KEY.get(value.key, "")


def _schema(value: Value) -> Schema:
    """Returns what helm takes: an empty text, too, and null where a text has no default.

    The original's chart has null there, and a release hands it on.
    """
    if value.key in NEEDED:
        return value.schema
    schema = or_empty(value.schema)
    kinds = schema.get("type", ())
    nullable = [kinds, "null"] if isinstance(kinds, str) else [*kinds, "null"]
    return {**schema, "type": nullable} if value.default == "" and kinds else schema
