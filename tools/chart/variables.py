"""Writes templates/_settings.tpl: the variables of the container, one for each setting that is a value."""

from collections.abc import Iterator

from nth.settings.rows import Row
from tools.chart.keys import BOTH, CHARTED, DAEMON_SET, DEPLOYMENT, key_of, workload_of

_HEAD = """\
{{- /* Made by `make docs`; do not edit. The variables of the settings, as a list of names and values. */ -}}
"""
# The template has these itself: they come from Secrets and ConfigMaps, or tell the modes apart.
_BY_HAND = frozenset(
    {
        "enable_sqs_termination_draining",
        "enable_probes_server",
        "webhook_url",
        "webhook_headers",
        "webhook_template",
    }
)


def settings_template() -> str:
    """Returns a named template for what both workloads have, and one for each workload's own."""
    return _HEAD + "\n".join(_define(workload) for workload in (BOTH, DAEMON_SET, DEPLOYMENT))


def _define(workload: str) -> str:
    rows = [row for row in CHARTED if workload_of(row) == workload and row.name not in _BY_HAND]
    lines = "".join(line for row in rows for line in _variable(row))
    return f'{{{{- define "nth.settings.{workload.lower()}" }}}}\n{lines}{{{{- end }}}}\n'


def _variable(row: Row) -> Iterator[str]:
    if row.successor:
        return
    value = f".Values.{key_of(row)}"
    if isinstance(row.default, int) and not row.kind.switch:
        value = f'include "nth.whole" {value}'
    yield f"- name: {row.variable}\n  value: {{{{ {value} | quote }}}}\n"
