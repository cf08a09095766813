"""The tools that judge what the chart makes: schemas and the server's dry run."""

import copy
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nth.errors import Unreachable
from testbed.api import Api, Body
from testbed.control_plane import ControlPlane
from testbed.crds import install_crds
from testbed.dry_run import server_dry_run
from testbed.schemas import VERSIONS, validate

Object = dict[str, Any]
Change = Callable[[Object], object]

CONTAINER = {
    "name": "handler",
    "image": "registry.invalid/handler:1",
    "env": [{"name": "A", "value": "1"}],
    "ports": [{"containerPort": 8080}],
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": 1, "memory": "1.5Gi"}},
    "livenessProbe": {"httpGet": {"path": "/healthz", "port": "probes"}},
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}},
}
DAEMON_SET: Object = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {
        "name": "judged",
        "namespace": "kube-system",
        "annotations": {"testbed/any": "word"},
    },
    "spec": {
        "selector": {"matchLabels": {"app": "judged"}},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}},
        "template": {
            "metadata": {"labels": {"app": "judged"}},
            "spec": {"containers": [CONTAINER], "terminationGracePeriodSeconds": 30},
        },
    },
}
MONITOR: Object = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "ServiceMonitor",
    "metadata": {"name": "judged", "namespace": "kube-system", "labels": {"app": "judged"}},
    "spec": {
        "selector": {"matchLabels": {"app": "judged"}},
        "endpoints": [{"port": "metrics", "interval": "30s"}],
    },
}


def container_of(document: Object) -> Object:
    found: Object = document["spec"]["template"]["spec"]["containers"][0]
    return found


def pod_of(document: Object) -> Object:
    found: Object = document["spec"]["template"]["spec"]
    return found


WRONG: dict[str, tuple[Change, str]] = {
    "a field that does not exist": (
        lambda it: container_of(it).update(imagePullPolcy="Always"),
        "spec.template.spec.containers[0]: Additional properties are not allowed ('imagePullPolcy'",
    ),
    "a number for a word": (
        lambda it: container_of(it)["env"][0].update(value=1),
        "spec.template.spec.containers[0].env[0].value: 1 is not of type 'string'",
    ),
    "a word for a number": (
        lambda it: pod_of(it).update(terminationGracePeriodSeconds="30"),
        "spec.template.spec.terminationGracePeriodSeconds: '30' is not of type 'integer'",
    ),
    "a number that is too large": (
        lambda it: container_of(it)["ports"][0].update(containerPort=2**31),
        "spec.template.spec.containers[0].ports[0].containerPort: 2147483648 is not a 'int32'",
    ),
    "a number that is far too large": (
        lambda it: pod_of(it).update(terminationGracePeriodSeconds=2**63),
        "spec.template.spec.terminationGracePeriodSeconds: 9223372036854775808 is not a 'int64'",
    ),
    "neither number nor word": (
        lambda it: container_of(it)["livenessProbe"]["httpGet"].update(port=True),
        "spec.template.spec.containers[0].livenessProbe.httpGet.port: True is not of type",
    ),
    "no quantity": (
        lambda it: container_of(it)["resources"]["limits"].update(cpu="much"),
        "spec.template.spec.containers[0].resources.limits.cpu: 'much' does not match",
    ),
    "no instant": (
        lambda it: it["metadata"].update(creationTimestamp="yesterday"),
        "metadata.creationTimestamp: 'yesterday' is not a 'date-time'",
    ),
    "a null": (
        lambda it: pod_of(it).update(nodeSelector=None),
        "spec.template.spec.nodeSelector: None is not of type 'object'",
    ),
    "a number among the labels": (
        lambda it: it["metadata"]["annotations"].update(number=1),
        "metadata.annotations.number: 1 is not of type 'string'",
    ),
    "no selector": (lambda it: it["spec"].pop("selector"), "spec: 'selector' is a required property"),
}


def changed(document: Object, change: Change) -> Object:
    document = copy.deepcopy(document)
    change(document)
    return document


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[Api]:
    with Api(control_plane.kubeconfig) as api:
        yield api


@pytest.mark.parametrize("version", VERSIONS)
def test_a_good_object_passes_in_each_version(version: str) -> None:
    assert validate(DAEMON_SET, version) == []
    assert validate(MONITOR, version) == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("change", "line"), WRONG.values(), ids=WRONG)
def test_a_wrong_object_is_refused_in_each_version(version: str, change: Change, line: str) -> None:
    (found,) = validate(changed(DAEMON_SET, change), version)
    assert found.startswith(line)


def test_a_secret_must_be_base64() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"good": "Z29vZA==", "bad": "plain words"}}
    assert validate(secret, VERSIONS[0]) == ["data.bad: 'plain words' is not a 'byte'"]


def test_every_violation_is_one_short_line() -> None:
    bad = changed(DAEMON_SET, lambda it: it.update(spec="word " * 1000, metadata={"nam\ne": "x", "b": 1}))
    lines = validate(bad, VERSIONS[0])
    assert [line.partition(":")[0] for line in lines] == ["metadata", "spec"]
    assert max(map(len, lines)) < 220
    assert lines[1].endswith("is not of type 'object'")
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unknown_kind_is_refused_in_each_version(version: str) -> None:
    for api_version, kind in (("apps/v1", "DaemonSett"), ("extensions/v1beta1", "DaemonSet")):
        bad = DAEMON_SET | {"apiVersion": api_version, "kind": kind}
        assert validate(bad, version) == [
            f"kind: there is no {kind} of {api_version} in Kubernetes {version}"
        ]
    assert len(validate({}, version)) == 1


def test_the_versions_differ() -> None:
    # https://kubernetes.io/docs/concepts/workloads/pods/#pod-level-resources came with 1.32.
    newer = changed(DAEMON_SET, lambda it: pod_of(it).update(resources={"limits": {"cpu": "1"}}))
    assert [len(validate(newer, version)) for version in VERSIONS] == [1, 0, 0]


def test_a_monitor_is_judged_by_its_definition() -> None:
    wrong = changed(MONITOR, lambda it: it["spec"]["endpoints"][0].update(interval="soon", prt=1))
    assert [line.partition(":")[0] for line in validate(wrong, VERSIONS[0])] == [
        "spec.endpoints[0].interval",
        "spec.endpoints[0]",
    ]
    unlabelled = changed(MONITOR, lambda it: it["metadata"].update(labels={"a": 1}))
    assert validate(unlabelled, VERSIONS[0]) == ["metadata.labels.a: 1 is not of type 'string'"]


def test_a_large_matrix_is_validated_in_seconds() -> None:
    began = time.monotonic()
    for version in VERSIONS:
        for _ in range(40 * 8):
            assert validate(DAEMON_SET, version) == []
    assert time.monotonic() - began < 15


def test_the_server_accepts_a_good_object_and_nothing_is_there_afterwards(api: Api) -> None:
    install_crds(api)
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"}}
    assert server_dry_run(api, role) is None
    for document, folder in ((DAEMON_SET, "apis/apps/v1"), (MONITOR, "apis/monitoring.coreos.com/v1")):
        assert server_dry_run(api, document) is None
        resource = f"{document['kind'].lower()}s"
        listed = json.loads(api.get(f"/{folder}/namespaces/kube-system/{resource}"))
        assert "judged" not in [each["metadata"]["name"] for each in listed["items"]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (WRONG["a field that does not exist"][0], ".imagePullPolcy: field not declared in schema"),
        (WRONG["a number for a word"][0], ".value: expected string, got"),
        (
            lambda it: container_of(it).update(imagePullPolicy="Sometimes"),
            "imagePullPolicy: Unsupported value",
        ),
        (lambda it: it["metadata"].update(namespace="nowhere"), 'namespaces "nowhere" not found'),
        (lambda it: it.update(kind="Deamon"), "the server has no Deamon in apps/v1"),
        (lambda it: it.update(kind="Scale"), "the server has no Scale in apps/v1"),
        (lambda it: it.update(apiVersion="apps/v9"), "the server has no DaemonSet in apps/v9"),
    ],
)
def test_the_server_refuses_a_wrong_object_in_its_own_words(api: Api, change: Change, words: str) -> None:
    assert words in str(server_dry_run(api, changed(DAEMON_SET, change)))


def test_the_server_refuses_what_a_monitors_definition_does_not_know(api: Api) -> None:
    install_crds(api)
    wrong = changed(MONITOR, lambda it: it["spec"]["endpoints"][0].update(prt=1))
    assert ".prt: field not declared in schema" in str(server_dry_run(api, wrong))


def test_the_server_compares_with_what_is_there(api: Api) -> None:
    path = "/apis/apps/v1/namespaces/kube-system/daemonsets/judged"
    api.apply(path, changed(DAEMON_SET, lambda it: pod_of(it).update(nodeSelector={"no": "node"})))
    try:
        before = api.get(path)
        relabelled = copy.deepcopy(DAEMON_SET)
        relabelled["spec"]["selector"]["matchLabels"]["new"] = "yes"
        relabelled["spec"]["template"]["metadata"]["labels"]["new"] = "yes"
        assert "field is immutable" in str(server_dry_run(api, relabelled))
        assert server_dry_run(api, DAEMON_SET) is None
        assert json.loads(before)["spec"] == json.loads(api.get(path))["spec"]
    finally:
        api.delete(path)


def test_a_server_that_does_not_answer_is_no_verdict(control_plane: ControlPlane) -> None:
    class Away(Api):
        def apply(self, path: str, body: Body, **more: str) -> bytes:
            assert more == {"dryRun": "All", "fieldValidation": "Strict"}
            raise Unreachable(f"PATCH {path}: 500: etcd is away")

    with Away(control_plane.kubeconfig) as away, pytest.raises(Unreachable):
        server_dry_run(away, DAEMON_SET)
