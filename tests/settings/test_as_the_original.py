"""What the original starts with starts ours with the same meaning, and a warning where we know better."""

import pytest

from nth.settings import Settings
from nth.settings.checks import why_unused
from nth.settings.rows import Row
from nth.settings.table import BY_NAME, TABLE
from nth.wiring.rules import NO_LIMIT, request_rate, session_rules
from tests.settings.reading import METADATA_MODE, QUEUE_MODE, environ_where_it_counts, read, refusal

MOST = 2**31 - 1


@pytest.mark.parametrize("text", ["-1", "-5", "-300"])
@pytest.mark.parametrize("variable", ["POD_TERMINATION_GRACE_PERIOD", "GRACE_PERIOD"])
def test_any_negative_grace_is_the_pods_own(variable: str, text: str) -> None:
    assert session_rules(read({variable: text}).settings).drain.pod_grace_seconds is None


def test_the_originals_own_example_of_a_negative_grace_starts_without_a_warning() -> None:
    assert read({"POD_TERMINATION_GRACE_PERIOD": "-10"}).warnings == ()


@pytest.mark.parametrize("text", ["-1", "-5"])
def test_a_negative_delay_of_a_lifecycle_action_is_none(text: str) -> None:
    result = read(QUEUE_MODE | {"COMPLETE_LIFECYCLE_ACTION_DELAY_SECONDS": text})
    assert result.settings.complete_lifecycle_action_delay_seconds == int(text)
    assert result.warnings == ()


@pytest.mark.parametrize(("text", "warned"), [("101", False), (str(MOST), False), ("0", True), ("-2", True)])
def test_metadata_may_be_tried_as_often_as_one_likes(text: str, warned: bool) -> None:
    result = read({"METADATA_TRIES": text})
    assert result.settings.metadata_tries == int(text)
    named = f"--metadata-tries (METADATA_TRIES) is {text}, which counts as 1"
    assert result.warnings == ((named,) if warned else ())


def test_no_limit_of_a_drain_is_an_hour_and_begins_at_once() -> None:
    result = read({"NODE_TERMINATION_GRACE_PERIOD": "0", "POD_TERMINATION_GRACE_PERIOD": "30"})
    assert result.settings.node_termination_grace_period == 3600
    assert session_rules(result.settings).policy.node_grace_seconds == 3600
    (warning,) = result.warnings
    assert warning.startswith("--node-termination-grace-period (NODE_TERMINATION_GRACE_PERIOD) is 0, which")


def test_a_negative_limit_of_a_drain_ends_each_drain_at_once_in_the_original_and_is_refused() -> None:
    assert "allowed: a whole number, 0 or more" in refusal(("--node-termination-grace-period=-1",))


@pytest.mark.parametrize(
    ("qps", "burst", "rate", "warnings"),
    [
        ("", "", (200, 400), 0),
        ("0", "", (200, 400), 1),
        ("0", "0", (200, 400), 2),
        ("5", "10", (5, 10), 0),
        ("-1", "", (NO_LIMIT, NO_LIMIT), 1),
        ("-20", "3", (NO_LIMIT, NO_LIMIT), 1),
    ],
)
def test_requests_are_limited_as_the_kubernetes_client_of_the_original_reads_its_numbers(
    qps: str, burst: str, rate: tuple[int, int], warnings: int
) -> None:
    """https://pkg.go.dev/k8s.io/client-go/rest#Config: 0 is the default, and a negative rate no limit."""
    result = read({"KUBE_API_QPS": qps, "KUBE_API_BURST": burst})
    assert request_rate(result.settings) == rate
    assert len(result.warnings) == warnings


def test_a_negative_burst_would_stop_every_request_and_is_refused() -> None:
    assert "KUBE_API_BURST" in refusal(("--kube-api-burst=-1",))


@pytest.mark.parametrize("proxy", ["tcp://squid:3128", "socks5://squid:1080", "http://squid"])
def test_W5_proxies_of_the_original_start_ours(proxy: str) -> None:
    result = read({"WEBHOOK_URL": "https://hooks.example", "WEBHOOK_PROXY": proxy})
    assert (result.settings.webhook_proxy, result.warnings) == (proxy, ())


STRIPPED = pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("WEBHOOK_URL", "https://hooks.example/S3CRET"),
        ("WEBHOOK_PROXY", "tcp://squid:3128"),
        ("WEBHOOK_HEADERS", '{"Authorization":"S3CRET"}'),
        ("QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/1/nth"),
    ],
)


@STRIPPED
@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {}\n\n"])
def test_white_space_around_a_secret_is_ignored_with_a_warning(variable: str, text: str, around: str) -> None:
    needed = QUEUE_MODE | {"WEBHOOK_URL": "https://hooks.example"}
    result = read(needed | {variable: around.format(text)})
    row = next(row for row in TABLE if row.variable == variable)
    assert getattr(result.settings, row.name) == text
    (warning,) = [each for each in result.warnings if each.startswith(str(row))]
    assert "ignored" in warning
    assert "S3CRET" not in warning


def test_a_template_keeps_its_line_feed() -> None:
    result = read({"WEBHOOK_TEMPLATE": "{{ .Kind }}\n"})
    assert (result.settings.webhook_template, result.warnings) == ("{{ .Kind }}\n", ())


IN_NO_USE = [
    pytest.param({**METADATA_MODE, "WORKERS": "0"}, "workers", id="workers of no queue"),
    pytest.param(
        {**METADATA_MODE, "SQS_MSG_VISIBILITY_TIMEOUT_SEC": "600"},
        "sqs_msg_visibility_timeout_sec",
        id="V5 visibility of no queue",
    ),
    pytest.param({**METADATA_MODE, "AWS_ENDPOINT": "localstack"}, "aws_endpoint", id="endpoint of no queue"),
    pytest.param({**QUEUE_MODE, "INSTANCE_METADATA_URL": "none"}, "metadata_url", id="no metadata"),
    pytest.param({**METADATA_MODE, "WEBHOOK_PROXY": "squid"}, "webhook_proxy", id="proxy of no webhook"),
    pytest.param({**METADATA_MODE, "WEBHOOK_HEADERS": "S3CRET"}, "webhook_headers", id="headers of none"),
    pytest.param({**METADATA_MODE, "TAINT_EFFECT": "Never"}, "taint_effect", id="effect of no taint"),
    pytest.param(
        {**METADATA_MODE, "KUBERNETES_EVENTS_EXTRA_ANNOTATIONS": "a"},
        "kubernetes_events_extra_annotations",
        id="annotations of no events",
    ),
    pytest.param(
        {**METADATA_MODE, "PROMETHEUS_SERVER_PORT": "0"}, "prometheus_server_port", id="port of no metrics"
    ),
    pytest.param({**METADATA_MODE, "PROBES_SERVER_PORT": "0"}, "probes_server_port", id="port of no probes"),
]


@pytest.mark.parametrize(("environ", "name"), IN_NO_USE)
def test_a_wrong_value_of_a_feature_that_is_off_is_only_warned_of(environ: dict[str, str], name: str) -> None:
    result = read(environ)
    row = BY_NAME[name]
    assert getattr(result.settings, name) == row.default
    (warning,) = [each for each in result.warnings if each.startswith(str(row))]
    assert warning.endswith(f". It is ignored, because {why_unused(row, result.settings)}")
    assert "S3CRET" not in warning


@pytest.mark.parametrize("row", [row for row in TABLE if row.kind.allowed], ids=lambda row: row.name)
def test_a_setting_counts_once_its_feature_is_on(row: Row) -> None:
    assert why_unused(row, read(environ_where_it_counts(row)).settings) == ""


def test_heartbeats_of_no_queue_are_refused_as_by_the_original() -> None:
    assert "HEARTBEAT_INTERVAL" in refusal(("--heartbeat-interval=10",))
    assert why_unused(BY_NAME["heartbeat_until"], Settings()) == ""
