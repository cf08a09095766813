"""What helm tells after an installation.

It shows notes only with a cluster; here a copy of the chart has them in an object.
"""

import shutil
from typing import Any

import pytest

from testbed.helm import Helm
from tests.chart.original import ORIGINAL, nested
from tests.chart.rendering import QUEUE, QUEUE_URL, Chart, of_kind
from tools.chart.write import CHART

OWN_IMAGE = {"image": {"repository": "registry.example/aws-node-termination-handler"}}
METRICS = {"enablePrometheusServer": True}
SHOWN = 'kind: Notes\nnotes: {{ include (print .Template.BasePath "/NOTES.txt") . | quote }}\n'


@pytest.fixture(scope="module")
def telling(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Chart:
    folder = tmp_path_factory.mktemp("notes") / "chart"
    shutil.copytree(CHART, folder)
    (folder / "templates" / "shown.yaml").write_text(SHOWN)
    return Chart(helm, folder)


def notes(chart: Chart, values: dict[str, Any], *more: str) -> str:
    (found,) = of_kind(chart.objects(values, *more), "Notes")
    text: str = found["notes"]
    return text


@pytest.mark.parametrize(
    ("values", "mode", "workload"),
    [
        (OWN_IMAGE, "metadata: a DaemonSet", "daemonset"),
        ({**QUEUE, **OWN_IMAGE}, "queue: one Deployment", "deployment"),
    ],
    ids=["metadata", "queue"],
)
def test_notes_say_what_runs_and_how_to_check_it(
    telling: Chart, values: dict[str, Any], mode: str, workload: str
) -> None:
    told = notes(telling, values)
    assert mode in told
    at = "kubectl --namespace kube-system"
    assert f"{at} rollout status {workload} aws-node-termination-handler\n" in told
    assert f"{at} logs {workload}/aws-node-termination-handler" in told
    assert telling.container(values)["image"] in told
    assert "WARNING" not in told
    assert "changes nothing" not in told


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"dryRun": True}, "it logs what it would do, and changes nothing"),
        ({"enableSqsTerminationDraining": True}, "WARNING: queueURL is empty"),
        ({"prometheusRule": {"create": True}}, "prometheusRule.create creates nothing without enablePromet"),
        ({"dashboard": {"create": True}}, "dashboard.create creates nothing without enablePrometheusServer"),
        (
            {"podMonitor": {"create": True}},
            "podMonitor.create creates nothing without enablePrometheusServer",
        ),
        (
            {**QUEUE, "serviceMonitor": {"create": True}},
            "serviceMonitor.create creates nothing without enablePrometheusServer",
        ),
        (
            {**METRICS, "serviceMonitor": {"create": True}},
            "serviceMonitor.create creates nothing in metadata mode; podMonitor.create does",
        ),
        (
            {**QUEUE, **METRICS, "podMonitor": {"create": True}},
            "podMonitor.create creates nothing in queue mode; serviceMonitor.create does",
        ),
        ({"queueURL": QUEUE_URL}, "queueURL has no effect: it is for queue mode, and this is metadata mode"),
        (
            {"workers": 20, "podDisruptionBudget": {"maxUnavailable": 1}, "replicas": "2"},
            "workers, replicas, podDisruptionBudget have no effect: they are for queue mode",
        ),
        (
            {**QUEUE, "enableSpotInterruptionDraining": False, "metadataTries": "3"},
            "enableSpotInterruptionDraining has no effect: it is for metadata mode, and this is queue mode",
        ),
        (
            {**QUEUE, "podDisruptionBudget": {"maxUnavailable": 1}},
            "podDisruptionBudget creates nothing with one replica",
        ),
        (
            {"networkPolicy": {"create": True}},
            "networkPolicy.create does not bind pods in the host's network",
        ),
        ({"webhookProxy": "tcp://squid:3128"}, "Nothing is posted, so webhookProxy has no effect"),
        (
            {"webhookURL": "http://a", "webhookTemplateConfigMapName": "a"},
            "webhookTemplateConfigMapName and webhookTemplateConfigMapKey work together only",
        ),
        ({**QUEUE, "awsAccessKeyID": "a"}, "awsAccessKeyID and awsSecretAccessKey work together only"),
        ({"enableOutOfServiceTaint": True}, "NOTE: enableOutOfServiceTaint"),
        ({"targetNodeOs": "windows"}, "NOTHING is installed that watches nodes. Queue mode handles"),
        ({"targetNodeOs": "linux windows"}, "so only Linux nodes are watched. Queue mode handles"),
        ({"targetNodeOs": "solaris"}, 'WARNING: targetNodeOs is "solaris"'),
    ],
)
def test_notes_warn_of_what_may_surprise(telling: Chart, values: dict[str, Any], words: str) -> None:
    said = " ".join(notes(telling, {**OWN_IMAGE, **values}).split())
    assert words in said
    assert said.count("WARNING:") == (not words.startswith(("it logs", "NOTE")))


@pytest.mark.parametrize(
    "values",
    [
        {**METRICS, "podMonitor": {"create": True}, "prometheusRule": {"create": True}},
        {**QUEUE, **METRICS, "serviceMonitor": {"create": True}, "dashboard": {"create": True}},
        {**QUEUE, "podDisruptionBudget": {"maxUnavailable": 1}, "replicas": "2"},
        {"networkPolicy": {"create": True}, "useHostNetwork": False},
        {"webhookURLSecretName": "a", "webhookProxy": "tcp://squid:3128"},
        nested({key: value for key, value in ORIGINAL.items() if key != "image.repository"}),
    ],
)
def test_notes_do_not_warn_of_what_works(telling: Chart, values: dict[str, Any]) -> None:
    own = {**values.get("image", {}), **OWN_IMAGE["image"]}
    assert "WARNING" not in notes(telling, {**values, "image": own})


@pytest.mark.parametrize(
    ("repository", "warned"),
    [
        ("public.ecr.aws/aws-ec2/aws-node-termination-handler", True),
        ("602401143452.dkr.ecr.eu-west-1.amazonaws.com/amazon/aws-node-termination-handler", True),
        ("amazon/aws-node-termination-handler", True),
        ("registry.example/aws-node-termination-handler", False),
        ("registry.example/myaws-ec2/aws-node-termination-handler", False),
    ],
)
def test_notes_warn_of_the_originals_image(telling: Chart, repository: str, warned: bool) -> None:
    said = notes(telling, {"image": {"repository": repository, "tag": "v1.25.6"}})
    assert (f"WARNING: {repository} is the original handler's image" in " ".join(said.split())) == warned


@pytest.mark.parametrize(
    ("limit", "mode", "needed"),
    [
        ("32Mi", {}, "metadata mode 64Mi"),
        ("63.9Mi", {}, "metadata mode 64Mi"),
        ("64Mi", {}, ""),
        ("64M", {}, "metadata mode 64Mi"),
        ("67108864", {}, ""),
        (67108863, {}, "metadata mode 64Mi"),
        ("65536Ki", {}, ""),
        ("0.0625Gi", {}, ""),
        ("1G", QUEUE, ""),
        ("100Mi", QUEUE, "queue mode 128Mi"),
        ("128Mi", QUEUE, ""),
        ("64e6", {}, ""),
        (None, QUEUE, ""),
    ],
)
def test_notes_warn_of_a_limit_that_is_too_low(
    telling: Chart, limit: object, mode: dict[str, Any], needed: str
) -> None:
    said = notes(telling, {**OWN_IMAGE, **mode, "resources": {"limits": {"memory": limit}}})
    warning = f"Give {needed} or more."
    assert (warning in " ".join(said.split())) == bool(needed)
    assert ("resources.limits.memory" in said) == bool(needed)


def test_notes_warn_of_a_kubernetes_that_is_too_old(telling: Chart) -> None:
    assert "WARNING: this is Kubernetes v1.28.0" in notes(telling, {}, "--kube-version", "1.28.0")
    assert "WARNING" not in notes(telling, OWN_IMAGE, "--kube-version", "1.29.0")
    assert "WARNING" not in notes(telling, OWN_IMAGE, "--kube-version", "v1.29.5-eks-1234567")
