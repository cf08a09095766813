"""The admission policy of metadata mode: what it covers, for whom, and when the chart refuses it.

What the API server makes of it is tested in tests/e2e/test_admission_policy.py.
"""

import re
from typing import Any

import pytest

from nth.core.node.node_annotation import ACTION_LABEL, ACTION_TIME_LABEL, EVENT_ID_LABEL
from nth.core.policy import LOAD_BALANCER_LABEL, OUT_OF_SERVICE_TAINT
from tests.chart.matrix import SETS
from tests.chart.rendering import QUEUE, Chart, kinds, of_kind
from tests.chart.test_permissions import grants
from tests.core.samples import ASG_TAINT, REBALANCE_TAINT, SCHEDULED_TAINT, SPOT_TAINT

POLICY: dict[str, Any] = {"admissionPolicy": {"create": True}}
KINDS = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
LABELS = (ACTION_LABEL, ACTION_TIME_LABEL, EVENT_ID_LABEL, LOAD_BALANCER_LABEL)
TAINTS = (SPOT_TAINT, SCHEDULED_TAINT, ASG_TAINT, REBALANCE_TAINT, OUT_OF_SERVICE_TAINT.key)
VERBS = {"create": "CREATE", "patch": "UPDATE", "update": "UPDATE", "delete": "DELETE"}


def policy(chart: Chart, values: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = chart.one("ValidatingAdmissionPolicy", values)["spec"]
    return spec


def test_safe_9_it_is_off_unless_asked(chart: Chart) -> None:
    for values in ({}, QUEUE):
        assert not set(KINDS) & set(kinds(chart.objects(values)))
    assert set(KINDS) <= set(kinds(chart.objects(POLICY)))


def test_safe_9_it_is_bound_denies_and_fails_closed(chart: Chart) -> None:
    objects = chart.objects(POLICY)
    (made,), (binding,) = (of_kind(objects, kind) for kind in KINDS)

    assert binding["spec"] == {"policyName": made["metadata"]["name"], "validationActions": ["Deny"]}
    assert made["spec"]["failurePolicy"] == "Fail"


@pytest.mark.parametrize("name", ["an admission policy", "an admission policy for a named account"])
def test_safe_9_it_is_about_the_pods_own_account_alone(chart: Chart, name: str) -> None:
    account = chart.pod(SETS[name])["serviceAccountName"]
    (condition,) = policy(chart, dict(SETS[name]))["matchConditions"]

    user = f"system:serviceaccount:kube-system:{account}"
    assert condition["expression"] == f'request.userInfo.username == "{user}"'


@pytest.mark.parametrize(
    "more", [{}, {"emitKubernetesEvents": True, "enableNodeCondition": True}], ids=["defaults", "told"]
)
def test_safe_9_every_write_that_the_role_allows_is_covered(chart: Chart, more: dict[str, Any]) -> None:
    (rule,) = policy(chart, POLICY)["matchConstraints"]["resourceRules"]
    written = {(resource, verb) for resource, verb in grants(chart, more) if verb in VERBS}

    assert len(written) >= 3
    for resource, verb in written:
        whole, _, part = resource.partition("/")
        assert {resource, f"{whole}/*" if part else whole} & set(rule["resources"]), resource
        assert VERBS[verb] in rule["operations"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (QUEUE, "admissionPolicy.create is for metadata mode alone: queue mode's pods act on all nodes"),
        (
            {"serviceAccount": {"create": False}},
            "admissionPolicy.create needs a service account of the handler's own",
        ),
    ],
)
def test_safe_9_what_would_stop_others_is_refused_in_one_line(
    chart: Chart, values: dict[str, Any], words: str
) -> None:
    done = chart.attempt({**values, **POLICY})

    assert done.returncode == 1
    # helm adds a hint about --debug.
    assert words in done.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        ("1.29.0", False),
        ("v1.31.9-eks-1234567", False),
        ("1.32.0", True),
        ("v1.34.1-eks-1", True),
        ("1.20.0", True),
    ],
)
def test_safe_9_a_cluster_that_is_too_old_is_refused_and_one_that_was_not_asked_is_not(
    chart: Chart, version: str, accepted: bool
) -> None:
    """Without a cluster, helm may call itself 1.20."""
    done = chart.attempt(POLICY, "--kube-version", version)

    assert (done.returncode == 0) is accepted
    if not accepted:
        assert "admissionPolicy.create needs Kubernetes 1.32 or later" in done.stderr.splitlines()[0]
    assert chart.attempt({}, "--kube-version", version).returncode == 0


def patterns(expression: str) -> set[str]:
    return set(re.findall(r'matches\("([^"]+)"\)', expression))


def test_safe_9_the_labels_and_taints_that_may_change_are_those_that_the_handler_sets(chart: Chart) -> None:
    spec = policy(chart, POLICY)
    (taints,) = set().union(*(patterns(each["expression"]) for each in spec["variables"]))
    (labels,) = set().union(*(patterns(each["expression"]) for each in spec["validations"]))

    for pattern, keys, others in ((taints, TAINTS, LABELS[3:]), (labels, LABELS, TAINTS[4:])):
        assert [key for key in keys if not re.search(pattern, key)] == []
        strange = (
            "quarantine",
            "node-restriction.kubernetes.io/a",
            "x.aws-node-termination-handler/a",
            *others,
        )
        assert [key for key in strange if re.search(pattern, key)] == []
