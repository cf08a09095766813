"""What helm tells after an installation.

It shows notes only with a cluster; here a copy of the chart has them in an object.
"""

import shutil
from typing import Any

import pytest

from testbed.helm import Helm
from tests.chart.rendering import QUEUE, Chart, of_kind
from tools.chart.write import CHART

SHOWN = 'kind: Notes\nnotes: {{ include (print .Template.BasePath "/NOTES.txt") . | quote }}\n'


@pytest.fixture(scope="module")
def telling(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Chart:
    folder = tmp_path_factory.mktemp("notes") / "chart"
    shutil.copytree(CHART, folder)
    (folder / "templates" / "shown.yaml").write_text(SHOWN)
    return Chart(helm, folder)


def notes(chart: Chart, values: dict[str, Any], *more: str) -> str:
    (found,) = of_kind(chart.objects(values, *more), "Notes")
    text: str = found["notes"]
    return text


@pytest.mark.parametrize(
    ("values", "mode", "workload"),
    [({}, "metadata: a DaemonSet", "daemonset"), (QUEUE, "queue: one Deployment", "deployment")],
    ids=["metadata", "queue"],
)
def test_notes_say_what_runs_and_how_to_check_it(
    telling: Chart, values: dict[str, Any], mode: str, workload: str
) -> None:
    told = notes(telling, values)
    assert mode in told
    at = "kubectl --namespace kube-system"
    assert f"{at} rollout status {workload} aws-node-termination-handler\n" in told
    assert f"{at} logs {workload}/aws-node-termination-handler" in told
    assert telling.container(values)["image"] in told
    assert "WARNING" not in told
    assert "changes nothing" not in told


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"dryRun": True}, "it says what it would do, and changes nothing"),
        ({"enableSqsTerminationDraining": True}, "WARNING: queueURL is empty"),
        ({"enableOutOfServiceTaint": True}, "NOTE: enableOutOfServiceTaint"),
        ({"targetNodeOs": "windows"}, "NOTHING is installed that watches nodes. Queue mode handles"),
        ({"targetNodeOs": "linux windows"}, "so Linux nodes alone are watched. Queue mode handles"),
        ({"targetNodeOs": "solaris"}, 'WARNING: targetNodeOs is "solaris"'),
    ],
)
def test_notes_warn_of_what_may_surprise(telling: Chart, values: dict[str, Any], words: str) -> None:
    assert words in notes(telling, values)


def test_notes_warn_of_a_kubernetes_that_is_too_old(telling: Chart) -> None:
    assert "WARNING: this is Kubernetes v1.28.0" in notes(telling, {}, "--kube-version", "1.28.0")
    assert "WARNING" not in notes(telling, {}, "--kube-version", "1.29.0")
    assert "WARNING" not in notes(telling, {}, "--kube-version", "v1.29.5-eks-1234567")
