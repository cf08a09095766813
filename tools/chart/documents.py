"""Writes values.yaml and README.md of the chart, from the table."""

import json
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

import yaml

from tools.chart.table import SECTIONS
from tools.chart.values import Value

_WIDTH = 108
_VALUES_HEAD = """\
# The values of the chart aws-node-termination-handler, with their defaults.
# Made by `make docs`; do not edit. values.schema.json holds what is allowed; an unknown value is an error.
"""
_README_HEAD = """\
# The chart aws-node-termination-handler

<!-- Made by `make docs`; do not edit. -->

Installs the AWS Node Termination Handler on Kubernetes 1.29 or later: a DaemonSet (metadata mode, the
default), or with `enableSqsTerminationDraining=true` a Deployment that reads an SQS queue (queue mode).

```sh cluster
helm upgrade --install aws-node-termination-handler --namespace kube-system \\
  --set image.repository=MY_REGISTRY/aws-node-termination-handler nth/aws-node-termination-handler
```

[docs/install.md](../../docs/install.md) describes the installation in both modes,
[docs/upgrading.md](../../docs/upgrading.md) how to take over a release of the original's chart, and
[docs/permissions.md](../../docs/permissions.md) what each right is for.

## Values

All values of the original's chart 0.27 are here, with the same names and defaults. helm refuses unknown
values and values of a wrong type. Numbers and booleans may be in quotes, and `--set x=""` clears a value,
as in the original's chart. A `false` in quotes is refused for those values that the original's templates
read with `if`, where it would mean true. After an installation, helm's notes name values that have no
effect.
"""


def values_yaml() -> str:
    """Returns the whole file."""
    return "\n".join((_VALUES_HEAD, *_sections())) + "\n"


def _sections() -> Iterator[str]:
    for section in SECTIONS:
        lines = [f"# --- {section.title} ---", ""]
        parent = ""
        for value in section.values:
            above, _, name = value.key.rpartition(".")
            if above and above != parent:
                lines.append(f"{above}:")
            parent = above
            indent = "  " if above else ""
            lines += [f"{indent}# {line}" for line in wrap(value.comment, _WIDTH, break_on_hyphens=False)]
            lines += [f"{indent}{line}" for line in _assigned(name, value.default)]
            if not above:
                lines.append("")
        yield "\n".join(lines).rstrip() + "\n"


def _assigned(name: str, default: object) -> list[str]:
    if default == "":
        return [f'{name}: ""']
    return yaml.safe_dump({name: default}, sort_keys=False, width=_WIDTH).splitlines()


def readme() -> str:
    """Returns the chart's README.md."""
    return "\n".join((_README_HEAD, *map(_table, SECTIONS)))


def _table(section: Any) -> str:
    lines = [f"### {section.title}", "", "| Value | Default | What it is |", "|---|---|---|"]
    lines += [f"| `{value.key}` | {_cell(value)} | {_escaped(value.comment)} |" for value in section.values]
    return "\n".join(lines) + "\n"


def _cell(value: Value) -> str:
    return f"`{_escaped(json.dumps(value.default))}`"


def _escaped(words: str) -> str:
    return words.replace("|", "\\|").replace("<", "&lt;")


def defaults() -> Mapping[str, Any]:
    """Returns the values as helm has them, nested."""
    return dict(yaml.safe_load(values_yaml()))
