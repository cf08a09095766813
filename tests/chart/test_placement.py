"""Where pods run: who goes before whom, exactly as in the original's chart."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.chart.matrix import SETS
from tests.chart.rendering import QUEUE, Chart

WINDOWS = {"targetNodeOs": "windows", "windowsImage": {"repository": "registry.example/nth-windows"}}
FIELDS = {"NodeSelector": "nodeSelector", "Affinity": "affinity", "Tolerations": "tolerations"}
"""By the end of the values' names: the pod's field."""
DEFAULT: Mapping[str, Any] = {
    "NodeSelector": {},
    "Affinity": {"nodeAffinity": SETS["the original's defaults"]["daemonsetAffinity"]["nodeAffinity"]},
    "Tolerations": [{"operator": "Exists"}],
}


def sample(end: str, word: str) -> Any:
    if end == "NodeSelector":
        return {"from": word}
    if end == "Tolerations":
        return [{"key": word, "operator": "Exists"}]
    return {"podAffinity": {word: []}}


def key(who: str, end: str) -> str:
    return f"{who}{end}" if who else f"{end[0].lower()}{end[1:]}"


def placed(pod: Mapping[str, Any], end: str, os: str) -> Any:
    """What the pod has of it, without the system that the chart adds."""
    if end != "NodeSelector":
        return pod.get(FIELDS[end])
    assert pod["nodeSelector"]["kubernetes.io/os"] == os
    return {name: value for name, value in pod["nodeSelector"].items() if name != "kubernetes.io/os"}


@pytest.mark.parametrize("os", ["linux", "windows"])
@pytest.mark.parametrize("end", FIELDS)
def test_a_systems_own_goes_before_the_general_and_that_before_the_daemon_sets(
    chart: Chart, end: str, os: str
) -> None:
    base = WINDOWS if os == "windows" else {}
    found = []
    for said in (("daemonset", "", os), ("daemonset", ""), ("daemonset",), ()):
        values = {**base, **{key(who, end): sample(end, who or "general") for who in said}}
        found.append(placed(chart.pod(values), end, os))
    last = sample(end, "daemonset")
    if end == "Affinity":
        # helm adds a map to the default.
        last = {**DEFAULT[end], **last}
    assert found == [sample(end, os), sample(end, "general"), last, DEFAULT[end]]


@pytest.mark.parametrize("end", FIELDS)
def test_the_other_systems_own_is_not_heeded(chart: Chart, end: str) -> None:
    values = {key("windows", end): sample(end, "windows")}
    assert chart.pod(values) == chart.pod({})


@pytest.mark.parametrize("end", FIELDS)
def test_the_deployment_heeds_the_general_alone(chart: Chart, end: str) -> None:
    daemon_sets = {key(who, end): sample(end, who) for who in ("daemonset", "linux", "windows")}
    assert chart.pod({**QUEUE, **daemon_sets}) == chart.pod(QUEUE)
    general = {**QUEUE, key("", end): sample(end, "general")}
    assert placed(chart.pod(general), end, "linux") == sample(end, "general")


@pytest.mark.parametrize("mode", [{}, QUEUE], ids=["metadata", "queue"])
def test_a_selector_may_name_the_system_too(chart: Chart, mode: dict[str, Any]) -> None:
    """In the original's chart it was there twice, which kubectl and others refuse."""
    values = {**mode, "nodeSelector": {"kubernetes.io/os": "linux", "node-role.kubernetes.io/spot": ""}}
    assert chart.pod(values)["nodeSelector"] == values["nodeSelector"]


@pytest.mark.parametrize(("end", "kind"), [("Affinity", dict), ("Tolerations", list)])
def test_the_daemon_sets_own_can_be_taken_away(chart: Chart, end: str, kind: type) -> None:
    assert FIELDS[end] not in chart.pod({}, "--set", f"daemonset{end}=null")
    if kind is list:
        assert FIELDS[end] not in chart.pod({f"daemonset{end}": []})


def test_the_workshops_selector_goes_to_both_modes(chart: Chart) -> None:
    for mode in ({}, QUEUE):
        selector = chart.pod(mode, "--set", "nodeSelector.lifecycle=Ec2Spot")["nodeSelector"]
        assert selector == {"kubernetes.io/os": "linux", "lifecycle": "Ec2Spot"}


@pytest.mark.parametrize(
    ("values", "policy"),
    [
        ({}, "ClusterFirstWithHostNet"),
        ({"linuxDnsPolicy": "Default"}, "Default"),
        ({"linuxDnsPolicy": "Default", "dnsPolicy": "ClusterFirst"}, "ClusterFirst"),
        ({"windowsDnsPolicy": "Default"}, "ClusterFirstWithHostNet"),
        (WINDOWS, "ClusterFirst"),
        ({**WINDOWS, "windowsDnsPolicy": "Default"}, "Default"),
        ({**WINDOWS, "windowsDnsPolicy": "Default", "dnsPolicy": "None"}, "None"),
        ({**QUEUE, "dnsPolicy": "Default", "linuxDnsPolicy": "Default"}, None),
    ],
)
def test_the_general_dns_policy_goes_before_a_systems_own(
    chart: Chart, values: dict[str, Any], policy: str | None
) -> None:
    assert chart.pod(values).get("dnsPolicy") == policy


def test_dns_settings_and_resources_are_handed_on(chart: Chart) -> None:
    for mode in ({}, QUEUE):
        values = {**SETS["a deployment's placement"], **mode} if mode else SETS["its own network"]
        assert chart.pod(values)["dnsConfig"] == values["dnsConfig"]
    assert chart.container(SETS["resources"])["resources"] == SETS["resources"]["resources"]
    assert "resources" not in chart.container({})


def test_update_strategies_are_handed_on(chart: Chart) -> None:
    assert chart.workload({})["spec"]["updateStrategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": "25%"},
    }
    assert chart.workload(SETS["an update strategy"])["spec"]["updateStrategy"] == {"type": "OnDelete"}
    several = SETS["several replicas"]
    assert chart.workload(several)["spec"]["strategy"] == several["strategy"]
    assert "strategy" not in chart.workload(QUEUE)["spec"]
