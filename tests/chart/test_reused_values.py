"""`helm upgrade --reuse-values` from the original's chart: its values are there, and ours are not.

helm then renders the new chart with the old one's values.yaml in place of the new one's.
"""

import shutil
from pathlib import Path

import pytest
import yaml

from testbed.helm import Helm
from tests.chart.old_release import old_values
from tests.chart.original import ORIGINAL
from tests.chart.rendering import QUEUE, Chart, Values
from tools.chart.defaults import ADDED
from tools.chart.documents import defaults
from tools.chart.write import CHART


@pytest.fixture(scope="module")
def reused(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Chart:
    folder = Path(shutil.copytree(CHART, tmp_path_factory.mktemp("reused") / "chart"))
    (folder / "values.yaml").write_text(yaml.safe_dump(old_values()))
    return Chart(helm, folder)


def test_what_is_added_is_all_that_the_original_lacks() -> None:
    known = {key.partition(".")[0] for key in ORIGINAL}
    assert sorted(ADDED) == sorted(defaults().keys() - known)


@pytest.mark.parametrize(
    "values",
    [
        {},
        QUEUE,
        {
            **QUEUE,
            "replicas": 2,
            "podDisruptionBudget": {"maxUnavailable": 1},
            "enablePrometheusServer": True,
        },
        {"networkPolicy": {"create": True}, "targetNodeOs": "linux windows", "enableProbesServer": True},
        {"windowsImage": {"repository": "mine.invalid/nth"}, "targetNodeOs": "windows"},
        {"forcePolicy": "never", "heartbeatAuto": True, "deadlineReserveSeconds": 0, "readinessProbe": {}},
        {"daemonsetAffinity": None, "podSecurityContext": None},
    ],
)
def test_the_objects_are_those_of_a_new_installation(chart: Chart, reused: Chart, values: Values) -> None:
    assert reused.objects(values) == chart.objects(values)


ALONE = sorted(path.name for path in (CHART / "templates").glob("[!_]*.yaml"))


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("values", [{}, {**QUEUE, "replicas": 2, "networkPolicy": {"create": True}}])
def test_each_template_completes_the_values_by_itself(
    helm: Helm, chart: Chart, tmp_path: Path, name: str, values: Values
) -> None:
    folder = Path(shutil.copytree(CHART, tmp_path / "chart"))
    (folder / "values.yaml").write_text(yaml.safe_dump(old_values()))
    for other in set(ALONE) - {name} | {"NOTES.txt"}:
        (folder / "templates" / other).unlink()
    found = Chart(helm, folder).objects(values)
    assert found == [each for each in chart.objects(values) if each in found]


def test_a_value_that_neither_knows_is_refused_there_too(reused: Chart) -> None:
    done = reused.attempt({"dryRunn": True})
    assert done.returncode == 1
    assert "additional properties 'dryRunn' not allowed" in done.stderr
