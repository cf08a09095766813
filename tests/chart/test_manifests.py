"""deploy/kubernetes: what `kubectl apply` needs, as the chart makes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.helm import Helm
from testbed.yaml_documents import load_documents
from tests.chart.rendering import Chart, kinds, workloads
from tools.chart.manifests import FOLDER, IMAGE, QUEUE_URL, manifests

MODES = {
    "all-resources.yaml": ("metadata mode", "DaemonSet"),
    "all-resources-queue-processor.yaml": ("queue mode", "Deployment"),
}


@pytest.fixture(scope="module")
def fresh(helm: Helm) -> dict[Path, str]:
    return manifests(helm)


def test_there_is_one_for_each_mode(fresh: dict[Path, str]) -> None:
    assert [path.name for path in fresh] == list(MODES)
    assert sorted(FOLDER.glob("*.yaml")) == sorted(fresh)


@pytest.mark.parametrize("name", MODES)
def test_a_manifest_is_not_stale(fresh: dict[Path, str], name: str) -> None:
    """`make manifests` writes it anew."""
    assert (FOLDER / name).read_text() == fresh[FOLDER / name]


@pytest.mark.parametrize("name", MODES)
def test_a_manifest_says_its_mode_and_what_to_replace(name: str) -> None:
    first, second, *lines = (FOLDER / name).read_text().splitlines()
    mode, _ = MODES[name]
    assert first.startswith(f"# AWS Node Termination Handler, {mode}. ")
    placeholders = [IMAGE] if name == "all-resources.yaml" else [IMAGE, QUEUE_URL]
    assert second == f"# Replace before you apply it: {' and '.join(placeholders)}"
    # What it says is all there is to replace.
    rest = "\n".join(lines)
    for placeholder in placeholders:
        assert rest.count(placeholder) == 1
        rest = rest.replace(placeholder, "")
    assert "MY_" not in rest


@pytest.mark.parametrize("name", MODES)
def test_a_manifest_holds_the_charts_objects_without_helms_labels(chart: Chart, name: str) -> None:
    _, kind = MODES[name]
    queue = {"enableSqsTerminationDraining": True, "queueURL": QUEUE_URL} if kind == "Deployment" else {}
    values = {"image": {"repository": IMAGE}, **queue}
    found = load_documents((FOLDER / name).read_text())
    assert found == [without_helm(each) for each in chart.objects(values)]
    assert kinds(found) == sorted(["ClusterRole", "ClusterRoleBinding", "ServiceAccount", kind])
    assert len(workloads(found)) == 1
    assert "Helm" not in yaml.safe_dump(found)


def without_helm(found: dict[str, Any]) -> dict[str, Any]:
    labels = dict(kept(found["metadata"]["labels"]))
    return {**found, "metadata": {**found["metadata"], "labels": labels}}


def kept(labels: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in labels.items():
        if name not in ("app.kubernetes.io/managed-by", "helm.sh/chart"):
            yield name, value
