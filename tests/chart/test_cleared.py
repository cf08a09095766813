"""Values as users of the original's chart write them: cleared with `x=""`, and booleans in quotes."""

from typing import Any

import pytest

from tests.chart.original import ORIGINAL
from tests.chart.rendering import QUEUE, Chart, kinds
from tools.chart.cleared import CONDITIONS
from tools.chart.table import VALUES
from tools.chart.values import FALSE_TEXTS, NEEDED, TRUE_TEXTS

MODES = pytest.mark.parametrize("mode", [{}, QUEUE], ids=["metadata", "queue"])
SWITCHES = [value.key for value in VALUES if isinstance(value.default, bool)]
MODE = "enableSqsTerminationDraining"


@MODES
def test_every_value_may_be_cleared(chart: Chart, mode: dict[str, Any]) -> None:
    """12 of the original's 27 end-to-end tests clear a list so."""
    kept = {"queueURL", MODE, "targetNodeOs", *NEEDED}
    cleared = ",".join(f"{value.key}=" for value in VALUES if value.key not in kept)
    assert chart.workload(mode, "--set", cleared)["kind"] == ("Deployment" if mode else "DaemonSet")


@MODES
@pytest.mark.parametrize("key", sorted(CONDITIONS))
def test_a_condition_that_is_empty_or_taken_away_is_false(
    chart: Chart, mode: dict[str, Any], key: str
) -> None:
    false = chart.objects(mode, "--set", f"{key}=false")
    assert chart.objects(mode, "--set", f"{key}=") == false
    assert chart.objects(mode, "--set", f"{key}=null") == false


def test_tolerations_that_are_cleared_leave_those_of_all_pods(chart: Chart) -> None:
    assert "tolerations" not in chart.pod({}, "--set", "daemonsetTolerations=")
    more = ("--set", "daemonsetTolerations=,tolerations[0].operator=Exists,tolerations[0].effect=NoSchedule")
    assert chart.pod({}, *more)["tolerations"] == [{"effect": "NoSchedule", "operator": "Exists"}]
    assert "affinity" not in chart.pod({}, "--set", "daemonsetAffinity=")


def test_a_number_that_is_cleared_is_the_default(chart: Chart) -> None:
    numbers = ("workers", "nodeTerminationGracePeriod", "replicas", "prometheusServerPort")
    cleared = ",".join(f"{key}=" for key in numbers)
    metrics = {**QUEUE, "enablePrometheusServer": True}
    assert chart.objects(metrics, "--set", cleared) == chart.objects(metrics)


def test_a_limit_that_is_cleared_is_none(chart: Chart) -> None:
    metrics = {"enablePrometheusServer": True, "podMonitor": {"create": True, "sampleLimit": ""}}
    assert "sampleLimit" not in chart.one("PodMonitor", metrics)["spec"]


def test_a_switch_that_is_cleared_is_the_programs_own_default(chart: Chart) -> None:
    keys = [key for key in SWITCHES if "." not in key and key not in CONDITIONS]
    gone = chart.environment({}, "--set", ",".join(f"{key}=" for key in keys if key != "useHostNetwork"))
    assert not {"DRY_RUN", "DELETE_LOCAL_DATA", "ENABLE_ASG_LIFECYCLE_DRAINING"} & gone.keys()
    assert "IGNORE_DAEMON_SETS" in chart.environment({})


@pytest.mark.parametrize("text", [*TRUE_TEXTS, *FALSE_TEXTS])
def test_a_boolean_in_quotes_means_what_the_originals_variable_means(chart: Chart, text: str) -> None:
    plain = "true" if text in TRUE_TEXTS else "false"
    quoted = chart.objects({}, "--set-string", f"dryRun={text},deleteLocalData={text},useHostNetwork={text}")
    assert quoted == chart.objects(
        {},
        "--set",
        ",".join((f"dryRun={plain}", f"deleteLocalData={plain}")),
        "--set",
        f"useHostNetwork={plain}",
    )


def test_numbers_stand_for_booleans_as_in_go(chart: Chart) -> None:
    assert chart.objects({"dryRun": 1, MODE: 0}) == chart.objects({"dryRun": True, MODE: False})


def test_a_quoted_true_is_true(chart: Chart) -> None:
    """In queue mode, so that none of them is refused beside another."""
    all_true = ",".join(f"{key}=true" for key in SWITCHES if key != "admissionPolicy.create")
    assert chart.objects(QUEUE, "--set-string", all_true) == chart.objects(QUEUE, "--set", all_true)


def test_a_quoted_false_is_false_where_the_original_reads_it_from_a_variable(chart: Chart) -> None:
    all_false = ",".join(f"{key}=false" for key in SWITCHES if key not in CONDITIONS)
    assert chart.objects({}, "--set-string", all_false) == chart.objects({}, "--set", all_false)


@pytest.mark.parametrize("key", sorted(CONDITIONS))
def test_a_quoted_false_is_refused_where_the_originals_templates_take_it_for_true(
    chart: Chart, key: str
) -> None:
    done = chart.attempt({}, "--set-string", f"{key}=false")
    assert done.returncode == 1
    words = f'{key} is the text "false", which Go\'s templates take for true: write false without quotes'
    assert words in done.stderr


def test_conditions_are_values_of_the_original() -> None:
    assert {key for key in CONDITIONS if isinstance(ORIGINAL[key], bool)} == CONDITIONS


@MODES
def test_no_system_at_all_is_none(chart: Chart, mode: dict[str, Any]) -> None:
    for cleared in ("targetNodeOs=", "targetNodeOs=null"):
        assert ("DaemonSet" in kinds(chart.objects(mode, "--set", cleared))) is False


E2E = [
    [
        "taintNode=true",
        "enableSpotInterruptionDraining=true",
        "useHostNetwork=false",
        "daemonsetTolerations=",
    ],
    [
        "enablePrometheusServer=true",
        "podMonitor.create=true",
        "daemonsetTolerations=",
        *[
            f"{MODE}=true",
            "queueURL=http://localstack.default:4566/000000000000/queue",
            "checkTagBeforeDraining=false",
            "awsRegion=us-east-1",
            "awsAccessKeyID=foo",
            "awsSecretAccessKey=bar",
        ],
    ],
    ["webhookProxy=tcp://squid.default.svc.cluster.local:3128", "webhookURL=http://127.0.0.1:1339"],
    ["metadataTries=101", "podTerminationGracePeriod=-5", "nodeTerminationGracePeriod=0"],
    [f"{MODE}=true", "queueURL=http://q", "completeLifecycleActionDelaySeconds=-5"],
]


@pytest.mark.parametrize("told", E2E, ids=lambda told: told[0])
def test_values_like_those_of_the_originals_end_to_end_tests_are_taken(chart: Chart, told: list[str]) -> None:
    arguments = [word for value in told for word in ("--set", value)]
    assert chart.workload({}, *arguments)["kind"] == ("Deployment" if f"{MODE}=true" in told else "DaemonSet")
