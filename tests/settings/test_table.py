"""The table against the contract (section 1.2), written out."""

from itertools import pairwise

import pytest

from nth.settings import Settings
from nth.settings.rows import Row, Value
from nth.settings.table import BY_NAME, TABLE

CONTRACT: tuple[tuple[str, str, Value], ...] = (
    ("--dry-run", "DRY_RUN", False),
    ("--node-name", "NODE_NAME", ""),
    ("--pod-name", "POD_NAME", ""),
    ("--pod-namespace", "NAMESPACE", ""),
    ("--metadata-url", "INSTANCE_METADATA_URL", "http://169.254.169.254"),
    ("--ignore-daemon-sets", "IGNORE_DAEMON_SETS", True),
    ("--delete-local-data", "DELETE_LOCAL_DATA", True),
    ("--kubernetes-service-host", "KUBERNETES_SERVICE_HOST", ""),
    ("--kubernetes-service-port", "KUBERNETES_SERVICE_PORT", ""),
    ("--grace-period", "GRACE_PERIOD", -1),
    ("--pod-termination-grace-period", "POD_TERMINATION_GRACE_PERIOD", -1),
    ("--node-termination-grace-period", "NODE_TERMINATION_GRACE_PERIOD", 120),
    ("--kube-api-qps", "KUBE_API_QPS", 5),
    ("--kube-api-burst", "KUBE_API_BURST", 10),
    ("--webhook-url", "WEBHOOK_URL", ""),
    ("--webhook-proxy", "WEBHOOK_PROXY", ""),
    ("--webhook-headers", "WEBHOOK_HEADERS", '{"Content-type":"application/json"}'),
    ("--webhook-template", "WEBHOOK_TEMPLATE", "the Slack-style JSON template"),
    ("--webhook-template-file", "WEBHOOK_TEMPLATE_FILE", ""),
    ("--enable-scheduled-event-draining", "ENABLE_SCHEDULED_EVENT_DRAINING", True),
    ("--enable-spot-interruption-draining", "ENABLE_SPOT_INTERRUPTION_DRAINING", True),
    ("--enable-asg-lifecycle-draining", "ENABLE_ASG_LIFECYCLE_DRAINING", False),
    ("--enable-sqs-termination-draining", "ENABLE_SQS_TERMINATION_DRAINING", False),
    ("--enable-rebalance-monitoring", "ENABLE_REBALANCE_MONITORING", False),
    ("--enable-rebalance-draining", "ENABLE_REBALANCE_DRAINING", False),
    ("--check-asg-tag-before-draining", "CHECK_ASG_TAG_BEFORE_DRAINING", True),
    ("--check-tag-before-draining", "CHECK_TAG_BEFORE_DRAINING", True),
    ("--managed-asg-tag", "MANAGED_ASG_TAG", "aws-node-termination-handler/managed"),
    ("--managed-tag", "MANAGED_TAG", "aws-node-termination-handler/managed"),
    ("--metadata-tries", "METADATA_TRIES", 3),
    ("--cordon-only", "CORDON_ONLY", False),
    ("--taint-node", "TAINT_NODE", False),
    ("--taint-effect", "TAINT_EFFECT", "NoSchedule"),
    ("--enable-out-of-service-taint", "ENABLE_OUT_OF_SERVICE_TAINT", False),
    ("--exclude-from-load-balancers", "EXCLUDE_FROM_LOAD_BALANCERS", False),
    ("--json-logging", "JSON_LOGGING", False),
    ("--log-level", "LOG_LEVEL", "INFO"),
    ("--log-format-version", "LOG_FORMAT_VERSION", 1),
    ("--uptime-from-file", "UPTIME_FROM_FILE", ""),
    ("--enable-prometheus-server", "ENABLE_PROMETHEUS_SERVER", False),
    ("--prometheus-server-port", "PROMETHEUS_SERVER_PORT", 9092),
    ("--enable-probes-server", "ENABLE_PROBES_SERVER", False),
    ("--probes-server-port", "PROBES_SERVER_PORT", 8080),
    ("--probes-server-endpoint", "PROBES_SERVER_ENDPOINT", "/healthz"),
    ("--emit-kubernetes-events", "EMIT_KUBERNETES_EVENTS", False),
    ("--kubernetes-events-extra-annotations", "KUBERNETES_EVENTS_EXTRA_ANNOTATIONS", ""),
    ("--aws-region", "AWS_REGION", ""),
    ("--aws-endpoint", "AWS_ENDPOINT", ""),
    ("--queue-url", "QUEUE_URL", ""),
    ("--workers", "WORKERS", 10),
    ("--use-provider-id", "USE_PROVIDER_ID", False),
    ("--complete-lifecycle-action-delay-seconds", "COMPLETE_LIFECYCLE_ACTION_DELAY_SECONDS", -1),
    ("--delete-sqs-msg-if-node-not-found", "DELETE_SQS_MSG_IF_NODE_NOT_FOUND", False),
    ("--use-apiserver-cache", "USE_APISERVER_CACHE", False),
    ("--heartbeat-interval", "HEARTBEAT_INTERVAL", -1),
    ("--heartbeat-until", "HEARTBEAT_UNTIL", -1),
    ("--sqs-msg-visibility-timeout-sec", "SQS_MSG_VISIBILITY_TIMEOUT_SEC", 20),
)
OURS: tuple[tuple[str, str, Value], ...] = (
    ("--metadata-poll-interval", "METADATA_POLL_INTERVAL", 0.75),
    ("--deadline-reserve-seconds", "DEADLINE_RESERVE_SECONDS", 5),
    ("--force-policy", "FORCE_POLICY", "deadline"),
    ("--scheduled-event-drain-at", "SCHEDULED_EVENT_DRAIN_AT", "notice"),
    ("--shutdown-grace-period", "SHUTDOWN_GRACE_PERIOD", -1),
    ("--kubeconfig", "KUBECONFIG", ""),
    ("--action-spot-interruption", "ACTION_SPOT_INTERRUPTION", "default"),
    ("--action-scheduled-event", "ACTION_SCHEDULED_EVENT", "default"),
    ("--action-rebalance-recommendation", "ACTION_REBALANCE_RECOMMENDATION", "default"),
    ("--action-asg-lifecycle", "ACTION_ASG_LIFECYCLE", "default"),
    ("--action-state-change", "ACTION_STATE_CHANGE", "default"),
    ("--rebalance-uncordon-after", "REBALANCE_UNCORDON_AFTER", -1),
    ("--workers-per-group", "WORKERS_PER_GROUP", 0),
    ("--use-leases", "USE_LEASES", True),
    ("--webhook-phases", "WEBHOOK_PHASES", ""),
    ("--webhook-tries", "WEBHOOK_TRIES", 1),
    ("--webhook-targets-file", "WEBHOOK_TARGETS_FILE", ""),
    ("--enable-node-condition", "ENABLE_NODE_CONDITION", False),
    ("--enable-per-node-metrics", "ENABLE_PER_NODE_METRICS", False),
    ("--enable-interruption-report", "ENABLE_INTERRUPTION_REPORT", True),
    ("--tracing-endpoint", "TRACING_ENDPOINT", ""),
    ("--prometheus-server-address", "PROMETHEUS_SERVER_ADDRESS", ""),
    ("--probes-server-address", "PROBES_SERVER_ADDRESS", ""),
    ("--group-label", "GROUP_LABEL", ""),
    ("--not-for-us-messages", "NOT_FOR_US_MESSAGES", "delete"),
    ("--unreadable-messages", "UNREADABLE_MESSAGES", "leave"),
    ("--lifecycle-action-result", "LIFECYCLE_ACTION_RESULT", "CONTINUE"),
    ("--heartbeat-auto", "HEARTBEAT_AUTO", False),
)
OTHER_DEFAULTS: dict[str, Value] = {
    "--kube-api-qps": 200,
    "--kube-api-burst": 400,
    "--webhook-template": BY_NAME["webhook_template"].default,
}
"""What a modern API server expects, and a template of our own wording."""


def test_contract_1_2_has_57_settings() -> None:
    assert len(CONTRACT) == 57


def test_contract_1_2_table_holds_those_and_ours_and_no_other() -> None:
    expected = {
        flag: (variable, OTHER_DEFAULTS.get(flag, default)) for flag, variable, default in CONTRACT + OURS
    }
    assert {row.flag: (row.variable, row.default) for row in TABLE} == expected


@pytest.mark.parametrize(("flag", "default"), [(flag, default) for flag, _, default in CONTRACT + OURS])
def test_contract_1_2_types(flag: str, default: Value) -> None:
    row = next(row for row in TABLE if row.flag == flag)
    assert type(row.default) is type(default)
    assert row.kind.switch == isinstance(default, bool)


def test_fields_have_the_defaults_of_the_table() -> None:
    assert {row.name: getattr(Settings(), row.name) for row in TABLE} == {
        row.name: row.default for row in TABLE
    }


@pytest.mark.parametrize("row", [row for row in TABLE if row.default != ""], ids=lambda row: row.name)
def test_every_default_is_allowed(row: Row) -> None:
    text = str(row.default)
    assert row.kind.parse(text.lower() if row.kind.switch else text) == row.default


def test_V10_asg_target_state_is_off_in_the_binary() -> None:
    assert Settings().enable_asg_lifecycle_draining is False


def test_W8_default_template_names_all_fields_in_order() -> None:
    template = Settings().webhook_template
    shape = (
        "[NTH][Instance Interruption] EventID: %s - Kind: %s - Instance: %s - Node: %s"
        " - Description: %s - Start Time: %s"
    )
    fields = ".EventID .Kind .InstanceID .NodeName (trim .Description) .StartTime"
    assert f'printf "{shape}" {fields} | replace' in template
    assert template.startswith('{"text": {{ ')
    assert template.endswith(" | toJson }} }")


def test_secrets_are_not_in_the_repr() -> None:
    settings = Settings(webhook_url="http://S3CRET", webhook_headers="S3CRET", webhook_template="S3CRET")
    assert "S3CRET" not in repr(settings)
    assert [row.name for row in TABLE if row.secret] == ["webhook_url", "webhook_headers", "webhook_template"]


def test_groups_are_contiguous() -> None:
    groups = [row.group for row in TABLE]
    changes = sum(one != other for one, other in pairwise(groups))
    assert changes == len(set(groups)) - 1
