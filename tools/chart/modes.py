"""templates/_modes.tpl: the values that matter in one mode only, for what NOTES.txt says of them."""

from typing import Any, Final

import yaml

from tools.chart import keys, pods
from tools.chart.keys import CHARTED, key_of, workload_of
from tools.chart.table import VALUES
from tools.chart.values import Value

_MODES: Final = {keys.DAEMON_SET: "metadata", keys.DEPLOYMENT: "queue"}
_OF_PODS: Final = {
    **dict.fromkeys((value.key for value in (*pods.DAEMON_SET, *pods.WINDOWS)), "metadata"),
    **dict.fromkeys((value.key for value in pods.DEPLOYMENT), "queue"),
    **dict.fromkeys(("awsAccessKeyID", "awsSecretAccessKey"), "queue"),
}
# Deprecated ones have no effect in either mode.
_OF_SETTINGS: Final = {key_of(row): _MODES.get(workload_of(row), "") for row in CHARTED if not row.successor}
_HEAD: Final = """\
{{- /* Made by `make docs`; do not edit. The values that matter in one mode only, with their defaults. */ -}}
{{- define "nth.oneModeOnly" }}
"""


def mode_of(value: Value) -> str:
    """Returns the only mode in which it has an effect, `metadata` or `queue`; empty: both, or none."""
    return _OF_PODS.get(value.key) or _OF_SETTINGS.get(value.key, "")


def modes_template() -> str:
    """Returns one template, a list of values."""
    listed = [_entry(value) for value in VALUES if mode_of(value)]
    return f"{_HEAD}{yaml.safe_dump(listed, sort_keys=False)}{{{{- end }}}}\n"


def _entry(value: Value) -> dict[str, Any]:
    above, _, key = value.key.rpartition(".")
    return {
        "name": value.key,
        "in": above,
        "key": key,
        "mode": mode_of(value),
        "default": value.default,
    }
