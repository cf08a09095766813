"""One value of the chart, as a line of the table: made of a setting, or written out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nth.settings.rows import Row
from nth.settings.table import BY_NAME
from tools.chart.keys import DAEMON_SET, DEPLOYMENT, KEY_BY_VARIABLE, key_of, workload_of

Schema = Mapping[str, Any]

_VARIABLE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")
# The chart's defaults where they are not the program's: those of the original's chart.
_DEFAULTS: Final[Mapping[str, object]] = {
    "enable_asg_lifecycle_draining": True,
    "log_level": "info",
    "uptime_from_file": "/proc/uptime",
    "metadata_url": "",
    "webhook_headers": "",
    "webhook_template": "",
}
TRUE_TEXTS: Final = ("true", "True", "TRUE", "t", "T", "1")
FALSE_TEXTS: Final = ("false", "False", "FALSE", "f", "F", "0")
"""Go's words: the original reads most booleans from a variable. https://pkg.go.dev/strconv#ParseBool"""
_BOOLEAN: Final[Schema] = {
    "type": ["boolean", "string", "integer"],
    "pattern": f"^$|^({'|'.join((*TRUE_TEXTS, *FALSE_TEXTS))})$",
    "minimum": 0,
    "maximum": 1,
}
NEEDED: Final = frozenset({"probes"})
"""Values that may not be empty: the templates of the original's chart, too, need what is in them."""
_ONLY: Final = {DAEMON_SET: "Metadata mode only. ", DEPLOYMENT: "Queue mode only. "}


@dataclass(frozen=True, slots=True)
class Value:
    """`key` may have dots; `schema` is JSON schema without description; `comment` is plain text."""

    key: str
    default: Any
    comment: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    values: tuple[Value, ...]


def text(key: str, comment: str, default: str = "") -> Value:
    return Value(key, default, comment, {"type": "string"})


def flag(key: str, comment: str, *, default: bool = False) -> Value:
    return Value(key, default, comment, _BOOLEAN)


def mapping(key: str, comment: str, default: Mapping[str, object] | None = None) -> Value:
    """Returns a value for an object of Kubernetes that the chart hands on as it is."""
    return Value(key, dict(default or {}), comment, {"type": "object"})


def words(key: str, comment: str) -> Value:
    """Returns a value for a map of texts: labels, annotations, a node selector."""
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    return Value(key, {}, comment, schema)


def items(key: str, comment: str, default: tuple[Mapping[str, object], ...] = ()) -> Value:
    """Returns a value for a list of objects of Kubernetes."""
    schema = {"type": "array", "items": {"type": "object"}}
    return Value(key, [dict(item) for item in default], comment, schema)


def of_setting(name: str) -> Value:
    """Returns the value of the setting of that name; its comment is the setting's own help."""
    row = BY_NAME[name]
    default = _DEFAULTS.get(name, row.default)
    schema = _BOOLEAN if row.kind.switch else row.kind.schema
    return Value(key_of(row), default, _comment(row), schema)


def or_empty(schema: Schema) -> Schema:
    """Returns a schema that also takes an empty text: `--set x=""` clears a value."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], ""]}
    if "string" not in schema["type"]:
        return {"anyOf": [schema, {"const": ""}]}
    pattern = schema.get("pattern", "")
    return schema if pattern.startswith("^$|") or not pattern else {**schema, "pattern": f"^$|{pattern}"}


def _comment(row: Row) -> str:
    if row.successor:
        other = key_of(BY_NAME[row.successor])
        return f"Deprecated, and has no effect, as in the original's chart: {other} always wins."
    help_text = _VARIABLE.sub(lambda found: KEY_BY_VARIABLE.get(found[0], found[0]), row.help)
    words = "" if help_text.startswith("Metadata mode") else _ONLY.get(workload_of(row), "")
    allowed = "" if row.kind.switch or not row.kind.allowed else f" Allowed: {row.kind.allowed}."
    return words + help_text + allowed
