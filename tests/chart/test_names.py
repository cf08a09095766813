"""Names, labels and selectors: those of the original's chart, so that its releases can be taken over."""

from typing import Any

import pytest

from tests.chart.matrix import SETS
from tests.chart.rendering import QUEUE, Chart, workloads
from tools.chart.write import CHART

NAME = CHART.name


def labels_of(found: dict[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = found["metadata"]["labels"]
    return labels


@pytest.mark.parametrize(
    ("release", "values", "name"),
    [
        (NAME, {}, NAME),
        (f"my-{NAME}-2", {}, f"my-{NAME}-2"),
        ("mine", {}, f"mine-{NAME}"),
        ("mine", {"nameOverride": "handler"}, "mine-handler"),
        ("my-handler", {"nameOverride": "handler"}, "my-handler"),
        ("mine", {"fullnameOverride": "other"}, "other"),
        ("mine", {"nameOverride": "handler", "fullnameOverride": "other"}, "other"),
        ("r" * 50, {}, f"{'r' * 50}-aws-node-ter"),
        ("r" * 49, {}, f"{'r' * 49}-aws-node-term"),
        ("r" * 53, {}, f"{'r' * 53}-aws-node"),
        ("mine", {"fullnameOverride": f"{'n' * 62}-x"}, "n" * 62),
    ],
)
def test_the_full_name_is_made_as_the_originals(
    chart: Chart, release: str, values: dict[str, Any], name: str
) -> None:
    objects = chart.objects(values, release=release)
    assert {each["metadata"]["name"] for each in objects} == {name}


@pytest.mark.parametrize(
    ("mode", "component"), [({}, "daemonset"), (QUEUE, "deployment")], ids=["metadata", "queue"]
)
def test_selectors_are_the_originals(chart: Chart, mode: dict[str, Any], component: str) -> None:
    """They cannot be changed: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/."""
    os = {} if mode else {"kubernetes.io/os": "linux"}
    selected = {
        "app.kubernetes.io/name": NAME,
        "app.kubernetes.io/instance": NAME,
        "app.kubernetes.io/component": component,
        **os,
    }
    workload = chart.workload(mode)
    assert workload["spec"]["selector"] == {"matchLabels": selected}
    assert labels_of(workload["spec"]["template"]) == {**selected, "k8s-app": NAME}


def test_the_windows_selector_names_its_system(chart: Chart) -> None:
    matched = chart.workload(SETS["Windows"])["spec"]["selector"]["matchLabels"]
    assert matched["kubernetes.io/os"] == "windows"


def test_objects_have_the_usual_labels(chart: Chart) -> None:
    for each in chart.objects({}):
        found = labels_of(each)
        assert found["app.kubernetes.io/name"] == NAME
        assert found["app.kubernetes.io/instance"] == NAME
        assert found["app.kubernetes.io/part-of"] == NAME
        assert found["app.kubernetes.io/managed-by"] == "Helm"
        assert found["helm.sh/chart"] == f"{NAME}-0.28.0"
        assert found.get("app.kubernetes.io/component") == (
            "daemonset" if each["kind"] == "DaemonSet" else None
        )


def test_custom_labels_go_before_ours_and_not_to_pods(chart: Chart) -> None:
    values = {"customLabels": {"team": "nodes", "app.kubernetes.io/part-of": "platform"}}
    for each in chart.objects(values):
        assert labels_of(each)["team"] == "nodes"
        assert labels_of(each)["app.kubernetes.io/part-of"] == "platform"
    assert "team" not in labels_of(chart.workload(values)["spec"]["template"])


def test_a_systems_labels_go_before_all_pods_and_both_before_ours(chart: Chart) -> None:
    template = chart.workload(SETS["labels and annotations"])["spec"]["template"]
    assert labels_of(template)["team"] == "linux"
    assert labels_of(template)["k8s-app"] == "handler"
    assert template["metadata"]["annotations"] == {
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "prometheus.io/scrape": "true",
    }


@pytest.mark.parametrize("mode", [{}, QUEUE], ids=["metadata", "queue"])
def test_no_label_of_a_pod_takes_the_place_of_what_is_selected(chart: Chart, mode: dict[str, Any]) -> None:
    """Such an object is refused: its selector would not match its own pods."""
    values = {**mode, "podLabels": {"app.kubernetes.io/name": "mine", "app.kubernetes.io/instance": "x"}}
    workload = chart.workload(values)
    selected = workload["spec"]["selector"]["matchLabels"]
    assert selected == chart.workload(mode)["spec"]["selector"]["matchLabels"]
    assert selected.items() <= labels_of(workload["spec"]["template"]).items()


def test_names_that_look_like_numbers_stay_texts(chart: Chart) -> None:
    objects = chart.objects({"nameOverride": "7"}, release="1234")
    told = [labels_of(each) for each in objects]
    for workload in workloads(objects):
        told += [workload["spec"]["selector"]["matchLabels"], labels_of(workload["spec"]["template"])]
    assert len(told) == len(objects) + 2
    for labels in told:
        assert labels["app.kubernetes.io/instance"] == "1234"
        assert labels["app.kubernetes.io/name"] == "7"


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ({}, "public.ecr.aws/aws-ec2/aws-node-termination-handler:v{}"),
        ({"image": {"tag": "v9"}}, "public.ecr.aws/aws-ec2/aws-node-termination-handler:v9"),
        (SETS["an image by digest"], f"registry.example/nth@sha256:{'0' * 64}"),
        (SETS["Windows"], "registry.example/nth-windows:v{}"),
    ],
)
def test_the_image_is_of_the_charts_version(chart: Chart, values: dict[str, Any], image: str) -> None:
    version = labels_of(chart.workload(values))["app.kubernetes.io/version"]
    assert chart.container(values)["image"] == image.format(version)


def test_an_image_is_pulled_as_told(chart: Chart) -> None:
    values = SETS["an image"]
    assert chart.container(values)["imagePullPolicy"] == "Always"
    assert chart.pod(values)["imagePullSecrets"] == [{"name": "registry"}]
