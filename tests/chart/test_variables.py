"""What the handler reads from the variables that the chart gives it: the values, every one."""

from collections.abc import Mapping
from typing import Any

import pytest

from nth.errors import SettingError
from nth.settings import Settings, read_settings
from tests.chart.matrix import SETS, examples
from tests.chart.original import nested
from tests.chart.rendering import QUEUE, Chart, Values, environment_of, workloads
from tools.chart.keys import BOTH, CHARTED, key_of, workload_of
from tools.chart.table import VALUES

ALL = {**SETS, **examples()}
GIVEN = {name: values for name, values in ALL.items() if name != "queue mode without a queue"}
SECRETS = {"webhookurl": "https://hooks.example/secret", "webhookheaders": '{"Authorization":"Bearer 1"}'}
PLACES = {
    "spec.nodeName": "node-1",
    "metadata.name": "nth-0",
    "metadata.namespace": "kube-system",
    "status.hostIP": "192.0.2.1",
}


def resolved(environment: Mapping[str, Any]) -> dict[str, str]:
    """As the kubelet hands it to the container."""
    return {
        name: value if isinstance(value, str) else looked_up(value) for name, value in environment.items()
    }


def looked_up(source: Mapping[str, Any]) -> str:
    if "fieldRef" in source:
        return PLACES[source["fieldRef"]["fieldPath"]]
    return SECRETS[source["secretKeyRef"]["key"]]


def settings_of(environment: Mapping[str, str]) -> Settings:
    return read_settings((), environment).settings


def text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def asked_for(values: Values, kind: str) -> Settings:
    """The settings that these values mean, by the table and without any template."""
    full = {**nested({value.key: value.default for value in VALUES}), **values}
    environment = {
        row.variable: text(full[key_of(row)])
        for row in CHARTED
        if workload_of(row) in (BOTH, kind) and not row.successor
    }
    asked = {"httpGet": {"path": "/healthz", "port": 8080}, **full["probes"]}["httpGet"]
    environment |= {
        "NODE_NAME": "node-1",
        "POD_NAME": "nth-0",
        "NAMESPACE": "kube-system",
        "PROBES_SERVER_PORT": text(asked["port"]),
        "PROBES_SERVER_ENDPOINT": asked["path"],
    }
    if full["webhookURLSecretName"]:
        environment["WEBHOOK_URL"] = SECRETS["webhookurl"]
    if full["webhookHeadersSecretName"]:
        environment["WEBHOOK_HEADERS"] = SECRETS["webhookheaders"]
    if full["webhookTemplateConfigMapName"]:
        del environment["WEBHOOK_TEMPLATE"]
        environment["WEBHOOK_TEMPLATE_FILE"] = f"/config/{full['webhookTemplateConfigMapKey']}"
    if full["webhookTargetsSecretName"]:
        environment["WEBHOOK_TARGETS_FILE"] = "/webhook-targets/targets.yaml"
    if kind == "Deployment":
        environment |= {"ENABLE_PROBES_SERVER": "true", "USE_LEASES": text(int(full["replicas"]) > 1)}
    environment |= {each["name"]: each["value"] for each in full["extraEnv"] if "value" in each}
    return settings_of(environment)


@pytest.mark.parametrize("name", GIVEN)
def test_the_handler_reads_what_the_values_say(chart: Chart, name: str) -> None:
    for workload in workloads(chart.objects(ALL[name])):
        read = settings_of(resolved(environment_of(workload)))
        assert read == asked_for(ALL[name], workload["kind"])


def test_queue_mode_without_a_queue_is_told_by_the_handler(chart: Chart) -> None:
    environment = chart.environment(ALL["queue mode without a queue"])
    with pytest.raises(SettingError, match="QUEUE_URL"):
        settings_of(resolved(environment))


def test_a_value_that_is_taken_away_leaves_the_handlers_own_default(chart: Chart) -> None:
    taken = "workers=null,nodeTerminationGracePeriod=null,heartbeatInterval=null,managedTag=null,dryRun=null"
    environment = chart.environment(QUEUE, "--set", taken)
    assert settings_of(resolved(environment)) == settings_of(resolved(chart.environment(QUEUE)))
    gone = ("WORKERS", "NODE_TERMINATION_GRACE_PERIOD", "HEARTBEAT_INTERVAL", "MANAGED_TAG", "DRY_RUN")
    assert [name for name in gone if name in environment] == []


def test_no_variable_is_empty(chart: Chart) -> None:
    for mode in ({}, QUEUE):
        assert [name for name, value in chart.environment(mode).items() if not value] == []


def test_big_numbers_are_written_out(chart: Chart) -> None:
    environment = chart.environment(SETS["big numbers"])
    assert environment["WORKERS"] == "3000000"
    assert environment["KUBE_API_QPS"] == "1000000"
    assert chart.workload({**QUEUE, "replicas": 1_000_000})["spec"]["replicas"] == 1_000_000
    assert chart.pod(SETS["much time to end"])["terminationGracePeriodSeconds"] == 3_000_000
    monitor = chart.one("ServiceMonitor", SETS["metrics of queue mode"])
    assert monitor["spec"]["sampleLimit"] == 2_000_000


def test_extra_variables_take_the_place_of_the_charts(chart: Chart) -> None:
    """In the original's chart such a variable was there twice, which server-side apply refuses."""
    environment = chart.environment(SETS["a variable instead of the chart's"])
    assert environment["LOG_LEVEL"] == "debug"
    more = chart.environment(SETS["more variables"])
    assert more["AWS_STS_REGIONAL_ENDPOINTS"] == "regional"
    assert more["HOST_IP"] == {"fieldRef": {"fieldPath": "status.hostIP"}}
    assert more.keys() - chart.environment({}).keys() == {"AWS_STS_REGIONAL_ENDPOINTS", "HOST_IP"}


def test_C6_the_url_comes_from_the_secret_and_the_template_from_the_config_map(chart: Chart) -> None:
    values = SETS["a webhook from a Secret"]
    environment = chart.environment(values)
    assert environment["WEBHOOK_URL"] == {"secretKeyRef": {"name": "webhook", "key": "webhookurl"}}
    assert environment["WEBHOOK_TEMPLATE_FILE"] == "/config/body.json"
    assert "WEBHOOK_TEMPLATE" not in environment
    assert chart.pod(values)["volumes"] == [{"name": "webhook-template", "configMap": {"name": "templates"}}]
    (mount,) = chart.container(values)["volumeMounts"]
    assert mount == {"name": "webhook-template", "mountPath": "/config/", "readOnly": True}


@pytest.mark.parametrize("mode", [{}, QUEUE], ids=["metadata", "queue"])
def test_safe_10_headers_come_from_a_secret_and_never_stand_beside_it(
    chart: Chart, mode: dict[str, Any]
) -> None:
    environment = chart.environment({**mode, **SETS["webhook headers from a Secret"]})
    key = {"name": "webhook", "key": "webhookheaders"}
    assert environment["WEBHOOK_HEADERS"] == {"secretKeyRef": key}
    assert environment["WEBHOOK_URL"] == {"secretKeyRef": {"name": "webhook", "key": "webhookurl"}}
    assert "not this" not in chart.attempt({**mode, **SETS["webhook headers from a Secret"]}).stdout


def test_webhook_targets_come_from_a_file_of_the_secret(chart: Chart) -> None:
    values = SETS["everything that can be told"]
    folder = chart.environment(values)["WEBHOOK_TARGETS_FILE"].removesuffix("targets.yaml")
    assert chart.pod(values)["volumes"] == [{"name": "webhook-targets", "secret": {"secretName": "targets"}}]
    (mount,) = chart.container(values)["volumeMounts"]
    assert mount == {"name": "webhook-targets", "mountPath": folder, "readOnly": True}


def test_C8_credentials_of_tests_are_given_only_together(chart: Chart) -> None:
    whole = chart.environment(SETS["an AWS of tests"])
    assert (whole["AWS_ACCESS_KEY_ID"], whole["AWS_SECRET_ACCESS_KEY"]) == ("test", "test")
    assert whole["AWS_ENDPOINT"] == "http://localstack.example:4566"
    half = chart.environment({**QUEUE, "awsAccessKeyID": "test"})
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & half.keys()
    metadata = chart.environment({"awsAccessKeyID": "test", "awsSecretAccessKey": "test"})
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & metadata.keys()


def test_C10_what_the_originals_chart_lacked_has_values(chart: Chart) -> None:
    environment = chart.environment(SETS["another API server"])
    assert environment["KUBERNETES_SERVICE_HOST"] == "api.example"
    assert environment["KUBERNETES_SERVICE_PORT"] == "6443"
    assert environment["KUBE_API_QPS"] == "5"
    assert environment["KUBE_API_BURST"] == "10"
    assert environment["USE_APISERVER_CACHE"] == "true"
    assert chart.environment(SETS["cordon only"])["TAINT_EFFECT"] == "PreferNoSchedule"
