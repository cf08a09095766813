"""docs/permissions.md tells the rules that the chart makes, and with which values."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.chart.rendering import QUEUE, Chart, of_kind
from tests.deploy.sources import PERMISSIONS, quoted, table

Object = dict[str, Any]
Grant = tuple[str, str]

DRY = {"dryRun": True}
CORDON = {"cordonOnly": True}
POLITE = {"forcePolicy": "never"}
FEWER = {"rbac": {"readControllers": False}}
EVENTS = {"emitKubernetesEvents": True}
CONDITION = {"enableNodeCondition": True}
TOLD = {**EVENTS, **CONDITION}
SEVERAL = {**QUEUE, "replicas": 2}
ROLES = ("ClusterRole", "Role")


def rules(objects: list[Object]) -> list[Object]:
    return [rule for kind in ROLES for role in of_kind(objects, kind) for rule in role["rules"]]


def grants(chart: Chart, values: Object) -> set[Grant]:
    return {
        (resource, verb)
        for rule in rules(chart.objects(values))
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def told() -> dict[Grant, str]:
    """When each right is given, as the table says."""
    given: dict[Grant, str] = {}
    condition = ""
    for resource, verbs, when, *_ in table("## Kubernetes RBAC", PERMISSIONS):
        condition = condition if when == "as above" else when
        given |= {(name, verb): condition for name in quoted(resource) for verb in quoted(verbs)}
    return given


GIVEN: dict[str, Callable[[Object], bool]] = {
    "always": lambda it: True,
    "`enableSqsTerminationDraining`": lambda it: "queueURL" in it,
    "`enableSqsTerminationDraining`, or no `dryRun`": lambda it: "queueURL" in it or "dryRun" not in it,
    "`rbac.readControllers`, unless `dryRun` or `cordonOnly`": lambda it: (
        "rbac" not in it and not {"dryRun", "cordonOnly"} & it.keys()
    ),
    "unless `dryRun`": lambda it: "dryRun" not in it,
    "unless `dryRun` or `cordonOnly`": lambda it: not {"dryRun", "cordonOnly"} & it.keys(),
    "unless `dryRun`, `cordonOnly` or `forcePolicy=never`": lambda it: (
        not {"dryRun", "cordonOnly", "forcePolicy"} & it.keys()
    ),
    "`dryRun`": lambda it: "dryRun" in it,
    "`enableSqsTerminationDraining`, `replicas` of 2 or more, no `dryRun`": lambda it: (
        it.get("replicas") == 2 and "queueURL" in it and "dryRun" not in it
    ),
    "`emitKubernetesEvents`, no `dryRun`": lambda it: "emitKubernetesEvents" in it and "dryRun" not in it,
    "`enableNodeCondition`, no `dryRun`": lambda it: "enableNodeCondition" in it and "dryRun" not in it,
}
"""What the words in the table's third column mean."""


@pytest.mark.parametrize(
    "mode", [{}, {"replicas": 2}, QUEUE, SEVERAL], ids=["metadata", "copies", "queue", "several"]
)
@pytest.mark.parametrize(
    "more",
    [
        {},
        DRY,
        CORDON,
        POLITE,
        FEWER,
        EVENTS,
        CONDITION,
        {**DRY, **TOLD},
        {**DRY, **CORDON},
        {**CORDON, **POLITE, **TOLD},
    ],
    ids=lambda more: " ".join(more) or "defaults",
)
def test_the_table_of_rights_is_what_the_chart_gives(chart: Chart, mode: Object, more: Object) -> None:
    values = {**mode, **more}

    assert grants(chart, values) == {grant for grant, when in told().items() if GIVEN[when](values)}


def test_leases_are_in_reach_in_the_own_namespace_only(chart: Chart) -> None:
    objects = chart.objects(SEVERAL)
    (role,) = of_kind(objects, "Role")
    (binding,) = of_kind(objects, "RoleBinding")

    assert {resource for rule in role["rules"] for resource in rule["resources"]} == {"leases"}
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "kube-system"
    assert binding["subjects"] == of_kind(objects, "ClusterRoleBinding")[0]["subjects"]


@pytest.mark.parametrize("values", [TOLD, {**SEVERAL, **TOLD}, {**QUEUE, **DRY}])
def test_no_rule_is_wider_than_its_words(chart: Chart, values: Object) -> None:
    for rule in rules(chart.objects(values)):
        assert "*" not in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])
        assert rule.keys() == {"apiGroups", "resources", "verbs"}


@pytest.mark.parametrize("values", [{}, SEVERAL])
def test_nothing_is_made_where_the_user_makes_it(chart: Chart, values: Object) -> None:
    objects = chart.objects({**values, "rbac": {"create": False}})

    assert not [item for item in objects if item["apiVersion"].startswith("rbac.")]
