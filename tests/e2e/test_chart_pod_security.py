"""The real API server admits our pods to a namespace that enforces the restricted Pod Security Standard.

https://kubernetes.io/docs/concepts/security/pod-security-admission/
"""

import copy
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.api import Api
from testbed.build import assets_folder
from testbed.control_plane import ControlPlane
from testbed.dry_run import server_dry_run
from testbed.helm import Helm
from tests.chart.matrix import SETS, examples
from tests.chart.pod_security import violations
from tests.chart.rendering import QUEUE, Chart, Values, pod_of, workloads

ALL = {**SETS, **examples()}
EVERYTHING: Values = {
    "enablePrometheusServer": True,
    "enableProbesServer": True,
    "webhookURLSecretName": "webhook",
    "webhookTemplateConfigMapName": "templates",
    "webhookTemplateConfigMapKey": "body.json",
}


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Chart:
    return Chart(Helm(assets_folder(), tmp_path_factory.mktemp("helm")))


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane) -> Iterator[Api]:
    with Api(control_plane.kubeconfig) as api:
        yield api


@pytest.fixture(scope="module")
def restricted(api: Api) -> Iterator[str]:
    """A namespace that enforces the standard."""
    name = f"restricted-{uuid.uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    api.apply(f"/api/v1/namespaces/{name}", namespace)
    yield name
    api.delete(f"/api/v1/namespaces/{name}")


def refusal(api: Api, namespace: str, spec: dict[str, Any]) -> str | None:
    """The server's words to a pod of that spec."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "judged"}, "spec": spec}
    return server_dry_run(api, pod, namespace)


@pytest.mark.parametrize("values", [QUEUE, {**QUEUE, **EVERYTHING}, {**EVERYTHING, "useHostNetwork": False}])
def test_a_pod_is_admitted(api: Api, chart: Chart, restricted: str, values: Values) -> None:
    assert refusal(api, restricted, chart.pod(values)) is None


def test_a_pod_with_one_capability_more_is_refused(api: Api, chart: Chart, restricted: str) -> None:
    values = {**QUEUE, "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}
    words = refusal(api, restricted, chart.pod(values))
    assert words is not None
    assert 'violates PodSecurity "restricted:latest": unrestricted capabilities (container' in words
    assert 'must not include "NET_ADMIN"' in words


def test_metadata_mode_is_refused_for_the_hosts_network_alone(
    api: Api, chart: Chart, restricted: str
) -> None:
    words = refusal(api, restricted, chart.pod({}))
    assert words is not None
    _, _, named = words.partition('violates PodSecurity "restricted:latest": ')
    assert named.startswith("host namespaces (hostNetwork=true)")
    # The server fills in the host's ports; with an s there are two.
    with_ports = refusal(api, restricted, chart.pod(EVERYTHING))
    assert with_ports is not None
    _, _, named = with_ports.partition('violates PodSecurity "restricted:latest": ')
    reasons = named.rstrip("\"}'").split("), ")
    assert [reason.split(" (")[0] for reason in reasons] == ["host namespaces", "hostPort"]


@pytest.mark.parametrize("name", ALL)
def test_the_server_agrees_with_our_function(api: Api, chart: Chart, restricted: str, name: str) -> None:
    for workload in workloads(chart.objects(ALL[name])):
        pod = copy.deepcopy(pod_of(workload))
        words = refusal(api, restricted, pod)
        assert ("violates PodSecurity" in (words or "")) == bool(violations(pod)), words
