"""The table of event kinds: for each class of event its names, and the usual action.

Words that differ from kind to kind are read from here and listed nowhere else. When the machine goes
is a method of the class (`events`), because it depends on the event. The settings read this table at every
start, so it imports only the standard library. Words that only documents and `deploy/` need are in
`tools/event_kinds.py`, by the same classes.
"""

from dataclasses import dataclass
from typing import Final, Literal

SQS_MONITOR = "SQS_MONITOR"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKind:
    """The row of one kind."""

    event: str
    """The name of its class in `events`, by which a Node's annotation and a report line know it, too."""
    name: str
    """Its name in logs, metrics and webhooks, as the original has it."""
    monitor: str
    """The original's name for the monitor that sees it."""
    title: str
    """Its name in sentences for people."""
    webhook_title: str = ""
    """Its title in a webhook's summary, where that is another one."""
    reason: str
    """Of its Kubernetes event and of the Node's condition, in both modes: the original's SQSTermination is
    never reached."""
    taint: str
    """The key of the taint that names it on the Node; empty where the original sets none."""
    action: Literal["cordon", "drain"]
    """The usual action: as the original's in metadata mode."""
    outlived: bool
    """True if the machine may go on after it, and AWS may go on naming it when it is over."""
    action_setting: str
    """The setting that names another action."""
    action_help: str
    switches: tuple[str, ...] = ()
    """Settings that let metadata mode watch for it; none: it is watched for if `action_setting` says so."""
    metadata_text: str = ""
    """The log's text for it from a metadata service, in words that users match on."""
    queue_text: str = ""
    """The log's text for it from a queue."""


KINDS: Final = (
    EventKind(
        event="SpotInterruption",
        name="SPOT_ITN",
        monitor="SPOT_ITN_MONITOR",
        title="Spot interruption",
        reason="SpotInterruption",
        taint="aws-node-termination-handler/spot-itn",
        action="drain",
        outlived=False,
        action_setting="action_spot_interruption",
        action_help="What to do when a Spot instance is about to be interrupted. The default is to drain.",
        switches=("enable_spot_interruption_draining",),
        metadata_text="Spot ITN received. Instance will be interrupted at {interrupted_at} \n",
        queue_text="Spot Interruption notice for instance {instance_id} was sent at {noticed_at} \n",
    ),
    EventKind(
        event="ScheduledMaintenance",
        name="SCHEDULED_EVENT",
        monitor="SCHEDULED_EVENT_MONITOR",
        title="Scheduled maintenance",
        reason="ScheduledEvent",
        taint="aws-node-termination-handler/scheduled-maintenance",
        action="drain",
        outlived=True,
        action_setting="action_scheduled_event",
        action_help="What to do about scheduled maintenance. The default is to drain.",
        switches=("enable_scheduled_event_draining",),
        metadata_text="{code} will occur between {not_before_at:GMT} and {not_after_at:GMT} "
        "because {reason}\n",
        queue_text="AWS Health scheduled change event received. Instance {instance_id} "
        "will be interrupted at {not_before_at} \n",
    ),
    EventKind(
        event="RebalanceRecommendation",
        name="REBALANCE_RECOMMENDATION",
        monitor="REBALANCE_RECOMMENDATION_MONITOR",
        title="Rebalance recommendation",
        reason="RebalanceRecommendation",
        taint="aws-node-termination-handler/rebalance-recommendation",
        action="cordon",
        outlived=True,
        action_setting="action_rebalance_recommendation",
        action_help="What to do about a rebalance recommendation. The default is to drain in queue mode, and "
        "what ENABLE_REBALANCE_DRAINING says in metadata mode.",
        switches=("enable_rebalance_monitoring", "enable_rebalance_draining"),
        metadata_text="Rebalance recommendation received. Instance will be cordoned at {noticed_at} \n",
        queue_text="Rebalance recommendation event received. Instance {instance_id} "
        "will be cordoned at {noticed_at} \n",
    ),
    EventKind(
        event="AsgTargetState",
        name="ASG_LIFECYCLE",
        monitor="ASG_LIFECYCLE_MONITOR",
        title="Termination by the Auto Scaling group",
        reason="ASGLifecycle",
        taint="aws-node-termination-handler/asg-lifecycle-termination",
        action="drain",
        outlived=False,
        action_setting="action_asg_lifecycle",
        action_help="What to do when the Auto Scaling group terminates an instance. The default is to drain.",
        switches=("enable_asg_lifecycle_draining",),
        # "AST" is how the original spells it.
        metadata_text="AST target lifecycle state received. Instance will be terminated\n",
    ),
    EventKind(
        event="AsgTermination",
        name="ASG_LIFECYCLE",
        monitor=SQS_MONITOR,
        title="Termination by the Auto Scaling group",
        reason="ASGLifecycle",
        taint="aws-node-termination-handler/asg-lifecycle-termination",
        action="drain",
        outlived=False,
        action_setting="action_asg_lifecycle",
        action_help="What to do when the Auto Scaling group terminates an instance. The default is to drain.",
        queue_text="ASG Lifecycle Termination event received. "
        "Instance will be interrupted at {noticed_at} \n",
    ),
    EventKind(
        event="InstanceStateChange",
        name="STATE_CHANGE",
        monitor=SQS_MONITOR,
        title="Shutdown",
        webhook_title="Instance state change",
        reason="StateChange",
        taint="",
        action="drain",
        outlived=False,
        action_setting="action_state_change",
        action_help="What to do when an instance is already shutting down. The default is to drain.",
        queue_text="EC2 State Change event received. "
        "Instance {instance_id} went into {state} at {noticed_at} \n",
    ),
)
KIND_OF: Final = {kind.event: kind for kind in KINDS}
