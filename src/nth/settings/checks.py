"""Finds settings that do not go together: faults end the start, advice is only logged.

It also knows which settings have no effect because their feature is off.

Each line of the two tables has a condition, and a message. In the message, `{name}` becomes the
setting's flag and variable, `{0.name}` its value; a secret's value must not be among them.
"""

from collections.abc import Callable

from nth.core.notices.kinds import KINDS
from nth.errors import SettingError
from nth.settings.rows import AWS, METADATA, QUEUE, WEBHOOK, Row
from nth.settings.table import BY_NAME, Settings
from nth.settings.words import KUBE_API_BURST, KUBE_API_QPS, NO_LIMIT_SECONDS

_Rules = tuple[tuple[Callable[[Settings], bool], str], ...]

_FAULTS: _Rules = (
    (
        lambda s: not s.node_name and not s.enable_sqs_termination_draining,
        "{node_name} is ''; allowed: the name of the Node this runs on (spec.nodeName), "
        "unless {enable_sqs_termination_draining} is true",
    ),
    (
        lambda s: not s.queue_url and s.enable_sqs_termination_draining,
        "{queue_url} is ''; allowed: the URL of the queue, because {enable_sqs_termination_draining} is true",
    ),
    (
        lambda s: s.heartbeat_interval != -1 and not s.enable_sqs_termination_draining,
        "{heartbeat_interval} is '{0.heartbeat_interval}'; allowed: -1 for off, "
        "unless {enable_sqs_termination_draining} is true",
    ),
    (
        lambda s: s.heartbeat_until != -1 and not s.enable_sqs_termination_draining,
        "{heartbeat_until} is '{0.heartbeat_until}'; allowed: -1 for off, "
        "unless {enable_sqs_termination_draining} is true",
    ),
    (
        lambda s: s.heartbeat_until != -1 and s.heartbeat_interval == -1 and not s.heartbeat_auto,
        "{heartbeat_until} is '{0.heartbeat_until}'; allowed: -1 for off, "
        "unless {heartbeat_interval} or {heartbeat_auto} is set",
    ),
    (
        lambda s: s.heartbeat_until != -1 and s.heartbeat_interval > s.heartbeat_until,
        "{heartbeat_interval} is '{0.heartbeat_interval}'; allowed: "
        "at most the {0.heartbeat_until} of {heartbeat_until}",
    ),
)

_ADVICE: _Rules = (
    (
        lambda s: s.heartbeat_auto and s.heartbeat_interval != -1,
        "{heartbeat_interval} has no effect with {heartbeat_auto}",
    ),
    (
        lambda s: bool(s.workers_per_group) and s.workers_per_group >= s.workers,
        "{workers_per_group} has no effect: it is not less than the {0.workers} of {workers}",
    ),
    (
        lambda s: bool(s.workers_per_group) and not s.group_label and not s.check_tag_before_draining,
        "{workers_per_group} has no effect: the Auto Scaling group of a node is only known with "
        "{check_tag_before_draining}; or set {group_label}",
    ),
    (
        lambda s: s.heartbeat_auto and not s.enable_sqs_termination_draining,
        "{heartbeat_auto} has no effect without {enable_sqs_termination_draining}",
    ),
    (
        lambda s: not 1 <= s.log_format_version <= 2,
        "{log_format_version} is '{0.log_format_version}'; the nearer of 1 and 2 is used",
    ),
    (
        lambda s: (
            not (
                s.enable_sqs_termination_draining
                or any(getattr(s, switch) for kind in KINDS for switch in kind.switches)
            )
        ),
        "nothing is watched and no node will be drained; set one of "
        + ", ".join(f"{{{kind.switches[0]}}}" for kind in KINDS if kind.switches),
    ),
    (
        lambda s: bool(s.queue_url) and not s.enable_sqs_termination_draining,
        "{queue_url} has no effect without {enable_sqs_termination_draining}: no queue is read",
    ),
    (
        lambda s: s.enable_sqs_termination_draining and s.use_leases and not (s.pod_name and s.pod_namespace),
        "without {pod_name} and {pod_namespace} this replica and others do not know of each other, "
        "and a drain of the handler's own node may evict the handler's own pod first",
    ),
    (
        lambda s: s.enable_sqs_termination_draining and not s.node_name,
        "without {node_name} the handler's own pod is not evicted when the rest of its node is drained",
    ),
    (
        lambda s: s.exclude_from_load_balancers and s.cordon_only,
        "{exclude_from_load_balancers} has no effect with {cordon_only}",
    ),
    (
        lambda s: s.enable_out_of_service_taint and s.cordon_only,
        "{enable_out_of_service_taint} has no effect with {cordon_only}",
    ),
    (
        lambda s: s.taint_effect != "NoSchedule" and not s.taint_node,
        "{taint_effect} has no effect without {taint_node}",
    ),
    (
        lambda s: s.taint_effect == "NoExecute" and s.taint_node,
        "{taint_effect} is NoExecute: all pods that do not tolerate the taint are ended at once, "
        "whatever their budgets say",
    ),
    (
        lambda s: s.pod_termination_grace_period > s.node_termination_grace_period > 0,
        "{pod_termination_grace_period} gives pods {0.pod_termination_grace_period} s, but the drain "
        "ends after the {0.node_termination_grace_period} s of {node_termination_grace_period}",
    ),
    (
        lambda s: s.deadline_reserve_seconds >= s.node_termination_grace_period > 0,
        "{deadline_reserve_seconds} leaves no time for evictions: it is not less than the "
        "{0.node_termination_grace_period} s of {node_termination_grace_period}",
    ),
    (
        lambda s: s.node_termination_grace_period == 0,
        f"{{node_termination_grace_period}} is 0, which counts as {NO_LIMIT_SECONDS}: drains start at once, "
        "and where AWS names no deadline they may take that long",
    ),
    (
        lambda s: s.metadata_tries < 1,
        "{metadata_tries} is {0.metadata_tries}, which counts as 1",
    ),
    (
        lambda s: s.kube_api_qps == 0,
        f"{{kube_api_qps}} is 0, which counts as {KUBE_API_QPS}",
    ),
    (
        lambda s: s.kube_api_qps < 0,
        "{kube_api_qps} is negative: the number of requests to the API server is not limited",
    ),
    (
        lambda s: s.kube_api_burst == 0,
        f"{{kube_api_burst}} is 0, which counts as {KUBE_API_BURST}",
    ),
    (
        lambda s: bool(s.webhook_template_file) and s.webhook_template != BY_NAME["webhook_template"].default,
        "{webhook_template} has no effect with {webhook_template_file}",
    ),
)

_Off = tuple[str, Callable[[Row], bool], Callable[[Settings], bool]]

# Heartbeats are not among them: as in the original, they are refused in metadata mode.
_OFF: tuple[_Off, ...] = (
    (
        "{enable_sqs_termination_draining} is not true",
        lambda row: row.group in (QUEUE, AWS) and not row.name.startswith("heartbeat_"),
        lambda s: not s.enable_sqs_termination_draining,
    ),
    (
        "{enable_sqs_termination_draining} is true",
        lambda row: row.group == METADATA,
        lambda s: s.enable_sqs_termination_draining,
    ),
    (
        "{taint_node} is not true",
        lambda row: row.name == "taint_effect",
        lambda s: not s.taint_node,
    ),
    (
        "neither {webhook_url} nor {webhook_targets_file} is set",
        lambda row: row.group == WEBHOOK and row.name != "webhook_url",
        lambda s: not (s.webhook_url or s.webhook_targets_file),
    ),
    (
        "{emit_kubernetes_events} is not true",
        lambda row: row.name == "kubernetes_events_extra_annotations",
        lambda s: not s.emit_kubernetes_events,
    ),
    (
        "{enable_prometheus_server} is not true",
        lambda row: row.name.startswith("prometheus_server_"),
        lambda s: not s.enable_prometheus_server,
    ),
    (
        "{enable_probes_server} is not true",
        lambda row: row.name.startswith("probes_server_"),
        lambda s: not s.enable_probes_server,
    ),
)


def why_unused(row: Row, settings: Settings) -> str:
    """Returns why this setting has no effect with these others; empty: it may have one."""
    found = (why for why, concerns, off in _OFF if concerns(row) and off(settings))
    return next(found, "").format(**BY_NAME)


def check(settings: Settings) -> None:
    """Raise SettingError for the first fault."""
    for message in _messages(_FAULTS, settings):
        raise SettingError(message)


def advice(settings: Settings) -> tuple[str, ...]:
    """Returns advice for the user, a line each."""
    return _messages(_ADVICE, settings)


def _messages(rules: _Rules, settings: Settings) -> tuple[str, ...]:
    return tuple(words.format(settings, **BY_NAME) for holds, words in rules if holds(settings))
