"""What helm refuses before it renders, in which words, and what it takes as the original's chart did."""

from collections.abc import Mapping
from typing import Any

import pytest

from nth.settings import read_settings
from testbed.helm import Helm
from tests.chart.original import ORIGINAL, nested
from tests.chart.rendering import QUEUE, QUEUE_URL, Chart
from tools.chart.write import CHART

QUEUE_MODE = f"enableSqsTerminationDraining=true,queueURL={QUEUE_URL}"
MISTAKES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "a name with a letter missing": (
        ("--set", "enableSpotInterruptionDrainig=true"),
        "at '': additional properties 'enableSpotInterruptionDrainig' not allowed",
    ),
    "a name of another chart": (
        ("--set", "queueUrl=https://sqs.eu-central-1.amazonaws.com/1/nth"),
        "at '': additional properties 'queueUrl' not allowed",
    ),
    "an unknown name inside": (
        ("--set", "serviceMonitor.enabled=true"),
        "at '/serviceMonitor': additional properties 'enabled' not allowed",
    ),
    "a word for a boolean": (
        ("--set", "dryRun=yes"),
        "at '/dryRun': 'yes' does not match pattern '^$|^(true|True|",
    ),
    "a number for a boolean": (
        ("--set", "taintNode=2"),
        "at '/taintNode': maximum: got 2, want 1",
    ),
    "a duration for seconds": (
        ("--set", "nodeTerminationGracePeriod=2m"),
        "at '/nodeTerminationGracePeriod': '2m' does not match pattern",
    ),
    "a number with a fraction": (
        ("--set-json", "workers=2.5"),
        "at '/workers': got number, want integer or string",
    ),
    "a word for a number": (
        ("--set", f"{QUEUE_MODE},replicas=many"),
        "at '/replicas': 'many' does not match pattern",
    ),
    "less than none": (("--set", f"{QUEUE_MODE},replicas=-1"), "at '/replicas': minimum: got -1, want 0"),
    "a proxy without a scheme": (
        ("--set", "webhookURLSecretName=hook,webhookProxy=squid:3128"),
        "at '/webhookProxy': 'squid:3128' does not match pattern",
    ),
    "a number out of range": (
        ("--set", f"{QUEUE_MODE},heartbeatInterval=10"),
        "at '/heartbeatInterval': minimum: got 10, want 30",
    ),
    "a port out of range": (
        ("--set", "enablePrometheusServer=true,prometheusServerPort=70000"),
        "at '/prometheusServerPort': maximum: got 70,000, want 65,535",
    ),
    "a port's name for its number": (
        ("--set", "probes.httpGet.port=http"),
        "at '/probes/httpGet/port': 'http' does not match pattern",
    ),
    "a word that is none of the list": (
        ("--set", "taintEffect=NoScedule"),
        "at '/taintEffect': value must be one of 'NoSchedule', 'PreferNoSchedule', 'NoExecute'",
    ),
    "a level that there is not": (
        ("--set", "logLevel=verbose"),
        "at '/logLevel': value must be one of 'DEBUG', 'INFO'",
    ),
    "an ARN for a URL": (
        ("--set", "enableSqsTerminationDraining=true,queueURL=arn:aws:sqs:eu-central-1:111122223333:nth"),
        "at '/queueURL': 'arn:aws:sqs:eu-central-1:111122223333:nth' does not match pattern '^$|^https?://'",
    ),
    "variables as a map": (("--set", "extraEnv.LOG_LEVEL=debug"), "at '/extraEnv': got object, want array"),
    "a variable that is no text": (
        ("--set", "extraEnv[0].name=A,extraEnv[0].value=1"),
        "at '/extraEnv/0/value': got number, want string",
    ),
    "tolerations as a map": (("--set", "tolerations.key=a"), "at '/tolerations': got object, want array"),
    "a selector as a word": (("--set", "nodeSelector=spot"), "at '/nodeSelector': got string, want object"),
    "a label that is no text": (
        ("--set", "nodeSelector.spot=true"),
        "at '/nodeSelector/spot': got boolean, want string",
    ),
    "an image as a word": (("--set", "image=nth:v1"), "at '/image': got string, want object"),
    "a list of names for secrets": (
        ("--set", "image.pullSecrets={registry}"),
        "at '/image/pullSecrets/0': got string, want object",
    ),
    "a budget as a number": (
        ("--set", "podDisruptionBudget=1"),
        "at '/podDisruptionBudget': got number, want object",
    ),
}
ACCEPTED: Mapping[str, tuple[str, ...]] = {
    "numbers in quotes": ("--set-string", "workers=10,nodeTerminationGracePeriod=120,metadataTries=3"),
    "more numbers in quotes": (
        "--set-string",
        "prometheusServerPort=9092,replicas=1,podMonitor.sampleLimit=1",
    ),
    "a port in quotes": ("--set-string", "probes.httpGet.port=8080"),
    "a level in capitals": ("--set", "logLevel=INFO"),
    "a level with a capital": ("--set", "logLevel=Info"),
    "the values of a parent chart": ("--set", "global.region=eu-central-1,enabled=true"),
    "no tolerations": ("--set", "daemonsetTolerations=null"),
    "no affinity": ("--set", "daemonsetAffinity=null"),
    "no user": ("--set", "securityContext.runAsUser=null"),
    "numbers taken away": ("--set", "workers=null,nodeTerminationGracePeriod=null,heartbeatInterval=null"),
    "texts taken away": ("--set", "managedTag=null,logLevel=null,serviceAccount.name=null"),
    "both systems": ("--set", "targetNodeOs=linux windows"),
    "a selector of the workshop": ("--set", "nodeSelector.lifecycle=Ec2Spot"),
    "no time limit": ("--set", "terminationGracePeriodSeconds=null"),
    "several queues": ("--set", r"queueURL=https://sqs.a/1/one\,https://sqs.b/1/two"),
}


@pytest.mark.parametrize(("arguments", "words"), MISTAKES.values(), ids=MISTAKES)
def test_helm_refuses_a_mistake_in_clear_words(chart: Chart, arguments: tuple[str, ...], words: str) -> None:
    done = chart.attempt({}, *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("mode", [{}, QUEUE], ids=["metadata", "queue"])
@pytest.mark.parametrize("arguments", ACCEPTED.values(), ids=ACCEPTED)
def test_helm_takes_what_users_type_today(
    chart: Chart, arguments: tuple[str, ...], mode: Mapping[str, Any]
) -> None:
    assert chart.workload(mode, *arguments)["kind"] == ("Deployment" if mode else "DaemonSet")


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ({}, "workers=0"),
        ({}, "heartbeatInterval=10"),
        ({}, "sqsMsgVisibilityTimeoutSec=600"),
        ({}, "awsEndpoint=localstack:4566"),
        ({}, "prometheusServerPort=0"),
        ({}, "webhookProxy=squid:3128"),
        (QUEUE, "instanceMetadataURL=none"),
        (QUEUE, "metadataTries=many"),
    ],
)
def test_a_wrong_value_of_a_feature_that_is_off_is_taken_and_ends_no_start(
    chart: Chart, mode: Mapping[str, Any], told: str
) -> None:
    environment = chart.environment(mode, "--set", told)
    given = {name: value if isinstance(value, str) else "node-1" for name, value in environment.items()}
    key = told.partition("=")[0]
    assert len([line for line in read_settings((), given).warnings if "It is ignored" in line]) <= 1, key


def test_the_originals_defaults_change_nothing(chart: Chart) -> None:
    """Users keep a copy of its values.yaml, nulls and all."""
    nulls = ("serviceAccount.name", "terminationGracePeriodSeconds", "awsAccessKeyID", "podMonitor.namespace")
    copied = nested(dict(ORIGINAL) | dict.fromkeys(nulls))
    assert chart.objects(copied) == chart.objects({})


def test_lint_has_nothing_to_say(helm: Helm) -> None:
    said = helm.must("lint", "--strict", CHART).splitlines()
    assert said[-1] == "1 chart(s) linted, 0 chart(s) failed"
    assert [line for line in said if line.startswith("[")] == []


def test_lint_sees_a_mistake(helm: Helm) -> None:
    done = helm.run("lint", "--strict", CHART, "--set", "dryRun=yes")
    assert done.returncode == 1
    assert "at '/dryRun': 'yes' does not match pattern '^$|^(true|True|" in done.stdout
