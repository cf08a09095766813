"""What root on a node can write with its kubelet's credentials: the ground that SECURITY.md stands on.

A control plane of its own, with the Node authorizer and NodeRestriction, as clusters have them.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Any

import pytest

from nth.core.node.node_annotation import RECORD_ANNOTATION
from nth.errors import ClusterError, Denied, Forbidden
from testbed.api import Api
from testbed.build import assets_folder
from testbed.control_plane import ControlPlane, running
from testbed.workloads import node_document
from tests.contract.bed import NodeSpec
from tests.core.samples import SPOT_TAINT

OWN, OTHER = "own", "other"
FORGED = {"metadata": {"annotations": {RECORD_ANNOTATION: "forged"}}}
Document = dict[str, Any]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with running(assets_folder(), tmp_path_factory.mktemp("kubelets"), (OWN, OTHER)) as plane:
        yield plane


@pytest.fixture
def connected(plane: ControlPlane) -> Iterator[Callable[[str], Api]]:
    """As the kubelet of a node; as a person with all rights, without a name."""
    with ExitStack() as stack:

        def as_user(node: str = "") -> Api:
            kubeconfig = plane.kubelet_kubeconfig(node) if node else plane.kubeconfig
            return stack.enter_context(closing(Api(kubeconfig)))

        admin = as_user()
        for name in (OWN, OTHER):
            admin.post("/api/v1/nodes", node_document(NodeSpec(name=name, instance_id=f"i-{name}")))
        yield as_user
        admin.delete("/api/v1/nodes")


def path_of(name: str) -> str:
    return f"/api/v1/nodes/{name}"


def node(api: Api, name: str) -> Document:
    found: Document = json.loads(api.get(path_of(name)))
    return found


def test_safe_1_a_kubelet_may_forge_the_record_on_its_own_node_and_on_no_other(
    connected: Callable[..., Api],
) -> None:
    kubelet, admin = connected(OWN), connected()
    kubelet.merge(path_of(OWN), FORGED)
    with pytest.raises(Denied, match='node "own" is not allowed to modify node "other"'):
        kubelet.merge(path_of(OTHER), FORGED)
    written = [node(admin, name)["metadata"].get("annotations", {}) for name in (OWN, OTHER)]
    assert [annotations.get(RECORD_ANNOTATION) for annotations in written] == ["forged", None]


TAKEN = {"spec": {"taints": [{"key": SPOT_TAINT, "effect": "NoSchedule"}]}}
ANOTHER_MACHINE = {"spec": {"providerID": f"aws:///eu-west-1a/i-{OTHER}"}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (TAKEN, 'node "own" is not allowed to modify taints'),
        (ANOTHER_MACHINE, "node updates may not change providerID"),
    ],
    ids=["taints", "provider-id"],
)
def test_safe_1_a_kubelet_changes_neither_taints_nor_provider_id_of_its_own_node(
    connected: Callable[..., Api], change: Mapping[str, object], words: str
) -> None:
    kubelet, admin = connected(OWN), connected()
    before = node(admin, OWN)["spec"]
    with pytest.raises(ClusterError, match=words):
        kubelet.merge(path_of(OWN), change)
    after = node(admin, OWN)["spec"]
    taints = {taint["key"] for taint in after.get("taints", ())}
    assert SPOT_TAINT not in taints
    assert after["providerID"] == before["providerID"]


def test_safe_1_a_kubelet_registers_no_other_node_and_removes_none(connected: Callable[..., Api]) -> None:
    kubelet = connected(OWN)
    with pytest.raises(Denied):
        kubelet.post("/api/v1/nodes", node_document(NodeSpec(name="made-up", instance_id="i-victim")))
    for name in (OWN, OTHER):
        with pytest.raises(Forbidden):
            kubelet.delete(path_of(name))
