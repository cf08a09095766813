"""A release of the original's chart becomes ours in place, goes back, and comes again.

tests/charts/original leaves the same names, labels, selectors, ports and volumes as the original's chart.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.bed import RealBed
from testbed.build import assets_folder
from testbed.helm import Helm
from tests.chart.old_release import old_values
from tests.contract.bed import NodeSpec
from tests.e2e.operator import Json, Terminal, at_terminal
from tools.chart.write import CHART

OLD_CHART = Path(__file__).parents[1] / "charts" / "original"
RELEASE = "--namespace kube-system aws-node-termination-handler"
EXTRA = {"TAINT_EFFECT": "NoExecute", "KUBE_API_QPS": "50", "MINE": "kept"}
"""Variables that a user had to say as extraEnv; the first two are values of our chart now [C10]."""
OURS: dict[str, Any] = {
    "nodeTerminationGracePeriod": 200,
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/nth"}},
    "webhookURLSecretName": "hook",
    "webhookTemplateConfigMapName": "texts",
    "webhookTemplateConfigMapKey": "slack.tmpl",
    "extraEnv": [{"name": name, "value": value} for name, value in EXTRA.items()],
}
VALUES: dict[str, dict[str, Any]] = {
    "daemonset": OURS | {"targetNodeOs": "linux windows", "enableProbesServer": True},
    "deployment": OURS
    | {
        "enableSqsTerminationDraining": True,
        "queueURL": "https://sqs.eu-west-1.amazonaws.com/123456789012/nodes",
        "replicas": 2,
        "podDisruptionBudget": {"maxUnavailable": 1},
        "enablePrometheusServer": True,
    },
}
"""What the user has said, by the workload that it makes."""
KEPT = {
    "daemonset": ("daemonset", "serviceaccount", "clusterrole", "clusterrolebinding"),
    "deployment": (
        *("deployment", "serviceaccount", "clusterrole", "clusterrolebinding"),
        *("service", "poddisruptionbudget"),
    ),
}
"""What is to stay the same object."""
HOW = ("--values {values}", "--reuse-values", "--reset-then-reuse-values", "")
"""With nothing, helm takes what the user has said from the release, too."""


@pytest.fixture
def terminal(bed: RealBed, tmp_path: Path) -> Iterator[Terminal]:
    own = "kubectl {} --namespace kube-system"
    with at_terminal(bed.plane, tmp_path) as terminal:
        terminal.words |= {"OLD_CHART": str(old_chart(tmp_path)), "NEW_CHART": str(CHART)}
        terminal.types(
            f"{own.format('create secret generic hook')} --from-literal=webhookurl=https://h.invalid"
        )
        terminal.types(f"{own.format('create configmap texts')} --from-literal=slack.tmpl=hello")
        try:
            yield terminal
        finally:
            terminal.clears()
            terminal.types(own.format("delete secret/hook configmap/texts"))


def old_chart(folder: Path) -> Path:
    """With the original's values."""
    chart = Path(shutil.copytree(OLD_CHART, folder / "aws-node-termination-handler"))
    (chart / "values.yaml").write_text(yaml.safe_dump(old_values()))
    return chart


def install_old(terminal: Terminal, users: dict[str, Any], folder: Path) -> Path:
    """The file holds what the user says."""
    values = folder / "old-values.yaml"
    values.write_text(yaml.safe_dump(users))
    terminal.types(f"helm install {RELEASE} OLD_CHART --values {values}")
    return values


def pod_of(terminal: Terminal, workload: str) -> Json:
    return found(terminal, workload)["spec"]["template"]["spec"]


def found(terminal: Terminal, kind: str) -> Json:
    item = terminal.object(kind)
    assert item is not None, kind
    return item


def uids(terminal: Terminal, workload: str) -> dict[str, str]:
    return {kind: found(terminal, kind)["metadata"]["uid"] for kind in KEPT[workload]}


def variables(pod: Json) -> dict[str, Json]:
    env = pod["containers"][0]["env"]
    named = {each["name"]: each for each in env}
    assert len(named) == len(env), "a name is there twice"
    return named


def texts_of(pod: Json) -> dict[str, str | None]:
    """By the variable's name; None for what comes from elsewhere."""
    return {name: each.get("value") for name, each in variables(pod).items()}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("workload", VALUES)
def test_the_upgrade_is_what_a_new_installation_would_be_and_keeps_every_object(
    terminal: Terminal, tmp_path: Path, workload: str, how: str
) -> None:
    values = install_old(terminal, VALUES[workload], tmp_path)
    before = uids(terminal, workload)

    terminal.types(f"helm upgrade {RELEASE} NEW_CHART {how.format(values=values)}")
    assert uids(terminal, workload) == before
    assert_is_ours(terminal, workload, values, tmp_path)

    terminal.types(f"helm rollback {RELEASE} 1")
    assert uids(terminal, workload) == before
    assert_is_the_original(terminal, workload)

    terminal.types(f"helm upgrade {RELEASE} NEW_CHART {how.format(values=values)}")
    assert uids(terminal, workload) == before
    assert_is_ours(terminal, workload, values, tmp_path)


def assert_is_ours(terminal: Terminal, workload: str, values: Path, folder: Path) -> None:
    fresh = Helm(assets_folder(), folder).template(CHART, "--values", values)
    (wanted,) = (item for item in fresh if str(item["kind"]).lower() == workload)
    wanted_pod = wanted["spec"]["template"]["spec"]  # type: ignore[index]
    pod = pod_of(terminal, workload)
    assert texts_of(pod) == texts_of(wanted_pod)
    assert pod["terminationGracePeriodSeconds"] == 230
    assert [volume["name"] for volume in pod["volumes"]] == ["webhook-template"]
    (mount,) = pod["containers"][0]["volumeMounts"]
    assert (mount["name"], mount["mountPath"]) == ("webhook-template", "/config/")
    assert_users_own(pod)
    rules = found(terminal, "clusterrole")["rules"]
    (fresh_rules,) = (item["rules"] for item in fresh if item["kind"] == "ClusterRole")
    assert rules == fresh_rules
    assert terminal.object("daemonset", "aws-node-termination-handler-win") is None
    assert (terminal.object("role") is None) is (workload == "daemonset")


def assert_users_own(pod: Json) -> None:
    """Secrets, ConfigMaps, variables."""
    (texts,) = (volume for volume in pod["volumes"] if volume["name"] == "webhook-template")
    assert texts["configMap"]["name"] == "texts"
    env = variables(pod)
    assert env["WEBHOOK_URL"]["valueFrom"]["secretKeyRef"] == {"name": "hook", "key": "webhookurl"}
    assert env["WEBHOOK_TEMPLATE_FILE"]["value"] == "/config/slack.tmpl"
    assert {name: env[name]["value"] for name in EXTRA} == EXTRA


def assert_is_the_original(terminal: Terminal, workload: str) -> None:
    pod = pod_of(terminal, workload)
    names = {volume["name"] for volume in pod["volumes"]}
    assert names == {"webhook-template", *(["uptime"] if workload == "daemonset" else [])}
    assert pod["terminationGracePeriodSeconds"] == 30
    assert "KUBE_API_BURST" not in {each["name"] for each in pod["containers"][0]["env"]}
    assert terminal.object("role") is None
    windows = terminal.object("daemonset", "aws-node-termination-handler-win")
    assert (windows is None) is (workload == "deployment")
    assert {"apiGroups": ["extensions"], "resources": ["daemonsets"], "verbs": ["get"]} in found(
        terminal, "clusterrole"
    )["rules"]


@pytest.mark.parametrize("workload", VALUES)
def test_a_variable_that_was_there_twice_is_there_after_a_second_upgrade_as_the_notes_say(
    terminal: Terminal, tmp_path: Path, workload: str
) -> None:
    extra = [{"name": "TAINT_NODE", "value": "true"}, {"name": "MINE", "value": "kept"}]
    install_old(terminal, VALUES[workload] | {"extraEnv": extra}, tmp_path)
    (first, second) = (terminal.types(f"helm upgrade {RELEASE} NEW_CHART --reuse-values") for _ in range(2))
    assert "run this command once more. The previous release had TAINT_NODE twice" in first
    assert "once more" not in second
    env = texts_of(pod_of(terminal, workload))
    assert (env["TAINT_NODE"], env["MINE"]) == ("true", "kept")


NODES = ("a", "b", "c")


@pytest.fixture
def nodes(bed: RealBed) -> None:
    async def join() -> None:
        for name in NODES:
            await bed.add_node(NodeSpec(name=name))
        await bed.add_node(NodeSpec(name="windows", labels={"kubernetes.io/os": "windows"}))

    asyncio.run(join())


def test_the_daemonset_s_pods_are_replaced_one_by_one_and_those_of_windows_go(
    terminal: Terminal, nodes: None, tmp_path: Path
) -> None:
    install_old(terminal, VALUES["daemonset"], tmp_path)
    terminal.waits_until(lambda: terminal.ready_on() == [*NODES, "windows"])

    notes = terminal.types(f"helm upgrade {RELEASE} NEW_CHART --reuse-values")
    assert "there is no image for Windows, so only Linux nodes are watched" in " ".join(notes.split())
    fewest = fewest_ready_until(terminal, lambda: is_ours_on(terminal, *NODES))
    assert fewest == 2


def test_the_deployment_s_pods_are_replaced_one_by_one(
    terminal: Terminal, nodes: None, tmp_path: Path
) -> None:
    install_old(terminal, VALUES["deployment"], tmp_path)
    terminal.waits_until(lambda: len(terminal.ready_on()) == 2)

    terminal.types(f"helm upgrade {RELEASE} NEW_CHART --reuse-values")
    fewest = fewest_ready_until(terminal, lambda: is_ours_on(terminal, *terminal.ready_on()))
    assert fewest == 2


def is_ours_on(terminal: Terminal, *nodes: str) -> bool:
    """Whether the release's pods are all new and Ready, and on these nodes."""
    new = [pod for pod in terminal.pods() if pod["spec"]["terminationGracePeriodSeconds"] == 230]
    return len(new) == len(terminal.pods()) and terminal.ready_on() == sorted(nodes)


def fewest_ready_until(terminal: Terminal, done: Callable[[], bool]) -> int:
    """How many Linux pods at least were Ready at any look."""
    seen = []

    def looks() -> bool:
        seen.append(len([node for node in terminal.ready_on() if node != "windows"]))
        return done()

    terminal.waits_until(looks)
    return min(seen)
