"""Nodes, pods and notices for the tests of the core, with only what a test cares about spelled out."""

from nth.core.facts import Controller, Node, Pod, PodRef
from nth.core.notices.events import (
    AsgTargetState,
    Noticed,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)

T0 = 1_795_336_200.0
"""2026-11-22T08:30:00Z: when each test's story begins."""
NODE = "node-1"
SPOT_TAINT = "aws-node-termination-handler/spot-itn"
SCHEDULED_TAINT = "aws-node-termination-handler/scheduled-maintenance"
ASG_TAINT = "aws-node-termination-handler/asg-lifecycle-termination"
REBALANCE_TAINT = "aws-node-termination-handler/rebalance-recommendation"


def a_node(**changes: object) -> Node:
    """A node that nobody has touched, but for the changes."""
    fields: dict[str, object] = {"name": NODE, "uid": "node-uid", "resource_version": "1", "cordoned_by": ()}
    return Node(**{**fields, **changes})  # type: ignore[arg-type]  # a test names the fields


def owned_by(kind: str, name: str = "web") -> Controller:
    return Controller(kind, name, f"uid-of-{kind}-{name}")


def a_pod(name: str = "web-1", *, namespace: str = "shop", **changes: object) -> Pod:
    """A Ready pod of a ReplicaSet on our node, but for the changes."""
    fields: dict[str, object] = {
        "ref": PodRef(namespace, name, f"uid-{name}"),
        "node_name": NODE,
        "ready": True,
        "controller": owned_by("ReplicaSet"),
        "labels": {"pod-template-hash": "abc"},
    }
    return Pod(**{**fields, **changes})  # type: ignore[arg-type]  # a test names the fields


def spot(seconds: float = 120, event_id: str = "spot-itn-1") -> Noticed:
    """A Spot interruption that many seconds after the story's begin."""
    return Noticed(event=SpotInterruption(event_id=event_id, action="terminate", interrupted_at=T0 + seconds))


def rebalance(event_id: str = "rebalance-recommendation-1") -> Noticed:
    return Noticed(event=RebalanceRecommendation(event_id=event_id, noticed_at=T0))


def asg(event_id: str = "target-lifecycle-state-1") -> Noticed:
    return Noticed(event=AsgTargetState(event_id=event_id))


def scheduled(
    seconds: float = 3600, event_id: str = "instance-event-1", code: str = "instance-reboot"
) -> Noticed:
    """Scheduled maintenance whose window begins that many seconds after the story's begin."""
    event = ScheduledMaintenance(
        event_id=event_id,
        code=code,
        not_before_at=T0 + seconds,
        not_after_at=T0 + seconds + 3600,
        reason="scheduled reboot",
    )
    return Noticed(event=event)


def taint_keys(node: Node) -> set[str]:
    return {taint.key for taint in node.taints}
