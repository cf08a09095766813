"""The admission policy of metadata mode: what it covers, for whom, and when the chart refuses it.

What the API server makes of it is tested in tests/e2e/test_admission_policy.py.
"""

from typing import Any

import pytest

from tests.chart.matrix import SETS
from tests.chart.rendering import QUEUE, Chart, kinds, of_kind
from tests.chart.test_permissions import grants

POLICY: dict[str, Any] = {"admissionPolicy": {"create": True}}
KINDS = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
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
    (line,) = done.stderr.strip().splitlines()
    assert words in line


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
        (line,) = done.stderr.strip().splitlines()
        assert "admissionPolicy.create needs Kubernetes 1.32 or later" in line
    assert chart.attempt({}, "--kube-version", version).returncode == 0
