"""Writes the chart's generated files: `python -m tools.chart.write`; a test fails when one is stale."""

from pathlib import Path

from tools.chart.cleared import cleared_template
from tools.chart.dashboard import dashboard_json
from tools.chart.defaults import defaults_template
from tools.chart.documents import readme, values_yaml
from tools.chart.modes import modes_template
from tools.chart.schema import schema_json
from tools.chart.variables import settings_template

CHART = Path(__file__).parent.parent.parent / "charts" / "aws-node-termination-handler"


def generated() -> dict[Path, str]:
    """Returns the contents of each generated file."""
    return {
        CHART / "values.yaml": values_yaml(),
        CHART / "values.schema.json": schema_json(),
        CHART / "templates" / "_settings.tpl": settings_template(),
        CHART / "templates" / "_defaults.tpl": defaults_template(),
        CHART / "templates" / "_cleared.tpl": cleared_template(),
        CHART / "templates" / "_modes.tpl": modes_template(),
        CHART / "README.md": readme(),
        CHART / "files" / "dashboard.json": dashboard_json(),
    }


if __name__ == "__main__":
    for path, content in generated().items():
        path.write_text(content)
