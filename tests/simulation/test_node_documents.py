"""Merge patches of a Node, as far as the contract does not say it."""

import pytest

from nth.core.facts import Node, Taint
from nth.errors import Rejected
from nth.simulation.node_documents import patched

NODE = Node(name="a", uid="u", resource_version="7", labels={"keep": "1"}, taints=(Taint("x", "NoSchedule"),))


def test_a_patch_without_a_version_is_taken() -> None:
    after = patched(NODE, {"spec": {"unschedulable": True}}, "kubectl")
    assert (after.unschedulable, after.taints, after.labels) == (True, NODE.taints, NODE.labels)


@pytest.mark.parametrize(
    "body",
    [
        {"spec": {"unschedulable": "yes"}},
        {"metadata": {"labels": {"n": 1}}},
        {"spec": {"taints": [{"effect": "NoSchedule"}]}},
    ],
)
def test_wrong_types_are_rejected(body: dict[str, object]) -> None:
    with pytest.raises(Rejected, match="400"):
        patched(NODE, body, "kubectl")
