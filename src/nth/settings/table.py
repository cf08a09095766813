"""The one table of settings: flags, variables, help and documents all come from these fields.

`Settings` holds values only. How texts become values is `kinds`, where they come from is `read`,
what goes together is `checks`. Names and defaults are those of the original handler, except where
a comment says otherwise.
"""

from dataclasses import Field, dataclass, field, fields, replace
from typing import Final, Literal, TypeVar

from nth.settings.kinds import (
    BOOL,
    HEADERS,
    PAIRS,
    PATH,
    PORT,
    PORT_TEXT,
    TEXT,
    URL,
    URL_PATH,
    Kind,
    choice,
    decimal,
    integer,
    optional,
)

T = TypeVar("T")

LogLevel = Literal["DEBUG", "INFO", "WARN", "WARNING", "ERROR"]
TaintEffect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
ForcePolicy = Literal["deadline", "never"]
DrainAt = Literal["notice", "start"]

MODE: Final = "Mode and identity"
NOTICES: Final = "Which notices are acted on"
NODE: Final = "What is done to the node"
DRAIN: Final = "The drain"
METADATA: Final = "Instance metadata service"
QUEUE: Final = "Queue mode"
KUBERNETES: Final = "Kubernetes API"
WEBHOOK: Final = "Webhook"
EVENTS: Final = "Kubernetes events"
SERVERS: Final = "Metrics and probes"
LOG: Final = "Log"

# One line of Slack text. toJson quotes it: a description may hold quotes and line breaks.
_WEBHOOK_TEMPLATE = (
    '{"text": {{ printf "[NTH][Instance Interruption] EventID: %s - Kind: %s - Instance: %s - Node: %s'
    ' - Description: %s - Start Time: %s" .EventID .Kind .InstanceID .NodeName (trim .Description) .StartTime'
    " | toJson }} }"
)
_FORMAT_VERSION = replace(
    integer(-(10**18), 10**18), allowed="1 or 2; another number counts as the nearer of these"
)
_MANAGED = "aws-node-termination-handler/managed"


def _setting(
    group: str,
    kind: Kind[T],
    default: T,
    help: str,  # noqa: A002
    *,
    variable: str = "",
    secret: bool = False,
    successor: str = "",
) -> T:
    row = {
        "default": default,
        "group": group,
        "kind": kind,
        "help": help,
        "variable": variable,
        "secret": secret,
        "successor": successor,
    }
    return field(default=default, repr=not secret, metadata=row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, valid. A deprecated one is kept as it was given: read its successor."""

    node_name: str = _setting(
        MODE, TEXT, "", "The Node this runs on (spec.nodeName). Required, unless in queue mode."
    )
    pod_name: str = _setting(MODE, TEXT, "", "Our own pod (metadata.name), which a drain leaves alone.")
    pod_namespace: str = _setting(MODE, TEXT, "", "The namespace of our own pod.", variable="NAMESPACE")
    enable_sqs_termination_draining: bool = _setting(
        MODE,
        BOOL,
        False,
        "Queue mode: one Deployment reads the notices of all nodes from an SQS queue. "
        "Off is metadata mode: a DaemonSet reads each node's own from its metadata service.",
    )
    dry_run: bool = _setting(
        MODE, BOOL, False, "Read real notices and log what would be done; change nothing, nor in AWS."
    )

    enable_spot_interruption_draining: bool = _setting(
        NOTICES, BOOL, True, "Metadata mode: drain when the Spot instance is about to be interrupted."
    )
    enable_scheduled_event_draining: bool = _setting(
        NOTICES, BOOL, True, "Metadata mode: drain for scheduled maintenance; undo when it is over."
    )
    enable_rebalance_monitoring: bool = _setting(
        NOTICES, BOOL, False, "Metadata mode: cordon when the Spot instance is at elevated risk."
    )
    enable_rebalance_draining: bool = _setting(
        NOTICES,
        BOOL,
        False,
        "Metadata mode: drain, not only cordon, when the Spot instance is at elevated risk.",
    )
    # The original's chart has true here, its binary false.
    enable_asg_lifecycle_draining: bool = _setting(
        NOTICES,
        BOOL,
        False,
        "Metadata mode: drain when the Auto Scaling group takes the instance out (target state Terminated).",
    )
    scheduled_event_drain_at: DrainAt = _setting(  # noqa: RUF009
        NOTICES,
        choice("notice", "start"),
        "notice",
        "Act on scheduled maintenance as soon as it is announced, or NODE_TERMINATION_GRACE_PERIOD "
        "before its start.",
    )

    cordon_only: bool = _setting(NODE, BOOL, False, "Cordon the node, and evict nothing.")
    taint_node: bool = _setting(
        NODE, BOOL, False, "Taint the node with what happens to it, when it is cordoned."
    )
    taint_effect: TaintEffect = _setting(  # noqa: RUF009
        NODE,
        choice("NoSchedule", "PreferNoSchedule", "NoExecute"),
        "NoSchedule",
        "The effect of that taint. NoExecute ends every pod that does not tolerate it, at once and "
        "past its budget.",
    )
    exclude_from_load_balancers: bool = _setting(
        NODE,
        BOOL,
        False,
        "Label the node so that load balancers send it no new traffic, before it is drained.",
    )
    enable_out_of_service_taint: bool = _setting(
        NODE, BOOL, False, "Taint the drained node out-of-service, so that volumes can be attached elsewhere."
    )
    uptime_from_file: str = _setting(
        NODE,
        PATH,
        "",
        "Where the uptime stands that tells whether the machine has rebooted. Empty: /proc/uptime.",
    )

    ignore_daemon_sets: bool = _setting(
        DRAIN,
        BOOL,
        True,
        "DaemonSet pods may stay. False: they stay, too, but the node does not count as drained.",
    )
    delete_local_data: bool = _setting(
        DRAIN,
        BOOL,
        True,
        "Evict pods with emptyDir volumes, too; their data is lost. False: they stay, and the node does "
        "not count as drained.",
    )
    pod_termination_grace_period: int = _setting(
        DRAIN,
        integer(-1, word="seconds"),
        -1,
        "Seconds that each pod has to stop; -1: the pod's own terminationGracePeriodSeconds.",
    )
    grace_period: int = _setting(
        DRAIN,
        integer(-1, word="seconds"),
        -1,
        "The old name of that.",
        successor="pod_termination_grace_period",
    )
    node_termination_grace_period: int = _setting(
        DRAIN,
        integer(1, word="seconds"),
        120,
        "Seconds that a drain may take: it begins so long before the deadline, or at once if that is nearer "
        "or unknown.",
    )
    deadline_reserve_seconds: int = _setting(
        DRAIN,
        integer(0, 60, word="seconds"),
        5,
        "Seconds kept free before the deadline: every pod is to have stopped by then.",
    )
    force_policy: ForcePolicy = _setting(  # noqa: RUF009
        DRAIN,
        choice("deadline", "never"),
        "deadline",
        "What to do with a pod that its budget still holds when the last moment has come to stop it in "
        "an orderly way: delete it at that moment, or never. A pod annotated "
        "aws-node-termination-handler/force=never is always left.",
    )
    shutdown_grace_period: int = _setting(
        DRAIN,
        integer(-1, 86400, word="seconds"),
        -1,
        "Seconds that a running drain goes on after SIGTERM; -1: our own pod's "
        "terminationGracePeriodSeconds.",
    )

    metadata_url: str = _setting(
        METADATA,
        URL,
        "http://169.254.169.254",
        "The metadata service. On IPv6: http://[fd00:ec2::254].",
        variable="INSTANCE_METADATA_URL",
    )
    metadata_tries: int = _setting(
        METADATA, integer(1, 100), 3, "How often a request is tried before it has failed."
    )
    metadata_poll_interval: float = _setting(
        METADATA, decimal(0.1, 60, word="seconds"), 1.0, "Seconds from one look at the notices to the next."
    )

    queue_url: str = _setting(QUEUE, optional(URL), "", "The SQS queue. Required in queue mode.")
    aws_region: str = _setting(
        QUEUE, TEXT, "", "The region of the queue. Empty: as the metadata service or the queue's URL says."
    )
    aws_endpoint: str = _setting(QUEUE, optional(URL), "", "Where AWS's APIs are, for tests. Empty: AWS.")
    workers: int = _setting(QUEUE, integer(1), 10, "How many nodes are worked on at the same time.")
    check_tag_before_draining: bool = _setting(
        QUEUE, BOOL, True, "Act only on instances that have the tag MANAGED_TAG."
    )
    check_asg_tag_before_draining: bool = _setting(
        QUEUE, BOOL, True, "The old name of that.", successor="check_tag_before_draining"
    )
    managed_tag: str = _setting(QUEUE, TEXT, _MANAGED, "The key of that tag; its value does not matter.")
    managed_asg_tag: str = _setting(QUEUE, TEXT, _MANAGED, "The old name of that.", successor="managed_tag")
    use_provider_id: bool = _setting(
        QUEUE, BOOL, False, "Accepted, and not needed: nodes are always found by spec.providerID, too."
    )
    delete_sqs_msg_if_node_not_found: bool = _setting(
        QUEUE, BOOL, False, "Delete the message, and complete its hook, when the cluster has no such node."
    )
    complete_lifecycle_action_delay_seconds: int = _setting(
        QUEUE,
        integer(-1, word="seconds"),
        -1,
        "Seconds between the end of the drain and the completion of the lifecycle hook; -1: none.",
    )
    heartbeat_interval: int = _setting(
        QUEUE,
        integer(30, 3600, word="seconds", off=-1),
        -1,
        "Seconds from one heartbeat of the lifecycle hook to the next. At most HEARTBEAT_UNTIL.",
    )
    heartbeat_until: int = _setting(
        QUEUE,
        integer(60, 172800, word="seconds", off=-1),
        -1,
        "Seconds after which no more heartbeats are sent; off: 172800, when HEARTBEAT_INTERVAL is set.",
    )
    sqs_msg_visibility_timeout_sec: int = _setting(
        QUEUE, integer(1, 119, word="seconds"), 20, "Seconds that a message is hidden from other readers."
    )

    kubeconfig: str = _setting(KUBERNETES, PATH, "", "A kubeconfig file. Empty: our pod's service account.")
    kubernetes_service_host: str = _setting(
        KUBERNETES,
        TEXT,
        "",
        "The API server's address, where the one that Kubernetes gives our pod is wrong.",
    )
    kubernetes_service_port: str = _setting(KUBERNETES, PORT_TEXT, "", "The API server's port, likewise.")
    # The original has 5 and 10, from before API servers had priority and fairness.
    kube_api_qps: int = _setting(
        KUBERNETES, integer(1), 200, "Requests a second to the API server, in the long run."
    )
    kube_api_burst: int = _setting(
        KUBERNETES,
        integer(1),
        400,
        "Requests that may be sent at once after a quiet time; may be more or less than KUBE_API_QPS.",
    )
    use_apiserver_cache: bool = _setting(
        KUBERNETES,
        BOOL,
        False,
        "List pods from the API server's cache: cheaper for it, and may be a moment old.",
    )

    webhook_url: str = _setting(
        WEBHOOK, optional(URL), "", "Where to post what was done. Empty: nowhere.", secret=True
    )
    webhook_proxy: str = _setting(
        WEBHOOK,
        optional(URL),
        "",
        "The HTTP proxy for it, e.g. --webhook-proxy=http://proxy.example:3128. "
        "Proxies of the environment are not used.",
    )
    webhook_headers: str = _setting(
        WEBHOOK, HEADERS, '{"Content-type":"application/json"}', "The headers of the request.", secret=True
    )
    webhook_template: str = _setting(
        WEBHOOK,
        TEXT,
        _WEBHOOK_TEMPLATE,
        "The body, as a Go text/template with sprig's functions.",
        secret=True,
    )
    webhook_template_file: str = _setting(WEBHOOK, PATH, "", "Read the template from this file instead.")

    emit_kubernetes_events: bool = _setting(
        EVENTS, BOOL, False, "Say as Kubernetes events, too, what is done to the node."
    )
    kubernetes_events_extra_annotations: str = _setting(
        EVENTS, optional(PAIRS), "", "Annotations that each of these events gets besides our own."
    )

    enable_prometheus_server: bool = _setting(
        SERVERS, BOOL, False, "Serve metrics for Prometheus at /metrics."
    )
    prometheus_server_port: int = _setting(SERVERS, PORT, 9092, "The port of /metrics.")
    enable_probes_server: bool = _setting(
        SERVERS, BOOL, False, "Serve the liveness probe, and the readiness probe at /readyz."
    )
    probes_server_port: int = _setting(SERVERS, PORT, 8080, "The port of the probes; not that of /metrics.")
    probes_server_endpoint: str = _setting(SERVERS, URL_PATH, "/healthz", "The path of the liveness probe.")

    log_level: LogLevel = _setting(  # noqa: RUF009
        LOG, choice("DEBUG", "INFO", "WARN", "WARNING", "ERROR"), "INFO", "The least level that is logged."
    )
    json_logging: bool = _setting(LOG, BOOL, False, "Log lines of JSON instead of text.")
    log_format_version: int = _setting(
        LOG, _FORMAT_VERSION, 1, "1: the monitor's name is in event_type; 2: in monitor_type."
    )


Value = bool | int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: what is known of the setting `name`, a field of `Settings`."""

    name: str
    default: Value
    group: str
    kind: Kind[Value]
    help: str
    variable: str
    secret: bool
    """Its value is never shown, not even in an error."""
    successor: str
    """Empty, or it is deprecated and this is the name of the setting to use instead."""

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    def __str__(self) -> str:
        """Flag and variable, as messages name a setting."""
        return f"{self.flag} ({self.variable})"


def _row(column: Field[Value]) -> Row:
    known = {**column.metadata, "variable": column.metadata["variable"] or column.name.upper()}
    return Row(name=column.name, **known)


TABLE: Final = tuple(_row(column) for column in fields(Settings))
BY_NAME: Final = {row.name: row for row in TABLE}
