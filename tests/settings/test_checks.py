"""Settings that do not go together."""

import pytest

from nth.settings import Settings
from tests.settings.reading import METADATA_MODE, QUEUE_MODE, read, refusal

QUEUE_FLAG = "--enable-sqs-termination-draining (ENABLE_SQS_TERMINATION_DRAINING)"
INTERVAL = "--heartbeat-interval (HEARTBEAT_INTERVAL)"
UNTIL = "--heartbeat-until (HEARTBEAT_UNTIL)"


@pytest.mark.parametrize("environ", [{}, {"NODE_NAME": ""}], ids=["not there", "empty"])
def test_V3_node_name_is_required_in_metadata_mode(environ: dict[str, str]) -> None:
    assert refusal((), environ) == (
        "--node-name (NODE_NAME) is ''; allowed: the name of the Node this runs on (spec.nodeName), "
        f"unless {QUEUE_FLAG} is true"
    )


def test_V3_node_name_is_not_required_in_queue_mode() -> None:
    assert read(QUEUE_MODE | {"NODE_NAME": ""}).settings.node_name == ""


def test_queue_mode_requires_a_queue() -> None:
    assert refusal(("--enable-sqs-termination-draining",)) == (
        f"--queue-url (QUEUE_URL) is ''; allowed: the URL of the queue, because {QUEUE_FLAG} is true"
    )


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        pytest.param(
            METADATA_MODE | {"HEARTBEAT_INTERVAL": "30"},
            f"{INTERVAL} is '30'; allowed: -1 for off, unless {QUEUE_FLAG} is true",
            id="interval in metadata mode",
        ),
        pytest.param(
            METADATA_MODE | {"HEARTBEAT_UNTIL": "60"},
            f"{UNTIL} is '60'; allowed: -1 for off, unless {QUEUE_FLAG} is true",
            id="until in metadata mode",
        ),
        pytest.param(
            QUEUE_MODE | {"HEARTBEAT_UNTIL": "60"},
            f"{UNTIL} is '60'; allowed: -1 for off, "
            f"unless {INTERVAL} or --heartbeat-auto (HEARTBEAT_AUTO) is set",
            id="until without interval",
        ),
        pytest.param(
            QUEUE_MODE | {"HEARTBEAT_INTERVAL": "61", "HEARTBEAT_UNTIL": "60"},
            f"{INTERVAL} is '61'; allowed: at most the 60 of {UNTIL}",
            id="interval longer than until",
        ),
    ],
)
def test_V4_heartbeats_are_refused(environ: dict[str, str], message: str) -> None:
    assert refusal((), environ) == message


@pytest.mark.parametrize(
    ("interval", "until", "expected"),
    [("60", "60", 60), ("30", "", 172800), ("30", "-1", 172800), ("", "", -1), ("-1", "-1", -1)],
    ids=["equal", "until by default", "until off", "none", "both off"],
)
def test_V4_heartbeats_are_taken(interval: str, until: str, expected: int) -> None:
    result = read(QUEUE_MODE | {"HEARTBEAT_INTERVAL": interval, "HEARTBEAT_UNTIL": until})
    assert (result.settings.heartbeat_until, result.warnings) == (expected, ())


BOTH_SERVERS = ("--enable-probes-server", "--enable-prometheus-server")


def test_two_servers_may_have_one_port_as_in_the_original() -> None:
    assert read({}, *BOTH_SERVERS, "--probes-server-port=9092").warnings == ()


@pytest.mark.parametrize(
    "servers", [(), BOTH_SERVERS[:1], BOTH_SERVERS[1:]], ids=["none", "probes", "metrics"]
)
def test_one_server_may_have_any_port(servers: tuple[str, ...]) -> None:
    assert read({}, *servers, "--probes-server-port=9092").settings.probes_server_port == 9092


ALL_MONITORS_OFF = ("--enable-spot-interruption-draining=false", "--enable-scheduled-event-draining=false")


@pytest.mark.parametrize(
    ("argv", "starts", "names"),
    [
        pytest.param(
            ALL_MONITORS_OFF, "nothing is watched", "ENABLE_ASG_LIFECYCLE_DRAINING", id="all monitors off"
        ),
        pytest.param(
            ("--queue-url=http://q",),
            "--queue-url",
            "ENABLE_SQS_TERMINATION_DRAINING",
            id="queue that is not read",
        ),
        pytest.param(
            ("--exclude-from-load-balancers", "--cordon-only"),
            "--exclude-from-load-balancers",
            "CORDON_ONLY",
            id="load balancers with cordon only",
        ),
        pytest.param(
            ("--enable-out-of-service-taint", "--cordon-only"),
            "--enable-out-of-service-taint",
            "CORDON_ONLY",
            id="out of service with cordon only",
        ),
        pytest.param(
            ("--taint-effect=NoExecute",), "--taint-effect", "TAINT_NODE", id="effect without taint"
        ),
        pytest.param(
            ("--taint-effect=noexecute", "--taint-node"), "--taint-effect", "ended at once", id="NoExecute"
        ),
        pytest.param(
            ("--pod-termination-grace-period=121",),
            "--pod-termination-grace-period",
            "120 s of --node-termination-grace-period",
            id="pods longer than the node",
        ),
        pytest.param(
            ("--node-termination-grace-period=5",),
            "--deadline-reserve-seconds",
            "5 s of",
            id="reserve eats it all",
        ),
        pytest.param(
            ("--webhook-template=S3CRET", "--webhook-template-file=/f"),
            "--webhook-template",
            "WEBHOOK_TEMPLATE_FILE",
            id="two templates",
        ),
    ],
)
def test_one_warning(argv: tuple[str, ...], starts: str, names: str) -> None:
    (warning,) = read({}, *argv).warnings
    assert warning.startswith(starts)
    assert names in warning
    assert "S3CRET" not in warning


def test_own_pod_unknown_in_queue_mode_is_warned_of() -> None:
    (warning,) = read(QUEUE_MODE | {"NAMESPACE": ""}).warnings
    assert warning.startswith("without --pod-name (POD_NAME) and --pod-namespace (NAMESPACE) ")
    assert "replica" in warning


PER_GROUP = ("--workers-per-group=2", "--check-tag-before-draining=false")


def test_groups_that_nobody_tells_are_warned_of() -> None:
    (warning,) = read(QUEUE_MODE, *PER_GROUP).warnings
    assert warning.startswith("--workers-per-group (WORKERS_PER_GROUP) has no effect")
    assert "GROUP_LABEL" in warning
    assert read(QUEUE_MODE, *PER_GROUP, "--group-label=pool").warnings == ()
    assert read(QUEUE_MODE, PER_GROUP[0]).warnings == ()


def test_own_node_unknown_in_queue_mode_is_warned_of() -> None:
    (warning,) = read(QUEUE_MODE | {"NODE_NAME": ""}).warnings
    assert warning.startswith("without --node-name (NODE_NAME) ")


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param((*ALL_MONITORS_OFF, "--enable-asg-lifecycle-draining"), id="one monitor on"),
        pytest.param(("--enable-rebalance-draining",), id="S3 draining watches by itself"),
        pytest.param((*ALL_MONITORS_OFF, "--enable-rebalance-draining"), id="rebalance draining alone"),
        pytest.param(("--taint-node", "--taint-effect=PreferNoSchedule"), id="soft taint"),
        pytest.param(("--pod-termination-grace-period=120",), id="pods as long as the node"),
        pytest.param(("--node-termination-grace-period=6",), id="a second is left"),
        pytest.param(("--kube-api-qps=500",), id="rate above the burst"),
        pytest.param(
            ("--exclude-from-load-balancers", "--enable-out-of-service-taint"), id="without cordon only"
        ),
    ],
)
def test_no_warning(argv: tuple[str, ...]) -> None:
    assert read({}, *argv).warnings == ()


def test_monitors_do_not_matter_in_queue_mode() -> None:
    assert read(QUEUE_MODE, *ALL_MONITORS_OFF).warnings == ()


def test_defaults_stand_together() -> None:
    assert read({}).settings == Settings(node_name="node-1")
