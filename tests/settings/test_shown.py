"""What people see of the settings."""

import json

import pytest

from nth.settings import Settings, as_printed
from nth.settings.shown import shown
from nth.settings.table import BY_NAME

KEYS = """
    dry_run node_name pod_name pod_namespace metadata_url kubernetes_service_host kubernetes_service_port
    delete_local_data ignore_daemon_sets pod_termination_grace_period node_termination_grace_period
    kube_api_qps kube_api_burst enable_scheduled_event_draining enable_spot_interruption_draining
    enable_sqs_termination_draining delete_sqs_msg_if_node_not_found enable_rebalance_monitoring
    enable_rebalance_draining metadata_tries cordon_only taint_node taint_effect
    enable_out_of_service_taint exclude_from_load_balancers json_logging log_level webhook_proxy
    uptime_from_file enable_prometheus_server prometheus_server_port emit_kubernetes_events
    kubernetes_events_extra_annotations aws_region aws_endpoint queue_url check_tag_before_draining
    ManagedTag use_provider_id use_apiserver_cache heartbeat_interval heartbeat_until
    sqs_msg_visibility_timeout_sec
""".split()  # noqa: SIM905 - sixty quotes and commas would hide a missing name
OURS = (
    "metadata_poll_interval",
    "deadline_reserve_seconds",
    "force_policy",
    "scheduled_event_drain_at",
    "shutdown_grace_period",
    "kubeconfig",
    "action_spot_interruption",
    "action_scheduled_event",
    "action_rebalance_recommendation",
    "action_asg_lifecycle",
    "action_state_change",
    "rebalance_uncordon_after",
    "workers_per_group",
    "use_leases",
    "webhook_phases",
    "webhook_tries",
    "webhook_targets_file",
    "enable_node_condition",
    "enable_per_node_metrics",
    "enable_interruption_report",
    "tracing_endpoint",
    "group_label",
    "not_for_us_messages",
    "unreadable_messages",
    "lifecycle_action_result",
    "heartbeat_auto",
    "prometheus_server_address",
    "probes_server_address",
)


def test_V8_all_keys_of_the_contract_and_ours() -> None:
    assert set(as_printed(Settings())) >= {*KEYS, *OURS}


def test_V8_deprecated_settings_are_left_out() -> None:
    printed = as_printed(Settings())
    assert not {"grace_period", "managed_asg_tag", "check_asg_tag_before_draining", "managed_tag"} & set(
        printed
    )
    assert len(printed) == 57 - 3 + len(OURS)


def test_V8_values_are_json() -> None:
    printed = json.loads(json.dumps(as_printed(Settings(dry_run=True, managed_tag="x", kube_api_qps=7))))
    assert (printed["dry_run"], printed["ManagedTag"], printed["kube_api_qps"]) == (True, "x", 7)
    assert printed["metadata_poll_interval"] == 0.75


@pytest.mark.parametrize("name", ["webhook_url", "webhook_headers", "webhook_template"])
def test_V8_secrets_are_not_displayed(name: str) -> None:
    assert as_printed(Settings())[name] == "<not-set>"
    given = Settings(webhook_url="S3CRET", webhook_headers="S3CRET", webhook_template="S3CRET")
    assert as_printed(given)[name] == "<provided-not-displayed>"


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("http://user:S3CRET@proxy.example:3128", "http://***@proxy.example:3128"),
        ("http://user:S3@CRET@proxy.example", "http://***@proxy.example"),
        ("http://proxy.example", "http://proxy.example"),
        ("", ""),
    ],
    ids=["password", "at sign in the password", "none", "empty"],
)
def test_password_of_a_url_is_not_displayed(url: str, seen: str) -> None:
    assert as_printed(Settings(webhook_proxy=url))["webhook_proxy"] == seen


@pytest.mark.parametrize(
    ("name", "text", "seen"),
    [
        ("workers", "0", "'0'"),
        ("workers", "a\nb\x1b[31m", r"'a\nb\x1b[31m'"),
        ("workers", "x" * 99, "'" + "x" * 80 + "...'"),
        ("node_name", "a@b", "'a@b'"),
        ("webhook_proxy", "user:S3CRET@proxy", "'***@proxy'"),
        ("webhook_proxy", "x\nftp://user:S3CRET@proxy", r"'x\nftp://***@proxy'"),
        ("webhook_headers", "S3CRET", "<provided-not-displayed>"),
    ],
    ids=[
        "plain",
        "control characters",
        "long",
        "at sign",
        "password",
        "password after a line break",
        "secret",
    ],
)
def test_wrong_value_in_an_error(name: str, text: str, seen: str) -> None:
    assert shown(BY_NAME[name], text) == seen
