"""The one table of settings: flags, variables, help and documents all come from these fields.

`Settings` holds values only. `kinds` turns texts into values, `read` finds the texts,
`checks` compares values. Names and defaults are those of the original handler, except where
a comment says otherwise.
"""

from dataclasses import dataclass, fields, make_dataclass
from typing import TYPE_CHECKING, Final

from nth.core.notices.kinds import KINDS
from nth.settings.kinds import (
    BOOL,
    PATH,
    PORT_TEXT,
    TEXT,
    URL,
    URLS,
    choice,
    decimal,
    integer,
    optional,
    signed,
)
from nth.settings.rows import (
    AWS,
    DRAIN,
    GROUPS,
    KUBERNETES,
    METADATA,
    MODE,
    NODE,
    NOTICES,
    QUEUE,
    row,
    setting,
)
from nth.settings.telling import TellingSettings
from nth.settings.words import (
    ACTION,
    KUBE_API_BURST,
    KUBE_API_QPS,
    MANAGED_TAG,
    NO_LIMIT_SECONDS,
    Action,
    DrainAt,
    ForcePolicy,
    HookResult,
    Policy,
    TaintEffect,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _UntilKinds(TellingSettings):
    """Those that stand before the ones of the kinds of event, in the order of the documents."""

    node_name: str = setting(
        MODE, TEXT, "", "The Node this runs on (spec.nodeName). Required, unless in queue mode."
    )
    pod_name: str = setting(MODE, TEXT, "", "Our own pod (metadata.name), which a drain leaves alone.")
    pod_namespace: str = setting(MODE, TEXT, "", "The namespace of our own pod.", variable="NAMESPACE")
    enable_sqs_termination_draining: bool = setting(
        MODE,
        BOOL,
        False,
        "Queue mode: one Deployment reads the notices of all nodes from an SQS queue. "
        "Off is metadata mode: a DaemonSet reads each node's own from its metadata service.",
    )
    dry_run: bool = setting(
        MODE, BOOL, False, "Read real notices and log what would be done; change nothing, nor in AWS."
    )

    enable_spot_interruption_draining: bool = setting(
        NOTICES, BOOL, True, "Metadata mode: drain when the Spot instance is about to be interrupted."
    )
    enable_scheduled_event_draining: bool = setting(
        NOTICES, BOOL, True, "Metadata mode: drain for scheduled maintenance; undo when it is over."
    )
    enable_rebalance_monitoring: bool = setting(
        NOTICES, BOOL, False, "Metadata mode: cordon when the Spot instance is at elevated risk."
    )
    enable_rebalance_draining: bool = setting(
        NOTICES,
        BOOL,
        False,
        "Metadata mode: drain, not only cordon, when the Spot instance is at elevated risk.",
    )
    # The original's chart has true here, its binary false.
    enable_asg_lifecycle_draining: bool = setting(
        NOTICES,
        BOOL,
        False,
        "Metadata mode: drain when the Auto Scaling group takes the instance out (target state Terminated).",
    )
    scheduled_event_drain_at: DrainAt = setting(  # noqa: RUF009
        NOTICES,
        choice("notice", "start"),
        "notice",
        "Act on scheduled maintenance as soon as it is announced, or NODE_TERMINATION_GRACE_PERIOD "
        "before its start.",
    )


if TYPE_CHECKING:
    _OfKinds = _UntilKinds
else:
    _OfKinds = make_dataclass(
        "_OfKinds",
        [
            (name, Action, setting(NOTICES, ACTION, "default", help_text))
            for name, help_text in {kind.action_setting: kind.action_help for kind in KINDS}.items()
        ],
        bases=(_UntilKinds,),
        namespace={"__doc__": "The action for each kind of event: a setting for each in their table."},
        frozen=True,
        slots=True,
        kw_only=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(_OfKinds):
    """Every setting, valid. A deprecated one is kept as it was given: read its successor."""

    rebalance_uncordon_after: int = setting(
        NOTICES,
        integer(1, word="seconds", off=-1),
        -1,
        "Seconds after which a node is given back if no interruption followed the rebalance recommendation.",
    )

    cordon_only: bool = setting(NODE, BOOL, False, "Cordon the node, and evict nothing.")
    taint_node: bool = setting(
        NODE, BOOL, False, "Taint the node with what happens to it, when it is cordoned."
    )
    taint_effect: TaintEffect = setting(  # noqa: RUF009
        NODE,
        choice("NoSchedule", "PreferNoSchedule", "NoExecute"),
        "NoSchedule",
        "The effect of that taint. NoExecute ends every pod that does not tolerate it, at once and "
        "past its budget.",
    )
    exclude_from_load_balancers: bool = setting(
        NODE,
        BOOL,
        False,
        "Label the node so that load balancers send it no new traffic, before it is drained.",
    )
    enable_out_of_service_taint: bool = setting(
        NODE, BOOL, False, "Taint the drained node out-of-service, so that volumes can be attached elsewhere."
    )
    uptime_from_file: str = setting(
        NODE,
        PATH,
        "",
        "Where the uptime stands that tells whether the machine has rebooted. Empty: /proc/uptime.",
    )

    ignore_daemon_sets: bool = setting(
        DRAIN,
        BOOL,
        True,
        "DaemonSet pods may stay. False: they stay, too, but the node does not count as drained.",
    )
    delete_local_data: bool = setting(
        DRAIN,
        BOOL,
        True,
        "Evict pods with emptyDir volumes, too; their data is lost. False: they stay, and the node does "
        "not count as drained.",
    )
    pod_termination_grace_period: int = setting(
        DRAIN,
        signed("a negative one for the pod's own", word="seconds"),
        -1,
        "Seconds that each pod has to stop. Negative: the pod's own terminationGracePeriodSeconds.",
    )
    grace_period: int = setting(
        DRAIN,
        signed("a negative one for the pod's own", word="seconds"),
        -1,
        "The old name of that.",
        successor="pod_termination_grace_period",
    )
    node_termination_grace_period: int = setting(
        DRAIN,
        integer(0, word="seconds"),
        120,
        "Seconds that a drain may take. It starts this long before the deadline, or at once if the deadline "
        f"is nearer or not known. 0 counts as {NO_LIMIT_SECONDS}.",
    )
    deadline_reserve_seconds: int = setting(
        DRAIN,
        integer(0, 60, word="seconds"),
        5,
        "Seconds kept free before the deadline: every pod is to have stopped by then.",
    )
    force_policy: ForcePolicy = setting(  # noqa: RUF009
        DRAIN,
        choice("deadline", "never"),
        "deadline",
        "What to do with a pod whose eviction is still refused when the last moment has come to stop it in "
        "an orderly way: delete it at that moment, or never. A pod annotated "
        "aws-node-termination-handler/force=never is always left.",
    )
    shutdown_grace_period: int = setting(
        DRAIN,
        integer(-1, 86400, word="seconds"),
        -1,
        "Seconds that a running drain goes on after SIGTERM; -1: our own pod's "
        "terminationGracePeriodSeconds.",
    )

    metadata_url: str = setting(
        METADATA,
        URL,
        "http://169.254.169.254",
        "The metadata service. On IPv6: http://[fd00:ec2::254].",
        variable="INSTANCE_METADATA_URL",
    )
    metadata_tries: int = setting(
        METADATA,
        signed("one below 1 counts as 1"),
        3,
        "How many times a request is tried before it counts as failed.",
    )
    metadata_poll_interval: float = setting(
        METADATA, decimal(0.1, 60, word="seconds"), 0.75, "Seconds from one look at the notices to the next."
    )

    queue_url: str = setting(
        QUEUE, URLS, "", "The SQS queue, or several with commas between them. Required in queue mode."
    )
    workers: int = setting(
        QUEUE,
        integer(1),
        10,
        "How many drains without a deadline may run at a time. One that has a deadline never waits for them.",
    )
    workers_per_group: int = setting(
        QUEUE, integer(0), 0, "How many of these per group of nodes; 0: no limit of its own."
    )
    group_label: str = setting(
        QUEUE, TEXT, "", "The node label that names the group. Empty: the Auto Scaling group is the group."
    )
    check_tag_before_draining: bool = setting(
        QUEUE, BOOL, True, "Act only on instances that have the tag MANAGED_TAG."
    )
    check_asg_tag_before_draining: bool = setting(
        QUEUE, BOOL, True, "The old name of that.", successor="check_tag_before_draining"
    )
    managed_tag: str = setting(
        QUEUE, TEXT, MANAGED_TAG, "The key of that tag, or key=value: then the value has to match, too."
    )
    managed_asg_tag: str = setting(QUEUE, TEXT, MANAGED_TAG, "The old name of that.", successor="managed_tag")
    use_provider_id: bool = setting(
        QUEUE, BOOL, False, "Accepted, and not needed: nodes are always found by spec.providerID, too."
    )
    delete_sqs_msg_if_node_not_found: bool = setting(
        QUEUE, BOOL, False, "Delete the message, and complete its hook, when the cluster has no such node."
    )
    not_for_us_messages: Policy = setting(  # noqa: RUF009
        QUEUE,
        choice("delete", "leave"),
        "delete",
        "What to do with messages that are none of our business: other kinds, other states, other instances.",
    )
    unreadable_messages: Policy = setting(  # noqa: RUF009
        QUEUE,
        choice("delete", "leave"),
        "leave",
        "What to do with messages that cannot be read. What is left goes to the dead-letter queue, if any.",
    )
    lifecycle_action_result: HookResult = setting(  # noqa: RUF009
        QUEUE,
        choice("CONTINUE", "ABANDON"),
        "CONTINUE",
        "How the hook of a terminating instance is completed. ABANDON: without the hooks that come after it.",
    )
    complete_lifecycle_action_delay_seconds: int = setting(
        QUEUE,
        signed("a negative one for none", word="seconds"),
        -1,
        "Seconds between the end of the drain and the completion of the lifecycle hook. Negative: none.",
    )
    heartbeat_auto: bool = setting(
        QUEUE,
        BOOL,
        False,
        "Send heartbeats as often as the hook's own timeout asks for, instead of HEARTBEAT_INTERVAL.",
    )
    heartbeat_interval: int = setting(
        QUEUE,
        integer(30, 3600, word="seconds", off=-1),
        -1,
        "Seconds from one heartbeat of the lifecycle hook to the next. At most HEARTBEAT_UNTIL.",
    )
    heartbeat_until: int = setting(
        QUEUE,
        integer(60, 172800, word="seconds", off=-1),
        -1,
        "Seconds after which no more heartbeats are sent; off: 172800, when heartbeats are sent.",
    )
    use_leases: bool = setting(
        QUEUE,
        BOOL,
        True,
        "Replicas tell each other by Leases that they live. False: there is no other replica.",
    )
    sqs_msg_visibility_timeout_sec: int = setting(
        QUEUE,
        integer(1, 119, word="seconds"),
        20,
        "Seconds that a message is hidden from other readers; extended as long as it is worked on.",
    )
    aws_region: str = setting(AWS, TEXT, "", "The region. Empty: as the host in the queue's URL says.")
    aws_endpoint: str = setting(AWS, optional(URL), "", "Where AWS's APIs are, for tests. Empty: AWS.")

    kubeconfig: str = setting(KUBERNETES, PATH, "", "A kubeconfig file. Empty: our pod's service account.")
    kubernetes_service_host: str = setting(
        KUBERNETES,
        TEXT,
        "",
        "The API server's address, where the one that Kubernetes gives our pod is wrong.",
    )
    kubernetes_service_port: str = setting(KUBERNETES, PORT_TEXT, "", "The API server's port, likewise.")
    # The original has 5 and 10, from before API servers had priority and fairness.
    kube_api_qps: int = setting(
        KUBERNETES,
        signed(f"0 for {KUBE_API_QPS}, a negative one for no limit"),
        KUBE_API_QPS,
        "Requests per second to the API server, on average. Negative: no limit, and KUBE_API_BURST has no "
        "effect.",
    )
    kube_api_burst: int = setting(
        KUBERNETES,
        integer(0),
        KUBE_API_BURST,
        "Requests that may be sent at once after a quiet time. May be higher or lower than KUBE_API_QPS. "
        f"0 counts as {KUBE_API_BURST}.",
    )
    use_apiserver_cache: bool = setting(
        KUBERNETES,
        BOOL,
        False,
        "List pods from the API server's cache: cheaper for it, and may be a moment old.",
    )


TABLE: Final = tuple(
    sorted((row(column) for column in fields(Settings)), key=lambda row: GROUPS.index(row.group))
)
BY_NAME: Final = {row.name: row for row in TABLE}
