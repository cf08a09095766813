"""The chart's objects for every value set, before the real API server and the schemas of three versions."""

from collections.abc import Iterator
from typing import Any

import pytest

from testbed.api import Api
from testbed.build import assets_folder
from testbed.control_plane import ControlPlane
from testbed.crds import install_crds
from testbed.dry_run import server_dry_run
from testbed.helm import Helm
from testbed.schemas import VERSIONS, validate
from testbed.yaml_documents import load_documents
from tests.chart.matrix import SETS, examples
from tests.chart.rendering import Chart
from tools.chart.manifests import FOLDER

ALL = {**SETS, **examples()}
MANIFESTS = sorted(FOLDER.glob("*.yaml"))


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Chart:
    return Chart(Helm(assets_folder(), tmp_path_factory.mktemp("helm")))


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane) -> Iterator[Api]:
    with Api(control_plane.kubeconfig) as api:
        install_crds(api)
        yield api


def versions(found: dict[str, Any]) -> list[str]:
    """Where it may be: an admission policy needs 1.32."""
    newer = found["apiVersion"].startswith("admissionregistration.")
    return [version for version in VERSIONS if not newer or version != "v1.29.15"]


def refusals(api: Api, objects: list[dict[str, Any]]) -> list[str]:
    """Everything that anybody has against them."""
    by_server = (server_dry_run(api, each) for each in objects)
    by_schemas = (line for each in objects for version in versions(each) for line in validate(each, version))
    return [line for line in (*by_server, *by_schemas) if line is not None]


@pytest.mark.parametrize("name", ALL)
def test_P18_a_value_sets_objects_are_accepted(api: Api, chart: Chart, name: str) -> None:
    assert refusals(api, chart.objects(ALL[name])) == []


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_plain_manifests_objects_are_accepted(api: Api, path: Any) -> None:
    objects = load_documents(path.read_text())
    assert len(objects) == 4
    assert refusals(api, objects) == []


def test_a_value_that_kubernetes_does_not_know_is_seen(api: Api, chart: Chart) -> None:
    objects = chart.objects({"resources": {"limit": {"cpu": "1"}}, "updateStrategy": {"type": "Sudden"}})
    by_server, *by_schemas = refusals(api, objects)
    assert "limit" in by_server
    assert len(by_schemas) == len(VERSIONS)
