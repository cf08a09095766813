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
        MODE, TEXT, "", "The Node that this runs on (spec.nodeName). Required in metadata mode."
    )
    pod_name: str = setting(
        MODE, TEXT, "", "The name of the handler's own pod (metadata.name), which its drains leave alone."
    )
    pod_namespace: str = setting(
        MODE, TEXT, "", "The namespace of the handler's own pod.", variable="NAMESPACE"
    )
    enable_sqs_termination_draining: bool = setting(
        MODE,
        BOOL,
        False,
        "Queue mode: one Deployment reads the notices of all nodes from an SQS queue. False is metadata"
        " mode: a DaemonSet reads each node's notices from that node's own metadata service.",
    )
    dry_run: bool = setting(
        MODE,
        BOOL,
        False,
        "Read real notices and log what would be done. Nothing is changed, in the cluster or in AWS.",
    )

    enable_spot_interruption_draining: bool = setting(
        NOTICES, BOOL, True, "Metadata mode: drain when the Spot instance is about to be interrupted."
    )
    enable_scheduled_event_draining: bool = setting(
        NOTICES,
        BOOL,
        True,
        "Metadata mode: drain for scheduled maintenance, and undo it when the maintenance is over.",
    )
    enable_rebalance_monitoring: bool = setting(
        NOTICES,
        BOOL,
        False,
        "Metadata mode: cordon when AWS recommends a rebalance, because the Spot instance is at "
        "elevated risk.",
    )
    enable_rebalance_draining: bool = setting(
        NOTICES,
        BOOL,
        False,
        "Metadata mode: drain, and not only cordon, when AWS recommends a rebalance.",
    )
    # The original's chart has true here, its binary false.
    enable_asg_lifecycle_draining: bool = setting(
        NOTICES,
        BOOL,
        False,
        "Metadata mode: drain when the Auto Scaling group terminates the instance (target state Terminated).",
    )
    scheduled_event_drain_at: DrainAt = setting(  # noqa: RUF009
        NOTICES,
        choice("notice", "start"),
        "notice",
        "When to act on scheduled maintenance: on its notice, or NODE_TERMINATION_GRACE_PERIOD before "
        "its start.",
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
        "Uncordon a node this many seconds after a rebalance recommendation if no interruption followed.",
    )

    cordon_only: bool = setting(NODE, BOOL, False, "Cordon the node and evict nothing.")
    taint_node: bool = setting(NODE, BOOL, False, "When the node is cordoned, taint it with the reason.")
    taint_effect: TaintEffect = setting(  # noqa: RUF009
        NODE,
        choice("NoSchedule", "PreferNoSchedule", "NoExecute"),
        "NoSchedule",
        "The effect of that taint. NoExecute ends every pod that does not tolerate it, at once, "
        "whatever its budget says.",
    )
    exclude_from_load_balancers: bool = setting(
        NODE,
        BOOL,
        False,
        "Before the drain, label the node so that load balancers send it no new traffic.",
    )
    enable_out_of_service_taint: bool = setting(
        NODE,
        BOOL,
        False,
        "After the drain, taint the node as out of service, so that its volumes can be attached elsewhere.",
    )
    uptime_from_file: str = setting(
        NODE,
        PATH,
        "",
        "The file with the machine's uptime, by which a reboot is recognized. Empty: /proc/uptime.",
    )

    ignore_daemon_sets: bool = setting(
        DRAIN,
        BOOL,
        True,
        "DaemonSet pods may stay on a drained node. False: they stay as well, but then the node does "
        "not count as drained.",
    )
    delete_local_data: bool = setting(
        DRAIN,
        BOOL,
        True,
        "Also evict pods with emptyDir volumes; the data in them is lost. False: such pods stay, and "
        "the node does not count as drained.",
    )
    pod_termination_grace_period: int = setting(
        DRAIN,
        signed("a negative one for the pod's own", word="seconds"),
        -1,
        "Seconds that each pod gets to stop. Negative: the pod's own terminationGracePeriodSeconds.",
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
        "Every pod is to have stopped this many seconds before the deadline.",
    )
    force_policy: ForcePolicy = setting(  # noqa: RUF009
        DRAIN,
        choice("deadline", "never"),
        "deadline",
        "What to do with a pod whose eviction is still refused when the last moment has come to stop it "
        "gracefully: delete it at that moment (deadline), or never. A pod with the annotation "
        "aws-node-termination-handler/force=never is never forced.",
    )
    shutdown_grace_period: int = setting(
        DRAIN,
        integer(-1, 86400, word="seconds"),
        -1,
        "After SIGTERM, running drains go on for this many seconds. -1: as long as the handler's own "
        "terminationGracePeriodSeconds.",
    )

    metadata_url: str = setting(
        METADATA,
        URL,
        "http://169.254.169.254",
        "The URL of the instance metadata service. On IPv6: http://[fd00:ec2::254].",
        variable="INSTANCE_METADATA_URL",
    )
    metadata_tries: int = setting(
        METADATA,
        signed("one below 1 counts as 1"),
        3,
        "How many times a request is tried before it counts as failed.",
    )
    metadata_poll_interval: float = setting(
        METADATA, decimal(0.1, 60, word="seconds"), 0.75, "Seconds between two looks at the notices."
    )

    queue_url: str = setting(
        QUEUE,
        URLS,
        "",
        "The URL of the SQS queue, or of several, separated by commas. Required in queue mode.",
    )
    workers: int = setting(
        QUEUE,
        integer(1),
        10,
        "How many drains without a deadline may run at the same time. A drain with a deadline never waits.",
    )
    workers_per_group: int = setting(
        QUEUE, integer(0), 0, "How many of these may run in each group of nodes. 0: no limit per group."
    )
    group_label: str = setting(
        QUEUE,
        TEXT,
        "",
        "The node label that names the group. Empty: nodes of one Auto Scaling group are a group.",
    )
    check_tag_before_draining: bool = setting(
        QUEUE, BOOL, True, "Act only on instances that have the tag MANAGED_TAG."
    )
    check_asg_tag_before_draining: bool = setting(
        QUEUE, BOOL, True, "The old name of that.", successor="check_tag_before_draining"
    )
    managed_tag: str = setting(
        QUEUE, TEXT, MANAGED_TAG, "The key of that tag, or key=value if the value must match as well."
    )
    managed_asg_tag: str = setting(QUEUE, TEXT, MANAGED_TAG, "The old name of that.", successor="managed_tag")
    use_provider_id: bool = setting(
        QUEUE, BOOL, False, "Accepted, but not needed: nodes are always found by spec.providerID as well."
    )
    delete_sqs_msg_if_node_not_found: bool = setting(
        QUEUE,
        BOOL,
        False,
        "If the cluster has no such node, delete the message and complete its lifecycle hook.",
    )
    not_for_us_messages: Policy = setting(  # noqa: RUF009
        QUEUE,
        choice("delete", "leave"),
        "delete",
        "What to do with messages that do not concern this cluster: of other kinds, about other states "
        "or other instances.",
    )
    unreadable_messages: Policy = setting(  # noqa: RUF009
        QUEUE,
        choice("delete", "leave"),
        "leave",
        "What to do with messages that cannot be read. Messages that are left go to the dead-letter "
        "queue, if there is one.",
    )
    lifecycle_action_result: HookResult = setting(  # noqa: RUF009
        QUEUE,
        choice("CONTINUE", "ABANDON"),
        "CONTINUE",
        "The result with which the lifecycle hook of a terminating instance is completed. ABANDON skips"
        " the hooks that would follow.",
    )
    complete_lifecycle_action_delay_seconds: int = setting(
        QUEUE,
        signed("a negative one for none", word="seconds"),
        -1,
        "Seconds to wait between the end of the drain and the completion of the lifecycle hook. "
        "Negative: none.",
    )
    heartbeat_auto: bool = setting(
        QUEUE,
        BOOL,
        False,
        "Send heartbeats as often as the lifecycle hook's own timeout requires, instead of every "
        "HEARTBEAT_INTERVAL.",
    )
    heartbeat_interval: int = setting(
        QUEUE,
        integer(30, 3600, word="seconds", off=-1),
        -1,
        "Seconds between two heartbeats for a lifecycle hook. At most HEARTBEAT_UNTIL.",
    )
    heartbeat_until: int = setting(
        QUEUE,
        integer(60, 172800, word="seconds", off=-1),
        -1,
        "Send no more heartbeats after this many seconds. Off: 172800, if heartbeats are sent.",
    )
    use_leases: bool = setting(
        QUEUE,
        BOOL,
        True,
        "Replicas see by Leases which of them are alive. False: there is only one replica.",
    )
    sqs_msg_visibility_timeout_sec: int = setting(
        QUEUE,
        integer(1, 119, word="seconds"),
        20,
        "Seconds for which a message is hidden from other readers. This is extended while the message "
        "is being handled.",
    )
    aws_region: str = setting(AWS, TEXT, "", "The AWS region. Empty: the region in the queue's URL.")
    aws_endpoint: str = setting(
        AWS, optional(URL), "", "The URL of AWS's APIs, for tests. Empty: AWS itself."
    )

    kubeconfig: str = setting(
        KUBERNETES, PATH, "", "A kubeconfig file. Empty: the service account of the handler's pod."
    )
    kubernetes_service_host: str = setting(
        KUBERNETES,
        TEXT,
        "",
        "The address of the API server, if the one that Kubernetes gives to pods is wrong.",
    )
    kubernetes_service_port: str = setting(
        KUBERNETES,
        PORT_TEXT,
        "",
        "The port of the API server, if the one that Kubernetes gives to pods is wrong.",
    )
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
        "List pods from the API server's cache. This is cheaper for the API server, but may be slightly"
        " out of date.",
    )


TABLE: Final = tuple(
    sorted((row(column) for column in fields(Settings)), key=lambda row: GROUPS.index(row.group))
)
BY_NAME: Final = {row.name: row for row in TABLE}
